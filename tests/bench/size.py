#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Bytes of database a message, per feed: a fold before and after so many messages, pages counted by SQLite's dbstat.

size.py [--messages 10000] [--sites 1000]"""
import argparse
import shutil
import sqlite3
import tempfile
from collections import Counter
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import instructions
from messages import SHANGHAI, Message, Nurseries

# Where a table's bytes belong; what is not named is a fact.
PARTS = {"ledger": "ledger", "message": "identity", "stream": "identity", "identity": "identity", "site": "identity", "gap": "identity",
         "stream_epoch": "identity", "refused": "identity"}
DERIVED = ("sample", "province_sum", "open_month", "dirty", "dirty_range", "frozen", "due", "late_month", "division", "workday", "designation",
           "policy", "import", "progress", "instance", "interruption", "sqlite_schema")
COLUMNS = ("payload", "ledger", "identity", "facts", "indexes", "all")


def ballots(nurseries, total):
    now = datetime.now(SHANGHAI) - timedelta(minutes=1)
    current = f"{now.year}H{1 if now.month <= 6 else 2}"
    for k in range(total):
        i, seq = k % nurseries.count, k // nurseries.count + 1
        site, topic = nurseries.codes[i], nurseries.enrolment(i).topic
        division = topic.split("/")[3]
        body = (f'{{"round":"{current}","form":"ballot","respondent":"family","token":"{k:016d}",'
                f'"answers":{{"policy":4,"service":5,"safety":5,"price":3,"overall":5}}}}')
        yield Message((site, "survey", 1, seq), topic.replace("/enrolment", "/survey"),
                      f'{{"v":1,"site":"{site}","division":"{division}","epoch":1,"seq":{seq},"sent_at":"{now.isoformat(timespec="seconds")}",'
                      f'"kind":"report","sw":"crash/1","body":{body}}}'.encode())


def bytes_by_part(db):
    parts = Counter()
    with closing(sqlite3.connect(db)) as c:
        indexes = {name: table for name, table in c.execute("SELECT name, tbl_name FROM sqlite_schema WHERE type = 'index'")}
        for name, size in c.execute("SELECT name, sum(payload + 8 * ncell) FROM dbstat GROUP BY name"):
            table = indexes.get(name, name)
            if table not in DERIVED:
                parts["indexes" if name in indexes else PARTS.get(table, "facts")] += size
    return parts


def measure(messages, sites):
    """Per feed the bytes a message, by part. Payload bytes of cells, without the free space of pages."""
    where = Path(tempfile.mkdtemp(prefix="size-"))
    try:
        instructions.configure(where)
        nurseries, result = Nurseries(sites), {}
        for feed, made in (("registration", nurseries.registrations()), ("enrolment", nurseries.enrolments(messages)),
                           ("incident", (nurseries.incident(k % sites) for k in range(messages // 4))),
                           ("survey", ballots(nurseries, messages // 2))):
            made = list(made)
            before = bytes_by_part(where / "n.db") if (where / "n.db").exists() else Counter()
            instructions.write(where / feed, made)
            instructions.fold(where, feed)
            after = bytes_by_part(where / "n.db")
            each = {part: (after[part] - before[part]) / len(made) for part in ("ledger", "identity", "facts", "indexes")}
            result[feed] = {"payload": sum(len(m.payload) for m in made) / len(made), **each, "all": sum(each.values())}
        return result
    finally:
        shutil.rmtree(where)


def rows(result):
    """For bench.py's table."""
    return [(f"(6) bytes a message, {feed}", f"{r['all']:.0f}: " + ", ".join(f"{part} {r[part]:.0f}" for part in COLUMNS[1:-1])
             + f"; its payload has {r['payload']:.0f}", "", None) for feed, r in result.items()]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--sites", type=int, default=1000)
    options = parser.parse_args()
    result = measure(options.messages, options.sites)
    print("| feed | " + " | ".join(COLUMNS) + " |\n|---" + "|---" * len(COLUMNS) + "|")
    for feed, r in result.items():
        print(f"| {feed} | " + " | ".join(f"{r[c]:.0f}" for c in COLUMNS) + " |")


if __name__ == "__main__":
    main()
