#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Every edit, deletion, swap or cut of the past is found by `nurseryctl verify --head N:HASH` (DOMAIN §6).

tamper.py [--runs 1000] [--seed N] [--keep DIR]: a small database with rows in every folded table is copied and tampered with,
the way somebody with the file and sqlite3 could: one column, one row, two rows, the end, rows put in; ledger and folded tables;
also with every hash behind it computed anew, and with the folded tables rebuilt from the forged ledger, which only the head that
someone outside kept finds. Exit 1 when one is not found. Needs build/{nurseryd,nurseryctl}."""
import argparse
import collections
import datetime
import os
import pathlib
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e")]
import chain  # noqa: E402
from test_cases import Office  # noqa: E402
from test_fold import BUILD, HANGZHOU, JIAXING, OTHER, SITE, TOP, enrolment, incident, line, message, registration  # noqa: E402
from test_survey import ballot, tally  # noqa: E402

TABLES = {name: (key, kind) for name, key, kind in re.findall(r'\{ "(\w+)", "([^"]+)", TABLE_(\w+) \}', (TOP / "daemon/schema.c").read_text())}
FOLDED = [t for t, (_, kind) in TABLES.items() if kind == "FOLDED"]


# ---- a small database with everything in it ----

def own_data(where):
    """The divisions of Zhejiang, the calendar, and Hangzhou named."""
    data = where / "data"
    data.mkdir()
    shipped = TOP / "config/data"
    for f in shipped.iterdir():
        shutil.copy(f, data)
    rows = (shipped / "divisions.csv").read_text().splitlines(keepends=True)
    (data / "divisions.csv").write_text("".join(r for r in rows if r.startswith(("code", "33"))))
    with open(data / "designations.csv", "a") as f:
        f.write("330100,杭州市,2021-2022,named,2023-03-21,test\n")
    return str(data)


def history():
    """From August to the end of November 2026, three nurseries; what is refused, too."""
    third, seq = SITE + "-01", collections.Counter()

    def say(at, feed, body, site=SITE, division=HANGZHOU, kind="report", skip=0, **more):
        seq[site, feed] += 1 + skip
        return line(at, feed, message(seq[site, feed], body, kind, site=site, division=division, sent_at=at, **more), site, division)

    places = [(SITE, HANGZHOU), (OTHER, JIAXING), (third, HANGZHOU)]
    for site, division in places:
        yield say("2026-08-01T01:00:00Z", "registration", registration(effective_on="2026-08-01", filing_no="备-1"), site, division)
    for month, day in [(m, d) for m in (8, 9, 10, 11) for d in (3, 10, 17, 24)]:
        for site, division in places:
            on = f"2026-{month:02d}-{day:02d}"
            yield say(f"{on}T08:00:00Z", "enrolment", enrolment(as_of=on, toddlers=10 + day % 5, staff={"carers": 9}), site, division)
        if day == 24:
            yield say(f"2026-{month:02d}-24T09:00:00Z", "enrolment", enrolment(as_of=f"2026-{month:02d}-24", places=59), kind="amend",
                      ref={"epoch": 1, "seq": seq[SITE, "enrolment"]}, reason="miscounted")
            yield say(f"2026-{month:02d}-24T10:00:00Z", "enrolment", enrolment(as_of=f"2026-{month:02d}-24"), OTHER, JIAXING, skip=2)  # a gap
    yield say("2026-11-24T10:10:00Z", "enrolment", None, third, kind="retract", ref={"epoch": 1, "seq": 1}, reason="another nursery's")
    yield say("2026-11-24T10:20:00Z", "enrolment", enrolment(attended=999))                                        # rejected
    yield say("2026-11-24T10:21:00Z", "enrolment", enrolment(phone=1))                                             # personal data
    yield line("2026-11-24T10:22:00Z", "enrolment", "{not json")
    yield line("2026-11-24T10:23:00Z", "incident", "{not json", OTHER, JIAXING)                                    # somebody is called
    yield line("2026-11-24T10:24:00Z", "enrolment", message(99999, enrolment(), site=OTHER, division=JIAXING), OTHER, JIAXING)  # a jump
    yield line("2026-11-24T10:25:00Z", "enrolment", message(1, enrolment(places=7)))                               # a seq used before
    for i in range(8):
        yield say("2026-11-24T11:00:00Z", "survey", ballot(i, 1 + i % 5), (SITE, OTHER)[i % 2], (HANGZHOU, JIAXING)[i % 2])
    yield say("2026-11-24T11:01:00Z", "survey", ballot(0), OTHER, JIAXING)                                         # a token at two sites
    yield say("2026-11-24T11:02:00Z", "survey", tally([0, 1, 2, 3, 30]), third)
    burnt = {"occurred_at": "2026-11-24T19:00:00+08:00", "known_at": "2026-11-24T19:10:00+08:00"}
    yield say("2026-11-24T11:20:00Z", "incident", {**incident(critical=None), **burnt})
    yield say("2026-11-24T11:30:00Z", "incident", {**incident(stage="follow_up", critical=1, serious=2), **burnt})
    yield say("2026-11-24T13:30:00Z", "incident", {**incident("INC-2", minor=2), **burnt}, OTHER, JIAXING)          # late
    yield say("2026-11-24T13:31:00Z", "incident", {**incident("INC-2", stage="follow_up", minor=1), **burnt}, OTHER, JIAXING)  # lowered


def officers(d):
    """Acts on everything that may be acted on, imports, an erasure, a replay."""
    c, u, event = "/cases/C-2026-001", "/units/331100", f"/incidents/{SITE}/INC-1"
    imports = {"population": "division,reference_date,resident,under3,source\n330100,2025-12-31,12500000,310000,公报\n",
               "targets": "division,indicator,value,by,source\n,places_per_1000,4.5,2025-12-31,规划\n",
               "averages": "province,indicator,reference_date,value,source\n33,places_per_1000,2026-06-30,4.12,公报\n",
               "register": f"site,effective_on,division,filing,registration,inclusive,source\n{SITE},2026-10-01,,filed,,true,名录\n",
               "declared": "unit,item,period,numerator,denominator,document\n330100,inspections_done,2026-09,9,10,通报\n"}
    for kind, text in imports.items():
        assert d.ask("POST", f"/api/v1/imports/{kind}", text)[0] < 300, kind
    for who, path, act, body in [
            ("duty", "/alerts/A-000001", "acknowledge", {}), ("duty", "/alerts/A-000001", "note", {"reason": "已到场"}),
            ("duty", c, "acknowledge", {}), ("duty", c, "verify", {}), ("duty", c, "add_evidence", {"evidence": "现场记录"}),
            ("hc", c, "sign", {"for": "substantiate"}), ("drc", c, "sign", {"for": "substantiate"}), ("hc", c, "substantiate", {}),
            ("hc", c, "report", {"document": "浙卫〔2026〕1号"}), ("nhc", c, "review", {}),
            ("nhc", c, "revoke", {"joint_document": "国卫联〔2026〕1号"}), ("nhc", c, "publish", {"where": "官网", "when": "2026-12-20"}),
            ("duty", event, "liability", {"finding": "nursery", "reason": "调查报告"}), ("duty", event, "late", {"finding": "late", "reason": "调查"}),
            ("duty", event, "reported_up", {"level": "city", "document": "快报1号"}),
            ("hc", u, "apply", {"cycle": "2027-2028"}), ("hc", u, "review", {}), ("hc", u, "publicise", {"where": "官网", "when": "2026-12-01"})]:
        d.does(who, path, act, **body)
    first = d.rows("SELECT min(n) FROM ledger WHERE topic LIKE '%up/registration'")[0][0]
    assert d.ask("POST", f"/api/v1/messages/{first}/erase", '{"reason":"家长要求"}')[0] == 201
    rejected = d.rows("""SELECT min(n) FROM ledger WHERE outcome LIKE '%"rejected"%' AND topic LIKE '%enrolment'""")[0][0]
    assert d.ask("POST", f"/api/v1/messages/{rejected}/replay", "{}")[0] == 201


def build(where):
    """(database, N:HASH) with something in every folded table."""
    data = own_data(where)
    os.environ["NURSERYD_DATADIR"] = data
    try:
        d = Office(where)
        d.fold(*history())
        d.start()
        officers(d)
        d.stop()
        for seq in (1, 2, 3):  # later than the daemon ran: months freeze, late ones are touched
            at = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=2 * seq)).strftime("%Y-%m-%dT%H")
            d.fold(*(line(f"{at}:{minute}:00Z", "registration", message(seq, registration(effective_on=f"2026-08-1{seq}"), epoch=2,
                                                                        sent_at=f"{at}:00:00Z")) for minute in ("10", "50")))
        d.verify()
    finally:
        del os.environ["NURSERYD_DATADIR"]
    with sqlite3.connect(d.db) as db:
        db.execute("PRAGMA journal_mode = DELETE")
        empty = [t for t in FOLDED if not db.execute(f"SELECT 1 FROM {t} LIMIT 1").fetchone()]
        n, head = db.execute("SELECT n, lower(hex(hash)) FROM ledger ORDER BY n DESC LIMIT 1").fetchone()
    assert not empty, f"nothing in {empty}: nothing to tamper with"
    return d.db, f"{n}:{head}"


# ---- tampering ----

def columns(db, table):
    return [(r[1], r[2]) for r in db.execute(f"PRAGMA table_info({table})")]


def where_of(table):
    return " AND ".join(f"{k.strip()} IS ?" for k in TABLES[table][0].split(","))


def pick(db, table, dice, count=1):
    keys = TABLES[table][0]
    rows = db.execute(f"SELECT {keys} FROM {table}").fetchall()
    return dice.sample(rows, count) if len(rows) >= count else None


def other_value(value, dice):
    """Something else of a type that the column takes."""
    if value is None:
        return dice.choice([0, "x"])
    if isinstance(value, int):
        return dice.choice([value + 1, value - 1, -value - 1, value + dice.randrange(1, 10**6)])
    as_bytes = value.encode() if isinstance(value, str) else value
    at = dice.randrange(len(as_bytes) + 1)
    how = dice.choice(["change", "cut", "add", "nul", "empty"])
    if how == "change" and as_bytes:
        at = min(at, len(as_bytes) - 1)
        changed = as_bytes[:at] + bytes([as_bytes[at] ^ dice.choice([1, 2, 4])]) + as_bytes[at + 1:]
    elif how == "cut" and as_bytes:
        changed = as_bytes[:-1]
    elif how == "empty" and as_bytes:
        changed = b""
    elif how == "nul":
        changed = as_bytes + b"\0forged"  # C stops reading there
    else:
        changed = as_bytes[:at] + dice.choice([b"0", b" ", b"x"]) + as_bytes[at:]
    return changed.decode("utf-8", "replace") if isinstance(value, str) else changed


def edit(db, table, dice):
    key = pick(db, table, dice)[0]
    column, _ = dice.choice(columns(db, table))
    old, = db.execute(f"SELECT {column} FROM {table} WHERE {where_of(table)}", key).fetchone()
    new = other_value(old, dice)
    changed = db.execute(f"UPDATE {table} SET {column} = ? WHERE {where_of(table)} AND {column} IS NOT ?", (new, *key, new)).rowcount
    return changed and f"{table}.{column} of {key}"


def delete(db, table, dice):
    key = pick(db, table, dice)[0]
    db.execute(f"DELETE FROM {table} WHERE {where_of(table)}", key)
    return f"{table} without {key}"


def swap(db, table, dice):
    """Two rows change places: everything but their keys."""
    keys = pick(db, table, dice, 2)
    own = {k.strip() for k in TABLES[table][0].split(",")}
    rest = [c for c, _ in columns(db, table) if c not in own]
    if not keys or not rest:
        return None
    a, b = (db.execute(f"SELECT {', '.join(rest)} FROM {table} WHERE {where_of(table)}", k).fetchone() for k in keys)
    if a == b:
        return None
    for values, key in ((a, keys[1]), (b, keys[0])):
        db.execute(f"UPDATE {table} SET {', '.join(c + ' = ?' for c in rest)} WHERE {where_of(table)}", (*values, *key))
    return f"{table}: {keys[0]} and {keys[1]} swapped"


def put_in(db, table, dice):
    """A copy of a row under another key."""
    key = pick(db, table, dice)[0]
    row = list(db.execute(f"SELECT * FROM {table} WHERE {where_of(table)}", key).fetchone())
    names = [c for c, _ in columns(db, table)]
    changed = names.index(dice.choice([k.strip() for k in TABLES[table][0].split(",")]))
    row[changed] = dice.choice([other_value(row[changed], dice), 0 if isinstance(row[changed], int) else "", 10**9 if isinstance(row[changed], int) else "zz"])
    db.execute(f"INSERT INTO {table} VALUES({', '.join('?' * len(row))})", row)
    return f"{table}: a copy of {key} with {names[changed]} = {row[changed]!r}"


def cut(db, table, dice):
    """The end is gone."""
    last = db.execute(f"SELECT max({TABLES[table][0].split(',')[0]}) FROM {table}").fetchone()[0]
    if table == "ledger":
        last -= dice.randrange(0, 20)
        db.execute("DELETE FROM ledger WHERE n >= ?", (last,))
    else:
        db.execute(f"DELETE FROM {table} WHERE {TABLES[table][0].split(',')[0]} >= ?", (last,))
    return f"{table}: cut from {last} on"


def hash_anew(db):
    """What somebody would do who knows how the chain is made; erased rows keep the digests of what stood there."""
    erased = {r[0]: r[1:] for r in db.execute("SELECT n, payload_sha256, outcome_sha256 FROM erased")}
    previous = bytes(32)
    for n, at, topic, payload, outcome, old in db.execute("SELECT n, received_at, topic, payload, outcome, hash FROM ledger ORDER BY n").fetchall():
        previous = chain.row_hash(previous, n, at, topic, payload, outcome) if n not in erased else chain.erased_hash(previous, n, at, topic, *erased[n])
        if previous != old:
            db.execute("UPDATE ledger SET hash = ? WHERE n = ?", (previous, n))


def number_anew(db):
    for i, (n,) in enumerate(db.execute("SELECT n FROM ledger ORDER BY n").fetchall(), 1):
        if i != n:
            db.execute("UPDATE ledger SET n = ? WHERE n = ?", (i, n))


HOWS = [edit, delete, swap, put_in, cut]
KINDS = [("ledger", h, forge) for h in HOWS for forge in ("", "hashed", "rebuilt")] + [(None, h, "") for h in HOWS for _ in range(3)]


def untouched(db, head):
    """Only behind the head was something put: nobody can tell that from a daemon that goes on."""
    n, kept = head.split(":")
    return db.execute("SELECT lower(hex(hash)) FROM ledger WHERE n = ?", (n,)).fetchone() == (kept,)


def tamper(path, head, dice):
    """What was done, or None: that try changed nothing."""
    table, how, forge = dice.choice(KINDS)
    table = table or dice.choice(FOLDED)
    with sqlite3.connect(path) as db:
        for name, in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            db.execute(f"DROP TRIGGER {name}")
        try:
            done = how(db, table, dice)
            if done and forge:
                number_anew(db)
                hash_anew(db)
                if untouched(db, head):
                    return None
        except (sqlite3.Error, UnicodeDecodeError, OverflowError):  # a constraint of the tables does not take it
            db.rollback()
            return None
    if done and forge == "rebuilt":
        if ctl("--db", path, "rebuild").returncode not in (0, 1, 2):
            return None
    return done and (how.__name__ + (" " + forge if forge else ""), table, done)


def ctl(*args):
    return subprocess.run([BUILD / "nurseryctl", *map(str, args)], capture_output=True, text=True, timeout=120)


def run(base, head, runs, dice, where, tell=print):
    """The complaints; figures by kind are told."""
    found, tables, missed, tried = collections.Counter(), collections.Counter(), [], 0
    assert ctl("--db", base, "verify", "--head", head).returncode == 0
    while sum(found.values()) + len(missed) < runs:
        tried += 1
        copy = where / "forged.db"
        shutil.copy(base, copy)
        done = tamper(copy, head, dice)
        if not done:
            continue
        said = ctl("--db", copy, "verify", "--head", head)
        if said.returncode == 1:
            found[done[0]] += 1
            tables[done[1]] += 1
        else:
            missed.append(f"try {tried}: {done[0]}: {done[2]}: exit {said.returncode}: {said.stdout}{said.stderr}")
            tell("MISSED " + missed[-1].strip())
    for kind, count in sorted(found.items()):
        tell(f"  {count:4} {kind}")
    tell(f"{sum(found.values())} of {runs} found, in {len(tables)} tables; not found: {len(missed)}")
    return missed


def main():
    asked = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    asked.add_argument("--runs", type=int, default=1000)
    asked.add_argument("--seed", type=int, default=int(time.time()))
    asked = asked.parse_args()
    print(f"seed {asked.seed}, {asked.runs} runs; not compared: "
          + ", ".join(t for t, (_, kind) in TABLES.items() if kind in ("DERIVED", "OPERATIONAL")))
    with tempfile.TemporaryDirectory(prefix="tamper-") as where:
        base, head = build(pathlib.Path(where))
        with sqlite3.connect(base) as db:
            print(f"{db.execute('SELECT count(*) FROM ledger').fetchone()[0]} ledger rows, {len(FOLDED)} folded tables, head {head[:20]}…")
        began = time.time()
        missed = run(base, head, asked.runs, random.Random(asked.seed), pathlib.Path(where))
        print(f"{time.time() - began:.0f} s")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
