#!/bin/sh
# Prints everything that nurseryd tells this site: receipts and requests.   listen.sh -h BROKER -p PORT …
site=${SITE:-52330106MJ0000018E}
exec mosquitto_sub -V 5 -q 1 -v "$@" -t "nursery/v1/+/+/$site/down/#" -t "nursery-test/v1/+/+/$site/down/#"
