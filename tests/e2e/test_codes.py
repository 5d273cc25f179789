# SPDX-License-Identifier: MIT
"""Every receipt code at its boundary: the last value that does not earn it and the first that does, through the door."""
import json
import re

import pytest

from live import SITE as LIVE_SITE, Broker, Daemon, Sender, down, example, topic, wait_until
from test_fold import HANGZHOU, SITE, TOP, World, enrolment, incident, line, message, registration
from test_schemas import VALIDATORS

AT = "2026-11-24T00:00:00Z"  # 08:00 local
ELSEWHERE = {"E_RATE",   # below, live: --fold has no rate limit
             "E_FAULT"}  # a bug of ours: needs a seam


def sent(text, feed="enrolment", **more):
    body = enrolment() if feed == "enrolment" else incident()
    return feed, message(2, body, sent_at=text, **more)


def report(body, feed="enrolment", seq=2, **more):
    return feed, message(seq, body, **more)


def under(division, topic_division=None, site=SITE, feed="enrolment"):
    return feed, message(2, enrolment(), site=site, division=division), {"division": topic_division or division, "site": site}


def amend(ref_seq, reason="wrong day"):
    return report(enrolment(), seq=5, kind="amend", ref={"epoch": 1, "seq": ref_seq}, reason=reason)


def padded(size):
    text = json.dumps(message(2, enrolment()))
    return "enrolment", text + " " * (size - len(text))


def nested(depth):
    inner = {}
    for _ in range(depth - 3):
        inner = {"x": inner}
    return report(enrolment(x=inner))


def group(children, carers, kind="infant"):
    return report(enrolment(classes=[{"type": kind, "children": children, "carers": carers}]))


def times(known_at):
    return report({**incident(), "known_at": known_at}, "incident", sent_at="2026-11-24T07:30:00+08:00")


def ballot(**change):
    return report({"round": "2026H2", "form": "ballot", "respondent": "family", "token": "K7Q29M4XTT1A06PD", "answers": {}, **change}, "survey")


FIRST, REGISTERED = report(enrolment(), seq=1), report(registration(), "registration", seq=1)
FIRST_INCIDENT = report(incident(), "incident", seq=1)
CASES = [  # code, what was sent before, the last without it, the first with it
    ("E_VERSION", [], report(enrolment()), report(enrolment(), v=2)),
    ("E_TOPIC_MISMATCH", [], under("330106"), under("330106", "330105")),
    ("E_SITE_ID", [], under("330106", site=SITE + "-99"), under("330106", site=SITE + "-00")),
    ("E_SITE_ID", [], under("330106"), under("330106", site=SITE[:-1] + "F")),
    ("E_DIVISION", [], under("330106"), under("330100")),
    ("E_DIVISION", [], under("441900"), under("441800")),
    ("E_FEED", [], report(enrolment()), report(enrolment(), "enrolments")),
    ("E_TOO_LARGE", [], padded(65536), padded(65537)),
    ("E_JSON", [], nested(6), nested(7)),
    ("E_TYPE", [], report(enrolment(waiting=3)), report(enrolment(waiting=3.0))),
    ("E_MISSING", [], report(enrolment()), report({k: v for k, v in enrolment().items() if k != "as_of"})),
    ("E_RANGE", [], report(enrolment(places=10**6)), report(enrolment(places=10**6 + 1))),
    ("E_RANGE", [], report(enrolment(waiting=0)), report(enrolment(waiting=-1))),
    ("E_RANGE", [], report({**incident(), "loss_yuan": 10**12}, "incident"), report({**incident(), "loss_yuan": 10**12 + 1}, "incident")),
    ("E_RANGE", [], amend(4, "字" * 200), amend(4, "字" * 201)),
    ("E_RANGE", [], report(registration(name="园" * 100), "registration"), report(registration(name="园" * 101), "registration")),
    ("E_RANGE", [], ballot(answers={"policy": 5}), ballot(answers={"policy": 6})),
    ("E_RANGE", [], report(enrolment(), seq=2**53 - 1), report(enrolment(), seq=2**53)),
    ("E_FORMAT", [], ballot(), ballot(token="K7Q29M4XTT1A06PDX")),
    ("E_FORMAT", [], report(enrolment(as_of="2026-11-23")), report(enrolment(as_of="2026-11-31"))),
    ("E_FORMAT", [], report({**incident(), "event": "x" * 64}, "incident"), report({**incident(), "event": "x" * 65}, "incident")),
    ("E_FORMAT", [], report(enrolment(), sw="x" * 64), report(enrolment(), sw="x" * 65)),
    ("E_ENUM", [], report(registration(filing="licence_revoked"), "registration"), report(registration(filing="Filed"), "registration")),
    ("E_UNKNOWN_FIELD", [], report(enrolment(note=1)), report(enrolment(note="1"))),
    ("E_REF", [], amend(4), amend(5)),
    ("E_TIME_FUTURE", [], sent("2026-11-25T00:00:00Z"), sent("2026-11-25T00:00:00.001Z")),
    ("E_TIME_RANGE", [], report(enrolment(as_of="2026-11-25")), report(enrolment(as_of="2026-11-26"))),
    ("E_TIME_RANGE", [], report(enrolment(as_of="2025-10-20")), report(enrolment(as_of="2025-10-19"))),
    ("E_SUM_MISMATCH", [], report(enrolment(attended=42)), report(enrolment(attended=43))),
    ("E_SUM_MISMATCH", [], report(enrolment(open=False, attended=0)), report(enrolment(open=False, attended=1))),
    ("E_SUM_MISMATCH", [], ballot(form="tally", token=None, answers=None, invited=9, answered=9),
     ballot(form="tally", token=None, answers=None, invited=9, answered=10)),
    ("E_SEQ_REUSED", [FIRST], FIRST, report(enrolment(places=61), seq=1)),
    ("E_SEQ_JUMP", [FIRST], report(enrolment(), seq=10001), report(enrolment(), seq=10002)),
    ("E_PII", [], report(registration(name="园1380013800"), "registration"), report(registration(name="园13800138000"), "registration")),
    ("E_PII", [], report(enrolment(phones=1)), report(enrolment(phone=1))),
    ("E_PII", [], report(registration(name="11010519491231002A"), "registration"), report(registration(name="11010519491231002X"), "registration")),
    ("W_DIVISION", [REGISTERED], under("330106"), under("330105")),
    ("W_CLOCK", [], sent("2026-11-24T00:05:00Z"), sent("2026-11-24T00:05:00.001Z")),
    ("W_CLOCK", [], sent("2026-11-24T00:05:00Z", "incident"), sent("2026-11-26T00:00:00Z", "incident")),
    ("W_UNKNOWN_FIELD", [], report(enrolment()), report(enrolment(note=None))),
    ("W_ENUM", [], report(incident(kind="other"), "incident"), report(incident(kind="flood"), "incident")),
    ("W_SEQ_JUMP", [FIRST_INCIDENT], report(incident(), "incident", seq=10001), report(incident(), "incident", seq=10002)),
    ("W_SEQ_REUSED", [FIRST_INCIDENT], FIRST_INCIDENT, report(incident(event="INC-2"), "incident", seq=1)),
    ("W_OVER_CAPACITY", [], report(enrolment(places=42)), report(enrolment(places=41))),
    ("W_PLACES_EXCEED_REGISTERED", [REGISTERED], report(enrolment(places=60)), report(enrolment(places=61))),
    ("W_GROUP_SIZE", [], group(10, 4), group(11, 4)),
    ("W_GROUP_SIZE", [], group(18, 4, "mixed"), group(19, 4, "mixed")),
    ("W_CARER_RATIO", [], group(3, 1), group(4, 1)),
    ("W_CARER_RATIO", [], group(14, 2, "older"), group(15, 2, "older")),
    ("W_TIME_RANGE", [], times("2026-11-24T07:35:00+08:00"), times("2026-11-24T07:35:00.001+08:00")),
    ("W_TIME_RANGE", [], times("2026-11-24T07:00:00+08:00"), times("2026-11-24T06:59:59.999+08:00")),
]


def codes_of_last(tmp_path, name, messages):
    directory = tmp_path / name
    directory.mkdir()
    world = World(directory)
    lines = [line(AT, feed, payload, **(more[0] if more else {"site": SITE, "division": HANGZHOU})) for feed, payload, *more in messages]
    receipt = world.fold(*lines)[-1]
    return receipt["status"], [x["code"] for x in receipt["errors"] + receipt["warnings"]]


@pytest.mark.parametrize("code, before, inside, outside", CASES, ids=[f"{i}-{c[0]}" for i, c in enumerate(CASES)])
def test_a_code_begins_exactly_at_its_boundary(tmp_path, code, before, inside, outside):
    assert code not in codes_of_last(tmp_path, "inside", [*before, inside])[1]
    status, codes = codes_of_last(tmp_path, "outside", [*before, outside])
    assert code in codes
    assert status == ("accepted" if code[0] == "W" else "refused_pii" if code == "E_PII" else "rejected")


def test_every_code_has_a_boundary_here():
    table = set(re.findall(r"^\tCODE\((\w+),", (TOP / "daemon/codes.c").read_text(), re.M))
    assert {c[0] for c in CASES} == table - ELSEWHERE


def test_the_rate_is_the_last_that_is_taken_and_never_silences_an_incident(tmp_path):
    broker = Broker(tmp_path).start()
    daemon = Daemon(tmp_path, f'url = "mqtt://127.0.0.1:{broker.port}";', 'limits: { per_site = "3/d"; };').start().wait_ready()
    nursery = Sender(broker, LIVE_SITE, None, [down()]).wait()
    try:
        for seq in (1, 2, 3, 4):
            nursery.send(topic("enrolment"), example("enrolment", seq=seq))
        nursery.send(topic("incident"), example("incident"))
        wait_until(lambda: len(nursery.receipts()) == 5, 20, "five receipts")
        *taken, refused, called = nursery.receipts()
        assert [r["status"] for r in taken] == ["accepted"] * 3 and called["status"] == "accepted"
        assert [e["code"] for e in refused["errors"]] == ["E_RATE"] and refused["ledger"] is None
        VALIDATORS["receipt"].validate(refused)
    finally:
        nursery.close()
        daemon.stop()
        broker.stop()
