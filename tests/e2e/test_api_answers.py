# SPDX-License-Identifier: MIT
"""Every operation of docs/openapi.yaml, asked once for each status that it describes; what comes back is held against the description."""
import hashlib
import json

import pytest
import requests

from live import SITE, Broker, Daemon, Sender, example, topic, wait_until
from openapi import SEEN, check_answer, description
from test_api_http import UnixConnection

TOKEN = "a token of a test"
ROLE = {"Authorization": f"Bearer {TOKEN}"}
HOLES = {"unit": "330100", "id": "places_total", "code": "33", "site": SITE, "event": "INC-2026-0003", "n": "1", "kind": "targets", "feed": "enrolment", "sink": "influx",
         "case": "C-2026-001", "alert": "A-000001", "file": "style.css"}
CSV = "division,indicator,value,by,source\n,places_per_1000,4.5,2025-12-31,x\n"
QUERIES = {"/api/v1/reports/annual": "?province=33&year=2026", "/api/v1/reports/recommend": "?province=33&cycle=2025-2026"}
# Of what a status needs more than a question: asked by the test that is named.
ELSEWHERE = {
    "readyz 503": "test_a_daemon_without_its_broker_is_not_ready",
}


class Asked(Daemon):
    def ask(self, method, path, body=None, inside=False, **headers):
        """Over TCP with the token of a role, or over the socket as root."""
        if not inside:
            answer = requests.request(method, f"http://127.0.0.1:{self.http}{path}", data=body, headers={**ROLE, **headers}, timeout=30, stream=path.endswith("/events"))
            if path.endswith("/events"):  # a stream has no end to wait for
                check_answer(method, path, answer.status_code, answer.headers, b"" if answer.ok else answer.content)
                answer.close()
            return answer.status_code, answer.headers
        c = UnixConnection(self.directory / "nurseryd.sock")
        c.request(method, path, body, headers)
        r = c.getresponse()
        check_answer(method, path, r.status, r.headers, r.read())
        c.close()
        return r.status, r.headers


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    where = tmp_path_factory.mktemp("answers")
    broker = Broker(where).start()
    people = ", ".join(f'{{ name = "{n}"; roles = [ "{r}" ]; token_sha256 = "{hashlib.sha256(t.encode()).hexdigest()}"; }}'
                       for n, r, t in (("li", "prov_hc", TOKEN), ("op", "operator", TOKEN + "o")))
    d = Asked(where, f'url = "mqtt://127.0.0.1:{broker.port}";', f'people = ( {people} ); influx: {{ url = "http://127.0.0.1:1"; }};').start().wait_ready()
    sender = Sender(broker).wait()
    for feed in ("registration", "enrolment", "incident"):
        sender.send(topic(feed), example(feed))
    sender.close()
    wait_until(lambda: requests.get(f"http://127.0.0.1:{d.http}/api/v1/cases/C-2026-001", headers=ROLE, timeout=5).status_code == 200 or
               requests.get(f"http://127.0.0.1:{d.http}/api/v1/cases", headers=ROLE, timeout=5).json()["items"], 30, "no case")
    HOLES["case"] = requests.get(f"http://127.0.0.1:{d.http}/api/v1/cases", headers=ROLE, timeout=5).json()["items"][0]["id"]
    wait_until(lambda: requests.get(f"http://127.0.0.1:{d.http}/api/v1/units/330100", timeout=5).status_code == 200, 30, "no unit")
    yield d
    d.stop()
    broker.stop()


def operations(method):
    return [(path, item[method]) for path, item in description()["paths"].items() if method in item]


def filled(path):
    """The id of alerts and cases is a hole named {id}, as an indicator's is."""
    hole = {"/alerts/": "alert", "/cases/": "case", "/case/": "case"}
    for name, value in HOLES.items():
        key = next((h for part, h in hole.items() if part in path), None) if name == "id" else None
        path = path.replace("{" + name + "}", HOLES[key] if key else value)
    assert "{" not in path, path
    return path + QUERIES.get(path, "")


@pytest.mark.parametrize("path,operation", operations("get"), ids=lambda x: x if isinstance(x, str) else "")
def test_a_question_is_answered_and_not_sent_again_and_a_wrong_one_is_refused(daemon, path, operation):
    at = filled(path)
    status, _ = daemon.ask("GET", at)
    assert status == 200, (at, status)
    if "304" in operation["responses"]:
        # the numbers may be computed anew between two questions
        wait_until(lambda: daemon.ask("GET", at, **{"If-None-Match": daemon.ask("GET", at)[1]["ETag"]})[0] == 304, 20, f"{at} is never unchanged")
    if "4XX" in operation["responses"]:
        assert 400 <= daemon.ask("GET", at, Host="evil.example")[0] < 500
        assert 400 <= daemon.ask("DELETE", at)[0] < 500


@pytest.mark.parametrize("path", [p for p, _ in operations("post")])
def test_an_act_under_a_foreign_name_is_refused(daemon, path):
    assert daemon.ask("POST", filled(path), b"{}", Host="evil.example")[0] == 421


ACTS = [  # path, body, inside, the status; in this order
    ("/api/v1/imports/targets", CSV, True, 201), ("/api/v1/imports/targets", CSV, True, 200), ("/api/v1/imports/targets", "no,such,column\n", True, 422), ("/api/v1/imports/nothing", CSV, True, 404),
    ("/api/v1/lint/enrolment", json.dumps(example("enrolment")), True, 200),
    ("/api/v1/messages/{enrolment}/replay", "", True, 201), ("/api/v1/messages/1/replay", "", True, 409),
    ("/api/v1/messages/{enrolment}/erase", '{"reason": "test"}', True, 201), ("/api/v1/messages/{enrolment}/erase", "{}", True, 422),
    ("/api/v1/sinks/influx/refill", "", True, 202), ("/api/v1/sinks/nothing/refill", "", True, 404),
    ("/api/v1/backup", '{"path": "copy.db"}', True, 201), ("/api/v1/backup", '{"path": "copy.db"}', True, 409),
    ("/api/v1/backup", "", True, 201), ("/api/v1/backup", "{}", True, 201), ("/api/v1/backup", "[]", True, 400),
    ("/api/v1/rebuild", "", True, 200),
    ("/api/v1/alerts/{alert}/actions", '{"act": "acknowledge"}', False, 201), ("/api/v1/alerts/{alert}/actions", '{"act": "dance"}', False, 422),
    ("/api/v1/alerts/{alert}/actions", '{"act": "note"}', False, 409),
    ("/api/v1/cases/{case}/actions", '{"act": "acknowledge"}', False, 201), ("/api/v1/cases/{case}/actions", '{"act": "revoke"}', False, 409),
    ("/api/v1/cases/{case}/actions", "no json", False, 400), ("/api/v1/cases/{case}/actions", '{"act": "dance"}', False, 422),
    ("/api/v1/units/330100/actions", '{"act": "dance"}', False, 422),
    ("/api/v1/units/330100/actions", '{"act": "recheck", "reason": "test"}', False, 201), ("/api/v1/units/330100/actions", '{"act": "name"}', False, 409),
    ("/api/v1/incidents/{site}/{event}/actions", '{"act": "note", "reason": "test"}', False, 201),
    ("/api/v1/incidents/{site}/{event}/actions", '{"act": "dance"}', False, 422), ("/api/v1/incidents/{site}/{event}/actions", '{"act": "note"}', False, 409),
    ("/api/v1/sites/{site}/actions", '{"act": "move", "division": "330108", "effective_on": "2027-01-01", "reason": "test"}', False, 201),
    ("/api/v1/sites/{site}/actions", '{"act": "move"}', False, 409), ("/api/v1/sites/{site}/actions", '{"act": "dance"}', False, 422),
]


def test_every_act_is_done_once_and_refused_once(daemon):
    rows = requests.get(f"http://127.0.0.1:{daemon.http}/api/v1/messages?feed=enrolment", headers=ROLE, timeout=5).json()["items"]
    found, wrong = {**HOLES, "enrolment": str(rows[0]["n"])}, []
    for path, body, inside, wanted in ACTS:
        for name, value in found.items():
            path = path.replace("{" + name + "}", value)
        status = daemon.ask("POST", path, body.encode(), inside)[0]
        if status != wanted:
            wrong.append((path, body[:40], status, wanted))
    assert not wrong, wrong


@pytest.mark.parametrize("what", ["cases/{case}", "alerts/{alert}", "units/330100", "incidents/{site}/{event}", "sites/{site}"])
def test_an_act_on_what_has_changed_meanwhile_is_412(daemon, what):
    path = what.replace("{case}", HOLES["case"]).replace("{alert}", HOLES["alert"]).replace("{site}", SITE).replace("{event}", HOLES["event"])
    act = b'{"act": "move", "division": "330109", "effective_on": "2027-01-01", "reason": "x"}' if what.startswith("sites") else b'{"act": "note", "reason": "x"}'
    assert daemon.ask("POST", f"/api/v1/{path}/actions", act, **{"If-Match": '"0123456789abcdef"'})[0] == 412


def test_a_daemon_without_its_broker_is_not_ready(tmp_path):
    d = Asked(tmp_path, 'url = "mqtt://127.0.0.1:1";').start()
    wait_until(lambda: d.says() and "http.ready" in d.says(), 20, "no HTTP")
    try:
        assert requests.get(f"http://127.0.0.1:{d.http}/readyz", timeout=5).status_code == 503
    finally:
        d.stop()


def test_no_described_answer_was_left_out():
    """The last of this file: adds up what the ones before it have read."""
    wanted = [(o["operationId"], s) for m in ("get", "post") for _, o in operations(m) for s in o["responses"] if s != "default"]
    read = {(o, s) for o, s in SEEN} | {(o, s[0] + "XX") for o, s in SEEN}
    never = sorted(f"{o} {s}" for o, s in wanted if (o, s) not in read)
    assert set(never) <= set(ELSEWHERE), never
