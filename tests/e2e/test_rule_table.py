# SPDX-License-Identifier: MIT
"""The evidence table of DOMAIN §4: every rule × raised, not yet, redelivered, amended, replayed, restarted, cleared, raised anew. A
cell is a test; docs/rules.md holds the table, and `python3 tests/e2e/test_rule_table.py` prints it.

A rule is raised once, by --fold with a clock of the past, and by imports through a daemon; each cell gets a copy of that
database. Rules about months look at the newest months that are frozen today, with indicators that need no population:
which ones are key is policy. The unit is 330100, which is named (shipped data)."""
import datetime
import re
import shutil
import signal
import sys

import pytest

import test_rules
from test_acts import ROOT
from test_cases import Office, designate
from live import wait_until
from test_fold import OTHER, SITE, TOP, incident, line, message, registration

COLUMNS = {"raised": "raised", "near": "not yet", "again": "redelivered", "amended": "amended", "replayed": "replayed",
           "restarted": "kill -9, restart", "cleared": "cleared", "anew": "raised anew"}
JIAXING, OF_JIAXING = "330402", "330400"
COUNTS = {"enrolled": {"under12": 0, "m12_23": 0, "m24_35": 10, "over36": 0}, "mode": {"fullday": 10, "halfday": 0, "hourly": 0, "temporary": 0}}


# ---- the newest frozen months, as Shanghai counts ----

def month(back):
    """`back` months before the newest that is frozen by now (10 days after its end)."""
    today = datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=8))).date()
    number = today.year * 12 + today.month - 1 - (1 if today.day >= 11 else 2) - back
    return f"{number // 12}-{number % 12 + 1:02d}"


def frozen_at(name):
    """Two moments at which that month may freeze: 00:01 and 00:02 of the 11th behind it."""
    year, number = map(int, name.split("-"))
    day = datetime.date(year + number // 12, number % 12 + 1, 10)
    return [f"{day}T16:0{i}:00Z" for i in (1, 2)]


class World(Office):
    def __init__(self, where, fresh=True):
        super().__init__(where)
        policy = (ROOT / "config/policy.conf").read_text()
        key = 'indicators = [ "places_per_1000", "enrolment_rate" ];'
        assert key in policy
        (where / "policy.conf").write_text(policy.replace(key, 'indicators = [ "places_total", "disclosure_rate" ];'))
        conf = (where / "n.conf").read_text().replace(f"{ROOT}/config/policy.conf", "policy.conf")
        (where / "n.conf").write_text(conf)
        self.seq = 0 if fresh else 500

    def next(self, at, feed, body, kind="report", site=SITE, **more):
        self.seq += 1
        return line(at, feed, message(self.seq, body, kind, sent_at=at, site=site, **more), site=site)

    def month(self, name, places):
        report = {"as_of": f"{name}-28", "open": True, "places": places, **COUNTS}
        self.fold(self.next(f"{name}-28T04:00:00Z", "enrolment", report), *self.registrations(*frozen_at(name)))

    def registrations(self, *times):
        return [self.next(at, "registration", registration(effective_on="2024-01-01", disclosed=True)) for at in times]

    def served(self, action):
        """With a daemon, unless one runs already."""
        mine = self.process is None
        if mine:
            self.start()
        try:
            return action()
        finally:
            if mine:
                self.stop()

    def imports(self, kind, header, *rows):
        text = header + "\n" + "".join(f"{row}\n" for row in rows)
        status, answer = self.served(lambda: self.ask("POST", f"/api/v1/imports/{kind}", text))
        assert status in (200, 201), answer

    def signal(self, status=201, **body):
        key = {"Idempotency_Key": body.pop("key")} if "key" in body else {}
        got = self.served(lambda: self.call("duty", "POST", "/units/330100/actions", {"act": "signal", "reason": "来电", **body}, **key))
        assert got[0] == status, got

    def resolve(self):
        def act():
            for alert in self.call("hc", "GET", "/alerts")[1]["items"]:
                self.does("hc", f"/alerts/{alert['id']}", "resolve", reason="已核实")
        self.served(act)


def event(serious=0, dead=0, minor=0, known="2026-11-24T07:10:00+08:00", **change):
    return {**incident(stage="follow_up", dead=dead, serious=serious, minor=minor), "known_at": known, **change}


# ---- the rules: each a class with what its cells do; a cell that is not there says why in `without` ----

class Rule:
    subject = f"{SITE}/INC-1"
    data = None       # the designation of 330100, where the shipped one is not wanted
    without = {}

    def cleared(self, w):
        w.resolve()


class OfAnEvent(Rule):
    """One message raises it; an amend, a report again, a replay raise nothing; an officer ends it, once and for all."""
    division, site = "330106", SITE
    bad, mild = {"dead": 1}, {"serious": 2}
    without = {"anew": "an officer ended it: one alert an event"}

    def tell(self, w, body, at, seq=None, kind="report", **more):
        w.seq = seq or w.seq + 1
        w.fold(line(at, "incident", message(w.seq, body, kind, site=self.site, division=self.division, **more), site=self.site, division=self.division))

    def raised(self, w):
        self.tell(w, event(**self.bad), "2026-11-24T00:00:00Z", 1)

    def near(self, w):
        self.tell(w, event(**self.mild), "2026-11-24T00:00:00Z", 1)

    def again(self, w):
        self.tell(w, event(**self.bad), "2026-11-24T00:05:00Z", 1)
        self.tell(w, event(**self.bad), "2026-11-24T00:06:00Z", 2)

    def amended(self, w):
        self.tell(w, event(**self.mild), "2026-11-24T00:05:00Z", 2, "amend", ref={"epoch": 1, "seq": 1}, reason="更正")


class Art51(OfAnEvent):
    rule = "art5-1"

    def cleared(self, w):
        """By a decision on the case alone."""
        def decide():
            (alert,) = [a for a in w.call("hc", "GET", "/alerts")[1]["items"] if a["rule"] == self.rule]
            w.refused("hc", f"/alerts/{alert['id']}", "resolve", "case_decides", reason="x")
            for act in ("acknowledge", "verify"):
                w.does("duty", f"/cases/{alert['case']}", act)
            w.does("hc", f"/cases/{alert['case']}", "unsubstantiate", reason="查无此事")
        w.served(decide)


class Candidate(OfAnEvent):
    rule, data = "candidate-accident", "applied"


class Severe(OfAnEvent):
    rule, division, site, subject = "severe-incident", JIAXING, OTHER, f"{OTHER}/INC-1"


class Unreadable(OfAnEvent):
    rule, subject = "incident-unreadable", SITE
    without = {}

    def raised(self, w):
        self.tell(w, {k: v for k, v in event().items() if k != "stage"}, "2026-11-24T00:00:00Z", 1)

    def near(self, w):
        self.tell(w, event(type="something new"), "2026-11-24T00:00:00Z", 1)  # a warning only

    def again(self, w):
        self.tell(w, {k: v for k, v in event().items() if k != "stage"}, "2026-11-24T00:05:00Z", 1)

    def amended(self, w):
        self.tell(w, {"event": "INC-1"}, "2026-11-24T00:05:00Z", 2, "amend", ref={"epoch": 1, "seq": 1}, reason="更正")

    def cleared(self, w):
        self.tell(w, event(), "2026-11-24T00:10:00Z", 3)

    def anew(self, w):
        self.tell(w, {"event": "INC-2"}, "2026-11-24T00:20:00Z", 4)


class Late(OfAnEvent):
    rule = "late-report"

    def raised(self, w):
        self.tell(w, event(), "2026-11-24T00:10:00.001Z", 1)

    def near(self, w):
        self.tell(w, event(), "2026-11-24T00:10:00Z", 1)

    def again(self, w):
        self.tell(w, event(), "2026-11-24T00:15:00Z", 1)

    def amended(self, w):
        self.tell(w, event(known="2026-11-24T07:12:00+08:00"), "2026-11-24T00:15:00Z", 2, "amend", ref={"epoch": 1, "seq": 1}, reason="更正")


class Concealment(OfAnEvent):
    rule = "suspected-concealment"

    def raised(self, w):
        self.tell(w, event(minor=3), "2026-11-24T00:00:00Z", 1)
        self.tell(w, event(minor=2), "2026-11-24T00:01:00Z", 2)

    def near(self, w):
        self.tell(w, event(minor=3), "2026-11-24T00:00:00Z", 1)
        self.tell(w, event(minor=3), "2026-11-24T00:01:00Z", 2)

    def again(self, w):
        self.tell(w, event(minor=2), "2026-11-24T00:05:00Z", 2)
        self.tell(w, event(minor=1), "2026-11-24T00:06:00Z", 3)

    def amended(self, w):
        self.tell(w, event(minor=1), "2026-11-24T00:05:00Z", 3, "amend", ref={"epoch": 1, "seq": 2}, reason="更正")


class OfImports(Rule):
    kind, header = "declared", "unit,item,period,numerator,denominator,document"
    bad, mild = (), ()

    def ground(self, w):
        w.fold(*w.registrations("2026-06-01T00:00:00Z"))

    def raised(self, w):
        self.ground(w)
        w.imports(self.kind, self.header, *(f"{row},s" for row in self.bad))

    def near(self, w):
        self.ground(w)
        w.imports(self.kind, self.header, *(f"{row},s" for row in self.mild))

    def again(self, w):
        for _ in range(2):
            w.imports(self.kind, self.header, *(f"{row},s" for row in self.bad))

    def amended(self, w):
        w.imports(self.kind, self.header, *(f"{row},another document" for row in self.bad))


class Regress(OfImports):
    rule, subject = "art5-2-regress", "330100/places_total"
    bad, mild = ("330100,baseline_places_total,2023-03-21,40,",), ("330100,baseline_places_total,2023-03-21,39,",)

    def ground(self, w):
        w.fold(*w.registrations(f"{month(13)}-02T00:00:00Z"))
        for back, places in ((13, 40), (12, 40), (1, 38), (0, 38)):
            w.month(month(back), places)

    cleared = anew = staticmethod(test_rules.test_regress_needs_two_months_against_baseline_and_the_year_before)


class Ineffective(OfImports):
    rule, subject = "art5-2-ineffective", "330100/rectifications_overdue"
    bad = tuple(f"330100,rectifications_overdue,2026-0{m},21,100" for m in (1, 2))
    mild = tuple(f"330100,rectifications_overdue,2026-0{m},20,100" for m in (1, 2))

    def cleared(self, w):
        w.imports(self.kind, self.header, "330100,rectifications_overdue,2026-03,9,100,s")

    def anew(self, w):
        w.imports(self.kind, self.header, *(f"330100,rectifications_overdue,2026-0{m},21,100,s" for m in (4, 5)))


class Falsification(Rule):
    rule, subject = "art5-2-falsification", "330100/integrity-flags"

    def ballots(self, w, tokens, at):
        body = lambda t: {"round": "2026H2", "form": "ballot", "respondent": "family", "token": f"{t:016d}",
                          "answers": {"policy": 5, "service": 5, "safety": 5, "price": 5, "overall": 5}}
        for site in (SITE, OTHER):
            w.fold(*[line(at, "survey", message(100 + t, body(t), site=site), site=site) for t in tokens])

    def tick(self, w, at):
        w.fold(*w.registrations(at))

    def prepare(self, w):
        w.fold(*[line("2026-11-24T00:00:00Z", "registration", message(1, registration(), site=s), site=s) for s in (SITE, OTHER)])

    def raised(self, w):
        self.prepare(w)
        self.ballots(w, (1, 2, 3, 4), "2026-11-24T01:00:00Z")
        self.tick(w, "2026-11-24T02:00:00Z")

    def near(self, w):
        self.prepare(w)
        self.ballots(w, (1, 2, 3), "2026-11-24T01:00:00Z")
        self.tick(w, "2026-11-24T02:00:00Z")

    def again(self, w):
        self.ballots(w, (1, 2, 3, 4), "2026-11-24T03:00:00Z")
        self.tick(w, "2026-11-24T04:00:00Z")

    def amended(self, w):
        w.fold(line("2026-11-24T03:00:00Z", "survey", message(200, {"round": "2026H2", "form": "ballot", "respondent": "family", "token": f"{1:016d}",
                                                                    "answers": {"policy": 4, "service": 4, "safety": 4, "price": 4, "overall": 4}},
                                                              "amend", ref={"epoch": 1, "seq": 101}, reason="更正")))
        self.tick(w, "2026-11-24T04:00:00Z")

    def cleared(self, w):
        w.fold(*[line("2026-11-24T05:00:00Z", "survey", message(300 + t, None, "retract", ref={"epoch": 1, "seq": 100 + t}, reason="重复")) for t in (1, 2, 3, 4)])
        self.tick(w, "2026-11-24T06:00:00Z")

    def anew(self, w):
        self.ballots(w, (11, 12, 13, 14), "2026-11-24T07:00:00Z")
        self.tick(w, "2026-11-24T08:00:00Z")


class Other(Rule):
    rule, subject = "art5-2-other", "330100/press/晚报"
    without = {"anew": "an officer ended it: one alert a document"}
    said = {"source": "press", "document": "晚报"}

    def raised(self, w):
        w.fold(*w.registrations("2026-11-24T00:00:00Z"))
        w.signal(**self.said, key="k")

    def near(self, w):
        """Without a source, or of a unit without the title: no alert."""
        w.fold(*w.registrations("2026-11-24T00:00:00Z"))
        w.signal(422, document="晚报")
        got = w.served(lambda: w.act("duty", f"/units/{OF_JIAXING}", "signal", reason="来电", **self.said))
        assert (got[0], got[1]["guard"]) == (409, "titled")

    def again(self, w):
        w.signal(**self.said, key="k")
        w.signal(409, **self.said)

    def amended(self, w):
        w.signal(409, **{**self.said, "reason": "更正"})


class Satisfaction(Rule):
    rule, subject = "art5-3", "330100/satisfaction_family_policy"

    def ballot(self, seq, token, policy, **more):
        name = month(0)
        body = {"round": f"{name[:4]}H{1 if name[5:] <= '06' else 2}", "form": "ballot", "respondent": "family", "token": f"{token:016d}",
                "answers": {"policy": policy, "service": 5, "safety": 5, "price": 5, "overall": 5}}
        return message(seq, body, sent_at=f"{name}-20T04:00:00Z", **more)

    def tell(self, w, good, bad):
        ballots = [line(f"{month(0)}-20T04:00:{i:02d}Z", "survey", self.ballot(1 + i, i, 5 if i < good else 1)) for i in range(good + bad)]
        w.fold(*w.registrations(f"{month(0)}-02T00:00:00Z"), *ballots)
        w.month(month(0), 40)
        w.served(lambda: wait_until(lambda: w.rows("SELECT 1 FROM frozen WHERE indicator = 'satisfaction_family_policy' AND status <> 'no_data'"),
                                    30, lambda: (w.where / "log").read_text()))

    def raised(self, w):
        self.tell(w, 0, 8)

    def near(self, w):
        self.tell(w, 9, 0)

    def later(self, w, *ballots):
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.999Z")  # behind the daemon's own rows
        w.fold(*[line(now, "survey", b) for b in ballots])

    def again(self, w):
        self.later(w, *[self.ballot(1 + i, i, 1) for i in range(8)])

    def amended(self, w):
        """Every answer as good as can be: of one round that is not over two clear nothing."""
        self.later(w, *[self.ballot(900 + i, i, 5, kind="amend", ref={"epoch": 1, "seq": 1 + i}, reason="更正") for i in range(8)])
        w.served(lambda: None)

    cleared = anew = staticmethod(test_rules.test_satisfaction_clears_after_two_good_rounds_that_are_over_and_is_raised_anew)


class Target(OfImports):
    rule, subject = "target-missed", "330100/places_total"
    kind, header = "targets", "division,indicator,value,by,source"
    cleared = anew = staticmethod(test_rules.test_a_target_is_missed_after_its_date_and_met_with_a_margin_for_31_days)

    def ground(self, w):
        w.fold(*w.registrations(f"{month(0)}-02T00:00:00Z"))
        w.month(month(0), 44)

    @property
    def bad(self):
        return (f"330100,places_total,45,{month(0)}-01",)

    @property
    def mild(self):
        return (f"330100,places_total,44,{month(0)}-01",)


class Below(OfImports):
    rule, subject = "below-province", "330100/disclosure_rate"
    kind, header = "averages", "province,indicator,reference_date,value,source"
    cleared = anew = staticmethod(test_rules.test_a_unit_must_stand_strictly_above_its_province)

    def ground(self, w):
        w.fold(*w.registrations(f"{month(0)}-02T00:00:00Z"))
        w.month(month(0), 44)

    @property
    def bad(self):
        return (f"33,disclosure_rate,{month(0)}-01,100",)

    @property
    def mild(self):
        return (f"33,disclosure_rate,{month(0)}-01,99.999",)


RULES = [Art51, Candidate, Severe, Unreadable, Late, Concealment, Regress, Ineffective, Falsification, Other, Satisfaction, Target, Below]
CELLS = [(r, c) for r in RULES for c in COLUMNS if c not in r.without]


# ---- the cells ----

@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    """The folder of shipped data in which 330100 has another status, made once."""
    made = {}

    def of(status):
        if status not in made:
            made[status] = designate(tmp_path_factory.mktemp(status), status)
        return made[status]
    return of


@pytest.fixture(scope="module")
def raised(tmp_path_factory):
    """A rule's database in which it was raised, made once."""
    made = {}

    def of(rule):
        if rule.rule not in made:
            made[rule.rule] = tmp_path_factory.mktemp(rule.rule)
            rule.raised(World(made[rule.rule]))
        return made[rule.rule]
    return of


@pytest.fixture
def world(request, tmp_path, shipped, raised, monkeypatch):
    kind, column = request.param
    if kind.data:  # before the first line
        monkeypatch.setenv("NURSERYD_DATADIR", shipped(kind.data))
    where, fresh = tmp_path / "w", column == "near" or is_elsewhere(kind, column)
    if fresh:
        where.mkdir()
    else:
        shutil.copytree(raised(kind()), where)
    w = World(where, fresh)
    w.rule, w.column = kind(), column
    yield w
    w.stop()
    if w.db.exists():
        w.verify()


def alerts(w):
    return w.rows(f"SELECT id, subject, state, raised_n FROM alert WHERE rule = '{w.rule.rule}' ORDER BY id")


def replayed(w):
    """Every message of the ledger judged again, by a daemon: whatever it answers, nothing is raised twice."""
    def all_of_them():
        for (n,) in w.rows("SELECT n FROM ledger WHERE topic LIKE 'nursery/%' OR topic LIKE 'act/signal/%'"):
            assert w.ask("POST", f"/api/v1/messages/{n}/replay")[0] in (200, 201, 409)
    w.served(all_of_them)


def restarted(w):
    w.start()
    w.stop(signal.SIGKILL)
    w.start()


def is_elsewhere(kind, column):
    """A test of test_rules.py that goes from month to month, in a world of its own."""
    return getattr(getattr(kind, column, None), "__module__", "") == "test_rules"


def cell_elsewhere(w):
    other = test_rules.Rules(w.where)
    getattr(w.rule, w.column)(other)
    assert other.alerts(w.rule.rule)


def cell_near(w):
    w.rule.near(w)
    assert alerts(w) == []


def cell_cleared(w):
    (before,) = alerts(w)
    w.rule.cleared(w)
    assert [(i, state) for i, _, state, _ in alerts(w)] == [(before[0], "closed")]


def cell_anew(w):
    w.rule.cleared(w)
    w.rule.anew(w)
    assert [state for _, _, state, _ in alerts(w)] == ["closed", "open"]


def cell_once(w):
    """Whatever comes again, the one alert stands as it was raised."""
    before = alerts(w)
    {"replayed": replayed, "restarted": restarted}.get(w.column, getattr(w.rule, w.column, None))(w)
    assert alerts(w) == before


@pytest.mark.parametrize("world", CELLS, indirect=True, ids=[f"{r.rule}-{c}" for r, c in CELLS])
def test_cell(world):
    if is_elsewhere(type(world.rule), world.column):
        return cell_elsewhere(world)
    if world.column == "near":
        return cell_near(world)
    assert [(subject, state) for _, subject, state, _ in alerts(world)] == [(world.rule.subject, "open")]
    if world.column == "raised":
        return None
    return {"cleared": cell_cleared, "anew": cell_anew}.get(world.column, cell_once)(world)


# ---- the table in the documentation ----

def table():
    rows = ["| rule | " + " | ".join(COLUMNS.values()) + " |", "|---|" + "---|" * len(COLUMNS)]
    for rule in RULES:
        rows.append(f"| `{rule.rule}` | " + " | ".join(rule.without.get(c, "✓") for c in COLUMNS) + " |")
    return "\n".join(rows)


def test_the_table_has_every_rule_in_order_and_stands_in_the_documentation():
    rules = re.findall(r'\.id = "([^"]+)"', (TOP / "daemon/rules.c").read_text())
    assert [r.rule for r in RULES] + ["calendar-missing"] == rules  # of titles, DOMAIN §1: test_guards.py
    assert table() in (TOP / "docs/rules.md").read_text(), "print it: python3 tests/e2e/test_rule_table.py"


if __name__ == "__main__":
    sys.stdout.write(table() + "\n")
