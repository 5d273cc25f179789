# SPDX-License-Identifier: MIT
"""No personal data (CONTRACT §1): more than 10,000 hostile payloads through a real broker into a real nurseryd; then not
one of their secrets is found in the database, its WAL and SHM, the log, the receipts and other messages, or the API.
Look-alikes are accepted. The generator is seeded: PRIVACY_SEED=n for another run, PRIVACY_COUNT for more."""
import copy
import http.client
import json
import os
import pathlib
import random
import re
import socket
import subprocess
import time

import paho.mqtt.client as mqtt
import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("NURSERYD_BUILD", TOP / "build")).resolve()
COUNT = int(os.environ.get("PRIVACY_COUNT", 10500))
SEED = int(os.environ.get("PRIVACY_SEED", 20261124))
SITES = 300
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
DIGIT_SITE = "123301201503100948"  # a USCC that is an identity number by all its tests
KEYS = ("childname childrenname guardian parent parentname idcard idnumber passport phone mobile telephone birthday birthdate "
        "homeaddress photo diagnosis 姓名 家长 监护人 身份证 身份证号 护照 电话 联系电话 手机 手机号 住址 家庭住址 生日 出生日期 照片 诊断").split()
FEEDS = ("registration", "enrolment", "incident", "survey")


def uscc(rng):
    text = "52330106" + "".join(rng.choice(ALPHABET[10:]) for _ in range(9))
    total = sum(ALPHABET.index(c) * pow(3, i, 31) for i, c in enumerate(text))
    return text + ALPHABET[(31 - total % 31) % 31]


def identity_check(first17):
    total = sum(w * int(c) for w, c in zip((7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2), first17))
    return "10X98765432"[total % 11]


class Hostile:
    """Writes payloads and remembers the secrets in them."""

    def __init__(self, rng):
        self.rng, self.words, self.numbers = rng, set(), set()
        self.sites = [uscc(rng) for _ in range(SITES)]
        self.examples = {f: json.loads((TOP / f"tests/feeds/{f}/valid/contract-example.json").read_text()) for f in FEEDS}
        today = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 8 * 3600))
        self.examples["enrolment"]["body"]["as_of"] = today
        for m in self.examples.values():
            m["sent_at"] = f"{today}T00:00:00+08:00"
        for key in ("occurred_at", "known_at"):
            self.examples["incident"]["body"][key] = f"{today}T00:00:00+08:00"

    # --- secrets ---

    def word(self):
        word = f"zq{self.rng.getrandbits(48):012x}"
        self.words.add(word)
        return word

    def identity(self):
        r = self.rng
        first17 = f"{r.randint(11, 65)}{r.randint(0, 9999):04d}{r.randint(1930, 2025)}{r.randint(1, 12):02d}{r.randint(1, 28):02d}{r.randint(0, 999):03d}"
        number = first17 + identity_check(first17)
        self.numbers.add(first17)
        return number.lower() if r.random() < 0.3 else number

    def mobile(self):
        number = "1" + self.rng.choice("345689") + f"{self.rng.randint(0, 10**9 - 1):09d}"  # not 17…: a clock's milliseconds
        self.numbers.add(number)
        return number

    def written(self, number):
        """As people write it."""
        r, gap = self.rng, self.rng.choice(("", " ", "-", "  ", "\u3000", "\u2013"))
        text = r.choice((number, gap.join((number[:3], number[3:7], number[7:])), gap.join(number)))
        return r.choice(("", "+86", "0086", "86", "+86 ", "0086-", "+86-")) + text

    # --- messages ---

    def message(self, feed=None, seq=1, **change):
        feed = feed or self.rng.choice(FEEDS)
        m = copy.deepcopy(self.examples[feed])
        m.update(site=self.rng.choice(self.sites), seq=seq, sw=self.word(), **change)  # no byte of it may be kept
        if "name" in m["body"]:
            m["body"]["name"] = "托育园" + self.word()
        return feed, m

    def dump(self, m):
        return json.dumps(m, ensure_ascii=self.rng.random() < 0.3).encode()

    def places(self, value, path=()):
        """Every object and list inside, with the way to it."""
        found = [(path, value)] if isinstance(value, (dict, list)) else []
        items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        return found + [x for k, v in items for x in self.places(v, (*path, k))]

    def spelling(self, key):
        key = "".join(c.upper() if self.rng.random() < 0.4 else c for c in key)
        for sign in "_- ":
            if self.rng.random() < 0.4:
                at = self.rng.randint(0, len(key))
                key = key[:at] + sign + key[at:]
        return key

    def add(self, m, key, value):
        depth, thing = self.rng.choice([(p, x) for p, x in self.places(m) if len(p) < 4])
        if isinstance(thing, dict):
            thing[key] = value
        else:
            thing.append({key: value})
        return m

    def forbidden_key(self, seq):
        feed, m = self.message(seq=seq)
        return feed, m, self.dump(self.add(m, self.spelling(self.rng.choice(KEYS)), self.rng.choice((self.word(), 7, None, [self.word()], {"x": self.word()}))))

    def identity_in_a_field(self, seq):
        feed, m = self.message(seq=seq)
        _, thing = self.rng.choice([(p, x) for p, x in self.places(m) if x])
        key = self.rng.choice(list(thing) if isinstance(thing, dict) else range(len(thing)))
        where, topic_site = self.identity(), m["site"]
        thing[key] = self.rng.choice((where, f"号{where}。", f"{self.word()} {where}", f"-{where}-"))
        return feed, {**m, "site": topic_site}, self.dump(m)

    def identity_as_a_key(self, seq):
        feed, m = self.message(seq=seq)
        return feed, m, self.dump(self.add(m, self.rng.choice(("", "id ")) + self.identity(), self.rng.choice((1, self.word()))))

    def mobile_in_free_text(self, seq):
        feed, m = self.message("registration", seq=seq)
        if self.rng.random() < 0.5:
            m["body"]["name"] = f"园{self.written(self.mobile())}"
        else:
            m["reason"] = f"{self.word()}打{self.written(self.mobile())}找"
        return feed, m, self.dump(m)

    def mobile_in_an_unknown_field(self, seq):
        feed, m = self.message(seq=seq)
        number = self.mobile()
        key, value = self.rng.choice((("zz", int(number)), ("zz", self.written(number)), (self.written(number), 1), ("zz", [{"y": int(number)}]),
                                      ("zz", {"y": {self.written(number): None}}), ("zz", float(number)), ("zz", int("86" + number))))
        at = self.rng.choice((m, m["body"]))
        at[key] = value
        return feed, m, self.dump(m)

    def escaped(self, seq):
        feed, m, payload = self.rng.choice((self.identity_in_a_field, self.forbidden_key, self.mobile_in_free_text))(seq)
        text = payload.decode()
        escape = lambda s: "".join(f"\\u{ord(c):04x}" if self.rng.random() < 0.5 and ord(c) < 0x10000 else c for c in s)
        return feed, m, re.sub(r'"((?:[^"\\]|\\.)*)"', lambda s: s[0] if "\\" in s[1] else f'"{escape(s[1])}"', text).encode()

    def unparsable(self, seq):
        feed, m, payload = self.any_of_the_above(seq)
        r = self.rng
        return feed, m, r.choice((payload[:-1], payload[: -r.randint(1, 20)] + b" ", payload + b"}", b"\xef\xbb\xbf" + payload, payload.replace(b":", b"=", 1),
                                  payload.replace(b'"kind"', b'"v":2,"kind"'), b"[[[[[[[" + payload + b"]]]]]]]", payload[:-1] + b',"x":"\\u0000"}'))

    def invalid_utf8(self, seq):
        feed, m, payload = self.any_of_the_above(seq)
        at = self.rng.randint(1, len(payload) - 1)
        return feed, m, payload[:at] + self.rng.choice((b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xe6\x89")) + payload[at:]

    def too_large(self, seq):
        feed, m, payload = self.any_of_the_above(seq)
        return feed, m, payload[:-1] + b" " * 65600 + payload[-1:]

    def any_of_the_above(self, seq):
        return self.rng.choice((self.forbidden_key, self.identity_in_a_field, self.identity_as_a_key, self.mobile_in_free_text,
                                self.mobile_in_an_unknown_field))(seq)

    def everything(self, count):
        kinds = ((self.forbidden_key, 20), (self.identity_in_a_field, 20), (self.identity_as_a_key, 10), (self.mobile_in_free_text, 14),
                 (self.mobile_in_an_unknown_field, 14), (self.escaped, 10), (self.unparsable, 6), (self.invalid_utf8, 5), (self.too_large, 1))
        names, weights = zip(*kinds)
        for seq in range(1, count + 1):
            kind = self.rng.choices(names, weights)[0]
            feed, m, payload = kind(seq)
            yield kind.__name__, f"nursery/v1/33/330106/{m['site']}/up/{feed}", payload


def look_alikes(hostile):
    """Accepted, every one."""
    own = uscc(random.Random(7))

    def made(seq, feed="registration", site=None, envelope=None, **body):
        m = copy.deepcopy(hostile.examples[feed])
        m.update(site=site or own, seq=seq, **(envelope or {}))
        m["body"].update(body)
        return f"nursery/v1/33/330106/{m['site']}/up/{feed}", json.dumps(m, ensure_ascii=False).encode()

    amend = {"kind": "amend", "ref": {"epoch": 1, "seq": 1}}
    return [made(90001, filing_no="330106-2023-0042"), made(90002, filing_no="13010220230"), made(90003, filing_no="13800138000"),
            made(90004, name="石家庄市长安区 130102-2023-0042 园"), made(90005, name="编号138001380001"), made(90006, name="编号9913800138000"),
            made(90007, name="110105194912310021"), made(90008, name="1" + "11010519491231002X"), made(90009, name="A11010519491231002X"),
            made(90010, name="110105202302300011"), made(90011, name="12330106000000035"), made(90012, name="12800138000"),
            made(90013, envelope={**amend, "reason": "site 52330106MJ0000018E, row 1380013800012"}), made(90014, envelope={"sw": "13800138000"}),
            made(90015, envelope={"x": 1380013800}), made(90016, envelope={"x": 138001380001}), made(90017, "enrolment", places=130102),
            made(90018, "incident", event="13800138000", loss_yuan=13800138000), made(1, site=DIGIT_SITE), made(2, site=DIGIT_SITE + "-07"),
            made(90019, name=own), made(90020, name="123301061234567"), made(90021, "survey", token="1380013800013800")]


# --- the world ---


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait(what, seconds=120):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.05)


class Daemon:
    def __init__(self, where):
        self.where, self.broker_port, self.port, self.heard = where, free_port(), free_port(), []
        (where / "m.conf").write_text(f"listener {self.broker_port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n")
        (where / "n.conf").write_text(f'store: {{ path = "n.db"; }};\npolicy = "{TOP}/config/policy.conf";\n'
                                      f'mqtt: {{ url = "mqtt://127.0.0.1:{self.broker_port}"; }};\n'
                                      f'http: {{ listen = "127.0.0.1:{self.port}"; socket = "n.sock"; }};\n'
                                      'limits: { per_site = "100000/min"; };\nlog: { level = "debug"; };\n')
        self.broker = subprocess.Popen(["mosquitto", "-c", where / "m.conf"], stderr=open(where / "broker.log", "w"))
        self.client = mqtt.Client(protocol=mqtt.MQTTv311)
        self.client.max_inflight_messages_set(500)
        self.client.on_message = lambda c, u, m: self.heard.append((m.topic, m.payload))
        self.client.on_connect = lambda c, u, f, rc: c.subscribe([("nursery/v1/+/+/+/down/#", 1), ("nurseryd/#", 1)])
        wait(self.connected, 20)
        self.client.loop_start()
        env = dict(os.environ, NURSERYD_DATADIR=str(TOP / "config/data"))
        self.process = subprocess.Popen([BUILD / "nurseryd", "-c", where / "n.conf"], stderr=open(where / "log", "w"), env=env)
        wait(lambda: any(t == "nurseryd/v1/status" and p.strip(b'"') == b"online" for t, p in self.heard), 30)

    def connected(self):
        try:
            return self.client.connect("127.0.0.1", self.broker_port) == 0
        except OSError:
            return False

    def receipts(self):
        return [json.loads(p) for t, p in self.heard if t.endswith("/down/receipt")]

    def publish(self, messages):
        count = sum(t.endswith("/down/receipt") for t, _ in self.heard)
        for topic, payload in messages:
            self.client.publish(topic, payload, qos=1)
        wait(lambda: sum(t.endswith("/down/receipt") for t, _ in self.heard) >= count + len(messages), 300)
        return self.receipts()[count:]

    def get(self, path):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        c.request("GET", path)
        return c.getresponse().read()

    def pages(self, path):
        after, out = "", b""
        while after is not None:
            page = self.get(f"{path}?limit=1000{after}")
            out += page
            following = json.loads(page).get("next")
            after = f"&after={following}" if following else None
        return out

    def stop(self):
        for process in (self.process, self.broker):
            if process.poll() is None:
                process.terminate()
            assert process.wait(30) == 0
        self.client.loop_stop()


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    d = Daemon(tmp_path_factory.mktemp("privacy"))
    yield d
    d.stop()


@pytest.fixture(scope="module")
def run(daemon):
    hostile = Hostile(random.Random(SEED))
    messages = list(hostile.everything(COUNT))
    receipts = daemon.publish([m[1:] for m in messages])
    return hostile, messages, receipts


RUN = re.compile(rb"[0-9](?:[0-9 -]|\xe3\x80\x80|\xe2\x80\x93|\xc2\xa0)*")


def secrets_in(blob, hostile):
    found = {w for w in re.findall(r"zq[0-9a-f]{12}", blob.decode("latin-1")) if w in hostile.words}
    for run in set(RUN.findall(blob)):
        digits = re.sub(rb"[^0-9]", b"", run).decode()
        for size in (11, 17):
            found |= {digits[i:i + size] for i in range(len(digits) - size + 1) if digits[i:i + size] in hostile.numbers}
    return found


def test_the_search_finds_a_secret_that_is_there(run):
    hostile, messages, _ = run
    assert len(hostile.words) > 1000 and len(hostile.numbers) > 1000
    for _, _, payload in messages[:200]:
        if b"\\u" not in payload:
            assert secrets_in(payload, hostile), payload


def test_every_hostile_payload_is_refused(run):
    _, messages, receipts = run
    assert len(receipts) == len(messages) >= min(COUNT, 10000)
    readable = {r["seq"]: r for r in receipts if r["seq"] is not None}
    for seq, (kind, topic, payload) in enumerate(messages, 1):
        if kind in ("unparsable", "invalid_utf8", "too_large") or seq not in readable:
            continue
        receipt = readable[seq]
        assert receipt["status"] == "refused_pii", (kind, payload, receipt)
        assert {e["code"] for e in receipt["errors"]} == {"E_PII"} and not any("got" in e for e in receipt["errors"])
    # a payload whose seq itself was replaced, or that is not JSON: named by its hash
    for receipt in receipts:
        assert receipt["status"] in ("refused_pii", "rejected")
        assert receipt["status"] == "refused_pii" or {e["code"] for e in receipt["errors"]} <= {"E_JSON", "E_TOO_LARGE"}, receipt
        assert all(len(e.get("got", "")) <= 64 for e in receipt["errors"])
        assert receipt["seq"] is not None or len(receipt["sha256"]) == 64


def test_no_secret_is_in_the_database_its_wal_and_its_shm(daemon, run):
    for path in daemon.where.glob("n.db*"):
        assert not secrets_in(path.read_bytes(), run[0]), path


def test_no_secret_is_in_the_log(daemon, run):
    for name in ("log", "broker.log"):
        assert not secrets_in((daemon.where / name).read_bytes(), run[0])


def test_no_secret_leaves_by_mqtt(daemon, run):
    for topic, payload in daemon.heard:
        assert not secrets_in(topic.encode() + b" " + payload, run[0]), payload


def test_no_secret_is_shown_by_the_api(daemon, run):
    hostile, _, receipts = run
    out = b"".join(daemon.pages(f"/api/v1/{p}") for p in ("messages", "sites", "units", "alerts"))
    out += b"".join(daemon.get(f"/api/v1/messages/{r['ledger']}") for r in receipts[::50] if r["ledger"])
    out += b"".join(daemon.get(f"/api/v1/sites/{site}") for site in hostile.sites[:20]) + daemon.get("/metrics")
    out += subprocess.run([BUILD / "nurseryctl", "--json", "--db", daemon.where / "n.db", "messages"], capture_output=True).stdout
    assert out.count(b"refused_pii") > 100 and not secrets_in(out, hostile)
    first = next(r for r in receipts if r["ledger"] and r["feed"] == "enrolment")  # incidents and surveys need a role
    kept = json.loads(daemon.get(f"/api/v1/messages/{first['ledger']}"))
    assert kept["payload_kept"] is False and "hmac_sha256" in str(kept["payload"])


def test_look_alikes_are_accepted(daemon, run):
    messages = look_alikes(run[0])
    receipts = daemon.publish(messages)
    refused = [(m[1].decode(), r["errors"]) for m, r in zip(messages, receipts) if r["status"] != "accepted"]
    assert not refused


def test_no_secret_is_left_when_the_daemon_has_stopped(daemon, run):
    daemon.process.terminate()
    assert daemon.process.wait(30) == 0
    for path in [*daemon.where.glob("n.db*"), daemon.where / "log"]:
        assert not secrets_in(path.read_bytes(), run[0]), path
    done = subprocess.run([BUILD / "nurseryctl", "--db", daemon.where / "n.db", "verify"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
