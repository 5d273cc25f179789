# SPDX-License-Identifier: MIT
"""Metrics as Prometheus itself sees them, its rules, and sockets that somebody else opened."""
import os
import shutil
import subprocess

import pytest
import requests
import yaml

from live import BUILD, TOP, Broker, Daemon, Process, free_port, wait_until

RULES = TOP / "dashboards/prometheus/nurseryd.rules.yml"


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    where = tmp_path_factory.mktemp("prometheus")
    broker = Broker(where).start()
    d = Daemon(where, f'url = "mqtt://127.0.0.1:{broker.port}";', f'influx: {{ url = "http://127.0.0.1:{free_port()}"; }};').start()
    try:
        yield d.wait_ready()
    finally:
        d.stop()
        broker.stop()


def metrics(daemon):
    return requests.get(f"http://127.0.0.1:{daemon.http}/metrics", timeout=10).text


def test_promtool_finds_nothing_in_the_metrics(daemon):
    done = subprocess.run(["promtool", "check", "metrics"], input=metrics(daemon), capture_output=True, text=True)
    assert done.returncode == 0 and not done.stderr, done.stdout + done.stderr


def test_rules_fire_on_their_faults_only():
    done = subprocess.run(["promtool", "test", "rules", "nurseryd.rules.test.yml"], cwd=RULES.parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    tested = (RULES.parent / "nurseryd.rules.test.yml").read_text()
    for rule in yaml.safe_load(RULES.read_text())["groups"][0]["rules"]:
        assert tested.count(f"alertname: {rule['alert']}\n") == 2, rule["alert"]


class Prometheus(Process):
    def __init__(self, where, daemon):
        self.directory, self.port = where, free_port()
        (where / "prometheus.yml").write_text(yaml.safe_dump({
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"}, "rule_files": [str(RULES)],
            "scrape_configs": [{"job_name": "nurseryd", "static_configs": [{"targets": [f"127.0.0.1:{daemon.http}"]}]}]}))

    def start(self):
        with open(self.directory / "prometheus.log", "w") as log:
            self.process = subprocess.Popen(["prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=tsdb",
                                             f"--web.listen-address=127.0.0.1:{self.port}"], cwd=self.directory, stderr=log, stdout=log)
        return self

    def query(self, text):
        try:
            answer = requests.get(f"http://127.0.0.1:{self.port}/api/v1/query", params={"query": text}, timeout=5).json()
            return answer["data"]["result"]
        except (requests.RequestException, KeyError):
            return []


@pytest.fixture
def prometheus(tmp_path, daemon):
    p = Prometheus(tmp_path, daemon).start()
    yield p
    p.stop()


def test_a_real_prometheus_scrapes_it_and_every_rule_can_be_asked(prometheus, daemon):
    wait_until(lambda: prometheus.query("nurseryd_subscribed == 1"), 60,
               lambda: (prometheus.directory / "prometheus.log").read_text()[-2000:])
    assert prometheus.query("up")[0]["value"][1] == "1"
    wait_until(lambda: prometheus.query("count by (sink) (nurseryd_sink_lag_seconds)"), 30, "the sink's metrics")
    names = {line.split("{")[0].split(" ")[0] for line in metrics(daemon).splitlines() if line and not line.startswith("#")}
    stored = {r["metric"]["__name__"] for r in prometheus.query('{__name__=~"nurseryd_.*"}')}
    assert names <= stored
    import re
    used = {w for r in yaml.safe_load(RULES.read_text())["groups"][0]["rules"] for w in re.findall(r"nurseryd_\w+", r["expr"])}
    assert used <= stored, used - stored


def test_sockets_that_were_opened_for_it_are_taken(tmp_path):
    port, path, other = free_port(), tmp_path / "given.sock", free_port()
    (tmp_path / "n.conf").write_text(f"""policy = "{TOP}/config/policy.conf"; mqtt: {{ url = "mqtt://127.0.0.1:{free_port()}"; }};
        http: {{ listen = "127.0.0.1:{other}"; socket = "own.sock"; }};""")
    activate = shutil.which("systemd-socket-activate")
    with open(tmp_path / "log", "w") as log:
        process = subprocess.Popen([activate, "-l", f"127.0.0.1:{port}", "-l", path, "-E", f"NURSERYD_DATADIR={TOP}/config/data",
                                    *[f for n in ("ASAN_OPTIONS",) if n in os.environ for f in ("-E", n)],
                                    BUILD / "nurseryd", "-c", tmp_path / "n.conf"], cwd=tmp_path, stderr=log)
    try:
        wait_until(lambda: path.exists(), 10, "the socket is there before the daemon")
        # The very first answer may come before the main thread has said which port it is.
        wait_until(lambda: requests.get(f"http://127.0.0.1:{port}/healthz", timeout=30).json() ==
                   {"status": "ok", "http_port": port}, 10, "the port given is the port said")
        status = subprocess.run([BUILD / "nurseryctl", "--socket", path, "status"], capture_output=True, text=True, timeout=30)
        assert f"http port   {port}\n" in status.stdout, status.stdout + status.stderr
        with pytest.raises(requests.ConnectionError):
            requests.get(f"http://127.0.0.1:{other}/healthz", timeout=5)
        assert not (tmp_path / "own.sock").exists()
    finally:
        process.terminate()
        assert process.wait(20) == 0, (tmp_path / "log").read_text()
    assert path.exists(), "it belongs to whoever made it"
