# SPDX-License-Identifier: MIT
"""Real databases of points, a stub for their faults, and a nurseryd that writes to them: private ports, loopback only."""
import gzip
import http.server
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import threading
import time
from pathlib import Path

import requests

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("NURSERYD_BUILD", ROOT / "build")).resolve()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_until(condition, seconds, what, every=0.05):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        value = condition()
        if value:
            return value
        time.sleep(every)
    raise AssertionError(f"not within {seconds} s: {what}")


class Process:
    """One program with a log of its own."""

    def __init__(self, directory, name):
        self.directory, self.log, self.process = directory, directory / f"{name}.log", None

    def launch(self, *command, **more):
        with open(self.log, "a") as log:
            self.process = subprocess.Popen([str(x) for x in command], stdout=log, stderr=log, **more)

    def stop(self, kill=False):
        if self.process:
            self.process.kill() if kill else self.process.terminate()
            self.process.wait(20)
            self.process = None


class Influx(Process):
    def __init__(self, directory):
        super().__init__(directory, "influxd")
        self.port, self.rpc = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.conf = directory / "influxdb.conf"
        self.conf.write_text(f'''
            reporting-disabled = true
            bind-address = "127.0.0.1:{self.rpc}"
            [meta]
            dir = "{directory}/influx/meta"
            [data]
            dir = "{directory}/influx/data"
            wal-dir = "{directory}/influx/wal"
            query-log-enabled = false
            [http]
            bind-address = "127.0.0.1:{self.port}"
            log-enabled = false
            [monitor]
            store-enabled = false
            [logging]
            level = "error"
            ''')

    def start(self, database="nursery"):
        self.launch("influxd", "run", "-config", self.conf)
        wait_until(self.is_up, 30, "influxd answers")
        if database:
            self.query(f"CREATE DATABASE {database}", database=None)
        return self

    def is_up(self):
        try:
            return requests.get(self.url + "/ping", timeout=1).status_code == 204
        except requests.RequestException:
            return False

    def query(self, text, database="nursery"):
        answer = requests.post(self.url + "/query", params={"db": database, "q": text, "epoch": "ms"}, timeout=20).json()
        (result,) = answer["results"]
        assert "error" not in result, result
        return result.get("series", [])

    def write(self, lines, database="nursery"):
        return requests.post(self.url + "/write", params={"db": database, "precision": "ms"}, data=lines, timeout=20)

    def points(self, measurement):
        """{(time, tag values in the order of their names): {field: value}}"""
        tags = [row[0] for s in self.query(f"SHOW TAG KEYS FROM {measurement}") for row in s["values"]]
        found = {}
        for series in self.query(f"SELECT * FROM {measurement}"):
            for row in series["values"]:
                point = dict(zip(series["columns"], row))
                key = (point.pop("time"), *(point.pop(t) for t in sorted(tags)))
                assert key not in found
                found[key] = point
        return found


class Victoria(Process):
    def __init__(self, directory):
        super().__init__(directory, "victoria-metrics")
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self):
        self.launch("victoria-metrics", f"-httpListenAddr=127.0.0.1:{self.port}", f"-storageDataPath={self.directory}/vm",
                    "-retentionPeriod=100y", "-search.latencyOffset=0s", "-search.disableCache", "-memory.allowedBytes=256MB")
        wait_until(self.is_up, 30, "victoria-metrics answers")
        return self

    def is_up(self):
        try:
            return requests.get(self.url + "/health", timeout=1).status_code == 200
        except requests.RequestException:
            return False

    def samples(self, name):
        """{(time, unit, indicator or site …): value}"""
        requests.get(self.url + "/internal/force_flush", timeout=10)
        text = requests.get(self.url + "/api/v1/export", params={"match[]": f'{{__name__="{name}"}}', "start": "0"}, timeout=20).text
        found = {}
        for line in text.splitlines():
            series = json.loads(line)
            labels = tuple(v for k, v in sorted(series["metric"].items()) if k not in ("__name__", "db"))
            found.update({(t, *labels): v for t, v in zip(series["timestamps"], series["values"])})
        return found


class Stub:
    """Answers with the scripted faults in turn, then 204. An answer is (status, headers) or a function of the handler."""

    def __init__(self, *script):
        self.script, self.seen, self.lock = list(script), [], threading.Lock()
        stub = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                lines = gzip.decompress(body).decode().splitlines()
                with stub.lock:
                    answer = stub.script.pop(0) if stub.script else (204, {})
                    stub.seen.append((time.monotonic(), self.path, dict(self.headers), lines, answer))
                if callable(answer):
                    return answer(self, lines)
                status, headers = answer
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if status != 204:
                    self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def taken(self):
        with self.lock:
            return [line for *_, lines, answer in self.seen if not callable(answer) and answer[0] == 204 for line in lines]

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class Broker(Process):
    def __init__(self, directory):
        super().__init__(directory, "mosquitto")
        self.port = free_port()
        (directory / "mosquitto.conf").write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\n"
                                                  "max_queued_messages 0\nmax_inflight_messages 0\npersistence false\nset_tcp_nodelay true\nlog_type error\n")

    def start(self):
        self.launch("mosquitto", "-c", self.directory / "mosquitto.conf")
        wait_until(self.is_up, 10, "mosquitto answers")
        return self

    def is_up(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False


class Daemon(Process):
    def __init__(self, directory, broker_port=None, **influx):
        super().__init__(directory, "nurseryd")
        self.port, self.broker_port, self.influx = free_port(), broker_port or free_port(), influx
        self.db, self.conf = directory / "n.db", directory / "n.conf"
        self.environment = dict(os.environ, NURSERYD_DATADIR=str(ROOT / "config" / "data"))
        self.write_conf()

    def write_conf(self, **influx):
        self.influx.update(influx)
        options = " ".join(f"{k} = {json.dumps(v)};" for k, v in self.influx.items())
        self.conf.write_text(f'''
            store: {{ path = "n.db"; }};
            policy = "{ROOT}/config/policy.conf";
            mqtt: {{ url = "mqtt://127.0.0.1:{self.broker_port}"; }};
            http: {{ listen = "127.0.0.1:{self.port}"; socket = "nurseryd.sock"; }};
            indicators: {{ every = "200ms"; }};
            limits: {{ per_site = "100000/min"; }};
            log: {{ level = "debug"; }};
            influx: {{ {options} }};
            ''')

    def fold(self, lines):
        text = "".join(json.dumps(x) + "\n" for x in lines)
        done = subprocess.run([BUILD / "nurseryd", "-c", self.conf, "--fold", "-"], input=text, capture_output=True, text=True,
                              env=self.environment)
        assert done.returncode == 0, done.stderr
        return [json.loads(x)["payload"] for x in done.stdout.splitlines()]

    def start(self):
        self.launch(BUILD / "nurseryd", "-c", self.conf, env=self.environment)
        wait_until(self.is_up, 30, "nurseryd answers")
        return self

    def is_up(self):
        assert self.process.poll() is None, self.log.read_text()
        try:
            return requests.get(f"http://127.0.0.1:{self.port}/healthz", timeout=1).ok
        except requests.RequestException:
            return False

    def ready(self):
        return requests.get(f"http://127.0.0.1:{self.port}/readyz", timeout=5).json()

    def reload(self, **influx):
        self.write_conf(**influx)
        self.process.send_signal(signal.SIGHUP)

    def ctl(self, *args):
        return subprocess.run([BUILD / "nurseryctl", "--socket", self.directory / "nurseryd.sock", *map(str, args)],
                              capture_output=True, text=True, timeout=60)

    def metric(self, name, labels=""):
        text = requests.get(f"http://127.0.0.1:{self.port}/metrics", timeout=5).text
        found = re.search(rf"^{name}{{sink=\"influx\"{labels}}} (\d+)$", text, re.M)
        return int(found[1]) if found else None

    def rows(self, sql, *values):
        with sqlite3.connect(f"file:{self.db}?mode=ro", uri=True, timeout=20) as db:
            return db.execute(sql, values).fetchall()

    def is_computed(self):
        return not self.rows("SELECT 1 FROM dirty UNION ALL SELECT 1 FROM dirty_range")

    def all_sent(self):
        """Computed, and neither the queue nor the cursors have anything left."""
        ((left,),) = self.rows("SELECT (SELECT count(*) FROM point_enrolment) + (SELECT count(*) FROM point_incident)"
                               " + (SELECT count(*) FROM point_site) + (SELECT count(*) FROM sample WHERE change >"
                               " (SELECT position FROM sink_cursor WHERE measurement = 'unit_indicator'))"
                               " + (SELECT count(*) FROM sink_cursor WHERE (refill_day, refill_site) <> (0, 0))")
        return self.is_computed() and left == 0

    def wait_sent(self, seconds=60):
        wait_until(self.all_sent, seconds, f"all is sent; {self.log.read_text()[-2000:]}", 0.1)
