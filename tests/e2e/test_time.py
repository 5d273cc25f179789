# SPDX-License-Identifier: MIT
"""Our own clock: days and years turn, somebody sets it a day forward or back under the running daemon (DESIGN §5). Nothing is missing
and nothing happens twice. The daemon's wall clock alone is set (tests/e2e/wall_clock.c); what passes, passes."""
import collections
import datetime
import http.client
import json
import os
import signal
import sqlite3
import struct
import subprocess
import time

import live
import pytest
from live import BUILD, SITE, TOP, Broker, Sender, topic, wait_until
from pages_rig import Recorder, SECRET
from test_cases import people_text, token
from test_escalation import CALLS, calls
from test_fold import enrolment, incident, message, registration
from test_guards import working
from test_pages import FAST, ROUTES, webhook

EAST = datetime.timezone(datetime.timedelta(hours=8))
YEAR = datetime.datetime.now(EAST).year + 1  # whatever day it is, later than the build
DAY = datetime.timedelta(days=1)


def at(text):
    return datetime.datetime.fromisoformat(text + "+08:00")


def ms(when):
    return round(when.timestamp() * 1000)


@pytest.fixture(scope="session")
def shim(tmp_path_factory):
    path = tmp_path_factory.mktemp("clock") / "wall_clock.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-Wall", "-Werror", "-o", path, TOP / "tests/e2e/wall_clock.c"], check=True)
    return path


class Clock:
    def __init__(self, directory, shim):
        self.path, self.shim = directory / "clock", shim
        self.path.write_bytes(struct.pack("<q", 0))

    def ahead(self):
        return datetime.timedelta(milliseconds=struct.unpack("<q", self.path.read_bytes())[0])

    def now(self):
        return datetime.datetime.now(EAST) + self.ahead()

    def move(self, by):
        with open(self.path, "r+b") as f:
            f.write(struct.pack("<q", round((self.ahead() + by).total_seconds() * 1000)))

    def set(self, when):
        self.move(when - self.now())


class Daemon(live.Daemon):
    """Its clock, a broker, one nursery."""

    def __init__(self, directory, shim, extra=""):
        self.clock, self.broker = Clock(directory, shim), Broker(directory).start()
        super().__init__(directory, f'url = "mqtt://127.0.0.1:{self.broker.port}";', extra)
        if (directory / "policy.conf").exists():
            self.conf.write_text(self.conf.read_text().replace(f"{TOP}/config/policy.conf", "policy.conf"))
        self.seq, self.sender = collections.Counter(), Sender(self.broker).wait()

    def start(self):
        own = {"LD_PRELOAD": str(self.clock.shim), "WALL_CLOCK_FILE": str(self.clock.path),
               "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}
        kept = dict(os.environ)
        os.environ.update(own)
        try:
            return super().start()
        finally:
            os.environ.clear()
            os.environ.update(kept)

    def kill(self):
        self.stop(signal.SIGKILL)

    def send(self, feed, body, known_ago=None):
        self.seq[feed] += 1
        now = self.clock.now()
        if known_ago is not None:
            body = {**body, "known_at": (now - known_ago).isoformat(timespec="milliseconds"), "occurred_at": (now - known_ago).isoformat(timespec="milliseconds")}
        self.sender.send(topic(feed), message(self.seq[feed], body, sent_at=now.isoformat(timespec="milliseconds")))

    def rows(self, sql):
        with sqlite3.connect(f"file:{self.db}?mode=ro", uri=True) as db:
            return db.execute(sql).fetchall()

    def payloads(self, kind):
        return [json.loads(p) for p, in self.rows(f"SELECT payload FROM ledger WHERE topic = 'act/due/{kind}' ORDER BY n")]

    def due(self, kind):
        return [p["at"] for p in self.payloads(kind)]

    def records(self, what):
        return [int(json.loads(p)["ms"]) for p, in self.rows(f"SELECT payload FROM ledger WHERE topic = 'act/daemon/{what}' ORDER BY n")]

    def messages(self):
        return [(json.loads(p)["seq"], t) for t, p in self.rows("SELECT received_at, payload FROM ledger WHERE topic LIKE 'nursery/%' ORDER BY n")]

    def verify(self):
        done = subprocess.run([BUILD / "nurseryctl", "--db", self.db, "verify"], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr

    def close(self):
        self.sender.close()
        self.stop()
        self.broker.stop()
        assert "Sanitizer" not in self.log.read_text(errors="replace")


@pytest.fixture
def make(tmp_path, shim):
    made = []

    def build(when, extra="", registered=True):
        d = Daemon(tmp_path, shim, extra)
        made.append(d)
        d.clock.set(when)
        d.start().wait_ready()
        if registered:
            d.send("registration", registration(effective_on=str((when - 30 * DAY).date())))
            wait_until(lambda: len(d.messages()) == 1, 10, d.says)
        return d

    yield build
    for d in made:
        d.close()
        d.verify()


def days_between(first, last, hour):
    """Each local day's `hour` in (first, last]."""
    day = first.replace(hour=hour, minute=0, second=0, microsecond=0)
    while day <= last:
        if day > first:
            yield ms(day)
        day += DAY


# ---- days, years ----

def test_the_year_turns_and_the_clock_is_set_a_day_forward_every_due_row_comes_once_and_a_fold_says_the_same(make, tmp_path):
    began = at(f"{YEAR}-12-31T17:59:57")
    d = make(began)
    d.send("enrolment", enrolment(as_of=f"{YEAR}-12-31"))
    wait_until(lambda: d.due("evening"), 15, "the evening")
    d.clock.set(at(f"{YEAR}-12-31T23:59:58"))
    wait_until(lambda: d.due("day"), 15, "the new year")
    d.send("enrolment", enrolment(as_of=f"{YEAR + 1}-01-01"))
    d.clock.move(DAY)
    wait_until(lambda: len(d.due("day")) == 2, 15, "a day forward")
    d.kill()
    d.clock.move(2 * DAY)  # while nobody looked
    d.start().wait_ready()
    wait_until(lambda: len(d.due("day")) == 4, 15, "two days more")
    d.send("enrolment", enrolment(as_of=str(d.clock.now().date())))
    wait_until(lambda: len(d.messages()) == 4, 15, "the last message")
    now = d.clock.now()
    assert d.due("day") == list(days_between(began, now, 0))
    assert d.due("evening") == list(days_between(began, now, 18))
    jumps = d.records("clock_jumped")
    assert len(jumps) == 2 and abs(jumps[1] - 86400000) < 2000 and abs(jumps[0] - (6 * 3600 - 3) * 1000) < 20000
    # the same messages at the same times, folded without any clock
    other = tmp_path / "fold"
    other.mkdir()
    (other / "n.conf").write_text(f'store: {{ path = "n.db"; }};\npolicy = "{TOP}/config/policy.conf";\n')
    lines = [{"received_at": datetime.datetime.fromtimestamp(t / 1000, EAST).isoformat(timespec="milliseconds"), "topic": name, "payload": p.decode()}
             for t, name, p in d.rows("SELECT received_at, topic, payload FROM ledger WHERE topic LIKE 'nursery/%' ORDER BY n")]
    done = subprocess.run([BUILD / "nurseryd", "-c", other / "n.conf", "--fold", "-"], input="".join(json.dumps(x) + "\n" for x in lines), text=True,
                          capture_output=True)
    assert done.returncode == 0, done.stderr
    with sqlite3.connect(other / "n.db") as db:
        for table in ("enrolment", "registration", "stream"):  # but for the rows' own numbers
            columns = [r[1] for r in db.execute(f"PRAGMA table_info({table})") if r[1] not in ("n", "last_n")]
            sql = f"SELECT {', '.join(columns)} FROM {table} ORDER BY 1, 2, 3"
            assert db.execute(sql).fetchall() == d.rows(sql), table
        due = "SELECT topic, payload FROM ledger WHERE topic LIKE 'act/due/%' ORDER BY n"
        assert db.execute(due).fetchall() == d.rows(due)
        assert db.execute("SELECT * FROM due").fetchall() == d.rows("SELECT * FROM due")


def test_a_public_period_is_over_when_the_day_turns_after_its_tenth_working_day(make):
    first = datetime.date(YEAR, 12, 1)
    tenth = [d for d in (first + i * DAY for i in range(30)) if working(d)][9]
    d = make(datetime.datetime.combine(first, datetime.time(8), EAST), people_text(), registered=False)

    def call(who, path, body, kind="application/json"):
        c = http.client.HTTPConnection("127.0.0.1", d.http, timeout=30)
        c.request("POST", "/api/v1" + path, (body if isinstance(body, str) else json.dumps(body)).encode(), {"Authorization": "Bearer " + token(who), "Content-Type": kind})
        r = c.getresponse()
        return r.status, json.loads(r.read())

    assert call("hc", "/imports/workdays", f"date,day,reason\n{YEAR}-01-01,rest,元旦\n", "text/csv")[0] < 300
    public = {"where": "官网", "when": str(first)}
    for who, act, body in [("hc", "apply", {"cycle": f"{YEAR + 1}-{YEAR + 2}"}), ("hc", "review", {}), ("hc", "publicise", public),
                           ("hc", "recommend", {"document": "x"}), ("nhc", "review", {}), ("nhc", "publicise", public)]:
        assert call(who, "/units/331100/actions", {"act": act, **body})[0] == 201, act
    d.clock.set(datetime.datetime.combine(tenth, datetime.time(23, 59, 54), EAST))
    name = {"act": "name", "document": "国卫〔2027〕1号"}
    status, answer = call("nhc", "/units/331100/actions", name)
    assert d.clock.now().date() == tenth and (status, answer["guard"]) == (409, "period_over")
    wait_until(lambda: d.clock.now().date() > tenth, 20, "midnight")
    assert call("nhc", "/units/331100/actions", name)[0] == 201


def test_a_month_is_frozen_once_when_its_tenth_day_is_over(make):
    d = make(at(f"{YEAR}-12-28T12:00:00"))
    d.send("enrolment", enrolment(as_of=f"{YEAR}-12-28"))
    wait_until(lambda: len(d.messages()) == 2, 10, d.says)
    d.clock.set(at(f"{YEAR + 1}-01-10T23:59:00"))
    sample = f"SELECT 1 FROM sample WHERE period = 'month' AND unit = '330100' AND indicator = 'places_total' AND as_of = {(datetime.date(YEAR, 12, 1) - datetime.date(1970, 1, 1)).days}"
    wait_until(lambda: d.rows(sample), 60, "December computed")
    december = lambda: [p for p in d.payloads("month") if p["subject"] == f"330100/{YEAR}-12"]
    assert not december()
    d.kill()
    d.clock.set(at(f"{YEAR + 1}-01-10T23:59:58"))
    d.start().wait_ready()
    wait_until(december, 40, lambda: d.payloads("month"))  # with its day, not with the next look of once a minute
    frozen = d.payloads("month")
    assert [p["at"] for p in december()] == [ms(at(f"{YEAR + 1}-01-11T00:00:00"))]
    assert len({p["subject"] for p in frozen}) == len(frozen)
    d.kill()
    d.clock.move(DAY)
    d.start().wait_ready()
    wait_until(lambda: len(d.due("day")) == 15, 15, lambda: d.due("day"))
    d.stop()
    assert d.payloads("month") == frozen


# ---- a clock that is wrong ----

def test_set_back_a_day_nothing_is_taken_until_it_is_right_again_and_then_nothing_is_missing(make):
    d = make(datetime.datetime.now(EAST) + DAY)
    d.send("enrolment", enrolment(as_of=str(d.clock.now().date())))
    wait_until(lambda: len(d.messages()) == 2, 10, d.says)
    right = d.clock.ahead()
    head = d.rows("SELECT max(n) FROM ledger")
    d.clock.move(-DAY)
    wait_until(lambda: not d.ready(), 10, "not ready")
    wait_until(lambda: "clock.refused" in d.says(), 5, "said so")
    d.send("incident", incident("LATE", minor=1), known_ago=-DAY + datetime.timedelta(minutes=50))
    time.sleep(3)  # something might be taken
    assert d.rows("SELECT max(n) FROM ledger") == head
    told = subprocess.run(["curl", "-s", "--unix-socket", d.directory / "nurseryd.sock", "http://localhost/readyz"], capture_output=True, text=True)
    assert json.loads(told.stdout)["clock_wrong"] is True and "clock" in json.loads(told.stdout)["why"]
    post = subprocess.run([BUILD / "nurseryctl", "--socket", d.directory / "nurseryd.sock", "import", "targets", "/dev/null"], capture_output=True)
    assert post.returncode != 0 and d.rows("SELECT max(n) FROM ledger") == head
    d.kill()  # started again with the wrong clock it says so and goes
    d.start()
    assert d.process.wait(20) != 0 and "clock.wrong" in d.log.read_text()
    d.clock.move(right - d.clock.ahead() + datetime.timedelta(minutes=30))
    d.start().wait_ready()
    wait_until(lambda: len(d.messages()) == 3, 30, "the incident")
    assert d.rows("SELECT count(*) FROM incident_message") == [(1,)]
    times = [t for t, in d.rows("SELECT received_at FROM ledger ORDER BY n")]
    assert times == sorted(times)
    for kind in ("day", "evening"):
        assert len(d.due(kind)) == len(set(d.due(kind)))


def test_a_wrong_clock_under_the_running_daemon_is_on_record_before_what_it_held_up_and_makes_lateness_unclear(make):
    d = make(datetime.datetime.now(EAST) + DAY)
    d.clock.move(-DAY)
    wait_until(lambda: not d.ready(), 10, "not ready")
    d.send("incident", incident("LATE", minor=1), known_ago=-DAY + datetime.timedelta(minutes=5))
    time.sleep(2)
    d.clock.move(DAY + datetime.timedelta(hours=2))  # right again, two hours later
    wait_until(lambda: len(d.messages()) == 2, 30, "the incident")
    refused, = d.rows("SELECT n FROM ledger WHERE topic = 'act/daemon/clock_refused'")
    assert refused[0] < d.rows("SELECT max(n) FROM ledger WHERE topic LIKE '%/incident'")[0][0]
    assert d.records("clock_refused")[0] >= 1000 and abs(d.records("clock_jumped")[-1] - 2 * 3600000) < 2000
    assert d.rows("SELECT count(*) FROM alert WHERE rule = 'late-report'") == [(0,)]
    d.send("incident", incident("REALLY-LATE", minor=1), known_ago=datetime.timedelta(minutes=90))  # the window lies in it, too
    assert d.ready()


@pytest.mark.parametrize("before, starts", [(datetime.timedelta(minutes=4, seconds=30), True), (datetime.timedelta(minutes=5, seconds=30), False)])
def test_it_starts_up_to_five_minutes_before_its_last_row_and_no_earlier(make, before, starts):
    d = make(datetime.datetime.now(EAST) + DAY)
    d.stop()
    last, = d.rows("SELECT max(received_at) FROM ledger")[0]
    d.clock.set(datetime.datetime.fromtimestamp(last / 1000, EAST) - before)
    d.start()
    if starts:
        d.wait_ready()
        d.send("enrolment", enrolment(as_of=str(d.clock.now().date())))
        wait_until(lambda: len(d.messages()) == 2, 10, d.says)
        assert d.messages()[-1][1] >= last  # the ledger's time never falls
    else:
        assert d.process.wait(20) != 0 and "clock.wrong" in d.log.read_text()


def test_before_the_build_it_does_not_start(make):
    d = make(datetime.datetime.now(EAST), registered=False)
    d.stop()
    d.db.unlink()
    d.clock.set(at("2021-06-01T00:00:00"))
    d.start()
    assert d.process.wait(20) != 0 and "clock.wrong" in d.log.read_text()
    d.clock.set(datetime.datetime.now(EAST))
    d.start().wait_ready()


# ---- pages ----

@pytest.fixture
def called(make, hook, tmp_path):
    (tmp_path / "secret").write_text(SECRET + "\n")
    text = (TOP / "config/policy.conf").read_text()
    for old, new in {**FAST, 'next_contact = "5m"': 'next_contact = "4s"', 'province = "15m"': 'province = "8s"'}.items():
        assert text.count(old) == 1
        text = text.replace(old, new)
    (tmp_path / "policy.conf").write_text(text)

    yield lambda when: make(when, f"notify: {{ sinks = ( {webhook(hook.url)} ); {ROUTES.format(sinks='')} }};", registered=False)
    hook.stop()


@pytest.fixture
def hook():
    return Recorder()


@pytest.mark.parametrize("by", [-DAY, DAY, -datetime.timedelta(hours=1), "killed and back"])
def test_a_clock_set_forward_or_back_leaves_nobody_uncalled_and_calls_nobody_twice(called, hook, by):
    d = called(datetime.datetime.now(EAST) + 2 * DAY)
    d.send("incident", incident("S1", dead=1), known_ago=datetime.timedelta(minutes=1))
    wait_until(lambda: hook.bodies(), 10, "the first page")
    began = time.monotonic()
    if by == "killed and back":
        d.kill()
        d.clock.move(-datetime.timedelta(minutes=4))  # less than makes it refuse to start
        d.start()
    else:
        d.clock.move(by)
    wait_until(lambda: len(calls(hook)) == 3, 40, lambda: calls(hook))
    took = time.monotonic() - began
    assert calls(hook) == CALLS  # what was taken and not on record when it was killed comes again with its key
    assert took < 25 and (by == DAY or took > 4)
    time.sleep(2)
    assert len(calls(hook)) == 3 and not d.rows("SELECT 1 FROM escalation")
    if by == -DAY:
        d.clock.move(DAY)
        d.wait_ready()
        assert len(calls(hook)) == 3
