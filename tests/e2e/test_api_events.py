# SPDX-License-Identifier: MIT
"""GET /api/v1/events: what changes is told at once, a lost connection misses nothing, nobody who is slow holds up others."""
import json
import os
import re
import socket
import threading
import time

import pytest
import requests

from live import SITE, Broker, Daemon, Sender, example, topic, wait_until


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    where = tmp_path_factory.mktemp("events")
    broker = Broker(where).start()
    daemon = Daemon(where, f'url = "mqtt://127.0.0.1:{broker.port}";', 'limits: { per_site = "100000/min"; };').start()
    sender = None
    try:
        daemon.wait_ready()
        sender = Sender(broker, "nursery").wait()
        daemon.sender, daemon.seq = sender, 0
        sender.send(topic("registration"), example("registration", 1))
        yield daemon
    finally:
        if sender:
            sender.close()
        daemon.stop()
        broker.stop()


class Stream:
    """One reader; parses what the standard calls the event stream format."""

    def __init__(self, daemon, unix=False, last=None, read=True):
        if unix:
            self.s = socket.socket(socket.AF_UNIX)
            self.s.connect(str(daemon.directory / "nurseryd.sock"))
        else:
            self.s = socket.create_connection(("127.0.0.1", daemon.http))
        header = f"Last-Event-ID: {last}\r\n" if last else ""
        self.s.sendall(f"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n{header}\r\n".encode())
        self.events, self.comments, self.head, self.ended, self.lock = [], 0, "", False, threading.Lock()
        if read:
            threading.Thread(target=self.run, daemon=True).start()
            wait_until(lambda: self.head, 20, "the headers of a stream")

    def run(self):
        try:
            f = self.s.makefile("rb")
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += f.readline()
            self.head = head.decode()
            text = b""
            while size := int(f.readline() or b"0", 16):
                text += f.read(size)
                f.readline()
                *blocks, text = text.split(b"\n\n")
                for block in blocks:
                    self.take(block.decode())
        except (OSError, ValueError):
            pass
        self.ended = True

    def take(self, block):
        if block.startswith(":"):
            self.comments += 1
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if "event" in fields:
            self.events.append((fields["id"], fields["event"], json.loads(fields["data"])))

    def of(self, kind):
        return [e for e in list(self.events) if e[1] == kind]

    def close(self):
        self.s.shutdown(socket.SHUT_RDWR)
        self.s.close()


def incident(daemon):
    daemon.seq += 1
    daemon.sender.send(topic("incident"), example("incident", daemon.seq, event=f"INC-{daemon.seq}"))


def subject(alert):
    return alert[2].get("subject")


def test_an_incident_is_told_within_a_second_and_strangers_learn_no_site(world):
    outside, inside = Stream(world), Stream(world, unix=True)
    assert "200" in outside.head and "text/event-stream" in outside.head and "no-store" in outside.head
    start = time.monotonic()
    incident(world)
    wait_until(lambda: outside.of("alert") and inside.of("alert"), 10, "an alert event")
    took = time.monotonic() - start
    assert took < 1.5, took  # 1 s is meant; ASan and a shared machine
    (_, _, seen), (_, _, known) = outside.of("alert")[0], inside.of("alert")[0]
    assert seen["id"] == known["id"] and known["site"] == SITE and not {"site", "subject"} & set(seen)
    assert requests.get(f"http://127.0.0.1:{world.http}/api/v1/alerts/{seen['id']}").json() == seen
    outside.close(), inside.close()


def test_an_indicator_is_told_as_everywhere(world):
    stream = Stream(world)
    world.sender.send(topic("enrolment"), example("enrolment", 1))
    wait_until(lambda: any(e[2]["id"] == "places_total" for e in stream.of("indicator")), 20, "places_total")
    told = [e[2] for e in stream.of("indicator") if e[2]["id"] == "places_total"][-1]
    items = requests.get(f"http://127.0.0.1:{world.http}/api/v1/units/330100/indicators/places_total").json()["items"]
    assert told in items
    stream.close()


def test_who_comes_back_with_the_last_id_misses_nothing(world):
    first = Stream(world, unix=True)
    incident(world)
    wait_until(lambda: first.of("alert"), 10, "the first alert")
    last = first.events[-1][0]
    first.close()
    for _ in range(3):
        incident(world)
    wanted = {f"{world.seq - i}" for i in range(3)}
    again = Stream(world, unix=True, last=last)
    wait_until(lambda: all(any(subject(e).endswith(f"INC-{n}") for e in again.of("alert")) for n in wanted), 10, lambda: str(again.events))
    ids = [tuple(map(int, e[0].split("-"))) for e in again.events]
    assert ids == sorted(ids), "ids rise"
    again.close()


@pytest.mark.parametrize("last", ["999999999-999999999-0", "nonsense", "1-2-3-4"])
def test_an_id_of_another_database_says_reset(world, last):
    stream = Stream(world, last=last)
    wait_until(lambda: stream.of("reset"), 10, "reset")
    assert re.fullmatch(r"\d+-\d+-\d+", stream.of("reset")[0][0])
    stream.close()


def test_five_hundred_readers_hear_it_and_one_more_is_refused(world):
    before = open_files(world)
    crowd = [Stream(world) for _ in range(500)]
    assert all("200" in s.head for s in crowd)
    refused = requests.get(f"http://127.0.0.1:{world.http}/api/v1/events", timeout=10)
    assert refused.status_code == 503 and int(refused.headers["Retry-After"]) > 0
    inside = Stream(world, unix=True)
    assert "200" in inside.head, "whoever has a role is not shut out by those who have none"
    inside.close()
    start = time.monotonic()
    incident(world)
    wait_until(lambda: all(s.of("alert") for s in crowd), 20, "500 readers hear an alert")
    took = time.monotonic() - start
    print(f"500 readers heard it within {took:.2f} s")
    assert not any(s.ended for s in crowd)
    assert requests.get(f"http://127.0.0.1:{world.http}/healthz", timeout=5).status_code == 200
    for s in crowd:
        s.close()
    wait_until(lambda: open_files(world) < before + 20, 20, "readers that left are let go")


def open_files(daemon):
    return len(os.listdir(f"/proc/{daemon.process.pid}/fd"))


def test_a_quiet_stream_lives_longer_than_any_request_and_beats(world):
    stream = Stream(world)
    wait_until(lambda: stream.comments > 0, 30, "a heartbeat")
    assert not stream.ended
    stream.close()


def test_no_transaction_is_held_by_readers(world):
    streams = [Stream(world) for _ in range(20)]
    time.sleep(1)  # some turns
    import sqlite3
    with sqlite3.connect(world.db, timeout=20) as db:
        busy, log, done = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    assert busy == 0, (log, done)
    for s in streams:
        s.close()


def test_head_and_wrong_calls(world):
    base = f"http://127.0.0.1:{world.http}/api/v1/events"
    assert requests.head(base, timeout=5).headers["Content-Type"] == "text/event-stream"
    assert requests.post(base, timeout=5).status_code == 405
    assert requests.get(base + "?x=1", timeout=5).status_code == 400
    assert requests.get(base, headers={"Host": "evil.example"}, timeout=5).status_code == 421


def holds(daemon, client):
    """The daemon has accepted this connection and not closed it: the kernel's table names an open file for its end."""
    here, there = (f"{port:04X}" for port in (daemon.http, client.getsockname()[1]))
    rows = [line.split() for line in open("/proc/net/tcp").readlines()[1:]]
    return any(r[1].endswith(":" + here) and r[2].endswith(":" + there) and r[9] != "0" for r in rows)


def test_a_reader_that_never_reads_is_cut_and_the_others_go_on(world):
    good = Stream(world, unix=True)
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.connect(("127.0.0.1", world.http))
    s.sendall(b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: 0-0-0\r\n\r\n")
    wait_until(lambda: holds(world, s), 10, "it is accepted")
    start, heard = time.monotonic(), len(good.of("alert"))
    while holds(world, s) and time.monotonic() - start < 60:
        for _ in range(40):
            incident(world)
        time.sleep(0.2)
    took = time.monotonic() - start
    wait_until(lambda: len(good.of("alert")) >= heard + 40, 20, "the good reader hears all the while")
    assert took < 30 and not good.ended, took
    s.close(), good.close()


def test_a_stop_ends_streams_at_once(world):
    stream = Stream(world)
    start = time.monotonic()
    world.stop()
    wait_until(lambda: stream.ended, 5, "the stream ends")
    assert world.process.returncode == 0 and time.monotonic() - start < 15
