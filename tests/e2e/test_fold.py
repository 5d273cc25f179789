# SPDX-License-Identifier: MIT
"""The door and the fold through `nurseryd --fold`: receipts, ledger, alerts, numbers, with a clock of our own."""
import hashlib
import itertools
import json
import os
import pathlib
import sqlite3
import struct
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("NURSERYD_BUILD", TOP / "build")).resolve()
SITE, OTHER = "52330106MJ0000018E", "91330106MA0000023E"
HANGZHOU, JIAXING = "330106", "330402"


def line(at, feed, payload, site=SITE, division=HANGZHOU):
    text = payload if isinstance(payload, str) else json.dumps(payload, ensure_ascii=False)
    return {"received_at": at, "topic": f"nursery/v1/{division[:2]}/{division}/{site}/up/{feed}", "payload": text}


def message(seq, body, kind="report", site=SITE, division=HANGZHOU, sent_at="2026-11-24T08:00:00+08:00", **more):
    m = {"v": 1, "site": site, "division": division, "epoch": 1, "seq": seq, "sent_at": sent_at, "kind": kind, **more}
    return m if body is None else {**m, "body": body}


def registration(**change):
    return {"effective_on": "2026-11-01", "name": "第一托育中心", "facility": "nursery", "registrar": "civil",
            "registration": "registered", "filing": "filed", "operation": "operating",
            "places": {"infant": 10, "toddler": 15, "older": 35, "mixed": 0}, **change}


def enrolment(as_of="2026-11-24", places=60, toddlers=14, **change):
    return {"as_of": as_of, "open": True, "places": places,
            "enrolled": {"under12": 4, "m12_23": toddlers, "m24_35": 24, "over36": 0},
            "mode": {"fullday": 28 + toddlers, "halfday": 0, "hourly": 0, "temporary": 0}, **change}


def incident(event="INC-1", stage="first", kind="fall", **children):
    return {"event": event, "stage": stage, "occurred_at": "2026-11-24T07:00:00+08:00",
            "known_at": "2026-11-24T07:10:00+08:00", "type": kind,
            "children": {"dead": 0, "critical": 0, "serious": 0, "minor": 0, "missing": 0, **children}}


class World:
    def __init__(self, directory):
        self.directory, self.minutes = directory, itertools.count()
        self.conf, self.db = directory / "n.conf", directory / "n.db"
        self.conf.write_text(f'store: {{ path = "n.db"; }};\npolicy = "{TOP}/config/policy.conf";\n')

    def at(self):
        n = next(self.minutes)
        return f"2026-11-24T{n // 60:02d}:{n % 60:02d}:00Z"

    def fold(self, *lines):
        text = "".join(json.dumps(x) + "\n" for x in lines)
        done = subprocess.run([BUILD / "nurseryd", "-c", self.conf, "--fold", "-"], input=text, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return [json.loads(x)["payload"] for x in done.stdout.splitlines()]

    def send(self, feed, payload, **more):
        return self.fold(line(self.at(), feed, payload, **more))[0]

    def send_all(self, feed, payloads):
        """The same in one process: starting one takes longer than thirty messages."""
        return self.fold(*(line(self.at(), feed, payload) for payload in payloads))

    def rows(self, sql):
        with sqlite3.connect(self.db) as db:
            return db.execute(sql).fetchall()

    def value(self, indicator, unit="330100", day=20781):
        found = self.rows(f"SELECT numerator, denominator, status, reason FROM sample WHERE unit = '{unit}'"
                          f" AND indicator = '{indicator}' AND as_of = {day}")
        return found[0] if found else None

    def verify(self):
        return subprocess.run([BUILD / "nurseryctl", "--db", self.db, "verify"], capture_output=True, text=True)


@pytest.fixture
def world(tmp_path):
    w = World(tmp_path)
    yield w
    if w.db.exists():
        assert w.verify().returncode == 0, w.verify().stdout


def codes(receipt):
    return [e["code"] for e in receipt["errors"]]


def test_a_first_message_is_accepted_and_its_receipt_is_a_witness_of_the_chain(world):
    receipt = world.send("registration", message(1, registration()))
    assert (receipt["status"], receipt["next_seq"], receipt["errors"]) == ("accepted", 2, [])
    (stored,) = world.rows(f"SELECT hash FROM ledger WHERE n = {receipt['ledger']}")
    assert stored[0].hex() == receipt["hash"]


def test_the_chain_is_the_one_of_the_domain(world):
    world.send("enrolment", message(1, enrolment()))
    world.send("enrolment", "{not json")
    previous = bytes(32)
    for n, at, topic, payload, outcome, kept in world.rows("SELECT * FROM ledger ORDER BY n"):
        topic, outcome = topic.encode(), outcome.encode()
        previous = hashlib.sha256(previous + struct.pack(">qqq", n, at, len(topic)) + topic +
                                  hashlib.sha256(payload).digest() + hashlib.sha256(outcome).digest()).digest()
        assert previous == kept
        assert outcome.decode() == json.dumps(json.loads(outcome), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def test_a_repeat_has_no_effect_and_gets_the_first_verdict_again(world):
    bad = message(1, enrolment(mode={"fullday": 1, "halfday": 0, "hourly": 0, "temporary": 0}))
    first, again = world.send("enrolment", bad), world.send("enrolment", json.dumps(bad, sort_keys=True, indent=1))
    assert codes(first) == codes(again) == ["E_SUM_MISMATCH"]
    assert again["duplicate"] is True and again["ledger"] == first["ledger"] and again["errors"] == first["errors"]


def test_a_reused_seq_is_refused_but_an_incident_never(world):
    world.send("enrolment", message(1, enrolment()))
    assert codes(world.send("enrolment", message(1, enrolment(places=61)))) == ["E_SEQ_REUSED"]
    world.send("incident", message(1, incident()))
    receipt = world.send("incident", message(1, incident(event="INC-2")))
    assert receipt["status"] == "accepted" and [w["code"] for w in receipt["warnings"]] == ["W_SEQ_REUSED"]
    assert world.send("incident", message(1, incident(event="INC-2")))["duplicate"] is True


def test_old_repeats_are_taken_for_duplicates_unchecked(world):
    world.send_all("enrolment", (message(seq, enrolment()) for seq in range(1, 35)))
    assert "verified" not in world.send("enrolment", message(3, enrolment()))  # one of the last 32
    receipt = world.send("enrolment", message(2, enrolment(places=1)))
    assert (receipt["status"], receipt["verified"], receipt["ledger"]) == ("accepted", False, None)


def test_a_gap_is_filled_by_a_late_message_and_a_jump_is_refused(world):
    world.send("enrolment", message(1, enrolment()))
    assert world.send("enrolment", message(5, enrolment(as_of="2026-11-20")))["next_seq"] == 6
    late = world.send("enrolment", message(3, enrolment(as_of="2026-11-21")))
    assert late["status"] == "accepted" and "duplicate" not in late
    assert world.rows("SELECT first, last FROM gap") == [(2, 2), (4, 4)]
    assert codes(world.send("enrolment", message(10006, enrolment()))) == ["E_SEQ_JUMP"]
    assert world.send("enrolment", message(10005, enrolment()))["status"] == "accepted"


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_the_order_of_arrival_changes_no_number(world, order):
    messages = [("enrolment", message(1, enrolment(places=50))), ("enrolment", message(2, enrolment(places=55))),
                ("enrolment", message(3, None, "retract", ref={"epoch": 1, "seq": 2}, reason="wrong day")),
                ("registration", message(1, registration()))]
    for i in order:
        world.send(*messages[i])
    assert world.value("places_total") == (50, None, "ok", None)


def test_an_amend_stands_instead_and_retracting_it_restores_nothing(world):
    world.send("registration", message(1, registration()))
    world.send("enrolment", message(1, enrolment(places=50)))
    world.send("enrolment", message(2, enrolment(places=40), "amend", ref={"epoch": 1, "seq": 1}, reason="typing error"))
    assert world.value("places_total")[0] == 40
    world.send("enrolment", message(3, None, "retract", ref={"epoch": 1, "seq": 2}, reason="typing error"))
    assert world.value("places_total")[2:] == ("no_data", "enrolment")


def test_places_are_the_lesser_of_registered_and_reported(world):
    world.send("registration", message(1, registration()))
    receipt = world.send("enrolment", message(1, enrolment(places=99)))
    assert [w["code"] for w in receipt["warnings"]] == ["W_PLACES_EXCEED_REGISTERED"]
    assert world.value("places_total") == (60, None, "ok", None)
    assert world.value("utilisation") == (42, 60, "ok", None)
    assert world.value("places_per_1000")[2:] == ("no_data", "population")


def test_a_severe_incident_in_a_named_city_raises_one_revocation_alert(world):
    world.send("registration", message(1, registration()))
    for seq in (1, 2, 3):
        world.send("incident", message(seq, incident(stage="follow_up", critical=1)))
    world.send("incident", message(4, incident(stage="final"), "amend", ref={"epoch": 1, "seq": 1}, reason="too high"))
    assert world.rows("SELECT rule, unit, subject, state FROM alert ORDER BY rule") == [
        ("art5-1", "330100", f"{SITE}/INC-1", "open"), ("suspected-concealment", "330100", f"{SITE}/INC-1", "open")]
    assert world.rows("SELECT severity FROM incident") == [(1,)]


def test_elsewhere_it_is_a_severe_incident_and_a_minor_one_calls_nobody(world):
    world.send("incident", message(1, incident(minor=1), division=JIAXING), division=JIAXING)
    assert world.rows("SELECT * FROM alert") == []
    world.send("incident", message(2, incident(event="B", dead=1), division=JIAXING), division=JIAXING)
    assert world.rows("SELECT rule, unit FROM alert") == [("severe-incident", "330400")]


def test_unknown_figures_call_people_at_once_and_end_with_the_first_full_message(world):
    world.send("incident", message(1, incident(critical=None)))
    assert world.rows("SELECT severity, unconfirmed FROM incident") == [(1, 1)]
    assert world.rows("SELECT rule, unconfirmed FROM alert") == [("art5-1", 1)]
    world.send("incident", message(2, incident(stage="follow_up", minor=1)))
    assert world.rows("SELECT severity, unconfirmed FROM incident") == [(3, 0)]


def test_a_missing_child_counts_after_half_an_hour(world):
    world.fold(line("2026-11-24T00:00:00Z", "incident", message(1, incident(missing=1))))
    assert world.rows("SELECT severity, unconfirmed FROM incident") == [(1, 1)]
    world.fold(line("2026-11-24T00:31:00Z", "enrolment", message(1, enrolment())))
    assert world.rows("SELECT severity, unconfirmed FROM incident") == [(1, 0)]


def test_an_unreadable_incident_calls_people_and_a_readable_one_ends_it(world):
    for payload in ("{", json.dumps(message(1, {"event": "x"})), "["):
        world.send("incident", payload)
    assert world.rows("SELECT rule, unit, state FROM alert") == [("incident-unreadable", "330100", "open")]
    world.send("incident", message(2, incident()))
    assert world.rows("SELECT state FROM alert") == [("closed",)]


def test_personal_data_is_refused_and_stored_nowhere(world):
    secret = "张小明的电话13812345678"
    for seq, payload in enumerate((json.dumps(message(1, registration(name=secret)), ensure_ascii=False),
                                   json.dumps(message(2, {**registration(), "childName": "zhang-san-secret"})),
                                   "{ broken 13812345678 "), 1):
        receipt = world.send("registration", payload)
        assert receipt["status"] == "refused_pii" and codes(receipt) == ["E_PII"], seq
    everything = b"".join(p.read_bytes() for p in world.directory.iterdir() if p.name.startswith("n.db"))
    for word in (secret.encode(), b"13812345678", b"zhang-san-secret"):
        assert word not in everything
    repeat = world.send("registration", message(2, {**registration(), "childName": "zhang-san-secret"}))
    assert repeat["duplicate"] is True and repeat["status"] == "refused_pii"


def test_identical_rejects_within_an_hour_are_one_row_and_a_count(world):
    lines = [line(f"2026-11-24T{h:02d}:{m:02d}:00Z", "enrolment", "{loop") for h, m in ((0, 0), (0, 20), (0, 59), (1, 30))]
    first, again, _, later = world.fold(*lines)
    assert again["duplicate"] is True and again["ledger"] == first["ledger"] and codes(again) == ["E_JSON"]
    assert again["sha256"] == first["sha256"] == hashlib.sha256(b"{loop").hexdigest()
    assert later["ledger"] > first["ledger"] and "duplicate" not in later
    assert world.rows("SELECT n, count FROM collapsed") == [(first["ledger"], 2)]


def test_the_sandbox_answers_and_stores_nothing(world):
    x = line(world.at(), "enrolment", message(1, enrolment()))
    x["topic"] = x["topic"].replace("nursery/", "nursery-test/")
    (receipt,) = world.fold(x)
    assert receipt["sandbox"] is True and receipt["status"] == "accepted" and receipt["ledger"] is None
    assert world.rows("SELECT count(*) FROM ledger WHERE topic NOT LIKE 'act/%'") == [(0,)]


def test_another_division_is_a_warning_and_counts_where_the_site_belongs(world):
    world.send("registration", message(1, registration()))
    receipt = world.send("enrolment", message(1, enrolment(), division=JIAXING), division=JIAXING)
    assert [w["code"] for w in receipt["warnings"]] == ["W_DIVISION"]
    assert world.value("places_total")[0] == 60 and world.value("places_total", "330400") is None


def test_an_edit_a_deletion_and_a_changed_fact_are_found(world):
    world.send("registration", message(1, registration()))
    receipt = world.send("enrolment", message(1, enrolment()))
    head = f"{receipt['ledger']}:{receipt['hash']}"
    edits = ["UPDATE ledger SET outcome = replace(outcome, 'accepted', 'rejected') WHERE n = 6",
             "UPDATE ledger SET payload = CAST(replace(payload, '60', '61') AS BLOB) WHERE n = 6",
             "DELETE FROM ledger WHERE n = 6", "DELETE FROM ledger WHERE n = (SELECT max(n) FROM ledger)",
             "UPDATE enrolment SET under12 = 5", "DELETE FROM registration", "INSERT INTO void VALUES(1, 2, 1, 1, 6)"]
    for n, edit in enumerate(edits):
        copy = world.directory / f"copy{n}.db"
        with sqlite3.connect(world.db) as db, sqlite3.connect(copy) as to:
            db.backup(to)
        with sqlite3.connect(copy) as db:
            db.executescript("DROP TRIGGER ledger_is_never_changed; DROP TRIGGER ledger_is_never_cut;" + edit)
        done = subprocess.run([BUILD / "nurseryctl", "--db", copy, "verify", "--head", head], capture_output=True, text=True)
        assert done.returncode == 1, (edit, done.stdout)


def test_a_nursery_is_shown_with_its_latest_report_however_old(world):
    for seq, day in enumerate(("2023-05-04", "2023-05-05", "2023-05-08"), 1):
        at = day + "T09:00:00+08:00"
        world.fold(line(at, "registration", message(seq, registration(effective_on=day), sent_at=at)),
                   line(at, "enrolment", message(seq, enrolment(as_of=day), sent_at=at)))
    world.fold(line("2023-05-08T10:00:00+08:00", "enrolment", message(4, None, "retract", sent_at=at,
               ref={"epoch": 1, "seq": 3}, reason="x")))
    shown = subprocess.run([BUILD / "nurseryctl", "--db", world.db, "--json", "site", SITE], capture_output=True, text=True)
    assert json.loads(shown.stdout)["enrolment"]["as_of"] == "2023-05-05"


def test_the_ledger_itself_refuses_to_be_changed(world):
    world.send("enrolment", message(1, enrolment()))
    with sqlite3.connect(world.db) as db:
        for act in ("UPDATE ledger SET topic = 'x'", "DELETE FROM ledger"):
            with pytest.raises(sqlite3.IntegrityError):
                db.execute(act)


def test_a_line_that_goes_back_in_time_is_refused_by_its_number(world):
    world.send("enrolment", message(1, enrolment()))
    text = json.dumps(line("2020-01-01T00:00:00Z", "enrolment", message(2, enrolment())))
    done = subprocess.run([BUILD / "nurseryd", "-c", world.conf, "--fold", "-"], input=text, capture_output=True, text=True)
    assert done.returncode == 1 and "line=1" in done.stderr and "earlier" in done.stderr
