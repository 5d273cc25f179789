# SPDX-License-Identifier: MIT
"""Surveys through `nurseryd --fold` and the API: what counts, what is left out, what is hidden, in whatever order."""
import http.client
import itertools
import json
import os
import random
import socket
import subprocess
import time

import pytest

from test_fold import BUILD, HANGZHOU, JIAXING, OTHER, SITE, TOP, World, enrolment, line, message, registration

TODAY = 20781  # 2026-11-24
FAMILY, SERVICE = "satisfaction_family_policy", "satisfaction_family_service"
INSTITUTION = "satisfaction_institution_policy"


def ballot(token, policy=5, service=4, round="2026H2", respondent="family"):
    return {"round": round, "form": "ballot", "respondent": respondent, "token": f"{token:0>16}",
            "answers": {"policy": policy, "service": service}}


def tally(policy, answered=None, invited=1000, round="2026H2", respondent="family", **more):
    return {"round": round, "form": "tally", "respondent": respondent, "invited": invited,
            "answered": sum(policy) if answered is None else answered, "policy": policy, **more}


@pytest.fixture
def world(tmp_path):
    w = World(tmp_path)
    yield w
    assert w.verify().returncode == 0, w.verify().stdout


def send_all(world, *messages):
    """(feed, message) each; all must be accepted."""
    receipts = world.fold(*[line(world.at(), feed, m, m["site"], m["division"]) for feed, m in messages])
    assert all(r["status"] == "accepted" for r in receipts), receipts
    return receipts


def surveys(*bodies, site=SITE, division=HANGZHOU, first=1):
    return [("survey", message(seq, body, site=site, division=division)) for seq, body in enumerate(bodies, first)]


def registered(site=SITE, division=HANGZHOU, **change):
    return ("registration", message(1, registration(**change), site=site, division=division))


def sample(world, indicator=FAMILY, unit="330100", day=TODAY):
    found = world.rows(f"SELECT numerator, denominator, status, detail FROM sample WHERE unit = '{unit}'"
                       f" AND indicator = '{indicator}' AND as_of = {day}")
    return (*found[0][:3], json.loads(found[0][3])) if found else None


def counted(world, indicator=FAMILY, unit="330100", day=TODAY):
    return sample(world, indicator, unit, day)[:2]


def test_answers_four_and_five_of_those_who_know_are_shown_on_every_day_of_the_half_year(world):
    send_all(world, registered(effective_on="2026-03-01"),
             *surveys(ballot(1, 5), ballot(2, 4), ballot(3, 3), ballot(4, 1), ballot(5, None, 2)))
    assert sample(world)[:3] == (2, 4, "ok") and counted(world, SERVICE) == (4, 5)
    assert counted(world, day=20635) == (2, 4)  # 2026-07-01
    assert sample(world, day=20634)[:3] == (0, 0, "no_data")  # 2026-06-30 is another round's
    assert sample(world, INSTITUTION)[2:] == ("no_data", {"interval": None, "verdict": "insufficient", "flags": []})


def test_a_round_that_has_passed_is_shown_on_its_own_days(world):
    send_all(world, registered(effective_on="2026-01-01"))  # its days are computed: only the ballots mark them again
    send_all(world, *surveys(ballot(1, round="2026H1"), ballot(2, 1, round="2026H1")))
    assert {counted(world, day=day) for day in range(20454, 20635)} == {(1, 2)}  # 2026-01-01 … 2026-06-30
    assert counted(world) == counted(world, day=20635) == (0, 0)


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (1, 2, 0), (2, 1, 0)])
def test_a_site_that_begins_later_shows_its_answers_on_the_days_before_too(world, order):
    elsewhere = ("registration", message(2, registration(effective_on="2026-10-01"), division=JIAXING))
    messages = [registered(effective_on="2026-11-01"), *surveys(ballot(1, round="2026H2")), elsewhere]
    for i in order:
        send_all(world, messages[i])
    assert {counted(world, day=day) for day in range(20635, TODAY + 1)} == {(1, 1)}
    send_all(world, *surveys(ballot(2, round="0000H1"), ballot(3, round="9999H2"), first=2))
    assert world.rows("SELECT count(*) FROM dirty UNION ALL SELECT count(*) FROM dirty_range") == [(0,), (0,)]
    assert world.rows("SELECT min(as_of) FROM sample")[0][0] >= 20635


def test_a_later_answer_to_the_same_token_is_a_correction(world):
    send_all(world, registered(), *surveys(ballot(1, 1), ballot(1, 5), ballot(2, 5)))
    assert counted(world) == (2, 2)
    send_all(world, *surveys(ballot(1, 5, respondent="institution"), first=4))  # the key has no respondent
    assert counted(world) == (1, 1) and counted(world, INSTITUTION) == (1, 1)


def test_ballots_come_before_the_tally_of_the_same_site_and_respondent(world):
    send_all(world, registered(), *surveys(tally([0, 0, 0, 0, 30]), ballot(1, 1), tally([1, 0, 0, 0, 0], respondent="institution")))
    assert counted(world) == (0, 1) and counted(world, INSTITUTION) == (0, 1)
    send_all(world, ("survey", message(4, None, "retract", ref={"epoch": 1, "seq": 2}, reason="test")))
    assert counted(world) == (30, 30)
    send_all(world, ("survey", message(5, tally([1, 1, 1, 1, 1]), "amend", ref={"epoch": 1, "seq": 1}, reason="test")))
    assert counted(world) == (2, 5) and counted(world, SERVICE) == (0, 0)


def test_a_token_live_at_two_sites_is_left_out_at_both_and_flagged(world):
    send_all(world, registered(), registered(OTHER, JIAXING), *surveys(ballot(1), ballot(2)),
             *surveys(ballot(1), ballot(3), site=OTHER, division=JIAXING))
    for unit in ("330100", "330400"):
        assert sample(world, unit=unit)[:2] == (1, 1) and sample(world, unit=unit)[3]["flags"] == ["token_at_two_sites"]
    send_all(world, ("survey", message(3, None, "retract", site=OTHER, division=JIAXING, ref={"epoch": 1, "seq": 1}, reason="x")))
    assert counted(world) == (2, 2) and counted(world, unit="330400") == (1, 1)
    assert sample(world)[3]["flags"] == []


def test_a_ballot_that_is_left_out_still_keeps_the_tally_out(world):
    send_all(world, registered(), registered(OTHER), *surveys(ballot(1), tally([0, 0, 0, 0, 9])), *surveys(ballot(1), site=OTHER))
    assert sample(world)[:3] == (0, 0, "no_data") and sample(world)[3]["flags"] == ["token_at_two_sites"]


def test_one_token_at_many_sites(world):
    sites = [f"{SITE}-{n:02d}" for n in range(1, 30)]
    send_all(world, *[registered(s) for s in sites], *[m for s in sites for m in surveys(ballot(1), site=s)])
    assert counted(world) == (0, 0)
    send_all(world, *[("survey", message(2, None, "retract", site=s, ref={"epoch": 1, "seq": 1}, reason="x")) for s in sites[:-1]])
    assert counted(world) == (1, 1)


def golden(world, good, n, children):
    """170 of 200: the site's ballots, of so many children."""
    send_all(world, registered(places={"infant": 0, "toddler": 0, "older": 0, "mixed": 500}),
             ("enrolment", message(1, {**enrolment(toddlers=0, places=500), "enrolled":
                                       {"under12": 0, "m12_23": children, "m24_35": 0, "over36": 7},
                                       "mode": {"fullday": children + 7, "halfday": 0, "hourly": 0, "temporary": 0}})),
             *surveys(*[ballot(i, 4 if i < good else 3) for i in range(n)]))
    return sample(world)


def test_the_golden_interval_with_four_hundred_children(world):
    numerator, denominator, status, detail = golden(world, 170, 200, 400)
    assert (numerator, denominator, status, detail["verdict"], detail["flags"]) == (170, 200, "ok", "ok", [])
    assert detail["interval"] == pytest.approx([0.8116, 0.8817], abs=5e-5)


@pytest.mark.parametrize("children, low, high, flags", [(20, 0.85, 0.85, []), (19, 0.6396, 0.9476, ["more_answers_than_entitled"])])
def test_when_everybody_has_answered_and_when_more_have(world, children, low, high, flags):
    *_, detail = golden(world, 17, 20, children)
    assert detail["interval"] == pytest.approx([low, high], abs=5e-5) and detail["flags"] == flags


@pytest.mark.parametrize("n, verdict", [(24, "insufficient"), (25, "red")])
def test_too_few_answers_are_insufficient_and_too_bad_ones_red(world, n, verdict):
    assert golden(world, 1, n, 41)[2:] [0] == ("ok" if n == 25 else "insufficient")  # 0.6 × 41 = 24.6
    assert sample(world)[3]["verdict"] == verdict and sample(world)[:2] == (1, n)


def test_tallies_are_amber_at_worst(world):
    send_all(world, registered(), *surveys(tally([50, 0, 0, 0, 1])))
    assert sample(world)[3]["verdict"] == "amber"


def test_institutions_are_the_operating_sites_reporting_or_not(world):
    sites = [f"{SITE}-{n:02d}" for n in range(1, 6)]
    send_all(world, *[registered(s) for s in sites], registered(OTHER, operation="suspended"),
             *[m for s in sites[:2] for m in surveys(ballot(s[-2:], respondent="institution"), site=s)])
    assert sample(world, INSTITUTION)[:3] == (2, 2, "insufficient")
    send_all(world, *surveys(ballot(9, respondent="institution"), site=sites[2]))
    assert sample(world, INSTITUTION)[:3] == (3, 3, "ok")
    interval = sample(world, INSTITUTION)[3]["interval"]
    assert interval == pytest.approx([1 / (1 + 1.959963984540054 ** 2 / 6), 1])  # n* = 3 × 4 / 2


def shuffled_messages():
    """Corrections, amendments and retractions of ballots and tallies at three sites of two units, tokens crossing."""
    third = f"{OTHER}-07"
    r = random.Random(7)
    messages = []
    for site, division in ((SITE, HANGZHOU), (OTHER, JIAXING), (third, HANGZHOU)):
        messages += [registered(site, division), ("enrolment", message(1, enrolment(), site=site, division=division))]
        for seq in range(1, 40):
            body = tally([r.randrange(9) for _ in range(5)], respondent=r.choice(["family", "institution"])) if r.random() < .1 \
                else ballot(r.randrange(25), r.choice([None, 1, 3, 4, 5]), round=r.choice(["2026H1", "2026H2", "2026H2"]))
            kind = r.choice(["report"] * 4 + ["amend", "retract"]) if seq > 1 else "report"
            more = {} if kind == "report" else {"ref": {"epoch": 1, "seq": r.randrange(1, seq)}, "reason": "x"}
            messages.append(("survey", message(seq, None if kind == "retract" else body, kind, site=site, division=division, **more)))
    return messages


def results(world):
    return (world.rows("SELECT unit, indicator, as_of, numerator, denominator, status, detail FROM sample"
                       " WHERE indicator LIKE 'satisfaction%' AND denominator > 0 ORDER BY 1, 2, 3"),
            world.rows("SELECT s.code, v.* FROM survey_site v JOIN site s ON s.id = v.site WHERE ballots > 0"
                       " ORDER BY code, round, respondent"))


def test_the_order_of_arrival_changes_nothing(tmp_path):
    messages, expected = shuffled_messages(), None
    for seed in range(6):
        (tmp_path / str(seed)).mkdir()
        w = World(tmp_path / str(seed))
        order = list(messages)
        random.Random(seed).shuffle(order)
        for part in (order[:60], order[60:]):
            send_all(w, *part)
        samples, sums = results(w)
        sums = [(code, round, *rest) for code, round, _, *rest in sums]
        assert len(samples) > 50
        expected = expected or (samples, sums)
        assert (samples, sums) == expected, seed
        assert w.verify().returncode == 0, w.verify().stdout


def test_rebuilding_gives_the_same_numbers(world):
    send_all(world, *shuffled_messages())
    before = results(world)
    done = subprocess.run([BUILD / "nurseryctl", "--db", world.db, "rebuild"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    world.fold(line(world.at(), "enrolment", message(2, enrolment())))  # computes what the rebuilding marked
    assert results(world) == before


# ---- who may see what ----

def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@pytest.fixture
def ask(world):
    """GET over TCP (no role) or the socket, from a daemon over the folded database."""
    port, started = free_port(), []

    def connect(over):
        if over == "tcp":
            return http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        c = http.client.HTTPConnection("localhost", timeout=10)
        c.sock = socket.socket(socket.AF_UNIX)
        c.sock.connect(str(world.directory / "n.sock"))
        return c

    def get(path, over):
        if not started:
            started.append(start(world, port))
        c = connect(over)
        c.request("GET", "/api/v1" + path)
        r = c.getresponse()
        assert r.status == 200, (path, r.read())
        return json.loads(r.read())

    yield get
    for p in started:
        p.terminate()
        assert p.wait(15) == 0


def start(world, port):
    conf = world.directory / "daemon.conf"
    conf.write_text(world.conf.read_text() + f'mqtt: {{ url = "mqtt://127.0.0.1:{free_port()}"; }};\n'
                    f'http: {{ listen = "127.0.0.1:{port}"; socket = "n.sock"; }};\n')
    p = subprocess.Popen([BUILD / "nurseryd", "-c", conf], stderr=open(world.directory / "log", "w"),
                         env=dict(os.environ, NURSERYD_DATADIR=str(TOP / "config/data")))
    for _ in range(200):
        if (world.directory / "n.sock").exists():
            return p
        time.sleep(0.05)
    p.kill()
    pytest.fail((world.directory / "log").read_text())


def cell(get, over, indicator=FAMILY):
    path = f"/units/330100/indicators/{indicator}?from=2026-11-24&to=2026-11-24"
    (item,) = get(path, over)["items"]
    (same,) = [i for i in get("/units/330100", over)["indicators"] if i["id"] == indicator]
    assert same["interval"] == item["interval"] or same["as_of"] != item["as_of"]
    return item


def test_the_object_has_interval_and_verdict_and_small_cells_are_hidden_over_tcp(world, ask):
    send_all(world, registered(), *surveys(*[ballot(i, 5 if i else 1, None if i else 5) for i in range(5)]))
    for over in ("tcp", "socket"):
        shown = cell(ask, over)
        assert (shown["value"], shown["numerator"], shown["denominator"], shown["status"]) == (80.0, 4, 5, "ok")
        assert shown["verdict"] == "amber" and shown["interval"] == pytest.approx([0.3755, 0.9638], abs=5e-5)
    assert cell(ask, "socket", SERVICE)["numerator"] == 1
    hidden = cell(ask, "tcp", SERVICE)
    assert [hidden[k] for k in ("value", "numerator", "denominator", "interval")] == [None] * 4
    assert (hidden["status"], hidden["verdict"]) == ("insufficient", "insufficient") and "suppressed" in hidden["reason"]
    assert hidden["province"]["above"] is None and cell(ask, "tcp", INSTITUTION)["status"] == "no_data"


def test_a_provinces_sum_and_average_come_from_its_units(world, ask):
    units = ("330102 330203 330302 330402 330502 330602 330702 330802 330902 331002 331102").split()
    for n, division in enumerate(units):
        site = f"{SITE}-{n + 1:02d}"
        send_all(world, registered(site, division), *surveys(tally([0, 0, 0, n, 10]), site=site, division=division))
    (total,) = [i for i in ask("/provinces/33", "tcp")["indicators"] if i["id"] == FAMILY]
    assert (total["numerator"], total["denominator"], total["status"], total["units_ok"]) == (165, 165, "ok", 11)


def test_an_insufficient_cell_has_its_value_but_is_not_in_the_provinces_sum(world, ask):
    golden(world, 9, 10, 300)
    for over in ("tcp", "socket"):
        shown = cell(ask, over)
        assert (shown["value"], shown["status"], shown["verdict"]) == (90.0, "insufficient", "insufficient")
        assert shown["interval"][0] < 0.9 < shown["interval"][1] and shown["province"]["value"] is None
