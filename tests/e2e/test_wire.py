# SPDX-License-Identifier: MIT
"""Between nurseryd and its senders: the rate, requests for what is missing, status, backup and restore."""
import json
import sqlite3
import threading
import time

import pytest

from wire_rig import (OTHER, SITE, Daemon, World, codes, enrolment, incident, message, registration, wait_until)


@pytest.fixture
def make_world(tmp_path):
    made = []

    def make(**options):
        made.append(World(tmp_path, **options))
        made[-1].daemon.start()
        return made[-1]

    yield make
    for w in made:
        w.close()
        assert w.daemon.process.returncode == 0, w.daemon.log.read_text()[-3000:]
        checked = w.daemon.verify()
        assert checked.returncode == 0, checked.stdout + checked.stderr


# ---- the rate ----

def flood(sender, seqs, **more):
    for seq in seqs:
        sender.publish("enrolment", message(seq, enrolment(days_ago=seq % 300), site=sender.site, **more))


def test_above_the_rate_there_is_a_receipt_a_count_and_no_row_and_the_identity_is_free(make_world):
    w = make_world(per_site="20/min")
    s = w.sender()
    flood(s, range(1, 31))
    receipts = wait_until(lambda: len(s.all()) == 30 and s.all(), 20, "a receipt each")
    fast = [r for r in receipts if codes(r) == ["E_RATE"]]
    assert len(fast) in (9, 10) and all(r["status"] == "rejected" and r["ledger"] is None and r["hash"] is None for r in fast)
    assert sorted(r["seq"] for r in receipts) == list(range(1, 31)) and fast[0]["feed"] == "enrolment"
    assert {r["next_seq"] for r in fast} <= {21, 22}
    assert wait_until(lambda: w.daemon.metric("nurseryd_rate_limited_total") >= 9, 5, "counted")
    assert len(w.daemon.get("/messages?feed=enrolment&limit=1000")["items"]) == 30 - len(fast)
    w.daemon.configure(per_site="")  # "" is no limit; a reload takes it over
    w.daemon.send_signal(1)
    again = message(fast[-1]["seq"], enrolment(days_ago=30))
    receipt = wait_until(lambda: (lambda r: r["status"] == "accepted" and r)(s.send("enrolment", again)), 20, "accepted later")
    assert "duplicate" not in receipt


def test_another_site_and_the_sandbox_have_buckets_of_their_own(make_world):
    w = make_world(per_site="5/min")
    s, other, sandbox = w.sender(), w.sender(OTHER), w.sender(root="nursery-test")
    flood(s, range(1, 20))
    wait_until(lambda: len(s.all()) == 19, 10, "receipts")
    assert other.send("enrolment", message(1, enrolment(), site=OTHER))["status"] == "accepted"
    flood(sandbox, range(1, 11))
    receipts = wait_until(lambda: len(sandbox.all()) == 10 and sandbox.all(), 10, "receipts")
    assert [codes(r) for r in receipts].count(["E_RATE"]) in (4, 5) and all(r["sandbox"] for r in receipts)


def test_the_first_sight_of_an_incident_is_never_too_fast_but_a_loop_is(make_world):
    w = make_world(per_site="5/min")
    s = w.sender()
    messages = [message(i, incident(event=f"INC-{i}")) for i in range(1, 41)]
    for m in messages:
        s.publish("incident", m)
    receipts = wait_until(lambda: len(s.all()) == 40 and s.all(), 20, "a receipt each")
    assert {r["status"] for r in receipts} == {"accepted"}
    repeat = s.send("incident", messages[0])
    assert codes(repeat) == ["E_RATE"] and repeat["ledger"] is None
    assert w.daemon.alerts() == [], "the incident is on record: nobody is called because of its repeat"
    broken = s.send("incident", "{not json")
    assert codes(broken) == ["E_JSON"] and len(w.daemon.alerts(site=SITE)) == 1
    assert codes(s.send("incident", "{nor this")) == ["E_RATE"], "somebody is being called already"
    assert s.send("incident", message(41, incident(event="INC-41")))["status"] == "accepted"
    assert w.daemon.alerts(site=SITE) == []
    assert codes(s.send("incident", "{nor this")) == ["E_JSON"], "nobody was being called any more"
    assert len(w.daemon.alerts(site=SITE)) == 1


def test_identical_unreadable_incidents_are_one_row_while_somebody_is_called(make_world):
    w = make_world(per_site="")
    s = w.sender()
    first = s.send("incident", "{not json")
    for _ in range(50):
        s.publish("incident", "{not json")
    receipts = wait_until(lambda: len(s.all()) == 51 and s.all(), 20, "receipts")
    assert all(r["duplicate"] and r["ledger"] == first["ledger"] for r in receipts[1:])
    assert len(w.daemon.get("/messages?feed=incident")["items"]) == 1


# ---- requests ----

def test_a_gap_is_asked_for_three_times_then_lost_and_still_filled_late(make_world):
    w = make_world(gap_grace="300ms")
    s = w.sender()
    for seq in (1, 5, 8):
        assert s.send("enrolment", message(seq, enrolment(days_ago=seq)))["status"] == "accepted"
    began = time.monotonic()
    wait_until(lambda: s.all("request"), 10, "a request")
    assert s.all("request")[0] == {"v": 1, "feed": "enrolment", "epoch": 1, "resend": [[2, 4], [6, 7]]}
    assert w.daemon.get(f"/sites/{SITE}")["gaps"]["enrolment"] == [{"epoch": 1, "from": 2, "to": 4}, {"epoch": 1, "from": 6, "to": 7}]
    s.send("enrolment", message(3, enrolment(days_ago=3)))
    s.send("enrolment", message(6, enrolment(days_ago=6)))
    s.send("enrolment", message(7, enrolment(days_ago=7)))
    wait_until(lambda: len(s.all("request")) == 3, 20, "asked three times")
    assert time.monotonic() - began > 6
    assert s.all("request")[1] == s.all("request")[2] == {"v": 1, "feed": "enrolment", "epoch": 1, "resend": [[2, 2], [4, 4]]}
    site = wait_until(lambda: (lambda x: x["lost"]["enrolment"] and x)(w.daemon.get(f"/sites/{SITE}")), 20, "closed as lost")
    assert site["lost"]["enrolment"] == [{"epoch": 1, "from": 2, "to": 2}, {"epoch": 1, "from": 4, "to": 4}]
    assert site["gaps"]["enrolment"] == [] and site["next_seq"]["enrolment"] == 9
    assert w.daemon.metric("nurseryd_gaps_lost_total") == 2 and w.daemon.metric("nurseryd_requests_total") == 3
    late = s.send("enrolment", message(2, enrolment(days_ago=2)))
    assert late["status"] == "accepted" and "duplicate" not in late
    assert w.daemon.get(f"/sites/{SITE}")["lost"]["enrolment"] == [{"epoch": 1, "from": 4, "to": 4}]
    assert len(s.all("request")) == 3


def test_more_than_a_hundred_ranges_are_several_messages_and_epoch_0_is_never_asked(make_world):
    w = make_world(gap_grace="500ms", per_site="")
    s, counterless = w.sender(), w.sender(OTHER)
    flood(s, range(1, 500, 2))
    flood(counterless, (1000, 2000, 3000), epoch=0)
    wait_until(lambda: len(s.all()) == 250 and len(counterless.all()) == 3, 20, "receipts")
    wait_until(lambda: len(s.all("request")) >= 3, 10, "requests")
    ranges = [r for q in s.all("request")[:3] for r in q["resend"]]
    assert [len(q["resend"]) for q in s.all("request")[:3]] == [100, 100, 49]
    assert ranges == [[n, n] for n in range(2, 500, 2)]
    flood(s, range(2, 500, 2))  # filled: nothing more is asked
    wait_until(lambda: len(s.all()) == 499, 20, "receipts")
    asked = len(s.all("request"))
    wait_until(lambda: w.daemon.metric("nurseryd_gaps") == 0, 20, "no gaps")
    time.sleep(6)
    assert len(s.all("request")) == asked and counterless.all("request") == []


def test_a_restart_does_not_ask_once_more_than_three_times(make_world):
    w = make_world(gap_grace="200ms")
    s = w.sender()
    for seq in (1, 3):
        s.send("enrolment", message(seq, enrolment(days_ago=seq)))
    for n in (1, 2, 3):
        wait_until(lambda: len(s.all("request")) == n, 20, f"request {n}")
        w.daemon.end()
        w.daemon.start()
    wait_until(lambda: w.daemon.get(f"/sites/{SITE}")["lost"]["enrolment"], 20, "lost")
    assert len(s.all("request")) == 3


# ---- status ----

def test_status_is_shown_and_a_malformed_one_is_counted_and_ignored(make_world):
    w = make_world()
    s = w.sender()
    s.send("registration", message(1, registration()))
    s.publish("status", {"v": 1, "state": "online"}, retain=True)
    wait_until(lambda: w.daemon.get(f"/sites/{SITE}")["status"] == "online", 10, "online")
    rows = w.daemon.get(f"/messages?site={SITE}")["items"]
    bad = ["{", "[]", "null", '"online"', '{"v":1}', '{"v":1,"state":"asleep"}', '{"v":2,"state":"offline"}',
           '{"v":1,"state":["offline"]}', "x" * 100000]
    for payload in bad:
        s.publish("status", payload)
    wait_until(lambda: w.daemon.metric("nurseryd_status_malformed_total") == len(bad), 10, "counted")
    assert w.daemon.get(f"/sites/{SITE}")["status"] == "online"
    s.publish("status", {"v": 1, "state": "offline"}, retain=True)
    wait_until(lambda: w.daemon.get(f"/sites/{SITE}")["status"] == "offline", 10, "offline")
    assert w.daemon.get(f"/messages?site={SITE}")["items"] == rows and s.all()[1:] == []
    assert "status.malformed" in w.daemon.log.read_text()


# ---- backup and restore ----

def test_a_backup_under_ingest_is_whole_and_a_daemon_on_it_asks_for_what_came_after(make_world, tmp_path):
    w = make_world(per_site="")
    s, stop = w.sender(), threading.Event()
    seqs = iter(range(1, 10 ** 6))

    def keep_sending():
        while not stop.is_set():
            flood(s, [next(seqs) for _ in range(20)])
            time.sleep(0.01)

    s.send("registration", message(1, registration()))
    thread = threading.Thread(target=keep_sending)
    thread.start()
    wait_until(lambda: len(s.all()) > 1500, 60, "ingest")
    done = w.daemon.ctl("backup", "copy.db", "--json", "--socket", "n.sock")
    stop.set()
    thread.join()
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    copy = w.daemon.directory / "copy.db"
    assert copy.stat().st_size == made["bytes"] and not copy.with_name("copy.db.part").exists()
    with sqlite3.connect(copy) as db:
        assert db.execute("PRAGMA journal_mode").fetchone()[0] == "delete"
        n, kept = db.execute("SELECT n, hash FROM ledger ORDER BY n DESC LIMIT 1").fetchone()
    assert n == made["n"] and kept.hex() == made["hash"] and n > 1000
    again = w.daemon.ctl("backup", "copy.db", "--socket", "n.sock")
    assert again.returncode == 1 and "never overwrites" in again.stderr
    nowhere = w.daemon.ctl("backup", "/nonexistent/copy.db", "--socket", "n.sock")
    assert nowhere.returncode == 1 and "may always write below" in nowhere.stderr
    assert w.daemon.ask("POST", "/api/v1/backup", {"path": ""})[0] == 400
    last = s.send("registration", message(2, registration(name="后来的名字")))
    assert last["status"] == "accepted"
    w.daemon.end()

    restored = Daemon(tmp_path / "restored", w.broker, per_site="")
    copy.rename(restored.db)
    restored.start()
    try:
        asked = wait_until(lambda: len(s.all("request")) >= 2 and s.all("request"), 30, "open-ended requests")
        with sqlite3.connect(restored.db) as db:
            highest = db.execute("SELECT highest FROM stream WHERE feed = 2").fetchone()[0]
            ids = db.execute("SELECT value FROM instance WHERE name = 'client_id'").fetchone()[0]
            assert db.execute("SELECT count(*) FROM instance WHERE name = 'copy_made_at'").fetchone()[0] == 0
        with sqlite3.connect(w.daemon.db) as db:
            assert db.execute("SELECT value FROM instance WHERE name = 'client_id'").fetchone()[0] != ids
        assert sorted(asked, key=lambda q: q["feed"]) == [
            {"v": 1, "feed": "enrolment", "epoch": 1, "resend": [[highest + 1, None]]},
            {"v": 1, "feed": "registration", "epoch": 1, "resend": [[2, None]]}]
        receipt = s.send("registration", message(2, registration(name="后来的名字")))
        assert receipt["status"] == "accepted" and "duplicate" not in receipt
        restored.end()
        restored.start()  # the mark is gone: nobody is asked again
        s.send("enrolment", message(highest + 1, enrolment()))
        assert len(s.all("request")) == 2
    finally:
        restored.end()
    assert restored.verify().returncode == 0, restored.verify().stdout


def test_a_stop_while_a_backup_is_made_leaves_nothing_behind(make_world):
    w = make_world()
    with sqlite3.connect(w.daemon.db) as db:  # an operational table makes the file large enough
        db.execute("CREATE TABLE ballast(x BLOB)")
        db.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)"
                   " INSERT INTO ballast SELECT zeroblob(1048576) FROM n")
    answers = []
    thread = threading.Thread(target=lambda: answers.append(w.daemon.ask("POST", "/api/v1/backup", {"path": "big.db"})))
    thread.start()
    wait_until(lambda: (w.daemon.directory / "big.db.part").exists(), 10, "the copy is being written")
    w.daemon.end()
    thread.join()
    assert answers[0][0] == 503
    assert not list(w.daemon.directory.glob("big.db*"))
