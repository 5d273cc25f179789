# SPDX-License-Identifier: MIT
"""What an officer heard from elsewhere (DOMAIN §4, art5-2-other, a hard flag, suspected concealment): an act on a unit raises the
alert, and every alert of Article 5 can become a case."""
import json

import pytest

from test_cases import Office, designate
from test_fold import OTHER, SITE, incident, line, message, registration

UNIT, ELSEWHERE = "/units/330100", "/units/330500"


@pytest.fixture
def office(tmp_path, monkeypatch):
    d = Office(tmp_path)
    monkeypatch.setenv("NURSERYD_DATADIR", designate(tmp_path, "named"))
    d.fold(line("2026-11-24T06:00:00+08:00", "registration", message(1, registration())))
    d.start()
    yield d
    d.stop()
    d.verify()


def alerts(office, state="open", who="duty"):
    return office.call(who, "GET", f"/alerts?state={state}")[1]["items"]


def signal(office, who="duty", unit=UNIT, **body):
    return office.does(who, unit, "signal", **{"source": "press", "reason": "报纸称人员无证上岗", "document": "晚报 2026-11-23", **body})


def test_other_circumstances_are_an_alert_of_a_source_and_an_officer_ends_it(office):
    answer = signal(office)
    assert (answer["state"], answer["case"]) == ("open", None)
    (alert,) = alerts(office)
    assert (alert["rule"], alert["unit"], alert["site"], alert["subject"], alert["severity"], alert["paged"], alert["provisional"]) == \
        ("art5-2-other", "330100", None, "330100/press/晚报 2026-11-23", "S2", False, True)
    assert (alert["id"], alert["raised_by"], alert["reason"], alert["document"]) == (answer["alert"], "duty", "报纸称人员无证上岗", "晚报 2026-11-23")
    outside = alerts(office, who=None)[0]
    assert "subject" not in outside and "reason" not in outside and "raised_by" not in outside
    office.refused("hc", UNIT, "signal", "raised_once", source="press", reason="又一次", document="晚报 2026-11-23")
    office.does("duty", f"/alerts/{alert['id']}", "resolve", reason="查无此事")
    assert alerts(office) == []
    office.refused("hc", UNIT, "signal", "raised_once", source="press", reason="又一次", document="晚报 2026-11-23")
    signal(office, source="hotline_12345")
    assert len(alerts(office, "all")) == 2


@pytest.mark.parametrize("who, unit, change, status, word", [
    ("duty", UNIT, {"source": None}, 422, "source"),
    ("duty", UNIT, {"source": "a rumour"}, 422, "source"),
    ("duty", UNIT, {"reason": None}, 409, "reason"),
    ("duty", UNIT, {"rule": "art5-1"}, 422, "rule"),
    ("duty", UNIT, {"site": SITE}, 422, "site"),
    ("duty", UNIT, {"rule": "suspected-concealment", "event": "X-1"}, 422, "site"),
    ("duty", UNIT, {"rule": "suspected-concealment", "site": SITE, "event": "X 1"}, 422, "event"),
    ("duty", ELSEWHERE, {"rule": "suspected-concealment", "site": SITE}, 422, "another unit"),
    ("duty", ELSEWHERE, {}, 409, "title"),
    ("duty", ELSEWHERE, {"rule": "art5-2-falsification"}, 409, "title"),
    ("duty", "/units/331200", {}, 404, "unit"),
    ("reader", UNIT, {}, 403, "role"),
    ("henan", UNIT, {}, 403, "scope"),
    (None, UNIT, {}, 401, "token"),
])
def test_a_signal_that_cannot_be_is_no_row(office, who, unit, change, status, word):
    before = office.rows("SELECT max(n) FROM ledger")
    body = {"source": "press", "reason": "x", "document": "d", **change}
    got, answer = office.act(who, unit, "signal", **{k: v for k, v in body.items() if v is not None})
    assert got == status and word in answer["detail"] + answer["title"], answer
    assert office.rows("SELECT max(n) FROM ledger") == before and alerts(office) == []


def test_a_key_gives_the_first_answer_again(office):
    body = {"act": "signal", "source": "other", "reason": "匿名来信"}
    first, again = (office.call("duty", "POST", UNIT + "/actions", body, Idempotency_Key="k-1") for _ in range(2))
    assert first[1] == again[1] and first[0] == again[0] == 201
    assert [a["subject"] for a in alerts(office)] == [f"330100/other/row-{first[1]['n']}"]
    signal(office, source="other", reason="另一封", document=None)
    assert len(alerts(office)) == 2


def test_the_alert_becomes_a_case_the_next_signal_joins_it_and_only_its_decision_clears_both(office):
    first = signal(office)["alert"]
    case = office.does("hc", f"/alerts/{first}", "open_case")["case"]
    assert office.call("hc", "GET", f"/cases/{case}")[1]["ground"] == "art5-2"
    second = signal(office, source="inspection")
    assert second["case"] == case
    assert [e["alert"] for e in office.call("hc", "GET", f"/cases/{case}")[1]["evidence"]] == [first, second["alert"]]
    office.refused("duty", f"/alerts/{second['alert']}", "resolve", "case_decides", reason="x")
    assert office.call("hc", "GET", f"/cases/{case}/brief")[0] == 200
    office.does("duty", f"/cases/{case}", "acknowledge")
    office.does("duty", f"/cases/{case}", "verify")
    office.does("hc", f"/cases/{case}", "unsubstantiate", reason="查无此事")
    assert {(a["state"], a["closed_because"]) for a in alerts(office, "all")} == {("closed", f"{case}: unsubstantiated")}


def test_a_rule_of_indicators_can_be_a_case_too_and_then_does_not_clear_by_itself(office):
    header = "unit,item,period,numerator,denominator,document\n"
    rows = [f"330100,rectifications_overdue,2026-{m:02d},{n},100,s\n" for m, n in ((1, 21), (2, 21), (3, 9), (4, 21), (5, 21))]

    def declare(*some):
        assert office.ask("POST", "/api/v1/imports/declared", header + "".join(some))[0] in (200, 201)

    declare(rows[0], rows[1])
    (alert,) = alerts(office)
    assert alert["rule"] == "art5-2-ineffective"
    case = office.does("hc", f"/alerts/{alert['id']}", "open_case")["case"]
    assert office.call("hc", "GET", f"/cases/{case}")[1]["ground"] == "art5-2"
    declare(rows[2])  # the clear condition is met
    assert [(a["id"], a["state"]) for a in alerts(office)] == [(alert["id"], "open")]
    declare(rows[3], rows[4])  # so it may be raised anew
    assert [(a["state"], a["case"]) for a in alerts(office)] == [("open", case), ("open", None)]


def test_an_alert_that_is_no_ground_for_revocation_becomes_no_case(office):
    body = {"rule": "suspected-concealment", "site": OTHER, "event": "INC-9", "source": "hotline_12345", "reason": "家长来电，机构未报"}
    answer = signal(office, **body)
    (alert,) = alerts(office)
    assert (alert["rule"], alert["subject"], alert["site"], alert["provisional"]) == ("suspected-concealment", f"{OTHER}/INC-9", OTHER, False)
    office.refused("hc", f"/alerts/{answer['alert']}", "open_case", "state")
    office.refused("hc", UNIT, "signal", "raised_once", **body)


def test_a_hard_flag_stays_when_the_counted_flags_are_gone(office):
    signal(office, rule="art5-2-falsification", source="inspection", reason="现场点数与上报不符", document="检查 2026-11")
    assert [a["subject"] for a in alerts(office)] == ["330100/hard-flag/inspection/检查 2026-11"]
    assert office.ask("POST", "/api/v1/imports/targets", "division,indicator,value,by,source\n,places_per_1000,4.5,2025-12-31,s\n")[0] in (200, 201)
    assert [a["state"] for a in alerts(office)] == ["open"]  # every rule was judged again


def test_signals_fold_to_the_same_after_a_kill(office):
    signal(office)
    signal(office, rule="suspected-concealment", site=SITE, source="press")
    before = alerts(office)
    office.stop(9)
    office.start()
    assert alerts(office) == before
    assert before[1]["subject"] == f"{SITE}/press/晚报 2026-11-23"


def test_the_command_line_raises_a_signal_and_says_what_to_do_next(office):
    done = office.ctl("signal", "330100", "--source", "hotline_12345", "--reason", "家长来电", "--document", "12345-2026-771")
    assert (done.returncode, done.stdout) == (0, "330100 signal: open  预警 A-000001\n"), done.stderr
    (alert,) = alerts(office)
    assert (alert["rule"], alert["subject"], alert["reason"], alert["document"]) == \
        ("art5-2-other", "330100/hotline_12345/12345-2026-771", "家长来电", "12345-2026-771")
    case = office.does("hc", f"/alerts/{alert['id']}", "open_case")["case"]
    hard = office.ctl("signal", "330100", "art5-2-falsification", "--source=inspection", "--reason", "点数不符", "--json")
    answer = json.loads(hard.stdout)
    assert (hard.returncode, answer["act"], answer["state"], answer["case"], answer["alert"]) == (0, "signal", "open", case, "A-000002")
    joined = office.ctl("signal", "330100", "--source", "press", "--reason", "又一篇")
    assert joined.stdout == f"330100 signal: open  预警 A-000003  案 {case}\n"
    event = office.ctl("signal", "330100", "suspected-concealment", "--source", "press", "--site", OTHER, "--event", "INC-9", "--reason", "机构未报")
    assert event.returncode == 0 and [a["subject"] for a in alerts(office) if a["site"]] == [f"{OTHER}/INC-9"]


@pytest.mark.parametrize("code, words, args", [
    (1, "已有预警", ["330100", "--source", "press", "--reason", "x", "--document", "晚报 2026-11-23"]),
    (1, "未获命名", ["330500", "--source", "press", "--reason", "x"]),
    (1, "unit", ["331200", "--source", "press", "--reason", "x"]),
    (1, "belong to suspected-concealment", ["330100", "--source", "press", "--reason", "x", "--site", SITE]),
    (1, "event its own", ["330100", "suspected-concealment", "--source", "press", "--reason", "x", "--event", "INC-9"]),
    (2, "hotline_12345 12345热线", ["330100", "--reason", "x"]),
    (2, "a rumour: 线索来源", ["330100", "--source", "a rumour", "--reason", "x"]),
    (2, "--reason TEXT", ["330100", "--source", "press"]),
    (2, "art5-2-falsification 弄虚作假", ["330100", "art5-1", "--source", "press", "--reason", "x"]),
    (2, "looks like no id", ["../units", "--source", "press", "--reason", "x"]),
    (2, "leave --db away", ["330100", "--source", "press", "--reason", "x", "--db", "n.db"]),
    (2, "signal: UNIT [RULE]", []),
    (3, "no such socket", ["330100", "--source", "press", "--reason", "x", "--socket", "nowhere.sock"]),
])
def test_the_command_line_says_why_a_signal_is_none(office, code, words, args):
    signal(office)
    before = office.rows("SELECT max(n) FROM ledger")
    done = office.ctl("signal", *args)
    assert (done.returncode, done.stdout) == (code, "") and words in done.stderr, done
    assert office.rows("SELECT max(n) FROM ledger") == before
