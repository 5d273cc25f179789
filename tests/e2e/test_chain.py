# SPDX-License-Identifier: MIT
"""The chain (DOMAIN §6) computed anew from the API by somebody without a role: from the digests where content is closed to him. Only
where a digest would give a name or a word away does he take the row's hash as told, and the next row's hash holds that."""
import datetime
import hashlib
import itertools
import json
import struct

import pytest

from test_cases import Office, designate, fire
from test_fold import SITE, enrolment, incident, line, message, registration

NOON = "2026-11-24T12:00:00+08:00"
BALLOT = {"round": "2026H2", "form": "ballot", "respondent": "family", "token": "K7Q29M4XTT1A06PD", "answers": {"policy": 4, "service": 5}}


@pytest.fixture
def office(tmp_path, monkeypatch):
    monkeypatch.setenv("NURSERYD_DATADIR", designate(tmp_path, "named"))
    d = Office(tmp_path)
    d.fold(line("2026-11-24T06:00:00+08:00", "registration", message(1, registration(name="李雷之家"))), fire(dead=1),
           fire(seq=2, at="2026-11-24T07:30:00+08:00", event="INC-2", dead="one"),
           line(NOON, "enrolment", message(1, enrolment(), sent_at=NOON)),
           line(NOON, "enrolment", message(2, {**enrolment(), "note": "13912345678"}, sent_at=NOON)),
           line(NOON, "incident", message(3, {**incident("INC-3"), "type": "scald"}, sent_at=NOON)),
           line(NOON, "survey", message(1, BALLOT, sent_at=NOON)),
           line(NOON, "survey", message(2, {**BALLOT, "answers": {"service": 9}}, sent_at=NOON)))
    d.start()
    d.does("duty", "/alerts/A-000001", "acknowledge", reason="已知悉")
    d.does("hc", f"/incidents/{SITE}/INC-1", "liability", finding="none", reason="无责任")
    d.does("hc", f"/sites/{SITE}", "move", division="330402", effective_on="2026-11-24", reason="迁址")
    (n, late), = d.rows("SELECT min(n), max(n) FROM ledger WHERE topic LIKE '%registration' OR topic LIKE '%/up/incident'")
    for row in (n, late):
        assert d.ask("POST", f"/api/v1/messages/{row}/erase", json.dumps({"reason": "误填个人信息"}).encode())[0] == 201
    yield d
    d.stop()


def rows(d, who, size=7):
    after, found = "", []
    while after is not None:
        page = d.call(who, "GET", f"/messages?limit={size}" + (f"&after={after}" if after else ""))[1]
        found += page["items"]
        after = page["next"]
    return found


def sha(text):
    return hashlib.sha256(text if isinstance(text, bytes) else text.encode()).digest()


def ms(text):
    at = datetime.datetime.fromisoformat(text)
    return (at - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)) // datetime.timedelta(milliseconds=1)


def hash_of(previous, row):
    topic = row["topic"].encode()
    return sha(previous + struct.pack(">qqq", row["n"], ms(row["received_at"]), len(topic)) + topic +
               bytes.fromhex(row["payload_sha256"]) + bytes.fromhex(row["outcome_sha256"]))


def recomputed(items):
    """The first n that does not fit, and those taken as told."""
    previous, taken = bytes(32), []
    for row in items:
        if row["payload_sha256"] is None:
            taken.append(row)
        elif hash_of(previous, row).hex() != row["hash"]:
            return row["n"], taken
        previous = bytes.fromhex(row["hash"])
    return None, taken


@pytest.mark.parametrize("who", [None, "reader"])
def test_the_chain_is_computed_over_tcp_with_and_without_a_role(office, who):
    items = rows(office, who)
    assert [r["n"] for r in items] == list(range(1, office.call(who, "GET", "/ledger/head")[1]["n"] + 1))
    wrong, taken = recomputed(items)
    assert wrong is None
    if who:
        assert taken == []
    kept = dict(office.rows("SELECT n, outcome FROM ledger"))
    told = {r["topic"].split("/")[-1] if "/up/" in r["topic"] else r["topic"] for r in taken}
    assert told == (set() if who else {"act/alert/A-000001", "act/incident", f"act/site/{SITE}", "act/erase", "incident", "survey"})
    for r in taken:  # none is left out without need
        assert "/up/" not in r["topic"] or '"got":' in kept[r["n"]] or r["n"] in {n for n, in office.rows("SELECT n FROM erased")}
    open_to_him = [r for r in items if r["feed"] in ("incident", "survey") and r not in taken]
    assert {r["feed"] for r in open_to_him} == {"incident", "survey"}


def test_whatever_is_changed_is_seen_by_who_computes_without_a_role(office):
    items = rows(office, None)
    changes = [("received_at", "2026-11-24T00:00:00.001Z"), ("topic", "act/daemon/other"), ("payload_sha256", "00" * 32),
               ("outcome_sha256", "00" * 32), ("hash", "00" * 32)]
    for (i, row), (key, value) in itertools.product(enumerate(items), changes):
        taken = row["payload_sha256"] is None  # then its hash alone counts, by the row behind it
        if taken and (key != "hash" or i + 1 == len(items) or items[i + 1]["payload_sha256"] is None):
            continue
        changed = [*items[:i], {**row, key: value}, *items[i + 1:]]
        assert recomputed(changed)[0] == row["n"] + taken, (row["topic"], key)
    assert any(r["payload_sha256"] is None and items[i + 1]["payload_sha256"] for i, r in enumerate(items[:-1]))


def test_one_row_alone_says_the_same_digests_and_they_are_those_of_what_it_shows(office):
    erased = {n for n, in office.rows("SELECT n FROM erased")}
    for row in rows(office, None):
        for who in (None, "reader"):
            alone = office.call(who, "GET", f"/messages/{row['n']}")[1]
            assert who or {k: alone[k] for k in row} == row
            for key, digest in (("payload", "payload_sha256"), ("outcome_json", "outcome_sha256")):
                if alone[key] is not None and row["n"] not in erased:
                    assert alone[digest] == sha(alone[key]).hex(), (who, row["topic"], key)
            assert (alone.get("erased") is not None) == (row["n"] in erased)
            if alone.get("erased"):
                assert [alone["erased"][k] for k in ("payload_sha256", "outcome_sha256")] == [alone["payload_sha256"], alone["outcome_sha256"]]


def test_no_digest_is_told_of_which_only_a_name_or_a_word_is_unknown(office):
    """By trying: who knows all of an outcome but the word that it quotes, or the name of who acted, finds nothing to try it on."""
    hidden = [r for r in rows(office, None) if '"got":' in (o := outcome(office, r["n"])) or '"actor":"' in o and '"actor":"daemon"' not in o]
    closed = [r for r in hidden if r["feed"] in ("incident", "survey") or r["topic"].split("/")[1] in ("alert", "incident", "site", "erase")]
    assert len(closed) >= 7
    for row in closed:
        text = json.dumps([row, office.call(None, "GET", f"/messages/{row['n']}")[1]])
        stored, = office.rows(f"SELECT payload, outcome FROM ledger WHERE n = {row['n']}")
        for bytes_ in stored:
            assert sha(bytes_).hex() not in text, row["topic"]
        for digest in office.rows(f"SELECT lower(hex(payload_sha256)), lower(hex(outcome_sha256)) FROM erased WHERE n = {row['n']}"):
            assert digest[0] not in text and digest[1] not in text


def outcome(office, n):
    """As it was hashed, where it still stands."""
    return office.rows(f"SELECT outcome FROM ledger WHERE n = {n}")[0][0]
