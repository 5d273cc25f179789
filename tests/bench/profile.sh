#!/bin/sh
# SPDX-License-Identifier: MIT
# Where nurseryd's time goes while it drains a backlog: the 25 hottest symbols, then the same with callees.
set -e
here=$(cd "$(dirname "$0")" && pwd)
recorded=$(mktemp /tmp/nurseryd-perf-XXXXXX)
trap 'rm -f "$recorded"' EXIT
/usr/bin/python3 "$here/bench.py" --messages "${1:-200000}" --profile "$recorded"
echo "== self"
perf report -i "$recorded" --stdio --no-children -g none --percent-limit 0.3 2>/dev/null | grep -E '^ +[0-9]' | head -25
echo "== with callees"
perf report -i "$recorded" --stdio --children -g none --percent-limit 0.7 2>/dev/null | grep -E "^ +[0-9].* nurseryd  +nurseryd " | head -70
echo "== by library"
perf report -i "$recorded" --stdio --no-children -g none --sort dso 2>/dev/null | grep -E "^ +[0-9]" | head
