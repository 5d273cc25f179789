# SPDX-License-Identifier: MIT
"""The Grafana dashboards, without Grafana (Debian has none): every query of every panel, variable and annotation is read out of the JSON,
filled in as Grafana does, and asked of a real InfluxDB and a real Prometheus that a real nurseryd has fed."""
import csv
import json
import re
import subprocess
import time
from urllib.parse import urlsplit

import pytest
import requests
import yaml

import points_rig
from points_rig import ROOT, Broker, Daemon, Influx, Process, free_port, wait_until

BUILD = ROOT / "build"  # always: it is the queries that are judged here, and tens of thousands of points leave slowly under ASan
GRAFANA = ROOT / "dashboards/grafana"
DASHBOARDS = {p.stem: json.loads(p.read_text()) for p in sorted((GRAFANA / "dashboards").glob("*.json"))}
SOURCES = {s["uid"]: s for s in yaml.safe_load((GRAFANA / "provisioning/datasources/nurseryd.yaml").read_text())["datasources"]}
UNIT = "330100"
DAY_S, RANGE_DAYS = 86400, 90
SCRAPE_S = 1

# What does not happen to a healthy nurseryd: the query must be valid and name what exists, but may give no rows.
NO_ROWS = {}


def name_targets(name, kind=None):
    for p in DASHBOARDS[name]["panels"]:
        for n, t in enumerate(p.get("targets", [])):
            if kind in (None, t["datasource"]["type"]):
                yield p, n, t


def queries():
    """(dashboard, where, datasource uid, text) of everything that is asked."""
    for name, d in DASHBOARDS.items():
        for p, n, t in name_targets(name):
            yield name, f"{p.get('title', '')}/{n}", t["datasource"]["uid"], t.get("query") or t["expr"]
        for a in d["annotations"]["list"]:
            yield name, a["name"], a["datasource"]["uid"], a["query"]
        for v in d["templating"]["list"]:
            if v["type"] == "query":
                yield name, v["name"], v["datasource"]["uid"], v["definition"]


# --- the files ---

def test_the_files_are_as_the_script_writes_them():
    done = subprocess.run([ROOT / "scripts/grafana.py", "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_uids_are_unique_and_links_lead_to_dashboards():
    uids = {d["uid"] for d in DASHBOARDS.values()}
    assert len(uids) == len(DASHBOARDS) == 5
    text = "".join(json.dumps(d) for d in DASHBOARDS.values())
    targets = set(re.findall(r'"/d/([\w-]+)', text))
    assert targets and targets <= uids
    for d in DASHBOARDS.values():
        assert d["links"][0]["tags"] == d["tags"] == ["nurseryd"] and d["links"][0]["includeVars"] and d["links"][0]["keepTime"]


def test_datasources_are_named_by_the_uid_that_is_provisioned():
    for name, d in DASHBOARDS.items():
        for value in walk(d):
            if isinstance(value, dict) and "datasource" in value:
                source = value["datasource"]
                assert isinstance(source, dict) and set(source) == {"type", "uid"}, (name, source)
                assert source["uid"] == "-- Mixed --" or SOURCES[source["uid"]]["type"] == source["type"]


def walk(value):
    yield value
    for v in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from walk(v)


def test_no_secret_and_no_address_stands_in_the_provisioning():
    for s in SOURCES.values():
        assert s["url"].startswith("${NURSERYD_")
        assert all(v.startswith("${") for v in s.get("secureJsonData", {}).values())
    (provider,) = yaml.safe_load((GRAFANA / "provisioning/dashboards/nurseryd.yaml").read_text())["providers"]
    assert provider["options"]["path"] == "/usr/share/nurseryd/dashboards/grafana/dashboards"


@pytest.mark.parametrize("name", DASHBOARDS)
def test_panels_have_a_place_of_their_own_and_a_chinese_title(name):
    taken, ids = set(), set()
    for p in DASHBOARDS[name]["panels"]:
        g = p["gridPos"]
        cells = {(x, y) for x in range(g["x"], g["x"] + g["w"]) for y in range(g["y"], g["y"] + g["h"])}
        assert not taken & cells and g["x"] + g["w"] <= 24, p["title"]
        taken |= cells
        assert p["id"] not in ids
        ids.add(p["id"])
        title = p.get("title", "城市")
        assert re.search(r"[\u4e00-\u9fff]", title) or title == "S1" or "${indicator:text}" in title, title
        letters = [t["refId"] for t in p.get("targets", [])]
        assert len(letters) == len(set(letters))
        assert p["type"] == "row" or letters


def test_no_query_variable_or_link_names_a_city_or_a_province():
    for name, where, _, text in queries():
        assert not re.search(r"\b\d{6}\b|province\" = '|unit\" = '", text), (name, where)
    for d in DASHBOARDS.values():
        for v in d["templating"]["list"]:
            assert v["current"] in ({"text": "", "value": ""}, {"text": "All", "value": "$__all"}) or v["name"] in ("indicator", "period"), v["name"]


def test_names_of_cities_are_those_of_the_division_file():
    with open(ROOT / "config/data/divisions.csv") as file:
        known = {r["code"]: r["name"] for r in csv.DictReader(file)}
    mappings = [o for d in DASHBOARDS.values() for v in walk(d) if isinstance(v, dict) and v.get("type") == "value" for o in [v["options"]] if UNIT in o]
    assert mappings
    for options in mappings:
        for code, shown in options.items():
            assert shown["text"] == f"{known[code]} {code}"


def test_thresholds_are_the_targets_and_the_policys_shares():
    policy = (ROOT / "config/policy.conf").read_text()
    per_mille = {k: int(re.search(rf"\b{k} = (\d+);", policy)[1]) / 10 for k in ("red_below_per_mille", "amber_below_per_mille", "completeness_per_mille")}
    with open(GRAFANA / "targets.csv") as file:
        targets = {r["indicator"]: float(r["value"]) for r in csv.DictReader(file)}
    seen = {}
    for name in DASHBOARDS:
        for p, _, t in name_targets(name, "influxdb"):
            steps = [s["value"] for s in p["fieldConfig"]["defaults"]["thresholds"]["steps"]]
            for indicator in re.findall(r"\"indicator\" = '(\w+)'", t["query"]):
                seen.setdefault(indicator, set()).update(steps if len(steps) > 1 else [])
    assert targets["places_per_1000"] in seen["places_per_1000"]
    assert {per_mille["red_below_per_mille"], per_mille["amber_below_per_mille"]} <= seen["satisfaction_family_service"]
    assert per_mille["completeness_per_mille"] in seen["completeness"]


# --- the world ---

class Prometheus(Process):
    def __init__(self, where, daemon):
        super().__init__(where, "prometheus")
        self.port = free_port()
        (where / "prometheus.yml").write_text(yaml.safe_dump({
            "global": {"scrape_interval": f"{SCRAPE_S}s"},
            "scrape_configs": [{"job_name": "nurseryd", "static_configs": [{"targets": [f"127.0.0.1:{daemon.port}"]}]}]}))

    def start(self):
        self.launch("prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=tsdb", f"--web.listen-address=127.0.0.1:{self.port}", cwd=self.directory)
        wait_until(lambda: self.ask("count(count_over_time(nurseryd_sites[20s]) > 5)"), 90, lambda: self.log.read_text()[-1000:])
        return self

    def get(self, path, **params):
        return requests.get(f"http://127.0.0.1:{self.port}/api/v1/{path}", params=params, timeout=10).json()

    def ask(self, text):
        try:
            answer = self.get("query", query=text)
        except requests.RequestException:
            return []
        assert answer["status"] == "success", answer
        return answer["data"]["result"]


class Fed(Daemon):
    """With outlets, so that their metrics exist."""

    def write_conf(self, **influx):
        super().write_conf(**influx)
        with open(self.conf, "a") as file:
            file.write(f"""notify: {{ sinks = ( {{ name = "am"; kind = "alertmanager"; trust = "inside"; urls = [ "http://127.0.0.1:{free_port()}" ]; }} );
                           routes = ( {{ severity = [ "S1" ]; sinks = [ "am" ]; }} ); }};""")


def change(line, how):
    try:
        message = json.loads(line["payload"])
    except ValueError:
        return  # of the careless senders
    if isinstance(message.get("body"), dict):
        how(message["body"])
        line["payload"] = json.dumps(message, ensure_ascii=False)


def story():
    """The last 45 days of 40 nurseries: reports, surveys, odd messages and every kind of incident."""
    start = time.strftime("%Y-%m-%dT08:00:00+08:00", time.gmtime(time.time() + 8 * 3600 - 45 * DAY_S))
    done = subprocess.run([BUILD / "nursery-sim", "--sites", "40", "--days", "45", "--start", start, "--print", "--city", UNIT, "--data", ROOT / "config/data",
                           "--scenario", "survey,messy,fire,abuse,food-poisoning,minor-falls"], capture_output=True, text=True, check=True)
    lines = [json.loads(x) for x in done.stdout.splitlines()]
    fall = next(x for x in lines if x["topic"].endswith("/incident") and '"fall"' in x["payload"])
    change(fall, lambda body: body["children"].update(serious=1))  # of the simulator's scenarios none ends as S2
    for x in lines:  # nurseries that began now: some hundred thousand points of earlier years less
        if x["topic"].endswith("/registration") and '"effective_on"' in x["payload"]:
            change(x, lambda body: body.update(effective_on=start[:10]))
    return lines


def imports(daemon, where):
    with open(ROOT / "config/data/population-zhejiang-2020.csv") as file:
        rows = list(csv.reader(file))
    lines = [",".join(rows[0])] + [f"{r[0]},{r[1]},{int(r[2]) // 25},{int(r[2]) // 1250},simulated" for r in rows[1:]]
    month = time.strftime("%Y-%m", time.gmtime(time.time() - 20 * DAY_S))
    declared = ["unit,item,period,numerator,denominator,document", f"{UNIT},inspections,{month},9,10,x", f"{UNIT},rectifications_overdue,{month},1,20,x"]
    for kind, text in (("population", "\n".join(lines)), ("targets", (GRAFANA / "targets.csv").read_text()), ("declared", "\n".join(declared))):
        (where / f"{kind}.csv").write_text(text + "\n")
        done = daemon.ctl("import", kind, where / f"{kind}.csv")
        assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    where, patch = tmp_path_factory.mktemp("grafana"), pytest.MonkeyPatch()
    patch.setattr(points_rig, "BUILD", BUILD)
    influx, broker = Influx(where), Broker(where)
    daemon = Fed(where, broker.port, url=influx.url)
    prometheus = Prometheus(where, daemon)
    try:
        influx.start()
        broker.start()
        daemon.fold(story())
        daemon.start()
        imports(daemon, where)
        daemon.wait_sent(300)
        prometheus.start()
        yield type("World", (), {"influx": influx, "prometheus": prometheus, "daemon": daemon})
    finally:  # the daemon first; what never came up is passed over
        for process in (prometheus, daemon, broker, influx):
            process.stop()
        patch.undo()


# --- as Grafana fills in ---

def chosen(dashboard, **choice):
    """{variable: (value, text)} as the dashboard opens, or as somebody chose."""
    found = {}
    for v in DASHBOARDS[dashboard]["templating"]["list"]:
        value = choice.get(v["name"], v["current"].get("value") or UNIT)
        text = next((o["text"] for o in v["options"] if o["value"] == value), value)
        found[v["name"]] = (v.get("allValue") if value == "$__all" else re.escape(value), value, text)
    return found


def filled(text, variables):
    now = int(time.time() * 1000)
    for macro, value in {"$timeFilter": f"time >= {now - RANGE_DAYS * DAY_S * 1000}ms AND time <= {now}ms", "$__interval": "1d",
                         "$__rate_interval": f"{4 * SCRAPE_S}s"}.items():
        text = text.replace(macro, value)
    for name, (regex, value, shown) in variables.items():
        text = text.replace(f"${{{name}:regex}}", regex).replace(f"${{{name}:text}}", shown)
        text = re.sub(rf"\$\{{{name}\}}|\${name}\b", lambda _: regex if value == "$__all" else value, text)  # noqa: B023
    assert "$" not in text.replace("$/", "").replace("$__", "$"), text
    return text


def rows_of(world, target, variables):
    if target["datasource"]["type"] == "influxdb":
        return [dict(zip(s["columns"], r)) for s in world.influx.query(filled(target["query"], variables)) for r in s["values"]]
    return world.prometheus.ask(filled(target["expr"], variables))


@pytest.mark.parametrize("name", DASHBOARDS)
@pytest.mark.parametrize("unit", ["$__all", UNIT])
def test_every_panel_has_rows(world, name, unit):
    choice = {"unit": UNIT if name == "unit" else unit, "province": "$__all" if unit == "$__all" else "33"}
    empty = []
    for p, n, t in name_targets(name):
        rows = rows_of(world, t, chosen(name, **choice))
        if not rows and (name, p.get("title")) not in NO_ROWS:
            empty.append((p.get("title"), n, filled(t.get("query") or t["expr"], chosen(name, **choice))))
    assert not empty, empty


@pytest.mark.parametrize("period", ["day", "month"])
def test_every_choice_of_indicator_and_period_has_rows(world, period):
    for name in ("province", "unit"):
        for indicator in [o["value"] for v in DASHBOARDS[name]["templating"]["list"] if v["name"] == "indicator" for o in v["options"]]:
            for p, _, t in name_targets(name):
                if "${indicator}" in t.get("query", ""):
                    assert rows_of(world, t, chosen(name, indicator=indicator, period=period)), (p["title"], indicator, period)


@pytest.mark.parametrize("name", DASHBOARDS)
def test_every_variable_offers_something(world, name):
    for v in DASHBOARDS[name]["templating"]["list"]:
        if v["type"] == "custom":
            assert v["options"] and v["query"]
        elif v["datasource"]["type"] == "influxdb":
            values = [r["value"] for r in rows_of(world, {"datasource": v["datasource"], "query": v["query"]}, chosen(name, province="33"))]
            assert values, v["name"]
            assert v["name"] != "unit" or UNIT in values
            assert v["name"] != "declared" or {"inspections", "rectifications_overdue"} <= set(values) and "places_total" not in values
        else:
            metric, label = re.fullmatch(r"label_values\((\w+), (\w+)\)", v["query"]["query"]).groups()
            assert [s[label] for s in world.prometheus.get("series", **{"match[]": metric})["data"]] == [f"127.0.0.1:{world.daemon.port}"]


@pytest.mark.parametrize("name", [n for n in DASHBOARDS if DASHBOARDS[n]["annotations"]["list"]])
def test_every_annotation_has_its_events_with_their_texts(world, name):
    for a in DASHBOARDS[name]["annotations"]["list"]:
        assert a["query"] == a["target"]["query"]
        rows = rows_of(world, {"datasource": a["datasource"], "query": a["query"]}, chosen(name, province="33"))
        assert rows, a["name"]
        for column in [a["textColumn"], *a["tagsColumn"].split(",")]:
            assert all(r[column] for r in rows), (a["name"], column)
    away = chosen(name, province="11", unit="110101")
    assert not rows_of(world, {"datasource": a["datasource"], "query": a["query"]}, away), "events of another city"


def test_a_number_that_is_not_known_is_on_no_chart(world):
    unknown = world.influx.query("SELECT count(value) FROM unit_indicator WHERE value = -1")
    assert unknown and unknown[0]["values"][0][1] > 100, "the points hold no unknown number: this test would see nothing"
    for name in DASHBOARDS:
        for p, _, t in name_targets(name, "influxdb"):
            for r in rows_of(world, t, chosen(name)):
                for column, value in r.items():
                    if not isinstance(value, (int, float)) or column == "time" or value >= 0:
                        continue
                    mapped = [o for o in p["fieldConfig"]["overrides"] if o["matcher"]["options"] == column]
                    assert t["resultFormat"] == "table" and "-1" in json.dumps(mapped, ensure_ascii=False), (p["title"], column, value)


def test_every_measurement_field_and_tag_that_is_named_exists(world):
    known = {"n", "d", "v", "points"}
    measurements = set()
    for series in world.influx.query("SHOW FIELD KEYS") + world.influx.query("SHOW TAG KEYS"):
        measurements.add(series["name"])
        known |= {r[0] for r in series["values"]}
    assert measurements == {"unit_indicator", "site_enrolment", "incident", "case_event"}
    for name, where, source, text in queries():
        if source == "nurseryd-influxdb":
            assert set(re.findall(r'FROM "(\w+)"', text)) <= measurements and "FROM" in text, (name, where)
            assert set(re.findall(r'"(\w+)"', text)) <= known | measurements, (name, where, set(re.findall(r'"(\w+)"', text)) - known)


def test_every_metric_of_the_daemon_is_on_a_panel_and_every_named_one_exists(world):
    text = requests.get(f"http://127.0.0.1:{world.daemon.port}/metrics", timeout=10).text
    exported = set(re.findall(r"^# TYPE (\w+)", text, re.M))
    named = {m for _, _, source, text in queries() if source == "nurseryd-prometheus" for m in re.findall(r"nurseryd_\w+", text)}
    assert named <= exported, named - exported
    assert exported <= named, f"no panel shows {exported - named}: add one to daemon() of scripts/grafana.py"


def test_links_fill_a_variable_that_the_other_dashboard_has():
    by_uid = {d["uid"]: {v["name"] for v in d["templating"]["list"]} for d in DASHBOARDS.values()}
    for d in DASHBOARDS.values():
        for value in walk(d):
            if isinstance(value, dict) and str(value.get("url", "")).startswith("/d/"):
                parts = urlsplit(value["url"])
                assert set(re.findall(r"var-(\w+)=", parts.query)) <= by_uid[parts.path.split("/")[2]]
