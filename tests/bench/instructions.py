#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Instructions a message, counted by callgrind inside ingest_batch(): the same on a busy machine as on a quiet one.

instructions.py [--messages 4000] [--sites 500] [--keep FILE]     per feed, with the functions that cost most
instructions.py --length [--rows 1000000]                         at 10,000 ledger rows and at ROWS: the ratio

NURSERYD_BUILD names the programs, so that an older commit's can be measured with the same messages."""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from datetime import datetime, timezone
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "crash"))
from messages import Nurseries  # noqa: E402

TOP = HERE.parents[1]
BUILD = Path(os.environ.get("NURSERYD_BUILD", TOP / "build")).resolve()
POLICY = next(p for p in (BUILD.parent / "config/policy.conf", TOP / "config/policy.conf") if p.exists())  # an older commit has its own
PASSED_ON = 1.1  # a longer ledger may cost this much more: deeper trees


def line(message, when):
    return json.dumps({"received_at": when, "topic": message.topic, "payload": message.payload.decode()}, ensure_ascii=False) + "\n"


def now():
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def write(path, messages):
    when, count = now(), 0
    with open(path, "w") as f:
        for message in messages:
            f.write(line(message, when))
            count += 1
    return count


def configure(where):
    (where / "n.conf").write_text(f'store: {{ path = "n.db"; }};\npolicy = "{POLICY}";\n'
                                  f'http: {{ listen = "127.0.0.1:1"; socket = "n.sock"; }};\nlog: {{ level = "error"; }};\n')


def fold(where, name, *before):
    done = subprocess.run([*before, BUILD / "nurseryd", "-c", "n.conf", "--fold", name], cwd=where, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]


def fold_stream(where, messages):
    """Without a file: a million lines are 800 MB."""
    when = now()
    with subprocess.Popen([BUILD / "nurseryd", "-c", "n.conf", "--fold", "-"], cwd=where, stdin=subprocess.PIPE,
                          stdout=subprocess.DEVNULL, text=True) as process:
        for message in messages:
            process.stdin.write(line(message, when))
        process.stdin.close()
        assert process.wait() == 0


def counted(where, name, keep=None):
    """Instructions inside ingest_batch, of one fold."""
    out = where / "callgrind.out"
    fold(where, name, "valgrind", "--tool=callgrind", "--toggle-collect=ingest_batch", f"--callgrind-out-file={out}")
    if keep:
        shutil.copy(out, keep)
    text = subprocess.run(["callgrind_annotate", "--inclusive=yes", "--threshold=100", out], capture_output=True, text=True).stdout
    total = int(re.search(r"([\d,]+) .*PROGRAM TOTALS", text)[1].replace(",", ""))
    functions = re.findall(r"^ *([\d,]+) .*?:([A-Za-z_0-9.]+) \[", text, re.M)
    return total, {f: int(n.replace(",", "")) for n, f in reversed(functions)}


SHOWN = ("json_parse", "json_free", "privacy_check", "fields_read", "streams_sight", "warn", "ledger_append", "outcome_write", "receipt_write",
         "streams_consume", "apply", "standing_mark", "commit", "streams_flush")


def by_feed(options):
    where = Path(tempfile.mkdtemp(prefix="instructions-"))
    try:
        configure(where)
        nurseries, sites, n = Nurseries(options.sites), options.sites, options.messages
        todo = (("registration", nurseries.registrations()), ("enrolment", nurseries.enrolments(n)),
                ("incident", (nurseries.incident(k % sites) for k in range(n // 8))))
        for feed, messages in todo:
            count = write(where / feed, messages)
            total, functions = counted(where, feed, options.keep if feed == "enrolment" else None)
            print(f"{feed:13} {total / count:9,.0f} instructions a message", flush=True)
            if feed == "enrolment":
                for name in SHOWN:
                    if name in functions:
                        print(f"    {name:20} {functions[name] / count:9,.0f}")
    finally:
        shutil.rmtree(where)


def at_length(where, nurseries, rows, written):
    """Enrolments in bulk until the ledger has so many rows, then some counted ones."""
    fold_stream(where, nurseries.enrolments(max(0, rows - written)))
    count = write(where / "probe", nurseries.enrolments(1000))
    return counted(where, "probe")[0] / count


def length(options):
    where = Path(tempfile.mkdtemp(prefix="instructions-"))
    try:
        configure(where)
        nurseries = Nurseries(5000)
        write(where / "sites", nurseries.registrations())
        fold(where, "sites")
        few = at_length(where, nurseries, 10_000, 5000)
        many = at_length(where, nurseries, options.rows, 11_000)
        print(f"enrolment: {few:,.0f} instructions at 10,000 ledger rows, {many:,.0f} at {options.rows:,}: ratio {many / few:.3f}"
              f" (at most {PASSED_ON}), database {(where / 'n.db').stat().st_size >> 20} MiB")
        return 0 if many <= few * PASSED_ON else 1
    finally:
        shutil.rmtree(where)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=4000)
    parser.add_argument("--sites", type=int, default=500)
    parser.add_argument("--length", action="store_true")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--keep", help="callgrind's file of the enrolments")
    options = parser.parse_args()
    if options.length:
        return length(options)
    by_feed(options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
