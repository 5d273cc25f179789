#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""How fast a country's indicators are computed: UNITS cities × 300 nurseries × DAYS days of facts are written into a
fresh database as SQL, every day is marked, and `nurseryd --fold` of an empty file computes them all.

indicators.py [UNITS] [DAYS] [--api] [--live] [--keep]

--api: five years of one indicator are read. --live: 1,000 messages a second, first with nothing to compute, then while
every day of everybody waits to be computed again; and that again at 10 a second, which is what a country sends. 340 cities × 400 days need 8 GiB in $TMPDIR and a quarter of an hour."""
import contextlib
import csv
import json
import os
import pathlib
import random
import re
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "crash"), str(HERE)]
import bench  # noqa: E402
import clients  # noqa: E402
from messages import Nurseries  # noqa: E402
from rig import Rig, free_port  # noqa: E402

TOP = HERE.parents[1]
BUILD = pathlib.Path(os.environ.get("NURSERYD_BUILD", TOP / "build")).resolve()
NUMBERS = [int(a) for a in sys.argv[1:] if a.isdigit()]
UNITS, DAYS = (NUMBERS + [34, 400][len(NUMBERS):])[:2]
SITES, LIVE_SECONDS, PORT = 300, 20, free_port()
LINE = {"received_at": "2026-11-23T12:00:00Z", "topic": "nursery/v1/33/330106/52330106MJ0000018E/up/enrolment", "payload": "{"}


@contextlib.contextmanager
def opened(path):
    """Closed behind it: a forgotten handle of the file shares its log's index with a later one, under a path that is no more."""
    db = sqlite3.connect(path, timeout=60)
    try:
        with db:
            yield db
    finally:
        db.close()


def unit_of(county):
    return county if county[:2] in ("11", "12", "31", "50") or county[2:4] == "90" else county[:4] + "00"


def units():
    """Real ones: a province's average is of the units that the divisions know. Zhejiang, which is read, first; then cities
    of prefecture level, of which there are 333, then districts of municipalities and counties directly under a province."""
    with open(TOP / "config/data/divisions.csv", encoding="utf-8-sig") as f:
        codes = {unit_of(row["code"]) for row in csv.DictReader(f) if row["level"] == "county"}
    ordered = sorted(codes, key=lambda c: (c[:2] != "33", c[4:] != "00", c))
    assert len(ordered) >= UNITS, f"there are only {len(ordered)}"
    return ordered[:UNITS]


def facts(db, today):
    r = random.Random(1)
    ids = list(range(1000, 1000 + UNITS * SITES))
    r.shuffle(ids)  # sites are numbered as they arrive: a unit's lie everywhere
    of_unit = {}
    for n, unit in enumerate(units()):
        of_unit[unit] = sorted(ids[n * SITES:(n + 1) * SITES])
        db.executemany("INSERT INTO site VALUES(?, ?, 1, ?, ?, 1, 1, ?)",
                       ((i, f"X{i}", unit[:4] + "02" if unit[4:] == "00" else unit, unit, today - DAYS) for i in of_unit[unit]))
        db.executemany("INSERT INTO registration VALUES(?, ?, 1, 1, ?, 0, 1, 'x', 0, 0, 0, 2, 1, NULL, NULL, 10, 20, 30, 0, 1, 1,"
                       " NULL, NULL, NULL, NULL)", ((i, today - DAYS, i) for i in of_unit[unit]))
        db.execute("INSERT INTO dirty_range VALUES(0, ?, ?, ?)", (unit, today - DAYS, today))
    everyone = sorted(ids)
    classes = "0 8 3;1 14 3;2 18 3;2 15 2;"
    for day in range(today - DAYS, today + 1):
        weekend = (day + 4) % 7 in (0, 6)
        sent = [i for i in everyone if r.random() > (0.8 if weekend else 0.05)]
        db.executemany("INSERT INTO enrolment VALUES(?, ?, 1, ?, ?, ?, 0, 1, ?, 60, 8, 14, 18, 0, 38, 2, 0, 0, 36, 3, ?, 11, 1, 1)",
                       ((day, i, day, day * 1000000 + i, day * 86400000, int(not weekend), classes) for i in sent))
    return len(everyone)


def compute(where):
    (where / "empty").write_text("")
    started = time.monotonic()
    done = subprocess.run([BUILD / "nurseryd", "-c", "n.conf", "--fold", "empty"], cwd=where, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return time.monotonic() - started


def five_years(where, today):
    """1,826 days of one indicator of every unit, copied from the last computed day."""
    with opened(where / "n.db") as db:
        db.execute("CREATE TEMP TABLE last AS SELECT * FROM sample WHERE period = 'day' AND as_of = ? AND indicator = 'utilisation'", (today,))
        db.execute("WITH RECURSIVE g(value) AS (SELECT 0 UNION ALL SELECT value + 1 FROM g WHERE value < 1825)"
                   " INSERT OR IGNORE INTO sample SELECT s.unit, s.indicator, s.period, ? - g.value, s.numerator, s.denominator,"
                   " s.status, s.reason, s.completeness_n, s.completeness_d, s.stale, s.missing, 1, 0, s.sources, 1, NULL"
                   " FROM last s, g", (today,))
    with open(where / "log", "w") as log:
        daemon = subprocess.Popen([BUILD / "nurseryd", "-c", "n.conf"], cwd=where, stderr=log)
    try:
        return [read_all(units()[0]) for _ in range(120)][20:]
    finally:
        daemon.terminate()
        daemon.wait()


def read_all(unit):
    base = f"http://127.0.0.1:{PORT}/api/v1/units/{unit}/indicators/utilisation?from=2010-01-01&to=2030-01-01&limit=1000"
    for _ in range(200):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{PORT}/healthz").read()
            break
        except OSError:
            time.sleep(0.05)
    started, after, items = time.monotonic(), None, 0
    while True:
        body = urllib.request.urlopen(base + (f"&after={after}" if after else "")).read()
        items += body.count(b'"period"')
        after = json.loads(b"{" + body[body.rindex(b'"next"'):]).get("next")
        if not after:
            assert items >= 1826, items
            return time.monotonic() - started


def computed(rig):
    """Unit-days since the daemon started."""
    return int(re.search(r"^nurseryd_recomputations_total (\d+)", rig.daemon.ask("/metrics")[1], re.M)[1])


def history_left(db):
    with opened(db) as c:
        return c.execute("SELECT ifnull(sum(last - first + 1), 0) FROM dirty_range").fetchone()[0]


def mark_everything(db, today):
    with opened(db) as c:
        c.executemany("INSERT OR REPLACE INTO dirty_range VALUES(0, ?, ?, ?)", ((u, today - DAYS, today) for u in units()))


def live(where, today):
    """What a receipt takes while nothing, and then while everything is computed again beside it."""
    with Rig() as rig:
        shutil.move(where / "n.db", rig.daemon.db)
        nurseries = Nurseries(5000)
        bench.register_all(rig, nurseries)
        for what, rate in (("nothing waits", 1000), ("the country is computed again", 1000), ("the country is computed again", 10)):
            if what != "nothing waits":
                mark_everything(rig.daemon.db, today)
            rig.daemon.start()
            clients.ingest(rig, nurseries, rate, 3)  # its caches warm up
            before, left, started = computed(rig), history_left(rig.daemon.db), time.monotonic()
            r = clients.ingest(rig, nurseries, rate, LIVE_SECONDS)
            took = time.monotonic() - started
            days, history = (computed(rig) - before) / took, (left - history_left(rig.daemon.db)) / took
            print(f"live, {what}: {r['rate']:.0f}/s, receipt p50 {r['p50']:.2f} ms, p99 {r['p99']:.2f} ms, p99.9 {r['p999']:.2f} ms,"
                  f" {r['lost']} without a receipt; {days:.0f} unit-days/s, of history {history:.0f}", flush=True)
            rig.daemon.stop()


def main():
    where = pathlib.Path(tempfile.mkdtemp(prefix="indicators-"))
    try:
        measure(where)
    finally:
        if "--keep" in sys.argv:
            print(where)
        else:
            shutil.rmtree(where)


def measure(where):
    (where / "n.conf").write_text(f'store: {{ path = "n.db"; }};\npolicy = "{TOP}/config/policy.conf";\n'
                                  f'http: {{ listen = "127.0.0.1:{PORT}"; socket = "n.sock"; }};\n'
                                  f'mqtt: {{ url = "mqtt://127.0.0.1:1"; }};\n')
    (where / "one").write_text(json.dumps(LINE) + "\n")
    subprocess.run([BUILD / "nurseryd", "-c", "n.conf", "--fold", "one"], cwd=where, check=True, capture_output=True)
    today = int(time.time() + 8 * 3600) // 86400
    with opened(where / "n.db") as db:
        db.execute("PRAGMA synchronous = OFF")
        sites = facts(db, today)
    took = compute(where)
    unit_days = UNITS * (DAYS + 1)
    print(f"{sites} nurseries, {unit_days} unit-days: {took:.1f} s, {unit_days / took:.0f} unit-days/s,"
          f" 340 units × 400 days: {340 * 401 / (unit_days / took):.0f} s; database {(where / 'n.db').stat().st_size >> 20} MiB", flush=True)
    if "--api" in sys.argv:
        times = five_years(where, today)
        print(f"five years of one indicator: p50 {statistics.median(times) * 1000:.1f} ms,"
              f" p99 {sorted(times)[-2] * 1000:.1f} ms", flush=True)
    if "--live" in sys.argv:
        live(where, today)


if __name__ == "__main__":
    main()
