# SPDX-License-Identifier: MIT
"""nursery-sim against its contract: what it says is judged here by code of its own, not by nurseryd's."""
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
from datetime import date, datetime, timedelta
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

ROOT = Path(__file__).resolve().parents[2]
SIM = os.environ.get("NURSERY_SIM", str(ROOT / "build" / "nursery-sim"))
DATA = ROOT / "config" / "data"
START = "2026-11-23T08:00:00+08:00"

GOOD_SCENARIOS = ["quiet", "enrolment-load", "fire", "gas-leak-null", "abuse", "food-poisoning", "minor-falls",
                  "survey"]
ALL_SCENARIOS = GOOD_SCENARIOS + ["messy", "hostile", "all"]
FEEDS = {"registration", "enrolment", "incident", "survey"}
TOPIC = re.compile(r"(nursery|nursery-test)/v1/(\d\d)/(\d{6})/([0-9A-Z]{18}(?:-\d\d)?)/up/([a-z]+)")
INCIDENT_TYPES = set("""fall burn choking poisoning food_poisoning infectious_cluster drowning traffic fire collapse
    missing_child wrong_pickup abuse_suspected sexual_abuse_suspected intrusion animal medical sleep_death other""".split())
MEASURES = set("evacuated called_110 called_119 called_120 guardians_told services_stopped scene_kept other".split())


# ---- running it ----

def sim(*args, check=True, timeout=60):
    done = subprocess.run([SIM, "--data", str(DATA), *map(str, args)], capture_output=True, timeout=timeout)
    if check:
        assert done.returncode == 0, done.stderr.decode()
    return done


def printed(*args):
    """Lines of --print with the payload parsed; None where it is not JSON."""
    out = sim("--print", "--start", START, *args).stdout.decode("utf-8")
    lines = [json.loads(line) for line in out.splitlines()]
    for line in lines:
        assert set(line) == {"received_at", "topic", "payload"}
        try:
            line["message"] = json.loads(line["payload"])
        except ValueError:
            line["message"] = None
    return lines


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Broker:
    def __init__(self, directory, extra=""):
        self.port = free_port()
        self.conf = directory / f"mosquitto-{self.port}.conf"
        self.conf.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n"
                             f"persistence false\nlog_type error\n{extra}\n")
        self.url = f"mqtt://127.0.0.1:{self.port}"
        self.start()

    def start(self):
        self.process = subprocess.Popen(["mosquitto", "-c", str(self.conf)], stderr=subprocess.DEVNULL)
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError("mosquitto did not start")

    def stop(self):
        self.process.terminate()
        self.process.wait()


@pytest.fixture
def broker(tmp_path):
    b = Broker(tmp_path, "max_inflight_messages 0")
    yield b
    b.stop()


class Nursery:
    """A listener that may answer with receipts: as nurseryd would, as far as the simulator cares."""

    def __init__(self, broker, answer=None):
        self.got, self.answer, self.lock = [], answer, threading.Lock()
        self.client = mqtt.Client(protocol=mqtt.MQTTv5)
        self.client.on_message = self.on_message
        ready = threading.Event()
        self.client.on_subscribe = lambda *_: ready.set()
        properties = Properties(PacketTypes.CONNECT)
        properties.ReceiveMaximum = 4096
        self.client.connect("127.0.0.1", broker.port, properties=properties)
        self.client.loop_start()
        for root in ("nursery", "nursery-test"):
            self.client.subscribe(f"{root}/v1/+/+/+/up/+", 1)
        assert ready.wait(5)

    def on_message(self, client, _userdata, message):
        self.got.append((time.monotonic(), message.topic, message.payload))
        receipt = self.answer(message.topic, message.payload) if self.answer else None
        if receipt:
            client.publish(message.topic.rsplit("/up/", 1)[0] + "/down/receipt", json.dumps(receipt), 0)

    def close(self):
        """Once nothing has come for a while: what the broker still holds for us is on its way."""
        seen = -1
        while seen != len(self.got):
            seen = len(self.got)
            time.sleep(0.4)
        self.client.disconnect()
        self.client.loop_stop()


def receipt(topic, payload, status="accepted", **more):
    feed = topic.rsplit("/", 1)[1]
    try:
        m = json.loads(payload)
        epoch, seq = m["epoch"], m["seq"]
    except (ValueError, RecursionError):
        epoch = seq = None
        status = "rejected"
    return {"v": 1, "feed": feed, "epoch": epoch, "seq": seq, "status": status, "errors": [], "warnings": [], **more}


# ---- the independent judge ----

def uscc_check(first17):
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    weights = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28]
    return alphabet[(31 - sum(alphabet.index(c) * w for c, w in zip(first17, weights)) % 31) % 31]


def site_ok(site):
    return re.fullmatch(r"[0-9A-HJ-NP-RTUWXY]{18}(-(0[1-9]|[1-9]\d))?", site) and uscc_check(site[:17]) == site[17]


def divisions():
    rows = [line.split(",") for line in (DATA / "divisions.csv").read_text().splitlines()[1:]]
    return {row[0]: row[2] for row in rows if row[1] == "county"}


DIVISIONS = divisions()


def judge(topic, m):
    """The codes a receiver must find, as a set; only what needs no other message."""
    found = set()
    root, province, division, site, feed = TOPIC.fullmatch(topic).groups()
    if m["site"] != site or m["division"] != division or division[:2] != province:
        found.add("E_TOPIC_MISMATCH")
    if not site_ok(site):
        found.add("E_SITE_ID")
    if feed not in FEEDS:
        return found | {"E_FEED"}
    assert division in DIVISIONS
    if m["v"] != 1:
        found.add("E_VERSION")
    assert type(m["epoch"]) is int and type(m["seq"]) is int and m["epoch"] >= 1 and m["seq"] >= 1
    assert re.fullmatch(r"[A-Za-z0-9._/ -]{1,64}", m["sw"])
    datetime.fromisoformat(m["sent_at"])
    assert m["sent_at"].endswith("+08:00")
    if m["kind"] in ("amend", "retract"):
        assert m["ref"]["epoch"] == m["epoch"] and m["ref"]["seq"] < m["seq"] and len(m["reason"]) <= 200
    if m["kind"] == "retract":
        assert "body" not in m
        return found
    return found | {"registration": registration, "enrolment": enrolment, "incident": incident, "survey": survey}[feed](m)


def keys(found, body, wanted, where="body"):
    for key in set(body) - set(wanted):
        found.add("W_UNKNOWN_FIELD" if isinstance(body[key], (int, float, type(None))) else "E_UNKNOWN_FIELD")
    if set(wanted) - set(body):
        found.add("E_MISSING")


def count(found, *values):
    for v in values:
        if v is not None and (type(v) is not int or not 0 <= v <= 1_000_000):
            found.add("E_TYPE")


def registration(m):
    found, b = set(), m["body"]
    day = date.fromisoformat(b["effective_on"])
    assert day < datetime.fromisoformat(m["sent_at"]).date()
    keys(found, {k: v for k, v in b.items() if k not in ("filing_no", "filed_on")},
         ["effective_on", "name", "facility", "registrar", "registration", "filing", "operation", "places", "inclusive",
          "disclosed", "insured_until", "cctv_days", "fee_month"])
    assert re.fullmatch(r"[\u4e00-\u9fff]{4,30}", b["name"]), b["name"]
    assert b["name"].startswith(DIVISIONS[m["division"]])
    assert b["facility"] in ("nursery", "kindergarten_class", "workplace", "community", "family_point", "centre")
    assert {"market": "91", "civil": "52", "establishment": "12"}[b["registrar"]] == m["site"][:2]
    assert b["filing"] in ("none", "submitted", "filed", "defects", "change_pending", "withdrawn", "cancelled", "licensed")
    assert b["operation"] in ("preparing", "operating", "suspended", "closed")
    assert ("filing_no" in b) == (b["filing"] not in ("none", "submitted"))
    if "filing_no" in b:
        assert re.fullmatch(r"\d{6}-\d{4}-\d{4}", b["filing_no"]) and date.fromisoformat(b["filed_on"]) < day
    total = sum(b["places"].values())
    assert total == 5 if b["facility"] == "family_point" else 20 <= total <= 150
    count(found, *b["places"].values(), b["cctv_days"], *b["fee_month"].values())
    assert 300 <= b["fee_month"]["halfday"] < b["fee_month"]["fullday"] < 6000
    return found


def enrolment(m):
    found, b = set(), m["body"]
    keys(found, b, ["as_of", "open", "places", "enrolled", "mode", "attended", "waiting", "classes", "staff"])
    if "E_MISSING" in found:
        return found
    count(found, b["places"], b["attended"], b["waiting"], *b["enrolled"].values(), *b["mode"].values(),
          *b["staff"].values())
    total = sum(b["enrolled"].values())
    if total != sum(b["mode"].values()) or b["attended"] > total or (b["attended"] > 0 and not b["open"]):
        found.add("E_SUM_MISMATCH")
    assert sum(c["children"] for c in b["classes"]) == total
    assert all(c["children"] >= 1 and c["carers"] >= 1 for c in b["classes"])
    today = datetime.fromisoformat(m["sent_at"]).date()
    if not today - timedelta(days=400) <= date.fromisoformat(b["as_of"]) <= today + timedelta(days=1):
        found.add("E_TIME_RANGE")
    return found


def incident(m):
    found, b = set(), m["body"]
    keys(found, b, ["event", "stage", "occurred_at", "known_at", "type", "children", "adults", "sick", "loss_yuan",
                    "measures", "police_at", "services_stopped"])
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,64}", b["event"])
    assert b["stage"] in ("first", "follow_up", "final") and b["type"] in INCIDENT_TYPES
    assert set(b["measures"] or []) <= MEASURES
    assert set(b["children"]) == {"dead", "critical", "serious", "minor", "missing"}
    assert set(b["adults"]) == {"dead", "serious"}
    count(found, *b["children"].values(), *b["adults"].values(), b["sick"], b["loss_yuan"])
    times = [datetime.fromisoformat(t) for t in (b["occurred_at"], b["known_at"], m["sent_at"])]
    assert times == sorted(times)
    return found


def survey(m):
    found, b = set(), m["body"]
    sent = date.fromisoformat(m["sent_at"][:10])
    questions = ["policy", "service", "safety", "price", "overall"]
    assert b["round"] == f"{sent.year}H{1 if sent.month <= 6 else 2}" and b["respondent"] in ("family", "institution")
    if b["form"] == "ballot":
        keys(found, b, ["round", "form", "respondent", "token", "answers"])
        assert re.fullmatch("[0-9A-Z]{16}", b["token"])
        assert set(b["answers"]) == set(questions) and all(a in (None, 1, 2, 3, 4, 5) for a in b["answers"].values())
        return found
    keys(found, b, ["round", "form", "respondent", "invited", "answered", *questions])
    count(found, b["invited"], b["answered"], *[n for q in questions for n in b[q]])
    assert all(len(b[q]) == 5 and sum(b[q]) <= b["answered"] <= b["invited"] for q in questions)
    return found


FORBIDDEN = set("""childname childrenname guardian parent parentname idcard idnumber passport phone mobile telephone
    birthday birthdate homeaddress photo diagnosis 姓名 家长 监护人 身份证 身份证号 护照 电话 联系电话 手机 手机号 住址
    家庭住址 生日 出生日期 照片 诊断""".split())
FREE_TEXT = {"name", "reason"}
KNOWN_TEXT = {"site", "sw", "sent_at", "kind", "division", "effective_on", "facility", "registrar", "registration", "filing",
              "filing_no", "filed_on", "operation", "insured_until", "as_of", "type", "event", "stage", "occurred_at",
              "known_at", "police_at", "measures"}


def identity_number(text):
    for hit in re.finditer(r"(?<![0-9A-Za-z])(\d{17})([0-9Xx])(?![0-9A-Za-z])", text):
        weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
        right = "10X98765432"[sum(int(d) * w for d, w in zip(hit[1], weights)) % 11]
        if right == hit[2].upper() and "19000101" <= hit[1][6:14] <= "20271231":
            return True
    return False


def mobile(text):
    bare = re.sub(r"(?<=\d)[ -]+(?=\d)", "", text)
    return re.search(r"(?<!\d)(?:\+?86|0086)?1[3-9]\d{9}(?!\d)", bare) is not None


def personal(value, site, key="", known=False):
    """Paths at which the contract would see personal data."""
    if isinstance(value, dict):
        for k, v in value.items():
            if re.sub(r"[_\- ]", "", k.lower()) in FORBIDDEN or identity_number(k) or mobile(k):
                yield f"{key}/{k}"
            yield from personal(v, site, f"{key}/{k}")
    elif isinstance(value, list):
        for i, v in enumerate(value):
            yield from personal(v, site, f"{key}/{i}")
    elif isinstance(value, str):
        name = key.rsplit("/", 1)[-1]
        if value not in (site, site[:18]) and identity_number(value):
            yield key
        if name not in KNOWN_TEXT and not name.isdigit() and mobile(value):
            yield key


def personal_in(line):
    site = line["topic"].split("/")[4]
    if line["message"] is not None:
        return list(personal(line["message"], site))
    return [w for w in FORBIDDEN if f'"{w}"' in line["payload"]]


# ---- determinism ----

@pytest.mark.parametrize("scenario", ALL_SCENARIOS)
def test_same_seed_gives_the_same_bytes(scenario):
    args = ["--print", "--start", START, "--sites", 30, "--count", 400, "--seed", 5, "--scenario", scenario]
    first, second = sim(*args).stdout, sim(*args).stdout
    assert first == second and first.count(b"\n") >= 390


def test_another_seed_is_another_province():
    a, b = (printed("--sites", 30, "--count", 30, "--seed", s) for s in (1, 2))
    assert not {x["topic"] for x in a} & {x["topic"] for x in b}


def test_real_broker_gets_the_bytes_that_print_shows(broker):
    args = ["--sites", 20, "--count", 300, "--seed", 9, "--start", START, "--scenario", "messy", "--rate", 1000]
    nursery = Nursery(broker)
    sim("--url", broker.url, "--settle", 0, *args)
    nursery.close()
    lines = printed(*args)
    assert [(t, p.decode()) for _, t, p in nursery.got] == [(x["topic"], x["payload"]) for x in lines]


# ---- what it says is right ----

@pytest.mark.parametrize("scenario", GOOD_SCENARIOS)
def test_every_message_of_a_good_scenario_is_valid(scenario):
    lines = printed("--sites", 60, "--count", 3000, "--rate", 1000, "--fire-after", 1, "--step", 0, "--scenario", scenario)
    assert len(lines) == 3000
    for line in lines:
        assert judge(line["topic"], line["message"]) == set(), line
        assert personal_in(line) == []


@pytest.mark.parametrize("scenario", GOOD_SCENARIOS)
def test_sequences_have_no_gaps_and_registration_comes_first(scenario):
    seen = {}
    for line in printed("--sites", 40, "--count", 2000, "--fire-after", 0, "--step", 0, "--scenario", scenario):
        site, feed = line["topic"].split("/")[4], line["topic"].rsplit("/", 1)[1]
        assert feed == "registration" or (site, "registration") in seen
        assert line["message"]["seq"] == seen.get((site, feed), 0) + 1
        seen[site, feed] = line["message"]["seq"]


def test_received_at_never_falls_and_days_have_their_hours():
    lines = printed("--sites", 200, "--days", 14, "--scenario", "fire,messy", "--fire-after", 3600)
    times = [line["received_at"] for line in lines]
    assert times == sorted(times)
    good = [x["message"] for x in lines if x["message"] and x["topic"].endswith("/enrolment") and not judge(
        x["topic"], x["message"])]
    hours = [datetime.fromisoformat(m["sent_at"]).hour for m in good]
    late = sum(h >= 18 for h in hours) / len(hours)
    assert 0.005 < late < 0.06 and min(hours) >= 8
    days = {m["body"]["as_of"] for m in good if "body" in m and m["body"]["open"]}
    assert "2026-11-28" not in days and "2026-11-27" in days  # a Saturday, a Friday
    assert sum(x["topic"].endswith("/incident") for x in lines) == 3


def test_holidays_and_make_up_days_follow_the_calendar():
    lines = printed("--sites", 30, "--days", 2, "--start", "2026-10-01T08:00:00+08:00")
    assert not any(x["message"]["body"]["open"] for x in lines if x["topic"].endswith("/enrolment"))


def test_enrolment_load_uses_no_natural_key_twice():
    lines = printed("--sites", 10, "--count", 3000, "--scenario", "enrolment-load")
    used = [(x["message"]["site"], x["message"]["body"]["as_of"]) for x in lines if x["topic"].endswith("/enrolment")]
    assert len(used) == len(set(used)) == 2990


def test_sites_are_unique_and_stand_where_people_live():
    lines = printed("--sites", 20000, "--count", 20000)
    sites = {x["message"]["site"] for x in lines}
    assert len(sites) == 20000 and all(site_ok(s) for s in sites)
    assert any("-01" in s[18:] for s in sites) and any("-03" in s[18:] for s in sites)
    rows = [r.split(",") for r in (DATA / "population-zhejiang-2020.csv").read_text().splitlines()[1:]]
    people = {r[0]: int(r[2]) for r in rows}
    for unit, n in people.items():
        share = sum(x["message"]["division"][:4] + "00" == unit for x in lines) / len(lines)
        assert share == pytest.approx(n / sum(people.values()), abs=0.01)


@pytest.mark.parametrize("province", ["11", "31", "44", "46", "65"])
def test_other_provinces_work_too(province):
    for line in printed("--province", province, "--sites", 300, "--count", 300):
        assert judge(line["topic"], line["message"]) == set()
        assert line["message"]["division"].startswith(province)


def test_epoch_and_first_seq_are_taken():
    lines = printed("--sites", 5, "--count", 15, "--reset-epoch", 4, "--first-seq", 100)
    assert {x["message"]["epoch"] for x in lines} == {4}
    assert [x["message"]["seq"] for x in lines] == [100] * 10 + [101] * 5


# ---- scenarios do what they are named for ----

def incidents(*args):
    return [x["message"] for x in printed("--sites", 50, "--days", 1, *args) if x["topic"].endswith("/incident")]


def test_fire_tells_of_a_critical_child_in_the_named_city():
    got = incidents("--scenario", "fire")
    assert [m["body"]["stage"] for m in got] == ["first", "follow_up", "final"]
    assert got[0]["body"]["children"]["critical"] == 1 and got[0]["division"].startswith("3301")
    assert len({m["body"]["event"] for m in got}) == len({m["site"] for m in got}) == 1


def test_gas_leak_is_unconfirmed_before_it_has_numbers():
    got = [m["body"]["children"] for m in incidents("--scenario", "gas-leak-null")]
    assert got[0]["dead"] is None and got[0]["critical"] is None
    assert all(v is not None for children in got[1:] for v in children.values())


def test_a_survey_is_answered_by_institutions_and_families_most_of_them_satisfied():
    bodies = [line["message"]["body"] for line in printed("--sites", 60, "--days", 10, "--scenario", "survey")
              if line["topic"].endswith("/survey")]
    ballots = [b for b in bodies if b["form"] == "ballot"]
    assert len({b["token"] for b in ballots}) == len(ballots) > 800
    assert 40 < sum(b["respondent"] == "institution" for b in ballots) <= 60 and 5 <= len(bodies) - len(ballots) <= 10
    for question, low, high in (("service", .85, .95), ("price", .65, .79)):
        known = [b["answers"][question] for b in ballots if b["answers"][question]]
        assert low < sum(a >= 4 for a in known) / len(known) < high and len(known) < len(ballots)


def test_other_scenarios_have_their_incidents():
    assert {m["body"]["type"] for m in incidents("--scenario", "abuse")} == {"abuse_suspected"}
    assert [m["body"]["sick"] for m in incidents("--scenario", "food-poisoning")] == [3, 7, 7]
    falls = incidents("--scenario", "minor-falls")
    assert {m["body"]["type"] for m in falls} == {"fall"}
    assert not any(m["body"]["children"][k] for m in falls for k in ("dead", "critical", "serious", "missing"))


def test_messy_shows_every_kind_of_carelessness_and_no_personal_data():
    lines = printed("--sites", 20, "--count", 3000, "--scenario", "messy")
    assert not any(personal_in(x) for x in lines)
    found = set().union(*(judge(x["topic"], x["message"]) for x in lines if x["message"]))
    assert found == {"E_SUM_MISMATCH", "W_UNKNOWN_FIELD", "E_UNKNOWN_FIELD", "E_MISSING", "E_TYPE", "E_VERSION",
                     "E_TIME_RANGE"}
    assert any(x["message"] is None for x in lines)
    kinds = {x["message"]["kind"] for x in lines if x["message"]}
    assert kinds == {"report", "amend", "retract"}
    payloads, last, repeats, falls, gaps, reused, restamped = set(), {}, 0, 0, 0, 0, 0
    bodies = {}
    for x in lines:
        repeats += x["payload"] in payloads
        payloads.add(x["payload"])
        m = x["message"]
        if not m or not x["topic"].endswith("/enrolment"):
            continue
        identity = m["site"], m["seq"]
        same = bodies.setdefault(identity, (m.get("body"), m["sent_at"]))
        reused += same[0] != m.get("body")
        restamped += same[0] == m.get("body") and same[1] != m["sent_at"]
        falls += m["seq"] < last.get(m["site"], 0)
        gaps += m["seq"] > last.get(m["site"], 0) + 2
        last[m["site"]] = max(m["seq"], last.get(m["site"], 0))
    assert min(repeats, falls, gaps, reused, restamped) > 0


def test_hostile_is_hostile():
    lines = printed("--sites", 20, "--count", 2000, "--scenario", "hostile")
    refused = {p for x in lines for p in personal_in(x)}
    assert {"/body/guardian", "/body/家长", "/body/note"} <= refused
    assert any(len(x["payload"]) > 65536 for x in lines)
    assert any(x["payload"].count("{") > 150 for x in lines)
    found = set().union(*(judge(x["topic"], x["message"]) for x in lines
                          if x["message"] and len(x["payload"]) < 2000 and not personal_in(x)))
    assert {"E_TOPIC_MISMATCH", "E_SITE_ID", "E_FEED"} <= found
    assert any(x["message"] and x["message"].get("seq", 0) > 20000 for x in lines)


def test_hostile_sends_bytes_that_are_not_utf8(broker):
    nursery = Nursery(broker)
    sim("--url", broker.url, "--sites", 5, "--count", 1500, "--rate", 0, "--settle", 0, "--scenario", "hostile")
    nursery.close()

    def broken(payload):
        try:
            payload.decode()
        except UnicodeDecodeError:
            return True
        return False
    assert any(broken(p) for _, _, p in nursery.got)


# ---- the broker, receipts, the report ----

def report(done):
    return json.loads(done.stdout)


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_rate_is_honoured_and_reported(broker, protocol):
    nursery = Nursery(broker)
    r = report(sim("--url", broker.url, "--rate", 200, "--seconds", 3, "--settle", 0, "--json", "--protocol", protocol))
    nursery.close()
    assert 560 <= r["sent"] <= 640 and r["acknowledged"] == r["sent"]
    assert 180 <= r["rate_per_s"] <= 220
    halves = [sum(t < nursery.got[0][0] + 1.5 for t, _, _ in nursery.got), len(nursery.got)]
    assert 0.4 < halves[0] / halves[1] < 0.6


def test_broker_with_a_small_window_gets_everything_too(tmp_path):
    b = Broker(tmp_path)  # mosquitto's default of 20 in flight
    nursery = Nursery(b)
    r = report(sim("--url", b.url, "--rate", 0, "--count", 5000, "--settle", 1, "--json"))
    nursery.close()
    b.stop()
    assert r["sent"] == r["acknowledged"] == 5000 == len(nursery.got)


def test_until_receipted_sends_the_same_bytes_again_and_ends_well(broker):
    seen = {}

    def forgetful(topic, payload):
        """Loses the receipt of every third message the first time; rate-limits every seventh once."""
        seen[payload] = seen.get(payload, 0) + 1
        n = len(seen)
        if seen[payload] == 1 and n % 3 == 0:
            return None
        if seen[payload] == 1 and n % 7 == 0:
            return receipt(topic, payload, "rejected", errors=[{"code": "E_RATE"}])
        return receipt(topic, payload, duplicate=seen[payload] > 1)
    nursery = Nursery(broker, forgetful)
    done = sim("--url", broker.url, "--sites", 30, "--count", 300, "--rate", 500, "--until-receipted", "--resend", 1,
               "--json")
    nursery.close()
    r = report(done)
    assert r["unreceipted"] == 0 and r["sent"] == 300 and r["receipts"]["accepted"] == 300
    assert r["resent"] >= 100 + r["rate_limited"] > 100
    assert r["duplicates"] >= 100
    assert set(seen.values()) >= {1, 2}
    assert 900 <= r["latency_ms"]["max"] < 10000 and 0 < r["latency_ms"]["p50"] < r["latency_ms"]["max"]


def test_until_receipted_matches_messages_without_a_readable_seq(broker):
    nursery = Nursery(broker, receipt)
    r = report(sim("--url", broker.url, "--sites", 20, "--count", 1500, "--rate", 0, "--until-receipted", "--resend", 2,
                   "--scenario", "messy,hostile", "--json"))
    nursery.close()
    assert r["unreceipted"] == 0 and r["receipts"]["rejected"] > 0 and r["strange_receipts"] == 0


def test_until_receipted_without_receipts_fails(broker):
    nursery = Nursery(broker)
    done = sim("--url", broker.url, "--sites", 3, "--count", 5, "--until-receipted", "--settle", 2, "--resend", 1, "--json",
               check=False)
    nursery.close()
    assert done.returncode == 1
    assert report(done)["unreceipted"] == 5 and report(done)["resent"] >= 5


def test_outstanding_bounds_what_waits_for_a_receipt(broker):
    nursery = Nursery(broker)
    r = report(sim("--url", broker.url, "--rate", 0, "--seconds", 1, "--outstanding", 17, "--settle", 0, "--json"))
    nursery.close()
    assert r["sent"] == r["unreceipted"] == 17


def test_sandbox_goes_under_its_own_root(broker):
    nursery = Nursery(broker, receipt)
    r = report(sim("--url", broker.url, "--sandbox", "--sites", 5, "--count", 20, "--rate", 0, "--until-receipted", "--json"))
    nursery.close()
    assert r["receipts"]["accepted"] == 20 and all(t.startswith("nursery-test/v1/33/") for _, t, _ in nursery.got)


def test_a_live_fire_comes_at_its_time(broker):
    nursery = Nursery(broker)
    sim("--url", broker.url, "--scenario", "fire", "--fire-after", 1, "--step", 1, "--rate", 50, "--seconds", 5, "--settle", 0)
    nursery.close()
    began = nursery.got[0][0]
    fires = [t - began for t, topic, _ in nursery.got if topic.endswith("/incident")]
    assert fires == [pytest.approx(n, abs=0.4) for n in (1, 2, 3)]
    for _, topic, payload in nursery.got:
        assert judge(topic, json.loads(payload)) == set()


def test_days_before_now_are_reported_when_there_is_no_start(broker):
    nursery = Nursery(broker)
    sim("--url", broker.url, "--sites", 10, "--days", 5, "--rate", 0, "--settle", 0)
    nursery.close()
    days = {json.loads(p)["body"]["as_of"] for _, t, p in nursery.got if t.endswith("/enrolment")}
    today = (datetime.utcnow() + timedelta(hours=8)).date()
    assert days == {str(today - timedelta(days=n)) for n in range(5)}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_cleanly_with_the_report(broker, number):
    p = subprocess.Popen([SIM, "--data", str(DATA), "--url", broker.url, "--json", "--rate", "50"], stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL)
    time.sleep(1)
    p.send_signal(number)
    out, _ = p.communicate(timeout=10)
    assert p.returncode == 0
    r = json.loads(out)
    assert r["interrupted"] and r["sent"] == r["acknowledged"] > 10


def test_a_broker_that_comes_back_gets_the_rest(tmp_path):
    b = Broker(tmp_path)
    p = subprocess.Popen([SIM, "--data", str(DATA), "--url", b.url, "--json", "--rate", "100", "--seconds", "4", "--settle",
                          "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    time.sleep(1)
    b.stop()
    time.sleep(0.5)
    b.start()
    out, err = p.communicate(timeout=30)
    b.stop()
    assert p.returncode == 0 and b"trying again" in err
    r = json.loads(out)
    assert r["sent"] == r["acknowledged"] > 100


# ---- wrong usage is told ----

@pytest.mark.parametrize("args, word", [
    (["--sites", "0"], "from 1 to 200000"),
    (["--sites", "many"], "from 1 to 200000"),
    (["--bogus"], "--help"),
    (["quiet"], "--help"),
    (["--json=yes"], "--help"),
    (["--rate"], "needs a value"),
    (["--scenario", "party"], "--list-scenarios"),
    (["--scenario", ""], "--list-scenarios"),
    (["--start", "yesterday"], "2026-11-23T08:00:00+08:00"),
    (["--url", "http://127.0.0.1"], "mqtt://127.0.0.1:1883"),
    (["--url", "mqtt://127.0.0.1:0"], "mqtt://127.0.0.1:1883"),
    (["--url", "mqtt://192.0.2.1:1883"], "ssh -L"),
    (["--url", "mqtt://127.0.0.1.example:1883"], "ssh -L"),
    (["--protocol", "4"], "5 or 3.1.1"),
    (["--province", "99"], "such as 33"),
    (["--city", "110100"], "such as 330100"),
    (["--days", "3", "--scenario", "enrolment-load"], "leave --days away"),
    (["--until-receipted", "--no-receipts"], "leave one away"),
    (["--data", "/nonexistent"], "--data DIR"),
])
def test_wrong_usage_exits_2_and_says_what_to_do(args, word):
    done = subprocess.run([SIM, "--data", str(DATA), *args], capture_output=True, timeout=10)
    assert done.returncode == 2 and word in done.stderr.decode() and done.stdout == b""


def test_no_broker_exits_3_and_says_what_to_do():
    done = sim("--url", f"mqtt://127.0.0.1:{free_port()}", check=False)
    assert done.returncode == 3 and b"start one" in done.stderr


def test_a_broker_that_refuses_us_exits_3(tmp_path):
    b = Broker(tmp_path)
    b.stop()
    b.conf.write_text(b.conf.read_text().replace("allow_anonymous true", "allow_anonymous false"))
    b.start()
    done = sim("--url", b.url, check=False)
    b.stop()
    assert done.returncode == 3 and b"--username" in done.stderr


def test_help_and_scenarios_are_shown():
    text = sim("--help").stdout.decode()
    for option in ("--url", "--sites", "--seed", "--until-receipted", "--reset-epoch", "--print"):
        assert option in text
    listed = sim("--list-scenarios").stdout.decode()
    assert all(re.search(rf"^{name} ", listed, re.M) for name in ALL_SCENARIOS)


def test_every_option_is_in_the_manual():
    manual = (ROOT / "docs" / "nursery-sim.md").read_text()
    for option in re.findall(r"^  (--[a-z-]+)", sim("--help").stdout.decode(), re.M):
        assert f"`{option}" in manual, option
    for name in ALL_SCENARIOS:
        assert f"`{name}`" in manual
