# SPDX-License-Identifier: MIT
"""A private broker and a private nurseryd in a directory of their own."""
import http.client
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from chain import open_read_only

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("NURSERYD_BUILD", ROOT / "build"))
BROKER_BINARY = shutil.which("mosquitto") or "/usr/sbin/mosquitto"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_until(condition, seconds, what, pause=0.01):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} after {seconds} s")
        time.sleep(pause)


class Process:
    process = None

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def kill(self, number=signal.SIGKILL):
        if self.alive():
            self.process.send_signal(number)
            self.process.wait(60)


class Broker(Process):
    def __init__(self, directory, persistence=False):
        self.directory, self.port = Path(directory), free_port()
        stored = (f"persistence true\npersistence_location {directory}/\nautosave_interval 5\nautosave_on_changes false\n"
                  if persistence else "persistence false\n")
        self.conf = self.directory / "mosquitto.conf"
        self.conf.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n"
                             f"max_inflight_messages 0\nsys_interval 0\nlog_type error\nuser root\n{stored}")
        self.start()

    def _answers(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    def start(self):
        self.process = subprocess.Popen([BROKER_BINARY, "-c", str(self.conf)], stderr=subprocess.DEVNULL)
        wait_until(self._answers, 20, "mosquitto does not listen")


class UnixHTTP(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=5)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Daemon(Process):
    def __init__(self, directory, broker, seams=None, extra=""):
        self.directory, self.broker, self.extra = Path(directory), broker, extra
        self.socket, self.log = self.directory / "n.sock", self.directory / "nurseryd.log"
        self.binary = BUILD / ("seams/nurseryd" if seams is not None else "nurseryd")
        self.environment = dict(os.environ, NURSERYD_DATADIR=str(ROOT / "config" / "data"), **(seams or {}))
        self.conf = self.directory / "nurseryd.conf"
        self.place_database(directory)

    def place_database(self, directory):
        self.db, self.reader = Path(directory) / "n.db", None
        self.conf.write_text(f"""store: {{ path = "{self.db}"; }};
policy = "{ROOT}/config/policy.conf";
mqtt: {{ url = "mqtt://127.0.0.1:{self.broker.port}"; }};
http: {{ listen = ""; socket = "{self.socket}"; }};
limits: {{ per_site = "1000000/min"; }};
log: {{ level = "info"; }};
{self.extra}
""")

    def start(self, wait=True):
        with open(self.log, "ab") as log:
            self.log_from = log.tell()
            self.process = subprocess.Popen([str(self.binary), "-c", str(self.conf)], stderr=log, stdout=log,
                                            env=self.environment, cwd=self.directory)
        if wait:
            self.wait_ready()

    def ask(self, path):
        """(status, body); (0, "") when nobody answers."""
        connection = UnixHTTP(self.socket)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except (OSError, http.client.HTTPException):
            return 0, ""
        finally:
            connection.close()

    def is_ready(self):
        if not self.alive():
            raise RuntimeError(f"nurseryd ended with {self.process.returncode}: {self.log_tail()}")
        with open(self.log, "rb") as log:  # quicker than /readyz, which follows once a second
            log.seek(self.log_from)
            return b" mqtt.ready " in log.read()

    def wait_ready(self, seconds=60):
        wait_until(self.is_ready, seconds, "nurseryd is not ready", pause=0.002)

    def stop(self):
        self.kill(signal.SIGTERM)

    def log_tail(self, lines=5):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def _number(self, sql, *values):
        if self.reader is None:
            self.reader = open_read_only(self.db)
        return self.reader.execute(sql, values).fetchone()[0] or 0

    def head(self):
        return self._number("SELECT max(n) FROM ledger")

    def message_count(self):
        return self._number("SELECT count(*) FROM message")

    def last_message(self):
        """Its ledger row."""
        return self._number("SELECT max(n) FROM message")

    def first_message_after(self, n):
        return self._number("SELECT min(n) FROM message WHERE n > ?", n)

    def peak_memory_mib(self):
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1024
        return 0


def nurseryctl(db, *arguments):
    done = subprocess.run([str(BUILD / "nurseryctl"), "--db", str(db), *arguments], capture_output=True, text=True, timeout=600)
    return done.returncode, (done.stdout + done.stderr).strip()


class Rig:
    """with Rig() as rig: a temporary directory, a broker, a daemon; all gone at the end."""

    def __init__(self, seams=None, persistence=False, extra=""):
        self.directory = Path(tempfile.mkdtemp(prefix="nurseryd-rig-", dir=os.environ.get("TMPDIR", "/tmp")))
        self.broker = Broker(self.directory, persistence)
        self.daemon = Daemon(self.directory, self.broker, seams, extra)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.daemon.kill()
        self.broker.kill()
        shutil.rmtree(self.directory, ignore_errors=True)
