# SPDX-License-Identifier: MIT
"""A disk that is nearly full: a real daemon on a small tmpfs. Root only, for the mount."""
import json
import os
import re
import subprocess
import time
from pathlib import Path

import pytest

from test_http import BUILD, ROOT, free_port

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small tmpfs")
MIB = 1 << 20


@pytest.fixture
def disk(tmp_path):
    where = tmp_path / "disk"
    where.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m", "nurseryd-reserve", where], check=True)
    yield where
    subprocess.run(["umount", where], check=True)


@pytest.fixture
def daemon(disk, tmp_path):
    (disk / "n.conf").write_text(f"""
        store: {{ path = "n.db"; reserve = "20MiB"; }};
        policy = "{ROOT}/config/policy.conf";
        mqtt: {{ url = "mqtt://127.0.0.1:{free_port()}"; }};
        http: {{ listen = ""; socket = "{tmp_path}/s"; }};
        indicators: {{ every = "50ms"; }};
        """)
    with open(tmp_path / "log", "w") as log:
        process = subprocess.Popen([BUILD / "nurseryd", "-c", disk / "n.conf"], stderr=log)
    process.log, process.socket = tmp_path / "log", tmp_path / "s"
    wait("the daemon answers", lambda: ask(process, "/healthz"))
    yield process
    process.terminate()
    assert process.wait(20) == 0, process.log.read_text()


def wait(what, condition, seconds=20):
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, what
        time.sleep(0.1)


def ask(daemon, path):
    done = subprocess.run(["curl", "-s", "--unix-socket", daemon.socket, "http://localhost" + path], capture_output=True, text=True)
    return done.stdout


def gauge(daemon, name):
    return int(re.search(rf"^nurseryd_{name} (-?\d+)$", ask(daemon, "/metrics"), re.M)[1])


def shedding(daemon):
    return json.loads(ask(daemon, "/readyz"))["shedding"]


def rows(daemon):
    head = json.loads(ask(daemon, "/api/v1/ledger/head"))
    return head["n"], head["indicators_n"]


def import_population(daemon, tmp_path, date):
    file = tmp_path / "p.csv"
    file.write_text(f"division,reference_date,resident,under3,source\n330100,{date},12000000,250000,test\n")
    done = subprocess.run([BUILD / "nurseryctl", "--socket", daemon.socket, "import", "population", file], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_below_the_reserve_only_the_ledger_is_written_and_it_recovers_by_itself(daemon, disk, tmp_path):
    wait("all is computed", lambda: rows(daemon)[0] == rows(daemon)[1])
    assert not shedding(daemon) and gauge(daemon, "shedding") == 0
    free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
    (disk / "filler").write_bytes(b"x" * (free - 10 * MIB))
    wait("it notices", lambda: shedding(daemon), 10)
    assert gauge(daemon, "shedding") == 1
    assert gauge(daemon, "store_free_bytes") < gauge(daemon, "store_reserve_bytes") == 20 * MIB
    assert " error store.reserve_low free=" in daemon.log.read_text()

    before = rows(daemon)
    import_population(daemon, tmp_path, "2025-12-31")
    after = rows(daemon)
    assert after[0] > before[0], "the ledger goes on"
    time.sleep(2)  # forty times indicators.every: long enough to see that nothing happens
    assert rows(daemon)[1] == before[1], "indicators were computed below the reserve"

    # a little room, but not a tenth more than the reserve: it does not flutter
    (disk / "filler").write_bytes(b"x" * (free - 21 * MIB))
    time.sleep(5)
    assert shedding(daemon)
    (disk / "filler").unlink()
    wait("it recovers", lambda: not shedding(daemon), 10)
    wait("what was held is done", lambda: rows(daemon)[1] >= after[0])
    assert " info store.reserve_recovered free=" in daemon.log.read_text()
