# SPDX-License-Identifier: MIT
"""Acts on the ledger: lint, replay, erase, rebuild. Built programs, a real socket, a real kill; no broker is needed."""
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
        c.request(method, path, body)
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
    done = lint(feed, *valid, "--json")
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
    assert world.ask("POST", "/api/v1/lint/incident", "x" * 1100000)[0] == 413
    assert world.ask("GET", "/api/v1/ledger/head")[1]["n"] == head
