# SPDX-License-Identifier: MIT
"""Honest and slow HTTP clients beside live ingest, for some seconds and for correctness only; `make bench-clients` measures."""
import json
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS / "crash"))
from messages import Nurseries  # noqa: E402
from rig import Rig, free_port  # noqa: E402
from wire import Sender  # noqa: E402

SECONDS, DRIPS, SLOW, POLLERS = 20, 20, 4, 20
TARGETS = ("/api/v1/units?province=33", "/api/v1/units/330100", "/api/v1/units/330100/indicators/utilisation?limit=1000",
           "/api/v1/alerts", "/metrics")


@pytest.fixture(scope="module")
def met():
    """What the clients met while every message got its receipt."""
    with Rig() as rig:
        port = free_port()
        rig.daemon.conf.write_text(rig.daemon.conf.read_text().replace('listen = "";', f'listen = "127.0.0.1:{port}";'))
        rig.daemon.start()
        sender = Sender(rig.broker.port, Nurseries(50).mixed(), 100, until_receipted=True)
        sender.start()
        done = subprocess.run([sys.executable, TESTS / "bench/http_load.py", str(port), f"--seconds={SECONDS}", f"--pollers={POLLERS}",
                               f"--drips={DRIPS}", f"--slow-readers={SLOW}", "--large=/web/app.js", "--every=1", "--stream",
                               *[f"--target={t}" for t in TARGETS]], capture_output=True, text=True)
        sender.stop()
        assert done.returncode == 0, done.stderr
        assert rig.daemon.alive(), rig.daemon.log_tail()
        return {**json.loads(done.stdout), "published": len(sender.published), "bad": sender.bad_receipts}


def test_every_message_gets_its_receipt_while_clients_poll_and_drip(met):
    assert met["published"] > 200 and met["bad"] == []


def test_honest_clients_get_answers_and_no_errors(met):
    assert met["problems"] == [] and met["answers"] >= POLLERS
    assert met["unchanged"] > 0, "who asks with If-None-Match is told that nothing changed"


def test_every_drip_is_cut(met):
    assert met["cut"].get("drip", {"count": 0})["count"] >= DRIPS, met["cut"]


def test_the_event_stream_is_served_all_the_while(met):
    assert met["stream"]["events"] > 0 and not met["stream"]["closed"]
