# SPDX-License-Identifier: MIT
"""Reports: a case from incident to decision, a province's year, whom it may recommend; as HTML, CSV and JSON, from the daemon
and from its database alone."""
import csv
import html.parser
import io
import json
import os
import re

import pytest

from test_cases import Office, designate, fire
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
    import http.client

    from test_cases import token
    c = http.client.HTTPConnection("127.0.0.1", office.port, timeout=60)
    c.request("GET", "/api/v1" + path, headers={**({"Authorization": "Bearer " + token(who)} if who else {}), **headers})
    r = c.getresponse()
    return r.status, r.read().decode(), r.headers


def to_published(d):
    c = "/cases/C-2026-001"
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
    assert "A-000001" in sections["evidence"] and [r[1].split()[-1] for r in page.tables["signatures"][1:]] == ["prov_hc", "prov_drc", "nhc", "ndrc"]
    assert {r[1] for r in page.tables["alerts"][1:]} == {"art5-1", "late-report"}
    assert f"{SITE}" in sections["incidents"] and "火灾 fire" in sections["incidents"]
    assert len(page.tables["stages"]) == 3 and "死亡1" in sections["stages"] and "危重1" in sections["stages"]
    assert "机构→县级（1小时） nursery_to_county" in sections["clocks"] and "超时 overdue" in sections["clocks"]


def test_the_rows_and_the_head_of_a_report_are_the_ledgers(story):
    report = json.loads(fetch(story, "reader", "/reports/case/C-2026-001?format=json")[1])
    sections = {s["id"]: s["rows"] for s in report["sections"]}
    kept = {n: (h.hex(), t) for n, h, t in story.rows("SELECT n, hash, topic FROM ledger")}
    assert [(r["hash"], r["topic"]) for r in sections["ledger"]] == [kept[r["n"]] for r in sections["ledger"]]
    shown = {r["n"] for r in sections["ledger"]}
    assert {r["n"] for r in sections["timeline"] + sections["stages"] + sections["signatures"]} <= shown
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
