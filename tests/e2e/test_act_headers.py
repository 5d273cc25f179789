# SPDX-License-Identifier: MIT
"""If-Match and Idempotency-Key on every path of an act: nobody decides on what has changed, and nothing is done twice."""
import datetime
import signal

import pytest

from test_cases import fire, named, office, open_s1  # noqa: F401 (fixtures)
from test_fold import SITE

PUBLIC = {"where": "官网", "when": "2026-11-20"}


def now_local():
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=8)).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+08:00"


class Kind:
    """A path, and acts on it that may follow one another; another who may act there, too."""
    def __init__(self, path, who, *acts, other="drc"):
        self.path, self.who, self.other, self.acts = path, who, other, list(acts)


def note(i):
    return {"act": "note", "reason": f"备注 {i}"}


KINDS = {
    "alert": lambda: Kind("/alerts/A-000001", "duty", *map(note, range(12))),
    "case": lambda: Kind("/cases/C-2026-001", "duty", *map(note, range(12))),
    "incident": lambda: Kind(f"/incidents/{SITE}/INC-1", "duty", *map(note, range(12))),
    "site": lambda: Kind(f"/sites/{SITE}", "hc", *[{"act": "move", "division": d, "effective_on": "2026-11-25", "reason": f"第{i}次"}
                                                   for i in range(6) for d in ("330402", "330106")], other="nhc"),
    "title": lambda: Kind("/units/331100", "hc", {"act": "apply", "cycle": "2027-2028"}, {"act": "review"}, {"act": "publicise", **PUBLIC},
                          *[a for i in range(5) for a in ({"act": "object", "reason": f"信访 {i}"}, {"act": "dismiss", "reason": "查无实据"})]),
}


@pytest.fixture(params=KINDS)
def kind(named, request):  # noqa: F811
    open_s1(named)
    return KINDS[request.param]()


def tag(d, kind):
    return d.call(kind.who, "GET", kind.path)[2]["ETag"]


def act(d, kind, who=None, body=None, **headers):
    body = body or kind.acts[0]
    before = rows(d)
    status, answer, _ = d.call(who or kind.who, "POST", kind.path + "/actions", body, **headers)
    if status == 201 and rows(d) > before:
        kind.acts.pop(0)
    else:
        assert rows(d) == before
    return status, answer


def rows(d):
    return d.rows("SELECT count(*) FROM officer_act")[0][0]


def test_an_act_on_what_has_changed_is_412_and_no_row(named, kind):  # noqa: F811
    first = tag(named, kind)
    assert act(named, kind, If_Match=first)[0] == 201
    for stale in (first, f'"x", {first}', first.replace('"', ""), '"0000000000000000.x"', "nonsense", '""', '"'):
        assert act(named, kind, If_Match=stale)[0] == 412, stale
    now = tag(named, kind)
    assert now != first
    assert act(named, kind, If_Match="W/" + now)[0] == 412  # weak tags never match here (RFC 9110 §13.1.1)
    assert act(named, kind, If_Match=f'{first}, "x",{now}')[0] == 201
    assert act(named, kind, If_Match=f'W/"x", {tag(named, kind)}')[0] == 201
    assert act(named, kind, If_Match=tag(named, kind)[:-1] + '-gzip"')[0] == 201
    assert act(named, kind, If_Match="*")[0] == 201
    assert act(named, kind)[0] == 201
    assert act(named, kind, If_Match='"' + "x" * 2000 + '"')[0] == 400


def test_there_and_back_again_is_another_version(named, kind):  # noqa: F811
    for _ in range(3):
        act(named, kind)
    there = tag(named, kind)
    act(named, kind)
    act(named, kind)
    assert act(named, kind, If_Match=there)[0] == 412


def test_a_key_belongs_to_one_person_path_and_body_also_after_a_kill(named, kind):  # noqa: F811
    body, stale = kind.acts[0], tag(named, kind)
    first = act(named, kind, Idempotency_Key="k-1", If_Match=stale)
    named.stop(signal.SIGKILL)
    named.start()
    for headers in ({}, {"If_Match": stale}):  # its own act is what changed it: the first answer, not 412
        assert act(named, kind, body=body, Idempotency_Key="k-1", **headers) == first
    assert first[0] == 201
    assert act(named, kind, Idempotency_Key="k-1")[0] == 422
    assert act(named, kind, body={**body, "document": "x"}, Idempotency_Key="k-1")[0] == 422
    elsewhere = Kind("/cases/new", "duty", {"act": "open"})
    assert act(named, elsewhere, who=kind.who, body=body, Idempotency_Key="k-1")[0] == 422
    status, answer = act(named, kind, who=kind.other, Idempotency_Key="k-1")  # somebody else's key
    assert status == 201 and answer["n"] != first[1]["n"]
    # as long as a key may be, and one more: half a key would be another key
    long = "k" * 128
    assert act(named, kind, Idempotency_Key=long)[0] == 201
    assert act(named, kind, Idempotency_Key=long + "x")[0] == 400
    named.stop(signal.SIGKILL)
    named.start()
    assert act(named, kind, body=body, Idempotency_Key="k-1") == first


def test_a_refused_act_uses_no_key_up(named):  # noqa: F811
    open_s1(named)
    c = Kind("/cases/C-2026-001", "duty", {"act": "verify"}, note(1))
    assert act(named, c, Idempotency_Key="k")[0] == 409
    assert act(named, c, body=note(1), Idempotency_Key="k")[0] == 201


def test_numbers_refuse_no_decision_on_a_title_but_the_title_does(named):  # noqa: F811
    open_s1(named)
    u = Kind("/units/331100", "hc", *KINDS["title"]().acts)
    before = tag(named, u)
    csv = "division,reference_date,resident,under3,source\n331100,2025-12-31,2507400,61000,公报\n"
    assert named.ask("POST", "/api/v1/imports/population", csv)[0] < 300
    assert named.ask("POST", "/api/v1/imports/targets", "division,indicator,value,by,source\n331100,places_per_1000,4.6,2027-12-31,规划\n")[0] < 300
    opened = named.does("duty", "/cases/new", "open", unit="331100", ground="art5-2", reason="12345")
    after = tag(named, u)
    assert opened["case"] and after != before and after.split(".")[0] == before.split(".")[0]
    status, _, _ = named.call("hc", "GET", u.path, None, If_None_Match=before)
    assert status == 200  # a cache is not told that nothing has changed
    assert named.call("hc", "GET", u.path, None, If_None_Match=after)[0] == 304
    assert act(named, u, If_Match=before)[0] == 201
    assert act(named, u, If_Match=after)[0] == 412
    # a title that an import changed, too
    now = tag(named, u)
    csv = (named.where / "data/designations.csv").read_text() + f"331100,丽水市,2027-2028,province_review,{now_local()[:10]},test\n"
    assert named.ask("POST", "/api/v1/imports/designations", csv)[0] < 300
    assert act(named, u, If_Match=now)[0] == 412


def test_a_later_message_of_the_event_refuses_a_decision_on_the_earlier_one(named):  # noqa: F811
    open_s1(named)
    event = Kind(f"/incidents/{SITE}/INC-1", "duty", note(1))
    before = tag(named, event)
    named.stop()
    named.fold(fire(2, now_local(), dead=2))
    named.start()
    assert act(named, event, If_Match=before)[0] == 412
    assert act(named, event, If_Match=tag(named, event))[0] == 201
