# SPDX-License-Identifier: MIT
"""A private mosquitto under the shipped production configuration (only port, paths and user changed), a private nurseryd
that speaks to it over TLS, and senders with certificates of a private authority."""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import paho.mqtt.client as mqtt

TOP = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("NURSERYD_BUILD", TOP / "build")).resolve()
BROKER_BINARY = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
SITE = "52330106MJ0000018E"
OTHER = "91330106MA0000023E"  # config/mosquitto/acl gives it to gateway-example


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_until(condition, seconds, what):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what() if callable(what) else what}: not within {seconds} s"
        time.sleep(0.05)


def ca(directory, *args, **environment):
    done = subprocess.run([TOP / "scripts/ca.sh", directory, *args], capture_output=True, text=True, env={**os.environ, **environment})
    assert done.returncode == 0, done.stderr
    return done.stdout


class Process:
    process = None

    def stop(self, number=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(30)


class Broker(Process):
    """`pki` is the folder of scripts/ca.sh that holds its certificate; None: plain, anonymous, on loopback."""

    def __init__(self, directory, pki=None):
        self.directory, self.port, self.pki = Path(directory), free_port(), pki
        self.conf = self.directory / "mosquitto.conf"
        self.conf.write_text(self.shipped() if pki else f"listener {self.port} 127.0.0.1\nallow_anonymous true\nuser root\n")

    def shipped(self):
        text = (TOP / "config/mosquitto/mosquitto.conf").read_text()
        (self.directory / "acl").write_text((TOP / "config/mosquitto/acl").read_text())
        os.chmod(self.directory / "acl", 0o600)
        text = re.sub(r"^listener 8883$", f"listener {self.port} 127.0.0.1\nuser root", text, flags=re.M)
        for name in ("ca.crt", "broker.crt", "broker.key", "ca.crl"):
            text = text.replace(f"/etc/mosquitto/nurseryd/{name}", str(self.pki / name))
        text = text.replace("/etc/mosquitto/nurseryd/acl", str(self.directory / "acl"))
        text = text.replace("/var/lib/mosquitto/", f"{self.directory}/")
        assert "/etc/" not in re.sub("^#.*$", "", text, flags=re.M)
        return text

    def answers(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    def start(self):
        with open(self.directory / "mosquitto.log", "ab") as log:
            self.process = subprocess.Popen([BROKER_BINARY, "-c", str(self.conf)], stderr=log)
        wait_until(self.answers, 20, lambda: "mosquitto: " + (self.directory / "mosquitto.log").read_text())
        return self

    def reload(self):
        self.process.send_signal(signal.SIGHUP)


class Daemon(Process):
    def __init__(self, directory, mqtt_lines, extra=""):
        self.directory = Path(directory)
        self.conf, self.log, self.db = self.directory / "nurseryd.conf", self.directory / "nurseryd.log", self.directory / "n.db"
        self.http = free_port()
        self.conf.write_text(f"""store: {{ path = "n.db"; }};
policy = "{TOP}/config/policy.conf";
mqtt: {{ {mqtt_lines} }};
http: {{ listen = "127.0.0.1:{self.http}"; socket = "nurseryd.sock"; }};
indicators: {{ every = "1s"; }};
{extra}
""")

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([BUILD / "nurseryd", "-c", self.conf], stderr=log, stdout=log, cwd=self.directory,
                                            env=dict(os.environ, NURSERYD_DATADIR=str(TOP / "config" / "data")))
        return self

    def says(self):
        assert self.process.poll() is None, self.log.read_text()
        return self.log.read_text(errors="replace")

    def ready(self):
        """As /readyz says it."""
        self.says()
        done = subprocess.run(["curl", "-s", "-o", os.devnull, "-w", "%{http_code}", "--unix-socket", self.directory / "nurseryd.sock",
                               "http://localhost/readyz"], capture_output=True, text=True)
        return done.stdout == "200"

    def wait_ready(self, seconds=40):
        wait_until(self.ready, seconds, lambda: "nurseryd is not ready: " + self.log.read_text()[-3000:])
        return self


class Sender:
    """A nursery (or gateway, or official) as MQTT client; keeps everything that it hears and what became of its publishes."""

    def __init__(self, broker, name=None, pki=None, subscribe=(), protocol=mqtt.MQTTv5):
        self.heard, self.acknowledged, self.refused, self.ended = [], {}, None, False
        self.connected, self.subscribed = threading.Event(), threading.Event()
        self.topics, self.protocol = list(subscribe), protocol
        self.client = mqtt.Client(client_id=f"test-{name}-{free_port()}", protocol=protocol)
        if pki:
            self.client.tls_set(pki / "ca.crt", pki / f"{name}.crt", pki / f"{name}.key")
        self.client.on_connect, self.client.on_message = self.on_connect, self.on_message
        self.client.on_subscribe, self.client.on_disconnect = lambda *_: self.subscribed.set(), self.on_disconnect
        self.client.on_publish = lambda _c, _u, mid: self.acknowledged.setdefault(mid, True)
        self.client.connect("127.0.0.1", broker.port)
        self.client.loop_start()

    def on_connect(self, client, _userdata, _flags, reason, _properties=None):
        self.connected.set()
        if self.topics:
            client.subscribe([(t, 1) for t in self.topics])
        else:
            self.subscribed.set()

    def on_disconnect(self, *_):
        self.ended = True

    def on_message(self, _client, _userdata, message):
        self.heard.append((message.topic, message.payload))

    def wait(self):
        assert self.subscribed.wait(15)
        return self

    def send(self, topic, message):
        payload = message if isinstance(message, (str, bytes)) else json.dumps(message, ensure_ascii=False)
        info = self.client.publish(topic, payload, 1)
        info.wait_for_publish(15)
        return info

    def receipts(self):
        return [json.loads(p) for t, p in self.heard if t.endswith("/down/receipt")]

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()


def topic(feed, site=SITE, division="330106", root="nursery"):
    return f"{root}/v1/{division[:2]}/{division}/{site}/up/{feed}"


def down(site=SITE, division="330106", root="nursery"):
    return f"{root}/v1/{division[:2]}/{division}/{site}/down/#"


def today(days=0):
    return (datetime.now(timezone(timedelta(hours=8))) + timedelta(days=days)).strftime("%Y-%m-%d")


def example(feed, seq=1, site=SITE, **change):
    """The contract's example, of now."""
    message = json.loads((TOP / f"tests/feeds/{feed}/valid/contract-example.json").read_text())
    now = datetime.now(timezone(timedelta(hours=8)))
    message.update(site=site, seq=seq, sent_at=now.isoformat(timespec="seconds"))
    message["body"].update({k: v for k, v in {"as_of": today(), "known_at": now.isoformat(timespec="seconds"),
                                              "occurred_at": (now - timedelta(minutes=10)).isoformat(timespec="seconds")}.items()
                            if k in message["body"]})
    message["body"].update(change)
    return message
