#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The worklist of a whole country: facts written as SQL, then every page of GET /worklist asked of a daemon.

usage: worklist.py [SITES]     default 100000; a folder in TMPDIR (about 2.5 KiB a site); build/nurseryd"""
import datetime
import pathlib
import sqlite3
import sys
import tempfile
import time

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1] / "e2e")]
from test_fold import registration  # noqa: E402
from test_worklist import World  # noqa: E402

CLASSES = "1 10 2;2 12 2;2 12 2;"
DAYS, SILENT_EVERY, GAP_EVERY, CITY = 40, 1000, 50, 300
QUESTIONS = ["", "&unit=330100"] + [f"&kind={k}" for k in ("silent-site", "over-capacity", "carer-ratio", "sequence-gap", "rejected-message")]


def fill(world, sites):
    """One nursery by the door; the others are copies of its rows, CITY of them in 330100, the rest in 330200."""
    today = datetime.date.today()
    world.fold(world.line(today - datetime.timedelta(days=60), "registration", registration(effective_on="2024-01-01")),
               world.report(today - datetime.timedelta(days=1)))
    with sqlite3.connect(world.db) as db:
        one = {t: list(db.execute(f"SELECT * FROM {t}").fetchone()) for t in ("site", "registration", "enrolment")}
        column = {t: [c[1] for c in db.execute(f"PRAGMA table_info({t})")] for t in one}

        def copies(table, rows):
            db.executemany(f"INSERT INTO {table} VALUES({','.join('?' * len(one[table]))})", rows)

        def like(table, **change):
            return [change.get(c, v) for c, v in zip(column[table], one[table])]

        ids = range(2, sites + 2)
        copies("site", (like("site", id=i, code=f"X{i:017d}", unit="330100" if i < CITY else "330200") for i in ids))
        copies("registration", (like("registration", site=i) for i in ids))
        newest = one["enrolment"][column["enrolment"].index("day")]
        for back in range(DAYS):
            if (today - datetime.timedelta(days=back + 1)).weekday() < 5:
                copies("enrolment", (like("enrolment", day=newest - back, site=i, classes=CLASSES) for i in ids
                                     if back >= 20 or i % SILENT_EVERY))
        db.executemany("INSERT INTO gap VALUES(?, 1, 1, 5, 7, 1790000000000)", [(i,) for i in ids if i % GAP_EVERY == 0])


def ask(world, question):
    after, items, pages, worst, start = "", 0, 0, 0, time.monotonic()
    while after is not None:
        began = time.monotonic()
        status, page = world.ask("GET", f"/api/v1/worklist?limit=1000{question}{after and '&after=' + after}")
        assert status == 200, page
        worst = max(worst, time.monotonic() - began)
        items, pages, after = items + len(page["items"]), pages + 1, page["next"]
    print(f"{question or 'everything':24} {items:6} items  {pages:3} pages  {time.monotonic() - start:6.2f} s  longest answer {worst * 1000:4.0f} ms", flush=True)


def main():
    with tempfile.TemporaryDirectory() as folder:
        world = World(pathlib.Path(folder))
        fill(world, int(sys.argv[1]) if len(sys.argv) > 1 else 100000)
        world.start()
        try:
            for question in QUESTIONS:
                ask(world, question)
        finally:
            world.stop(9)


if __name__ == "__main__":
    main()
