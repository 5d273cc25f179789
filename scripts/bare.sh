#!/bin/bash
# SPDX-License-Identifier: MIT
# Proves the two commands of the README on a bare machine: a Debian 12 fresh from debootstrap --variant=minbase, in it
# git alone, a fresh clone of HEAD, and then scripts/demo.sh and scripts/check.sh as a newcomer would type them.
#   scripts/bare.sh [demo] [check] [guide]   default the first two; guide: the integrator's quick start; root only; the folder is removed afterwards unless BARE_KEEP=1
#   BARE_DIR=/var/tmp/…  DEBIAN_MIRROR=http://…  DEMO_SECONDS=30  SKIP=… as scripts/check.sh has it
# A chroot with its own mounts and processes, not nspawn: inside nspawn the nspawn step of check.sh could not run.
set -euo pipefail
cd "$(dirname "$0")/.."
[ "$(id -u)" -eq 0 ] || { echo "bare.sh: needs root (debootstrap, chroot)" >&2; exit 1; }
command -v debootstrap >/dev/null || { echo "bare.sh: needs debootstrap" >&2; exit 1; }
parts=${*:-demo check}
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
root=${BARE_DIR:-$(mktemp -d /var/tmp/nurseryd-bare.XXXXXX)}
mkdir -p "$root"
chmod 755 "$root" # its / : apt, mosquitto and the tests become other users
commands=()
for part in $parts; do
	case $part in
	demo) commands+=("scripts/demo.sh --seconds ${DEMO_SECONDS:-30}") ;;
	check) commands+=("scripts/check.sh") ;;
	guide) commands+=("scripts/quick-start.sh") ;;
	*) echo "usage: scripts/bare.sh [demo] [check] [guide]" >&2; exit 2 ;;
	esac
done

# The mounts live in a namespace of their own and vanish with its last process: rm never meets one.
tidy() { [ -n "${BARE_KEEP:-}" ] && echo "kept: $root" || rm -rf --one-file-system "$root"; }
trap tidy EXIT

echo "=== bare: debootstrap --variant=minbase bookworm"
debootstrap --variant=minbase bookworm "$root" "$mirror" >"$root.log" 2>&1 || { tail "$root.log" >&2; exit 1; }
rm -f "$root.log"
cp /etc/resolv.conf "$root/etc/resolv.conf"
# What an installer and every container runtime write, and debootstrap does not: chromedriver is asked for at "localhost".
echo "127.0.0.1 localhost" >"$root/etc/hosts"
# A branch of that name, whatever is checked out here, so that the clone looks like anybody's.
git init -q --bare -b main "$root/root/nurseryd.git"
git push -q "$root/root/nurseryd.git" HEAD:refs/heads/main
echo "--- bare: $(chroot "$root" dpkg-query -f '.\n' -W | wc -l) packages, $(du -sm "$root" | cut -f1) MiB, no git, no compiler"

inside() { # a line for bash, in the machine
	root=$root unshare --mount --pid --fork --kill-child bash -euc '
		mount --make-rprivate /
		mount --bind "$root" "$root"
		mount -t proc proc "$root/proc"
		mount --rbind /sys "$root/sys"
		mount --rbind /dev "$root/dev"
		mount -t tmpfs tmpfs "$root/run"
		exec chroot "$root" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 TERM=dumb \
			SKIP="${SKIP:-}" ${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} \
			bash -c "$1"' bash "$1"
}

echo "=== bare: apt-get install git; git clone"
inside 'apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends git ca-certificates >/dev/null 2>&1
	cd /root && git clone -q nurseryd.git nurseryd && cd nurseryd && git log -1 --format="%h %s"'

failed=0
for command in "${commands[@]}"; do
	begin=$SECONDS
	echo
	echo "=== bare: $command"
	if inside "cd /root/nurseryd && exec $command" </dev/null; then
		echo "--- bare: $command: ok, $((SECONDS - begin)) s"
	else
		echo "--- bare: $command: FAILED, $((SECONDS - begin)) s"
		failed=1
	fi
done
exit $failed
