#!/bin/sh
# Prints an enrolment message of today.   message.sh [SEQ]
site=${SITE:-52330106MJ0000018E}
division=${DIVISION:-330106}
cat <<END
{"v":1,"site":"$site","division":"$division","epoch":1,"seq":${1:-1},
 "sent_at":"$(date -u +%Y-%m-%dT%H:%M:%SZ)","kind":"report","sw":"first-steps/1.0",
 "body":{"as_of":"$(TZ=CST-8 date +%Y-%m-%d)","open":true,"places":60,
  "enrolled":{"under12":4,"m12_23":14,"m24_35":24,"over36":0},
  "mode":{"fullday":38,"halfday":4,"hourly":0,"temporary":0},"attended":39,"waiting":3}}
END
