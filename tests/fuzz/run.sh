#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs every fuzz target of build/fuzz for FUZZ_SECONDS (default 600) each, one after the other; 0: the corpus only.
#   FUZZ_SECONDS=20 tests/fuzz/run.sh [target...]
# Seeds are the case files of the tests, used in place. What libFuzzer finds new stays in build/fuzz/corpus/TARGET; an
# input that breaks a promise in build/fuzz/found/. A new target is a file fuzz_TARGET.c and a line in seeds().
set -uo pipefail
cd "$(dirname "$0")/../.."
seconds=${FUZZ_SECONDS:-600}
build=${FUZZ_BUILD:-build/fuzz}
failed=()

# A message for the door: topic, line feed, payload.
door_seeds() {
	local feed file n=0
	mkdir -p $build/seeds/door
	for feed in registration enrolment incident survey; do
		for file in tests/feeds/$feed/*/*.json; do
			n=$((n + 1))
			{ printf 'nursery/v1/33/330106/52330106MJ0000018E/up/%s\n' $feed; cat "$file"; } >$build/seeds/door/$n
		done
	done
	echo $build/seeds/door
}

import_seeds() {
	mkdir -p $build/seeds/import
	for file in config/data/*.csv; do
		head -c 3000 "$file" | head -n 30 >"$build/seeds/import/$(basename "$file")"
	done
	echo $build/seeds/import
}

config_seeds() {
	local target=$1
	shift
	mkdir -p $build/seeds/$target
	cp --parents "$@" $build/seeds/$target/
	echo $build/seeds/$target
}

seeds() {
	case $1 in
	registration | enrolment | incident | survey) echo tests/feeds/$1/valid tests/feeds/$1/invalid ;;
	json | privacy | line_protocol | escape) echo tests/feeds/*/valid tests/feeds/*/invalid ;;
	door) door_seeds ;;
	import) import_seeds ;;
	config) config_seeds config config/nurseryd.conf systemd/nurseryd.conf ;;
	policy) config_seeds policy config/policy.conf ;;
	esac
}

# Inputs that once broke a promise, and others made by hand.
found_before() {
	[ ! -d tests/fuzz/$1 ] || echo tests/fuzz/$1
}

run() {
	local target=$1 limits begin=$SECONDS
	local log=$build/$target.log
	mkdir -p $build/corpus/$target $build/found
	limits="-max_total_time=$seconds -max_len=70000"
	[ "$seconds" -eq 0 ] && limits=-runs=0
	# shellcheck disable=SC2046,SC2086
	$build/fuzz_$target $limits -rss_limit_mb=2048 -timeout=20 -print_final_stats=1 -dict=tests/fuzz/words.dict \
		-artifact_prefix=$build/found/$target- $build/corpus/$target $(seeds $target) $(found_before $target) >$log 2>&1
	if [ $? -ne 0 ]; then
		failed+=("$target")
		grep -E 'broken promise|ERROR: |runtime error|SUMMARY' $log | head -5
		tail -5 $log
	fi
	printf '%-13s %10s executions in %4d s, %6s edges, %s\n' "$target" \
		"$(sed -n 's/stat::number_of_executed_units: *//p' $log)" $((SECONDS - begin)) \
		"$(grep -oE 'cov: [0-9]+' $log | tail -1 | cut -c6-)" \
		"$([ ${#failed[@]} -gt 0 ] && [ "${failed[-1]}" = "$target" ] && echo "FAILED, see $log" || echo clean)"
}

export ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=0
export LSAN_OPTIONS=suppressions=$PWD/tests/fuzz/leaks.txt:print_suppressions=0
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
[ $# -gt 0 ] || set -- $(cd tests/fuzz && ls fuzz_*.c | sed 's/fuzz_\(.*\)\.c/\1/')
for target; do
	run "$target"
done
echo "${#failed[@]} of $# targets failed${failed[*]:+: ${failed[*]}}"
[ ${#failed[@]} -eq 0 ]
