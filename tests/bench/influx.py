#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""How fast a backlog of points drains into InfluxDB, against what InfluxDB takes alone of the same lines (docs/bench.md).

influx.py [--sites 99] [--days 390] [--runs 3]"""
import argparse
import gzip
import statistics
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))
from points_rig import Daemon, Influx, Stub, requests, wait_until  # noqa: E402
from test_influx import backlog  # noqa: E402

LINES = 5000  # a request, as nurseryd sends them


def alone(influx, lines):
    """Lines a second: one client, one request at a time, compressed beforehand."""
    bodies = [gzip.compress("\n".join(lines[i:i + LINES]).encode(), 1) for i in range(0, len(lines), LINES)]
    session = requests.Session()
    start = time.monotonic()
    for body in bodies:
        answer = session.post(influx.url + "/write", params={"db": "nursery", "precision": "ms"}, data=body,
                              headers={"Content-Encoding": "gzip"})
        assert answer.status_code == 204, answer.text
    return len(lines) / (time.monotonic() - start)


def drain(daemon, lines):
    daemon.start()
    start = time.monotonic() - 0.05
    wait_until(daemon.all_sent, 600, "all is sent", 0.02)
    rate = lines / (time.monotonic() - start)
    daemon.stop()
    return rate


def forget(daemon):
    daemon.write_conf(url="")
    daemon.start()
    wait_until(lambda: daemon.rows("SELECT count(*) FROM sink_cursor") == [(0,)], 10, "forgotten")
    daemon.stop()


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--sites", type=int, default=99)
    options.add_argument("--days", type=int, default=390)
    options.add_argument("--runs", type=int, default=3)
    o = options.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        stub = Stub()
        daemon = Daemon(Path(directory), url=stub.url)
        daemon.fold(backlog(o.sites, o.days))
        daemon.start()
        wait_until(daemon.all_sent, 600, "all is sent")
        daemon.stop()
        lines = stub.taken()
        stub.stop()
        print(f"{len(lines)} lines, {sum(map(len, lines)) // len(lines)} bytes each")
        results = {"nurseryd": [], "InfluxDB alone": []}
        for _ in range(o.runs):
            for name in results:
                with tempfile.TemporaryDirectory() as fresh:
                    influx = Influx(Path(fresh)).start()
                    if name == "nurseryd":
                        forget(daemon)
                        daemon.write_conf(url=influx.url)
                    results[name].append(drain(daemon, len(lines)) if name == "nurseryd" else alone(influx, lines))
                    influx.stop()
        for name, rates in results.items():
            print(f"{name}: median {statistics.median(rates):.0f} lines/s of {[round(r) for r in rates]}")


if __name__ == "__main__":
    main()
