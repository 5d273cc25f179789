# SPDX-License-Identifier: MIT
"""What the API shows to whom, list by list and field by field (CONTRACT §2), and how it travels."""
import gzip
import http.client
import json
import socket
import subprocess

import pytest
import requests

from live import BUILD, SITE, Broker, Daemon, Sender, example, topic, wait_until
from openapi import check_answer


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=20)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(20)
        self.sock.connect(self.path)


class Api(Daemon):
    """Every answer is held against docs/openapi.yaml."""

    def ask(self, path, inside=False, method="GET", body=None, **headers):
        c = UnixConnection(self.directory / "nurseryd.sock") if inside else http.client.HTTPConnection("127.0.0.1", self.http, timeout=20)
        c.request(method, path, body, headers)
        r = c.getresponse()
        data = r.read()
        c.close()
        if r.headers.get("Content-Encoding") == "gzip":
            r.small, data = len(data), gzip.decompress(data)
        check_answer(method, path, r.status, r.headers, data)
        r.text = data
        return r

    def get(self, path, inside=False):
        r = self.ask("/api/v1" + path, inside)
        assert r.status == 200, (path, r.status, r.text)
        return json.loads(r.text)


BALLOT = {"round": "2026H2", "form": "ballot", "respondent": "family", "token": "K7Q29M4XTT1A06PD", "answers": {"service": 5}}


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    where = tmp_path_factory.mktemp("api")
    broker = Broker(where).start()
    daemon = Api(where, f'url = "mqtt://127.0.0.1:{broker.port}";', 'limits: { per_site = "100000/min"; };').start()
    sender = None
    try:
        daemon.wait_ready()
        sender = Sender(broker, "nursery").wait()
        for feed in ("registration", "enrolment", "incident"):
            sender.send(topic(feed), example(feed, 1))
        ballot = example("survey", 1)
        ballot["body"] = BALLOT
        sender.send(topic("survey"), ballot)
        sender.send(topic("survey"), {**ballot, "seq": 2, "body": {**BALLOT, "answers": {"service": 9}}})
        sender.send(topic("enrolment"), example("enrolment", 2, open="yes"))
        wait_until(lambda: len(rows(daemon)) >= 6, 20, "six messages")
        wait_until(lambda: daemon.get("/units/330100")["indicators"], 20, "indicators")
        yield daemon
    finally:
        if sender:
            sender.close()
        daemon.stop()
        broker.stop()


def rows(api):
    return [m for m in api.get("/messages?limit=1000")["items"] if m["site"]]


def test_payloads_of_incidents_and_ballots_need_a_role(api):
    seen = set()
    for m in rows(api):
        outside, inside = api.get(f"/messages/{m['n']}"), api.get(f"/messages/{m['n']}", inside=True)
        closed = m["feed"] in ("incident", "survey")
        assert (outside["payload"] is None) == closed and inside["payload"], m
        assert "K7Q29M4XTT1A06PD" not in json.dumps(outside), m
        quoted = closed and any("got" in f for f in inside["errors"] + inside["warnings"])
        assert (outside["outcome_json"] is None) == quoted, m
        for finding in closed * (inside["errors"] + inside["warnings"]):
            finding.pop("got", None)
        hidden = {k: outside[k] for k in ("payload", "outcome_json", "payload_sha256", "outcome_sha256")}
        assert (outside["payload_sha256"] is None) == (outside["outcome_sha256"] is None) == quoted, m
        assert {**inside, **hidden} == outside, "nothing else differs"
        seen.add((m["feed"], m["outcome"]))
    assert {("survey", "accepted"), ("survey", "rejected"), ("incident", "accepted"), ("enrolment", "rejected")} <= seen
    acts = [m for m in api.get("/messages?limit=1000")["items"] if m["topic"].startswith("act/")]
    assert any(api.get(f"/messages/{m['n']}")["payload"] for m in acts), "imports, policy and starts are open"


def test_cells_of_few_answers_are_suppressed_without_a_role(api):
    wait_until(lambda: cell(api, True)["numerator"] == 1, 20, lambda: str(cell(api, True)))
    outside = cell(api, False)
    assert outside["value"] is outside["numerator"] is outside["denominator"] is None, outside
    assert outside["verdict"] == outside["status"] == "insufficient"


def cell(api, inside):
    found = api.get("/units/330100", inside)["indicators"]
    return next(i for i in found if i["id"] == "satisfaction_family_service")


LISTS = {
    "/messages": {"n", "received_at", "topic", "site", "feed", "epoch", "seq", "outcome", "errors", "hash"},
    "/sites": {"site", "unit", "division", "registration", "enrolment", "status"},
    "/incidents": {"site", "unit", "event", "type", "stage", "severity", "unconfirmed", "grade", "children", "adults", "occurred_at",
                   "known_at"},
    "/alerts?state=all": {"id", "rule", "unit", "site", "subject", "severity", "state", "raised_at", "case"},
    "/units": {"unit", "designation", "indicators", "open_cases"},
    "/provinces": {"province"},
}


@pytest.mark.parametrize("path", LISTS)
def test_list_items_have_what_the_contract_lists(api, path):
    answer = api.get(path, inside=True)
    assert set(answer) == {"items", "next"} and answer["items"]
    for item in answer["items"]:
        assert LISTS[path] <= set(item), LISTS[path] - set(item)


def test_alerts_over_tcp_have_neither_site_nor_subject(api):
    (alert, *_) = api.get("/alerts?state=all")["items"]
    assert set(alert) & {"site", "subject", "closed_because"} == set()
    assert SITE not in json.dumps(alert)


@pytest.mark.parametrize("path", ["/messages", "/sites", "/units", "/provinces", "/imports"])
def test_pages_follow_each_other_without_loss_or_repeat(api, path):
    whole = api.get(f"{path}?limit=1000")
    found, after = [], ""
    while after is not None:
        page = api.get(f"{path}?limit=7{after and '&after=' + after}")
        found += page["items"]
        after = page["next"]
        assert len(page["items"]) <= 7 and len(found) < 2000
    assert found[:len(whole["items"])] == whole["items"]


def test_a_page_stays_stable_while_rows_come(api):
    first = api.get("/messages?limit=3")
    (api.directory / "targets.csv").write_text("division,indicator,value,by,source\n,places_per_1000,4.6,2027-12-31,规划\n")
    done = subprocess.run([BUILD / "nurseryctl", "--socket", api.directory / "nurseryd.sock", "import", "targets",
                           api.directory / "targets.csv"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    second = api.get(f"/messages?limit=3&after={first['next']}")
    assert [m["n"] for m in first["items"] + second["items"]] == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "after=%00", "nonsense=1", "outcome=good"])
def test_wrong_parameters_are_refused_by_name(api, query):
    r = api.ask(f"/api/v1/messages?{query}")
    assert r.status == 400 and r.headers["Content-Type"] == "application/problem+json"
    assert json.loads(r.text)["errors"][0]["parameter"] == query.split("=")[0]


def test_large_answers_are_compressed_when_asked_and_small_ones_never(api):
    path = "/api/v1/units?province=33"
    plain, small = api.ask(path), api.ask(path, **{"Accept-Encoding": "br, gzip;q=0.5"})
    assert "Content-Encoding" not in plain.headers and small.headers["Content-Encoding"] == "gzip"
    assert small.text == plain.text and small.small < len(plain.text) / 3
    assert "Content-Encoding" not in api.ask(path, **{"Accept-Encoding": "gzip;q=0"}).headers
    assert "Content-Encoding" not in api.ask("/healthz", **{"Accept-Encoding": "gzip"}).headers
    again = api.ask(path, **{"Accept-Encoding": "gzip", "If-None-Match": small.headers["ETag"]})
    assert again.status == 304 and again.text == b"" and again.headers["ETag"] == small.headers["ETag"]


@pytest.mark.parametrize("path", ["/api/v1/units", "/healthz", "/metrics", "/api/v1/nothing"])
def test_head_is_get_without_the_body_and_headers_protect(api, path):
    got, head = api.ask(path), api.ask(path, method="HEAD")
    assert head.status == got.status and head.text == b""
    assert head.headers["Content-Type"] == got.headers["Content-Type"]
    for r in (got, head):
        assert r.headers["X-Content-Type-Options"] == "nosniff" and r.headers["X-Frame-Options"] == "DENY"
        assert r.headers["Cache-Control"] == "no-cache" and "Accept-Encoding" in r.headers["Vary"]
        assert not [h for h in r.headers if h.lower().startswith("access-control")], "no CORS"


def test_without_a_credential_nobody_acts_and_officers_lists_are_closed(api):
    assert api.ask("/api/v1/imports/targets", method="POST", body="x").status == 401
    assert api.ask("/api/v1/incidents").status in (401, 403)
    assert api.ask(f"/api/v1/incidents/{SITE}/INC-2026-0003").status in (401, 403)
    assert api.ask("/api/v1/units/330100", method="DELETE").status == 405


def test_every_other_answer_is_of_the_described_form(api):
    api.get("/units?province=33"), api.get("/units/330100"), api.get("/provinces/33"), api.get("/ledger/head")
    api.get(f"/sites/{SITE}"), api.get("/sites?unit=330100"), api.get("/imports")
    assert api.get("/units/330100/indicators/places_total?period=day")["items"]
    api.get("/units/330100/indicators/places_total?period=month")
    api.get(f"/incidents/{SITE}/INC-2026-0003", inside=True)
    for path in ("/healthz", "/readyz", "/metrics"):
        assert api.ask(path).status == 200
    r = api.ask("/api/v1/lint/enrolment", method="POST", body=json.dumps(example("enrolment", 9)))
    assert r.status == 200, r.text
    assert api.ask("/api/v1/units/999999").status == 404
