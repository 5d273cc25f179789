# SPDX-License-Identifier: MIT
"""Acts of officers: who may, which guard refuses, what follows; over the socket and over TCP with tokens."""
import hashlib
import http.client
import json
import shutil
import signal
import subprocess

import pytest

from live import wait_until
from test_acts import BUILD, ROOT, Daemon
from test_fold import SITE, incident, line, message, registration

PEOPLE = {"duty": "duty_officer", "hc": "prov_hc", "drc": "prov_drc", "nhc": "nhc", "ndrc": "ndrc", "reader": "viewer"}


def token(name):
    return f"token-of-{name}-0123456789"


def people_text():
    rows = [f'{{ name = "{n}"; roles = [ "{r}" ]; token_sha256 = "{hashlib.sha256(token(n).encode()).hexdigest()}"; }}' for n, r in PEOPLE.items()]
    rows.append(f'{{ name = "both"; roles = [ "prov_hc", "prov_drc" ]; token_sha256 = "{hashlib.sha256(token("both").encode()).hexdigest()}"; }}')
    rows.append(f'{{ name = "henan"; roles = [ "prov_hc" ]; scope = [ "41" ]; token_sha256 = "{hashlib.sha256(token("henan").encode()).hexdigest()}"; }}')
    return "people = ( " + ", ".join(rows) + " );\n"


class Office(Daemon):
    def __init__(self, where):
        super().__init__(where)
        with open(where / "n.conf", "a") as conf:
            conf.write(people_text())

    def call(self, who, method, path, body=None, **headers):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        if who:
            headers["Authorization"] = "Bearer " + token(who)
        headers = {k.replace("_", "-"): v for k, v in headers.items()}
        c.request(method, "/api/v1" + path, json.dumps(body).encode() if isinstance(body, dict) else body, headers)
        r = c.getresponse()
        text = r.read()
        return r.status, json.loads(text) if text else None, r.headers

    def act(self, who, path, act, **body):
        status, answer, _ = self.call(who, "POST", path + "/actions", {"act": act, **body})
        return status, answer

    def does(self, who, path, act, **body):
        status, answer = self.act(who, path, act, **body)
        assert status == 201, (act, answer)
        return answer

    def refused(self, who, path, act, guard, **body):
        status, answer = self.act(who, path, act, **body)
        assert (status, answer.get("guard")) == (409, guard), (act, status, answer)
        assert answer["zh"] and answer["en"]


@pytest.fixture
def office(tmp_path):
    d = Office(tmp_path)
    yield d
    d.stop()
    if d.db.exists():
        d.verify()


def fire(seq=1, at="2026-11-24T07:20:00+08:00", event="INC-1", **children):
    return line(at, "incident", message(seq, incident(event=event, **children), sent_at=at))


def designate(where, status):
    """Before the first line: shipped data says 330100 is not named; an act or an import does."""
    data = where / "data"
    data.mkdir()
    for f in (ROOT / "config/data").iterdir():
        shutil.copy(f, data)
    with open(data / "designations.csv", "a") as f:
        f.write(f"330100,杭州市,2021-2022,{status},2023-03-21,test\n")
    return str(data)


@pytest.fixture
def named(office, monkeypatch):
    monkeypatch.setenv("NURSERYD_DATADIR", designate(office.where, "named"))
    return office


def open_s1(d, *more):
    d.fold(line("2026-11-24T06:00:00+08:00", "registration", message(1, registration())), fire(dead=1), *more)
    return d.start()


# ---- credentials ----

def test_without_a_credential_401_and_without_the_role_403(named):
    open_s1(named)
    for path in ("/cases", "/incidents", "/cases/C-2026-001"):
        status, _, headers = named.call(None, "GET", path)
        assert (status, headers["WWW-Authenticate"]) == (401, "Bearer")
        assert named.call("reader", "GET", path)[0] == 200
    assert named.call(None, "POST", "/alerts/A-000001/actions", {"act": "acknowledge"})[0] == 401
    assert named.act("reader", "/alerts/A-000001", "acknowledge")[0] == 403
    assert named.act("henan", "/alerts/A-000001", "acknowledge")[0] == 403
    assert named.call("nobody", "GET", "/units")[0] == 401
    assert named.call("hc", "POST", "/messages/1/erase", {"reason": "x"})[0] == 403
    assert "subject" in named.call("reader", "GET", "/alerts")[1]["items"][0]
    assert "subject" not in named.call(None, "GET", "/alerts")[1]["items"][0]
    assert token("hc") not in (named.where / "log").read_text()


def test_wrong_people_are_refused_with_their_line(office):
    for text, word in (('people = ( { name = "a"; roles = [ "king" ]; } );', "duty_officer"),
                       ('people = ( { roles = [ "nhc" ]; } );', "is missing"),
                       ('people = ( { name = "a"; roles = [ "nhc" ]; uid = 5; }, { name = "b"; roles = [ "nhc" ]; uid = 5; } );', "uid"),
                       ('people = ( { name = "a"; roles = [ "nhc" ]; tokn = "x"; } );', "people.tokn")):
        (office.where / "n.conf").write_text("instance = \"x\";\n" + text + "\n")
        done = office_check(office)
        assert done.returncode != 0 and "n.conf:2" in done.stderr + done.stdout and word in done.stderr + done.stdout


def office_check(d):
    return subprocess.run([BUILD / "nurseryd", "-c", "n.conf", "--check-config"], cwd=d.where, capture_output=True, text=True)


# ---- art5-1 ----

def test_a_confirmed_s1_of_a_named_unit_opens_one_case_and_the_second_event_joins_it(named):
    open_s1(named, fire(2, "2026-11-24T07:30:00+08:00", event="INC-2", dead=1), fire(1, "2026-11-24T07:40:00+08:00", dead=1))
    (case,) = named.call("hc", "GET", "/cases")[1]["items"]
    assert (case["id"], case["ground"], case["unit"], case["state"], case["next"]) == ("C-2026-001", "art5-1", "330100", "signal", "acknowledge")
    alone = named.call("hc", "GET", "/cases/C-2026-001")[1]
    assert [e["alert"] for e in alone["evidence"]] == ["A-000001", "A-000002"]
    assert {a["case"] for a in named.call("hc", "GET", "/alerts")[1]["items"]} == {"C-2026-001"}
    named.refused("duty", "/alerts/A-000001", "resolve", "case_decides", reason="x")
    units = named.call(None, "GET", "/units?province=33")[1]["items"]
    assert next(u for u in units if u["unit"] == "330100")["open_cases"] == 1


def test_unconfirmed_for_60_minutes_opens_the_case_and_a_denial_before_does_not(named):
    named.fold(fire(critical=None), fire(2, "2026-11-24T08:15:00+08:00", event="INC-9"))
    assert named.rows("SELECT count(*) FROM case_file") == [(0,)]
    named.fold(fire(3, "2026-11-24T08:25:00+08:00", event="INC-9"))
    assert named.rows("SELECT id, opened_at FROM case_file") == [("C-2026-001", 1795479600000)]  # 08:20, whenever somebody woke up


def test_denied_within_the_hour_there_is_no_case(named):
    named.fold(fire(critical=None), fire(2, "2026-11-24T07:50:00+08:00", serious=1), fire(3, "2026-11-24T09:00:00+08:00", event="INC-9"))
    assert named.rows("SELECT count(*) FROM case_file") == [(0,)]


# ---- the case ----

def to_verifying(d, c="/cases/C-2026-001"):
    d.does("duty", c, "acknowledge")
    d.does("duty", c, "verify")


def to_review(d, c="/cases/C-2026-001"):
    to_verifying(d, c)
    d.does("hc", c, "sign", **{"for": "substantiate"})
    d.does("drc", c, "sign", **{"for": "substantiate"})
    d.does("hc", c, "substantiate")
    d.does("hc", c, "report", document="浙卫〔2026〕1号")
    d.does("nhc", c, "review")


def test_substantiated_needs_two_different_people_of_both_bodies(named):
    open_s1(named)
    c = "/cases/C-2026-001"
    named.refused("hc", c, "substantiate", "state")
    to_verifying(named)
    named.refused("hc", c, "substantiate", "two_signatures")
    named.refused("nhc", c, "sign", "signer", **{"for": "substantiate"})
    named.does("both", c, "sign", **{"for": "substantiate"})
    named.refused("hc", c, "substantiate", "two_signatures")  # one person with both roles is one person
    named.does("hc", c, "sign", **{"for": "substantiate"})
    assert named.does("hc", c, "substantiate")["state"] == "substantiated"
    named.refused("hc", c, "report", "document")
    assert named.act("duty", c, "report", document="x")[0] == 403


def test_a_case_without_evidence_is_not_substantiated(named):
    named.fold(line("2026-11-24T06:00:00+08:00", "registration", message(1, registration())))
    named.start()
    named.refused("duty", "/cases/new", "open", "ground", unit="330100", ground="art5-9", reason="12345")
    named.refused("duty", "/cases/new", "open", "reason", unit="330100", ground="art5-2")
    opened = named.does("duty", "/cases/new", "open", unit="330100", ground="art5-2", reason="12345 热线")
    named.refused("duty", "/cases/new", "open", "one_open_case", unit="330100", ground="art5-2", reason="12345")
    c = "/cases/" + opened["case"]
    to_verifying(named, c)
    for who in ("hc", "drc"):
        named.does(who, c, "sign", **{"for": "substantiate"})
    named.refused("hc", c, "substantiate", "evidence")
    named.refused("hc", c, "add_evidence", "evidence_given")
    named.does("duty", c, "add_evidence", evidence="检查记录 2026-12")
    named.does("hc", c, "substantiate")


def test_to_the_end_revoked_published_barred_restored_and_the_title_follows(named):
    open_s1(named)
    c = "/cases/C-2026-001"
    to_review(named)
    named.refused("nhc", c, "revoke", "nation_signed")
    named.does("nhc", c, "sign", **{"for": "revoke"})
    named.does("ndrc", c, "sign", **{"for": "retain"})
    named.refused("nhc", c, "revoke", "nation_signed")
    named.does("ndrc", c, "sign", **{"for": "revoke"})
    named.does("nhc", c, "revoke", document="国卫〔2026〕9号")
    status = lambda: named.call(None, "GET", "/units/330100")[1]["designation"]["status"]
    assert status() == "revoked"
    assert named.call("hc", "GET", "/alerts")[1]["items"] == []
    named.refused("nhc", c, "publish", "where_and_when", where="官网")
    named.does("nhc", c, "publish", where="官网", when="2026-12-20")
    named.refused("nhc", c, "bar", "next_cycle", cycle="2027-2028", opens_on="2020-01-01")
    named.refused("nhc", c, "bar", "next_cycle", cycle="2027-2029", opens_on="2027-03-01")
    named.does("nhc", c, "bar", cycle="2027-2028", opens_on="2027-03-01")
    assert status() == "barred"
    named.refused("nhc", c, "restore", "reason")
    named.does("nhc", c, "restore", reason="周期届满")
    assert status() == "none"
    named.refused("hc", "/units/330100", "apply", "cycle", cycle="2027-2028")


def test_one_joint_document_is_enough_and_reopening_asks_for_everything_again(named):
    open_s1(named)
    c = "/cases/C-2026-001"
    to_review(named)
    named.does("ndrc", c, "retain", joint_document="国卫联〔2026〕3号")
    named.refused("hc", c, "reopen", "reason")
    named.does("hc", c, "reopen", reason="新证据")
    named.refused("hc", c, "substantiate", "two_signatures")
    named.refused("hc", c, "merge", "into", reason="x", into="C-2026-001")
    other = named.does("duty", "/cases/new", "open", unit="330100", ground="art5-2", reason="12345")["case"]
    named.does("hc", c, "merge", reason="同一事件", into=other)
    assert [e["subject"] for e in named.call("hc", "GET", "/cases/" + other)[1]["evidence"]] == [f"{SITE}/INC-1"]


# ---- alerts, incidents, keys, versions ----

def test_a_key_gives_the_first_answer_again_also_after_a_kill(named):
    open_s1(named)
    body = {"act": "acknowledge"}
    first = named.call("duty", "POST", "/alerts/A-000001/actions", body, Idempotency_Key="k1")
    named.stop(signal.SIGKILL)
    named.start()
    again = named.call("duty", "POST", "/alerts/A-000001/actions", body, Idempotency_Key="k1")
    assert first[:2] == again[:2] and first[0] == 201
    assert named.call("duty", "POST", "/alerts/A-000001/actions", {"act": "note", "reason": "x"}, Idempotency_Key="k1")[0] == 422
    assert named.rows("SELECT count(*) FROM ledger WHERE topic LIKE 'act/alert/%'") == [(1,)]
    alert = named.call("duty", "GET", "/alerts/A-000001")[1]
    assert alert["acknowledged_by"] == "duty" and alert["state"] == "open"


def test_if_match_refuses_a_decision_on_an_old_version(named):
    open_s1(named)
    etag = named.call("duty", "GET", "/cases/C-2026-001")[2]["ETag"]
    path = "/cases/C-2026-001/actions"
    assert named.call("duty", "POST", path, {"act": "acknowledge"}, If_Match=etag)[0] == 201
    assert named.call("duty", "POST", path, {"act": "verify"}, If_Match=etag)[0] == 412
    assert named.call("duty", "POST", path, {"act": "note", "reason": "请致电 13912345678"})[0] == 422
    assert named.call("duty", "POST", path, {"act": "note", "actor": "somebody"})[0] == 422


@pytest.mark.parametrize("status,rule", (("applied", "candidate-accident"), ("national_publicity", "candidate-accident"),
                                         ("objection", "candidate-accident"), ("recheck", "art5-1"), ("rejected", "severe-incident"),
                                         ("revoked", "severe-incident"), ("barred", "severe-incident")))
def test_what_an_s1_means_for_its_unit_depends_on_the_title_that_day(office, monkeypatch, status, rule):
    monkeypatch.setenv("NURSERYD_DATADIR", designate(office.where, status))
    office.fold(line("2026-11-24T06:00:00+08:00", "registration", message(1, registration())), fire(dead=1))
    assert office.rows("SELECT rule FROM alert") == [(rule,)]


def test_liability_is_a_finding_and_calls_in_a_candidate_unit(office, monkeypatch):
    monkeypatch.setenv("NURSERYD_DATADIR", designate(office.where, "applied"))
    office.fold(line("2026-11-24T06:00:00+08:00", "registration", message(1, registration())), fire(minor=1))
    office.start()
    path = f"/incidents/{SITE}/INC-1"
    assert office.act("duty", path, "liability", finding="guilty", reason="x")[0] == 422
    office.refused("duty", path, "liability", "reason", finding="nursery")
    for _ in range(2):
        office.does("duty", path, "liability", finding="nursery", reason="调查报告")
    assert [a["rule"] for a in office.call("duty", "GET", "/alerts")[1]["items"]] == ["candidate-accident"]
    assert office.rows("SELECT liable FROM liability") == [("nursery",)]
    office.does("duty", "/alerts/A-000001", "resolve", reason="已处理")
    assert office.call("duty", "GET", "/alerts")[1]["items"] == []


def test_the_command_line_does_the_same(named):
    open_s1(named)
    assert named.ctl("--socket", "nurseryd.sock", "ack", "A-000001").returncode == 0
    assert "C-2026-001" in named.ctl("--socket", "nurseryd.sock", "case", "list").stdout
    assert named.ctl("--socket", "nurseryd.sock", "case", "acknowledge", "C-2026-001").returncode == 0
    shown = named.ctl("--socket", "nurseryd.sock", "case", "show", "C-2026-001").stdout
    assert named.ctl("--socket", "nurseryd.sock", "case", "C-2026-001").stdout == shown
    assert "acknowledged" in shown and "可办理" in shown
    refused = named.ctl("--socket", "nurseryd.sock", "case", "report", "C-2026-001")
    assert refused.returncode == 1 and "当前状态" in refused.stderr
    done = named.ctl("--socket", "nurseryd.sock", "rebuild")
    assert done.returncode == 0, done.stdout + done.stderr


# ---- the title ----

def test_a_title_from_application_to_publicity(office):
    office.fold(line("2026-11-24T06:00:00+08:00", "registration", message(1, registration())))
    office.start()
    u = "/units/331100"
    office.refused("hc", u, "apply", "cycle")
    office.does("hc", u, "apply", cycle="2027-2028")
    office.does("hc", u, "review")
    office.does("hc", u, "publicise", where="官网", when="2026-12-01")
    office.does("duty", u, "object", reason="信访")
    assert office.does("hc", u, "dismiss", reason="查无实据")["state"] == "province_publicity"
    office.refused("hc", u, "recommend", "document")
    office.does("hc", u, "recommend", document="浙卫〔2026〕8号")
    for unit in ("331000",):  # Zhejiang's share of 11 is 1
        v = "/units/" + unit
        office.does("hc", v, "apply", cycle="2027-2028")
        office.does("hc", v, "review")
        office.does("hc", v, "publicise", where="官网", when="2026-12-01")
        office.refused("hc", v, "recommend", "quota", document="x")
        office.does("hc", v, "recommend", document="x", override=True, reason="省级统筹")
    office.does("nhc", u, "review")
    office.does("nhc", u, "publicise", where="官网", when="2026-12-21")  # ends in 2027, of which there is no calendar
    office.refused("nhc", u, "name", "period_over", document="国卫〔2027〕1号")


def test_a_stream_tells_cases_to_those_with_a_role_alone(named):
    open_s1(named)
    heard = {}
    for who in (None, "reader"):
        c = http.client.HTTPConnection("127.0.0.1", named.port, timeout=30)
        headers = {"Last-Event-ID": "0-0-0", **({"Authorization": "Bearer " + token(who)} if who else {})}
        c.request("GET", "/api/v1/events", headers=headers)
        r, text = c.getresponse(), b""
        while b"event: alert" not in text or (who and b"event: case" not in text):
            text += r.readline()
        heard[who] = text
        c.close()
    assert b"C-2026-001" in heard["reader"] and b'"subject"' in heard["reader"]
    assert b"event: case" not in heard[None] and b'"subject"' not in heard[None]


# ---- clocks and findings ----

def clocks_of(d, path="/incidents/" + SITE + "/INC-1"):
    return {c["id"]: c for c in d.call("duty", "GET", path)[1]["clocks"]}


def test_the_next_clock_stands_where_an_officer_looks_first(named):
    open_s1(named)
    incident, = named.call("duty", "GET", "/incidents")[1]["items"]
    alert, = named.call("duty", "GET", "/alerts")[1]["items"]
    case, = named.call("duty", "GET", "/cases")[1]["items"]
    alone = named.call("duty", "GET", "/cases/C-2026-001")[1]
    for o in (incident, alert, case, alone, named.call("duty", "GET", "/alerts/A-000001")[1]):
        assert (o["next_clock"]["id"], o["next_clock"]["due_at"], o["next_clock"]["state"]) == \
            ("county_to_city", "2026-11-24T01:20:00.000Z", "overdue")
    assert [(c["subject"], c["id"]) for c in alone["clocks"]] == [(f"{SITE}/INC-1", i) for i in ("nursery_to_county", "county_to_city", "supplement")]
    assert "next_clock" not in named.call(None, "GET", "/alerts")[1]["items"][0]  # it would tell when it became known
    for told in (named.ctl("--socket", "nurseryd.sock", "alerts").stdout, named.ctl("--socket", "nurseryd.sock", "case").stdout,
                 named.ctl("--socket", "nurseryd.sock", "case", "show", "C-2026-001").stdout):
        assert "县级 → 市级 已过 over" in told
    assert "剩 left" in named.ctl("--socket", "nurseryd.sock", "case", "show", "C-2026-001").stdout  # 30 days


def test_a_level_that_reported_up_stops_its_clock_and_an_officer_may_correct_it(named):
    open_s1(named)
    path = f"/incidents/{SITE}/INC-1"
    assert clocks_of(named)["county_to_city"]["state"] == "overdue"
    named.refused("duty", path, "reported_up", "document", level="city")
    for wrong in ({"level": "village"}, {}, {"level": "city", "at": "tomorrow"}, {"level": "city", "at": "2999-01-01T00:00:00Z"}):
        assert named.act("duty", path, "reported_up", document="快报1号", **wrong)[0] == 422
    assert named.act("reader", path, "reported_up", level="city", document="x")[0] == 403
    done = named.does("duty", path, "reported_up", level="city", document="快报1号", at="2026-11-24T09:20:00+08:00")
    assert done["state"] == "city"
    city = clocks_of(named)["county_to_city"]
    assert (city["state"], city["met_at"]) == ("met", "2026-11-24T01:20:00.000Z")
    assert named.call("duty", "GET", "/alerts")[1]["items"][0]["next_clock"]["id"] == "supplement"
    named.does("duty", path, "reported_up", level="city", document="快报1号（更正）", at="2026-11-24T09:20:00.001+08:00")
    assert clocks_of(named)["county_to_city"]["state"] == "overdue"
    named.refused("duty", path, "not_reported_up", "reason", level="city")
    named.does("duty", path, "not_reported_up", level="city", reason="记错了事件")
    assert clocks_of(named)["county_to_city"]["met_at"] is None
    told = named.call("duty", "GET", path)[1]["findings"]
    assert [(f["act"], f["finding"], f["document"], f["actor"]) for f in told] == [
        ("reported_up", "city", "快报1号", "duty"), ("reported_up", "city", "快报1号（更正）", "duty"), ("not_reported_up", "city", None, "duty")]
    named.does("duty", path, "reported_up", level="city", document="x")  # by default: now
    assert clocks_of(named)["county_to_city"]["met_at"][:13] == named.call("duty", "GET", path)[1]["findings"][-1]["at"][:13]


def test_liability_counts_while_it_is_found_and_no_longer_when_taken_back(office):
    with open(office.where / "n.conf", "a") as conf:
        conf.write('indicators: { every = "1s"; };\n')
    office.fold(line("2026-11-24T06:00:00+08:00", "registration", message(1, registration())), fire(minor=1))
    office.start()
    path = f"/incidents/{SITE}/INC-1"

    def counted():
        items = office.call(None, "GET", "/units/330100/indicators/liability_accidents?from=2026-11-24&to=2026-11-24")[1]["items"]
        return items and items[0]["value"]

    wait_until(lambda: counted() == 0, 60, "the day computed")
    office.does("duty", path, "liability", finding="nursery", reason="调查报告")
    wait_until(lambda: counted() == 1, 60, "liability counted")
    office.does("duty", path, "liability", finding="none", reason="复核：家长责任", document="复核意见1号")
    wait_until(lambda: counted() == 0, 60, "liability taken back")
    assert [f["finding"] for f in office.call("duty", "GET", path)[1]["findings"]] == ["nursery", "none"]
    for act, word, other in (("late", "late", "unclear"), ("concealment", "concealed", "none")):
        office.refused("duty", path, act, "reason", finding=word)
        assert office.act("duty", path, act, finding="perhaps", reason="x")[0] == 422
        office.does("duty", path, act, finding=word, reason="调查")
        office.does("duty", path, act, finding=other, reason="复核")
    assert len(office.call("duty", "GET", path)[1]["findings"]) == 6
    assert office.rows("SELECT count(*) FROM ledger WHERE topic LIKE 'act/incident/%'") == [(6,)]
