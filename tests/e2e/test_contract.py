# SPDX-License-Identifier: MIT
"""CONTRACT §1, sentence by sentence, where it speaks of more than one message: through `nurseryd --fold` with a clock of
our own. What one message alone decides is in tests/feeds."""
import hashlib
import json
import subprocess

import pytest

from test_fold import BUILD, HANGZHOU, JIAXING, OTHER, SITE, codes, enrolment, incident, line, message, registration, world  # noqa: F401

NO_CHILDREN = {"under12": 0, "m12_23": 0, "m24_35": 0, "over36": 0}


def warned(receipt):
    return [w["code"] for w in receipt["warnings"]]


def accepted(receipt):
    return receipt["status"] == "accepted" and "duplicate" not in receipt


def few(children, **more):
    """The enrolment of a small place with so many toddlers."""
    return {"as_of": "2026-11-24", "open": True, "enrolled": {**NO_CHILDREN, "m12_23": children},
            "mode": {"fullday": children, "halfday": 0, "hourly": 0, "temporary": 0}, **more}


# --- topics ---


def test_status_is_no_ledger_row_and_gets_no_receipt(world):
    assert world.fold(line(world.at(), "status", '{"v":1,"state":"online"}'), line(world.at(), "status", "{broken")) == []
    assert world.rows("SELECT site, state FROM site_status") == [(SITE, "online")]
    assert world.rows("SELECT count(*) FROM ledger WHERE topic LIKE 'nursery/%'") == [(0,)]


def test_a_zero_length_payload_is_nothing(world):
    assert world.fold(line(world.at(), "enrolment", "")) == []


def test_an_unknown_feed_is_refused_by_name(world):
    receipt = world.send("kitchen", message(1, {}))
    assert (codes(receipt), receipt["feed"]) == (["E_FEED"], "kitchen")
    assert sorted(codes(world.send("kitchen", "{"))) == ["E_FEED", "E_JSON"]
    assert sorted(codes(world.send("kitchen", " " * 65537))) == ["E_FEED", "E_TOO_LARGE"]


def test_a_receipt_goes_under_the_topic_as_it_came(world):
    for site in ("x" * 200, "托" * 40, 'quo"te'):
        text = json.dumps(line(world.at(), "托育" * 20, "{", site=site)) + "\n"
        done = subprocess.run([BUILD / "nurseryd", "-c", world.conf, "--fold", "-"], input=text, capture_output=True, text=True)
        out = json.loads(done.stdout)
        assert out["topic"] == f"nursery/v1/33/{HANGZHOU}/{site}/down/receipt"
        assert out["payload"]["status"] == "rejected"


def test_a_wrong_sum_is_told_as_in_the_contracts_example(world):
    enrolled, mode = dict(under12=4, m12_23=14, m24_35=24, over36=0), dict(fullday=38, halfday=3, hourly=0, temporary=0)
    receipt = world.send("enrolment", message(1, enrolment(enrolled=enrolled, mode=mode)))
    assert receipt["errors"] == [{
        "code": "E_SUM_MISMATCH", "path": "/body/mode", "got": "41", "want": "42", "zh": "分托类人数之和应等于在托人数之和",
        "en": "the sum of mode must equal the sum of enrolled", "fix": "correct mode and send again with the next seq"}]


def test_a_division_that_nobody_knows_is_a_warning(world):
    receipt = world.send("enrolment", message(1, enrolment(), division="330199"), division="330199")
    assert accepted(receipt) and warned(receipt) == ["W_DIVISION"]


# --- the envelope ---


def test_a_mismatch_consumes_the_seq_of_the_topics_site(world):
    receipt = world.send("enrolment", message(5, enrolment(), site=OTHER))
    assert codes(receipt) == ["E_TOPIC_MISMATCH"] and receipt["next_seq"] == 6
    assert codes(world.send("enrolment", message(5, enrolment(places=61)))) == ["E_SEQ_REUSED"]
    assert codes(world.send("enrolment", message(5, enrolment()))) == ["E_TOPIC_MISMATCH"]  # equal kind, ref, body: a duplicate
    assert world.rows("SELECT code FROM site") == [(SITE,)]


def test_a_wrong_check_character_is_nobodys_site(world):
    receipt = world.send("enrolment", message(1, enrolment(), site="52330106MJ0000018F"), site="52330106MJ0000018F")
    assert codes(receipt) == ["E_SITE_ID"] and world.rows("SELECT * FROM site") == []


@pytest.mark.parametrize("epoch", (1, 2))
def test_a_jump_of_10000_is_taken_and_one_of_10001_is_not(world, epoch):
    first = {"enrolment": enrolment(), "incident": incident()}
    for feed, body in first.items():
        world.send(feed, message(7, body))
        highest = 7 if epoch == 1 else 0
        jump = message(highest + 10001, body, **{"epoch": epoch})
        receipt = world.send(feed, jump)
        if feed == "incident":
            assert accepted(receipt) and warned(receipt) == ["W_SEQ_JUMP"] and receipt["next_seq"] == highest + 10002
            continue
        assert codes(receipt) == ["E_SEQ_JUMP"] and receipt["next_seq"] == 8  # not raised
        assert world.send(feed, jump)["duplicate"] is True  # but consumed
        assert accepted(world.send(feed, message(highest + 10000, body, epoch=epoch)))


def test_what_a_refused_jump_consumed_stays_consumed_when_the_counter_gets_there(world):
    world.send("enrolment", message(1, enrolment()))
    jump = message(15000, enrolment(places=61))
    assert codes(world.send("enrolment", jump)) == ["E_SEQ_JUMP"]
    for seq in (9000, 15001):
        assert accepted(world.send("enrolment", message(seq, enrolment())))
    again = world.send("enrolment", jump)  # it lies in a gap now
    assert again["duplicate"] is True and codes(again) == ["E_SEQ_JUMP"]
    assert codes(world.send("enrolment", message(15000, enrolment(places=62)))) == ["E_SEQ_REUSED"]
    assert accepted(world.send("enrolment", message(14999, enrolment())))


def test_the_sandbox_knows_nothing_of_what_the_site_really_sent(world):
    def sandbox(seq, body):
        x = line(world.at(), "enrolment", message(seq, body))
        return world.fold({**x, "topic": x["topic"].replace("nursery/", "nursery-test/")})[0]

    world.send("enrolment", message(1, enrolment()))
    for seq, body in ((1, enrolment(places=61)), (1, enrolment(places=62)), (50000, enrolment())):
        receipt = sandbox(seq, body)
        assert (receipt["status"], receipt["sandbox"], receipt["ledger"], receipt["next_seq"]) == ("accepted", True, None, seq + 1)
    assert accepted(world.send("enrolment", message(2, enrolment())))


def test_counting_starts_anywhere_in_the_first_epoch_and_at_1_in_a_later_one(world):
    assert accepted(world.send("enrolment", message(70000, enrolment())))
    assert world.rows("SELECT * FROM gap") == []
    receipt = world.send("enrolment", message(3, enrolment(), epoch=2))
    assert accepted(receipt) and receipt["next_seq"] == 4
    assert world.rows("SELECT epoch, first, last FROM gap") == [(2, 1, 2)]
    assert world.send("enrolment", message(70001, enrolment(), epoch=1))["next_seq"] == 4  # of the highest epoch


def test_an_absent_epoch_is_epoch_1(world):
    m = message(1, enrolment())
    del m["epoch"]
    assert accepted(world.send("enrolment", m)) and world.send("enrolment", message(1, enrolment()))["duplicate"] is True


def test_epoch_0_counts_in_milliseconds_and_has_no_gaps(world):
    now = 1795_000_000_000
    for ms in (now, now + 90_000_000, now + 180_000_000):
        assert accepted(world.send("enrolment", message(ms, enrolment(), epoch=0)))
    assert world.rows("SELECT * FROM gap") == []
    assert accepted(world.send("enrolment", message(now + 5, enrolment(), epoch=0)))  # late, not seen yet
    assert world.send("enrolment", message(now + 5, enrolment(), epoch=0))["duplicate"] is True


def test_epochs_and_feeds_of_one_site_are_counted_apart(world):
    assert accepted(world.send("enrolment", message(1, enrolment())))
    assert accepted(world.send("enrolment", message(1, enrolment(places=61), epoch=2)))
    assert accepted(world.send("registration", message(1, registration())))
    assert accepted(world.send("enrolment", message(1, enrolment(), site=OTHER), site=OTHER))


# --- identity ---


@pytest.mark.parametrize("bad", ("{}", '{"phone":1}'))
def test_a_rejected_or_refused_message_consumes_its_identity(world, bad):
    first = world.send("enrolment", {**message(1, None), "body": json.loads(bad)})
    assert first["status"] != "accepted" and first["next_seq"] == 2
    assert codes(world.send("enrolment", message(1, enrolment()))) == ["E_SEQ_REUSED"]
    again = world.send("enrolment", {**message(1, None), "body": json.loads(bad)})
    assert (again["duplicate"], again["status"], again["errors"], again["ledger"], again["hash"]) == \
        (True, first["status"], first["errors"], first["ledger"], first["hash"])


@pytest.mark.parametrize("change", ({"sent_at": "2026-11-24T09:00:00+08:00"}, {"sw": "other/2"}, {"reason": "another"}))
def test_only_kind_ref_and_body_make_the_difference(world, change):
    m = message(2, enrolment(), "amend", ref={"epoch": 1, "seq": 1}, reason="x")
    world.send("enrolment", m)
    assert world.send("enrolment", {**m, **change})["duplicate"] is True


@pytest.mark.parametrize("change", ({"kind": "retract", "body": None}, {"ref": {"epoch": 1, "seq": 2}}, {"body": enrolment(places=61)}))
def test_another_kind_ref_or_body_is_a_reuse(world, change):
    m = message(3, enrolment(), "amend", ref={"epoch": 1, "seq": 1}, reason="x")
    world.send("enrolment", m)
    assert "E_SEQ_REUSED" in codes(world.send("enrolment", {**m, **change}))


def test_a_reused_seq_of_an_incident_is_a_new_message_however_old(world):
    world.send_all("incident", (message(seq, incident(event=f"E{seq}")) for seq in range(1, 41)))
    reused = world.send("incident", message(1, incident(event="NEW")))
    assert accepted(reused) and warned(reused) == ["W_SEQ_REUSED"]
    for event in ("NEW", "E1"):  # always compared with every message of that identity
        again = world.send("incident", message(1, incident(event=event)))
        assert again["duplicate"] is True and again["ledger"] is not None and "verified" not in again


def test_the_last_32_messages_are_compared_and_older_ones_are_not(world):
    world.send_all("enrolment", (message(seq, enrolment()) for seq in range(1, 34)))
    assert codes(world.send("enrolment", message(3, enrolment(places=1)))) == ["E_SEQ_REUSED"]  # the 31st from the end
    receipt = world.send("enrolment", message(1, enrolment(places=1)))
    assert (receipt["duplicate"], receipt["verified"], receipt["status"], receipt["ledger"]) == (True, False, "accepted", None)


def test_a_reuse_does_not_make_the_old_original_look_like_one(world):
    world.send_all("enrolment", (message(seq, enrolment()) for seq in range(1, 33)))
    assert codes(world.send("enrolment", message(1, enrolment(places=1)))) == ["E_SEQ_REUSED"]  # takes the place of seq 1 in the 32
    original, reuse = (world.send("enrolment", message(1, enrolment(**x))) for x in ({}, {"places": 1}))
    assert (original["duplicate"], original["verified"], original["status"]) == (True, False, "accepted")
    assert (reuse["duplicate"], codes(reuse)) == (True, ["E_SEQ_REUSED"])


def test_a_ref_voids_every_message_of_that_identity(world):
    world.send("incident", message(1, incident(event="A", minor=1)))
    world.send("incident", message(1, incident(event="B", minor=1)))
    world.send("incident", message(2, None, "retract", ref={"epoch": 1, "seq": 1}, reason="drill"))
    assert world.rows("SELECT event FROM incident_message WHERE counts = 1") == []
    world.send("incident", message(1, incident(event="C", minor=1)))  # late: void from the start
    assert world.rows("SELECT event FROM incident_message WHERE counts = 1") == []


def test_of_two_with_one_identity_and_one_event_the_first_received_counts(world):
    world.send("incident", message(1, incident(minor=1)))
    world.send("incident", message(1, incident(minor=2)))
    assert world.rows("SELECT minor FROM incident_message WHERE counts = 1") == [(1,)]


def test_a_rejected_amend_voids_nothing(world):
    world.send("registration", message(1, registration()))
    world.send("enrolment", message(1, enrolment(places=50)))
    world.send("enrolment", message(2, {}, "amend", ref={"epoch": 1, "seq": 1}, reason="x"))
    assert world.value("places_total")[0] == 50


def test_a_ref_may_name_what_never_came_but_nothing_later(world):
    assert accepted(world.send("enrolment", message(9, None, "retract", ref={"epoch": 1, "seq": 8}, reason="x")))
    for ref in ({"epoch": 1, "seq": 10}, {"epoch": 1, "seq": 11}, {"epoch": 2, "seq": 1}):
        assert codes(world.send("enrolment", message(10, None, "retract", ref=ref, reason="x")))[0] in ("E_REF", "E_SEQ_REUSED")


@pytest.mark.parametrize("kind", ("amend", "retract"))
def test_an_amend_or_retract_that_comes_first_voids_all_the_same(world, kind):
    world.send("registration", message(1, registration()))
    body = enrolment(places=40) if kind == "amend" else None
    world.send("enrolment", message(3, body, kind, ref={"epoch": 1, "seq": 2}, reason="x"))
    world.send("enrolment", message(2, enrolment(places=50)))
    assert world.value("places_total")[0] == (40 if kind == "amend" else None)


def test_the_highest_epoch_and_seq_counts_whatever_comes_last(world):
    world.send("registration", message(1, registration()))
    for epoch, seq, places in ((1, 9, 51), (2, 1, 52), (1, 10, 53), (2, 3, 54), (2, 2, 55)):
        world.send("enrolment", message(seq, enrolment(places=places), epoch=epoch))
    assert world.value("places_total")[0] == 54


def test_a_second_report_is_a_correction_and_with_none_live_the_key_is_empty(world):
    world.send("registration", message(1, registration()))
    world.send("enrolment", message(1, enrolment(places=50)))
    world.send("enrolment", message(2, enrolment(places=51)))
    assert world.value("places_total")[0] == 51
    world.send("enrolment", message(3, None, "retract", ref={"epoch": 1, "seq": 2}, reason="x"))
    assert world.value("places_total")[0] == 50
    world.send("enrolment", message(4, None, "retract", ref={"epoch": 1, "seq": 1}, reason="x"))
    assert world.value("places_total")[2] == "no_data"


def test_an_amend_may_move_the_figures_to_another_day(world):
    world.send("registration", message(1, registration()))
    world.send("enrolment", message(1, enrolment(places=50)))
    world.send("enrolment", message(2, enrolment("2026-11-23", places=40), "amend", ref={"epoch": 1, "seq": 1}, reason="x"))
    assert world.rows("SELECT day - 20780, places FROM enrolment WHERE counts = 1") == [(0, 40)]


@pytest.mark.parametrize("late", (False, True))
def test_a_retracted_registration_gives_way_to_the_one_before_it(world, late):
    later = ("registration", message(2, registration(effective_on="2026-11-10", places={"infant": 1, "toddler": 0, "older": 0, "mixed": 0})))
    retract = ("registration", message(3, None, "retract", ref={"epoch": 1, "seq": 2}, reason="x"))
    world.send("registration", message(1, registration()))
    for what in (retract, later) if late else (later, retract):
        world.send(*what)
    world.send("enrolment", message(1, enrolment(places=60)))
    assert world.value("places_total")[0] == 60
    world.send("registration", message(4, None, "retract", ref={"epoch": 1, "seq": 1}, reason="x"))
    assert world.rows("SELECT count(*) FROM registration WHERE counts = 1") == [(0,)]
    assert world.rows("SELECT division FROM site") == [(HANGZHOU,)]  # of the earliest accepted one, live or void


def test_unknown_numbers_of_a_class_are_unknown_not_zero(world):
    world.send("enrolment", message(1, enrolment(classes=[{"type": "infant", "children": None, "carers": None}, {"type": "older"}])))
    assert world.rows("SELECT classes FROM enrolment") == [("0 - -;2 - -;",)]


# --- the payload as a whole ---


def test_64_kib_are_taken_and_a_byte_more_is_not(world):
    text = json.dumps(message(1, enrolment()))
    assert accepted(world.send("enrolment", text + " " * (65536 - len(text))))
    receipt = world.send("enrolment", text + " " * (65537 - len(text)))
    assert codes(receipt) == ["E_TOO_LARGE"] and receipt["seq"] is None


def test_a_payload_without_a_readable_envelope_is_named_by_its_sha256(world):
    for text in ("{", "[1]", '"x"', '{"seq":"1"}', json.dumps({**message(1, enrolment()), "epoch": "1"})):
        receipt = world.send("enrolment", text)
        assert (receipt["seq"], receipt["sha256"]) == (None, hashlib.sha256(text.encode()).hexdigest()), text
        assert receipt["status"] == "rejected"


def test_all_errors_are_told_not_only_the_first(world):
    receipt = world.send("enrolment", message(1, {**enrolment(places=-1), "open": 1, "as_of": "2020-01-01", "note": "x"}, sent_at="x"))
    assert sorted(codes(receipt)) == ["E_FORMAT", "E_RANGE", "E_TIME_RANGE", "E_TYPE", "E_UNKNOWN_FIELD"]


def test_personal_data_wins_over_all_other_errors(world):
    receipt = world.send("enrolment", message(1, {"places": "x", "tel": 13800138000}))
    assert (receipt["status"], codes(receipt)) == ("refused_pii", ["E_PII"]) and "got" not in receipt["errors"][0]


# --- warnings that look at the registration ---


def test_as_many_places_as_registered_are_fine_and_one_more_is_not(world):
    world.send("registration", message(1, registration()))
    assert warned(world.send("enrolment", message(1, enrolment(places=60)))) == []
    assert warned(world.send("enrolment", message(2, enrolment(places=61)))) == ["W_PLACES_EXCEED_REGISTERED"]
    assert warned(world.send("enrolment", message(3, enrolment("2026-10-31", places=61)))) == []  # before the first: no site


def test_a_family_point_is_one_group_of_five_and_three_a_carer(world):
    world.send("registration", message(1, registration(facility="family_point", places=dict.fromkeys(("infant", "toddler", "older"), 0) | {"mixed": 5})))
    cases = ((5, 2, []), (6, 2, ["W_GROUP_SIZE"]), (3, 1, []), (4, 1, ["W_CARER_RATIO"]), (7, 2, ["W_GROUP_SIZE", "W_CARER_RATIO"]),
             (4, None, []), (0, 0, []))
    for seq, (children, carers, want) in enumerate(cases, 1):
        receipt = world.send("enrolment", message(seq, few(children, staff={"carers": carers})))
        assert accepted(receipt) and warned(receipt) == want, (children, carers)
    classes = [{"type": "infant", "children": 3, "carers": 1}, {"type": "toddler", "children": 3, "carers": 1}]
    receipt = world.send("enrolment", message(20, few(6, classes=classes, staff={"carers": 9})))
    assert [(w["code"], w["path"]) for w in receipt["warnings"]] == [("W_GROUP_SIZE", "/body/enrolled")]
    classes[1]["carers"] = 0
    receipt = world.send("enrolment", message(21, few(4, classes=[{**c, "children": 2} for c in classes])))
    assert ("W_CARER_RATIO", "/body/classes") in [(w["code"], w["path"]) for w in receipt["warnings"]]


def test_another_facility_is_not_one_group(world):
    world.send("registration", message(1, registration(facility="community")))
    assert warned(world.send("enrolment", message(1, few(6, staff={"carers": 1})))) == []


def test_the_division_of_the_earliest_registration_stays(world):
    world.send("registration", message(2, registration(), division=JIAXING), division=JIAXING)
    assert warned(world.send("enrolment", message(1, enrolment()))) == ["W_DIVISION"]
    world.send("registration", message(1, registration()))  # earlier seq, Hangzhou
    assert warned(world.send("enrolment", message(2, enrolment()))) == []
    assert world.rows("SELECT division FROM site") == [(HANGZHOU,)]


# --- personal data: where only tables know what is unknown ---


@pytest.mark.parametrize("change", ({"tel": "138 0013 8000"}, {"tel": 13800138000}, {"x13800138000": None}, {"tel": {"a": [{"b": "+86-13800138000"}]}},
                                    {"classes": [{"type": "infant", "children": 1, "carers": 1, "tel": 13800138000}]},
                                    {"enrolled": "13800138000"}, {"attended": ["0086 138 0013 8000"]}))
def test_a_mobile_number_is_found_wherever_no_table_reads(world, change):
    assert codes(world.send("enrolment", message(1, enrolment(**change)))) == ["E_PII"]


def test_neither_is_one_in_the_place_of_the_version_or_of_a_seq(world):
    world.send("enrolment", message(1, enrolment()))
    receipt = world.send("enrolment", {**message(13800138000, enrolment()), "v": 13800138000})
    assert codes(receipt) == ["E_VERSION", "E_SEQ_JUMP"] and not any("got" in e for e in receipt["errors"])


def test_a_number_out_of_range_that_looks_like_a_telephone_is_not_shown(world):
    receipt = world.send("enrolment", message(1, enrolment(places=13800138000)))
    assert codes(receipt) == ["E_RANGE"] and "got" not in receipt["errors"][0]


def test_one_value_that_breaks_two_rules_is_told_once(world):
    receipt = world.send("registration", message(1, registration(name="13800138000 11010519491231002X")))
    assert [(e["code"], e["path"]) for e in receipt["errors"]] == [("E_PII", "/body/name")]


def test_personal_data_in_what_is_no_message_is_refused_too(world):
    for text in ('[{"phone":1}]', '"11010519491231002X"', "13800138000"):
        receipt = world.send("enrolment", text)
        assert (receipt["status"], receipt["seq"], codes(receipt)) == ("refused_pii", None, ["E_PII"]), text


# --- our own bug ---


@pytest.mark.skipif(b"NURSERYD_FAULT_APPLY" not in (BUILD / "nurseryd").read_bytes(), reason="a build without test seams")
@pytest.mark.parametrize("what", ("1", "unclean"))  # unclean: our code finds the database impossible
def test_a_fault_of_ours_keeps_the_message_and_disturbs_no_other(world, monkeypatch, what):
    monkeypatch.setenv("NURSERYD_FAULT_APPLY", what)
    bad = message(2, enrolment(places=61), sw="seam-fault")
    first, fault, last = world.fold(*(line(world.at(), "enrolment", m) for m in (message(1, enrolment()), bad, message(3, enrolment(places=62)))))
    assert accepted(first) and accepted(last)
    assert (fault["status"], codes(fault), fault["next_seq"]) == ("fault", ["E_FAULT"], 3)
    assert json.loads(world.rows(f"SELECT CAST(payload AS TEXT) FROM ledger WHERE n = {fault['ledger']}")[0][0]) == bad
    assert world.send("enrolment", bad)["duplicate"] is True
