#!/bin/sh
# Sends one enrolment message and prints its receipt; exit 0 when it was accepted.
#   SEQ=1 ROOT=nursery-test first-message.sh -h BROKER -p 8883 --cafile ca.crt --cert SITE.crt --key SITE.key
set -eu
site=${SITE:-52330106MJ0000018E}
division=${DIVISION:-330106}
place=${ROOT:-nursery-test}/v1/$(printf %.2s "$division")/$division/$site
message=$("$(dirname "$0")/message.sh" "${SEQ:-1}")

# mosquitto_rr subscribes to the receipt first, then publishes: no receipt is missed. (Its -f and -s send nothing in 2.0.11.)
receipt=$(mosquitto_rr -V 5 -q 1 -W 30 "$@" -t "$place/up/enrolment" -e "$place/down/receipt" -m "$message")
echo "$receipt"
case $receipt in *'"status":"accepted"'*) ;; *) exit 1 ;; esac
