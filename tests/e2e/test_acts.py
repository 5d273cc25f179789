# SPDX-License-Identifier: MIT
"""Acts on the ledger: lint, replay, erase, rebuild. Built programs, a real socket, a real kill; no broker is needed."""
import hashlib
import http.client
import json
import os
import pathlib
import signal
import socket
import sqlite3
import subprocess
import time

import pytest

from test_fold import SITE, enrolment, incident, line, message, registration

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("NURSERYD_BUILD", ROOT / "build")).resolve()
FEEDS = ROOT / "tests" / "feeds"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=60)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Daemon:
    """A database filled by --fold, then served."""

    def __init__(self, where):
        self.where, self.db, self.port, self.process = where, where / "n.db", free_port(), None
        (where / "n.conf").write_text(f"""
            store: {{ path = "n.db"; }};
            policy = "{ROOT}/config/policy.conf";
            mqtt: {{ url = "mqtt://127.0.0.1:{free_port()}"; }};
            http: {{ listen = "127.0.0.1:{self.port}"; socket = "nurseryd.sock"; }};
            """)

    def fold(self, *lines):
        text = "".join(json.dumps(x) + "\n" for x in lines)
        done = subprocess.run([BUILD / "nurseryd", "-c", "n.conf", "--fold", "-"], input=text, capture_output=True, text=True,
                              cwd=self.where)
        assert done.returncode == 0, done.stderr
        return [json.loads(x)["payload"] for x in done.stdout.splitlines()]

    def start(self, **env):
        with open(self.where / "log", "a") as log:
            self.process = subprocess.Popen([BUILD / "nurseryd", "-c", "n.conf"], cwd=self.where, stderr=log,
                                            env=dict(os.environ, **env))
        for _ in range(200):
            try:
                if self.ask("GET", "/healthz")[0] == 200:
                    return self
            except OSError:
                time.sleep(0.05)
        raise AssertionError((self.where / "log").read_text())

    def stop(self, how=signal.SIGTERM):
        if self.process:
            self.process.send_signal(how)
            code = self.process.wait(30)
            self.process = None
            assert how == signal.SIGKILL or code == 0, (self.where / "log").read_text()

    def ask(self, method, path, body=None, tcp=False):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60) if tcp else UnixConnection(self.where / "nurseryd.sock")
        c.request(method, path, body.encode() if isinstance(body, str) else body)
        r = c.getresponse()
        text = r.read()
        return r.status, json.loads(text) if "json" in (r.headers["Content-Type"] or "") else text

    def ctl(self, *args, **more):
        return subprocess.run([BUILD / "nurseryctl", *map(str, args)], cwd=self.where, capture_output=True, text=True,
                              timeout=120, **more)

    def rows(self, sql):
        db = sqlite3.connect(f"file:{self.db}?mode=ro", uri=True)
        try:
            return db.execute(sql).fetchall()
        finally:
            db.close()

    def verify(self):
        done = self.ctl("--db", self.db, "verify")
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def world(tmp_path):
    d = Daemon(tmp_path)
    yield d
    d.stop()
    if d.db.exists():
        d.verify()


# ---- lint ----

def lint(*args, **more):
    return subprocess.run([BUILD / "nurseryctl", "lint", *map(str, args)], capture_output=True, text=True, **more)


@pytest.mark.parametrize("feed", ["registration", "enrolment", "incident", "survey"])
def test_lint_accepts_every_valid_example_and_no_invalid_one(feed):
    valid, invalid = sorted((FEEDS / feed / "valid").glob("*.json")), sorted((FEEDS / feed / "invalid").glob("*.json"))
    done = lint(feed, *valid, "--json", "--at", "2026-11-24T08:30:00+08:00")  # the days in the examples
    assert done.returncode == 0, done.stdout
    assert [json.loads(x)["status"] for x in done.stdout.splitlines()] == ["accepted"] * len(valid)
    for path in invalid[:10]:
        assert lint(feed, path).returncode in (0, 1)  # a finding may be a warning only
    broken = json.loads(valid[0].read_text()) if valid else {}
    assert lint(feed, "-", input=json.dumps({**broken, "seq": "x"})).returncode == 1


def test_lint_tells_a_person_in_two_languages_and_one_bad_file_makes_the_answer_no(tmp_path):
    bad = message(1, enrolment(mode={"fullday": 1, "halfday": 0, "hourly": 0, "temporary": 0}))
    (tmp_path / "bad.json").write_text(json.dumps(bad))
    (tmp_path / "good.json").write_text(json.dumps(message(2, enrolment())))
    done = lint("enrolment", tmp_path / "good.json", tmp_path / "bad.json")
    assert done.returncode == 1
    for told in ("good.json: accepted", "bad.json: rejected", "E_SUM_MISMATCH /body/mode", "got   1", "want  42", "分托类人数", "fix:"):
        assert told in done.stdout
    assert lint("enrolment", tmp_path / "none.json").returncode == 2
    assert lint("lunch", tmp_path / "good.json").returncode == 2


def test_lint_over_http_stores_nothing_and_tells_a_stranger_nothing_stored(world):
    told = message(1, incident())
    world.fold(line("2026-11-24T00:00:00Z", "incident", told))
    world.start()
    head = world.ask("GET", "/api/v1/ledger/head")[1]["n"]
    status, receipt = world.ask("POST", "/api/v1/lint/incident", json.dumps(told))
    assert (status, receipt["status"], receipt.get("duplicate")) == (200, "accepted", True)
    status, receipt = world.ask("POST", "/api/v1/lint/incident", json.dumps(told), tcp=True)
    assert (status, receipt["status"], "duplicate" in receipt, receipt["ledger"]) == (200, "accepted", False, None)
    assert "E_FEED" in [e["code"] for e in world.ask("POST", "/api/v1/lint/lunch", "{}")[1]["errors"]]
    large = json.dumps(message(2, incident(note="x" * 70000)))
    assert world.ask("POST", "/api/v1/lint/incident", large, tcp=True)[1]["errors"][0]["code"] == "E_TOO_LARGE"
    assert world.ask("GET", "/api/v1/ledger/head")[1]["n"] == head


# ---- replay ----

def faulty(m):
    return {**m, "sw": "seam-fault"}  # our bug, until the daemon is mended


def fold_with_bug(world, *lines, monkeypatch):
    monkeypatch.setenv("NURSERYD_FAULT_APPLY", "1")
    receipts = world.fold(*lines)
    monkeypatch.delenv("NURSERYD_FAULT_APPLY")
    return receipts


def test_a_mended_daemon_judges_a_fault_again_as_of_the_day_it_came(world, monkeypatch):
    day, at = "2025-06-03", "2025-06-03T05:00:00Z"  # longer than 400 days ago today
    lines = [line(at, "registration", message(1, registration(effective_on="2025-01-01"), sent_at="2025-06-01T08:00:00+08:00")),
             line(at, "enrolment", faulty(message(1, enrolment(as_of=day), sent_at=at)))]
    first = fold_with_bug(world, *lines, monkeypatch=monkeypatch)[1]
    assert first["status"] == "fault" and world.rows("SELECT count(*) FROM enrolment") == [(0,)]
    world.start()
    status, done = world.ask("POST", f"/api/v1/messages/{first['ledger']}/replay", "{}")
    assert (status, done["status"], done["replay_of"], done["effect"]) == (201, "accepted", first["ledger"], True)
    assert done["received_at"] == first["received_at"] and done["n"] > first["ledger"]
    # its facts stand under the row it came with, at the time it came: timeliness is the nursery's
    assert world.rows("SELECT n, received_at FROM enrolment") == [(first["ledger"], world.rows(
        f"SELECT received_at FROM ledger WHERE n = {first['ledger']}")[0][0])]
    new = world.ask("GET", f"/api/v1/messages/{done['n']}")[1]
    assert new["outcome"] == "accepted" and new["received_at"] > first["received_at"] and new["site"] == SITE
    assert json.loads(new["outcome_json"])["replay_of"] == first["ledger"] and new["hash"] == done["hash"]
    # the first verdict stands, and the identity is not consumed twice
    assert world.ask("GET", f"/api/v1/messages/{first['ledger']}")[1]["outcome"] == "fault"
    assert done["next_seq"] == 2
    # again: nothing more
    status, again = world.ask("POST", f"/api/v1/messages/{done['n']}/replay", "{}")
    assert (status, again["replay_of"], again["effect"]) == (201, first["ledger"], False)
    assert world.rows("SELECT count(*) FROM enrolment") == [(1,)]
    world.verify()
    world.stop()
    # a copy that comes late is told its first verdict
    repeat = world.fold(line("2027-01-01T00:00:00Z", "enrolment", faulty(message(1, enrolment(as_of=day), sent_at=at))))[0]
    assert (repeat["duplicate"], repeat["status"], repeat["ledger"]) == (True, "fault", first["ledger"])


def test_a_row_says_how_many_identical_rejects_it_stands_for(world):
    first, *_ = world.fold(*(line(f"2026-11-24T00:{m:02d}:00Z", "enrolment", "{loop") for m in (0, 20, 40)))
    alone, *_ = world.fold(line("2026-11-24T01:30:00Z", "enrolment", "{loop"))
    world.start()
    assert [world.ask("GET", f"/api/v1/messages/{r['ledger']}")[1]["repeats"] for r in (first, alone)] == [2, 0]


def test_rows_of_a_sender_that_has_its_own_id_wrong_are_found_by_that_id(world):
    wrong = "52330106MJ0000018F"
    world.fold(line("2026-11-24T00:00:00Z", "enrolment", message(1, enrolment(), site=wrong), site=wrong),
               line("2026-11-24T00:01:00Z", "enrolment", message(1, enrolment())))
    world.start()
    found = world.ask("GET", f"/api/v1/messages?site={wrong}")[1]["items"]
    assert [(m["site"], m["outcome"], m["errors"][0]["code"]) for m in found] == [(wrong, "rejected", "E_SITE_ID")]


def test_an_incident_judged_again_calls_once_and_raises_nothing_twice(world, monkeypatch):
    dead = {"event": "INC-7", "stage": "first", "occurred_at": "2026-11-23T07:00:00+08:00",
            "known_at": "2026-11-23T07:10:00+08:00", "type": "fall", "children": {"dead": 1, "critical": 0, "missing": 0}}
    at = "2026-11-22T23:20:00Z"
    n = fold_with_bug(world, line(at, "incident", faulty(message(1, dead, sent_at=at))), monkeypatch=monkeypatch)[0]["ledger"]
    assert world.rows("SELECT rule, state FROM alert") == [("incident-unreadable", "open")]
    world.start()
    for _ in range(3):
        assert world.ctl("replay", n).returncode == 0
    assert world.rows("SELECT rule, state FROM alert ORDER BY id") == [("incident-unreadable", "closed"), ("art5-1", "open")]
    assert world.rows("SELECT n, received_at = first_received_at FROM incident_message JOIN incident USING (site, event)"
                      .replace("SELECT n", "SELECT incident_message.n")) == [(n, 1)]
    assert len(world.ask("GET", "/api/v1/incidents")[1]["items"]) == 1


def test_of_two_with_one_identity_the_first_received_counts_also_when_it_was_judged_later(world, monkeypatch):
    at = "2026-11-24T00:00:00Z"
    first, second = fold_with_bug(world, line(at, "incident", faulty(message(1, incident(minor=1)))),
                                  line(at, "incident", message(1, incident(minor=2))), monkeypatch=monkeypatch)
    assert (first["status"], second["status"]) == ("fault", "accepted")
    world.start()
    assert world.ask("POST", f"/api/v1/messages/{first['ledger']}/replay", "{}")[1]["effect"] is True
    assert world.rows("SELECT minor FROM incident_message WHERE counts = 1") == [(1,)]


def test_what_cannot_or_need_not_be_judged_again_is_told(world):
    at = "2026-11-24T00:00:00Z"
    good, bad, pii, junk, reused = world.fold(
        line(at, "enrolment", message(1, enrolment())),
        line(at, "enrolment", message(2, enrolment(mode={"fullday": 1, "halfday": 0, "hourly": 0, "temporary": 0}))),
        line(at, "enrolment", message(3, enrolment(phone="13800138000"))), line(at, "enrolment", "{not json"),
        line(at, "enrolment", message(1, enrolment(places=61))))
    world.start()
    replay = lambda n: world.ask("POST", f"/api/v1/messages/{n}/replay", "{}")
    assert [replay(x["ledger"])[0] for x in (pii, junk)] == [409, 409]
    assert (replay(1)[0], replay(99999)[0], replay("x")[0]) == (409, 404, 404)
    assert (replay(good["ledger"])[1]["effect"], replay(bad["ledger"])[1]["status"]) == (False, "rejected")
    assert world.ctl("replay", bad["ledger"]).returncode == 1
    assert world.ask("POST", f"/api/v1/messages/{good['ledger']}/replay", "{}", tcp=True)[0] == 401
    assert len(world.ask("GET", "/api/v1/messages?outcome=rejected")[1]["items"]) == 5  # the bad one, the junk, the reused one, two replays
    # a reused seq stays reused, whatever the decoder says today
    assert [e["code"] for e in replay(reused["ledger"])[1]["errors"]] == ["E_SEQ_REUSED"]


# ---- erase ----

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def uscc(i):
    text = f"52330106MJ{i:07d}"
    weights = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28]
    return text + ALPHABET[(31 - sum(ALPHABET.index(c) * w for c, w in zip(text, weights)) % 31) % 31]


def files_hold(world, *texts):
    found = set()
    for path in world.where.glob("n.db*"):
        for text in texts:
            if text.encode() in path.read_bytes():
                found.add((path.name, text))
    return found


def folded(world, sql):
    return world.rows(sql)


def test_an_erased_text_is_gone_from_every_file_and_what_was_counted_stays(world):
    at = "2026-11-24T00:00:00Z"
    said = message(1, {**registration(name="王小明爸爸的托育点"), "QIAOQIAO": 7}, sw="zhangsan-laptop")
    amend = message(2, enrolment(places=50), "amend", ref={"epoch": 1, "seq": 1}, reason="LILEI was counted twice")
    wild = message(3, enrolment(note="HANMEIMEI fell ill"))
    fire = message(1, {**incident(minor=1), "type": "pushed-by-LUCY"})
    neighbours = [line(at, "registration", message(1, registration(name=f"园{i}"), site=uscc(i)), site=uscc(i))
                  for i in (37 * k % 400 + 100 for k in range(400))]
    first = world.fold(*neighbours[:200], line(at, "registration", said), *neighbours[200:], line(at, "enrolment", amend),
                       line(at, "enrolment", wild), line(at, "incident", fire))
    n = {m: first[i]["ledger"] for m, i in (("said", 200), ("amend", 401), ("wild", 402), ("fire", 403))}
    assert [first[i]["status"] for i in (200, 401, 402, 403)] == ["accepted", "accepted", "rejected", "accepted"]
    secrets = ["王小明", "QIAOQIAO", "zhangsan-laptop", "LILEI", "HANMEIMEI", "pushed-by-LUCY"]
    world.start()
    assert {text for _, text in files_hold(world, *secrets)} == set(secrets)
    facts = "SELECT * FROM enrolment", "SELECT site, effective_on, places_older, counts FROM registration ORDER BY 1", \
            "SELECT * FROM incident_message", "SELECT * FROM stream", "SELECT * FROM alert"
    before, head = [world.rows(x) for x in facts], world.ask("GET", "/api/v1/ledger/head")[1]
    for row in n.values():
        done = world.ctl("erase", row, "--reason", "家长要求", "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        assert json.loads(done.stdout)["wal_emptied"] is True
    assert files_hold(world, *secrets) == set()
    assert [world.rows(x) for x in facts] == before
    assert world.ctl("verify", "--head", f"{head['n']}:{head['hash']}").returncode == 0
    shown = world.ask("GET", f"/api/v1/messages/{n['said']}")[1]
    assert shown["payload_kept"] is False and json.loads(shown["payload"])["body"]["name"] == "erased"
    assert shown["erased"]["by"] > head["n"] and len(shown["erased"]["payload_sha256"]) == 64
    act = world.ask("GET", f"/api/v1/messages/{shown['erased']['by']}")[1]
    assert act["topic"] == "act/erase" and json.loads(act["outcome_json"])["actor"] == f"uid:{os.getuid()}"
    # twice is once; what is gone cannot be judged again
    assert world.ask("POST", f"/api/v1/messages/{n['said']}/erase", '{"reason":"x"}')[0] == 409
    assert world.ask("POST", f"/api/v1/messages/{n['wild']}/replay", "{}")[0] == 409
    # a copy that comes late is known and not stored anew; another body under this seq is not taken for it
    world.stop()
    late = "2026-12-24T00:00:00Z"
    again = world.fold(*[line(late, f, m) for f, m in (("registration", said), ("enrolment", amend), ("enrolment", wild),
                                                       ("incident", fire))])
    assert [r.get("duplicate") for r in again] == [True] * 4 and files_hold(world, *secrets) == set()
    other = world.fold(line(late, "registration", {**said, "body": registration(name="别的")}))[0]
    assert [e["code"] for e in other["errors"]] == ["E_SEQ_REUSED"]
    # folded anew the tables are the same
    assert world.ctl("--db", world.db, "rebuild").returncode == 0
    assert [world.rows(x) for x in facts[:3]] == before[:3]


def test_erasing_a_message_erases_its_replays_too(world, monkeypatch):
    at = "2026-11-24T00:00:00Z"
    n = fold_with_bug(world, line(at, "registration", faulty(message(1, registration(name="李雷之家")))),
                      monkeypatch=monkeypatch)[0]["ledger"]
    world.start()
    again = [world.ask("POST", f"/api/v1/messages/{n}/replay", "{}")[1]["n"] for _ in range(2)]
    assert world.rows("SELECT name FROM registration") == [("李雷之家",)]
    status, done = world.ask("POST", f"/api/v1/messages/{again[1]}/erase", json.dumps({"reason": "name of a person"}))
    assert (status, done["erased"], done["rows"]) == (201, n, 3)
    assert files_hold(world, "李雷之家") == set() and world.rows("SELECT name FROM registration") == [("erased",)]


def test_only_the_act_may_change_a_row_and_a_forged_erasure_is_found(world):
    n = world.fold(line("2026-11-24T00:00:00Z", "registration", message(1, registration())))[0]["ledger"]
    with sqlite3.connect(world.db) as db:
        with pytest.raises(sqlite3.IntegrityError):
            db.execute("UPDATE ledger SET payload = '{}' WHERE n = ?", (n,))
        # somebody who writes the table by hand gets past the trigger and the chain, but not past verify
        kept, outcome = db.execute("SELECT payload, outcome FROM ledger WHERE n = ?", (n,)).fetchone()
        forged = kept.replace(b"52330106MJ0000018E", b"52330106MJ0000018E ").replace(b'"older": 35', b'"older": 99')
        db.execute("INSERT INTO erased VALUES(?, 1, ?, ?, ?, ?, NULL)",
                   (n, hashlib.sha256(kept).digest(), forged, hashlib.sha256(outcome.encode()).digest(), outcome))
        db.execute("UPDATE ledger SET payload = ? WHERE n = ?", (forged, n))
        db.execute("UPDATE registration SET places_older = 99")
    found = world.ctl("--db", world.db, "verify", "--json")
    assert found.returncode == 1 and json.loads(found.stdout)["table"] == "erased", found.stdout
    with sqlite3.connect(world.db) as db:
        db.execute("UPDATE erased SET payload = ?", (kept,))
        db.execute("UPDATE ledger SET payload = ? WHERE n = ?", (kept, n))
        db.execute("UPDATE registration SET places_older = 35")
        db.execute("DELETE FROM erased")


def test_an_erase_is_refused_with_its_reason(world):
    n = world.fold(line("2026-11-24T00:00:00Z", "enrolment", message(1, enrolment(phone="1"))))[0]["ledger"]
    world.start()
    erase = lambda row, reason: world.ask("POST", f"/api/v1/messages/{row}/erase", json.dumps({"reason": reason}))[0]
    assert [erase(n, "x"), erase(1, "x"), erase(999, "x"), erase(n, ""), erase(n, "13800138000"), erase(n, 7)] == \
           [409, 409, 404, 422, 422, 422]
    assert world.ctl("erase", n).returncode == 2
    assert world.ask("POST", f"/api/v1/messages/{n}/erase", '{"reason":"x"}', tcp=True)[0] == 401


# ---- rebuild ----

DAMAGE = """UPDATE enrolment SET places = 1 WHERE day % 3 = 0; DELETE FROM stream WHERE feed = 1;
            UPDATE alert SET state = 'closed'; DELETE FROM message WHERE n % 7 = 0; UPDATE site SET unit = '110101';"""


def fill(world, days=30, sites=40):
    at = "2026-11-24T00:00:00Z"
    ids = [uscc(i) for i in range(sites)]
    lines = [line(at, "registration", message(1, registration(), site=s), site=s) for s in ids]
    lines += [line(at, "enrolment", message(d, enrolment(as_of=f"2026-10-{d:02d}", places=50 + d), site=s), site=s)
              for d in range(1, days + 1) for s in ids]
    world.fold(*lines, line(at, "incident", message(1, incident(dead=1))))
    return ids, lines


def damage(world):
    with sqlite3.connect(world.db) as db:
        db.executescript(DAMAGE)


def test_rebuild_beside_the_daemon_mends_tables_and_memory_while_acts_go_on(world):
    ids, lines = fill(world, days=100 // 4)
    damage(world)
    world.start()
    assert world.ctl("verify").returncode == 1
    said = lines[0]["payload"]
    assert "duplicate" not in world.ask("POST", "/api/v1/lint/registration", said)[1]  # its memory was damaged, too
    rebuild = subprocess.Popen([BUILD / "nurseryctl", "rebuild", "--json"], cwd=world.where, stdout=subprocess.PIPE, text=True)
    imported = 0
    while rebuild.poll() is None:
        csv = f"division,indicator,value,by,source\n,places_per_1000,4.{imported:03d},2026-12-31,x\n"
        assert world.ask("POST", "/api/v1/imports/targets", csv)[0] == 201
        imported += 1
    done = json.loads(rebuild.stdout.read())
    assert rebuild.returncode == 0 and done["ok"] and imported > 0
    for table in ("site", "message", "stream", "enrolment", "alert"):
        assert table in done["replaced"].split(", "), done
    assert "registration" not in done["replaced"].split(", ")
    assert done["pause_ms"] < 1000
    assert world.ctl("verify").returncode == 0
    assert world.ask("POST", "/api/v1/lint/registration", said)[1]["duplicate"] is True
    assert world.ask("GET", "/api/v1/alerts")[1]["items"][0]["state"] == "open"
    # the numbers follow the tables
    for _ in range(200):
        head = world.ask("GET", "/api/v1/ledger/head")[1]
        sample = world.rows("SELECT count(*) FROM dirty UNION ALL SELECT count(*) FROM dirty_range")
        if head["indicators_n"] == head["n"] and sample == [(0,), (0,)]:
            break
        time.sleep(0.1)
    assert world.rows("SELECT numerator FROM sample WHERE unit = '330100' AND indicator = 'places_total' AND as_of = 20767"
                      )[0][0] > 40
    assert json.loads(world.ctl("rebuild", "--json").stdout)["replaced"] == ""


def test_a_kill_during_a_rebuild_leaves_the_old_tables_or_the_new_ones(world):
    fill(world, days=20)
    for delay in (0.0, 0.05, 0.15, 0.3, 0.5):
        damage(world)
        world.start()
        rebuild = subprocess.Popen([BUILD / "nurseryctl", "rebuild"], cwd=world.where, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(delay)  # not a wait: where the kill falls is to differ
        world.stop(signal.SIGKILL)
        rebuild.wait(30)
        units = [x for x, in world.rows("SELECT DISTINCT unit FROM site")]
        streams = world.rows("SELECT count(*) > 0 FROM stream WHERE feed = 1")[0][0]
        assert (units, streams) in ((["110101"], 0), (["330100"], 1)), "half a swap"
    world.start()
    assert world.ctl("rebuild").returncode == 0
    assert world.ctl("verify").returncode == 0


def test_a_broken_chain_is_not_rebuilt(world):
    n = world.fold(line("2026-11-24T00:00:00Z", "enrolment", message(1, enrolment())))[0]["ledger"]
    with sqlite3.connect(world.db) as db:
        (trigger,) = db.execute("SELECT sql FROM sqlite_schema WHERE name = 'ledger_is_never_changed'").fetchone()
        (kept,) = db.execute("SELECT payload FROM ledger WHERE n = ?", (n,)).fetchone()
        db.execute("DROP TRIGGER ledger_is_never_changed")
        db.execute("UPDATE ledger SET payload = ? WHERE n = ?", (kept + b" ", n))
    world.start()
    assert world.ask("POST", "/api/v1/rebuild", "{}")[0] == 409
    assert world.ctl("rebuild").returncode == 1
    world.stop()
    with sqlite3.connect(world.db) as db:
        db.execute("UPDATE ledger SET payload = ? WHERE n = ?", (kept, n))
        db.execute(trigger)


def test_rejudge_makes_a_new_database_and_says_what_changed(world, monkeypatch):
    at = "2026-11-24T00:00:00Z"
    first = fold_with_bug(world, line(at, "registration", message(1, registration())),
                          line(at, "enrolment", faulty(message(1, enrolment()))), line(at, "enrolment", "{junk"),
                          line(at, "enrolment", message(2, enrolment(phone="1"))), line(at, "enrolment", message(1, enrolment(places=61))),
                          monkeypatch=monkeypatch)
    world.start()
    assert world.ctl("erase", first[0]["ledger"], "--reason", "x").returncode == 0
    before = world.db.read_bytes()
    done = world.ctl("rebuild", "--rejudge", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert [(c["n"], c["was"], c["now"]) for c in told["changed"]] == [(first[1]["ledger"], "fault", "accepted")]
    assert (told["verdicts_changed"], told["findings_changed"]) == (1, 0)
    fresh = pathlib.Path(told["file"])
    assert fresh.name == "n.db.rejudged" and world.ctl("rebuild", "--rejudge").returncode == 1  # never over an old one
    world.stop()
    checked = world.ctl("--db", fresh, "verify")
    assert checked.returncode == 0, checked.stdout
    with sqlite3.connect(fresh) as db:
        assert db.execute("SELECT places FROM enrolment WHERE counts = 1").fetchall() == [(60,)]
        assert [x for x, in db.execute("SELECT status FROM refused ORDER BY n")] == ["rejected", "refused_pii", "rejected"]
    assert world.rows("SELECT count(*) FROM enrolment") == [(0,)] and before[:16] == world.db.read_bytes()[:16]
    # exactly the same when no decoder has changed
    again = json.loads(world.ctl("--db", fresh, "rebuild", "--rejudge", "--json").stdout)
    assert (again["verdicts_changed"], again["findings_changed"]) == (0, 0)
