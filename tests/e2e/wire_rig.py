# SPDX-License-Identifier: MIT
"""A private broker, a private nurseryd, and senders that keep their receipts: real parts on loopback."""
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import threading
import time
from datetime import datetime, timedelta, timezone

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("NURSERYD_BUILD", TOP / "build")).resolve()
MOSQUITTO = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
SHANGHAI = timezone(timedelta(hours=8))
SITE, OTHER = "52330106MJ0000018E", "91330106MA0000023E"
HANGZHOU = "330106"
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)


def site_code(i):
    first = f"52330106{i:09d}"
    return first + ALPHABET[(31 - sum(ALPHABET.index(c) * w for c, w in zip(first, WEIGHTS)) % 31) % 31]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_until(condition, seconds, what):
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.02)


def now_text(**shift):
    return (datetime.now(SHANGHAI) + timedelta(**shift)).isoformat(timespec="seconds")


def message(seq, body, kind="report", site=SITE, division=HANGZHOU, epoch=1, **more):
    m = {"v": 1, "site": site, "division": division, "epoch": epoch, "seq": seq, "sent_at": now_text(), "kind": kind, "body": body}
    return {**m, **more}


def registration(**change):
    return {"effective_on": "2026-01-01", "name": "第一托育中心", "facility": "nursery", "registrar": "civil",
            "registration": "registered", "filing": "filed", "operation": "operating",
            "places": {"infant": 10, "toddler": 15, "older": 35, "mixed": 0}, **change}


def enrolment(days_ago=0, toddlers=14, **change):
    return {"as_of": (datetime.now(SHANGHAI) - timedelta(days=days_ago)).date().isoformat(), "open": True, "places": 60,
            "enrolled": {"under12": 4, "m12_23": toddlers, "m24_35": 24, "over36": 0},
            "mode": {"fullday": 28 + toddlers, "halfday": 0, "hourly": 0, "temporary": 0}, **change}


def incident(event="INC-1", **change):
    return {"event": event, "stage": "first", "occurred_at": now_text(minutes=-20), "known_at": now_text(minutes=-10),
            "type": "fall", "children": {"dead": 0, "critical": 0, "serious": 0, "minor": 1, "missing": 0}, **change}


class Process:
    process = None

    def send_signal(self, number):
        self.process.send_signal(number)

    def end(self, number=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(number)
            self.process.wait(30)


class Broker(Process):
    def __init__(self, directory, persistence=True, address="127.0.0.1", prefix=()):
        self.directory, self.port, self.address, self.prefix = directory, free_port(), address, list(prefix)
        directory.mkdir(exist_ok=True)
        self.write(persistence)

    def write(self, persistence):
        stored = (f"persistence true\npersistence_location {self.directory}/\nautosave_interval 1\n" if persistence
                  else "persistence false\n")
        (self.directory / "m.conf").write_text(
            f"listener {self.port} {self.address}\nallow_anonymous true\nmax_queued_messages 0\nmax_inflight_messages 0\n"
            f"sys_interval 0\nlog_type error\nuser root\n{stored}")

    def start(self):
        self.process = subprocess.Popen([*self.prefix, MOSQUITTO, "-c", str(self.directory / "m.conf")],
                                        stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        wait_until(self.answers, 20, "mosquitto listens")
        return self

    def answers(self):
        try:
            socket.create_connection((self.address, self.port), 1).close()
            return True
        except OSError:
            return False


class UnixHTTP(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=60)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Daemon(Process):
    def __init__(self, directory, broker, per_site="120/min", gap_grace="10m", client_id=""):
        self.directory, self.broker = directory, broker
        directory.mkdir(exist_ok=True)
        self.socket, self.db, self.log = directory / "n.sock", directory / "n.db", directory / "log"
        self.configure(per_site, gap_grace, client_id)

    def configure(self, per_site="120/min", gap_grace="10m", client_id=""):
        (self.directory / "n.conf").write_text(f"""
            store: {{ path = "n.db"; }};
            policy = "{TOP}/config/policy.conf";
            mqtt: {{ url = "mqtt://{self.broker.address}:{self.broker.port}"; gap_grace = "{gap_grace}"; client_id = "{client_id}"; }};
            http: {{ listen = ""; socket = "n.sock"; }};
            limits: {{ per_site = "{per_site}"; }};
            log: {{ level = "debug"; }};
            """)

    def start(self, ready=True):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([BUILD / "nurseryd", "-c", "n.conf"], cwd=self.directory, stderr=log, stdout=log,
                                            env=dict(os.environ, NURSERYD_DATADIR=str(TOP / "config" / "data")))
        if ready:
            self.wait_ready()
        return self

    def wait_ready(self, seconds=40):
        wait_until(self.is_ready, seconds, "nurseryd is ready")

    def is_ready(self):
        assert self.process.poll() is None, self.log.read_text()[-2000:]
        try:
            return self.ask("GET", "/readyz")[0] == 200
        except OSError:
            return False

    def ask(self, method, path, body=None):
        c = UnixHTTP(self.socket)
        try:
            c.request(method, path, json.dumps(body) if body is not None else None)
            answer = c.getresponse()
            text = answer.read().decode()
            return answer.status, json.loads(text) if answer.getheader("Content-Type", "").split(";")[0].endswith("json") else text
        finally:
            c.close()

    def get(self, path):
        status, value = self.ask("GET", "/api/v1" + path)
        assert status == 200, (status, value)
        return value

    def metric(self, name):
        for line in self.ask("GET", "/metrics")[1].splitlines():
            if line.startswith(name + " "):
                return int(line.split()[1])
        raise KeyError(name)

    def head(self):
        return self.get("/ledger/head")["n"]

    def alerts(self, rule="incident-unreadable", site=None):
        return [a for a in self.get("/alerts?limit=1000")["items"] if a["rule"] == rule and site in (None, a["site"])]

    def ctl(self, *args):
        return subprocess.run([BUILD / "nurseryctl", *map(str, args)], cwd=self.directory, capture_output=True, text=True,
                              timeout=120)

    def verify(self):
        return subprocess.run([BUILD / "nurseryctl", "--db", str(self.db), "verify"], capture_output=True, text=True, timeout=300)


class Sender:
    """One connection. Receipts, requests and whatever else came, in order."""

    def __init__(self, broker, site=SITE, division=HANGZHOU, name=None, root="nursery"):
        self.site, self.base = site, f"{root}/v1/{division[:2]}/{division}/{site}"
        self.came, self.lock = [], threading.Lock()
        self.client = mqtt.Client(client_id=name or f"s-{site}-{time.monotonic_ns()}", protocol=mqtt.MQTTv5)
        self.client.on_message = self._on_message
        self.client.max_inflight_messages_set(0)
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = 3600
        self.client.connect(broker.address, broker.port, clean_start=True, properties=properties)
        self.client.loop_start()
        wait_until(self.client.is_connected, 10, "the sender is connected")
        done = threading.Event()
        self.client.on_subscribe = lambda *_: done.set()
        self.client.subscribe(f"{self.base}/down/#", 1)
        assert done.wait(10)

    def _on_message(self, _client, _data, m):
        with self.lock:
            self.came.append((m.topic.rsplit("/", 1)[1], json.loads(m.payload)))

    def publish(self, feed, payload, retain=False):
        text = payload if isinstance(payload, (str, bytes)) else json.dumps(payload, ensure_ascii=False)
        return self.client.publish(f"{self.base}/up/{feed}", text, 1, retain)

    def all(self, kind="receipt"):
        with self.lock:
            return [x for k, x in self.came if k == kind]

    def send(self, feed, payload, seconds=15):
        """Publishes and returns the receipt that came then."""
        before = len(self.all())
        self.publish(feed, payload)
        return wait_until(lambda: self.all()[before:], seconds, f"a receipt of {feed}")[0]

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()


class World:
    def __init__(self, directory, **options):
        self.directory, self.senders = directory, []
        self.broker = Broker(directory / "broker").start()
        self.daemon = Daemon(directory / "daemon", self.broker, **options)

    def sender(self, site=SITE, **more):
        self.senders.append(Sender(self.broker, site, **more))
        return self.senders[-1]

    def close(self):
        for s in self.senders:
            s.close()
        self.daemon.end()
        self.broker.end()


def codes(receipt):
    return [e["code"] for e in receipt["errors"]]
