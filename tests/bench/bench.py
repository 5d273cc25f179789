#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""How fast, against what (docs/bench.md). Prints a Markdown table, writes build/bench.json; aims that are missed: exit 1.

bench.py [--runs 3] [--messages 100000] [--only drain|sites|live|size] [--profile]"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "crash"), str(HERE)]
import size  # noqa: E402
from messages import DAYS, Nurseries  # noqa: E402
from rig import BUILD, ROOT, Rig, wait_until  # noqa: E402
from wire import Connection, Sender  # noqa: E402

COUNTER = BUILD / "bench-counter"
NO_LIMIT = 10_000_000  # messages a second: as fast as the broker takes them
SCRIPT_MESSAGES = 10_000  # of the backlog: the script is slow


def build_counter():
    subprocess.run(["cc", "-O2", "-o", str(COUNTER), str(HERE / "counter.c"), "-lmosquitto"], check=True)


def publish(rig, messages):
    sender = Sender(rig.broker.port, messages, NO_LIMIT)
    sender.start()
    sender.join()
    sender.stop()
    return len(sender.published)


def run_counter(rig, count):
    return float(subprocess.check_output([str(COUNTER), str(rig.broker.port), str(count)]))


def run_script(rig, count):
    return float(subprocess.check_output(
        ["/usr/bin/python3", str(HERE / "script.py"), str(rig.broker.port), str(count), str(rig.directory / "script.db")]))


# ---- a backlog, drained ----

def register_all(rig, nurseries):
    """Ingested, and the session exists; nurseryd is stopped."""
    rig.daemon.start()
    before = rig.daemon.message_count()
    publish(rig, nurseries.registrations())
    wait_until(lambda: rig.daemon.message_count() >= before + nurseries.count, 300, "registrations are not ingested", 0.1)
    rig.daemon.stop()


def drain(rig, count, profile=None):
    """Seconds from the first committed message to the last, and peak memory in MiB."""
    before = rig.daemon.last_message()
    rig.daemon.start(wait=False)
    perf = start_perf(rig, profile) if profile else None
    wait_until(lambda: rig.daemon.head() and rig.daemon.last_message() > before, 60, "nothing is ingested", 0.0005)
    first_n, start = rig.daemon.last_message(), time.monotonic()
    last = rig.daemon.first_message_after(before) + count - 1
    wait_until(lambda: rig.daemon.last_message() >= last, 600, "the backlog is not ingested", 0.004)
    elapsed = time.monotonic() - start
    ingested = last - first_n
    memory = rig.daemon.peak_memory_mib()
    if perf:
        perf.wait()
    rig.daemon.stop()
    return ingested / elapsed, memory


def start_perf(rig, path):
    return subprocess.Popen(["perf", "record", "-q", "-e", "cpu-clock", "-F", "497", "--call-graph", "dwarf,16384", "-o", str(path), "-p",
                             str(rig.daemon.process.pid), "--", "sleep", "5"], stderr=subprocess.DEVNULL)


def measure_backlog(messages, sites, references, profile=None):
    """One fresh broker and database; rates in messages a second."""
    with Rig() as rig:
        nurseries, result = Nurseries(sites), {}
        register_all(rig, nurseries)
        if references:
            run_counter(rig, 0)
        publish(rig, nurseries.enrolments(messages))
        if references:
            result["counter"] = (messages - 1) / run_counter(rig, messages)
        result["nurseryd"], result["memory_mib"] = drain(rig, messages, profile)
        if references:
            run_script(rig, 0)
            publish(rig, nurseries.enrolments(SCRIPT_MESSAGES))
            result["script"] = (SCRIPT_MESSAGES - 1) / run_script(rig, SCRIPT_MESSAGES)
        return result


# ---- live, at a rate ----

def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))] * 1000 if values else float("nan")


class Stopwatch:
    """Publishes at a rate over one connection; a second one hears the echo, the receipts and the alerts."""

    def __init__(self, rig):
        self.sender = Connection(rig.broker.port, "clock")
        self.listener = Connection(rig.broker.port, "ear", ["nursery/v1/+/+/+/up/+", "nursery/v1/+/+/+/down/receipt",
                                                            "nurseryd/v1/alert/#"])
        self.sent, self.events, self.took = {}, {}, defaultdict(list)
        self.packet_id = 0

    def publish(self, message):
        self.packet_id = self.packet_id % 65535 + 1
        self.sent[message.identity] = time.perf_counter()
        if message.identity[1] == "incident":
            self.events[json.loads(message.payload)["body"]["event"]] = self.sent[message.identity]
        self.sender.publish(message, self.packet_id)

    def listen(self, timeout):
        for event in self.listener.poll(timeout):
            if event[0] == "message":
                self._hear(time.perf_counter(), event[1].split("/"), event[2])
        self.sender.poll(0)

    def _hear(self, now, topic, payload):
        if topic[0] == "nurseryd":
            if payload:
                event = json.loads(payload)["subject"].rsplit("/", 1)[1]
                if event in self.events:
                    self.took["alert"].append(now - self.events.pop(event))
            return
        message = json.loads(payload)
        feed = message["feed"] if topic[5] == "down" else topic[6]
        identity = (topic[4], feed, message["epoch"], message["seq"])
        if identity in self.sent:
            self.took["receipt" if topic[5] == "down" else "echo"].append(now - self.sent[identity])


def live_messages(nurseries, total):
    for k in range(total):
        yield nurseries.incident(k % nurseries.count, serious=True) if k % 100 == 50 else nurseries.enrolment(k % nurseries.count)


def measure_live(sites, rate=1000, seconds=20):
    """As many sites as messages: everybody's report of today. Fewer: reports ever further back, which touch 32 days each."""
    with Rig() as rig:
        nurseries = Nurseries(sites)
        register_all(rig, nurseries)
        rig.daemon.start()
        watch, start = Stopwatch(rig), time.perf_counter()
        for k, message in enumerate(live_messages(nurseries, rate * seconds)):
            while time.perf_counter() < start + k / rate:
                watch.listen(max(0, start + k / rate - time.perf_counter()))
            watch.publish(message)
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline and len(watch.took["receipt"]) < rate * seconds:
            watch.listen(0.1)
        watch.listen(1)
        result = {f"{what}_{name}_ms": percentile(watch.took[what], share)
                  for what in ("echo", "receipt", "alert") for name, share in (("p50", 0.5), ("p99", 0.99))}
        result["receipts"], result["alerts"] = len(watch.took["receipt"]), len(watch.took["alert"])
        return result


# ---- the report ----

def median_of(runs):
    return {key: statistics.median(run[key] for run in runs) for key in runs[0]}


def repeated(runs, what, measure):
    results = []
    for i in range(runs):
        results.append(measure())
        print(f"  {what} {i + 1}/{runs}: " + ", ".join(f"{k} {v:.6g}" for k, v in results[-1].items()), flush=True)
    return median_of(results)


def report(parts):
    rows, missed = [], 0
    for what, value, aim, met in parts:
        rows.append(f"| {what} | {value} | {aim} | {'' if met is None else 'yes' if met else '**no**'} |")
        missed += met is False
    print("\n| what | measured | aim | met |\n|---|---|---|---|\n" + "\n".join(rows))
    return missed


def drain_rows(r):
    counter, script = r["nurseryd"] / r["counter"], r["nurseryd"] / r["script"]
    return [("(1) nurseryd, durable, all the work", f"{r['nurseryd']:,.0f}/s", "", None),
            ("(2) counting mosquitto_loop()", f"{r['counter']:,.0f}/s", "", None),
            ("(3) Python, commit per message", f"{r['script']:,.0f}/s", "", None),
            ("(1)/(2)", f"{counter:.2f}", "≥ 0.35", counter >= 0.35), ("(1)/(3)", f"{script:.1f}", "≥ 6", script >= 6)]


def sites_rows(few, many):
    ratio = many["nurseryd"] / few["nurseryd"]
    return [("(4) 100 sites", f"{few['nurseryd']:,.0f}/s", "", None),
            ("(4) 100,000 sites", f"{many['nurseryd']:,.0f}/s", "", None),
            ("(4) 100,000 ÷ 100 sites", f"{ratio:.2f}", "≥ 0.7", ratio >= 0.7),
            ("(4) peak memory at 100,000 sites", f"{many['memory_mib']:.1f} MiB", "≤ 64 MiB", many["memory_mib"] <= 64)]


def live_rows(r, days):
    return [(f"(5) {name}, 1,000/s, {days}", f"p50 {r[what + '_p50_ms']:.2f} ms, p99 {r[what + '_p99_ms']:.2f} ms", "", None)
            for what, name in (("echo", "bare broker echo"), ("receipt", "publish → receipt"), ("alert", "incident → alert"))]


def options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--only", choices=("drain", "sites", "live", "size"))
    parser.add_argument("--profile", help="perf.data of one drain, nothing else")
    return parser.parse_args()


def main():
    o, parts, figures = options(), [], {"processors": os.cpu_count()}
    build_counter()
    if o.profile:
        print(measure_backlog(o.messages, 1000, False, o.profile))
        return 0
    if o.only in (None, "drain"):
        figures["drain"] = repeated(o.runs, "drain", lambda: measure_backlog(o.messages, 1000, True))
        parts += drain_rows(figures["drain"])
    if o.only in (None, "sites"):
        # As many messages as 100 sites have natural keys, so that none is a correction.
        figures["few"] = repeated(o.runs, "100 sites", lambda: measure_backlog(100 * DAYS, 100, False))
        figures["many"] = repeated(o.runs, "100,000 sites", lambda: measure_backlog(100_000, 100_000, False))
        parts += sites_rows(figures["few"], figures["many"])
    if o.only in (None, "live"):
        figures["today"] = repeated(o.runs, "live, today", lambda: measure_live(20_000))
        figures["backdated"] = repeated(o.runs, "live, backdated", lambda: measure_live(1000))
        parts += live_rows(figures["today"], "today") + live_rows(figures["backdated"], "20 days back")
    if o.only in (None, "size"):
        figures["size"] = size.measure(10_000, 1000)
        parts += size.rows(figures["size"])
    missed = report(parts)
    (ROOT / "build" / "bench.json").write_text(json.dumps(figures, indent=1) + "\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
