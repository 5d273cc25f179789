#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Live ingest with HTTP clients beside it: a real mosquitto, nurseryd under RATE messages a second, and (a) nobody, (b) 200 who
poll, (c) 500 who drip and read slowly on top, with an event stream. What the ingest feels, what the honest clients get, and
how soon the slow ones are cut. Prints a table; aims that are missed: exit 1.

clients.py [--rate 1000] [--seconds 20] [--pollers 200] [--drips 450] [--slow-readers 50]"""
import argparse
import json
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "crash"))
sys.path.insert(0, str(HERE))
import bench  # noqa: E402
from messages import Nurseries  # noqa: E402
from rig import Rig, free_port  # noqa: E402

UNIT, YEARS = "330100", 1826
TARGETS = ("/api/v1/units?province=33", f"/api/v1/units/{UNIT}",
           f"/api/v1/units/{UNIT}/indicators/utilisation?from=2010-01-01&to=2030-01-01&limit=1000", "/api/v1/alerts", "/metrics")
LARGE = TARGETS[2]
CUT_WITHIN = 11.0  # s: the deadline is 10, a drip looks once a second


def seed_history(db, units=11):
    """Five years of days of one indicator, as they would have been computed."""
    with closing(sqlite3.connect(db, timeout=30)) as c, c:
        today = int(time.time() // 86400)
        c.execute("WITH RECURSIVE g(d) AS (SELECT 1 UNION ALL SELECT d + 1 FROM g WHERE d < ?), u(n) AS (SELECT 1 UNION ALL"
                  " SELECT n + 1 FROM u WHERE n < ?) INSERT OR IGNORE INTO sample SELECT printf('33%02d00', n), 'utilisation', 'day',"
                  " ? - d, 4000 + d % 97 + n, 6000 + d % 7, 'ok', NULL, 98, 100, 2, 1, 1, 1, '[]', 0, NULL FROM g, u",
                  (YEARS, units, today))


def load_clients(port, seconds, pollers, drips, slow_readers, result):
    """Who polls stands in a process of its own, or a poll would be charged with the time its neighbours took in the load generator."""
    base = [sys.executable, HERE / "http_load.py", str(port), "--seconds", str(seconds), "--large", LARGE]
    honest = ["--pollers", str(pollers), "--stream", *[f"--target={t}" for t in TARGETS]]
    slow = ["--drips", str(drips), "--slow-readers", str(slow_readers)]
    loads = [subprocess.Popen(base + who, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
             for who in ([honest, slow] if drips or slow_readers else [honest])]
    for load in loads:
        out, err = load.communicate()
        told = json.loads(out) if load.returncode == 0 else {"problems": [err[-2000:]]}
        if load is loads[0] or told.get("problems"):
            result.update(told)
        else:
            result["cut"] = told["cut"]


def ingest(rig, nurseries, rate, seconds):
    """Latency of every receipt, and how many messages never got one."""
    watch, start = bench.Stopwatch(rig), time.perf_counter()
    total = int(rate * seconds)
    for k, message in enumerate(bench.live_messages(nurseries, total)):
        while time.perf_counter() < start + k / rate:
            watch.listen(max(0, start + k / rate - time.perf_counter()))
        watch.publish(message)
    took = time.perf_counter() - start
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and len(watch.took["receipt"]) < total:
        watch.listen(0.1)
    receipts = watch.took["receipt"]
    return {"rate": total / took, "lost": total - len(receipts),
            **{name: bench.percentile(receipts, share) for name, share in (("p50", 0.5), ("p99", 0.99), ("p999", 0.999))}}


def phase(rig, nurseries, o, name, pollers=0, drips=0, slow_readers=0):
    clients, thread = {}, None
    if pollers or drips or slow_readers:
        thread = threading.Thread(target=load_clients, args=(rig.http, o.seconds, pollers, drips, slow_readers, clients))
        thread.start()
        time.sleep(1)
    cpu = cpu_of(rig.daemon.process.pid)
    result = ingest(rig, nurseries, o.rate, o.seconds - (2 if thread else 0))
    result["cpu"] = (cpu_of(rig.daemon.process.pid) - cpu) / o.seconds
    if thread:
        thread.join()
    result["clients"] = clients
    print(f"  {name}: {json.dumps(result)}", flush=True)
    return result


def cpu_of(pid):
    field = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(field[11]) + int(field[12])) / 100


def measure(o):
    port = free_port()
    with Rig() as rig:
        rig.http = port
        conf = rig.daemon.conf.read_text().replace('listen = "";', f'listen = "127.0.0.1:{port}";')
        rig.daemon.conf.write_text(conf)
        nurseries = Nurseries(o.sites)
        bench.register_all(rig, nurseries)
        seed_history(rig.daemon.db)
        rig.daemon.start()
        phase(rig, nurseries, argparse.Namespace(rate=o.rate, seconds=4), "warm up")
        return {"a": phase(rig, nurseries, o, "(a) nobody asks"),
                "b": phase(rig, nurseries, o, f"(b) {o.pollers} poll", o.pollers),
                "c": phase(rig, nurseries, o, f"(c) and {o.drips + o.slow_readers} are slow", o.pollers, o.drips, o.slow_readers)}


def ingest_rows(name, r, base):
    good = r["p99"] <= 3 * max(base["p99"], 2) and r["lost"] == 0
    return [(f"({name}) publish → receipt", f"p50 {r['p50']:.2f} ms, p99 {r['p99']:.2f} ms, p99.9 {r['p999']:.2f} ms",
             "p99 ≤ 3 × (a)" if name != "a" else "", None if name == "a" else good),
            (f"({name}) messages", f"{r['rate']:.0f}/s, {r['lost']} without a receipt; nurseryd {r['cpu'] * 100:.0f} % of a core", "none", r["lost"] == 0)]


def client_rows(name, c):
    rows = [(f"({name}) {what}", f"{p['count']} polls, p50 {p['p50_ms']:.1f} ms, p99 {p['p99_ms']:.1f} ms", *aim(what, p))
            for what, p in c.get("polled", {}).items()]
    rows.append((f"({name}) answers", f"{c.get('answers')}, {c.get('unchanged')} of them 304; problems: {c.get('problems')}", "none",
                 not c.get("problems")))
    stream = c.get("stream") or {"closed": True, "events": 0, "longest_silence_s": 0}
    rows.append((f"({name}) event stream", f"{stream['events']} events, longest silence {stream['longest_silence_s']:.1f} s", "served",
                 not stream["closed"] and stream["events"] > 0))
    for what, p in c.get("cut", {}).items():
        rows.append((f"({name}) {what}", f"{p['count']} times, after p50 {p['p50_ms'] / 1000:.1f} s, at most {p['max_ms'] / 1000:.1f} s",
                     f"≤ {CUT_WITHIN:.0f} s", p["max_ms"] / 1000 <= CUT_WITHIN))
    return rows


def aim(what, p):
    return ("≤ 50 ms p99", p["p99_ms"] <= 50) if "/indicators/" in what else ("", None)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=1000)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--sites", type=int, default=20_000)
    parser.add_argument("--pollers", type=int, default=200)
    parser.add_argument("--drips", type=int, default=450)
    parser.add_argument("--slow-readers", type=int, default=50)
    o = parser.parse_args()
    r = measure(o)
    rows = []
    for name in "abc":
        rows += ingest_rows(name, r[name], r["a"]) + (client_rows(name, r[name]["clients"]) if name != "a" else [])
    return 1 if bench.report(rows) else 0


if __name__ == "__main__":
    sys.exit(main())
