#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""dashboards/grafana/*.json from the tables below: five dashboards whose panels are rows, so that none repeats another's boilerplate.
   scripts/grafana.py [--targets FILE.csv] [--out DIR]     FILE has the columns of `nurseryctl import targets`; only rows for all
divisions make thresholds (a threshold of Grafana's is one for all cities). --check: exit 1 when the committed files are others."""
import argparse
import csv
import json
import re
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]
GRAFANA = TOP / "dashboards/grafana"
INFLUX = {"type": "influxdb", "uid": "nurseryd-influxdb"}  # as provisioned; never by name
PROMETHEUS = {"type": "prometheus", "uid": "nurseryd-prometheus"}
MIXED = {"type": "datasource", "uid": "-- Mixed --"}
RED, AMBER, GREEN, BLUE = "red", "orange", "green", "blue"

# --- what the rest of the tree says ---


def indicators():
    """{id: (zh, en, scale, is a flow)} of daemon/indicators.c."""
    found = {}
    text = (TOP / "daemon/indicators.c").read_text()
    for row in re.findall(r"\t\{ (\.id = \"[a-z_0-9]+\", \.zh.*?) \},\n", text, re.S):
        values = dict(re.findall(r'\.(id|zh|en) = "([^"]*)"', row))
        scale = re.search(r"\.scale = (\d+)", row)
        found[values["id"]] = (values["zh"], values["en"], int(scale[1]) if scale else 1, re.search(r"\bFLOW\b", row) is not None)
    for name, zh, en in re.findall(r'^\tSATISFACTION\("(\w+)", "([^"]*)", "([^"]*)"', text, re.M):
        found["satisfaction_" + name] = (zh, en, 100, False)
    return found


def policy(name):
    """A number of config/policy.conf's only version; per mille as per cent."""
    (value,) = re.findall(rf"^\s*{name} = (\d+);", (TOP / "config/policy.conf").read_text(), re.M)
    return int(value) / 10


def divisions():
    """(provinces, units): [(code, name)]. A unit is a prefecture, a municipality's district, or a county that its province governs."""
    with open(TOP / "config/data/divisions.csv") as file:
        rows = list(csv.DictReader(file))
    municipality = ("11", "12", "31", "50")
    provinces = [(r["code"][:2], r["name"]) for r in rows if r["level"] == "province"]
    units = [(r["code"], r["name"]) for r in rows if r["level"] == "prefecture" and r["code"][:2] not in municipality and r["code"][2:4] != "90"]
    units += [(r["code"], r["name"]) for r in rows if r["level"] == "county" and (r["code"][:2] in municipality or r["code"][2:4] == "90")]
    return provinces, sorted(units)


INDICATORS = indicators()
PROVINCES, UNITS = divisions()


def thresholds_of(targets):
    """{indicator: [(from, colour)]}: the imported targets, and what the policy says of shares."""
    found = {i: [(None, RED), (policy("red_below_per_mille"), AMBER), (policy("amber_below_per_mille"), GREEN)]
             for i in INDICATORS if i.startswith("satisfaction_")}
    found["completeness"] = [(None, RED), (policy("completeness_per_mille"), GREEN)]
    found["gap_places"] = [(None, GREEN), (1, RED)]
    for i in ("severe_incidents", "liability_accidents"):
        found[i] = [(None, GREEN), (1, RED)]
    with open(targets) as file:
        rows = sorted((r["by"], r["indicator"], float(r["value"])) for r in csv.DictReader(file) if not r["division"])
    for _, indicator, value in rows:  # the last one by date stays; amber: within a tenth, for the eye only
        found[indicator] = [(None, RED), (value * 0.9, AMBER), (value, GREEN)]
    return found


THRESHOLDS = {}

# --- pieces of a dashboard ---


def title(zh, en):
    return f"{zh} {en}"


def name_of(indicator):
    zh, en, *_ = INDICATORS[indicator]
    return title(zh, en.replace(" (%)", ""))


def unit_of(indicator):
    """Grafana's name of the unit of measure."""
    return "percent" if "(%)" in INDICATORS[indicator][1] else "none"


def threshold(steps):
    return {"mode": "absolute", "steps": [{"color": colour, "value": value} for value, colour in steps or [(None, BLUE)]]}


def mapping(pairs):
    return [{"type": "value", "options": {code: {"text": f"{text} {code}", "index": n} for n, (code, text) in enumerate(pairs)}}]


UNIT_NAMES = mapping(UNITS)


def words(**pairs):
    return [{"type": "value", "options": {k.rstrip("_"): {"text": text, "color": colour, "index": n} for n, (k, (text, colour)) in enumerate(pairs.items())}}]


SEVERITY = words(S1=("S1 重大 severe", RED), S2=("S2 严重 serious", AMBER), S3=("S3 一般 harm", "yellow"), S4=("S4 其他 other", BLUE))
STATUS = words(ok=("正常 ok", GREEN), no_data=("无数据 no data", "text"), insufficient=("数据不足 insufficient", AMBER))
FINAL = words(true=("已冻结 frozen", GREEN), false=("未冻结 running", AMBER))
YES = words(**{"0": ("否 no", RED), "1": ("是 yes", GREEN)})
NO = words(**{"0": ("否 no", GREEN), "1": ("是 yes", RED)})

UNIT_LINK = {"title": "城市 City ${__value.raw}", "url": "/d/nurseryd-unit?${__url_time_range}&var-unit=${__value.raw}"}
INCIDENT_LINK = {"title": "事故 Incidents of the city", "url": "/d/nurseryd-incidents?${__url_time_range}&var-unit=${__value.raw}"}

OVERRIDES = {  # of a table's columns
    "unit": ("城市 City", [("mappings", UNIT_NAMES), ("links", [UNIT_LINK, INCIDENT_LINK])]),
    "province": ("省份 Province", [("mappings", mapping(PROVINCES))]),
    "indicator": ("指标 Indicator", [("mappings", mapping([(i, INDICATORS[i][0]) for i in INDICATORS]))]),
    "site": ("机构 Nursery", []), "event": ("事件 Event", []), "case": ("案件 Case", []), "n": ("序 No.", []),
    "severity": ("级别 Severity", [("mappings", SEVERITY)]), "type": ("类型 Type", []),
    "dead": ("儿童死亡 Dead", []), "critical": ("危重 Critical", []), "serious": ("重伤 Serious", []), "minor": ("轻伤 Minor", []),
    "missing": ("失踪 Missing", []), "loss_yuan": ("损失 Loss", [("unit", "currencyCNY")]),
    "ground": ("事由 Ground", []), "state": ("状态 State", []), "actor_role": ("角色 Role", []),
    "value": ("数值 Value", [("decimals", 2)]), "numerator": ("分子 Numerator", []), "denominator": ("分母 Denominator", []),
    "completeness": ("完整率 Completeness", [("unit", "percentunit"), ("decimals", 1)]), "revision": ("版次 Revision", []),
    "final": ("冻结 Final", [("mappings", FINAL)]), "status": ("状态 Status", [("mappings", STATUS)]),
    "places": ("托位 Places", []), "enrolled": ("在托 Enrolled", []), "attended": ("出勤 Attended", []), "carers": ("保育人员 Carers", []),
    "points": ("点数 Points", []),
}
UNKNOWN = {"type": "value", "options": {"-1": {"text": "不详 unknown", "color": "text", "index": 0}}}  # CONTRACT §4 knows no null: −1


def override(column, zh_en, more):
    shown = [UNKNOWN] if column in ("dead", "critical", "serious", "minor", "missing", "loss_yuan", "numerator", "denominator", "completeness") else None
    properties = [("displayName", zh_en)] + more + ([("mappings", shown)] if shown else [])
    return {"matcher": {"id": "byName", "options": column}, "properties": [{"id": i, "value": v} for i, v in properties]}


def influx(query, form="time_series", alias=None, ref="A"):
    return {"refId": ref, "datasource": INFLUX, "rawQuery": True, "query": query, "resultFormat": form, **({"alias": alias} if alias else {})}


def prometheus(query, legend, ref="A", instant=False):
    return {"refId": ref, "datasource": PROMETHEUS, "expr": query, "legendFormat": legend, "range": not instant, "instant": instant, "editorMode": "code"}


def lettered(targets):
    return [dict(t, refId=chr(ord("A") + n)) for n, t in enumerate(targets)]


def panel(kind, zh_en, targets, width, height, options=None, unit="none", steps=None, mappings=None, describe="", custom=None, **more):
    targets = lettered(targets if isinstance(targets, list) else [targets])
    defaults = {"unit": unit, "mappings": mappings or [], "thresholds": threshold(steps), "noValue": "无数据 no data"}
    if custom:
        defaults["custom"] = custom
    if kind in ("stat", "gauge", "bargauge", "state-timeline"):
        defaults["color"] = {"mode": "thresholds"}
    source = targets[0]["datasource"] if len({t["datasource"]["uid"] for t in targets}) == 1 else MIXED
    return {"type": kind, "title": zh_en, "description": describe, "datasource": source, "targets": targets, "interval": "1d" if source == INFLUX else None,
            "fieldConfig": {"defaults": {k: v for k, v in {**defaults, **more.pop("defaults", {})}.items()}, "overrides": more.pop("overrides", [])},
            "options": options or {}, "size": (width, height), **more}


def stat(zh_en, target, width=4, height=4, graph="area", **more):
    options = {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}, "graphMode": graph, "colorMode": more.pop("colour", "value"),
               "textMode": "auto", "justifyMode": "auto", "orientation": "auto"}
    return panel("stat", zh_en, target, width, height, options, **more)


def series(zh_en, targets, width=12, height=8, style="line", steps=None, **more):
    custom = {"drawStyle": style, "lineWidth": 2 if style == "line" else 0, "fillOpacity": 0 if style == "line" else 80, "showPoints": "auto",
              "spanNulls": 172800000, "stacking": {"mode": "normal" if style == "bars" else "none", "group": "A"},
              "thresholdsStyle": {"mode": "dashed" if steps else "off"}}
    options = {"legend": {"displayMode": "table", "placement": "right" if width > 12 else "bottom", "calcs": ["lastNotNull"], "showLegend": True},
               "tooltip": {"mode": "multi", "sort": "desc"}}
    return panel("timeseries", zh_en, targets, width, height, options, steps=steps, custom=custom, **more)


def table(zh_en, target, columns, width=24, height=9, hide=(), sort=None, **more):
    options = {"showHeader": True, "sortBy": [{"displayName": s, "desc": d} for s, d in [sort] if s] if sort else []}
    overrides = [override(c, *OVERRIDES[c]) for c in columns]
    organise = [{"id": "organize", "options": {"excludeByName": {c: True for c in hide}, "renameByName": {}, "indexByName": {}}}] if hide else []
    return panel("table", zh_en, target, width, height, options, overrides=overrides, transformations=organise, custom={"filterable": True}, **more)


def bars(zh_en, target, width=12, height=9, **more):
    options = {"displayMode": "basic", "orientation": "horizontal", "showUnfilled": True, "valueMode": "color",
               "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}}
    return panel("bargauge", zh_en, target, width, height, options, **more)


def text(zh_en, content, width=24, height=3):
    return {"type": "text", "title": zh_en, "options": {"mode": "markdown", "content": content}, "size": (width, height), "targets": []}


def row(zh_en):
    return {"type": "row", "title": zh_en, "collapsed": False, "panels": [], "size": (24, 1), "targets": []}


# --- queries; a number that is not known is −1 and left out ---

OF_UNIT = '"unit" =~ /^${unit:regex}$/'
OF_PROVINCE = '"province" =~ /^${province:regex}$/'


def known(indicator, where, period="day"):
    match = f"\"indicator\" = '{indicator}'"
    return f"FROM \"unit_indicator\" WHERE {match} AND \"period\" = '{period}' AND \"value\" >= 0 AND {where} AND $timeFilter"


def by_day(select, source, tags="", fill="none"):
    return f"SELECT {select} {source} GROUP BY time($__interval){tags} fill({fill}) tz('Asia/Shanghai')"


def value_of(indicator, where, tags="", alias=None):
    """Of a stock the last value of an interval, of a flow what all its days make together: an interval may be a week."""
    _, _, scale, flow = INDICATORS[indicator]
    count = scale == 1
    select = 'last("value")' if not flow else 'sum("value")' if count else f'sum("numerator") / sum("denominator") * {scale}'
    return influx(by_day(select, known(indicator, where + ("" if count else ' AND "denominator" > 0')), tags), alias=alias)


def together(indicator, where, tags=""):
    """Σ numerators / Σ denominators over the units with status ok (DOMAIN §2)."""
    _, _, scale, flow = INDICATORS[indicator]
    of_days, count = "sum" if flow else "last", scale == 1
    ok = where + " AND \"status\" = 'ok'" + ("" if count else ' AND "denominator" > 0')
    inner = by_day(f'{of_days}("numerator") AS "n", {of_days}("denominator") AS "d"', known(indicator, ok), ', "unit", "province"')
    outer = 'sum("n")' if count else f'sum("n") / sum("d") * {scale}'
    return influx(by_day(outer, f"FROM ({inner}) WHERE $timeFilter", tags), alias="$tag_province" if tags else name_of(indicator))


def latest(fields, source, tags):
    selected = ", ".join(f'last("{f}") AS "{f}"' for f in fields)
    return influx(f"SELECT {selected} {source} GROUP BY {tags}", "table")


def headline(indicator, where, width=4):
    return stat(name_of(indicator), value_of(indicator, where, alias=name_of(indicator)), width, unit=unit_of(indicator), steps=THRESHOLDS.get(indicator))


def country(indicator, width=4):
    return stat(name_of(indicator), together(indicator, OF_PROVINCE), width, unit=unit_of(indicator), steps=THRESHOLDS.get(indicator))


COUNTED = '"retracted" = false'
INCIDENTS = f'FROM "incident" WHERE {COUNTED} AND {OF_UNIT} AND $timeFilter'

# --- variables ---

ALL_VALUE = {True: {"allValue": ".*"}, False: {}}


def variable(name, zh_en, query, multi=False, everything=True, datasource=INFLUX, hide=0):
    stored = query if datasource == INFLUX else {"query": query, "refId": "variable"}
    return {"type": "query", "name": name, "label": zh_en, "datasource": datasource, "query": stored, "definition": query, "refresh": 2, "sort": 1, "regex": "",
            "multi": multi, "includeAll": everything, **ALL_VALUE[everything], "hide": hide,
            "current": {"text": "All", "value": "$__all"} if everything else {"text": "", "value": ""}, "options": []}


def choice(name, zh_en, pairs, first=0, everything=False):
    options = [{"text": t, "value": v, "selected": n == first and not everything} for n, (v, t) in enumerate(pairs)]
    if everything:
        options.insert(0, {"text": "All", "value": "$__all", "selected": True})
    current = next(o for o in options if o["selected"])
    return {"type": "custom", "name": name, "label": zh_en, "query": ",".join(f"{t} : {v}".replace(",", "\\,") for v, t in pairs), "options": options,
            "current": {"text": current["text"], "value": current["value"]}, "multi": False, "includeAll": everything, **ALL_VALUE[everything],
            "hide": 0}


def variables(*wanted):
    made = {
        "province": choice("province", "省份 Province", PROVINCES, everything=True),
        "unit": variable("unit", "城市 City", f'SHOW TAG VALUES FROM "unit_indicator" WITH KEY = "unit" WHERE {OF_PROVINCE}', multi=True),
        "one_unit": variable("unit", "城市 City", f'SHOW TAG VALUES FROM "unit_indicator" WITH KEY = "unit" WHERE {OF_PROVINCE}', everything=False),
        "indicator": choice("indicator", "指标 Indicator", [(i, name_of(i)) for i in INDICATORS], 1),
        "period": choice("period", "周期 Period", [("day", "按日 day"), ("month", "按月 month")]),
        "declared": variable("declared", "申报项目 Declared item", 'SHOW TAG VALUES FROM "unit_indicator" WITH KEY = "indicator" WHERE '
                             f'"indicator" !~ /^({"|".join(INDICATORS)})$/', multi=True),
        "instance": variable("instance", "实例 Instance", "label_values(nurseryd_build_info, instance)", multi=True, datasource=PROMETHEUS),
    }
    return [made[w] for w in wanted]


def annotation(zh_en, query, colour, texts, tags):
    columns = {"textColumn": texts, "tagsColumn": tags, "timeEndColumn": "", "titleColumn": ""}
    return {"name": zh_en, "datasource": INFLUX, "enable": True, "iconColor": colour, "query": query, **columns,
            "target": {"refId": "annotationQuery", "query": query, "queryType": "tags", "fromAnnotations": True, "name": zh_en, **columns}}


def annotations(where):
    return [annotation("事故 Incidents", f'SELECT "event", "severity", "type" FROM "incident" WHERE {COUNTED} AND {where} AND $timeFilter', RED, "event", "severity,type"),
            annotation("案件 Cases", f'SELECT "case", "state", "ground" FROM "case_event" WHERE "state" != \'\' AND {where} AND $timeFilter', "purple", "case", "state,ground")]


# --- the dashboards: (uid, title, tags, variables, annotations, panels) ---

CHOSEN = "FROM \"unit_indicator\" WHERE \"indicator\" = '${indicator}' AND \"period\" = '${period}' AND \"value\" >= 0"


def units_table():
    fields = ["value", "completeness", "numerator", "denominator", "status", "revision", "final"]
    return table("${indicator:text}：各城市最新 latest by city", latest(fields, f'{CHOSEN} AND {OF_PROVINCE} AND $timeFilter', '"unit", "province"'),
                 ["unit", "province", *fields], hide=["Time"], sort=("数值 Value", True), height=12,
                 describe="点击城市查看详情。Click a city. Targets by city are on the page and in the API: a threshold here is one for all.")


def province():
    return [
        row("现在 Now"), country("places_total"), country("places_per_1000"), country("enrolment_rate"), country("utilisation"), country("completeness"),
        stat("上报城市 Cities with numbers", influx(by_day('count("v")', f"FROM ({by_day('last(value) AS v', known('places_total', OF_PROVINCE), ', unit')}) WHERE $timeFilter"), alias="城市 cities"), graph="none"),
        row("走势 History"),
        series("千人口托位数：各省 Places per 1,000 by province", together("places_per_1000", OF_PROVINCE, ', "province"'), steps=THRESHOLDS["places_per_1000"]),
        series("入托率：各省 Enrolment rate by province", together("enrolment_rate", OF_PROVINCE, ', "province"'), unit="percent"),
        series("${indicator:text}：各城市 by city", influx(by_day('last("value")', f"{CHOSEN} AND {OF_PROVINCE} AND $timeFilter", ', "unit"'), alias="$tag_unit"), 24, 10),
        units_table(),
        row("缺口与安全 Shortage and safety"),
        series("托位缺口 Places short of the target", together("gap_places", OF_PROVINCE, ', "province"'), 8, describe="目标减现有托位。Of cities with a target and a population."),
        series("重大事件 Severe incidents", value_of("severe_incidents", OF_PROVINCE, ', "province"', "$tag_province"), 8, style="bars"),
        series("家庭满意度（服务） Families satisfied with the service", together("satisfaction_family_service", OF_PROVINCE, ', "province"'), 8, unit="percent",
               steps=THRESHOLDS["satisfaction_family_service"]),
    ]


def curves(zh_en, ids, width=12, steps=None):
    return series(zh_en, [value_of(i, OF_UNIT, alias=name_of(i)) for i in ids], width, unit=unit_of(ids[0]), steps=steps)


def name_panel():
    """The name of the chosen city: its tag's value, mapped."""
    made = stat("", influx(f'SELECT last("revision") FROM "unit_indicator" WHERE {OF_UNIT} AND $timeFilter GROUP BY "unit"', "table"), 24, 3, "none", mappings=UNIT_NAMES)
    made["options"]["reduceOptions"]["fields"] = "/^unit$/"
    return made


def unit():
    a_day = [(f, OVERRIDES[f][0]) for f in ("enrolled", "attended", "carers", "places")]
    days = [influx(by_day(f'sum("{f}")', f'FROM "site_enrolment" WHERE {COUNTED} AND "{f}" >= 0 AND {OF_UNIT} AND $timeFilter'), alias=t) for f, t in a_day]
    month = "FROM \"unit_indicator\" WHERE \"period\" = 'month' AND " + OF_UNIT + " AND $timeFilter"
    fields = ["value", "numerator", "denominator", "completeness", "revision", "final", "status"]
    return [
        name_panel(),
        row("现在 Now"), *[headline(i, OF_UNIT) for i in ("places_total", "places_per_1000", "enrolment_rate", "utilisation", "completeness", "gap_places")],
        row("走势 History"),
        series("${indicator:text}", influx(by_day('last("value")', f"{CHOSEN} AND {OF_UNIT} AND $timeFilter"), alias="${indicator:text}"), 24, 9,
               describe="虚线旁为事故与案件。Annotations are incidents and cases."),
        curves("托位 Places", ["places_total", "gap_places"]), curves("千人口托位数 Places per 1,000", ["places_per_1000"], steps=THRESHOLDS["places_per_1000"]),
        curves("使用 Use", ["enrolment_rate", "utilisation", "inclusive_share"]), curves("合规 Standing", ["filing_rate", "disclosure_rate", "insured_rate", "ratio_ok"]),
        curves("满意度 Satisfaction", [i for i in INDICATORS if i.startswith("satisfaction_")], steps=THRESHOLDS["satisfaction_family_policy"]),
        series("每日儿童 Children a day", days,
               describe="当日上报机构之和。Of the nurseries that reported that day (influx.sites)."),
        row("月度 Months"),
        table("月度指标 Months", influx(f'SELECT "indicator", {", ".join(chr(34) + f + chr(34) for f in fields)} {month} AND "value" >= 0', "table"), ["indicator", *fields], hide=["unit"],
              describe="已冻结的月份不再变化；更正成为下一版次。A frozen month changes only as the next revision."),
        row("申报 Declared"),
        series("申报项目 Declared items", influx(by_day('last("value")', f'FROM "unit_indicator" WHERE "indicator" =~ /^${{declared:regex}}$/ AND "indicator" !~ /^({"|".join(INDICATORS)})$/ AND "value" >= 0 AND {OF_UNIT} AND $timeFilter', ', "indicator"'), alias="$tag_indicator"), 24,
               describe="检查、整改、质量等级等。Inspections, rectifications, grades: what is imported as declared."),
    ]


def incidents():
    counts = ["dead", "critical", "serious", "minor", "missing"]
    hurt = [influx(f'SELECT sum("{c}") FROM "incident" WHERE {COUNTED} AND "{c}" >= 0 AND {OF_UNIT} AND $timeFilter', alias=OVERRIDES[c][0]) for c in counts]
    per_level = [influx(by_day('count("severity")', f"FROM \"incident\" WHERE \"severity\" = '{s}' AND {COUNTED} AND {OF_UNIT} AND $timeFilter"), alias=s) for s in ("S1", "S2", "S3", "S4")]
    fields = ["severity", "type", *counts, "loss_yuan"]
    listed = ", ".join(f'"{f}"' for f in ["unit", "site", "event", *fields])
    return [
        stat("事故 Incidents", influx(f'SELECT count("severity") {INCIDENTS}'), 4, graph="none"),
        stat("S1", influx(f"SELECT count(\"severity\") FROM \"incident\" WHERE \"severity\" = 'S1' AND {COUNTED} AND {OF_UNIT} AND $timeFilter"), 4, graph="none", steps=[(None, GREEN), (1, RED)]),
        bars("伤亡 Casualties among children", hurt, 16, 4, steps=[(None, GREEN), (1, AMBER)], describe="不详的数字不计入。Numbers that are not known are left out."),
        series("每日事故 Incidents by severity", per_level, 16, style="bars"),
        stat("直接损失 Loss", influx(f'SELECT sum("loss_yuan") FROM "incident" WHERE {COUNTED} AND "loss_yuan" >= 0 AND {OF_UNIT} AND $timeFilter'), 8, 8, graph="none", unit="currencyCNY"),
        table("事故 Incidents", influx(f"SELECT {listed} {INCIDENTS} ORDER BY time DESC LIMIT 500 tz('Asia/Shanghai')", "table"), ["unit", "site", "event", *fields], height=10),
        row("指标 Indicators"),
        *[series(name_of(i), value_of(i, OF_UNIT, ', "unit"', "$tag_unit"), 12, style="bars" if i.endswith(("incidents", "accidents")) else "line", unit=unit_of(i),
                 steps=THRESHOLDS.get(i)) for i in ("severe_incidents", "incident_rate", "late_report_rate", "liability_accidents")],
        row("案件 Cases"),
        table("案件经过 Case events", influx(f'SELECT "unit", "case", "n", "ground", "state", "actor_role" FROM "case_event" WHERE "state" != \'\' AND {OF_UNIT} AND $timeFilter '
                                          "ORDER BY time DESC LIMIT 500 tz('Asia/Shanghai')", "table"), ["unit", "case", "n", "ground", "state", "actor_role"],
              describe="nurseryd 不撤销任何称号；它记录主管部门的决定。nurseryd revokes nothing: it records what the officers decide."),
    ]


def quality():
    chosen = '"province" =~ /^${province:regex}$/'
    status = [influx(by_day('count("revision")', f"FROM \"unit_indicator\" WHERE \"period\" = 'day' AND \"status\" = '{s}' AND {chosen} AND $timeFilter"), alias=t)
              for s, t in (("ok", "正常 ok"), ("no_data", "无数据 no data"), ("insufficient", "数据不足 insufficient"))]
    gaps = f"FROM \"unit_indicator\" WHERE \"period\" = 'day' AND \"status\" != 'ok' AND {chosen} AND $timeFilter"
    rate = 'sum by (status) (rate(nurseryd_messages_total{{instance=~"$instance"{0}}}[$__rate_interval]))'.format
    return [
        row("上报 Reporting"),
        series("上报完整率 Reports received", value_of("completeness", chosen, ', "unit"', "$tag_unit"), unit="percent", steps=THRESHOLDS["completeness"]),
        series("上报及时率 Reports in time", value_of("timeliness", chosen, ', "unit"', "$tag_unit"), unit="percent"),
        bars("完整率最低 Completeness of places, now", influx(f"SELECT last(\"completeness\") FROM \"unit_indicator\" WHERE \"indicator\" = 'places_total' AND \"period\" = 'day' AND \"completeness\" >= 0 AND {chosen} AND $timeFilter GROUP BY \"unit\"",
                                                        alias="$tag_unit"), unit="percentunit", steps=[(None, RED), (THRESHOLDS["completeness"][1][0] / 100, GREEN)]),
        series("指标状态 Status of daily indicators", status, style="bars", describe="无数据：缺分母（人口、目标、问卷）。no data: a denominator is missing."),
        table("缺数据的指标 Indicators without data", influx(f'SELECT count("status") AS "points" {gaps} GROUP BY "indicator", "unit"', "table"), ["indicator", "unit", "points"],
              hide=["Time"], sort=("点数 Points", True)),
        series("已冻结月份的更正 Revisions of months", influx(by_day('max("revision")', f"FROM \"unit_indicator\" WHERE \"period\" = 'month' AND {chosen} AND $timeFilter", ', "unit"'), alias="$tag_unit"),
               24, 6, style="bars"),
        row("报文 Messages"),
        series("报文结果 Messages by outcome", prometheus(rate(""), "{{status}}"), unit="cps"),
        series("被拒 Refused", [prometheus(rate(',status!="accepted"'), "{{status}}"),
                              prometheus('sum(rate(nurseryd_duplicates_total{instance=~"$instance"}[$__rate_interval]))', "重复 duplicates"),
                              prometheus('sum(rate(nurseryd_rate_limited_total{instance=~"$instance"}[$__rate_interval]))', "超限 E_RATE")], unit="cps"),
        stat("序号缺口 Gaps", prometheus('sum(nurseryd_gaps{instance=~"$instance"})', "gaps"), 6, steps=[(None, GREEN), (1, AMBER)]),
        stat("放弃的缺口 Gaps given up", prometheus('sum(nurseryd_gaps_lost_total{instance=~"$instance"})', "lost"), 6, steps=[(None, GREEN), (1, RED)]),
        stat("补报请求 Requests to resend", prometheus('sum(nurseryd_requests_total{instance=~"$instance"})', "requests"), 6),
        stat("机构 Nurseries heard of", prometheus('sum(nurseryd_sites{instance=~"$instance"})', "sites"), 6),
    ]


def of(metric, more=""):
    return f'{metric}{{instance=~"$instance"{more}}}'


def one(zh_en, metric, width=4, **more):
    return stat(zh_en, prometheus(of(metric), "{{instance}}"), width, **more)


def rates(zh_en, *metrics, width=12, unit="cps"):
    return series(zh_en, [prometheus(f"rate({of(m)}[$__rate_interval])", t) for m, t in metrics], width, unit=unit)


def gauges(zh_en, *metrics, width=12, unit="none"):
    return series(zh_en, [prometheus(of(m), t) for m, t in metrics], width, unit=unit)


def daemon():
    yes, no = [(None, RED), (1, GREEN)], [(None, GREEN), (1, RED)]
    return [
        one("已订阅 Subscribed", "nurseryd_subscribed", steps=yes, mappings=YES, graph="none", colour="background"),
        one("存储可写 Store writable", "nurseryd_store_writable", steps=yes, mappings=YES, graph="none", colour="background"),
        one("磁盘将满 Shedding", "nurseryd_shedding", steps=no, mappings=NO, graph="none", colour="background"),
        one("哈希链断裂行 Broken row", "nurseryd_ledger_bad_row", steps=no, graph="none", colour="background", describe="0：完整 whole"),
        stat("运行时间 Up for", prometheus(f"time() - {of('nurseryd_start_time_seconds')}", "{{instance}}"), unit="s", graph="none"),
        stat("版本 Version", prometheus(of("nurseryd_build_info"), "{{version}}", instant=True), graph="none", defaults={"displayName": "${__field.labels.version}"}),
        row("账本 Ledger"),
        gauges("行数 Rows", ("nurseryd_ledger_rows", "账本 ledger"), ("nurseryd_indicators_rows", "指标算到 indicators up to"), ("nurseryd_verified_rows", "已校验 verified"), ("nurseryd_verify_rows", "待校验至 to verify")),
        series("指标滞后 Rows not yet in the indicators", prometheus(f"{of('nurseryd_ledger_rows')} - {of('nurseryd_indicators_rows')}", "{{instance}}")),
        rates("写入 Writing", ("nurseryd_batches_total", "提交 commits"), ("nurseryd_batch_failures_total", "失败 failed"), ("nurseryd_recomputations_total", "重算城市日 unit-days")),
        gauges("磁盘 Disk", ("nurseryd_store_free_bytes", "空闲 free"), ("nurseryd_store_reserve_bytes", "保留 reserve"), ("nurseryd_wal_bytes", "预写日志 WAL"), unit="bytes"),
        row("报文 Messages"),
        series("报文 Messages", prometheus(f"sum by (status) (rate({of('nurseryd_messages_total')}[$__rate_interval]))", "{{status}}"), unit="cps"),
        rates("其他 Others", ("nurseryd_duplicates_total", "重复 duplicates"), ("nurseryd_status_messages_total", "上下线 births, wills"), ("nurseryd_status_malformed_total", "其中无效 malformed"), ("nurseryd_sandbox_messages_total", "沙箱 sandbox"),
              ("nurseryd_mqtt_published_total", "发出 published")),
        series("消息代理 Broker", [prometheus(f"increase({of(m)}[$__rate_interval])", t) for m, t in (
            ("nurseryd_mqtt_connects_total", "连接 connects"), ("nurseryd_mqtt_connect_failures_total", "失败 failures"), ("nurseryd_mqtt_takeovers_total", "被抢占 takeovers"))]),
        stat("备份 Backups since the start", prometheus(of("nurseryd_backups_total"), "{{instance}}"), 6, 8),
        one("时钟错误 Clock wrong", "nurseryd_clock_wrong", 6, height=8, steps=no, mappings=NO, graph="none", colour="background"),
        row("外发 Sinks"),
        series("点 Points sent", [prometheus(f"rate({of('nurseryd_sink_lines_sent_total')}[$__rate_interval])", "{{sink}}"),
                                prometheus(f"rate({of('nurseryd_sink_lines_failed_total')}[$__rate_interval])", "{{sink}} 搁置 put aside"),
                                prometheus(f"rate({of('nurseryd_sink_retries_total')}[$__rate_interval])", "{{sink}} 重试 retries"),
                                prometheus(f"rate({of('nurseryd_sink_requests_expired_total')}[$__rate_interval])", "{{sink}} 过期 expired")], unit="cps"),
        series("等待的点 Points waiting", prometheus(of("nurseryd_sink_waiting_points"), "{{measurement}}")),
        series("滞后 Lag", [prometheus(of("nurseryd_sink_lag_seconds"), "{{sink}}"), prometheus(of("nurseryd_page_lag_seconds"), "呼叫 pages")], unit="s", steps=[(None, GREEN), (900, RED)]),
        one("拒收 Held", "nurseryd_sink_held", steps=no, mappings=NO, graph="none", colour="background", height=8),
        one("待发呼叫 Pages waiting", "nurseryd_pages_waiting", steps=no, graph="none", height=8),
        series("呼叫 Pages", [prometheus(f"increase({of(m)}[$__rate_interval])", t) for m, t in (("nurseryd_pages_delivered_total", "送达 delivered"), ("nurseryd_page_failures_total", "失败 failures"))], 4),
    ]


def dashboards():
    return [
        ("province", title("全国与各省", "Country and provinces"), ["province", "indicator", "period"], annotations("\"unit\" =~ /^(?:${province:regex})/"), province()),
        ("unit", title("城市", "City"), ["province", "one_unit", "indicator", "period", "declared"], annotations(OF_UNIT), unit()),
        ("incidents", title("事故与案件", "Incidents and cases"), ["province", "unit"], annotations(OF_UNIT), incidents()),
        ("quality", title("数据质量", "Data quality"), ["province", "instance"], annotations("\"unit\" =~ /^(?:${province:regex})/"), quality()),
        ("daemon", title("nurseryd 运行", "The daemon"), ["instance"], [], daemon()),
    ]


def placed(panels):
    x = y = height = 0
    for n, p in enumerate(panels, 1):
        width, tall = p.pop("size")
        if x + width > 24:
            x, y, height = 0, y + height, 0
        yield {"id": n, "gridPos": {"x": x, "y": y, "w": width, "h": tall}, **{k: v for k, v in p.items() if v is not None and v != ""}}
        x, height = x + width, max(height, tall)


def whole(uid, name, wanted, notes, panels, period="now-90d"):
    return {"uid": "nurseryd-" + uid, "title": name, "tags": ["nurseryd"], "schemaVersion": 37, "version": 1, "editable": True, "graphTooltip": 1,
            "timezone": "Asia/Shanghai", "time": {"from": period if uid != "daemon" else "now-6h", "to": "now"}, "refresh": "30s" if uid == "daemon" else "1m",
            "templating": {"list": variables(*wanted)}, "annotations": {"list": notes},
            "links": [{"type": "dashboards", "title": "nurseryd", "tags": ["nurseryd"], "asDropdown": False, "includeVars": True, "keepTime": True, "icon": "dashboard", "targetBlank": False,
                       "tooltip": "", "url": ""}],
            "panels": list(placed(panels))}


def printed(dashboard):
    """A panel is a line."""
    line = lambda value: json.dumps(value, ensure_ascii=False)  # noqa: E731
    panels = ",\n".join("  " + line(p) for p in dashboard["panels"])
    rest = ",\n".join(f" {line(k)}: {line(v)}" for k, v in dashboard.items() if k != "panels")
    return f'{{\n{rest},\n "panels": [\n{panels}\n ]\n}}\n'


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--targets", default=GRAFANA / "targets.csv")
    parser.add_argument("--out", type=Path, default=GRAFANA / "dashboards")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    THRESHOLDS.update(thresholds_of(options.targets))
    made = {f"{uid}.json": printed(whole(uid, *rest)) for uid, *rest in dashboards()}
    if options.check:
        there = {p.name: p.read_text() for p in options.out.glob("*.json")}
        sys.exit(0 if there == made else "dashboards/grafana: not as scripts/grafana.py writes them")
    options.out.mkdir(parents=True, exist_ok=True)
    for name, content in made.items():
        (options.out / name).write_text(content)


if __name__ == "__main__":
    main()
