# SPDX-License-Identifier: MIT
"""nurseryd against an oracle written from DOMAIN alone (oracle.py): every indicator of every unit and day of a nasty
seeded province of 70 days, after the messages went through the real door and fold by `nurseryd --fold`."""
import csv
import datetime
import fractions
import json
import os
import pathlib
import socket
import subprocess
import time

import pytest
import requests

import oracle
import oracle_world
from points_rig import Influx

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("NURSERYD_BUILD", TOP / "build")).resolve()
DAYS = 70
UNITS = ("330100", "330200", "330300", "310101", "429004", "659000", "659001", "130100", "110105")
SEED = int(os.environ.get("ORACLE_SEED", "20261124"))


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def yesterday():
    return datetime.datetime.now(oracle.SHANGHAI).date() - datetime.timedelta(days=1)


class Instance:
    """A database filled by --fold, then served by a daemon whose broker is away."""

    def __init__(self, where, lines, influx=""):
        self.where, self.port = where, free_port()
        (where / "n.conf").write_text(f"""
            store: {{ path = "n.db"; }};
            policy = "{TOP}/config/policy.conf";
            mqtt: {{ url = "mqtt://127.0.0.1:{free_port()}"; }};
            http: {{ listen = "127.0.0.1:{self.port}"; socket = "n.sock"; }};
            influx: {{ url = "{influx}"; }};
            """)
        self.env = dict(os.environ, NURSERYD_DATADIR=str(TOP / "config" / "data"))
        keys = ("received_at", "topic", "payload")
        (where / "lines.jsonl").write_text("".join(json.dumps({k: x[k] for k in keys}) + "\n" for x in lines))
        done = subprocess.run([BUILD / "nurseryd", "-c", "n.conf", "--fold", "lines.jsonl"], cwd=where, env=self.env,
                              capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        self.receipts = [json.loads(x)["payload"] for x in done.stdout.splitlines()]

    def __enter__(self):
        with open(self.where / "log", "w") as log:
            self.process = subprocess.Popen([BUILD / "nurseryd", "-c", "n.conf"], cwd=self.where, stderr=log, env=self.env)
        self.wait_for(lambda: self.get("/healthz"))
        return self

    def __exit__(self, *_):
        self.process.terminate()
        assert self.process.wait(30) == 0

    def wait_for(self, condition, seconds=180):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            assert self.process.poll() is None, (self.where / "log").read_text()[-2000:]
            try:
                if condition():
                    return
            except requests.ConnectionError:
                pass
            time.sleep(0.05)
        pytest.fail(f"did not happen in {seconds} s")

    def get(self, path):
        return requests.get(f"http://127.0.0.1:{self.port}{path}", timeout=20)

    def load(self, kind, rows):
        path = self.where / f"{kind}.csv"
        with open(path, "w", newline="") as f:
            writer = csv.DictWriter(f, rows[0].keys(), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        done = subprocess.run([BUILD / "nurseryctl", "--socket", self.where / "n.sock", "import", kind, path],
                              capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr

    def settle(self):
        def computed():
            head = self.get("/api/v1/ledger/head").json()
            return head["indicators_n"] >= head["n"]
        self.wait_for(computed)

    def indicators(self, unit, indicator, first, last, period="day"):
        items, after = {}, None
        while True:
            path = f"/api/v1/units/{unit}/indicators/{indicator}?from={first}&to={last}&period={period}&limit=1000"
            reply = self.get(path + (f"&after={after}" if after else ""))
            if reply.status_code == 404:
                return items
            body = reply.json()
            items.update((i["as_of"], i) for i in body["items"])
            after = body.get("next")
            if not after:
                return items


@pytest.fixture(scope="module")
def world():
    return oracle_world.World(SEED, yesterday(), DAYS)


@pytest.fixture(scope="module")
def expected(world):
    return oracle.Oracle(world.lines(), {**world.imports(), "workdays": workdays()})


def workdays():
    with open(TOP / "config/data/workdays.csv", newline="", encoding="utf-8") as f:
        return list(csv.DictReader(f))


@pytest.fixture(scope="module")
def influx(tmp_path_factory):
    database = Influx(tmp_path_factory.mktemp("influx")).start()
    yield database
    database.stop()


@pytest.fixture(scope="module")
def instance(world, tmp_path_factory, influx):
    lines = world.lines()
    with Instance(tmp_path_factory.mktemp("oracle"), lines, influx.url) as i:
        for line, receipt in zip(lines, i.receipts, strict=True):
            assert (receipt["status"] == "accepted") == line["valid"], (line, receipt)
        for kind, rows in world.imports().items():
            i.load(kind, rows)
        i.settle()
        yield i


def differences(got, want, completeness, s):
    """What the object says otherwise than the oracle."""
    if want is None:
        return []
    found = []
    if got["status"] == "insufficient" or (got["reason"] or "").startswith("suppressed"):
        return found  # satisfaction: test_satisfaction_* look at those
    pairs = [("status", got["status"], want.status), ("value", got["value"], want.value)]
    if want.status == "ok":
        pairs += [("numerator", got["numerator"], want.numerator), ("denominator", got["denominator"], want.denominator)]
    else:
        pairs += [("reason given", bool(got["reason"]), True)]
    if completeness is not None:
        pairs.append(("completeness", got["completeness"], float(completeness)))
    pairs += [("stale", got["stale"], s["stale"]), ("missing", got["missing"], s["operating"] - s["usable"])]
    return [(name, a, b) for name, a, b in pairs if a != b]


@pytest.mark.parametrize("indicator", sorted(oracle.MEASURES))
def test_every_unit_and_day_agrees_with_the_oracle(instance, expected, world, indicator):
    wrong, compared = [], 0
    for unit in UNITS:
        got = instance.indicators(unit, indicator, world.first, world.last)
        for day in world.days():
            s = day_sums(expected, unit, day)
            want = expected.value(unit, day, indicator, s)
            if str(day) not in got:
                if s["operating"]:
                    wrong.append((unit, str(day), "missing", want.status))
                continue
            compared += 1
            wrong += [(unit, str(day), *d) for d in differences(got[str(day)], want, expected.completeness(indicator, s), s)]
    assert compared > 200
    assert not wrong, f"{len(wrong)} differences, the first: {wrong[:8]}"


CACHE = {}


def day_sums(expected, unit, day):
    key = id(expected), unit, day
    if key not in CACHE:
        CACHE[key] = expected.sums(unit, day)
    return CACHE[key]


@pytest.mark.parametrize("indicator", sorted(oracle.MEASURES))
def test_every_unit_and_month_agrees_with_the_oracle(instance, expected, world, indicator):
    months = sorted({(d.year, d.month) for d in world.days()})[1:]  # the first is cut off by the start of the world
    wrong, compared = [], 0
    for unit in UNITS:
        got = instance.indicators(unit, indicator, world.first.strftime("%Y-%m"), world.last.strftime("%Y-%m"), "month")
        for year, month in months:
            want = expected.month_value(unit, year, month, indicator, world.last)
            object_ = got.get(f"{year}-{month:02d}")
            if object_ is None:
                if want.status == "ok" and day_sums(expected, unit, world.last)["operating"]:
                    wrong.append((unit, year, month, "missing"))
                continue
            compared += 1
            if object_["status"] == "insufficient" or (object_["reason"] or "").startswith("suppressed"):
                continue
            if (object_["status"], object_["value"]) != (want.status, want.value):
                wrong.append((unit, year, month, object_["value"], want.value, object_["numerator"], want.numerator))
    assert compared > 10
    assert not wrong, f"{len(wrong)} differences, the first: {wrong[:8]}"


def points_sent(instance):
    waiting = [float(x.split()[-1]) for x in instance.get("/metrics").text.splitlines()
               if x.startswith("nurseryd_sink_waiting_points")]
    return waiting and not any(waiting)


@pytest.fixture(scope="module")
def points(instance, influx):
    instance.wait_for(lambda: points_sent(instance), 400)
    return {key: fields for key, fields in influx.points("unit_indicator").items() if key[2] == "day"}


@pytest.mark.parametrize("indicator", sorted(oracle.MEASURES))
def test_every_point_in_influxdb_agrees_with_the_oracle(points, expected, world, indicator):
    wrong, compared = [], 0
    for unit in UNITS:
        for day in world.days():
            at = int(datetime.datetime.combine(day, datetime.time(0), oracle.SHANGHAI).timestamp() * 1000)
            point = points.get((at, indicator, "day", unit[:2], unit))
            if point is None or point["status"] == "insufficient":
                continue
            want = expected.value(unit, day, indicator, day_sums(expected, unit, day))
            compared += 1
            if (point["status"], point["value"]) != (want.status, -1 if want.value is None else want.value):
                wrong.append((unit, str(day), point, want.status, want.value))
    assert compared > 200
    assert not wrong, f"{len(wrong)} differences, the first: {wrong[:5]}"


def test_the_target_in_force_is_met_or_not_exactly(instance, expected, world):
    for unit in UNITS:
        for day, object_ in instance.indicators(unit, "places_per_1000", world.first, world.last).items():
            day = datetime.date.fromisoformat(day)
            want = expected.target(unit, day, "places_per_1000")
            value = expected.value(unit, day, "places_per_1000", day_sums(expected, unit, day))
            assert (object_["target"]["value"], object_["target"]["by"]) == (want["value"], want["by"]), (unit, day)
            if value.exact is not None:
                assert object_["target"]["met"] == (value.exact >= fractions.Fraction(want["value"]))


def samples(directory):
    """Every indicator but what is about arrival, from the database itself."""
    import sqlite3
    with sqlite3.connect(f"file:{directory}/n.db?mode=ro", uri=True) as db:
        return db.execute("SELECT unit, indicator, period, as_of, numerator, denominator, status FROM sample"
                          " WHERE indicator NOT IN ('timeliness', 'late_report_rate') AND period = 'day' ORDER BY 1, 2, 3, 4").fetchall()


@pytest.mark.parametrize("seed", range(int(os.environ.get("ORACLE_SHUFFLES", "3"))))
def test_a_shuffle_gives_identical_indicators(world, tmp_path_factory, seed):
    key = "straight", id(world)
    if key not in CACHE:
        CACHE[key] = computed(tmp_path_factory.mktemp("straight"), world.lines())
    assert computed(tmp_path_factory.mktemp("shuffle"), world.shuffled(seed)) == CACHE[key]


def computed(where, lines):
    Instance(where, lines)
    done = subprocess.run([BUILD / "nurseryctl", "--db", where / "n.db", "verify"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    return samples(where)
