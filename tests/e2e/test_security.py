# SPDX-License-Identifier: MIT
"""Who is told what, and what a reload, a core or a careless mode must not give away."""
import json
import os
import re
import signal
import stat
import subprocess

import pytest

from live import wait_until
from test_acts import BUILD
from test_cases import ROOT, Office, token
from test_fold import line, message, registration
from wire_rig import World, codes
from wire_rig import message as wire_message, registration as wire_registration


@pytest.fixture
def office(tmp_path):
    d = Office(tmp_path)
    d.fold(line("2026-11-24T06:00:00+08:00", "registration", message(1, registration())))
    d.start()
    yield d
    d.stop()


def log(d):
    return (d.where / "log").read_text()


def reload(d, word, **change):
    """SIGHUP with texts of the file replaced, until the log says `word` once more."""
    conf, before = d.where / "n.conf", log(d).count(word)
    text = conf.read_text()
    for old, new in change.values():
        assert old in text
        text = text.replace(old, new)
    conf.write_text(text)
    d.process.send_signal(signal.SIGHUP)
    wait_until(lambda: log(d).count(word) > before, 30, lambda: word + ": " + log(d))


def test_a_backup_finds_its_directory_after_reloads(office):
    """The text of store.path belongs to a configuration, and a reload frees the old one."""
    for _ in range(3):
        reload(office, "reloaded")
    status, answer = office.ask("POST", "/api/v1/backup", '{"path":"copy.db"}')
    assert (status, answer.get("path")) == (201, str(office.where.resolve() / "copy.db")), answer
    assert stat.S_IMODE(os.stat(office.where / "copy.db").st_mode) == 0o600


def test_a_refused_reload_gives_nobody_another_role(office):
    (office.where / "broken.conf").write_text("nothing = 1;\n")
    assert office.call("reader", "GET", "/incidents")[0] == 200
    reload(office, "policy.refused", policy=(f"{ROOT}/config/policy.conf", "broken.conf"), who=('name = "reader"', 'name = "king"'),
           role=('roles = [ "viewer" ]', 'roles = [ "operator" ]'))
    assert office.call("reader", "POST", "/messages/1/erase", {"reason": "x"})[0] == 403
    reload(office, "reloaded", policy=("broken.conf", f"{ROOT}/config/policy.conf"))
    assert office.call("reader", "POST", "/messages/1/erase", {"reason": "x"})[0] != 403


def test_no_cache_keeps_what_a_credential_was_needed_for_nor_mixes_readers(office):
    for who, path, wanted in ((None, "/units", "no-cache"), ("reader", "/units", "no-store"), ("reader", "/incidents", "no-store"),
                              ("reader", "/reports/case/C-2026-001", "no-store")):
        headers = office.call(who, "GET", path)[2]
        assert (headers["Cache-Control"], "Authorization" in headers["Vary"]) == (wanted, True), (who, path)
    for act, path in (("acknowledge", "/alerts/A-000001"), ("note", "/incidents/X/Y")):
        assert office.call("duty", "POST", path + "/actions", {"act": act})[2]["Cache-Control"] == "no-store"


def test_no_token_stands_in_the_log_nor_in_what_print_config_shows(office):
    reload(office, "reloaded")
    for who in ("duty", "hc", "nobody"):
        office.call(who, "GET", "/units")
    assert not re.search("token-of-", log(office))
    assert token("duty") not in subprocess.run([BUILD / "nurseryd", "-c", "n.conf", "--print-config"], cwd=office.where, capture_output=True, text=True).stdout


def test_what_is_written_is_nobody_elses_and_no_core_is_left(office):
    office.ask("POST", "/api/v1/backup", '{"path":"copy.db"}')
    made = [p for p in office.where.iterdir() if p.name.startswith(("n.db", "copy.db"))]
    assert {"n.db", "n.db-wal", "n.db.lock", "copy.db"} <= {p.name for p in made}
    for path in made:
        assert not stat.S_IMODE(path.stat().st_mode) & 0o007, path
    limits = open(f"/proc/{office.process.pid}/limits").read()
    assert re.search(r"^Max core file size +0 +0 ", limits, re.M), limits


def test_careless_secrets_and_addresses_are_warned_of_at_start_and_reload_and_in_the_check(office):
    (office.where / "duty.token").write_text("token-of-a-file-0123456789\n")
    os.chmod(office.where / "duty.token", 0o644)
    reload(office, "config.careless", who=('people = ( ', 'people = ( { name = "clerk"; roles = [ "viewer" ]; token_file = "duty.token"; }, '))
    assert "token-of" not in log(office)
    checked = subprocess.run([BUILD / "nurseryd", "-c", "n.conf", "--check-config"], cwd=office.where, capture_output=True, text=True)
    assert checked.returncode == 0 and "duty.token" in checked.stderr, checked
    os.chmod(office.where / "duty.token", 0o640)
    before = log(office).count("config.careless")
    reload(office, "reloaded")
    assert log(office).count("config.careless") == before


HOSTILE = "first\u009b2J\u001b[2Jx\u202ey"


def test_a_hostile_message_moves_no_terminal(office):
    (office.where / "hostile.json").write_text(json.dumps(message(7, registration(registrar=HOSTILE, facility=HOSTILE))))
    said = office.ctl("lint", "registration", "hostile.json")
    assert said.returncode == 1 and "got   first?2J?[2Jx?y" in said.stdout, said
    assert not re.search("[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e]", said.stdout + said.stderr), said


def test_what_no_memory_could_hold_the_broker_keeps_to_itself(tmp_path):
    w = World(tmp_path, per_site="")
    try:
        w.daemon.start()
        s = w.sender()
        assert codes(s.send("enrolment", b" " * 300_000)) == ["E_TOO_LARGE"]
        s.publish("enrolment", b" " * (20 << 20)).wait_for_publish(60)
        assert codes(s.send("registration", wire_message(1, wire_registration()))) == []
        assert [codes(r) for r in s.all()] == [["E_TOO_LARGE"], []]
        rss = int(re.search(r"VmHWM:\s+(\d+) kB", open(f"/proc/{w.daemon.process.pid}/status").read()).group(1))
        assert rss < 200_000 or "san" in str(BUILD), rss
    finally:
        w.close()
