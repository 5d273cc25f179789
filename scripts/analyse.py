#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""gcc -fanalyzer and clang-tidy over the tree (.clang-tidy has the checks), against scripts/analyse.txt.

    scripts/analyse.py [gcc] [tidy]       default both; exit 1 when something is found or a line of the list is stale"""
import concurrent.futures
import glob
import os
import re
import shlex
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FOUND = re.compile(r"^(\S+?):(\d+):\d+: warning: (.*) \[([\w.,=+-]+)\]$", re.M)
PACKAGES = "sqlite3 jansson libmicrohttpd libcurl libconfig libsystemd libcrypto libmosquitto"
FLAGS = ["-std=gnu17", "-D_GNU_SOURCE", "-DHASH_FUNCTION=HASH_OAT", '-DNURSERYD_VERSION="0"', "-DNURSERYD_BUILD_TIME=1",
         '-DNURSERYD_DATADIR="/"']
PLAIN = dict(os.environ, LC_ALL="C")


def gcc(file, flags):
    return ["gcc", *flags, "-O2", "-fanalyzer", "-c", "-o", "/dev/null", file]


def tidy(file, flags):
    return ["clang-tidy", "--quiet", file, "--", *flags]


ANALYSERS = {"gcc": gcc, "tidy": tidy}


def passes():
    """(check, file) → reason"""
    with open("scripts/analyse.txt", encoding="utf-8") as f:
        rows = (line.split(None, 2) for line in f if line.strip() and not line.startswith("#"))
        return {(check, file): reason for check, file, reason in rows}


def findings(command):
    """(file, line, text, check), or an exit when the analyser itself failed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=PLAIN)
    if done.returncode != 0:
        sys.exit(f"{shlex.join(command)}\n{done.stdout}{done.stderr}")
    for file, line, text, checks in FOUND.findall(done.stdout + done.stderr):
        yield os.path.relpath(file, TOP), int(line), text, checks.split(",")[0]


def analyse(name, files, flags, allowed):
    """(new findings, lines of the list that were used)"""
    new, used = set(), set()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for found in pool.map(lambda file: list(findings(ANALYSERS[name](file, flags))), files):
            for file, line, text, check in found:
                used.add((check, file))
                if (check, file) not in allowed:
                    new.add(f"{file}:{line}: {text} [{check}]")
    stale = {key for key in allowed if key not in used and key[0].startswith("-W") == (name == "gcc")}
    return new, stale


def main():
    os.chdir(TOP)
    names = sys.argv[1:] or list(ANALYSERS)
    if any(name not in ANALYSERS for name in names):
        sys.exit(__doc__)
    files = sorted(f for folder in ("daemon", "collectors", "sinks", "tools") for f in glob.glob(folder + "/*.c"))
    flags = FLAGS + subprocess.run(["pkg-config", "--cflags", *PACKAGES.split()], capture_output=True, text=True,
                                   check=True).stdout.split()
    allowed, bad = passes(), 0
    for name in names:
        new, stale = analyse(name, files, flags, allowed)
        for line in sorted(new):
            print(line)
        for check, file in sorted(stale):
            print(f"scripts/analyse.txt: {check} {file}: nothing is found there any more, remove the line")
        print(f"{name}: {len(files)} files, {len(new)} findings, {len(stale)} stale")
        bad += len(new) + len(stale)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
