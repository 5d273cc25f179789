# SPDX-License-Identifier: MIT
"""The policy as the ledger has it: rows that are older than a group of it, and what a new one changes."""
import re
import signal
import sqlite3
import subprocess
import sys

import pytest

from test_acts import BUILD, ROOT, Daemon
from live import wait_until
from test_fold import OTHER, SITE, enrolment, incident, line, message, registration
from test_rules import Rules

sys.path.insert(0, str(ROOT / "tests/crash"))
from chain import chain_complaints, row_hash  # noqa: E402

SHIPPED = (ROOT / "config/policy.conf").read_text()


def without(group, text=SHIPPED):
    cut = re.sub(rf"^{group} = \( {{\n.*?^}} \);\n", "", text, flags=re.S | re.M)
    assert cut != text
    return cut


@pytest.fixture
def world(tmp_path):
    d = Daemon(tmp_path)
    (tmp_path / "policy.conf").write_text(SHIPPED)
    d.conf = tmp_path / "n.conf"
    d.conf_text = d.conf.read_text().replace(f"{ROOT}/config/policy.conf", "policy.conf")
    d.conf.write_text(d.conf_text)
    yield d
    d.stop()
    if d.db.exists():
        d.verify()


def written_by_an_older_nurseryd(db, policy):
    """The same ledger, had its first policy been this one: bytes exchanged and the chain computed again, by nothing of ours."""
    with sqlite3.connect(db) as base:
        (trigger,) = base.execute("SELECT sql FROM sqlite_master WHERE name = 'ledger_is_never_changed'").fetchone()
        base.execute("DROP TRIGGER ledger_is_never_changed")
        base.execute("UPDATE policy SET bytes = ?", (policy.encode(),))
        base.execute("UPDATE ledger SET payload = ? WHERE topic = 'act/policy'", (policy.encode(),))
        previous = bytes(32)
        for n, at, topic, payload, outcome in base.execute("SELECT n, received_at, topic, payload, outcome FROM ledger ORDER BY n").fetchall():
            previous = row_hash(previous, n, at, topic, payload, outcome)
            base.execute("UPDATE ledger SET hash = ? WHERE n = ?", (previous, n))
        base.execute(trigger)
    assert chain_complaints(db) == []


# ---- rows that are older than a group ----

@pytest.mark.parametrize("cut", ["worklist", "regress", "freeze"])
def test_a_database_whose_policy_lacks_a_group_is_opened_folded_and_rebuilt(world, cut):
    world.fold(line("2026-11-24T01:00:00Z", "registration", message(1, registration())),
               line("2026-11-24T02:00:00Z", "enrolment", message(1, enrolment())))
    written_by_an_older_nurseryd(world.db, without(cut))
    world.verify()
    world.start()
    assert world.rows("SELECT count(*) FROM policy") == [(2,)]  # today's file is a new row
    assert world.ask("POST", "/api/v1/rebuild")[0] == 200
    assert world.ask("GET", "/api/v1/units/330100")[1]["indicators"]


def test_a_file_without_the_group_is_refused_with_the_lines_to_paste(world):
    (world.where / "policy.conf").write_text(without("worklist"))
    done = subprocess.run([BUILD / "nurseryd", "-c", "n.conf", "--check-config"], cwd=world.where, capture_output=True, text=True)
    assert done.returncode != 0 and "policy.conf:1: worklist: is missing" in done.stderr
    lines = done.stderr[done.stderr.index("worklist = ( {"):]
    (world.where / "policy.conf").write_text(without("worklist") + lines)
    done = subprocess.run([BUILD / "nurseryd", "-c", "n.conf", "--check-config"], cwd=world.where, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_file_without_a_key_is_refused_with_its_line(world):
    (world.where / "policy.conf").write_text(re.sub(r"\tflags_above = 3;\n", "", SHIPPED))
    done = subprocess.run([BUILD / "nurseryd", "-c", "n.conf", "--check-config"], cwd=world.where, capture_output=True, text=True)
    assert done.returncode != 0 and "falsification.flags_above: is missing" in done.stderr and "flags_above = 3;\n" in done.stderr


# ---- a new policy judges again, and the ledger says which one decided ----

def changed(world, *edits):
    """SIGHUP with an edited file; waits for its row."""
    text = (world.where / "policy.conf").read_text()
    for old, new in edits:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    (world.where / "policy.conf").write_text(text)
    (before,) = world.rows("SELECT max(n) FROM policy")[0]
    world.process.send_signal(signal.SIGHUP)
    wait_until(lambda: world.rows("SELECT max(n) FROM policy")[0][0] > before, 30, lambda: (world.where / "log").read_text())
    return world.rows("SELECT max(n) FROM policy")[0][0]


def alerts(world, rule, state="all"):
    items = world.ask("GET", f"/api/v1/alerts?state={state}")[1]["items"]
    return [(a["subject"], a["severity"], a["state"], a["policy_n"]) for a in items if a["rule"] == rule]


def of_incident(world, key):
    return world.ask("GET", f"/api/v1/incidents/{SITE}/INC-1")[1][key]


def hurt(seq=1, at="2026-11-24T00:05:00Z", **children):
    return line(at, "incident", message(seq, incident(stage="follow_up", **children)))


def test_a_lower_threshold_makes_an_old_event_an_s1_and_a_higher_one_takes_nothing_back(world):
    world.fold(line("2026-11-24T00:00:00Z", "registration", message(1, registration())), hurt(serious=2))
    world.start()
    assert (of_incident(world, "severity"), alerts(world, "art5-1")) == ("S2", [])
    n = changed(world, ("s1_children_serious = 3;", "s1_children_serious = 2;"))
    assert of_incident(world, "severity") == "S1"
    assert alerts(world, "art5-1") == [(f"{SITE}/INC-1", "S1", "open", n)]
    assert world.rows("SELECT ground, unit FROM case_file") == [("art5-1", "330100")]
    later = changed(world, ("s1_children_serious = 2;", "s1_children_serious = 3;"))
    assert of_incident(world, "severity") == "S2"  # and so it counts; but what was raised only an officer ends
    assert alerts(world, "art5-1") == [(f"{SITE}/INC-1", "S1", "open", n)] and later > n


def test_a_version_judges_only_what_happened_from_its_day_on(world):
    world.fold(line("2026-11-24T00:00:00Z", "registration", message(1, registration())), hurt(serious=2))
    world.start()
    block = re.search(r"^severity = \( (\{.*?^\}) \);", SHIPPED, re.S | re.M)[1]
    version = block.replace('"2021-01-01"', '"2026-11-25"').replace("s1_children_serious = 3;", "s1_children_serious = 2;")
    changed(world, (block, f"{block}, {version}"))
    assert (of_incident(world, "severity"), alerts(world, "art5-1")) == ("S2", [])
    changed(world, ('"2026-11-25"', '"2026-11-24"'))
    assert of_incident(world, "severity") == "S1" and len(alerts(world, "art5-1")) == 1


def test_a_statutory_grade_and_the_clock_of_a_report_are_judged_again(world):
    world.fold(line("2026-11-24T00:00:00Z", "registration", message(1, registration())), hurt(at="2026-11-24T00:10:00Z", serious=2))
    world.start()
    assert (of_incident(world, "grade"), alerts(world, "late-report")) == ("ordinary", [])  # known 23:10, here an hour later
    n = changed(world, ('nursery_to_county = "1h";', 'nursery_to_county = "30m";'), ("larger      = { dead = 3;  serious = 10;", "larger      = { dead = 3;  serious = 2;"))
    assert (of_incident(world, "grade"), of_incident(world, "severity")) == ("larger", "S1")
    assert alerts(world, "late-report") == [(f"{SITE}/INC-1", "S3", "open", n)]
    changed(world, ('nursery_to_county = "30m";', 'nursery_to_county = "20m";'))
    assert alerts(world, "late-report") == [(f"{SITE}/INC-1", "S3", "open", n)]  # once


def test_a_policy_that_says_the_same_of_incidents_touches_none(world):
    world.fold(line("2026-11-24T00:00:00Z", "registration", message(1, registration())), hurt(serious=3))
    world.start()
    before = world.rows("SELECT changed_n FROM alert")
    changed(world, ("s1_sick_poisoning = 5; ", "s1_sick_poisoning = 5;  "))
    assert world.rows("SELECT changed_n FROM alert") == before


def test_fewer_flags_allowed_raise_falsification_of_a_unit_without_a_frozen_month(world):
    def ballot(site, seq, token):
        return line(f"2026-11-24T01:00:{seq:02d}Z", "survey", message(seq, {
            "round": "2026H2", "form": "ballot", "respondent": "family", "token": f"{token:016d}",
            "answers": {"policy": 5, "service": 5, "safety": 5, "price": 5, "overall": 5}}, site=site), site=site)
    lines = [line("2026-11-24T00:00:00Z", "registration", message(1, registration(), site=s), site=s) for s in (SITE, OTHER)]
    world.fold(*lines, *[x for t in (1, 2, 3) for x in (ballot(SITE, t, t), ballot(OTHER, t, t))],
               line("2026-11-24T02:00:00Z", "registration", message(2, registration())))
    world.start()
    assert alerts(world, "art5-2-falsification") == []
    n = changed(world, ("flags_above = 3;", "flags_above = 2;"))
    assert alerts(world, "art5-2-falsification") == [("330100/integrity-flags", "S2", "open", n)]
    changed(world, ("flags_above = 2;", "flags_above = 3;"))
    assert alerts(world, "art5-2-falsification") == [("330100/integrity-flags", "S2", "open", n)]  # cleared when no flag is left


def test_declared_items_are_judged_by_the_new_thresholds(world):
    world.fold(line("2026-11-24T00:00:00Z", "registration", message(1, registration())))
    world.start()
    header = "unit,item,period,numerator,denominator,document\n"
    rows = "".join(f"330100,rectifications_overdue,2026-{m:02d},15,100,s\n" for m in (9, 10))
    assert world.ask("POST", "/api/v1/imports/declared", header + rows)[0] in (200, 201)
    assert alerts(world, "art5-2-ineffective") == []
    n = changed(world, ("rectifications_overdue_above_per_mille = 200;", "rectifications_overdue_above_per_mille = 140;"))
    assert alerts(world, "art5-2-ineffective") == [("330100/rectifications_overdue", "S2", "open", n)]
    changed(world, ("rectifications_overdue_above_per_mille = 140;", "rectifications_overdue_above_per_mille = 200;"),
            ("clear_overdue_below_per_mille = 100;", "clear_overdue_below_per_mille = 151;"))
    assert alerts(world, "art5-2-ineffective") == [("330100/rectifications_overdue", "S2", "closed", n)]


def test_a_missed_target_clears_when_the_margin_is_lowered(world):
    rules = Rules(world.where)
    (world.where / "n.conf").write_text(world.conf_text)
    body = {"under12": 0, "m12_23": 0, "m24_35": 10, "over36": 0}
    mode = {"fullday": 10, "halfday": 0, "hourly": 0, "temporary": 0}
    world.fold(rules.next(registration(effective_on="2026-06-01"), "2026-06-01T01:00:00Z", "registration"))
    world.start()
    for kind, text in (("population", "division,reference_date,resident,under3,source\n330100,2026-01-01,10000,,s\n"),
                       ("targets", "division,indicator,value,by,source\n330100,places_per_1000,4.0,2026-05-31,s\n")):
        assert world.ask("POST", f"/api/v1/imports/{kind}", text)[0] in (200, 201)
    world.stop()
    report = lambda day, places: rules.next({"as_of": day, "open": True, "places": places, "enrolled": body, "mode": mode}, "2026-12-01T04:00:00Z", "enrolment")
    later = ["2026-12-12T01:00:00Z", "2026-12-14T01:00:00Z"]
    world.fold(report("2026-10-28", 39), report("2026-11-28", 40), *[rules.next(registration(effective_on="2026-06-01"), at, "registration") for at in later])
    assert world.rows("SELECT subject, state FROM alert WHERE rule = 'target-missed'") == [("330100/places_per_1000", "open")]
    text = (world.where / "policy.conf").read_text().replace("clear_at_least_per_mille = 1020;", "clear_at_least_per_mille = 1000;").replace("clear_days = 31; ", "clear_days = 1;  ")
    (world.where / "policy.conf").write_text(text)
    world.fold(rules.next(registration(effective_on="2026-06-01"), "2026-12-15T01:00:00Z", "registration"))
    assert world.rows("SELECT subject, state FROM alert WHERE rule = 'target-missed'") == [("330100/places_per_1000", "closed")]
