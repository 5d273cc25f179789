#!/bin/bash
# SPDX-License-Identifier: MIT
# Installs what nurseryd needs on a bare Debian 12, as root or through sudo; quick when everything is there.
#   scripts/deps.sh [run|build|demo|test|analyse|lint]   run: to run it; build: to compile it; demo: what demo.sh uses; test: what CI
#   uses (default); analyse: for make analyse; lint: for make lint-openapi
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive

run="ca-certificates libjs-chart.js libconfig9 libcurl4 libjansson4 libmicrohttpd12 libmosquitto1 libsqlite3-0 libssl3 libsystemd0 zlib1g"
build="$run gcc git libc6-dev libconfig-dev libcurl4-openssl-dev libjansson-dev libmicrohttpd-dev libmosquitto-dev
	libsqlite3-dev libssl-dev libsystemd-dev make pkg-config uthash-dev zlib1g-dev"
demo="$build curl mosquitto python3-minimal"
test="$demo chromium chromium-driver fonts-noto-cjk python3-selenium clang libclang-rt-dev cppcheck debootstrap groff-base influxdb influxdb-client libcmocka-dev mosquitto-clients openssl procps
	prometheus prometheus-alertmanager python3 python3-aiosmtpd python3-jsonschema python3-paho-mqtt python3-pytest
	python3-pytest-xdist python3-requests python3-yaml sqlite3 systemd systemd-container victoria-metrics"
analyse="$build clang-tidy python3"
lint="nodejs npm"

case "${1:-test}" in
run) wanted=$run ;;
build) wanted=$build ;;
demo) wanted=$demo ;;
analyse) wanted=$analyse ;;
lint) wanted=$lint ;;
test | all) wanted=$test ;;
*) echo "usage: $0 [run|build|demo|test|analyse|lint]" >&2; exit 2 ;;
esac

missing=
for package in $wanted; do
	dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing+=" $package"
done
[ -n "$missing" ] || exit 0

as_root=
if [ "$(id -u)" -ne 0 ]; then
	command -v sudo >/dev/null || { echo "deps.sh: needs root or sudo to install:$missing" >&2; exit 1; }
	as_root="sudo DEBIAN_FRONTEND=noninteractive"
fi
echo "deps.sh: installing:$missing"
# A started broker would sit on port 1883 and disturb the tests: forbid services to start while we install.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
	printf '#!/bin/sh\nexit 101\n' | $as_root tee $policy >/dev/null
	$as_root chmod 755 $policy
	trap '$as_root rm -f $policy' EXIT
fi
$as_root apt-get -qq update
# shellcheck disable=SC2086
$as_root apt-get -qq install -y --no-install-recommends $missing >/dev/null
