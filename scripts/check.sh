#!/bin/bash
# SPDX-License-Identifier: MIT
# Everything CI runs, on a bare Debian 12. Each step prints its headline and time; all steps run even when one fails;
# the exit code and the last lines say what failed.   SKIP="systemd analyse" leaves steps out.
set -uo pipefail
cd "$(dirname "$0")/.."
export PYTHON=${PYTHON:-/usr/bin/python3}
jobs=$(nproc)
# A smaller quarantine and shorter stacks of allocations: half the time of the sanitized programs (measured).
export ASAN_OPTIONS=${ASAN_OPTIONS:-quarantine_size_mb=8:malloc_context_size=5}
# Databases of tests in memory where there is room: a thousand tests wait for the disk else. A short name: the path
# of a socket has 107 bytes.
in_memory=/dev/shm
[ -w $in_memory ] && [ "$(df --output=avail -m $in_memory | tail -n 1)" -gt 4096 ] || in_memory=/tmp
TMPDIR=$(mktemp -d $in_memory/n.XXXX)
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT
failed=()
passed=0

step() { # name, headline, command...
	local name=$1 headline=$2 begin=$SECONDS
	shift 2
	case " ${SKIP:-} " in *" $name "*) echo "--- $name: left out"; return ;; esac
	echo "=== $name: $headline"
	if "$@"; then
		passed=$((passed + 1))
		echo "--- $name: ok, $((SECONDS - begin)) s"
	else
		failed+=("$name")
		echo "--- $name: FAILED, $((SECONDS - begin)) s"
	fi
}

unit_tests() {
	HISTORIES=5 make -j"$jobs" SAN=1 WERROR=1 unit 2>&1 | tee build/unit.log |
		grep -vE '^\[ RUN|^\[       OK|^  (CC|LINK) ' | tail -n 60
	return "${PIPESTATUS[0]}"
}

# Of the end-to-end tests those that ask what the fold makes of long histories, or how long something takes, run the
# optimised programs: under ASan they would take CI beyond its quarter of an hour, and the unit tests fold random histories
# under ASan. SAN_ALL=1: all of them under ASan.
optimised="clients|escalation|examples|grafana|guards|indicators|oracle|page|policy|reports|rule_table|rules|sim|tamper|time|worklist"
[ -z "${SAN_ALL:-}" ] || optimised=none

end_to_end() { # the build, files...: most wait for a broker or a clock: two a processor at once, each in one process
	local build=$1
	shift
	NURSERYD_BUILD=$PWD/build/$build $PYTHON -m pytest -q -n $((jobs * 2)) --dist loadfile --durations=12 --durations-min=8 \
		--basetemp="$TMPDIR/t" -p no:cacheprovider "$@" 2>&1 | tee "build/e2e-$build.log"
	return "${PIPESTATUS[0]}"
}

analyse() {
	# http.c, http_events.c: cppcheck does not see utlist's DL_FOREACH set its variable
	cppcheck -q -j "$jobs" --std=c11 --inline-suppr --error-exitcode=1 --enable=warning,portability \
		--suppress=uninitvar:daemon/http.c --suppress=unknownMacro:daemon/http_events.c --suppress=missingIncludeSystem --suppress=normalCheckLevelMaxBranches -D_GNU_SOURCE daemon collectors sinks tools
}

unit_file() {
	local score
	# verify wants the program to exist; the unit names /usr/bin
	mkdir -p build
	sed "s|/usr/bin/nurseryd|$PWD/build/nurseryd|" systemd/nurseryd.service >build/nurseryd.service
	systemd-analyze verify --man=no build/nurseryd.service || return 1
	score=$(systemd-analyze security --offline=true --no-pager build/nurseryd.service |
		sed -n "s/.*exposure level for [^:]*: \([0-9.]*\).*/\1/p")
	echo "exposure $score, at most 1.5"
	awk -v score="$score" 'BEGIN { exit !(score != "" && score + 0 <= 1.5) }'
}

mkdir -p build
step deps "packages" scripts/deps.sh test
step gcc "gcc -Werror" make -s -j"$jobs" WERROR=1
step clang "clang -Werror, everything" make -s -k -j"$jobs" CC=clang OUT=build/clang WERROR=1 everything
step includes "layers and owners" scripts/check-includes.py
step unit "unit tests, ASan+UBSan" unit_tests
step san "programs, ASan+UBSan" make -s -j"$jobs" SAN=1 WERROR=1
mapfile -t sanitized < <(ls tests/e2e/test_*.py | grep -vE "/test_($optimised)\.py")
mapfile -t others < <(ls tests/e2e/test_*.py | grep -E "/test_($optimised)\.py")
step e2e "end to end, ASan+UBSan: a real broker, a real kill" end_to_end san "${sanitized[@]}"
if [ ${#others[@]} -gt 0 ]; then
	step seams "programs with test seams" make -s -j"$jobs" SEAMS=1 WERROR=1
	step e2e-fold "end to end: the fold's long histories, the page, time" end_to_end seams "${others[@]}"
fi
step fuzz "the fuzz targets over their corpora" make -s -j"$jobs" fuzz FUZZ_SECONDS=0
step analyse "cppcheck" analyse
step fanalyzer "gcc -fanalyzer (clang-tidy: make analyse)" scripts/analyse.py gcc
step unit-file "systemd-analyze verify and security" unit_file
step systemd "a booted systemd in nspawn" make -s systemd-check

grep -hE '^(FAILED|ERROR) |^\[  FAILED' build/unit.log build/e2e-*.log 2>/dev/null | sort -u | head -n 40
tail -qn 1 build/e2e-*.log 2>/dev/null
echo "all in $SECONDS s; steps: $passed passed, ${#failed[@]} failed${failed[*]:+: ${failed[*]}}"
[ ${#failed[@]} -eq 0 ]
