#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Boots a real systemd in systemd-nspawn and looks at the installed unit from inside. Root only.

    tests/systemd/nspawn.py            the Debian root is made once by debootstrap and kept in $NSPAWN_CACHE
                                       (default /var/cache/nurseryd); each run boots a copy, twice.
    NURSERYD_BUILD=build/san           programs to install, default build

The last line is `N passed, N failed`. What runs inside stands in inside.py beside this file."""
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
CACHE = os.environ.get("NSPAWN_CACHE", "/var/cache/nurseryd")
PACKAGES = ("systemd,systemd-sysv,libnss-systemd,python3,mosquitto,mosquitto-clients,libconfig9,libcurl4,libjansson4,"
            "libmicrohttpd12,libmosquitto1,libsqlite3-0,libssl3,libsystemd0,procps")
BOOT_SECONDS = 240

UNIT = """[Unit]
Description=nurseryd seen from inside
After=basic.target
SuccessAction=poweroff
FailureAction=poweroff
[Service]
Type=oneshot
TimeoutStartSec=200s
ExecStart=/usr/bin/python3 /opt/inside.py
[Install]
WantedBy=multi-user.target
"""


def run(*command, **more):
    return subprocess.run(command, check=True, **more)


def base_root():
    """A Debian with what nurseryd needs at run time; made once a package list."""
    root = os.path.join(CACHE, "root-" + hashlib.sha256(PACKAGES.encode()).hexdigest()[:12])
    if os.path.exists(root):
        return root
    os.makedirs(CACHE, exist_ok=True)
    making = root + ".making"
    shutil.rmtree(making, ignore_errors=True)
    print("debootstrap …", flush=True)
    run("debootstrap", "--variant=minbase", "--include=" + PACKAGES, "bookworm", making,
        os.environ.get("DEBIAN_MIRROR", "http://deb.debian.org/debian"), stdout=subprocess.DEVNULL)
    shutil.rmtree(os.path.join(making, "var/cache/apt"), ignore_errors=True)
    os.rename(making, root)
    return root


def install(root):
    run("make", "-s", "-C", TOP, "install", "DESTDIR=" + root)
    build = os.environ.get("NURSERYD_BUILD")
    if build:
        for name in ("nurseryd", "nurseryctl"):
            shutil.copy2(os.path.join(TOP, build, name), os.path.join(root, "usr/bin", name))
    os.makedirs(os.path.join(root, "opt"), exist_ok=True)
    shutil.copy2(os.path.join(HERE, "inside.py"), os.path.join(root, "opt/inside.py"))
    with open(os.path.join(root, "etc/systemd/system/inside.service"), "w", encoding="utf-8") as f:
        f.write(UNIT)
    # What a package would do after unpacking; then inside.py starts what it wants to look at.
    run("systemd-sysusers", "--root=" + root, stdout=subprocess.DEVNULL)
    run("journalctl", "--root=" + root, "--update-catalog", stdout=subprocess.DEVNULL)
    run("systemctl", "-q", "--root=" + root, "disable", "mosquitto", "nurseryd", stderr=subprocess.DEVNULL)
    run("systemctl", "-q", "--root=" + root, "enable", "inside", stderr=subprocess.DEVNULL)


def boot(root, log):
    """True when the machine powered off by itself."""
    command = ["systemd-nspawn", "-q", "--register=no", "--keep-unit", "--private-network", "-D", root,
               "/lib/systemd/systemd", "--log-target=journal"]
    environment = dict(os.environ, SYSTEMD_NSPAWN_UNIFIED_HIERARCHY="1")
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment) as machine:
        try:
            return machine.wait(timeout=BOOT_SECONDS) == 0
        except subprocess.TimeoutExpired:
            machine.terminate()
            try:
                machine.wait(timeout=10)
            except subprocess.TimeoutExpired:
                machine.kill()
            return False


def results(root):
    path = os.path.join(root, "var/lib/inside/results.jsonl")
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def journal(root, unit):
    return subprocess.run(["journalctl", "-D", os.path.join(root, "var/log/journal"), "--no-pager", "-o", "short-precise",
                           "-u", unit, "-n", "400"], capture_output=True, text=True, check=False).stdout


def main():
    if os.geteuid() != 0:
        print("nspawn.py: needs root", file=sys.stderr)
        return 1
    base = base_root()
    work = tempfile.mkdtemp(prefix="run-", dir=CACHE)
    root = os.path.join(work, "root")
    try:
        run("cp", "-a", "--reflink=auto", base, root)
        os.makedirs(os.path.join(root, "var/log/journal"), exist_ok=True)
        install(root)
        with open(os.path.join(work, "console.log"), "w", encoding="utf-8") as log:
            ends = [boot(root, log) for _ in range(2)]
        found = results(root)
        for number, ended in enumerate(ends, 1):
            found.append({"name": f"boot {number} ends by itself", "ok": ended, "why": ""})
        for number in (1, 2):
            done = any(r["name"] == f"boot {number} looked at everything" for r in found)
            if not done:
                found.append({"name": f"boot {number} looked at everything", "ok": False, "why": "cut short"})
        for r in found:
            print(f"{'ok    ' if r['ok'] else 'FAILED'} {r['name']}{' -- ' + r['why'] if r['why'] and not r['ok'] else ''}")
        bad = [r for r in found if not r["ok"]]
        if bad:
            print(journal(root, "nurseryd"))
            print(journal(root, "inside"))
            with open(os.path.join(work, "console.log"), encoding="utf-8", errors="replace") as f:
                print("".join(line for line in f if "FAILED" in line)[-2000:])
        print(f"{len(found) - len(bad)} passed, {len(bad)} failed")
        return 1 if bad else 0
    finally:
        if not os.environ.get("NSPAWN_KEEP"):
            shutil.rmtree(work, ignore_errors=True)
        else:
            print("kept:", work)


if __name__ == "__main__":
    sys.exit(main())
