# SPDX-License-Identifier: MIT
"""Reports: a case from incident to decision, a province's year, whom it may recommend; as HTML, CSV and JSON, from the daemon
and from its database alone."""
import csv
import http.client
import html.parser
import io
import json
import os
import re

import pytest

from live import today, wait_until
from test_cases import Office, designate, token
from test_fold import SITE, enrolment, incident, line, message, registration

HOSTILE = "<script>alert('x')</script>\"&,幼儿园"
FORMULA = "=HYPERLINK(\"http://x.example\",\"y\")"
VOID = {"meta", "br", "hr", "img", "link", "input"}


class Page(html.parser.HTMLParser):
    """Well-formed, or it says where not; the cells of each section's table as texts."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tables, self.attributes, self.section, self.row, self.cell = [], {}, [], None, None, None
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.attributes += attrs
        assert tag not in ("script", "link", "img", "iframe", "object", "base", "form"), tag
        if tag not in VOID:
            self.open.append(tag)
        if tag == "section":
            self.section = self.tables.setdefault(dict(attrs)["id"], [])
        elif tag == "tr":
            self.row = []
            self.section.append(self.row)
        elif tag in ("td", "th"):
            self.row.append("")

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, (tag, self.getpos())
        if tag == "tr":
            self.row = None

    def handle_data(self, data):
        self.text += data
        if self.row:
            self.row[-1] += (" " if self.open[-1] == "small" else "") + data


def blocks(text):
    """The CSV back: heading and rows of each section."""
    assert text.startswith("\ufeff") and "\r\n" in text
    records = list(csv.reader(io.StringIO(text[1:], newline=""), strict=True))
    assert len({len(r) for r in records}) == 1
    found = {}
    for r in records[1:]:
        found.setdefault(r[0], []).append(r[1:])
    return found


def table(found, section):
    """Rows as dicts; keys are the codes behind the Chinese headings."""
    head, *rows = found[section]
    keys = [h.rsplit(" ", 1)[-1] for h in head]
    return [dict(zip(keys, r)) for r in rows]


def no_cell_is_a_formula(text):
    for record in csv.reader(io.StringIO(text[1:], newline="")):
        for cell in record:
            assert not re.match(r"[=+@\t\r]|-(?![0-9.]+$)", cell), cell


def nothing_from_elsewhere(text):
    assert not re.search(r"https?://|url\(|@import|\ssrc=", re.sub(r"&[a-z]+;|http://x\.example", "", text))


def without_time(text):
    return re.sub(r"生成时间.*|\"generated_at\":\"[^\"]*\"|^\ufeff?report,.*", "", text)


def fetch(office, who, path, **headers):
    c = http.client.HTTPConnection("127.0.0.1", office.port, timeout=60)
    c.request("GET", "/api/v1" + path, headers={**({"Authorization": "Bearer " + token(who)} if who else {}), **headers})
    r = c.getresponse()
    return r.status, r.read().decode(), r.headers


def to_published(d, year=2026):
    c = f"/cases/C-{year}-001"
    d.does("duty", c, "acknowledge")
    d.does("duty", c, "verify")
    d.does("duty", c, "note", reason=HOSTILE)
    d.does("duty", c, "add_evidence", evidence=FORMULA)
    for who in ("hc", "drc"):
        d.does(who, c, "sign", **{"for": "substantiate"})
    d.does("hc", c, "substantiate")
    d.does("hc", c, "report", document=FORMULA)
    d.does("nhc", c, "review")
    for who in ("nhc", "ndrc"):
        d.does(who, c, "sign", **{"for": "revoke"})
    d.does("nhc", c, "revoke", document="国卫〔2026〕9号")
    d.does("nhc", c, "publish", where="官网", when="2026-12-20")


@pytest.fixture
def story(tmp_path, monkeypatch):
    """Hangzhou is named; a fire, a child dies in the second report, a late first one; the title is revoked and that is published."""
    d = Office(tmp_path)
    monkeypatch.setenv("NURSERYD_DATADIR", designate(tmp_path, "named"))
    d.fold(line("2026-11-24T06:00:00+08:00", "registration", message(1, registration(name=HOSTILE))),
           line("2026-11-24T06:10:00+08:00", "enrolment", message(1, enrolment())),
           line("2026-11-24T08:20:00+08:00", "incident", message(1, incident(kind="fire", critical=1, minor=2), sent_at="2026-11-24T08:20:00+08:00")),
           line("2026-11-24T09:00:00+08:00", "incident", message(2, incident(kind="fire", stage="follow_up", dead=1, minor=2),
                                                                 sent_at="2026-11-24T09:00:00+08:00")))
    d.start()
    path = f"/incidents/{SITE}/INC-1"
    d.does("hc", path, "liability", finding="nursery", reason="调查报告")
    d.does("duty", path, "reported_up", level="city", document="杭卫〔2026〕1号", at="2026-11-24T09:00:00+08:00")
    to_published(d)
    yield d
    d.stop()
    d.verify()


# ---- the case ----

def test_the_report_of_a_case_tells_it_from_the_first_report_to_the_decision(story):
    status, text, headers = fetch(story, "reader", "/reports/case/C-2026-001")
    assert status == 200 and headers["Content-Type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    page = Page(text)
    nothing_from_elsewhere(text)
    sections = {k: "\n".join(" | ".join(r) for r in rows) for k, rows in page.tables.items()}
    assert "管理办法 第五条(一)" in sections["case"] and "已公布 published" in sections["case"] and "下一周期不得申报 barred" in sections["case"]
    assert "已撤销 revoked" in sections["unit"] and "杭州市" in sections["unit"]
    acts = [r[1].split(" ")[-1] for r in page.tables["timeline"][1:]]
    assert acts == ["open", "acknowledge", "verify", "note", "add_evidence", "sign", "sign", "substantiate", "report", "review", "sign", "sign",
                    "revoke", "publish"]
    assert "官网" in sections["timeline"] and "国卫〔2026〕9号" in sections["timeline"] and "prov_drc" in sections["timeline"]
    assert "A-000001" in sections["evidence"] and [r[2].split()[-1] for r in page.tables["signatures"][1:]] == ["prov_hc", "prov_drc", "nhc", "ndrc"]
    assert {r[1] for r in page.tables["alerts"][1:]} == {"art5-1", "late-report"}
    assert f"{SITE}" in sections["incidents"] and "火灾 fire" in sections["incidents"]
    assert len(page.tables["stages"]) == 3 and "死亡1" in sections["stages"] and "危重1" in sections["stages"]
    states = {r[1].split(" ", 3)[-1]: r[-1] for r in page.tables["clocks"][1:]}
    assert (states["nursery → county"], states["county → city"]) == ("超时 overdue", "按时 met")
    assert [(r[1], r[2]) for r in page.tables["findings"][1:]] == [("责任认定 liability", "机构负有责任 nursery"), ("已逐级上报 reported_up", "市级 city")]
    assert "调查报告" in sections["findings"]


def test_the_rows_and_the_head_of_a_report_are_the_ledgers(story):
    report = json.loads(fetch(story, "reader", "/reports/case/C-2026-001?format=json")[1])
    sections = {s["id"]: s["rows"] for s in report["sections"]}
    kept = {n: (h.hex(), t) for n, h, t in story.rows("SELECT n, hash, topic FROM ledger")}
    assert [(r["hash"], r["topic"]) for r in sections["ledger"]] == [kept[r["n"]] for r in sections["ledger"]]
    shown = {r["n"] for r in sections["ledger"]}
    assert {r["n"] for r in sections["timeline"] + sections["stages"] + sections["signatures"] + sections["findings"]} <= shown
    head = sections["check"][0]["head"]
    assert head == f"{max(kept)}:{kept[max(kept)][0]}" and head in sections["check"][0]["command"]
    done = story.ctl("--db", story.db, *sections["check"][0]["command"].split()[1:])
    assert done.returncode == 0, done.stderr
    assert story.ctl("--db", story.db, "verify", "--head", head[:-1] + ("0" if head[-1] != "0" else "1")).returncode == 1


def test_what_strangers_and_officers_wrote_is_text_in_every_format(story):
    _, text, _ = fetch(story, "reader", "/reports/case/C-2026-001")
    page = Page(text)
    assert HOSTILE in page.text and FORMULA in page.text and "<script" not in text
    _, text, headers = fetch(story, "reader", "/reports/case/C-2026-001?format=csv")
    assert headers["Content-Type"] == "text/csv; charset=utf-8"
    no_cell_is_a_formula(text)
    found = blocks(text)
    assert table(found, "incidents")[0]["name"] == HOSTILE
    assert "'" + FORMULA in [r["document"] for r in table(found, "timeline")] + [r["document"] for r in table(found, "evidence")]


def test_a_case_that_was_opened_by_hand_has_no_incident_and_says_what_is_waited_for(story):
    case = story.does("duty", "/cases/new", "open", unit="330200", ground="art5-2", reason="12345热线")["case"]
    page = Page(fetch(story, "hc", f"/reports/case/{case}")[1])
    pairs = dict(page.tables["case"])
    assert pairs["下一步 what is waited for"] == "知悉 somebody has seen it" and pairs["状态 state"] == "线索 signal"
    assert "12345热线" in page.tables["timeline"][1] and page.tables["incidents"] == page.tables["stages"] == page.tables["clocks"] == []
    story.does("duty", f"/cases/{case}", "acknowledge")
    story.does("duty", f"/cases/{case}", "verify")
    pairs = dict(Page(fetch(story, "hc", f"/reports/case/{case}")[1]).tables["case"])
    assert pairs["下一步 what is waited for"] == "认定属实 it is so"
    assert "至少须有一项证据" in pairs["尚缺 what it still lacks"] and "two different people must sign" in pairs["尚缺 what it still lacks"]


def test_a_report_needs_a_role_and_a_case_that_exists(story):
    assert fetch(story, None, "/reports/case/C-2026-001")[0] == 401
    assert fetch(story, "reader", "/reports/case/C-2026-002")[0] == 404
    assert fetch(story, "reader", "/reports/case/C-2026-001?format=pdf")[0] == 400


def test_the_command_line_gives_the_same_from_the_daemon_and_from_the_file(story):
    same = []
    for where in (("--socket", "nurseryd.sock"), ("--db", story.db)):
        for form in ((), ("--csv",), ("--json",)):
            done = story.ctl(*where, "report", "case", "C-2026-001", *form)
            assert done.returncode == 0, done.stderr
            same.append(without_time(done.stdout))
            again = without_time(story.ctl(*where, "report", "case", "C-2026-001", *form).stdout)
            assert again == same[-1]
    assert same[:3] == same[3:]
    assert story.ctl("--db", story.db, "report", "case", "C-2026-001", "-o", "case.html").returncode == 0
    assert without_time((story.where / "case.html").read_text()) == same[0]
    assert not os.path.exists(story.where / "case.html.part")
    assert story.ctl("--db", story.db, "report", "case", "C-2026-009").returncode == 1
    assert story.ctl("--db", story.db, "report", "case").returncode == 2
    assert story.ctl("--db", story.db, "report", "everything").returncode == 2


# ---- a province's year ----

JIAXING_SITE = "91330106MA0000023E"


def at(day, clock="08:00"):
    return f"{day}T{clock}:00+08:00"


def says(day, feed, seq, body, site=SITE, division="330106", clock="08:00"):
    return line(at(day, clock), feed, message(seq, body, site=site, division=division, sent_at=at(day, clock)), site=site, division=division)


def event(day, name, kind="fall", known="07:10", stage="first", **children):
    return {**incident(name, stage, kind, **children), "occurred_at": at(day, "07:00"), "known_at": at(day, known)}


def ballots(count, respondent="family"):
    return [{"round": "2025H2", "form": "ballot", "respondent": respondent, "token": f"{i:0>16}", "answers": {"policy": 5, "service": 4}}
            for i in range(count)]


def put(d, kind, text):
    (d.where / f"{kind}.csv").write_text(text)
    done = d.ctl("--socket", "nurseryd.sock", "import", kind, f"{kind}.csv")
    assert done.returncode == 0, done.stderr


def computed(d):
    head = d.ask("GET", "/api/v1/ledger/head")[1]
    return head["indicators_n"] == head["n"] and not d.rows("SELECT 1 FROM dirty UNION ALL SELECT 1 FROM dirty_range")


def year_lines():
    other = {"site": JIAXING_SITE, "division": "330402"}
    hangzhou = [says("2024-12-02", "registration", 1, registration(effective_on="2024-01-01", name=HOSTILE)),
                says("2024-12-30", "enrolment", 1, enrolment("2024-12-30", places=40)),
                says("2025-06-10", "incident", 1, event("2025-06-10", "INC-S1", "fire", dead=1)),
                says("2025-12-30", "enrolment", 2, enrolment("2025-12-30", places=60))]
    hangzhou += [says("2025-12-30", "survey", 1, {"round": "2025H2", "form": "tally", "respondent": "family", "invited": 60, "answered": 40,
                                                  "policy": [0, 0, 4, 16, 20], "service": [0, 0, 4, 16, 20]}, clock="09:00")]
    jiaxing = [says("2024-12-02", "registration", 1, registration(effective_on="2024-01-01", name="嘉兴园"), **other),
               says("2025-03-03", "incident", 1, event("2025-03-03", "INC-LATE", known="07:10", minor=1), clock="12:00", **other),
               says("2025-12-30", "enrolment", 1, enrolment("2025-12-30", places=30), **other)]
    jiaxing += [says("2025-12-30", "survey", i + 1, b, clock="09:00", **other) for i, b in enumerate(ballots(3))]
    return sorted(hangzhou + jiaxing, key=lambda x: x["received_at"])


@pytest.fixture(scope="module")
def year(tmp_path_factory):
    """Read alone: two years of eleven cities are computed once."""
    where = tmp_path_factory.mktemp("year")
    d = Office(where)
    with open(where / "n.conf", "a") as conf:
        conf.write('indicators: { every = "1s"; };\n')
    d.fold(*year_lines())
    d.start()
    put(d, "population", "division,reference_date,resident,under3,source\n330100,2024-01-01,20000,600,统计公报2024\n330400,2024-01-01,30000,900,统计公报2024\n")
    put(d, "targets", "division,indicator,value,by,source\n,places_per_1000,2.5,2025-12-31,规划\n")
    put(d, "averages", "province,indicator,reference_date,value,source\n33,places_per_1000,2025-06-30,2.0,省公报2025\n")
    put(d, "declared", f"unit,item,period,numerator,denominator,document\n330400,inspections_done,2025-05,9,10,\"{FORMULA.replace(chr(34), chr(34) * 2)}\"\n"
        "330400,complaints,2025,7,,浙卫〔2025〕1号\n")
    wait_until(lambda: computed(d), 240, "indicators are not computed")
    yield d
    d.stop()
    d.verify()


def annual(d, form="csv", who=None, **more):
    status, text, _ = fetch(d, who, f"/reports/annual?year={more.get('year', 2025)}&province={more.get('province', 33)}&format={form}")
    assert status == 200, text
    return text


def test_a_year_of_a_province_against_target_province_and_the_year_before(year):
    found = blocks(annual(year))
    places = {r["unit"]: r for r in table(found, "headlines") if r["id"].endswith("places_per_1000")}
    hangzhou, jiaxing = places["330100"], places["330400"]
    assert (hangzhou["period"], hangzhou["value"], hangzhou["before"], hangzhou["change"]) == ("2025-12", "3", "2", "1")
    assert (hangzhou["target"], hangzhou["met"], hangzhou["province"], hangzhou["above"]) == ("2.5", "是 yes", "2", "是 yes")
    assert (jiaxing["value"], jiaxing["before"], jiaxing["met"], jiaxing["above"]) == ("1", "", "否 no", "否 no")
    (use,) = (r for r in table(found, "headlines") if r["unit"] == "330100" and r["id"].endswith("utilisation"))
    assert use["change"] == "-35"  # a negative number stays one
    whole = {r["id"].split()[-1]: r for r in table(found, "province")}
    assert (whole["places_per_1000"]["value"], whole["places_per_1000"]["source"]) == ("2", "官方公布 official")
    assert (whole["severe_incidents"]["value"], whole["severe_incidents"]["before"]) == ("1", "0")
    titles = {r["unit"]: r for r in table(found, "titles")}
    assert titles["330100"]["status"] == "已命名 named" and titles["330400"]["status"] == "" and len(titles) == 11
    incidents = {r["unit"]: r for r in table(found, "incidents")}
    assert (incidents["330100"]["s1"], incidents["330100"]["late"]) == ("1", "0")
    assert (incidents["330400"]["s3"], incidents["330400"]["late"], incidents["330400"]["late_of"]) == ("1", "1", "1")
    assert {(r["unit"], r["rule"].split()[-1]) for r in table(found, "alerts")} >= {("330100", "art5-1"), ("330400", "late-report")}
    assert table(found, "cases") == []  # nothing was published of it
    (case,) = table(blocks(annual(year, who="nhc")), "cases")
    assert (case["unit"], case["ground"], case["outcome"]) == ("330100", "art5-1", "未结 open")
    quality = {r["unit"]: r for r in table(found, "quality")}
    assert quality["330100"]["received"] == "1" and int(quality["330100"]["expected"]) > 200
    documents = {r["document"] for r in table(found, "sources")}
    assert {"统计公报2024", "省公报2025"} <= documents


def test_what_anybody_may_read_has_no_nursery_and_no_small_cell_whoever_asks(year):
    for who in (None, "nhc"):
        text = annual(year, who=who)
        assert SITE not in text and "嘉兴园" not in text and HOSTILE not in text and "INC-" not in text
        cells = {(r["unit"], r["id"].split()[-1]): r for r in table(blocks(text), "others")}
        few, enough = cells["330400", "satisfaction_family_policy"], cells["330100", "satisfaction_family_policy"]
        assert few["value"] == few["numerator"] == few["denominator"] == few["interval"] == "" and "suppressed" in few["reason"]
        assert (enough["value"], enough["denominator"]) == ("90", "40")


def test_declared_items_stay_numbers_and_their_documents_text(year):
    text = annual(year)
    no_cell_is_a_formula(text)
    items = {r["item"]: r for r in table(blocks(text), "declared")}
    assert items["complaints"]["value"] == "7" and items["inspections_done"]["value"] == "0.9"
    assert items["inspections_done"]["document"] == "'" + FORMULA


def test_the_year_as_a_page_is_whole_and_the_same_twice(year):
    text = annual(year, "html", who="nhc")  # as who has the file
    page = Page(text)
    nothing_from_elsewhere(text)
    assert "浙江省2025年度" in page.text and FORMULA in page.text
    assert {"province", "titles", "acts", "headlines", "others", "incidents", "alerts", "cases", "declared", "quality", "sources", "check"} == set(page.tables)
    again = year.ctl("--db", year.db, "report", "annual", "--year", "2025", "--province", "33")
    assert again.returncode == 0 and without_time(again.stdout) == without_time(text)


def test_what_is_missing_or_wrong_is_named(year):
    for query in ("", "?year=2025", "?province=33", "?year=25&province=33", "?year=2999&province=33", "?year=2025&province=330"):
        assert fetch(year, None, "/reports/annual" + query)[0] == 400, query
    for query in ("?province=33", "?cycle=2027&province=33", "?cycle=2027-2029&province=33"):
        assert fetch(year, None, "/reports/recommend" + query)[0] == 400, query
    assert year.ctl("--db", year.db, "report", "annual", "--year", "2025").returncode == 2
    assert year.ctl("--db", year.db, "report", "recommend", "--cycle", "2027-2029", "--province", "33").returncode == 1


# ---- whom to recommend ----

THIS_YEAR = int(today()[:4])
CYCLE = f"{THIS_YEAR + 1}-{THIS_YEAR + 2}"
CITIES = {"330402": 40, "330502": 60, "330602": 12, "330702": 50, "330106": 50, "330802": 50}


def candidate_lines():
    lines = []
    for i, (division, places) in enumerate(CITIES.items(), 1):
        where = {"site": f"{SITE}-{i:02}", "division": division}
        lines += [says(today(-3), "registration", 1, registration(effective_on=today(-40), name=HOSTILE), clock="08:00", **where),
                  says(today(-3), "enrolment", 1, enrolment(today(-3), places=places), clock="09:00", **where)]
        if division in ("330106", "330702"):
            lines.append(says(today(-2), "incident", 1, event(today(-2), "INC-1", dead=1), clock="08:00", **where))
    silent = {"site": f"{SITE}-99", "division": "330902"}
    lines.append(says(today(-40), "registration", 1, registration(effective_on=today(-60)), **silent))
    return sorted(lines, key=lambda x: x["received_at"])


@pytest.fixture(scope="module")
def candidates(tmp_path_factory):
    """Jinhua is a candidate with an accident, Hangzhou loses its title and is barred, Shaoxing misses the target, Quzhou is recommended;
    a nursery in Zhoushan is silent."""
    where = tmp_path_factory.mktemp("candidates")
    d = Office(where)
    with open(where / "n.conf", "a") as conf:
        conf.write('indicators: { every = "1s"; };\n')
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("NURSERYD_DATADIR", designate(where, "named"))
        yield from candidate_office(d, where)


def candidate_office(d, where):
    with open(where / "data/designations.csv", "a") as f:
        f.write(f"330700,金华市,{CYCLE},applied,2024-01-01,test\n330800,衢州市,{CYCLE},applied,2024-01-01,test\n")
    d.fold(*candidate_lines())
    d.start()
    rows = "".join(f"{c[:4]}00,2024-01-01,20000,600,统计公报\n" for c in CITIES)
    put(d, "population", "division,reference_date,resident,under3,source\n" + rows)
    put(d, "targets", "division,indicator,value,by,source\n,places_per_1000,1.0,2030-12-31,规划\n")
    put(d, "averages", f"province,indicator,reference_date,value,source\n33,places_per_1000,{today(-30)},0.5,省公报\n")
    to_published(d, THIS_YEAR)
    d.does("nhc", f"/cases/C-{THIS_YEAR}-001", "bar", cycle=CYCLE, opens_on=f"{THIS_YEAR + 1}-06-01")
    u = "/units/330800"
    d.does("hc", u, "review")
    d.does("hc", u, "publicise", where="官网", when=today())
    d.does("hc", u, "recommend", document="浙卫〔2026〕8号")
    wait_until(lambda: computed(d), 240, "indicators are not computed")
    yield d
    d.stop()
    d.verify()


def recommend(d, form):
    status, text, _ = fetch(d, None, f"/reports/recommend?cycle={CYCLE}&province=33&format={form}")
    assert status == 200, text
    return text


def test_whom_a_province_may_recommend_in_order_and_what_stands_in_whose_way(candidates):
    text = recommend(candidates, "csv")
    no_cell_is_a_formula(text)
    found = blocks(text)
    (quota,) = table(found, "quota")
    assert (quota["eligible"], quota["limit"], quota["used"], quota["left"]) == ("11", "1", "1", "0") and quota["recommender"] == "浙江省"
    ranking = table(found, "ranking")
    assert [(r["rank"], r["unit"]) for r in ranking] == [("1", "330500"), ("2", "330400")]
    assert [(r["sum"], r["places"]) for r in ranking] == [("3", "1 + 1 + 1"), ("4", "2 + 1 + 1")]
    assert {r["within"] for r in ranking} == {"名额外 beyond the share"} and ranking[0]["places_met"] == ranking[0]["places_above"] == "是 yes"
    reasons = {}
    for r in table(found, "excluded"):
        reasons.setdefault(r["unit"], {})[r["reason"]] = r["refs"]
    assert set(reasons["330100"]) == {"barred"} and "C-" in reasons["330100"]["barred"]
    assert reasons["330600"] == {"target-not-met": "places_per_1000"}
    assert set(reasons["330700"]) == {"candidate-accident"} and reasons["330700"]["candidate-accident"].startswith("A-")
    assert set(reasons["330800"]) == {"already-recommended"}
    assert set(reasons["330200"]) == {"already-named", "no-value"} and set(reasons["331100"]) == {"no-value"}
    assert len(table(found, "figures")) == 11
    quality = {r["unit"]: r["silent"] for r in table(blocks(annual(candidates, year=THIS_YEAR)), "quality")}
    assert quality.pop("330900") == "1" and set(quality.values()) == {"0"}
    assert SITE not in text and HOSTILE not in text


def test_the_recommendation_as_a_page_is_whole_and_the_same_from_the_file(candidates):
    text = recommend(candidates, "html")
    page = Page(text)
    nothing_from_elsewhere(text)
    assert set(page.tables) == {"quota", "ranking", "excluded", "figures", "check"} and "名次" in page.text
    again = candidates.ctl("--db", candidates.db, "report", "recommend", "--cycle", CYCLE, "--province", "33")
    assert again.returncode == 0 and without_time(again.stdout) == without_time(text)


def test_cities_without_districts_are_asked_about_and_the_corps_recommends_its_own(candidates):
    def of(province):
        return blocks(fetch(candidates, None, f"/reports/recommend?cycle={CYCLE}&province={province}&format=csv")[1])
    asked = {r["unit"] for r in table(of(44), "excluded") if r["reason"] == "ask"}
    assert asked == {"441900", "442000"}
    assert {"兵团", "新疆维吾尔自治区"} == {r["recommender"] for r in table(of(65), "quota")}
