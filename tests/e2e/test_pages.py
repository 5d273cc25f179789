# SPDX-License-Identifier: MIT
"""From an incident to a person: pages reach real outlets at least once with one key, whatever dies in between."""
import json
import os
import random
import re
import signal
import statistics
import subprocess
import time
from urllib.parse import unquote

import pytest
from live import BUILD, SITE, TOP, Broker, Daemon, Sender, example, topic, wait_until
from pages_rig import SECRET, Alertmanager, Mails, Recorder, dingtalk_sign, feishu_sign, rows, signed_rightly

KILLS = int(os.environ.get("NURSERYD_PAGE_KILLS", "20"))
LATENCIES = int(os.environ.get("NURSERYD_PAGE_LATENCIES", "40"))


class World:
    """Broker, daemon and one nursery that is registered."""

    def __init__(self, directory, notify, policy=None):
        self.directory = directory
        (directory / "secret").write_text(SECRET + "\n")
        self.broker = Broker(directory).start()
        self.daemon = Daemon(directory, f'url = "mqtt://127.0.0.1:{self.broker.port}";', f"notify: {{ {notify} }};")
        if policy:
            text = (TOP / "config/policy.conf").read_text()
            for old, new in policy.items():
                assert text.count(old) == 1, old
                text = text.replace(old, new)
            (directory / "policy.conf").write_text(text)
            self.daemon.conf.write_text(self.daemon.conf.read_text().replace(f"{TOP}/config/policy.conf", "policy.conf"))
        self.daemon.start().wait_ready()
        self.sender, self.seq = Sender(self.broker), 0
        self.sender.wait()
        self.sender.send(topic("registration"), example("registration", 1, name="西湖区第一托育中心"))

    def incident(self, event=None, **change):
        self.seq += 1
        self.sender.send(topic("incident"), example("incident", self.seq, event=event or f"INC-{self.seq}", **change))

    def reconfigure(self, notify):
        text = self.daemon.conf.read_text()
        self.daemon.conf.write_text(text[:text.index("notify:")] + f"notify: {{ {notify} }};\n")
        self.daemon.process.send_signal(signal.SIGHUP)

    def ctl(self, *args):
        return subprocess.run([BUILD / "nurseryctl", "--socket", self.directory / "nurseryd.sock", *args], capture_output=True, text=True)

    def close(self):
        self.sender.close()
        self.daemon.stop()
        self.broker.stop()


@pytest.fixture
def world(tmp_path):
    made = []

    def make(notify, policy=None):
        made.append(World(tmp_path, notify, policy))
        return made[-1]
    yield make
    for w in made:
        w.close()
        log = w.daemon.log.read_text(errors="replace")
        assert "Sanitizer" not in log, log[-4000:]


@pytest.fixture
def hook():
    r = Recorder()
    yield r
    r.stop()


def webhook(url, name="hook", trust="inside", more=""):
    return f'{{ name = "{name}"; kind = "webhook"; trust = "{trust}"; urls = [ "{url}" ]; secret_file = "secret"; {more} }}'


def test_an_s1_reaches_a_webhook_signed_with_the_line_that_fits_a_text_message(world, hook):
    w = world(f"sinks = ( {webhook(hook.url)}, {webhook(hook.url, 'abroad', 'outside')} );")
    w.incident("INC-1", services_stopped=True)
    wait_until(lambda: len(hook.bodies()) == 2, 10, "two pages")
    assert all(signed_rightly(h) for h in hook.heard)
    assert not any(signed_rightly(h, "another secret") for h in hook.heard)
    inside, = [b for b in hook.bodies() if "alert" in b]
    assert re.fullmatch(r"【S1】杭州西湖 西湖区第一托育中心 \d\d:\d\d 火灾 儿童危重1 轻伤2\|已停园\|1小时时限剩(60|59)分\|案 C-\d{4}-001\|回 ACK",
                        re.sub(r" \d\d-\d\d ", " ", inside["line"]))
    assert inside["alert"]["subject"] == f"{SITE}/INC-1"
    outside, = [b for b in hook.bodies() if "alert" not in b]
    case, = re.findall(r"C-\d{4}-001", inside["line"])
    assert outside == {"v": 1, "kind": "raise", "drill": False, "severity": "S1", "unit": "330100", "case": case,
                       "line": f"【S1】330100|案 {case}"}


def test_the_brief_begins_with_the_line_and_says_what_is_not_known(world, hook):
    w = world(f"sinks = ( {webhook(hook.url)} );")
    w.incident("INC-0", type="fall", children={"dead": 0, "critical": 0, "serious": 0, "minor": 1, "missing": 0})
    w.incident("INC-1", children={"dead": 0, "critical": 1, "serious": 0, "minor": 2, "missing": None})
    wait_until(lambda: hook.bodies(), 10, "the page")
    done = w.ctl("brief", "A-000001")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("【S1】杭州西湖 西湖区第一托育中心") and re.search(r"\|案 C-\d{4}-001\|回 ACK$", lines[0]) and "伤亡未明" in lines[0]
    brief = json.loads(w.ctl("--json", "brief", "A-000001").stdout)
    assert "儿童失联" in [u["zh"] for u in brief["unknown"]] and "儿童危重 1" in [k["zh"] for k in brief["known"]]
    assert brief["grade"]["now"] == "ordinary" and brief["grade"]["changes"]["zh"].startswith("死亡再增3人，或重伤（含危重）再增9人")
    assert [(c["zh"], c["left_minutes"]) for c in brief["clocks"]][:2] == [("机构 → 县级", 59), ("县级 → 市级", 119)]
    assert [e["event"] for e in brief["earlier"]] == ["INC-0"] and brief["site"]["registration"]["name"] == "西湖区第一托育中心"
    assert [t["what"] for t in brief["timeline"]][:4] == ["occurred", "known", "reported", "alert raised"]
    assert brief["first_report"]["zh"].startswith("关于杭州西湖西湖区第一托育中心火灾事件的首报")
    assert w.ctl("brief", "A-000999").returncode == 1 and w.ctl("brief", "x/y").returncode == 2
    tcp = subprocess.run(["curl", "-s", "-o", os.devnull, "-w", "%{http_code}", f"http://127.0.0.1:{w.daemon.http}/api/v1/alerts/A-000001/brief"],
                         capture_output=True, text=True)
    assert tcp.stdout in ("401", "403")


def test_a_redelivered_amended_or_later_message_calls_nobody_twice_and_neither_does_a_restart(world, hook):
    w = world(f"sinks = ( {webhook(hook.url)} );")
    w.incident("INC-1")
    wait_until(lambda: hook.bodies(), 10, "the page")
    w.incident("INC-1", stage="follow_up")
    w.daemon.stop()
    w.daemon.start().wait_ready()
    w.incident("INC-2")
    wait_until(lambda: len(hook.bodies()) >= 2, 10, "the second event's page")
    assert len(hook.bodies()) == 2 and len(set(hook.keys())) == 2


def test_a_backfilled_event_raises_its_alert_and_nobody_is_called(world, hook):
    w = world(f"sinks = ( {webhook(hook.url)} );")
    w.incident("OLD", known_at="2026-01-02T01:20:00+08:00", occurred_at="2026-01-02T01:10:00+08:00")
    w.incident("NEW")
    wait_until(lambda: hook.bodies(), 10, "the new one's page")
    assert len(rows(w.daemon, "SELECT 1 FROM alert")) == 2
    assert [b["alert"]["subject"] for b in hook.bodies()] == [f"{SITE}/NEW"]


def test_robots_get_their_own_words_and_signatures(world):
    hooks = {kind: Recorder() for kind in ("wecom", "dingtalk", "feishu")}
    for kind, r in hooks.items():
        r.answers = [(200, '{"code":0}' if kind == "feishu" else '{"errcode":0,"errmsg":"ok"}')]
    sink = '{{ name = "{0}"; kind = "{0}"; trust = "inside"; urls = [ "{1}?access_token=" ]; token_file = "token"; {2} }}'
    signs = 'secret_file = "secret";'
    try:
        notify = "sinks = ( " + ", ".join(sink.format(k, r.url, signs if k != "wecom" else "") for k, r in hooks.items()) + " );"
        w = world(notify)
        (w.directory / "token").write_text("T0KEN\n")
        w.sender.send(topic("registration"), example("registration", 2, name='<at user_id="all">x</at>'))
        w.incident()
        for kind, r in hooks.items():
            wait_until(lambda r=r: r.bodies(), 10, kind)
            assert "access_token=T0KEN" in r.heard[0]["path"]
        body = hooks["wecom"].bodies()[0]
        assert body["msgtype"] == "text" and body["text"]["content"].startswith("【S1】杭州西湖 ＜at user_id=")
        path = hooks["dingtalk"].heard[0]["path"]
        stamp, sign = re.search(r"&timestamp=(\d+)&sign=(.*)$", path).groups()
        assert unquote(sign) == dingtalk_sign(stamp, SECRET)
        body = hooks["feishu"].bodies()[0]
        assert body["sign"] == feishu_sign(body["timestamp"], SECRET) and "<" not in body["content"]["text"]
    finally:
        for r in hooks.values():
            r.stop()


def test_a_robot_that_answers_200_and_says_no_is_asked_again(world, hook):
    hook.answers = [(200, '{"errcode":45009,"errmsg":"freq"}'), (200, "not json"), (200, '{"errcode":0}')]
    w = world(f'sinks = ( {{ name = "r"; kind = "wecom"; urls = [ "{hook.url}" ]; }} );')
    w.incident()
    wait_until(lambda: len(hook.heard) == 3, 20, "three attempts")
    wait_until(lambda: rows(w.daemon, "SELECT 1 FROM notification WHERE delivered_at IS NOT NULL AND attempts = 3"), 5, "delivered")
    assert '"page.not_delivered"' not in w.daemon.says() and "page.not_delivered" in w.daemon.says()


@pytest.mark.parametrize("status", [302, 400, 401, 404, 429, 500, 503, 0])
def test_whatever_a_receiver_answers_the_page_comes_again_with_the_same_key(world, hook, status):
    hook.answers = [(status, "no", {"Location": "http://127.0.0.1:1/elsewhere"} if status == 302 else {}), (200, "{}")]
    w = world(f"sinks = ( {webhook(hook.url)} );")
    w.incident()
    wait_until(lambda: len(hook.heard) == 2, 20, "again")
    assert len({h["headers"]["Idempotency-Key"] for h in hook.heard}) == 1 and all(signed_rightly(h) for h in hook.heard)
    assert {h["path"] for h in hook.heard} == {"/hook"}


def test_a_receiver_that_is_away_gets_its_pages_later_and_holds_up_nobody_else(world, hook):
    away = Recorder()
    away.stop()
    w = world(f"sinks = ( {webhook(away.url, 'away')}, {webhook(hook.url)} );")
    try:
        for _ in range(5):
            w.incident()
        wait_until(lambda: len(hook.bodies()) == 5, 10, "the one who is there")
        wait_until(lambda: "nurseryd_pages_waiting 5" in subprocess.run(
            ["curl", "-s", f"http://127.0.0.1:{w.daemon.http}/metrics"], capture_output=True, text=True).stdout, 5, "five wait")
        away.start()
        wait_until(lambda: len(set(away.keys())) == 5, 70, "the one who came back")
    finally:
        away.stop()


def test_mail_goes_over_starttls_with_a_password_and_says_it_in_utf8(world, tmp_path):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", tmp_path / "k.pem", "-out", tmp_path / "c.pem", "-days", "2",
                    "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    (tmp_path / "mail-password").write_text("nurseryd:geheim\n")
    mails = Mails(tmp_path / "c.pem", tmp_path / "k.pem", ("nurseryd", "geheim"))
    mails.answers = ["451 later", "554 never"]
    try:
        w = world(f'sinks = ( {{ name = "mail"; kind = "mail"; trust = "inside"; urls = [ "smtp://127.0.0.1:{mails.port}" ]; ca_file = "c.pem";'
                  f' secret_file = "mail-password"; from = "nurseryd@example.org"; to = [ "duty@example.org", "two@example.org" ]; }} );')
        w.incident("INC-1")
        wait_until(lambda: mails.letters, 30, lambda: "a letter: " + w.daemon.says()[-2000:])
        got = mails.letters[0]
        assert got["tls"] and got["from"] == "nurseryd@example.org" and got["to"] == ["duty@example.org", "two@example.org"]
        letter = got["letter"]
        assert letter["Subject"].startswith("【S1】杭州西湖 西湖区第一托育中心") and "nurseryctl brief A-000001" in letter.get_content()
        assert letter["Subject"].endswith("回 ACK") and letter["Auto-Submitted"] == "auto-generated"
        wait_until(lambda: rows(w.daemon, "SELECT attempts, '<' || key || '@nurseryd>' FROM notification") == [(3, letter["Message-ID"])], 5, "its record")
    finally:
        mails.stop()


def test_mail_is_not_sent_without_tls(world, tmp_path):
    mails = Mails()
    try:
        w = world(f'sinks = ( {{ name = "mail"; kind = "mail"; urls = [ "smtp://127.0.0.1:{mails.port}" ]; from = "a@b"; to = [ "c@d" ]; }} );')
        w.incident()
        wait_until(lambda: "page.not_delivered" in w.daemon.says(), 15, "refused by ourselves")
        assert not mails.letters
    finally:
        mails.stop()


def test_every_alertmanager_has_the_alert_while_it_is_open_and_its_end(world, tmp_path):
    one, two = Alertmanager(tmp_path, "one").start(), Alertmanager(tmp_path, "two")
    try:
        w = world(f'sinks = ( {{ name = "am"; kind = "alertmanager"; trust = "inside"; resolve_timeout = "6s"; urls = [ "{one.url}", "{two.url}/" ]; }} );')
        w.sender.send(topic("incident"), "not json")
        wait_until(lambda: one.alerts(), 10, "the alert")
        labels = one.alerts()[0]["labels"]
        assert labels["alertname"] == "incident-unreadable" and labels["severity"] == "S1" and labels["unit"] == "330100"
        two.start()
        wait_until(lambda: two.alerts(), 70, "the peer that came later")
        time.sleep(8)  # longer than resolve_timeout: it is only there because it is said again
        assert one.alerts() and two.alerts()
        w.incident(type="other", children={"dead": 0, "critical": 0, "serious": 0, "minor": 0, "missing": 0})
        wait_until(lambda: not one.alerts() and not two.alerts(), 15, "its end")
    finally:
        one.stop()
        two.stop()


ROUTES = """contacts = ( {{ name = "officer"; sink = "hook"; address = "o@x"; }}, {{ name = "deputy"; sink = "hook"; }}, {{ name = "zhejiang"; sink = "hook"; }} );
routes = ( {{ severity = [ "S1", "S2" ]; unit = "33"; sinks = [ {sinks} ]; contacts = [ "officer", "deputy" ]; province = [ "zhejiang" ]; }},
           {{ unit = "32"; contacts = [ "zhejiang" ]; }}, {{ drill = true; contacts = [ "deputy" ]; }} );"""
FAST = {'next_contact = "5m"': 'next_contact = "1s"', 'province = "15m"': 'province = "3s"'}


def test_a_page_that_nobody_acknowledges_goes_to_the_next_contact_and_then_to_the_province(world, hook):
    w = world(f"sinks = ( {webhook(hook.url)} ); " + ROUTES.format(sinks=""), FAST)
    w.incident()
    wait_until(lambda: len(hook.bodies()) == 3, 15, "three people")
    assert [(b["kind"], b["contact"]) for b in hook.bodies()] == [("raise", "officer"), ("escalate", "deputy"), ("escalate", "zhejiang")]
    times = [h["at"] for h in hook.heard]
    assert 0.5 < times[1] - times[0] < 3 and 2.5 < times[2] - times[0] < 5
    assert hook.bodies()[1]["line"].startswith("【无人应答，升级】【S1】") and hook.bodies()[0]["address"] == "o@x"
    time.sleep(2)
    assert len(hook.bodies()) == 3 and not rows(w.daemon, "SELECT 1 FROM escalation")


def test_a_closed_alert_is_not_escalated_and_whoever_was_called_hears_of_it(world, hook):
    w = world(f"sinks = ( {webhook(hook.url)} ); " + ROUTES.format(sinks='"hook"'), {**FAST, 'next_contact = "5m"': 'next_contact = "3s"'})
    w.sender.send(topic("incident"), "not json")
    wait_until(lambda: len(hook.bodies()) == 2, 10, "the page")
    w.incident(type="other", children={"dead": 0, "critical": 0, "serious": 0, "minor": 0, "missing": 0})
    wait_until(lambda: len(hook.bodies(kind="resolve")) == 2, 10, "the end")
    time.sleep(4)
    assert not hook.bodies(kind="escalate")


def test_a_drill_is_marked_and_uses_its_own_routes(world, hook):
    w = world(f"drill = true; sinks = ( {webhook(hook.url)} ); " + ROUTES.format(sinks='"hook"'))
    w.incident()
    wait_until(lambda: hook.bodies(), 10, "the page")
    body, = hook.bodies()
    assert body["contact"] == "deputy" and body["drill"] and body["line"].startswith("【演练】【S1】")


def test_quiet_hours_never_hold_back_s1(world, hook):
    w = world(f'quiet_from = "00:00"; quiet_until = "23:59"; sinks = ( {webhook(hook.url)} );')
    w.incident()
    wait_until(lambda: hook.bodies(), 10, "the page")


def test_a_reload_brings_new_sinks_and_who_switches_pages_on_is_not_called_of_the_past(world, hook):
    w = world("sinks = ( );")
    w.incident("BEFORE")
    wait_until(lambda: rows(w.daemon, "SELECT 1 FROM alert"), 10, "the alert")
    w.reconfigure(f"sinks = ( {webhook(hook.url)} );")
    wait_until(lambda: "reloaded" in w.daemon.says(), 10, "the reload")
    w.incident("AFTER")
    wait_until(lambda: hook.bodies(), 10, "the page")
    assert [b["alert"]["subject"] for b in hook.bodies()] == [f"{SITE}/AFTER"]


def test_killed_at_any_moment_each_page_is_delivered_at_least_once_with_one_key(world, hook):
    w = world(f"sinks = ( {webhook(hook.url)} );")
    seed = int(os.environ.get("NURSERYD_SEED", time.time()))
    print("seed", seed)
    dice = random.Random(seed)
    hook.delay = lambda: dice.random() * 0.04  # so that some die between the delivery and its record
    for i in range(KILLS):
        hook.answers = [(dice.choice([200, 200, 500, 0]), "{}"), (200, "{}")]
        w.incident(f"K-{i}")
        time.sleep(dice.random() ** 3 * 0.06)
        w.daemon.process.kill()
        w.daemon.process.wait()
        w.daemon.start().wait_ready()
    w.incident("LAST")
    subjects = {f"{SITE}/K-{i}" for i in range(KILLS)} | {f"{SITE}/LAST"}
    wait_until(lambda: {b["alert"]["subject"] for b in hook.bodies()} == subjects, 90,
               lambda: f"missing {subjects - {b['alert']['subject'] for b in hook.bodies()}}")
    wait_until(lambda: not rows(w.daemon, "SELECT 1 FROM notification WHERE next_at IS NOT NULL"), 70, "all on record")
    by_subject = {}
    for h in hook.heard:
        by_subject.setdefault(json.loads(h["body"])["alert"]["subject"], set()).add(h["headers"]["Idempotency-Key"])
    assert all(len(keys) == 1 for keys in by_subject.values())
    repeats = len(hook.keys()) - len(subjects)
    print(f"{KILLS} kills, {len(subjects)} pages, {repeats} delivered again")
    done = w.ctl("verify")
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_s1_is_on_its_way_at_once_beside_a_thousand_messages_a_second(world, hook):
    w = world(f"sinks = ( {webhook(hook.url)} );")
    load = subprocess.Popen([BUILD / "nursery-sim", "--url", f"mqtt://127.0.0.1:{w.broker.port}", "--sites", "500", "--rate", "1000", "--scenario",
                             "enrolment-load", "--data", TOP / "config/data", "--province", "32"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until(lambda: rows(w.daemon, "SELECT max(n) FROM ledger")[0][0] > 2000, 30, "the load")
    first, began = rows(w.daemon, "SELECT max(n) FROM ledger")[0][0], time.time()
    sent = {}
    try:
        for i in range(LATENCIES):
            sent[f"{SITE}/L-{i}"] = time.time()
            w.incident(f"L-{i}")
            time.sleep(0.05)
        wait_until(lambda: len(hook.bodies()) == LATENCIES, 30, "all pages")
        rate = (rows(w.daemon, "SELECT max(n) FROM ledger")[0][0] - first) / (time.time() - began)
    finally:
        load.kill()
        load.wait()
    ms = sorted((h["at"] - sent[json.loads(h["body"])["alert"]["subject"]]) * 1000 for h in hook.heard)
    print(f"published to delivered: p50 {statistics.median(ms):.1f} ms, p99 {ms[int(len(ms) * 0.99) - 1]:.1f} ms of {len(ms)} beside {rate:.0f} rows/s")
    raised = dict(rows(w.daemon, "SELECT subject, raised_at FROM alert"))
    paged = [h["at"] * 1000 - raised[json.loads(h["body"])["alert"]["subject"]] for h in hook.heard]
    print(f"received to delivered: p50 {statistics.median(paged):.1f} ms")
    # A machine that cannot take the load has a queue in front of the door; behind it a page does not wait.
    assert statistics.median(paged) < 500 and (rate < 900 or statistics.median(ms) < 500)
