# SPDX-License-Identifier: MIT
"""What the ledger must be, computed here from DOMAIN §6 and nothing of nurseryd's code. Each check returns complaints."""
import pathlib
import re
import hashlib
import json
import sqlite3
import struct

FACTS = ("registration", "enrolment", "incident")
FACT_TABLE = {"registration": "registration", "enrolment": "enrolment", "incident": "incident_message"}


def open_read_only(path):
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True)


def row_hash(previous, n, received_at, topic, payload, outcome):
    topic = topic.encode()
    return hashlib.sha256(previous + struct.pack(">QQQ", n, received_at & 2**64 - 1, len(topic)) + topic +
                          hashlib.sha256(payload).digest() + hashlib.sha256(outcome.encode()).digest()).digest()


def erased_hash(previous, n, received_at, topic, payload_sha256, outcome_sha256):
    """Of a row whose bytes were erased: their digests stand in (DOMAIN §6)."""
    topic = topic.encode()
    return hashlib.sha256(previous + struct.pack(">QQQ", n, received_at & 2**64 - 1, len(topic)) + topic + payload_sha256 + outcome_sha256).digest()


def chain_complaints(path):
    previous, expected_n = bytes(32), 1
    with open_read_only(path) as db:
        for n, received_at, topic, payload, outcome, stored in db.execute(
                "SELECT n, received_at, topic, payload, outcome, hash FROM ledger ORDER BY n"):
            if n != expected_n:
                return [f"chain: row {expected_n} is missing"]
            if row_hash(previous, n, received_at, topic, payload, outcome) != stored:
                return [f"chain: row {n} does not fit"]
            previous, expected_n = stored, n + 1
    return [] if expected_n > 1 else ["chain: the ledger is empty"]


def ledger_identities(path):
    """Identity → numbers of the accepted rows that carry it."""
    found = {}
    with open_read_only(path) as db:
        for n, topic, payload, outcome in db.execute(
                "SELECT n, topic, payload, outcome FROM ledger WHERE topic LIKE 'nursery/%'"):
            site, feed = topic.split("/")[4], topic.split("/")[6]
            message = json.loads(payload)
            status = json.loads(outcome)["status"]
            found.setdefault((site, feed, message["epoch"], message["seq"]), []).append((n, status))
    return found


def fact_complaints(path, expected):
    complaints = []
    with open_read_only(path) as db:
        for feed in FACTS:
            want = sum(identity[1] == feed for identity in expected)
            rows, distinct = db.execute(
                f"SELECT count(*), count(DISTINCT site || '/' || epoch || '/' || seq) FROM {FACT_TABLE[feed]}").fetchone()
            if rows != distinct:
                complaints.append(f"applied twice: {rows - distinct} facts of {feed}")
            if distinct != want:
                complaints.append(f"facts of {feed}: {distinct}, expected {want}")
    return complaints


def identity_complaints(path, expected):
    found = ledger_identities(path)
    lost = [i for i in expected if i not in found]
    strange = [i for i in found if i not in expected]
    twice = [i for i, rows in found.items() if len(rows) > 1]
    refused = [i for i, rows in found.items() if any(status != "accepted" for _, status in rows)]
    return [f"{what}: {len(which)}, first {which[0]}" for what, which in
            (("lost", lost), ("twice", twice), ("never published", strange), ("not accepted", refused)) if which]


def receipt_complaints(path, receipts):
    """Every receipt is a witness: its row stands in the ledger with its hash and its message."""
    with open_read_only(path) as db:
        rows = {n: (hash_.hex(), topic.split("/")[4]) for n, hash_, topic in
                db.execute("SELECT n, hash, topic FROM ledger WHERE topic LIKE 'nursery/%'")}
    wrong = [r for r in receipts if rows.get(r[0]) != (r[1], r[2][0])]
    return [f"receipts without their row: {len(wrong)}, first {wrong[0]}"] if wrong else []


# Operational and derived tables are no part of a rebuild (DESIGN §1).
SCHEMA = pathlib.Path(__file__).resolve().parents[2] / "daemon/schema.c"
NOT_FOLDED = {name for name, kind in re.findall(r'\{ "(\w+)", "[^"]*", TABLE_(\w+) \}', SCHEMA.read_text()) if kind != "FOLDED"}


def folded_digest(path):
    """Folded table → SHA-256 over its rows in order of all columns."""
    digests = {}
    with open_read_only(path) as db:
        tables = [name for name, in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'"
                                               " AND name NOT LIKE 'sqlite_%' ORDER BY name")]
        for table in tables:
            columns = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
            digest = hashlib.sha256()
            for row in db.execute(f"SELECT * FROM {table} ORDER BY {', '.join(columns)}"):
                digest.update(repr(row).encode())
            digests[table] = digest.hexdigest()
    return {t: d for t, d in digests.items() if t not in NOT_FOLDED}
