#!/bin/bash
# SPDX-License-Identifier: MIT
# Shows nurseryd at work on this machine: installs what it needs, builds, starts a private mosquitto and nurseryd in a
# temporary directory, lets nursery-sim play Zhejiang (11 cities, census population, three of them named), and prints the
# units' numbers as they move, and the alert when the scenario's fire comes.   --seconds N ends by itself (default 60)
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=60
sites=300
while [ $# -gt 0 ]; do
	case $1 in
	--seconds) seconds=${2:?--seconds needs a number}; shift 2 ;;
	--sites) sites=${2:?--sites needs a number}; shift 2 ;;
	*) echo "usage: scripts/demo.sh [--seconds N] [--sites N]" >&2; exit 2 ;;
	esac
done

scripts/deps.sh demo
make -s -j"$(nproc)"

here=$(mktemp -d /tmp/nurseryd-demo.XXXXXX)
processes=()
tidy() {
	kill "${processes[@]}" 2>/dev/null || true
	wait 2>/dev/null || true
	rm -rf "$here"
}
trap tidy EXIT
trap 'exit 130' INT TERM

free_port() {
	/usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
wait_for() { # what, command...
	local what=$1
	shift
	for _ in $(seq 100); do
		"$@" >/dev/null 2>&1 && return
		sleep 0.1
	done
	echo "demo: $what did not come up; the last lines of the logs:" >&2
	tail -n 5 "$here"/*.log >&2
	exit 1
}

port=$(free_port)
web=$(free_port)
cat >"$here/mosquitto.conf" <<END
listener $port 127.0.0.1
allow_anonymous true
max_queued_messages 0
END
cat >"$here/nurseryd.conf" <<END
store: { path = "nurseryd.db"; };
policy = "$PWD/config/policy.conf";
mqtt: { url = "mqtt://127.0.0.1:$port"; };
http: { listen = "127.0.0.1:$web"; socket = "nurseryd.sock"; };
indicators: { every = "1s"; };
END

mosquitto -c "$here/mosquitto.conf" >"$here/mosquitto.log" 2>&1 &
processes+=($!)
build/nurseryd -c "$here/nurseryd.conf" >"$here/nurseryd.log" 2>&1 &
processes+=($!)
ctl() { build/nurseryctl --socket "$here/nurseryd.sock" "$@"; }
wait_for nurseryd curl -sf --unix-socket "$here/nurseryd.sock" http://localhost/readyz

# The census file has no figures for children under three: the demo invents 2 % and says so in the source.
awk -F, 'NR > 1 { $4 = int($3 / 50); $5 = $5 "；三岁以下人口为模拟数 (simulated)" } { print }' OFS=, \
	config/data/population-zhejiang-2020.csv >"$here/population.csv"
ctl import population "$here/population.csv"
echo "nurseryd serves http://127.0.0.1:$web/api/v1/units?province=33 ; $sites nurseries publish for $seconds s"
build/nursery-sim --url "mqtt://127.0.0.1:$port" --sites "$sites" --rate 100 --seconds "$seconds" --scenario fire \
	--fire-after $((seconds / 3)) --step $((seconds / 8 + 1)) >"$here/sim.log" 2>&1 &
processes+=($!)
sim=$!

while kill -0 "$sim" 2>/dev/null; do
	sleep $((seconds > 30 ? 10 : 4))
	echo
	date +%T
	ctl units --province 33
	ctl alerts
done
echo
cat "$here/sim.log"
ctl status
echo "the ledger, folded again:"
build/nurseryctl --db "$here/nurseryd.db" verify
