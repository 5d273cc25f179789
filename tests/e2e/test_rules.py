# SPDX-License-Identifier: MIT
"""DOMAIN §4, rule by rule: raised, not raised one step inside the boundary, once whatever comes again, cleared. Months pass by
--fold; imports come through a daemon. After every test the chain and the fold are verified, so a replay of the whole ledger
gives the same alerts."""
import json
import re
import subprocess

import pytest
from live import Daemon, wait_until
from test_fold import BUILD, JIAXING, OTHER, SITE, TOP, World, enrolment, incident, line, message, registration

UNIT = "330100"
YEARS = [(y, m) for y in range(2026, 2031) for m in range(1, 13)]
MONTHS = [f"{y}-{m:02d}" for y, m in YEARS[YEARS.index((2026, 12)):]]


class Rules(World):
    def __init__(self, directory):
        super().__init__(directory)
        self.seq = 0

    def imports(self, **files):  # no broker: status says "not ready", 1
        """At the real clock's time, so --fold goes on later than that."""
        daemon = Daemon(self.directory, 'url = "mqtt://127.0.0.1:1"').start()
        socket = self.directory / "nurseryd.sock"
        try:
            wait_until(lambda: self.ctl("--socket", socket, "status").returncode in (0, 1), 30, daemon.says)
            for kind, text in files.items():
                (self.directory / f"{kind}.csv").write_text(text)
                done = self.ctl("--socket", socket, "import", kind, self.directory / f"{kind}.csv")
                assert done.returncode == 0, done.stdout + done.stderr
        finally:
            daemon.stop()

    def ctl(self, *args):
        return subprocess.run([BUILD / "nurseryctl", *args], capture_output=True, text=True)

    def next(self, body, at, feed, kind="report", **more):
        self.seq += 1
        return line(at, feed, message(self.seq, body, kind, sent_at=at, **more))

    def month(self, month, places):
        """A report on the 28th, usable on the last day; two lines after the tenth of the next month let it freeze."""
        nxt = MONTHS[MONTHS.index(month) + 1]
        body = {"as_of": f"{month}-28", "open": True, "places": places, "enrolled": {"under12": 0, "m12_23": 0, "m24_35": 10, "over36": 0},
                "mode": {"fullday": 10, "halfday": 0, "hourly": 0, "temporary": 0}}
        self.fold(self.next(body, f"{month}-28T04:00:00Z", "enrolment"), *self.later(f"{nxt}-12"))

    def later(self, day):
        return [self.next(registration(effective_on="2026-12-01"), f"{day}T{hour:02d}:00:00Z", "registration") for hour in (1, 3)]

    def alerts(self, rule):
        return self.rows(f"SELECT unit, subject, severity, state FROM alert WHERE rule = '{rule}' ORDER BY id")

    def states(self, rule):
        return [row[3] for row in self.alerts(rule)]


@pytest.fixture
def world(tmp_path):
    world = Rules(tmp_path)
    yield world
    done = world.verify()
    assert done.returncode == 0, done.stdout + done.stderr


def event(known="2026-11-24T07:10:00+08:00", **children):
    return {**incident(stage="follow_up", **children), "known_at": known}


# ---- late-report ----

@pytest.mark.parametrize("at, raised", [("2026-11-24T00:10:00Z", 0), ("2026-11-24T00:10:00.001Z", 1)])
def test_a_report_is_late_one_millisecond_after_its_hour(world, at, raised):
    world.fold(line(at, "incident", message(1, event())))
    assert world.alerts("late-report") == [(UNIT, f"{SITE}/INC-1", "S3", "open")] * raised


def test_a_late_report_is_raised_once_and_pages_nobody(world):
    lines = [line(f"2026-11-24T02:0{i}:00Z", "incident", message(1, event())) for i in range(3)]
    amend = line("2026-11-24T02:09:00Z", "incident", message(2, event(), "amend", ref={"epoch": 1, "seq": 1}, reason="same"))
    world.fold(*lines, amend)
    world.fold(line("2026-11-24T02:10:00Z", "incident", message(2, event(), "amend", ref={"epoch": 1, "seq": 1}, reason="same")))
    assert world.states("late-report") == ["open"]
    assert world.rows("SELECT paged FROM alert") == [(0,)]


def test_a_later_message_that_says_it_was_known_earlier_makes_the_first_report_late(world):
    world.fold(line("2026-11-24T00:00:00Z", "incident", message(1, event())))
    assert world.alerts("late-report") == []
    world.fold(line("2026-11-24T00:30:00Z", "incident", message(2, event("2026-11-24T07:00:00+08:00") | {"occurred_at": "2026-11-24T06:00:00+08:00"})))
    world.fold(line("2026-11-24T00:31:00Z", "incident", message(3, event("2026-11-24T06:59:59+08:00") | {"occurred_at": "2026-11-24T06:00:00+08:00"})))
    assert world.states("late-report") == ["open"]


def test_our_own_stop_in_between_makes_lateness_unclear(world):
    world.imports()  # its start and stop are rows
    now = world.rows("SELECT max(received_at) FROM ledger")[0][0]
    at = lambda ms: subprocess.run(["date", "-u", "-d", f"@{ms // 1000}", "+%Y-%m-%dT%H:%M:%SZ"], capture_output=True, text=True).stdout.strip()
    known, received = at(now - 60_000), at(now + 7_200_000)
    world.fold(line(received, "incident", message(1, {**event(known), "occurred_at": known}, sent_at=received)))
    assert world.alerts("late-report") == []


# ---- suspected-concealment ----

@pytest.mark.parametrize("first, later, raised", [
    ({"dead": 1}, {"dead": 0}, 1),
    ({"serious": 2}, {"serious": 1}, 1),
    ({"minor": 3}, {"minor": 2}, 1),
    ({"critical": 1}, {"serious": 1}, 1),
    ({"critical": 1}, {"dead": 1}, 0),       # got worse, nothing is lowered
    ({"minor": 2}, {"minor": 2}, 0),
    ({"minor": 2}, {"minor": None}, 0),      # unknown is not lower
    ({"missing": 1}, {"missing": 0}, 0),     # found
])
def test_lowered_figures_are_suspected_concealment(world, first, later, raised):
    world.fold(line("2026-11-24T00:00:00Z", "incident", message(1, event(**first))),
               line("2026-11-24T00:01:00Z", "incident", message(2, event(**later))),
               line("2026-11-24T00:02:00Z", "incident", message(2, event(**later))),
               line("2026-11-24T00:03:00Z", "incident", message(3, event(**later))))
    assert world.alerts("suspected-concealment") == [(UNIT, f"{SITE}/INC-1", "S2", "open")] * raised


def test_the_order_of_arrival_does_not_make_a_later_figure_lower(world):
    world.fold(line("2026-11-24T00:00:00Z", "incident", message(2, event(minor=3))),
               line("2026-11-24T00:01:00Z", "incident", message(1, event(minor=1))))
    assert world.alerts("suspected-concealment") == []


# ---- target-missed, below-province ----

def prepare(world, **files):
    world.imports(population="division,reference_date,resident,under3,source\n330100,2026-01-01,10000,,s\n", **files)
    world.fold(*world.later("2026-12-01"))


def test_a_target_is_missed_after_its_date_and_met_with_a_margin_for_31_days(world):
    prepare(world, targets="division,indicator,value,by,source\n330100,places_per_1000,4.5,2026-12-31,s\n")
    world.month("2026-12", 44)
    assert world.alerts("target-missed") == []  # its day is not over on the month's last day
    world.month("2027-01", 45)
    assert world.alerts("target-missed") == []  # exactly the target
    world.month("2027-02", 44)
    assert world.alerts("target-missed") == [(UNIT, "330100/places_per_1000", "S4", "open")]
    world.month("2027-03", 44)
    world.month("2027-04", 46)  # 1.02 × 4.5 = 4.59
    world.month("2027-05", 45)
    assert world.states("target-missed") == ["open"]
    world.month("2027-06", 46)
    world.month("2027-07", 46)
    assert world.states("target-missed") == ["closed"]
    world.month("2027-08", 44)
    assert world.states("target-missed") == ["closed", "open"]  # after the clear a new one
    assert world.rows("SELECT DISTINCT policy_n FROM alert WHERE rule = 'target-missed'") == [(1,)]


def test_a_unit_must_stand_strictly_above_its_province(world):
    prepare(world, averages="province,indicator,reference_date,value,source\n33,places_per_1000,2026-12-31,4.5,s\n")
    world.month("2026-12", 46)
    assert world.alerts("below-province") == []
    world.month("2027-01", 45)
    assert world.alerts("below-province") == [(UNIT, "330100/places_per_1000", "S4", "open")]
    world.month("2027-02", 46)
    assert world.states("below-province") == ["open"]
    world.month("2027-03", 46)
    assert world.states("below-province") == ["closed"]
    world.month("2027-04", 45)
    assert world.states("below-province") == ["closed", "open"]


# ---- art5-2-regress ----

def test_regress_needs_two_months_against_baseline_and_the_year_before(world):
    prepare(world, declared="unit,item,period,numerator,denominator,document\n330100,baseline_places_per_1000,2023-03-21,4.0,,s\n")
    for month in MONTHS[:8]:
        world.month(month, 40)
    for month in MONTHS[8:12]:
        world.month(month, 40)
    world.month("2027-12", 38)
    assert world.alerts("art5-2-regress") == []  # one month
    world.month("2028-01", 39)
    world.month("2028-02", 38)
    assert world.alerts("art5-2-regress") == []  # not running
    world.month("2028-03", 38)
    assert world.alerts("art5-2-regress") == [(UNIT, "330100/places_per_1000", "S2", "open")]
    world.month("2028-04", 40)
    assert world.states("art5-2-regress") == ["open"]
    world.month("2028-05", 40)
    assert world.states("art5-2-regress") == ["closed"]
    world.month("2028-06", 38)
    world.month("2028-07", 38)
    assert world.states("art5-2-regress") == ["closed", "open"]


# ---- art5-2-ineffective: imports judge at once ----

@pytest.mark.parametrize("item, months, states", [
    ("rectifications_overdue", [(21, 100), (21, 100)], ["open"]),
    ("rectifications_overdue", [(20, 100), (21, 100)], []),
    ("rectifications_overdue", [(21, 100)], []),
    ("rectifications_overdue", [(21, 100), (21, 100), (10, 100)], ["open"]),
    ("inspections_done", [(89, 100), (89, 100)], ["open"]),
    ("inspections_done", [(90, 100), (89, 100)], []),
])
def test_ineffective_measures_need_two_months(world, item, months, states):
    rows = [f"{UNIT},{item},2026-{m:02d},{n},{d},s\n" for m, (n, d) in enumerate(months, 1)]
    files = "unit,item,period,numerator,denominator,document\n"
    world.imports(declared=files + "".join(rows[:2]))
    if len(rows) > 2:
        world.imports(declared=files + rows[2])
    assert world.states("art5-2-ineffective") == states


@pytest.mark.parametrize("item, ok", [("rectifications_overdue", (9, 100)), ("inspections_done", (100, 100))])
def test_ineffective_measures_clear(world, item, ok):
    header, bad = "unit,item,period,numerator,denominator,document\n", (95, 100) if item[0] == "r" else (5, 100)
    world.imports(declared=header + "".join(f"{UNIT},{item},2026-{m:02d},{bad[0]},{bad[1]},s\n" for m in (1, 2)))
    world.imports(declared=header + f"{UNIT},{item},2026-03,{ok[0]},{ok[1]},s\n")
    assert world.states("art5-2-ineffective") == ["closed"]


def test_annual_inputs_are_overdue_on_the_31st_day(world):
    world.imports(declared=f"unit,item,period,numerator,denominator,document\n{UNIT},annual_inputs,2025,1,,s\n")
    world.fold(*world.later("2027-01-30"))
    assert world.alerts("art5-2-ineffective") == []
    world.fold(*world.later("2027-01-31"))
    assert world.alerts("art5-2-ineffective") == [(UNIT, "330100/annual_inputs", "S2", "open")]


# ---- art5-2-falsification ----

def test_four_tokens_at_two_sites_are_a_flag_too_many(world):
    def ballots(site, tokens, start):
        return [line(f"2026-11-24T03:0{start}:{i:02d}Z", "survey", message(start * 10 + i, {
            "round": "2026H2", "form": "ballot", "respondent": "family", "token": f"{t:016d}",
            "answers": {"policy": 5, "service": 5, "safety": 5, "price": 5, "overall": 5}}, site=site), site=site) for i, t in enumerate(tokens)]
    register = [line("2026-11-24T03:00:00Z", "registration", message(1, registration(), site=s), site=s) for s in (SITE, OTHER)]
    world.fold(*register, *ballots(SITE, [1, 2, 3, 4], 1), *ballots(OTHER, [1, 2, 3], 2))
    world.fold(line("2026-11-24T03:05:00Z", "registration", message(9, registration())))
    assert world.alerts("art5-2-falsification") == []  # three
    world.fold(*[x | {"received_at": "2026-11-24T03:06:00Z"} for x in ballots(OTHER, [4], 3)])
    world.fold(line("2026-11-24T03:08:00Z", "registration", message(10, registration())))
    assert world.alerts("art5-2-falsification") == [(UNIT, "330100/integrity-flags", "S2", "open")]
    for i, (a, b) in enumerate([(20, 2), (21, 2), (22, 2), (30, 3)]):
        world.fold(line(f"2026-11-24T03:1{i}:00Z", "survey", message(40 + i, None, "retract", ref={"epoch": 1, "seq": a}, reason="twice", site=OTHER), site=OTHER))
    world.fold(line("2026-11-24T03:20:00Z", "registration", message(11, registration())))
    assert world.states("art5-2-falsification") == ["closed"]


# ---- art5-3 ----

@pytest.mark.parametrize("good, bad, severity", [(0, 8, "S2"), (6, 2, "S3"), (9, 0, None)])
def test_satisfaction_is_red_or_amber(world, good, bad, severity):
    world.fold(*world.later("2026-12-01"))
    ballots = [world.next({"round": "2026H2", "form": "ballot", "respondent": "family", "token": f"{i:016d}",
                           "answers": {"policy": 5 if i < good else 1, "service": 5, "safety": 5, "price": 5, "overall": 5}},
                          f"2026-12-02T04:00:{i:02d}Z", "survey") for i in range(good + bad)]
    world.fold(*ballots)
    world.month("2026-12", 40)
    assert world.alerts("art5-3") == ([(UNIT, "330100/satisfaction_family_policy", severity, "open")] if severity else [])


def test_satisfaction_clears_after_two_good_rounds_that_are_over_and_is_raised_anew(world):
    token = iter(range(1, 1000))

    def ballots(month, answer):
        half = f"{month[:4]}H{1 if month[5:] <= '06' else 2}"
        return [world.next({"round": half, "form": "ballot", "respondent": "family", "token": f"{next(token):016d}",
                            "answers": {"policy": answer, "service": 5, "safety": 5, "price": 5, "overall": 5}},
                           f"{month}-20T04:00:{i:02d}Z", "survey") for i in range(10)]

    world.fold(*world.later("2026-12-01"), *ballots("2026-12", 1))
    world.month("2026-12", 40)
    assert world.alerts("art5-3") == [(UNIT, "330100/satisfaction_family_policy", "S2", "open")]
    world.fold(*ballots("2027-06", 5))
    world.month("2027-06", 40)
    assert world.states("art5-3") == ["open"]  # one round
    world.fold(*ballots("2027-11", 5))
    world.month("2027-11", 40)
    assert world.states("art5-3") == ["open"]  # the second is not over
    world.month("2027-12", 40)
    assert world.states("art5-3") == ["closed"]
    world.fold(*ballots("2028-02", 1))
    world.month("2028-02", 40)
    assert world.states("art5-3") == ["closed", "open"]


# ---- clocks (DOMAIN §3) ----

def test_an_incident_shows_its_clocks(world):
    first = event(dead=None, critical=11) | {"stage": "first", "type": "fire"}
    world.fold(line("2026-11-24T00:10:00Z", "incident", message(1, first)))
    daemon = Daemon(world.directory, 'url = "mqtt://127.0.0.1:1"').start()
    try:
        path = f"http://localhost/api/v1/incidents/{SITE}/INC-1"
        ask = lambda: subprocess.run(["curl", "-s", "--unix-socket", world.directory / "nurseryd.sock", path], capture_output=True, text=True).stdout
        wait_until(lambda: "clocks" in ask(), 30, daemon.says)
        clocks = {c["id"]: (c["due_at"][:16], c["state"]) for c in json.loads(ask())["clocks"]}
    finally:
        daemon.stop()
    assert clocks["nursery_to_county"] == ("2026-11-24T00:10", "met")
    assert clocks["county_to_city"][0] == "2026-11-24T02:10"
    assert clocks["city_to_province"][0] == "2026-11-24T04:10"
    assert "province_to_state_council" not in clocks
    assert clocks["supplement"][0] == "2026-11-30T23:00"  # fire: 7 days
    assert clocks["unconfirmed"][0] == "2026-11-24T01:10"


# ---- the table in the documentation ----

def test_the_documentation_has_every_rule():
    source = (TOP / "daemon/rules.c").read_text()
    rules = re.findall(r'\.id = "([^"]+)"', source)
    told = re.findall(r"^\| `([^`]+)`", (TOP / "docs/rules.md").read_text().split("## Evidence")[0], flags=re.M)
    assert len(rules) == 14 and told == rules


# ---- who is called of an old event ----

@pytest.mark.parametrize("first_at, later_at, paged", (
    ("2026-11-24T00:00:00Z", "2026-12-15T00:00:00Z", 1),   # reported while it was news; three weeks later the child died
    ("2026-11-30T23:10:00Z", "2026-12-15T00:00:00Z", 1),   # known on the 23rd, 23:10 UTC
    ("2026-11-30T23:10:00.001Z", "2026-12-15T00:00:00Z", 0)))  # first told after seven days: a backfill
def test_people_are_called_of_an_event_that_was_reported_while_it_was_news(world, first_at, later_at, paged):
    world.fold(line(first_at, "incident", message(1, event(minor=1))))
    assert world.rows("SELECT * FROM alert WHERE rule = 'art5-1'") == []
    world.fold(line(later_at, "incident", message(2, {**event(dead=1), "stage": "final"}, sent_at=later_at)))
    assert world.rows("SELECT paged, state FROM alert WHERE rule = 'art5-1'") == [(paged, "open")]


# ---- a title learnt of later ----

def named_csv(status, effective_on):
    return f"unit,name,cycle,status,effective_on,document\n330400,嘉兴市,2025-2026,{status},{effective_on},国卫〔2026〕1号\n"


@pytest.mark.parametrize("status, effective_on, rules", (
    ("named", "2026-11-24", ["severe-incident", "art5-1"]), ("applied", "2026-11-01", ["severe-incident", "candidate-accident"]),
    ("named", "2026-11-25", ["severe-incident"]), ("revoked", "2026-11-01", ["severe-incident"])))
def test_an_accident_before_a_title_was_learnt_of_is_a_ground_by_the_title_of_its_day(world, status, effective_on, rules):
    there = {"division": JIAXING}
    world.fold(line("2026-11-24T00:00:00Z", "registration", message(1, registration(), **there), **there),
               line("2026-11-24T00:01:00Z", "incident", message(1, event(dead=1), **there), **there),
               line("2026-11-24T00:02:00Z", "incident", message(2, {**event(minor=1), "event": "INC-2"}, **there), **there))
    world.imports(designations=named_csv(status, effective_on))
    assert world.rows("SELECT rule, subject, state FROM alert ORDER BY id") == [(rule, f"{SITE}/INC-1", "open") for rule in rules]
    assert world.rows("SELECT ground, unit FROM case_file") == [("art5-1", "330400")] * ("art5-1" in rules)
    before = world.rows("SELECT * FROM alert ORDER BY id")
    world.imports(designations=named_csv(status, effective_on).replace("1号", "2号"))
    assert world.rows("SELECT * FROM alert ORDER BY id") == before
