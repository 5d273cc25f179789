# SPDX-License-Identifier: MIT
"""Points (CONTRACT §4) in a real InfluxDB and a real VictoriaMetrics; a stub only for the faults they do not show."""
import datetime
import json
import sqlite3
import subprocess
import time

import paho.mqtt.client as mqtt
import pytest
import requests
from points_rig import BUILD, ROOT, Broker, Daemon, Influx, Stub, Victoria, wait_until
from test_fold import HANGZHOU, JIAXING, OTHER, SITE, enrolment, incident, line, message, registration

LOCAL = datetime.timezone(datetime.timedelta(hours=8))
INDICATOR_FIELDS = {"value", "numerator", "denominator", "completeness", "revision", "final", "status"}


def ms(text):
    """Of a local day."""
    return int(datetime.datetime.fromisoformat(text).replace(tzinfo=LOCAL).timestamp() * 1000)


def day_ms(day):
    return day * 86400000 - 8 * 3600000


def story():
    """Two nurseries, one of them without registration at first; a correction, a retract, an incident with a follow-up."""
    return [line("2026-11-24T00:00:00Z", "registration", message(1, registration())),
            line("2026-11-24T00:01:00Z", "enrolment", message(1, enrolment(as_of="2026-11-23", attended=39, staff={"carers": 9}))),
            line("2026-11-24T00:02:00Z", "enrolment", message(2, enrolment())),
            line("2026-11-24T00:03:00Z", "enrolment", message(3, enrolment(as_of="2026-11-22"))),
            line("2026-11-24T00:04:00Z", "enrolment", message(4, None, "retract", ref={"epoch": 1, "seq": 3}, reason="wrong day")),
            line("2026-11-24T00:05:00Z", "incident", message(1, incident(minor=2))),
            line("2026-11-24T00:06:00Z", "incident", message(2, {**incident(stage="follow_up", minor=3, serious=None),
                                                                 "occurred_at": "2026-11-24T06:30:00+08:00"})),
            line("2026-11-24T00:07:00Z", "enrolment", message(1, enrolment(), site=OTHER, division=JIAXING), OTHER, JIAXING)]


@pytest.fixture
def parts(tmp_path):
    """Whatever a test starts is stopped, the daemon first."""
    running = []

    def start(part):
        running.append(part)
        return part.start() if hasattr(part, "start") else part
    start.directory = tmp_path
    yield start
    for part in reversed(running):
        part.stop()


@pytest.fixture
def influx(parts):
    return parts(Influx(parts.directory))


def told(daemon):
    """What the daemon's own tables say that the points must be."""
    indicators = {(day_ms(as_of), indicator, period, unit[:2], unit): (n, d, status, revision) for
                  unit, indicator, period, as_of, n, d, status, revision in
                  daemon.rows("SELECT unit, indicator, period, as_of, numerator, denominator, status, revision FROM sample"
                              " WHERE period = 'day'")}
    enrolments = {(day_ms(day), site, unit): enrolled for day, site, unit, enrolled in daemon.rows(
        "SELECT day, code, ifnull((SELECT g.unit FROM register g WHERE g.site = code AND g.unit IS NOT NULL AND effective_on <= day"
        " ORDER BY effective_on DESC LIMIT 1), s.unit), under12 + m12_23 + m24_35 + over36"
        " FROM enrolment e JOIN site s ON s.id = e.site WHERE counts = 1 AND s.unit IS NOT NULL")}
    return indicators, enrolments


def assert_all_there(daemon, influx):
    indicators, enrolments = told(daemon)
    found = {k: v for k, v in influx.points("unit_indicator").items() if k[2] == "day"}
    assert set(indicators) <= set(found)
    for key in set(found) - set(indicators):  # days that the unit lost with its last nursery
        assert (found[key]["status"], found[key]["numerator"], found[key]["value"]) == ("no_data", -1, -1), key
    for key, (n, d, status, revision) in indicators.items():
        assert found[key]["numerator"] == (-1 if n is None else float(n)), key
        assert found[key]["denominator"] == (-1 if d is None else float(d)), key
        assert (found[key]["status"], found[key]["revision"]) == (status, revision)
    live = {k: v["enrolled"] for k, v in influx.points("site_enrolment").items() if not v["retracted"]}
    assert live == enrolments


def test_every_measurement_has_its_tags_fields_and_times(parts, influx):
    daemon = Daemon(parts.directory, url=influx.url)
    daemon.fold(story())
    parts(daemon).wait_sent()
    assert_all_there(daemon, influx)
    point = influx.points("unit_indicator")[(ms("2026-11-23"), "places_total", "day", "33", "330100")]
    assert set(point) == INDICATOR_FIELDS
    assert point == {"value": 60, "numerator": 60, "denominator": -1, "completeness": 1, "revision": 1, "final": False, "status": "ok"}
    missing = influx.points("unit_indicator")[(ms("2026-11-23"), "places_per_1000", "day", "33", "330100")]
    assert (missing["value"], missing["denominator"], missing["status"]) == (-1, -1, "no_data")
    assert influx.points("site_enrolment") == {  # the nursery without registration counts nowhere
        (ms("2026-11-22"), SITE, "330100"): {"places": -1, "enrolled": -1, "attended": -1, "carers": -1, "retracted": True},
        (ms("2026-11-23"), SITE, "330100"): {"places": 60, "enrolled": 42, "attended": 39, "carers": 9, "retracted": False},
        (ms("2026-11-24"), SITE, "330100"): {"places": 60, "enrolled": 42, "attended": -1, "carers": -1, "retracted": False},
    }
    ((key, fields),) = influx.points("incident").items()
    assert key == (ms("2026-11-24T07:00:00"), "INC-1", SITE, "330100")
    assert fields == {"severity": fields["severity"], "type": "fall", "dead": 0, "critical": 0, "serious": -1, "minor": 3,
                      "missing": 0, "loss_yuan": -1, "retracted": False}
    types = {row[0]: row[1] for s in influx.query("SHOW FIELD KEYS FROM unit_indicator") for row in s["values"]}
    assert types == {"value": "float", "numerator": "float", "denominator": "float", "completeness": "float",
                     "revision": "integer", "final": "boolean", "status": "string"}


def ballots(site, division, count):
    return [line("2026-11-24T00:10:00Z", "survey", message(
        n + 1, {"round": "2026H2", "form": "ballot", "respondent": "family", "token": f"{division}M4XTT1{n:04d}",
                "answers": {"policy": 4, "service": 5 - n % 3, "safety": 5, "price": 3, "overall": 5}},
        site=site, division=division), site, division) for n in range(count)]


def test_points_say_what_the_api_says_to_a_reader_outside_and_hide_cells_of_few_answers(parts, influx):
    daemon = Daemon(parts.directory, url=influx.url)
    daemon.fold(story() + [line("2026-11-24T00:09:00Z", "registration",
                                message(1, registration(), site=OTHER, division=JIAXING), OTHER, JIAXING)]
                + ballots(SITE, HANGZHOU, 3) + ballots(OTHER, JIAXING, 9))
    parts(daemon).wait_sent()
    points, compared, hidden, api = influx.points("unit_indicator"), 0, 0, requests.Session()
    for (at, indicator, period, _, unit), point in points.items():
        day = datetime.datetime.fromtimestamp(at / 1000, LOCAL).date().isoformat()
        day = day if period == "day" else day[:7]
        (o,) = api.get(f"http://127.0.0.1:{daemon.port}/api/v1/units/{unit}/indicators/{indicator}",
                       params={"from": day, "to": day, "period": period}, timeout=10).json()["items"]
        numbers = {k: -1 if o[k] is None else float(o[k]) for k in ("value", "numerator", "denominator", "completeness")}
        assert point == {**numbers, **{k: o[k] for k in ("revision", "final", "status")}}, (indicator, period, o)
        compared += 1
        hidden += "suppressed" in (o["reason"] or "")
    assert compared == len(daemon.rows("SELECT 1 FROM sample")) > 20 and hidden > 0


def test_a_later_change_overwrites_its_point_and_a_retract_says_so(parts, influx):
    broker = parts(Broker(parts.directory))
    daemon = Daemon(parts.directory, broker.port, url=influx.url)
    daemon.fold(story())
    parts(daemon).wait_sent()
    today = datetime.datetime.now(LOCAL).date().isoformat()
    sender = Sender(broker, parts)
    sender.send("enrolment", message(5, enrolment(as_of=today, places=70), sent_at=now()))
    daemon.wait_sent()
    assert influx.points("site_enrolment")[(ms(today), SITE, "330100")]["places"] == 70
    sender.send("enrolment", message(6, enrolment(as_of=today, places=50), sent_at=now()))
    sender.send("incident", message(3, None, "retract", sent_at=now(), ref={"epoch": 1, "seq": 2}, reason="another nursery"))
    sender.send("incident", message(4, None, "retract", sent_at=now(), ref={"epoch": 1, "seq": 1}, reason="another nursery"))
    daemon.wait_sent()
    assert influx.points("site_enrolment")[(ms(today), SITE, "330100")]["places"] == 50
    ((_, fields),) = influx.points("incident").items()
    assert fields["retracted"] is True and fields["minor"] == -1
    assert_all_there(daemon, influx)
    # Its registration arrives: the nursery's points of earlier days are written; then it counts elsewhere.
    sender.send("registration", message(2, registration(), site=OTHER, division=JIAXING, sent_at=now()), OTHER, JIAXING)
    daemon.wait_sent()
    assert influx.points("site_enrolment")[(ms("2026-11-24"), OTHER, "330400")]["retracted"] is False
    sender.send("registration", message(1, registration(), site=OTHER, sent_at=now()), OTHER, HANGZHOU)
    daemon.wait_sent()
    points = influx.points("site_enrolment")
    assert points[(ms("2026-11-24"), OTHER, "330400")]["retracted"] is True
    assert points[(ms("2026-11-24"), OTHER, "330100")]["enrolled"] == 42
    assert_all_there(daemon, influx)


def test_points_of_a_nursery_that_the_register_moves_stand_under_its_unit_of_each_day(parts, influx):
    def register(*rows):
        (parts.directory / "register.csv").write_text("site,effective_on,division,filing,registration,inclusive,source\n" + "".join(
            f"{SITE},{day},{division},{filing},,,x\n" for day, division, filing in rows))
        done = daemon.ctl("import", "register", parts.directory / "register.csv")
        assert done.returncode == 0, done.stderr
        daemon.wait_sent()
        assert_all_there(daemon, influx)
        return {(key[0], key[2]): point["retracted"] for key, point in influx.points("site_enrolment").items()}

    first, second, third = (ms(f"2026-11-2{d}") for d in (2, 3, 4))
    broker = parts(Broker(parts.directory))
    daemon = Daemon(parts.directory, broker.port, url=influx.url)
    daemon.fold(story()[:3] + [line("2026-11-24T00:03:00Z", "enrolment", message(3, enrolment(as_of="2026-11-22")))])
    parts(daemon).wait_sent()
    here = {(first, "330100"): False, (second, "330100"): False, (third, "330100"): False}
    assert register(("2026-11-23", "", "none")) == here  # speaks of no division
    moved = {**here, (second, "330100"): True, (third, "330100"): True, (second, "330200"): False, (third, "330200"): False}
    assert register(("2026-11-23", "330203", "")) == moved
    moved.update({(third, "330200"): True, (third, "330400"): False})
    assert register(("2026-11-24", JIAXING, "")) == moved
    moved.update({(second, "330200"): True, (second, "330100"): False})
    assert register(("2026-11-23", HANGZHOU, "")) == {**moved, **{(third, "330100"): True, (third, "330200"): True}}
    today = datetime.datetime.now(LOCAL).date().isoformat()
    Sender(broker, parts).send("enrolment", message(9, enrolment(as_of=today, places=70), sent_at=now()))
    daemon.wait_sent()
    assert {k[2] for k, v in influx.points("site_enrolment").items() if v["places"] == 70} == {"330400"}
    daemon.reload(url="")
    wait_until(lambda: not daemon.rows("SELECT 1 FROM sink_cursor"), 20, "the sink is forgotten")
    influx.query("DROP DATABASE nursery", None)
    influx.query("CREATE DATABASE nursery", None)
    daemon.reload(url=influx.url)  # a sink that is new begins with everything
    wait_until(lambda: daemon.rows("SELECT 1 FROM sink_cursor"), 20, "the sink is back")
    daemon.wait_sent()
    assert_all_there(daemon, influx)
    assert {(k[0], k[2]) for k in influx.points("site_enrolment")} == {(first, "330100"), (second, "330100"), (third, "330400"), (ms(today), "330400")}


def now():
    return datetime.datetime.now(LOCAL).isoformat(timespec="seconds")


def received_now(lines):
    at = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds")
    return [{**x, "received_at": at} for x in lines]


class Sender:
    """A nursery's client that waits for each receipt and remembers how long it took."""

    def __init__(self, broker, parts):
        self.receipts, self.took = {}, []
        self.client = mqtt.Client(protocol=mqtt.MQTTv5)
        self.client.on_message = lambda _c, _u, m: self.receipts.update(
            {(m.topic.split("/")[4], *(json.loads(m.payload)[k] for k in ("feed", "seq"))): (time.perf_counter(), m.payload)})
        self.client.connect("127.0.0.1", broker.port)
        self.client.subscribe("nursery/v1/+/+/+/down/receipt")
        self.client.loop_start()
        parts(self)

    def send(self, feed, payload, site=SITE, division=HANGZHOU, status="accepted"):
        key, started = (site, feed, payload["seq"]), time.perf_counter()
        self.client.publish(f"nursery/v1/{division[:2]}/{division}/{site}/up/{feed}", json.dumps(payload), qos=1)
        wait_until(lambda: key in self.receipts, 20, f"a receipt for {key}", 0.0005)
        at, receipt = self.receipts[key]
        assert json.loads(receipt)["status"] == status, receipt
        self.took.append(at - started)

    def stop(self):
        self.client.disconnect()
        self.client.loop_stop()


def backlog(sites=40, days=30):
    """Folded quickly: so many nurseries, each with so many days."""
    lines = []
    for i in range(sites):
        site = f"{SITE}-{i + 1:02d}"
        lines.append(line("2026-11-24T00:00:00Z", "registration", message(1, registration(), site=site), site))
        lines += [line("2026-11-24T00:00:00Z", "enrolment", message(
            d + 1, enrolment(as_of=(datetime.date(2026, 11, 24) - datetime.timedelta(d)).isoformat(), places=60 + d), site=site), site)
            for d in range(days)]
    return lines


def test_a_server_that_was_away_gets_everything_and_an_emptied_one_is_refilled(parts, influx):
    broker = parts(Broker(parts.directory))
    daemon = Daemon(parts.directory, broker.port, url=influx.url)
    daemon.fold(backlog())
    parts(daemon).wait_sent()
    assert_all_there(daemon, influx)
    sender = Sender(broker, parts)
    today = datetime.datetime.now(LOCAL).date()

    def send(seq):
        sender.send("enrolment", message(seq, enrolment(as_of=(today - datetime.timedelta(seq % 60)).isoformat(), places=100 + seq),
                                         site=f"{SITE}-01", sent_at=now()), f"{SITE}-01")
    for seq in range(101, 201):
        send(seq)
    here, sender.took = sorted(sender.took), []
    influx.stop(kill=True)
    for seq in range(201, 301):
        send(seq)
    away = sorted(sender.took)
    print(f"receipt p50 {here[50] * 1000:.2f} ms with InfluxDB, {away[50] * 1000:.2f} ms without")
    assert away[50] < 2 * here[50] + 0.005
    wait_until(lambda: daemon.metric("nurseryd_sink_retries_total"), 10, "it was tried")
    assert daemon.metric("nurseryd_sink_waiting_points", ',measurement="site_enrolment"') > 0
    assert daemon.metric("nurseryd_sink_lag_seconds") is not None
    influx.start()
    daemon.wait_sent()
    assert_all_there(daemon, influx)
    assert daemon.metric("nurseryd_sink_lines_failed_total") == 0

    influx.query("DROP DATABASE nursery", None)
    send(301)
    wait_until(lambda: daemon.metric("nurseryd_sink_held") == 1, 20, "held")
    assert "404" in daemon.ready()["sinks"] and daemon.ready()["status"] == "ready"
    assert "404" in daemon.ctl("status").stdout
    influx.query("CREATE DATABASE nursery", None)
    assert daemon.ctl("influx", "refill").returncode == 0
    daemon.wait_sent()
    wait_until(lambda: daemon.metric("nurseryd_sink_held") == 0 and daemon.ready()["sinks"] is None, 5, "no longer held")
    assert_all_there(daemon, influx)


def test_what_was_folded_while_the_sink_was_off_or_rebuilt_is_sent_too(parts, influx):
    daemon = Daemon(parts.directory, url=influx.url)
    daemon.fold(story()[:2])
    daemon.start().wait_sent()
    daemon.stop()
    daemon.fold(received_now(story()[2:4]))  # queued: the sink exists
    daemon.start().wait_sent()
    assert_all_there(daemon, influx)
    daemon.stop()
    daemon.write_conf(url="")
    daemon.start()
    wait_until(lambda: daemon.rows("SELECT count(*) FROM sink_cursor") == [(0,)], 10, "forgotten")
    daemon.stop()
    daemon.fold(received_now(story()[4:]))
    assert daemon.rows("SELECT count(*) FROM point_enrolment") == [(0,)]
    daemon.write_conf(url=influx.url)
    daemon.start().wait_sent()
    assert_all_there(daemon, influx)
    daemon.stop()
    influx.query("DROP DATABASE nursery", None)
    influx.query("CREATE DATABASE nursery", None)
    done = subprocess.run([BUILD / "nurseryctl", "--db", daemon.db, "rebuild"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    parts(daemon).wait_sent()
    assert_all_there(daemon, influx)


def test_a_sink_that_the_store_did_not_let_begin_anew_begins_when_it_can(parts, influx):
    daemon = Daemon(parts.directory, url=influx.url)
    daemon.fold(story())
    parts(daemon).wait_sent()

    def store_refuses(what):
        with sqlite3.connect(daemon.db, timeout=10) as db:
            db.execute(what)
        db.close()

    def refill():
        assert daemon.ctl("influx", "refill").returncode != 0

    def switched_off_and_on():
        daemon.reload(url=influx.url)
        wait_until(lambda: daemon.log.read_text().count("influx.not_begun") > before, 20, "it was tried")

    for act in (refill, switched_off_and_on):
        influx.query("DROP DATABASE nursery", None)
        influx.query("CREATE DATABASE nursery", None)
        before = daemon.log.read_text().count("influx.not_begun")
        if act is switched_off_and_on:
            daemon.reload(url="")
            wait_until(lambda: daemon.rows("SELECT count(*) FROM sink_cursor") == [(0,)], 20, "forgotten")
        store_refuses("CREATE TRIGGER full BEFORE INSERT ON sink_cursor BEGIN SELECT raise(ABORT, 'full'); END")
        act()
        assert daemon.rows("SELECT count(*) FROM sink_cursor") == [(0,)]
        store_refuses("DROP TRIGGER full")
        wait_until(lambda: daemon.rows("SELECT count(*) FROM sink_cursor") != [(0,)], 20, "the sink to begin")
        daemon.wait_sent()
        assert_all_there(daemon, influx)


def test_poison_lines_are_isolated_and_put_aside_and_the_rest_is_there(parts, influx):
    # Somebody wrote fractions before us: in that week's shard `places` is a float now.
    influx.write(f"site_enrolment,site=x,unit=x places=1.5 {ms('2026-11-03')}")
    daemon = Daemon(parts.directory, url=influx.url)
    daemon.fold(backlog(sites=3, days=40))
    parts(daemon).wait_sent()
    _, enrolments = told(daemon)
    there = {k for k in influx.points("site_enrolment") if k[1] != "x"}
    poison = daemon.rows("SELECT line, answer FROM poison_line")
    missing = set(enrolments) - there
    week = range(ms("2026-11-02") + 8 * 3600000, ms("2026-11-09") + 8 * 3600000)  # shards turn on Monday 00:00 UTC
    assert missing == {k for k in enrolments if k[0] in week} and len(missing) == len(poison) == 21
    assert all("field type conflict" in answer for _, answer in poison)
    wait_until(lambda: daemon.metric("nurseryd_sink_lines_failed_total") == 21, 10, "the metrics say so, too")
    log = daemon.log.read_text()
    assert "influx.lines_refused" in log and "places=" not in log and "conflict" not in log


@pytest.mark.parametrize("api", [{"api": "v1"}, {"api": "v2", "org": "o&1", "bucket": "b/2"}])
def test_victoria_metrics_takes_the_same_lines(parts, api):
    victoria = parts(Victoria(parts.directory))
    daemon = Daemon(parts.directory, url=victoria.url, **api)
    daemon.fold(backlog(sites=3, days=10))
    parts(daemon).wait_sent()
    indicators, enrolments = told(daemon)
    wait_until(lambda: len(victoria.samples("site_enrolment_enrolled")) == len(enrolments), 20, "site_enrolment")
    assert victoria.samples("site_enrolment_enrolled") == enrolments
    found = {k: v for k, v in victoria.samples("unit_indicator_numerator").items() if k[2] == "day"}
    assert found == {k: -1 if v[0] is None else v[0] for k, v in indicators.items()}


# ---- faults ----

@pytest.fixture
def faulty(parts):
    def start(*script, **options):
        stub = parts(Stub(*script))
        daemon = Daemon(parts.directory, url=stub.url, **options)
        daemon.fold(backlog(sites=5, days=20))
        parts(daemon)
        return stub, daemon
    return start


def half_an_answer(handler, _lines):
    handler.wfile.write(b'HTTP/1.1 400 Bad Request\r\nContent-Length: 1000\r\n\r\n{"error":"unable to')
    handler.close_connection = True


def silence(handler, _lines):
    time.sleep(20)
    handler.close_connection = True


def assert_taken(stub, daemon):
    """Every line of the daemon's tables was answered 204 at least once."""
    taken = {x.rsplit(" ", 1)[1] + x.split(" ", 1)[0] for x in stub.taken()}
    indicators, enrolments = told(daemon)
    assert {f"{k[0]}site_enrolment,site={k[1]},unit={k[2]}" for k in enrolments} <= taken
    assert {f"{k[0]}unit_indicator,indicator={k[1]},period=day,province={k[3]},unit={k[4]}" for k in indicators} <= taken


def test_a_server_that_asks_for_patience_gets_it(faulty):
    stub, daemon = faulty((429, {"Retry-After": "3"}), (503, {}), half_an_answer, (408, {}))
    daemon.wait_sent()
    times = [s[0] for s in stub.seen]
    assert 2.9 < times[1] - times[0] < 5 and all(b - a >= 0.45 for a, b in zip(times[1:4], times[2:5]))
    assert stub.seen[0][3] == stub.seen[1][3] == stub.seen[4][3]
    assert_taken(stub, daemon)
    assert daemon.metric("nurseryd_sink_retries_total") == 4


def test_requests_that_are_too_large_are_halved(faulty):
    stub, daemon = faulty(*[lambda h, lines: Stub_answer(h, 413 if len("\n".join(lines)) > 5000 else 204)] * 40)
    daemon.wait_sent()
    assert max(len("\n".join(lines)) for *_, lines, _ in stub.seen[8:]) <= 5000 or len(stub.seen) > 8
    assert daemon.metric("nurseryd_sink_lines_failed_total") == 0


def Stub_answer(handler, status):
    handler.send_response(status)
    if status != 204:
        handler.send_header("Content-Length", "0")
    handler.end_headers()


@pytest.mark.parametrize("status, words", [(401, "token"), (403, "token"), (404, "database"), (301, "influx.url"), (200, "influx.url")])
def test_a_refusal_is_held_with_an_alarm_and_nothing_is_dropped(faulty, status, words):
    elsewhere = Stub()
    secret = "s3cr3t-of-the-database"
    stub, daemon = faulty((status, {"Location": elsewhere.url + "/write"}), api="v2", org="o", bucket="b",
                          token_file="token")
    elsewhere.stop()
    wait_until(lambda: daemon.metric("nurseryd_sink_held") == 1, 20, "held")
    assert "token_file" in daemon.ready()["sinks"] and not stub.seen  # the file is missing: not even tried
    (daemon.directory / "token").write_text(secret + "\n")
    daemon.reload()
    wait_until(lambda: stub.seen and str(status) in (daemon.ready()["sinks"] or ""), 20, "held")
    assert words in daemon.ready()["sinks"] and not elsewhere.seen
    assert stub.seen[0][2]["Authorization"] == f"Token {secret}"
    assert stub.seen[0][1] == "/api/v2/write?org=o&bucket=b&precision=ms"
    daemon.reload()
    daemon.wait_sent()
    assert_taken(stub, daemon)
    log = daemon.log.read_text()
    assert log.count("influx.held") == 2 and secret not in log
    assert secret not in open(f"/proc/{daemon.process.pid}/cmdline").read()


def test_a_slow_server_delays_no_receipt(parts):
    broker, stub = parts(Broker(parts.directory)), parts(Stub(silence))
    daemon = Daemon(parts.directory, broker.port, url=stub.url, api="v1")
    (daemon.directory / "token").write_text("me:pass")
    daemon.write_conf(token_file="token")
    daemon.fold(story())
    parts(daemon)
    wait_until(lambda: stub.seen, 20, "asked")
    sender = Sender(broker, parts)
    for seq in range(5, 105):
        sender.send("enrolment", message(seq, enrolment(as_of=datetime.datetime.now(LOCAL).date().isoformat(), places=seq), sent_at=now()))
    assert len(stub.seen) == 1 and sorted(sender.took)[50] < 0.05
    daemon.wait_sent(40)
    assert stub.seen[0][2]["Authorization"] == "Basic bWU6cGFzcw=="
    assert_taken(stub, daemon)
    (last,) = [x for x in stub.taken()[::-1] if x.startswith("site_enrolment") and "places=104i" in x][:1]
    assert ",retracted=false " in last


# ---- the encoder ----

HOSTILE = ["", " ", "a b", "a,b", "a=b", 'a"b', "a\\b", "a\\", '\\"', "\\,", "a\nb", "a\r\nunit_indicator value=1", "\t", "\x01\x7f",
           "托育机构 第一", "𝒳é", "# x", "'x'", "1i", "true", "x" * 64000, '"' * 3000, "null", "a\u2028b", "\\ \\= \\n"]


def without_controls(text, instead):
    return "".join(instead if ord(c) < 32 or ord(c) == 127 else c for c in text)


def test_hostile_texts_come_back_from_a_real_influxdb_as_they_went(parts, influx, tmp_path):
    tool = tmp_path / "line_tool"
    subprocess.run(["cc", "-std=gnu17", "-D_GNU_SOURCE", "-o", tool, ROOT / "tests/e2e/line_tool.c", ROOT / "sinks/line_protocol.c",
                    ROOT / "daemon/buf.c"], check=True)
    texts = "".join(t + "\0" for t in HOSTILE).encode()
    lines = subprocess.run([tool, "fields"], input=texts, capture_output=True, check=True).stdout
    assert lines.count(b"\n") == len(HOSTILE)
    assert influx.write(lines).status_code == 204
    (series,) = influx.query("SELECT * FROM hostile")
    for (n, *_), row in zip(enumerate(HOSTILE), series["values"]):
        found = dict(zip(series["columns"], row))
        assert found["text"] == without_controls(HOSTILE[n], " ")[:16384], n
        assert found["third"] == 1.0 / 3 * (n + 1) and found["flag"] == bool((n + 1) % 2)
    influx.query("DROP MEASUREMENT hostile")
    lines = subprocess.run([tool], input=texts, capture_output=True, check=True).stdout
    assert influx.write(lines).status_code == 204
    tags = {t: row for s in influx.query("SELECT * FROM hostile GROUP BY *") for t in [s["tags"]["tag"]] for row in s["values"]}
    assert set(tags) == {without_controls(t, "_").replace("\\", "_") for t in HOSTILE if 0 < len(t) <= 1024}
