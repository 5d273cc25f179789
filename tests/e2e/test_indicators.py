# SPDX-License-Identifier: MIT
"""Indicators at their boundaries through `nurseryd --fold` with a clock of our own, then through imports and the API of a
daemon whose broker is away. Every value here was worked out by hand from DOMAIN §2."""
import datetime
import hashlib
import json
import sqlite3
import subprocess

import pytest

import test_oracle
from test_fold import HANGZHOU, JIAXING, OTHER, SITE, World, enrolment, incident, line, message, registration

SHANGHAI = datetime.timezone(datetime.timedelta(hours=8))


def day(text):
    return (datetime.date.fromisoformat(text) - datetime.date(1970, 1, 1)).days


class Dated(World):
    """Lines at times of one's own; sequence numbers by themselves."""

    def __init__(self, directory):
        super().__init__(directory)
        self.seq = {}

    def next(self, feed, body, kind="report", site=SITE, division=HANGZHOU, **more):
        seq = self.seq[site, feed] = self.seq.get((site, feed), 0) + 1
        return message(seq, body, kind, site=site, division=division, **more)

    def say(self, at, feed, body, site=SITE, division=HANGZHOU, **more):
        """at: Shanghai time."""
        when = datetime.datetime.fromisoformat(at).replace(tzinfo=SHANGHAI)
        m = self.next(feed, body, site=site, division=division, sent_at=when.isoformat(), **more)
        self.lines.append(line(when.isoformat(), feed, m, site, division))
        return {"epoch": 1, "seq": m["seq"]}

    lines = None

    def run(self):
        receipts = self.fold(*sorted(self.lines, key=lambda x: x["received_at"]))
        assert all(r["status"] == "accepted" for r in receipts), receipts
        self.lines = []

    def sample(self, indicator, on, unit="330100", period="day"):
        found = self.rows(f"SELECT numerator, denominator, status FROM sample WHERE unit = '{unit}' AND period = '{period}'"
                          f" AND indicator = '{indicator}' AND as_of = {day(on)}")
        return found[0] if found else None

    def state(self, indicator, on, unit="330100"):
        return self.rows(f"SELECT numerator, revision, final FROM sample WHERE unit = '{unit}' AND period = 'month'"
                         f" AND indicator = '{indicator}' AND as_of = {day(on)}")[0]


@pytest.fixture
def world(tmp_path):
    w = Dated(tmp_path)
    w.lines = []
    yield w
    assert w.verify().returncode == 0, w.verify().stdout


def stock(on, is_open=True, children=(2, 3, 5), places=20, **more):
    total = sum(children)
    return {"as_of": on, "open": is_open, "places": places,
            "enrolled": dict(zip(("under12", "m12_23", "m24_35"), children), over36=0),
            "mode": {"fullday": total, "halfday": 0, "hourly": 0, "temporary": 0}, **more}


def opened(on="2026-01-01", **change):
    return registration(effective_on=on, **change)


# ---- stocks

def test_a_report_is_fresh_for_7_days_and_usable_for_31(world):
    world.say("2026-03-01T09:00", "registration", opened())
    world.say("2026-03-02T09:00", "enrolment", stock("2026-03-02"))
    world.say("2026-04-10T09:00", "survey", {"round": "2026H1", "form": "ballot", "respondent": "family", "token": "K" * 16,
                                            "answers": {"policy": 4, "service": 5, "safety": 5, "price": 3, "overall": 5}})
    world.run()
    stale = dict(world.rows("SELECT as_of, stale FROM sample WHERE indicator = 'places_total' AND period = 'day'"))
    assert (stale[day("2026-03-09")], stale[day("2026-03-10")]) == (0, 1)
    assert world.sample("places_total", "2026-04-02") == (20, None, "ok")
    assert world.sample("places_total", "2026-04-03") == (None, None, "no_data")
    assert world.sample("filing_rate", "2026-04-03") == (1, 1, "ok")  # needs no report


def test_closed_days_carry_the_last_open_report_however_long_and_their_own_without_one(world):
    world.say("2026-01-02T09:00", "registration", opened())
    world.say("2026-01-02T09:01", "registration", opened(), site=OTHER)
    world.say("2026-01-05T09:00", "enrolment", stock("2026-01-05", places=11))
    for week in range(1, 12):
        on = str(datetime.date(2026, 1, 5) + datetime.timedelta(days=7 * week))
        world.say(on + "T10:00", "enrolment", stock(on, False, (0, 0, 0), places=5))
        world.say(on + "T11:00", "enrolment", stock(on, False, (1, 0, 0), places=7), site=OTHER)
    world.run()
    assert world.sample("places_total", "2026-03-23")[0] == 11 + 7
    assert world.sample("utilisation", "2026-03-23")[:2] == (10 + 1, 18)
    world.say("2026-03-24T09:00", "enrolment", None, kind="retract", ref={"epoch": 1, "seq": 1}, reason="wrong")
    world.run()  # without an open one: its own, on every day that the closed ones carried
    assert world.sample("places_total", "2026-03-23")[0] == world.sample("places_total", "2026-01-12")[0] == 5 + 7


def test_null_operands_are_skipped_in_a_minimum_and_leave_a_site_out_of_a_sum(world):
    world.say("2026-03-01T09:00", "registration", opened(inclusive=True))
    world.say("2026-03-01T09:00", "registration", opened(insured_until=None, disclosed=None), site=OTHER)
    world.say("2026-03-03T09:00", "enrolment", stock("2026-03-03", places=None))
    world.say("2026-03-03T09:00", "enrolment", stock("2026-03-03", attended=6), site=OTHER)
    world.run()
    assert world.sample("places_total", "2026-03-03")[0] == 60 + 20
    assert world.sample("inclusive_share", "2026-03-03")[:2] == (60, 80)
    assert world.sample("incident_rate", "2026-03-03") == (0, 6, "ok")
    assert world.sample("insured_rate", "2026-03-03") == world.sample("disclosure_rate", "2026-03-03") == (0, 2, "ok")


def test_kindergarten_classes_and_family_points_count_their_children(world):
    world.say("2026-03-01T09:00", "registration", opened(facility="kindergarten_class"))
    world.say("2026-03-01T09:00", "registration", opened(facility="family_point"), site=OTHER)
    groups = [{"type": "mixed", "children": 3, "carers": 1}, {"type": "infant", "children": 2, "carers": 1}]
    world.say("2026-03-03T09:00", "enrolment", stock("2026-03-03"))
    world.say("2026-03-03T09:00", "enrolment", stock("2026-03-03", children=(2, 3, 0), classes=groups), site=OTHER)
    world.run()
    assert world.sample("places_total", "2026-03-03")[0] == 10 + 5
    assert world.sample("utilisation", "2026-03-03") == (0, 0, "no_data")
    assert world.sample("ratio_ok", "2026-03-03") == (1, 1, "ok")  # one group of 5 with 2 carers


@pytest.mark.parametrize("kind, children, carers, ok", [("infant", 10, 4, 1), ("infant", 10, 3, 0), ("infant", 11, 9, 0),
                                                        ("toddler", 15, 3, 1), ("toddler", 15, 2, 0), ("older", 20, 3, 1),
                                                        ("older", 21, 3, 0), ("older", 15, 2, 0), ("mixed", 18, 4, 1),
                                                        ("mixed", 19, 4, 0), ("mixed", 16, 3, 0), ("older", 1, 0, 0)])
def test_a_group_keeps_its_size_and_ratio_to_the_child(world, kind, children, carers, ok):
    groups = [{"type": kind, "children": children, "carers": carers}, {"type": kind, "children": 0, "carers": 0},
              {"type": kind, "children": None, "carers": 3}, {"type": kind, "children": 3, "carers": None}]
    world.say("2026-03-01T09:00", "registration", opened())
    world.say("2026-03-03T09:00", "enrolment", stock("2026-03-03", classes=groups))
    world.say("2026-03-04T09:00", "enrolment", stock("2026-03-04", False, (0, 0, 0), classes=groups))
    world.run()
    assert world.sample("ratio_ok", "2026-03-03") == (ok, 1, "ok")
    assert world.sample("ratio_ok", "2026-03-04") == (0, 0, "no_data")  # closed, and nothing is carried forward


def test_a_registration_counts_from_its_day_on_and_a_future_one_not_yet(world):
    world.say("2026-03-01T09:00", "registration", opened("2026-03-03"))
    world.say("2026-03-02T09:00", "registration", opened("2026-03-06", operation="closed"))
    for on in ("02", "03", "04", "05"):
        world.say(f"2026-03-{on}T10:00", "enrolment", stock(f"2026-03-{on}"))
    world.say("2026-03-07T09:00", "enrolment", stock("2026-03-07"))
    world.run()
    assert world.sample("places_total", "2026-03-02") is None
    assert [world.sample("places_total", f"2026-03-0{d}")[0] for d in (3, 5)] == [20, 20]
    assert world.sample("places_total", "2026-03-06")[2] == "no_data"
    assert world.sample("filing_rate", "2026-03-06") == (0, 0, "no_data")


# ---- reports expected

def test_a_report_of_a_day_before_the_nursery_existed_is_usable_on_its_first_day(world):
    world.say("2026-03-01T09:00", "registration", opened(on="2026-03-05"))
    world.say("2026-03-02T17:00", "enrolment", stock("2026-03-02"))
    world.say("2026-03-06T17:00", "incident", hurt("A", "2026-03-06T16:30:00"))
    world.run()
    assert world.sample("places_total", "2026-03-04") is None
    assert world.sample("places_total", "2026-03-05")[0] == 20
    assert world.sample("places_total", "2026-03-06")[0] == 20


def test_18_00_00_is_in_time_and_a_moment_later_is_not(world):
    world.say("2026-03-02T00:00", "registration", opened())
    world.say("2026-03-03T18:00:00", "enrolment", stock("2026-03-03"))
    world.say("2026-03-04T18:00:00.001", "enrolment", stock("2026-03-04"))
    world.say("2026-03-05T17:00", "enrolment", stock("2026-03-05", places=1))
    world.say("2026-03-06T09:00", "enrolment", stock("2026-03-05"))  # a correction: the key's earliest was in time
    world.run()
    assert [world.sample("timeliness", f"2026-03-0{d}")[:2] for d in (2, 3, 4, 5)] == [(0, 1), (1, 1), (0, 1), (1, 1)]
    assert world.sample("completeness", "2026-03-06") == (0, 0, "no_data")  # today, before 18:00


def test_rest_days_and_days_before_the_first_registration_was_sent_expect_nothing(world):
    world.say("2026-03-04T23:30", "registration", opened("2026-01-01"))
    world.say("2026-03-10T12:00", "enrolment", stock("2026-03-10"))
    world.run()
    expected = [world.sample("completeness", f"2026-03-{d:02d}")[1] for d in range(3, 10)]
    assert expected == [0, 1, 1, 1, 0, 0, 1]  # Tuesday … Monday


# ---- incidents

def hurt(event, occurred, known=None, stage="first", **children):
    return {**incident(event, stage, **children), "occurred_at": occurred + "+08:00",
            "known_at": (known or occurred) + "+08:00"}


def test_events_belong_to_the_shanghai_day_and_late_is_more_than_an_hour(world):
    world.say("2026-02-27T09:00", "registration", opened())
    for on in ("2026-02-28", "2026-03-01"):
        world.say(on + "T10:00", "enrolment", stock(on, attended=10))
    world.say("2026-02-28T23:59:59", "incident", hurt("A", "2026-02-28T23:59:59", minor=1))
    world.say("2026-03-01T01:00:00", "incident", hurt("B", "2026-03-01T00:00:00", minor=1))
    world.say("2026-03-01T02:00:00.001", "incident", hurt("C", "2026-03-01T01:00:00"))
    world.run()
    assert world.sample("incident_rate", "2026-02-28") == world.sample("incident_rate", "2026-03-01") == (1, 10, "ok")
    assert world.sample("late_report_rate", "2026-03-01") == (1, 2, "ok")
    assert world.sample("late_report_rate", "2026-02-28") == (0, 1, "ok")


def test_an_unconfirmed_s1_counts_in_no_indicator_and_an_amended_day_moves_the_event(world):
    world.say("2026-03-01T09:00", "registration", opened())
    world.say("2026-03-03T10:00", "incident", hurt("A", "2026-03-03T09:50:00", critical=None))
    ref = world.say("2026-03-03T10:00", "incident", hurt("B", "2026-03-03T09:50:00", critical=1))
    world.run()
    assert (world.sample("severe_incidents", "2026-03-03")[0], world.sample("late_report_rate", "2026-03-03")[1]) == (1, 1)
    world.say("2026-03-04T10:00", "incident", hurt("A", "2026-03-03T09:50:00", stage="follow_up"))
    world.say("2026-03-04T10:00", "incident", hurt("B", "2026-03-02T09:50:00", stage="follow_up"), kind="amend", ref=ref, reason="x")
    world.run()
    assert world.sample("severe_incidents", "2026-03-03")[0] == 0
    assert world.sample("severe_incidents", "2026-03-02")[0] == 1  # void, but its severity stays
    assert world.sample("late_report_rate", "2026-03-03")[:2] == (0, 1)


# ---- months

def test_a_leap_february_sums_its_29_days_and_freezes_ten_days_later(world):
    world.say("2028-01-31T09:00", "registration", opened("2028-02-01"))
    for d in range(1, 30):
        world.say(f"2028-02-{d:02d}T10:00", "enrolment", stock(f"2028-02-{d:02d}", attended=10, places=10 + d))
    world.say("2028-03-10T23:59:59", "enrolment", stock("2028-03-10"))
    world.run()
    assert world.sample("incident_rate", "2028-02-01", period="month") == (0, 290, "ok")
    assert world.sample("places_total", "2028-02-01", period="month")[0] == 39
    assert world.state("places_total", "2028-02-01") == (39, 1, 0)
    world.say("2028-03-11T00:00:00", "enrolment", stock("2028-03-11"))
    world.run()
    assert world.state("places_total", "2028-02-01") == (39, 1, 1)
    assert world.sample("places_total", "2028-03-01", period="month")[0] == 20  # running: yesterday's
    (row,) = world.rows("SELECT payload FROM ledger WHERE topic = 'act/due/month'")
    frozen = json.loads(row[0])
    rows = json.dumps(frozen["rows"], separators=(",", ":"), ensure_ascii=False)
    assert frozen["subject"] == "330100/2028-02" and frozen["sha256"] == hashlib.sha256(rows.encode()).hexdigest()


def test_later_data_is_a_new_revision_that_freezes_after_a_quiet_day_and_both_stay(world):
    world.say("2026-01-30T09:00", "registration", opened("2026-02-01"))
    world.say("2026-02-28T10:00", "enrolment", stock("2026-02-28", places=10))
    world.say("2026-03-12T10:00", "enrolment", stock("2026-03-12"))
    world.run()
    assert world.state("places_total", "2026-02-01") == (10, 1, 1)
    world.say("2026-03-13T10:00", "enrolment", stock("2026-02-28", places=14))
    world.say("2026-03-14T09:59", "enrolment", stock("2026-03-14"))
    world.run()
    assert world.state("places_total", "2026-02-01") == (14, 2, 0)
    assert world.state("filing_rate", "2026-02-01") == (1, 1, 1)  # says the same
    world.say("2026-03-14T11:00", "survey", {"round": "2026H1", "form": "ballot", "respondent": "institution",
                                            "token": "K" * 16, "answers": {"policy": 4}})
    world.run()
    assert world.state("places_total", "2026-02-01") == (14, 2, 1)
    assert world.rows("SELECT revision, numerator FROM frozen WHERE indicator = 'places_total'") == [(1, 10), (2, 14)]


def test_a_month_already_past_when_first_heard_of_waits_for_a_quiet_day(world):
    world.say("2026-06-01T08:00", "registration", opened("2026-02-01"))
    world.say("2026-06-01T09:00", "enrolment", stock("2026-02-28"))
    world.say("2026-06-02T08:30", "enrolment", stock("2026-02-27"))
    world.say("2026-06-03T08:00", "enrolment", stock("2026-06-03"))
    world.run()
    assert world.state("places_total", "2026-02-01") == (20, 1, 0)
    assert world.state("places_total", "2026-04-01") == (None, 1, 1)  # only the registration has touched April
    world.say("2026-06-03T09:30", "enrolment", stock("2026-06-02"))
    world.run()
    assert world.state("places_total", "2026-02-01") == (20, 1, 1)


# ---- units

@pytest.mark.parametrize("division, unit", [("110101", "110101"), ("500101", "500101"), ("429004", "429004"),
                                            ("441900", "441900"), ("330106", "330100")])
def test_a_municipality_district_and_a_province_direct_county_are_units(world, division, unit):
    world.say("2026-03-01T09:00", "registration", opened(), division=division)
    world.say("2026-03-03T09:00", "enrolment", stock("2026-03-03"), division=division)
    world.run()
    assert world.rows("SELECT DISTINCT unit FROM sample") == [(unit,)]
    assert world.sample("places_total", "2026-03-03", unit)[0] == 20


# ---- imports, through a daemon

@pytest.fixture
def instance(tmp_path):
    class Instance(test_oracle.Instance):
        def __enter__(self):
            with open(self.where / "n.conf", "a") as conf:
                conf.write('indicators: { every = "1s"; };\n')
            return super().__enter__()

        def refused(self, kind, text):
            path = self.where / "bad.csv"
            path.write_bytes(text)
            done = subprocess.run([test_oracle.BUILD / "nurseryctl", "--socket", self.where / "n.sock", "import", kind, path],
                                  capture_output=True, text=True)
            return done.returncode, done.stdout + done.stderr

        def one(self, indicator, on, unit="330100", **more):
            query = "&".join(f"{k}={v}" for k, v in {"from": on, "to": on, **more}.items())
            reply = self.get(f"/api/v1/units/{unit}/indicators/{indicator}?{query}")
            assert reply.status_code == 200, reply.text
            items = reply.json()["items"]
            return items[0] if items else None

    w = Dated(tmp_path)
    w.lines = []
    w.say("2026-01-30T09:00", "registration", opened("2026-02-01", inclusive=True))
    for on in ("2026-02-27", "2026-02-28", "2026-03-10", "2026-03-12"):
        w.say(on + "T10:00", "enrolment", stock(on))
    w.say("2026-03-13T10:00", "enrolment", stock("2026-02-28", places=30))
    with Instance(tmp_path, [{**x, "valid": True} for x in w.lines]) as i:
        i.settle()
        yield i


def register(**row):
    return [{**dict.fromkeys(("site", "effective_on", "division", "filing", "registration", "inclusive", "source"), ""),
             "site": SITE, "source": "市监局", **row}]


def test_the_register_outranks_the_claim_from_its_day_on_in_the_columns_it_fills(instance):
    instance.load("register", register(effective_on="2026-02-28", filing="none"))
    instance.load("register", register(effective_on="2026-03-11", filing="licensed", inclusive="false"))
    instance.settle()
    value = {on: instance.one("places_total", on)["value"] for on in ("2026-02-27", "2026-02-28", "2026-03-10", "2026-03-12")}
    assert value == {"2026-02-27": 20, "2026-02-28": 0, "2026-03-10": 0, "2026-03-12": 20}
    assert instance.one("inclusive_share", "2026-03-12")["numerator"] == 0
    assert instance.one("filing_rate", "2026-02-28")["value"] == 0
    instance.load("register", register(effective_on="2026-03-20", registration="cancelled"))
    assert instance.get(f"/api/v1/sites/{SITE}").json()["standing"]["registered"] is False


def test_a_moved_site_counts_elsewhere_from_a_date_on(instance):
    instance.load("register", register(effective_on="2026-03-01", division=JIAXING))
    instance.settle()
    assert instance.one("places_total", "2026-02-28")["value"] == 30
    assert instance.one("places_total", "2026-03-10")["status"] == "no_data"
    assert instance.one("places_total", "2026-03-10", "330400")["value"] == 20
    assert instance.one("places_total", "2026-02-28", "330400") is None
    site = instance.get(f"/api/v1/sites/{SITE}").json()
    assert (site["unit"], site["division"]) == ("330400", JIAXING)


def imports(instance):
    with sqlite3.connect(instance.where / "n.db") as db:
        return db.execute("SELECT count(*) FROM ledger WHERE topic = 'act/import/register'").fetchone()[0]


def test_a_bad_row_names_line_column_value_and_rule_and_nothing_is_imported(instance):
    good = f"{SITE},2026-02-28,,none,,,x\n".encode()
    head = b"site,effective_on,division,filing,registration,inclusive,source\n"
    for bad, words in ((b"52330106MJ0000018F,2026-02-28,,none,,,x\n", ("3", "site", "52330106MJ0000018F")),
                       (f"{SITE},2026-02-30,,none,,,x\n".encode(), ("3", "effective_on", "2026-02-30")),
                       (f"{SITE},2026-02-28,,perhaps,,,x\n".encode(), ("3", "filing", "perhaps")),
                       (f"{SITE},2026-02-28,,none,,,\n".encode(), ("3", "source"))):
        code, text = instance.refused("register", head + good + bad)
        assert code == 1 and all(w in text for w in words), text
    assert imports(instance) == 0
    assert instance.refused("register", b"\xef\xbb\xbf" + head + good)[0] == 0  # with BOM
    assert instance.refused("register", b"\xef\xbb\xbf" + head + good)[0] == 0  # again: no row, no effect
    assert imports(instance) == 1


def test_declared_items_are_indicators_without_code(instance):
    rows = [("330100", "inspections", "2026-02", "45", "50", "通报"), ("330100", "满意度基线", "2026-02-28", "4.61", "", "通报"),
            ("330100", "quality", "2026H1", "0.5", "2", "x"), ("330100", "none", "2026", "5", "0", "x")]
    instance.load("declared", [dict(zip(("unit", "item", "period", "numerator", "denominator", "document"), r)) for r in rows])
    instance.settle()
    o = instance.one("inspections", "2026-02", period="month")
    assert (o["value"], o["numerator"], o["denominator"], o["scale"], o["status"], o["completeness"]) == (0.9, 45, 50, 1, "ok", 1)
    assert o["sources"] == [{"what": "declared", "document": "通报"}]
    o = instance.one("满意度基线", "2026-02-28")
    assert (o["value"], o["numerator"], o["denominator"]) == (4.61, "4.61", None)
    o = instance.one("quality", "2026-06", period="month")
    assert (o["value"], o["numerator"], o["denominator"]) == (0.25, "0.5", "2")
    assert instance.one("none", "2026-12", period="month")["status"] == "no_data"
    ids = [i["id"] for i in instance.get("/api/v1/units/330100").json()["indicators"]]
    assert "inspections" in ids and "gap_places" in ids
    assert instance.get("/api/v1/units/330100/indicators/unheard").status_code == 404
    text = b"unit,item,period,numerator,denominator,document\n330100,places_total,2026-02,1,,x\n"
    assert instance.refused("declared", text)[0] == 1


def test_declared_decimals_are_added_up_exactly_for_the_province(instance):
    head = ("unit", "item", "period", "numerator", "denominator", "document")
    units = [f"33{n:02}00" for n in range(1, 12)]  # Zhejiang has eleven; nine are the 80 % that are needed
    rows = [(u, "credit", "2026-02", "0.1", "0.25", "通报") for u in units[:7]] + [(units[7], "credit", "2026-02", "3", "4", "通报")]
    instance.load("declared", [dict(zip(head, r)) for r in rows])
    instance.settle()
    assert instance.one("credit", "2026-02", period="month")["province"] == {"value": None, "source": "computed", "above": None,
                                                                            "status": "insufficient"}
    rows.append((units[8], "credit", "2026-02", "0.305", "1", "通报"))
    instance.load("declared", [dict(zip(head, r)) for r in rows] + [dict(zip(head, (u, "grants", "2026-02", "12.5", "", "x"))) for u in units])
    instance.settle()
    o = instance.one("credit", "2026-02", period="month")
    assert o["province"] == {"value": 4005 / 6750, "source": "computed", "above": False, "status": "ok"}
    assert instance.one("grants", "2026-02", period="month")["province"]["value"] == 137.5
    sums = {i["id"]: i for i in instance.get("/api/v1/provinces/33").json()["indicators"]}
    assert [sums["credit"][k] for k in ("period", "as_of", "value", "numerator", "denominator", "units", "units_ok", "status")] == \
        ["month", "2026-02-01", 4005 / 6750, "4.005", "6.750", 11, 9, "ok"]
    assert (sums["grants"]["value"], sums["grants"]["numerator"], sums["grants"]["denominator"]) == (137.5, "137.5", None)


def test_the_gap_to_the_target_is_rounded_up_and_needs_target_and_population(instance):
    assert instance.one("gap_places", "2026-03-12")["reason"] == "population"
    assert instance.one("places_per_1000", "2026-03-12")["reason"] == "population"
    instance.load("population", [{"division": "330100", "reference_date": "2025-12-31", "resident": "10001", "under3": "0",
                                  "source": "公报"}])
    instance.settle()
    assert instance.one("gap_places", "2026-03-12")["reason"] == "target of places_per_1000"
    assert instance.one("enrolment_rate", "2026-03-12")["status"] == "no_data"
    instance.load("targets", [{"division": d, "indicator": "places_per_1000", "value": v, "by": "2025-12-31", "source": "x"}
                              for d, v in (("", "9"), ("330000", "4.5"))])
    instance.settle()
    assert instance.one("gap_places", "2026-03-12")["value"] == 46 - 20  # 45.0045 places are 46
    assert instance.one("gap_places", "2026-02-28")["value"] == 16
    per_1000 = instance.one("places_per_1000", "2026-03-12")
    assert per_1000["value"] == 1000 * 20 / 10001 and per_1000["target"]["met"] is False


def test_a_revision_says_what_moved_and_the_one_before_stays_readable(instance):
    instance.wait_for(lambda: instance.one("utilisation", "2026-02", period="month")["final"])
    now = instance.one("utilisation", "2026-02", period="month")
    assert (now["numerator"], now["denominator"], now["revision"], now["final"]) == (10, 30, 2, True)
    change = now["change"]
    assert change["from_revision"] == 1 and change["numerator"] == 0 and change["population_driven"] is False
    assert change["denominator"] == pytest.approx(100 * 10 / 30 - 50) == pytest.approx(change["value"])
    first = instance.one("utilisation", "2026-02", period="month", revision=1)
    assert (first["value"], first["revision"], first["final"]) == (50, 1, True) and "change" not in first
    assert instance.one("utilisation", "2026-02", period="month", revision=3) is None
    assert instance.one("utilisation", "2026-03", period="month")["trend"]["since"] == "2026-02"


def test_a_month_without_data_says_so(instance):
    o = instance.one("incident_rate", "2026-02", period="month")
    assert (o["value"], o["status"], o["reason"]) == (None, "no_data", "attended child-days")
    assert instance.one("places_total", "2026-01", period="month") is None  # before the first datum


def test_a_fold_again_gives_the_same_tables_and_samples(world):
    world.say("2026-01-30T09:00", "registration", opened("2026-02-01"))
    for d in range(1, 29):
        world.say(f"2026-02-{d:02d}T10:00", "enrolment", stock(f"2026-02-{d:02d}", places=d))
    world.say("2026-03-13T10:00", "enrolment", stock("2026-02-28", places=14))
    world.run()
    before = world.rows("SELECT unit, indicator, period, as_of, numerator, denominator, status, revision, final FROM sample ORDER BY 1, 2, 3, 4")
    done = subprocess.run([test_oracle.BUILD / "nurseryctl", "--db", world.db, "rebuild"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    world.fold()
    assert world.rows("SELECT unit, indicator, period, as_of, numerator, denominator, status, revision, final FROM sample ORDER BY 1, 2, 3, 4") == before
