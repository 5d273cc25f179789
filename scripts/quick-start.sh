#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs the quick start of docs/integrators-guide.md word for word, timed. The one thing that a person does besides: wait
# for "ready" behind the line that ends with &.   scripts/bare.sh guide runs it on a bare machine.
set -euo pipefail
cd "$(dirname "$0")/.."
commands=$(awk '/^<!-- quick start -->/ { found = 1 } found && /^```$/ { exit } found && !/^<!--|^```/' docs/integrators-guide.md)
[ -n "$commands" ] || { echo "quick-start.sh: the guide has no quick start" >&2; exit 1; }
script=$(mktemp)
log=$(mktemp)
trap 'rm -f "$script" "$log"' EXIT
{
	echo 'set -e'
	while IFS= read -r line; do
		printf 'echo "\$ %s   [$SECONDS s]"\n' "${line%%  #*}"
		case ${line%%#*} in
		*\&*) printf '%s\n' "${line%%&*} >$log 2>&1 &" "until grep -q ready $log; do kill -0 \$! && sleep 0.2; done" ;;
		*) printf '%s\n' "$line" ;;
		esac
	done <<<"$commands"
	echo 'echo "quick start: done   [$SECONDS s]"'
} >"$script"
bash "$script"
