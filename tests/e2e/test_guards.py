# SPDX-License-Identifier: MIT
"""Every guard of the procedures (daemon/procedures.c) refuses without and lets pass with. The rows are read from the source: a
new row, role or guard without its place here is red."""
import csv
import datetime
import hashlib
import json
import re
import sqlite3

import pytest

from test_cases import Office, token
from test_fold import TOP, line, message, registration

SOURCE = (TOP / "daemon/procedures.c").read_text()
ROLES = ("viewer", "duty_officer", "prov_hc", "prov_drc", "nhc", "ndrc", "operator")
PEOPLE = {**{r: [r] for r in ROLES}, "hc2": ["prov_hc"], "both": ["prov_hc", "prov_drc"], "nation": ["nhc", "ndrc"]}
GROUPS = {"PROVINCE": {"prov_hc", "prov_drc"}, "NATION": {"nhc", "ndrc"}, "ROLES_OFFICERS": set(ROLES) - {"viewer"},
          "COMPETENT": {"prov_hc", "prov_drc", "nhc", "ndrc"}}
ALIKE = {"hc": "prov_hc", "drc": "prov_drc", "duty": "duty_officer"}


# ---- what the source says ----

def rows_of(table):
    text = re.search(rf"{table}_transitions\[\] = {{(.*?)\t{{ 0 }},", SOURCE, re.S).group(1)
    found = re.findall(r'\{ "([^"]*)", "(\w+)", "([^"]*)",\s*([^"]*?),\s*"[^"]*",\s*"[^"]*" \},', text, re.S)
    assert len(found) == text.count("\t{ \"")
    for start, act, to, rest in found:
        guards = set(re.findall(r"GUARD\((\w+)\)", rest))
        roles = {r.lower() for r in re.findall(r"(?<!\w)ROLE\((\w+)\)", rest)}
        for name, members in GROUPS.items():
            roles |= members if re.search(rf"\b{name}\b", rest) else set()
        yield (table, act, start.split()[0]), (start.split(), to, roles, guards)


ROWS = {k: v for table in ("case", "designation") for k, v in rows_of(table)}
GUARDS = dict(re.findall(r'\[GUARD_(\w+)\] = \{ "(\w+)"', SOURCE))


# ---- an office with everybody, and places in it ----

def today():
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=8)).date()


def days(n):
    return str(today() + datetime.timedelta(days=n))


THIS = f"{today().year + 1}-{today().year + 2}"  # a cycle that begins next year


class World(Office):
    def __init__(self, where):
        super().__init__(where)
        text = (where / "n.conf").read_text()
        rows = [f'{{ name = "{n}"; roles = [ {", ".join(chr(34) + r + chr(34) for r in roles)} ]; '
                f'token_sha256 = "{hashlib.sha256(token(n).encode()).hexdigest()}"; }}' for n, roles in PEOPLE.items()]
        (where / "n.conf").write_text(text[:text.index("people = (")] + "people = ( " + ", ".join(rows) + " );\n")
        self.fold(line("2026-11-24T06:00:00+08:00", "registration", message(1, registration())))
        self.start()
        calendar = "date,day,reason\n" + "".join(f"{y}-01-01,rest,元旦\n" for y in (today().year - 1, today().year))
        assert self.ask("POST", "/api/v1/imports/workdays", calendar)[0] < 300
        units = [u for p in ("13", "14", "15", "21", "23", "52", "53", "32", "34", "35", "36", "37", "41", "42", "43", "44", "45", "51", "61")
                 for u in self.call(None, "GET", f"/units?province={p}&limit=1000")[1]["items"]]
        self.units = [u["unit"] for u in units if not u["designation"] and u["unit"][2:4] != "90" and u["unit"] not in ("441900", "442000")]

    def unit(self):
        return self.units.pop()

    def rows(self, sql="SELECT count(*) FROM ledger WHERE topic LIKE 'act/case/%' OR topic LIKE 'act/designation/%' OR topic LIKE 'act/alert/%'"):
        with sqlite3.connect(f"file:{self.db}?mode=ro", uri=True) as db:
            return db.execute(sql).fetchall()

    def seen(self, path):
        if path == "/cases/new":
            return self.call("viewer", "GET", "/cases?state=all&limit=1000")[1]
        answer = self.call("viewer", "GET", path)[1]
        return answer.get("designation", answer) if path.startswith("/units") else answer

    def does(self, who, path, act, **body):
        return super().does(ALIKE.get(who, who), path, act, **body)

    def stands(self, path):
        """Refused means: nothing is written, nothing has moved."""
        return self.rows(), self.seen(path)


@pytest.fixture(scope="module")
def w(tmp_path_factory):
    world = World(tmp_path_factory.mktemp("guards"))
    yield world
    world.stop()
    world.verify()


SIGN = {"for": "substantiate"}
GOOD_BAR = {"cycle": THIS, "opens_on": days(60)}


def case(state, evidence=True, signed=("hc", "drc"), unit=None, ground="art5-2"):
    """→ a maker of a case in that state."""
    def make(w):
        c = "/cases/" + w.does("duty", "/cases/new", "open", unit=unit or w.unit(), ground=ground, reason="12345 热线")["case"]
        steps = [("signal", lambda: None), ("acknowledged", lambda: w.does("duty", c, "acknowledge")),
                 ("verifying", lambda: w.does("duty", c, "verify")), ("substantiated", lambda: substantiate()),
                 ("reported", lambda: w.does("hc", c, "report", document="浙卫〔2026〕1号")),
                 ("national_review", lambda: w.does("nhc", c, "review")),
                 ("revoked", lambda: w.does("nhc", c, "revoke", joint_document="国卫联〔2026〕1号")),
                 ("published", lambda: w.does("nhc", c, "publish", where="官网", when=days(0))),
                 ("barred", lambda: w.does("nhc", c, "bar", **GOOD_BAR)), ("restored", lambda: w.does("nhc", c, "restore", reason="期满"))]
        aside = {"unsubstantiated": ("verifying", lambda: w.does("hc", c, "unsubstantiate", reason="查无实据")),
                 "retained": ("national_review", lambda: w.does("ndrc", c, "retain", joint_document="国卫联〔2026〕2号")),
                 "merged": ("signal", lambda: w.does("hc", c, "merge", reason="同一事件", into=another(w, w.seen(c)["unit"])))}

        def sign():
            if evidence:
                w.does("duty", c, "add_evidence", evidence="检查记录")
            for who in signed:
                w.does(who, c, "sign", **SIGN)

        def substantiate():
            sign()
            w.does("hc", c, "substantiate")

        until, last = aside.get(state, (state, lambda: None))
        for name, step in steps:
            step()
            if name == until:
                break
        last()
        if state == "verifying":
            sign()
        return c
    return make


def another(w, unit, ground="art5-3"):
    return w.does("duty", "/cases/new", "open", unit=unit, ground=ground, reason="信访")["case"]


def title(state, unit=None, when=None, cycle=THIS):
    """→ a maker of a unit whose title is in that state."""
    def make(w):
        u = "/units/" + (unit or w.unit())
        public = {"where": "官网", "when": when or days(-60)}
        steps = [("none", lambda: None), ("applied", lambda: w.does("hc", u, "apply", cycle=cycle)), ("province_review", lambda: w.does("hc", u, "review")),
                 ("province_publicity", lambda: w.does("hc", u, "publicise", **public)),
                 ("recommended", lambda: w.does("hc", u, "recommend", document="浙卫〔2026〕8号", override=True, reason="统筹")),
                 ("national_review", lambda: w.does("nhc", u, "review")), ("national_publicity", lambda: w.does("nhc", u, "publicise", **public)),
                 ("named", lambda: w.does("nhc", u, "name", document="国卫〔2026〕5号")), ("recheck", lambda: w.does("hc", u, "recheck", reason="年度"))]
        aside = {"objection": ("national_publicity", lambda: w.does("duty", u, "object", reason="信访")),
                 "rejected": ("applied", lambda: w.does("hc", u, "reject", reason="材料不全"))}
        until, last = aside.get(state, (state, lambda: None))
        for name, step in steps:
            step()
            if name == until:
                break
        last()
        return u
    return make


# ---- the table ----

class Lack:
    """One way a guard is not met: another place, other fields of the body (None: left away), or another act altogether."""
    def __init__(self, place=None, act=None, **body):
        self.place, self.act, self.body = place, act, body


class Row:
    def __init__(self, who, place, body=None, lacks=None):
        self.who, self.place, self.body, self.lacks = who, place, body or {}, lacks or {}


WHY = {"REASON": [Lack(reason=None), Lack(reason="")]}
PAPER = {"DOCUMENT": [Lack(document=None), Lack(document="")]}
PUBLIC = {"PUBLISHED": [Lack(where=None), Lack(when=None), Lack(when="next week"), Lack(when="2026-02-30"), Lack(where="")]}
R, D = {"reason": "理由"}, {"document": "国卫〔2026〕9号"}


def alert_of_another_unit(w):
    """A-000001 is of 330100 (an S1), the case is not."""
    if not w.rows("SELECT 1 FROM alert"):
        w.stop()
        fire = {"event": "INC-1", "stage": "first", "occurred_at": "2026-11-24T07:00:00+08:00", "known_at": "2026-11-24T07:10:00+08:00",
                "type": "fire", "children": {"dead": 1, "critical": 0, "serious": 0, "minor": 0, "missing": 0}}
        w.fold(line(datetime.datetime.now(datetime.timezone.utc).isoformat(), "incident", message(1, fire, sent_at="2026-11-24T07:20:00+08:00")))
        w.start()
    assert w.rows("SELECT unit FROM alert WHERE id = 1") == [("330100",)]
    return case("signal")(w)


def signed_for_other_decisions(w):
    c = case("national_review")(w)
    w.does("nhc", c, "sign", **{"for": "revoke"})
    w.does("ndrc", c, "sign", **{"for": "retain"})
    return c


def signed_by(*people, what="revoke"):
    def make(w):
        c = case("national_review")(w)
        for who in people:
            w.does(who, c, "sign", **{"for": what})
        return c
    return make


def into_a_new_one(w):
    c = case("signal")(w)
    return c, {"reason": "同一事件", "into": another(w, w.seen(c)["unit"])}


def reopened_beside_another(w):
    unit = w.unit()
    c = case("unsubstantiated", unit=unit)(w)
    case("signal", unit=unit)(w)
    return c


def barred_once(w):
    unit = w.unit()
    case("restored", unit=unit)(w)
    return "/units/" + unit


def closed_case_of(w):
    c = case("signal")(w)
    other = another(w, w.seen(c)["unit"])
    for who, act, body in (("duty", "acknowledge", {}), ("duty", "verify", {}), ("hc", "unsubstantiate", R)):
        w.does(who, "/cases/" + other, act, **body)
    return c, other


def quota_used_up(w):
    """Of Zhejiang's share of 11, which is 1."""
    free = [u["unit"] for u in w.call(None, "GET", "/units?province=33")[1]["items"] if not u["designation"]]
    if not w.rows("SELECT 1 FROM designation_event WHERE unit LIKE '33%' AND act = 'recommend'"):
        title("recommended", unit=free.pop())(w)
    return title("province_publicity", unit=free[0])(w)


def decides(act):
    return Row("nhc", case("national_review"), {"joint_document": "国卫联〔2026〕1号"},
               {"NATION_SIGNED": [Lack(joint_document=None), Lack(joint_document=""), Lack(joint_document=None, place=signed_for_other_decisions),
                                  Lack(joint_document=None, place=signed_by("nhc", what=act)),
                                  Lack(joint_document=None, place=signed_by("nation", what=act)),
                                  Lack(joint_document=None, document="国卫〔2026〕1号")]})


TABLE = {
    ("case", "acknowledge", "signal"): Row("duty", case("signal")),
    ("case", "verify", "acknowledged"): Row("duty", case("acknowledged")),
    ("case", "add_evidence", "signal"): Row("duty", case("signal"), {"evidence": "检查记录"}, {"GIVEN": [
        Lack(evidence=None), Lack(evidence=""), Lack(evidence="x", alert="A-000001", place=alert_of_another_unit), Lack(evidence=None, alert="A-999999"),
        Lack(evidence=None, alert="C-2026-001")]}),
    ("case", "note", "*"): Row("duty", case("signal"), R, WHY),
    ("case", "sign", "verifying"): Row("hc", case("verifying", signed=()), SIGN, {"SIGNER": [
        Lack(**{"for": None}), Lack(**{"for": "revoke"}), Lack(**{"for": "revoke", "place": case("verifying")})]}),
    ("case", "unsubstantiate", "verifying"): Row("hc", case("verifying"), R, WHY),
    ("case", "substantiate", "verifying"): Row("hc", case("verifying"), {}, {
        "GROUND": [Lack(place=lambda w: "/cases/new", act="open", unit="330900", ground="art5-9", reason="x")],
        "EVIDENCE": [Lack(place=case("verifying", evidence=False))],
        "PROVINCE_SIGNED": [Lack(place=case("verifying", signed=s)) for s in ((), ("hc",), ("drc",), ("hc", "hc2"), ("both",))]}),
    ("case", "report", "substantiated"): Row("hc", case("substantiated"), D, PAPER),
    ("case", "review", "reported"): Row("nhc", case("reported")),
    ("case", "retain", "national_review"): decides("retain"),
    ("case", "revoke", "national_review"): decides("revoke"),
    ("case", "publish", "revoked"): Row("nhc", case("revoked"), {"where": "官网", "when": days(0)}, PUBLIC),
    ("case", "bar", "published"): Row("nhc", case("published"), GOOD_BAR, {"NEXT_CYCLE": [
        Lack(cycle=None), Lack(opens_on=None), Lack(opens_on="soon"), Lack(opens_on=days(0)), Lack(opens_on=days(-1)), Lack(opens_on=days(733)),
        Lack(cycle="2019-2020"), Lack(cycle=f"{today().year + 1}-{today().year + 3}"), Lack(cycle=str(today().year + 1))]}),
    ("case", "restore", "barred"): Row("nhc", case("barred"), R, WHY),
    ("case", "merge", "signal"): Row("hc", into_a_new_one, {}, {**WHY, "OTHER_CASE": [
        Lack(into=None), Lack(into="C-2026-999"), Lack(place=lambda w: (lambda c: (c, {**R, "into": c.split("/")[-1]}))(case("signal")(w))),
        Lack(place=lambda w: (case("signal")(w), {**R, "into": another(w, w.unit())})),
        Lack(place=lambda w: (lambda c, other: (c, {**R, "into": other}))(*closed_case_of(w)))]}),
    ("case", "reopen", "unsubstantiated"): Row("hc", case("unsubstantiated"), R, {**WHY, "ONE_OPEN": [Lack(place=reopened_beside_another)]}),
    ("designation", "apply", "none"): Row("hc", title("none"), {"cycle": THIS}, {
        "ELIGIBLE": [Lack(place=lambda w: "/units/429004"), Lack(place=lambda w: "/units/429004", document="鄂政〔2026〕1号"),
                     Lack(place=lambda w: "/units/441900"), Lack(place=lambda w: "/units/442000", document="")],
        "CYCLE": [Lack(cycle=None), Lack(cycle="2027"), Lack(cycle="2027-2029"), Lack(place=barred_once)]}),
    ("designation", "review", "applied"): Row("hc", title("applied")),
    ("designation", "publicise", "province_review"): Row("hc", title("province_review"), {"where": "官网", "when": days(0)}, PUBLIC),
    ("designation", "recommend", "province_publicity"): Row("hc", title("province_publicity"), {**D, "override": True, **R}, {
        **PAPER, "QUOTA": [Lack(place=quota_used_up, override=None), Lack(place=quota_used_up, override=False),
                           Lack(place=quota_used_up, reason=None), Lack(place=quota_used_up, reason="")]}),
    ("designation", "review", "recommended"): Row("nhc", title("recommended")),
    ("designation", "publicise", "national_review"): Row("nhc", title("national_review"), {"where": "官网", "when": days(0)}, PUBLIC),
    ("designation", "name", "national_publicity"): Row("nhc", title("national_publicity"), D, {
        **PAPER, "PERIOD_OVER": [Lack(place=title("national_publicity", when=days(0))), Lack(place=title("national_publicity", when=days(-9))),
                                 Lack(place=title("national_publicity", when="2001-01-08"))]}),  # of which there is no calendar
    ("designation", "recheck", "named"): Row("hc", title("named"), R, WHY),
    ("designation", "confirm", "recheck"): Row("nhc", title("recheck"), R, WHY),
    ("designation", "object", "province_publicity"): Row("duty", title("national_publicity"), R, WHY),
    ("designation", "dismiss", "objection"): Row("hc", title("objection"), R, WHY),
    ("designation", "uphold", "objection"): Row("hc", title("objection"), R, WHY),
    ("designation", "reject", "applied"): Row("nhc", title("recommended"), R, WHY),
}


def placed(w, row, lack=None):
    """(path, body) of a fresh place."""
    made = (lack.place if lack and lack.place else row.place)(w)
    path, body = made if isinstance(made, tuple) else (made, row.body)
    return path, body


def without(body, lack):
    changed = {**({} if lack.act else body), **lack.body}
    return {k: v for k, v in changed.items() if v is not None}


def test_every_row_role_and_guard_of_the_procedures_has_its_place_here():
    assert set(TABLE) == set(ROWS)
    for key, (_, _, roles, guards) in ROWS.items():
        assert set(TABLE[key].lacks) == guards, key
        assert ALIKE.get(TABLE[key].who, TABLE[key].who) in roles, key
    of_sites = {g for _, (_, _, _, guards) in rows_of("site") for g in guards}  # test_moves.py
    assert of_sites.union(*(g for _, _, _, g in ROWS.values())) == set(GUARDS)


@pytest.mark.parametrize("key", TABLE, ids=lambda k: "-".join(k))
def test_a_guard_refuses_without_and_lets_pass_with(w, key):
    row, (_, to, _, guards) = TABLE[key], ROWS[key]
    path, body = placed(w, row)
    for guard in guards:
        for lack in row.lacks[guard]:
            there, given = placed(w, row, lack) if lack.place else (path, body)
            before = w.stands(there)
            w.refused(ALIKE.get(row.who, row.who), there, lack.act or key[1], GUARDS[guard], **without(given, lack))
            assert w.stands(there) == before, (guard, lack.body)
    before, state = w.rows(), w.seen(path) or {}
    answer = w.does(row.who, path, key[1], **body)
    expected = {"": state.get("state"), "<": "national_publicity"}.get(to, to)
    assert answer["state"] == expected and w.rows() == [(before[0][0] + 1,)]
    after = w.seen(path)
    assert after.get("state", after.get("status")) == expected


@pytest.mark.parametrize("key", TABLE, ids=lambda k: "-".join(k))
def test_an_act_is_for_its_roles_alone(w, key):
    row, (_, _, roles, guards) = TABLE[key], ROWS[key]
    path, body = placed(w, row)
    before = w.stands(path)
    for role in set(ROLES) - roles:
        assert w.act(role, path, key[1], **body)[0] == 403, role
    if not guards:
        for role in roles:
            w.does(role, placed(w, row)[0], key[1], **body)
        return
    lack = next((k for g in guards for k in row.lacks[g] if not k.place), None) or row.lacks[sorted(guards)[-1]][-1]
    there, given = placed(w, row, lack)
    for role in roles:  # past the role, to the guard
        status, answer = w.act(role, there, key[1], **without(given, lack))
        assert (status, answer.get("guard")) == (409, answer["guard"]) and answer["guard"] in {GUARDS[g] for g in guards}, role
    assert w.stands(path) == before or there != path


STATES = {"case": ["signal", "acknowledged", "verifying", "substantiated", "reported", "national_review", "revoked", "published", "barred", "restored",
                   "unsubstantiated", "retained", "merged"],
          "designation": ["none", "applied", "province_review", "province_publicity", "recommended", "national_review", "national_publicity", "named",
                          "recheck", "objection", "rejected"]}


@pytest.mark.parametrize("table, state", [(t, s) for t, states in STATES.items() for s in states])
def test_from_a_state_only_its_acts_lead(w, table, state):
    here = {act for (t, act, _), (start, _, _, _) in ROWS.items() if t == table and (state in start or start == ["*"])}
    path = (case if table == "case" else title)(state)(w)
    before = w.stands(path)
    everything = {**R, **D, "where": "官网", "when": days(0), "cycle": THIS, "opens_on": days(60), "joint_document": "x", "evidence": "x", "for": "revoke"}
    for act in {act for t, act, _ in ROWS if t == table} - here:
        w.refused("nhc" if act in ("name", "revoke") else "prov_hc", path, act, "state", **everything)
    assert w.stands(path) == before


def test_the_states_are_all_that_the_procedures_know():
    for table, states in STATES.items():
        told = {s for (t, _, _), (start, to, _, _) in ROWS.items() if t == table for s in [*start, to]} - {"*", "", "<"}
        assert told | ({"none"} if table == "designation" else set()) == set(states)


def test_the_province_does_not_sign_for_the_nation_nor_the_nation_for_the_province(w):
    c = case("verifying", signed=())(w)
    w.refused("nhc", c, "sign", "signer", **SIGN)
    c = case("national_review")(w)
    w.refused("prov_hc", c, "sign", "signer", **{"for": "revoke"})
    w.refused("nhc", c, "sign", "signer", **{"for": "substantiate"})
    for who in ("nation", "ndrc"):  # two people, whatever else one of them is
        w.does(who, c, "sign", **{"for": "revoke"})
    w.does("nhc", c, "revoke")


def test_two_of_the_nation_who_signed_need_no_joint_document(w):
    for act in ("retain", "revoke"):
        c = signed_by("nhc", "ndrc", what=act)(w)
        assert w.does("ndrc", c, act)["state"] == act + ("ed" if act == "retain" else "d")


def test_a_city_that_is_asked_about_applies_with_the_document_that_says_so(w):
    assert w.does("hc", "/units/441900", "apply", cycle=THIS, document="粤卫〔2026〕3号")["state"] == "applied"


def test_above_the_share_it_goes_on_with_override_and_reason_which_stay_on_record(w):
    u = quota_used_up(w)
    n = w.does("hc", u, "recommend", document="浙卫〔2026〕9号", override=True, reason="省级统筹")["n"]
    said = w.rows(f"SELECT body FROM designation_event WHERE n = {n}")[0][0]
    assert json.loads(said)["override"] is True and json.loads(said)["reason"] == "省级统筹"


def working(day):
    with open(TOP / "config/data/workdays.csv") as f:
        told = {r["date"]: r["day"] for r in csv.DictReader(f)}
    told.setdefault(f"{day.year}-01-01", "rest")
    return told.get(str(day), "work" if day.weekday() < 5 else "rest") == "work"


def test_the_public_period_is_over_on_the_day_after_its_tenth_working_day(w):
    for _ in range(2):  # the day may turn meanwhile
        now, ends = today(), {}
        for back in range(5, 40):
            first = now - datetime.timedelta(days=back)
            run = [d for d in (first + datetime.timedelta(days=i) for i in range(60)) if working(d)]
            ends.setdefault(run[9], first)
        over = max(e for e in ends if e < now)
        tenth_not_over = min((e for e in ends if e >= now), default=None)
        named = title("national_publicity", when=str(ends[over]))(w)
        waiting = title("national_publicity", when=str(ends[tenth_not_over]))(w)
        w.refused("nhc", waiting, "name", "period_over", **D)
        w.does("nhc", named, "name", **D)
        if today() == now:
            return


def test_a_year_without_calendar_is_an_alarm_until_it_is_imported(w):
    def alarms(state="open"):
        return [a for a in w.call("duty_officer", "GET", f"/alerts?state={state}&limit=1000")[1]["items"] if a["rule"] == "calendar-missing"]

    known = {a["id"] for a in alarms("all")}  # of the table above
    over = title("national_publicity")(w)  # its end is known
    waiting = title("national_publicity", when="2003-12-24")(w)
    alarm, = [a for a in alarms() if a["id"] not in known]
    unit = waiting.split("/")[-1]
    assert (alarm["unit"], alarm["subject"], alarm["severity"], alarm["paged"]) == (unit, unit + "/workdays", "S3", False)
    assert w.ask("POST", "/api/v1/imports/workdays", "date,day,reason\n2003-01-01,rest,元旦\n")[0] < 300
    assert alarm["id"] in {a["id"] for a in alarms()}  # 2004 is not there either
    w.refused("nhc", waiting, "name", "period_over", **D)
    assert w.ask("POST", "/api/v1/imports/workdays", "date,day,reason\n2004-01-01,rest,元旦\n")[0] < 300
    assert alarm["id"] not in {a["id"] for a in alarms()}
    w.does("nhc", waiting, "name", **D)
    w.does("nhc", over, "name", **D)


def test_an_objection_blocks_the_naming_until_it_is_decided(w):
    u = title("objection")(w)
    w.refused("nhc", u, "name", "state", **D)
    w.does("hc", u, "dismiss", reason="查无实据")
    w.does("nhc", u, "name", **D)
    u = title("objection")(w)
    w.does("hc", u, "uphold", reason="属实")
    w.refused("nhc", u, "name", "state", **D)
    w.does("hc", u, "apply", cycle=THIS)


def test_one_case_is_open_per_unit_and_ground_and_another_ground_has_its_own(w):
    unit = w.unit()
    case("signal", unit=unit)(w)
    before = w.stands("/cases/new")
    w.refused("duty_officer", "/cases/new", "open", "one_open_case", unit=unit, ground="art5-2", reason="x")
    w.refused("duty_officer", "/cases/new", "open", "reason", unit=unit, ground="art5-3")
    assert w.stands("/cases/new") == before
    another(w, unit)
