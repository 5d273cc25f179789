#!/bin/sh
# A private broker and a private nurseryd on this machine, to try senders against. Ends with Ctrl-C; leaves nothing.
#   docs/examples/try.sh [PORT]      (after: scripts/deps.sh test && make)
set -eu
port=${1:-18830}
top=$(cd "$(dirname "$0")/../.." && pwd)
here=$(mktemp -d)
trap 'kill $broker $daemon 2>/dev/null; wait; rm -rf "$here"' EXIT
trap 'exit 0' INT TERM

printf 'listener %s 127.0.0.1\nallow_anonymous true\n' "$port" >"$here/mosquitto.conf"
cat >"$here/nurseryd.conf" <<END
store: { path = "nurseryd.db"; };
policy = "$top/config/policy.conf";
mqtt: { url = "mqtt://127.0.0.1:$port"; };
http: { listen = ""; socket = "nurseryd.sock"; };
END
PATH=$PATH:/usr/sbin mosquitto -c "$here/mosquitto.conf" 2>"$here/mosquitto.log" &
broker=$!
NURSERYD_DATADIR=$top/config/data "${NURSERYD:-$top/build/nurseryd}" -c "$here/nurseryd.conf" 2>"$here/nurseryd.log" &
daemon=$!
until grep -q ' mqtt.ready ' "$here/nurseryd.log"; do
	kill -0 $broker && kill -0 $daemon || { cat "$here"/*.log; exit 1; }
	sleep 0.2
done
echo "ready: MQTT on 127.0.0.1:$port; logs in $here"
wait
