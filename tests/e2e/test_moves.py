# SPDX-License-Identifier: MIT
"""An officer moves a nursery to another division from a day on (CONTRACT §1): what the official register says by import, an act
says for one nursery, through the same fold."""
import json
import subprocess

import pytest

from live import wait_until
from test_acts import BUILD
from test_cases import Office
from test_fold import OTHER, SITE, enrolment, incident, line, message, registration

PATH, TO = f"/sites/{SITE}", "330402"  # 330106 Hangzhou Xihu to Jiaxing Nanhu
MOVE = {"division": TO, "effective_on": "2026-11-20", "reason": "迁入南湖区", "document": "浙卫函〔2026〕7号"}


@pytest.fixture
def office(tmp_path):
    d = Office(tmp_path)
    with open(tmp_path / "n.conf", "a") as conf:
        conf.write('indicators: { every = "1s"; };\n')
    fell = {**incident(), "occurred_at": "2026-11-21T10:00:00+08:00", "known_at": "2026-11-21T10:05:00+08:00"}
    at = "2026-11-2{}T09:00:00+08:00"
    d.fold(line("2026-11-10T09:00:00+08:00", "registration", message(1, registration(effective_on="2026-11-10"), sent_at="2026-11-10T09:00:00+08:00")),
           line("2026-11-19T09:00:00+08:00", "enrolment", message(1, enrolment(as_of="2026-11-19"), sent_at="2026-11-19T09:00:00+08:00")),
           *[line(at.format(i), "enrolment", message(2 + i, enrolment(as_of=f"2026-11-2{i}"), sent_at=at.format(i))) for i in range(3)],
           line("2026-11-22T10:00:00+08:00", "incident", message(1, fell, sent_at="2026-11-22T10:00:00+08:00")))
    d.start()
    yield d
    d.stop()
    d.verify()


def places(d, unit):
    head = d.call(None, "GET", "/ledger/head")[1]["n"]
    wait_until(lambda: d.call(None, "GET", "/ledger/head")[1]["indicators_n"] >= head, 30, "the indicators to follow")
    status, list_, _ = d.call(None, "GET", f"/units/{unit}/indicators/places_total?from=2026-11-19&to=2026-11-21")
    return {i["as_of"][-2:]: i["value"] for i in list_["items"]} if status == 200 else {}


def acts(d):
    return d.rows("SELECT count(*) FROM ledger WHERE topic LIKE 'act/site/%'")[0][0]


def test_what_is_counted_goes_to_the_other_unit_from_the_day_on_and_not_before(office):
    assert places(office, "330100") == {"19": 60, "20": 60, "21": 60} and places(office, "330400") == {}
    done = office.does("hc", PATH, "move", **MOVE)
    assert (done["act"], done["state"], done["case"]) == ("move", TO, None)
    assert places(office, "330100") == {"19": 60, "20": None, "21": None}
    assert {k: v for k, v in places(office, "330400").items() if v is not None} == {"20": 60, "21": 60}
    site = office.call(None, "GET", PATH)[1]
    assert (site["unit"], site["division"]) == ("330400", TO)
    assert site["moves"] == [{"effective_on": "2026-11-20", "division": TO, "unit": "330400", "n": done["n"]}]
    assert office.call("hc", "GET", f"/incidents/{SITE}/INC-1")[1]["unit"] == "330400"  # it happened where the site was then
    assert office.rows(f"SELECT topic FROM ledger WHERE n = {done['n']}") == [(f"act/site/{SITE}",)]


def test_lists_counts_and_signals_of_the_units_follow_a_move_on_its_day_and_not_before(office):
    def stands():
        return {u: ([s["site"] for s in office.call(None, "GET", f"/sites?unit={u}")[1]["items"]], office.call(None, "GET", f"/units/{u}")[1]["sites"])
                for u in ("330100", "330400")}

    here, gone = {"330100": ([SITE], 1), "330400": ([], 0)}, {"330100": ([], 0), "330400": ([SITE], 1)}
    heard = {"rule": "suspected-concealment", "source": "press", "site": SITE, "reason": "来电"}
    assert stands() == here
    office.does("hc", PATH, "move", **{**MOVE, "effective_on": "2031-01-01"})
    assert stands() == here and office.act("hc", "/units/330400", "signal", **heard)[0] == 422
    office.does("hc", PATH, "move", **MOVE)
    assert stands() == gone and office.act("hc", "/units/330100", "signal", **heard)[0] == 422
    office.does("hc", "/units/330400", "signal", **heard)
    office.does("hc", PATH, "move", **{**MOVE, "effective_on": "2026-11-21", "division": "330106"})
    assert stands() == here


def test_a_move_to_come_says_so_and_changes_nothing_yet(office):
    office.does("nhc", PATH, "move", **{**MOVE, "effective_on": "2031-01-01"})
    site = office.call(None, "GET", PATH)[1]
    assert (site["division"], [m["effective_on"] for m in site["moves"]]) == ("330106", ["2031-01-01"])
    assert places(office, "330100") == {"19": 60, "20": 60, "21": 60}


def test_of_register_and_act_the_later_day_wins_and_of_one_day_the_later_row(office):
    def register(day, division, filing=""):
        text = f"site,effective_on,division,filing,registration,inclusive,source\n{SITE},{day},{division},{filing},,,市监局\n"
        assert office.ask("POST", "/api/v1/imports/register", text)[0] < 300

    def now():
        return office.call(None, "GET", PATH)[1]["division"]

    office.does("hc", PATH, "move", **MOVE)
    register("2026-11-18", "330203")
    assert now() == TO  # an earlier day, though told later
    register("2026-11-20", "330203", "none")
    assert now() == "330203"
    office.does("hc", PATH, "move", **MOVE)
    assert now() == TO
    assert office.call(None, "GET", PATH)[1]["standing"]["filed"] is False  # the act speaks of the division alone
    register("2026-11-21", "", "filed")
    assert now() == TO  # an empty cell is no statement
    office.does("hc", PATH, "move", **{**MOVE, "effective_on": "2026-11-22", "division": "330106"})
    assert now() == "330106"


@pytest.mark.parametrize("who, path, change, status, word", [
    ("hc", PATH, {"division": None}, 409, "division"),
    ("hc", PATH, {"division": "330199"}, 409, "division"),
    ("hc", PATH, {"division": "330100"}, 409, "division"),
    ("hc", PATH, {"division": "abcdef"}, 409, "division"),
    ("hc", PATH, {"effective_on": None}, 409, "effective_on"),
    ("hc", PATH, {"effective_on": "2026-11-31"}, 409, "effective_on"),
    ("hc", PATH, {"effective_on": "20261120"}, 409, "effective_on"),
    ("hc", PATH, {"effective_on": "2026-11-09"}, 409, "site_exists"),
    ("hc", PATH, {"reason": None}, 409, "reason"),
    ("hc", PATH, {"act": "close"}, 422, "act"),
    ("hc", PATH, {"place": "杭州"}, 422, "field"),
    ("hc", f"/sites/{OTHER}", {}, 404, "site"),
    ("hc", "/sites/nobody", {}, 404, "site"),
    ("henan", PATH, {}, 403, "scope"),
    ("duty", PATH, {}, 403, "role"),
    ("drc", PATH, {}, 403, "role"),
    ("ndrc", PATH, {}, 403, "role"),
    ("reader", PATH, {}, 403, "role"),
    (None, PATH, {}, 401, "token"),
])
def test_what_a_move_lacks_is_said_and_is_no_row(office, who, path, change, status, word):
    body = {k: v for k, v in {"act": "move", **MOVE, **change}.items() if v is not None}
    got, answer, _ = office.call(who, "POST", path + "/actions", body)
    assert got == status, answer
    if status == 409:
        assert answer["guard"] == word and answer["zh"] and answer["en"]
    else:
        assert word in json_text(answer)
    assert acts(office) == 0
    assert office.call(None, "GET", PATH)[1]["division"] == "330106"


def json_text(answer):
    return (answer.get("title", "") + answer.get("detail", "")).lower()


def test_who_covers_one_of_the_two_provinces_moves_nothing_between_them(office):
    office.does("nhc", PATH, "move", **{**MOVE, "division": "410105"})  # to Zhengzhou
    assert office.act("henan", PATH, "move", **MOVE)[0] == 403
    office.does("henan", PATH, "move", **{**MOVE, "division": "410102"})


def test_the_command_line_moves_a_nursery(office):
    def ctl(*args):
        return subprocess.run([BUILD / "nurseryctl", "--socket", office.where / "nurseryd.sock", *args], capture_output=True, text=True)

    done = ctl("site", SITE, "move", TO, "--from", "2026-11-20", "--reason", "迁入南湖区")
    assert (done.returncode, done.stdout) == (0, f"{SITE} move: {TO}\n"), done.stderr
    shown = ctl("site", SITE)
    assert shown.returncode == 0 and TO in shown.stdout and "2026-11-20" in shown.stdout
    known = json.loads(ctl("site", SITE, "--json").stdout)
    assert (known["division"], [m["effective_on"] for m in known["moves"]]) == (TO, ["2026-11-20"])
    no = ctl("site", SITE, "move", "330199", "--from", "2026-11-20", "--reason", "x")
    assert no.returncode == 1 and "行政区划" in no.stderr
    for wrong in (("site", SITE, "move"), ("site", SITE, "move", TO, "--reason", "x"), ("site", SITE, "sell", TO, "--from", "2026-11-20"), ("site",)):
        assert ctl(*wrong).returncode == 2, wrong
    assert ctl("site", SITE, "--socket", "nowhere.sock").returncode == 3
    assert acts(office) == 1
    told = ctl("site", SITE, "move", "330106", "--from", "2026-11-21", "--reason", "迁回", "--document", "浙卫函〔2026〕8号", "--json")
    answer = json.loads(told.stdout)
    assert (told.returncode, answer["act"], answer["state"]) == (0, "move", "330106")
    (payload,) = office.rows(f"SELECT payload FROM ledger WHERE n = {answer['n']}")[0]
    assert json.loads(payload)["document"] == "浙卫函〔2026〕8号"
