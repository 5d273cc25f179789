#!/bin/sh
# Publishes a file and lets nurseryd say what it thinks of it (see listen.sh).   publish.sh FEED FILE -h BROKER -p PORT …
set -eu
feed=$1
file=$2
shift 2
site=${SITE:-52330106MJ0000018E}
division=${DIVISION:-330106}
exec mosquitto_pub -V 5 -q 1 "$@" -f "$file" \
	-t "${ROOT:-nursery-test}/v1/$(printf %.2s "$division")/$division/$site/up/$feed"
