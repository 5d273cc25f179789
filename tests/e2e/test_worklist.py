# SPDX-License-Identifier: MIT
"""The worklist (DOMAIN §4), kind by kind: on the list, not yet, off it again; paged; and what strangers see of it. Where days
matter the clock is the ledger's: nurseryctl reads a database whose newest row is of the day that is asked about."""
import datetime
import json
import shutil

import pytest

from test_acts import ROOT, Daemon
from test_fold import OTHER, SITE, enrolment, line, message, registration

MONDAY = datetime.date(2028, 3, 6)  # a year without calendar: Monday to Friday


class World(Daemon):
    def __init__(self, where):
        super().__init__(where)
        self.seq = {}

    def line(self, day, feed, body, site=SITE, division="330106", hour=9, step=1, **more):
        seq = self.seq[site, feed] = self.seq.get((site, feed), 0) + step
        at = f"{day}T{hour:02d}:00:00+08:00"
        utc = datetime.datetime.fromisoformat(at).astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        return line(utc, feed, message(seq, body, site=site, division=division, sent_at=at, **more), site=site, division=division)

    def register(self, day, site=SITE, **change):
        return self.line(day, "registration", registration(effective_on="2026-11-01", **change), site)

    def report(self, day, site=SITE, **change):
        return self.line(day, "enrolment", enrolment(as_of=str(day), **change), site)

    def turn(self, day):
        """The ledger's newest row is of the morning of that day."""
        self.fold(self.line(day, "registration", registration(effective_on="2026-11-01"), OTHER, hour=8))

    def pages(self, query="", tcp=False):
        items, after = [], ""
        while after is not None:
            status, page = self.ask("GET", f"/api/v1/worklist?limit=1000{query}{after and '&after=' + after}", tcp=tcp)
            assert status == 200, page
            items, after = items + page["items"], page["next"]
        return items

    def listed(self, kind, site=SITE):
        done = self.ctl("--db", "n.db", "--json", "worklist", "--kind", kind)
        assert done.returncode == 0, done.stderr
        return [i for i in json.loads(done.stdout)["items"] if i["site"] == site]


@pytest.fixture
def world(tmp_path):
    w = World(tmp_path)
    yield w
    w.stop()
    w.verify()


def weekdays(first, count):
    days, day = [], first
    while len(days) < count:
        if day.weekday() < 5:
            days.append(day)
        day += datetime.timedelta(days=1)
    return days


# ---- silent-site ----

@pytest.mark.parametrize("silent, listed", [(7, False), (8, True)])
def test_a_nursery_is_silent_after_eight_working_days_without_a_report(world, silent, listed):
    days = weekdays(MONDAY, 30)
    world.fold(world.register(days[0]), *[world.report(d) for d in days[:5]])
    world.turn(days[5 + silent])
    found = world.listed("silent-site")
    assert bool(found) == listed
    if listed:
        assert (found[0]["since"], found[0]["unit"], found[0]["detail"]) == \
            (str(days[5]), "330100", {"working_days": 8, "last_report": str(days[4])})
    world.fold(world.report(days[6 + silent]))
    assert world.listed("silent-site") == []


def test_holidays_are_no_working_days_and_make_up_days_are(world, monkeypatch):
    shutil.copytree(ROOT / "config/data", world.where / "data")
    with open(world.where / "data/workdays.csv", "a") as f:
        f.write("".join(f"2028-02-{d:02d},rest,Spring Festival\n" for d in range(7, 12)) + "2028-02-19,work,make-up\n")
    monkeypatch.setenv("NURSERYD_DATADIR", str(world.where / "data"))
    world.fold(world.register("2028-01-31"), world.report("2028-01-31"))
    world.turn("2028-02-17")  # 1–4, 14–16: seven
    assert world.listed("silent-site") == []
    world.turn("2028-02-18")
    assert [i["detail"]["working_days"] for i in world.listed("silent-site")] == [8]
    world.turn("2028-02-20")  # and Friday, and Saturday the 19th
    assert [i["detail"]["working_days"] for i in world.listed("silent-site")] == [10]


def test_a_nursery_that_does_not_operate_or_just_began_is_not_silent(world):
    days = weekdays(MONDAY, 20)
    world.fold(world.register(days[0], operation="suspended"))
    world.turn(days[15])
    assert world.listed("silent-site") == []
    world.fold(world.line(days[15], "registration", registration(effective_on=str(days[15]))))  # opens again
    world.turn(days[19])
    assert world.listed("silent-site") == []
    world.turn(weekdays(MONDAY, 30)[23])
    assert [i["detail"] for i in world.listed("silent-site")] == [{"working_days": 8, "last_report": None}]


def test_a_retracted_report_was_none(world):
    days = weekdays(MONDAY, 20)
    world.fold(world.register(days[0]), world.report(days[0]), world.report(days[5]))
    world.turn(days[10])
    assert world.listed("silent-site") == []
    world.fold(world.line(days[10], "enrolment", None, kind="retract", ref={"epoch": 1, "seq": 2}, reason="wrong"))
    assert [i["detail"]["last_report"] for i in world.listed("silent-site")] == [str(days[0])]


# ---- over-capacity, carer-ratio: three open days running, off after five clean ones ----

def over(world, day):
    return world.report(day, places=40)  # 42 children


def short(world, day):
    return world.report(day, classes=[{"type": "toddler", "children": 11, "carers": 2}])


def kept(world, day):
    return world.report(day, classes=[{"type": "toddler", "children": 10, "carers": 2}])


@pytest.mark.parametrize("kind, breach", [("over-capacity", over), ("carer-ratio", short)])
def test_a_breach_is_listed_after_three_open_days_and_gone_after_five_clean_ones(world, kind, breach):
    days = iter(weekdays(MONDAY, 40))
    world.fold(world.register(MONDAY), *[breach(world, next(days)) for _ in range(2)])
    assert world.listed(kind) == []
    world.fold(kept(world, next(days)), *[breach(world, next(days)) for _ in range(2)])
    assert world.listed(kind) == []  # not running
    first = next(days)
    world.fold(world.report(first, open=False, places=40, attended=0))  # a closed day is none
    last = next(days)
    world.fold(breach(world, last))
    (item,) = world.listed(kind)
    assert (item["since"], item["detail"]["open_days"], item["detail"]["last_day"]) == (str(weekdays(MONDAY, 4)[3]), 3, str(last))
    world.fold(*[kept(world, next(days)) for _ in range(4)])
    assert len(world.listed(kind)) == 1
    world.fold(breach(world, next(days)), *[kept(world, next(days)) for _ in range(4)])
    assert len(world.listed(kind)) == 1  # the clean days began anew
    world.fold(kept(world, next(days)))
    assert world.listed(kind) == []


def test_what_is_not_known_neither_breaks_nor_keeps(world):
    days = weekdays(MONDAY, 10)
    unknown = [{"type": "toddler", "children": None, "carers": 2}]
    world.fold(world.register(MONDAY), short(world, days[0]), short(world, days[1]), world.report(days[2], classes=unknown), short(world, days[3]))
    assert world.listed("carer-ratio") == []
    world.fold(short(world, days[4]), short(world, days[5]), world.report(days[6], classes=unknown))
    assert [i["detail"]["short_of_carers"] for i in world.listed("carer-ratio")] == [1]


@pytest.mark.parametrize("places, listed", [(41, True), (42, False), (None, False)])
def test_the_places_are_the_reports_or_the_registered_ones(world, places, listed):
    world.fold(world.register(MONDAY), *[world.report(d, places=places) for d in weekdays(MONDAY, 3)])
    assert bool(world.listed("over-capacity")) == listed  # 60 are registered, 42 children


def test_a_family_point_is_one_group(world):
    classes = [{"type": "toddler", "children": 2, "carers": 1}, {"type": "toddler", "children": 2, "carers": 0}]
    world.fold(world.register(MONDAY, facility="family_point"), *[world.report(d, classes=classes) for d in weekdays(MONDAY, 3)])
    assert [i["detail"]["groups"] for i in world.listed("carer-ratio")] == [1]


# ---- gaps and rejected messages ----

def test_a_gap_is_listed_until_it_is_filled(world):
    days = weekdays(MONDAY, 5)
    world.fold(world.register(MONDAY), world.report(days[0]), world.line(days[1], "enrolment", enrolment(as_of=str(days[1])), step=4))
    (item,) = world.listed("sequence-gap")
    assert (item["feed"], item["since"], item["detail"]) == ("enrolment", str(days[1]), {"missing": 3, "ranges": 1})
    world.seq[SITE, "enrolment"] = 1
    world.fold(*[world.report(d) for d in days[2:5]])
    assert world.listed("sequence-gap") == []


def test_a_rejected_message_is_listed_until_the_feed_has_an_accepted_one(world):
    bad = enrolment(as_of=str(MONDAY), mode={"fullday": 1, "halfday": 0, "hourly": 0, "temporary": 0})
    world.fold(world.register(MONDAY), world.line(MONDAY, "enrolment", bad))
    (item,) = world.listed("rejected-message")
    assert (item["feed"], item["detail"]["outcome"], item["detail"]["codes"]) == ("enrolment", "rejected", ["E_SUM_MISMATCH"])
    world.fold(world.report(MONDAY))
    assert world.listed("rejected-message") == []
    world.fold(line("2028-03-07T01:00:00Z", "enrolment", "{not json"))
    assert [i["detail"]["codes"] for i in world.listed("rejected-message")] == [["E_JSON"]]


def test_what_never_registered_stands_under_its_topics_unit(world):
    world.fold(world.register(MONDAY, registration="gone"))
    assert [(i["unit"], i["feed"]) for i in world.listed("rejected-message")] == [("330100", "registration")]


# ---- asking ----

def many(world):
    """Of three weeks ago: a daemon's own clock has gone on since."""
    days = weekdays(datetime.date.today() - datetime.timedelta(days=30), 4)
    bad = enrolment(as_of=str(days[2]), mode={"fullday": 1, "halfday": 0, "hourly": 0, "temporary": 0})
    poor = {"places": 40, "classes": [{"type": "toddler", "children": 11, "carers": 2}]}
    register = [world.line(days[0], "registration", registration(effective_on=str(days[0])), s) for s in (SITE, OTHER)]
    reports = [world.report(d, s, **poor) for d in days[:3] for s in (SITE, OTHER)]
    world.fold(*register, *reports, *[world.line(days[3], "enrolment", bad, s, step=3) for s in (SITE, OTHER)])
    world.start()


def test_all_kinds_are_paged_in_one_order_and_filtered(world):
    many(world)
    everything = world.pages()
    assert [(i["kind"], i["site"]) for i in everything] == [(k, s) for k in (
        "silent-site", "over-capacity", "carer-ratio", "sequence-gap", "rejected-message") for s in (SITE, OTHER)]
    one_by_one, after = [], ""
    while after is not None:
        page = world.ask("GET", f"/api/v1/worklist?limit=1{after and '&after=' + after}")[1]
        assert len(page["items"]) <= 1
        one_by_one, after = one_by_one + page["items"], page["next"]
    assert one_by_one == everything
    assert world.pages("&unit=330100") == everything and world.pages("&unit=330200") == []
    for bad in ("kind=late", "after=9.1", "after=x", "unit=33"):
        assert world.ask("GET", f"/api/v1/worklist?{bad}")[0] == 400


def test_without_a_role_no_nursery_is_named_over_tcp(world):
    many(world)
    strangers = world.pages(tcp=True)
    assert len(strangers) == 10 and all(set(i) == {"kind", "zh", "en", "source", "unit", "since"} for i in strangers)


def test_the_command_line_shows_it_with_and_without_a_daemon(world):
    many(world)
    for how in (("--socket", "nurseryd.sock"), ("--db", "n.db")):
        done = world.ctl(*how, "worklist", "--unit", "330100", "--kind", "carer-ratio")
        assert done.returncode == 0 and done.stdout.count("carer-ratio") == 2 and SITE in done.stdout, done.stdout + done.stderr
    done = world.ctl("--db", "n.db", "--json", "worklist")
    assert len(json.loads(done.stdout)["items"]) == 10


def test_the_list_follows_the_register(world):
    days = weekdays(datetime.date.today() - datetime.timedelta(days=30), 3)
    world.fold(world.line(days[0], "registration", registration(effective_on=str(days[0]))), *[over(world, d) for d in days])
    world.start()
    assert world.ask("POST", "/api/v1/imports/register", "site,effective_on,division,filing,registration,inclusive,source\n"
                     f"{SITE},2026-01-01,330203,,,,s\n")[0] in (200, 201)
    assert [i["unit"] for i in world.pages("&unit=330200&kind=over-capacity")] == ["330200"]
    assert world.pages("&unit=330100&kind=over-capacity") == []
    assert world.ask("POST", "/api/v1/imports/register", "site,effective_on,division,filing,registration,inclusive,source\n"
                     f"{SITE},2026-01-02,,,cancelled,,s\n")[0] in (200, 201)
    assert world.pages("&kind=over-capacity") == []
