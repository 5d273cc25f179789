#!/bin/bash
# SPDX-License-Identifier: MIT
# A small certificate authority for a trial, a test, or a province that has none: openssl, one folder, EC P-256. Keep the
# folder off the network and out of the repository: who has DIR/ca.key can be every nursery.
#
#   scripts/ca.sh DIR init                  make the authority: ca.crt, ca.key, an empty ca.crl
#   scripts/ca.sh DIR broker HOST [HOST…]   broker.crt, broker.key for these names or addresses
#   scripts/ca.sh DIR client NAME [NAME…]   NAME.crt, NAME.key; NAME is a site id, nurseryd, an office, a gateway
#   scripts/ca.sh DIR revoke NAME           NAME comes in no more, once the broker has read the new ca.crl
#   scripts/ca.sh DIR crl                   a fresh ca.crl: it ends after CRL_DAYS, and without one nobody comes in
#
# DAYS=365 how long a certificate lasts, CRL_DAYS=30; BEGINS and ENDS=YYYYMMDDhhmmssZ set the days exactly.
# The broker reads certificates and the list at start and at SIGHUP (systemctl reload mosquitto).
set -euo pipefail

usage() {
	sed -n '3,13s/^# \{0,1\}//p' "$0" >&2
	exit 2
}

[ $# -ge 2 ] || usage
umask 077
mkdir -p "$1"
dir=$(cd "$1" && pwd)
verb=$2
shift 2

settings() { # the file openssl wants
	cat >"$dir/openssl.cnf" <<END
[ca]
default_ca = trial
[trial]
dir = $dir
database = $dir/index.txt
serial = $dir/serial
crlnumber = $dir/crlnumber
new_certs_dir = $dir/issued
certificate = $dir/ca.crt
private_key = $dir/ca.key
default_md = sha256
default_days = ${DAYS:-365}
default_crl_days = ${CRL_DAYS:-30}
policy = name_only
unique_subject = no
[name_only]
commonName = supplied
[req]
distinguished_name = name
prompt = no
[name]
commonName = nurseryd trial authority
[authority]
basicConstraints = critical, CA:true, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[client]
basicConstraints = CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = clientAuth
[broker]
basicConstraints = CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = ${hosts:-DNS:localhost}
END
}

new_key() { # file
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2>/dev/null
}

issue() { # file name, common name, kind
	settings
	new_key "$dir/$1.key"
	openssl req -new -config "$dir/openssl.cnf" -key "$dir/$1.key" -subj "/CN=$2" -out "$dir/$1.csr"
	openssl ca -batch -notext -config "$dir/openssl.cnf" -extensions "$3" -in "$dir/$1.csr" -out "$dir/$1.crt" \
		${BEGINS:+-startdate "$BEGINS"} ${ENDS:+-enddate "$ENDS"} 2>"$dir/openssl.log" ||
		{ cat "$dir/openssl.log" >&2; exit 1; }
	rm "$dir/$1.csr"
	echo "$dir/$1.crt"
}

crl() {
	settings
	openssl ca -gencrl -config "$dir/openssl.cnf" -out "$dir/ca.crl.new" 2>/dev/null
	chmod 644 "$dir/ca.crl.new"
	mv "$dir/ca.crl.new" "$dir/ca.crl"
}

init() {
	[ ! -e "$dir/ca.key" ] || { echo "ca.sh: $dir/ca.key exists; it is not made anew" >&2; exit 1; }
	mkdir "$dir/issued"
	: >"$dir/index.txt"
	echo 01 >"$dir/crlnumber"
	openssl rand -hex 8 >"$dir/serial"
	settings
	new_key "$dir/ca.key"
	openssl req -new -x509 -config "$dir/openssl.cnf" -extensions authority -key "$dir/ca.key" -days 3650 -out "$dir/ca.crt"
	crl
	echo "$dir/ca.crt"
}

# What may stand in a name: nothing that a topic filter, an ACL line or a file name would read as more.
check_name() {
	[[ $1 =~ ^[A-Za-z0-9][A-Za-z0-9.-]{0,63}$ ]] || { echo "ca.sh: not a name: $1" >&2; exit 2; }
}

case $verb in
init) init ;;
broker)
	[ $# -ge 1 ] || usage
	hosts=
	for host in "$@"; do
		check_name "$host"
		kind=DNS
		[[ $host =~ ^[0-9.]+$ ]] && kind=IP
		hosts+="${hosts:+,}$kind:$host"
	done
	issue broker "$1" broker
	;;
client)
	[ $# -ge 1 ] || usage
	for name in "$@"; do
		check_name "$name"
		case $name in ca | broker) echo "ca.sh: the name $name is taken" >&2; exit 2 ;; esac
		issue "$name" "$name" client
	done
	;;
revoke)
	[ $# -eq 1 ] || usage
	check_name "$1"
	settings
	openssl ca -config "$dir/openssl.cnf" -revoke "$dir/$1.crt" 2>/dev/null
	crl
	;;
crl) crl ;;
*) usage ;;
esac
