# SPDX-License-Identifier: MIT
"""Nobody acknowledges (DOMAIN §4): the next contact, then the province, whatever dies between the steps; an acknowledgement ends it,
and the quiet hours hold nothing of S1 back. The policy's 5 and 15 minutes are 3 and 7 seconds here."""
import json
import time

import pytest
from live import TOP, wait_until
from pages_rig import Recorder, rows
from test_pages import ROUTES, World, webhook

TIMES = {'next_contact = "5m"': 'next_contact = "3s"', 'province = "15m"': 'province = "7s"'}
CALLS = [("raise", "officer"), ("escalate", "deputy"), ("escalate", "zhejiang")]


@pytest.fixture
def hook():
    r = Recorder()
    yield r
    r.stop()


@pytest.fixture
def world(tmp_path, hook):
    made = []

    def make(more=""):
        made.append(World(tmp_path, f"{more} sinks = ( {webhook(hook.url)} ); " + ROUTES.format(sinks=""), TIMES))
        return made[-1]

    yield make
    for w in made:
        assert w.ctl("verify").returncode == 0
        w.close()


def kill(w):
    w.daemon.process.kill()
    w.daemon.process.wait()
    w.daemon.start().wait_ready()


def calls(hook):
    """Each page that was taken once or again with the same key, in order."""
    seen = {}
    for h in list(hook.heard):
        seen.setdefault(h["headers"]["Idempotency-Key"], h)
    return [(json.loads(h["body"])["kind"], json.loads(h["body"])["contact"]) for h in seen.values()]


def test_the_shipped_policy_says_five_and_fifteen_minutes():
    text = (TOP / "config/policy.conf").read_text()
    assert all(text.count(old) == 1 for old in TIMES)


@pytest.mark.parametrize("more", ["", 'quiet_from = "00:00"; quiet_until = "23:59";'])
def test_killed_between_the_steps_each_is_called_once_and_in_time(world, hook, more):
    w = world(more)
    w.incident("INC-1")
    for step in (1, 2, 3):
        wait_until(lambda: len(calls(hook)) == step, 20, lambda: calls(hook))
        kill(w)
    time.sleep(4)  # anybody else?
    assert calls(hook) == CALLS
    times = [h["at"] for h in hook.heard]
    assert times[1] - times[0] > 2.5 and times[-1] - times[0] > 6.5
    assert not rows(w.daemon, "SELECT 1 FROM escalation")


@pytest.mark.parametrize("before", [1, 2])
def test_an_acknowledgement_ends_it_and_a_kill_behind_it_changes_nothing(world, hook, before):
    w = world()
    w.incident("INC-1")
    wait_until(lambda: len(calls(hook)) == before, 20, lambda: calls(hook))
    kill(w)
    assert w.ctl("ack", "A-000001").returncode == 0
    kill(w)
    time.sleep(9)  # longer than the province's time
    assert calls(hook) == CALLS[:before]
    assert not rows(w.daemon, "SELECT 1 FROM escalation")


def test_down_for_longer_than_both_delays_everybody_is_called_when_it_is_back(world, hook):
    w = world()
    w.incident("INC-1")
    wait_until(lambda: len(calls(hook)) == 1, 20, "the page")
    w.daemon.process.kill()
    w.daemon.process.wait()
    time.sleep(8)
    w.daemon.start().wait_ready()
    wait_until(lambda: len(calls(hook)) == 3, 20, lambda: calls(hook))
    assert sorted(calls(hook)) == sorted(CALLS)  # both at once: whoever answers first
