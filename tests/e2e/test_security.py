# SPDX-License-Identifier: MIT
"""Who is told what, and what a reload, a core or a careless mode must not give away."""
import os
import re
import signal
import stat

import pytest

from live import wait_until
from test_cases import ROOT, Office, token
from test_fold import line, message, registration


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
    assert token("duty") not in os.popen(f"cd {office.where} && {ROOT}/build/nurseryd -c n.conf --print-config").read()
