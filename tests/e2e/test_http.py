# SPDX-License-Identifier: MIT
"""The daemon's HTTP side and nurseryctl, without a broker: built programs, real sockets, the real 10 seconds."""
import http.client
import json
import os
import socket
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("NURSERYD_BUILD", ROOT / "build"))
TARGETS = "division,indicator,value,by,source\n,places_per_1000,4.5,2025-12-31,规划\n"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    where = tmp_path_factory.mktemp("http")
    port = free_port()
    (where / "n.conf").write_text(f"""
        store: {{ path = "n.db"; }};
        policy = "{ROOT}/config/policy.conf";
        mqtt: {{ url = "mqtt://127.0.0.1:{free_port()}"; }};
        http: {{ listen = "127.0.0.1:{port}"; socket = "nurseryd.sock"; }};
        """)
    env = dict(os.environ, NURSERYD_DATADIR=str(ROOT / "config" / "data"))
    with open(where / "log", "w") as log:
        process = subprocess.Popen([BUILD / "nurseryd", "-c", "n.conf"], cwd=where, stderr=log, env=env)
    process.where, process.port = where, port
    for _ in range(100):
        if (where / "nurseryd.sock").exists():
            break
        time.sleep(0.1)
    else:
        pytest.fail((where / "log").read_text())
    yield process
    process.terminate()
    assert process.wait(15) == 0
    assert not (where / "nurseryd.sock").exists()


def ctl(daemon, *args):
    return subprocess.run([BUILD / "nurseryctl", *map(str, args)], cwd=daemon.where, capture_output=True, text=True, timeout=60)


def get(daemon, path, host=None):
    c = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=10)
    c.putrequest("GET", path, skip_host=True)
    c.putheader("Host", host or f"127.0.0.1:{daemon.port}")
    c.endheaders()
    r = c.getresponse()
    return r.status, r.read(), r.headers


def test_it_lives_without_a_broker_and_says_that_it_is_not_ready(daemon):
    assert get(daemon, "/healthz")[0] == 200
    status, body, _ = get(daemon, "/readyz")
    assert status == 503 and json.loads(body)["subscribed"] is False
    done = ctl(daemon, "status")
    assert done.returncode == 1 and "not ready" in done.stdout


def test_port_0_is_any_free_one_and_everybody_learns_which(tmp_path):
    (tmp_path / "n.conf").write_text(f"""policy = "{ROOT}/config/policy.conf"; mqtt: {{ url = "mqtt://127.0.0.1:{free_port()}"; }};
        http: {{ listen = "127.0.0.1:0"; socket = "nurseryd.sock"; }};""")
    process = subprocess.Popen([BUILD / "nurseryd", "-c", "n.conf"], cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    try:
        port = next(int(line.split(" port=")[1].split()[0]) for line in process.stderr if " http.ready " in line)
        assert port > 0
        c = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        c.request("GET", "/healthz")
        assert json.loads(c.getresponse().read()) == {"status": "ok", "http_port": port}
        status = subprocess.run([BUILD / "nurseryctl", "--socket", "nurseryd.sock", "status"], cwd=tmp_path,
                                capture_output=True, text=True, timeout=30)
        assert f"http port   {port}\n" in status.stdout, status.stdout + status.stderr
    finally:
        process.terminate()
        process.communicate(timeout=15)
    assert process.returncode == 0


def test_metrics_are_prometheus_text(daemon):
    status, body, headers = get(daemon, "/metrics")
    assert status == 200 and headers["Content-Type"].startswith("text/plain")
    names = [line.split("{")[0].split(" ")[0] for line in body.decode().splitlines() if not line.startswith("#")]
    typed = [line.split(" ")[2] for line in body.decode().splitlines() if line.startswith("# TYPE")]
    assert sorted(set(names)) == sorted(typed), "one TYPE a name"
    assert all(n.startswith("nurseryd_") for n in names)


def test_a_page_under_a_foreign_name_gets_nothing(daemon):
    assert get(daemon, "/api/v1/units", host="evil.example")[0] == 421


def test_over_tcp_nobody_acts_and_incidents_are_closed(daemon):
    c = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=10)
    c.request("POST", "/api/v1/imports/targets", TARGETS.encode(), {"Content-Type": "text/csv"})
    assert c.getresponse().status == 401
    assert get(daemon, "/api/v1/incidents")[0] == 401
    assert get(daemon, "/api/v1/store")[0] == 404


def test_an_import_is_a_ledger_row_with_its_actor(daemon):
    (daemon.where / "targets.csv").write_text(TARGETS)
    before = json.loads(get(daemon, "/api/v1/ledger/head")[1])["n"]
    done = ctl(daemon, "import", "targets", "targets.csv")
    assert done.returncode == 0, done.stderr
    last = json.loads(get(daemon, "/api/v1/imports?limit=1000")[1])["items"][-1]
    assert last["kind"] == "targets" and last["rows"] == 1 and last["n"] > before
    assert last["actor"] == f"uid:{os.getuid()}"


def test_a_bad_file_is_refused_line_by_line(daemon):
    (daemon.where / "bad.csv").write_text("division,indicator,value,by,source\nzz,places_per_1000,x,2025-13-31,y\n")
    done = ctl(daemon, "import", "targets", "bad.csv")
    assert done.returncode == 1 and "line 2" in done.stderr and done.stdout == "", done.stderr
    told = json.loads(ctl(daemon, "import", "targets", "bad.csv", "--json").stdout)
    assert [(e["line"], e["column"], e["value"]) for e in told["errors"]] == [(2, "division", "zz"), (2, "value", "x"), (2, "by", "2025-13-31")]
    assert json.loads(ctl(daemon, "--json", "unit", "999999").stdout)["status"] == 404
    assert ctl(daemon, "import", "targets", "targets.csv").stderr == ""  # nothing to note
    (daemon.where / "odd.csv").write_text("division,indicator,value,by,source\n330100,filing_rate,90,2025-12-31,y\n,place_per_1000,4,2025-12-31,y\n"
                                          "339999,filing_rate,90,2025-12-31,y\n")
    done = ctl(daemon, "import", "targets", "odd.csv")
    assert done.returncode == 0 and "3 rows imported" in done.stdout, done.stderr
    assert 'line 3: column "indicator"  value "place_per_1000"' in done.stderr and 'line 4: column "division"  value "339999"' in done.stderr
    assert done.stderr.count("line ") == 2
    done = ctl(daemon, "import", "nonsense", "targets.csv")
    assert done.returncode == 2 and "population" in done.stderr, done.stderr


def test_options_may_stand_anywhere_and_exit_codes_are_told_apart(daemon):
    assert json.loads(ctl(daemon, "units", "--province", "33", "--json").stdout)["items"][0]["unit"] == "330100"
    assert json.loads(ctl(daemon, "--json", "unit", "330100").stdout)["name"] == "杭州市"
    assert ctl(daemon, "unit", "999999").returncode == 1
    assert ctl(daemon, "unit").returncode == 2
    assert ctl(daemon, "units", "--nonsense").returncode == 2
    for head in ("", "5", "x:" + "0" * 64, ":" + "0" * 64, "5:" + "0" * 63):
        assert ctl(daemon, "verify", "--head", head).returncode == 2, head
    assert ctl(daemon, "--socket", "/nonexistent", "status").returncode == 3
    assert ctl(daemon, "status", "--db", "nonexistent.db").returncode == 2


def test_a_file_answers_as_the_daemon_does(daemon):
    live, file = ctl(daemon, "imports", "--json"), ctl(daemon, "imports", "--json", "--db", "n.db")
    assert live.returncode == file.returncode == 0
    assert json.loads(live.stdout) == json.loads(file.stdout)


def test_verify_holds_the_daemons_head_against_the_file(daemon):
    assert ctl(daemon, "verify").returncode == 0
    head = json.loads(get(daemon, "/api/v1/ledger/head")[1])
    assert ctl(daemon, "verify", "--head", f"{head['n']}:{head['hash']}").returncode == 0
    assert ctl(daemon, "verify", "--head", f"{head['n']}:{'0' * 64}").returncode == 1


@pytest.mark.parametrize("kind", ["tcp", "unix"])
def test_one_byte_a_second_is_cut_within_ten_seconds(daemon, kind):
    if kind == "tcp":
        s = socket.create_connection(("127.0.0.1", daemon.port))
    else:
        s = socket.socket(socket.AF_UNIX)
        s.connect(str(daemon.where / "nurseryd.sock"))
    s.settimeout(1)
    start, text = time.monotonic(), iter(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: " + b"a" * 100)
    while time.monotonic() - start < 20:
        try:
            s.send(bytes([next(text)]))
            if s.recv(1) == b"":
                break
        except socket.timeout:
            continue
        except OSError:
            break
    assert 8 < time.monotonic() - start < 11.5


def test_hundreds_of_idle_connections_leave_the_socket_alone(daemon):
    crowd = [socket.create_connection(("127.0.0.1", daemon.port)) for _ in range(300)]
    assert ctl(daemon, "imports").returncode == 0
    for s in crowd:
        s.close()
    time.sleep(0.3)
    assert get(daemon, "/healthz")[0] == 200
