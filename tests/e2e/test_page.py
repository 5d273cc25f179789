# SPDX-License-Identifier: MIT
"""The page at / in a real browser (chromium), fed by a real daemon and a real broker."""
import gzip
import hashlib
import http.client
import json
import os
import re
import subprocess
import time

import pytest
from live import BUILD, SITE, TOP, Broker, Daemon, Sender, example, topic, today, wait_until

webdriver = pytest.importorskip("selenium.webdriver")
from selenium.webdriver.chrome.service import Service  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402

HOSTILE = ["<img src=x onerror=alert(1)>", "\"><script>alert(2)</script>", "\u0627\u0644\u062d\u0636\u0627\u0646\u0629 <b>x</b>", "{{7*7}}${7*7}"]
FILES = ["", "web/style.css", "web/icon.svg", "web/app.js", "web/page.js", "web/site.js", "web/source.js", "web/texts.js", "web/units.js", "web/unit.js",
         "web/watch.js", "web/worklist.js", "web/chart.js"]
LOOKS = [(lang, theme, width) for lang in ("zh", "en") for theme in ("light", "dark") for width in (390, 1920)]
TOKEN = "a token of a test"
STREAM_MS, POLL_MS = 1000, 6000  # a published incident is on screen: by the event stream, by polling


def browser(width=1400, height=1000):
    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--lang=zh-CN"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
    resize(driver, width, height)
    return driver


def resize(driver, width, height=1000):
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False})


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """75 days of a province were folded offline; then the daemon lives. Its division file names cities as an attacker would."""
    where = tmp_path_factory.mktemp("page")
    broker = Broker(where).start()
    people = f'people = ( {{ name = "li"; roles = [ "prov_hc" ]; token_sha256 = "{hashlib.sha256(TOKEN.encode()).hexdigest()}"; }} );'
    daemon = Daemon(where, f'url = "mqtt://127.0.0.1:{broker.port}"', people)
    start = f"{today(-20)}T08:00:00+08:00"
    story = subprocess.run([BUILD / "nursery-sim", "--sites", "30", "--days", "20", "--start", start, "--scenario", "messy", "--print",
                            "--data", TOP / "config/data"], capture_output=True, check=True).stdout
    (where / "story.jsonl").write_bytes(story)
    subprocess.run([BUILD / "nurseryd", "-c", daemon.conf, "--fold", where / "story.jsonl"], cwd=where, check=True, stdout=subprocess.DEVNULL,
                   env=dict(os.environ, NURSERYD_DATADIR=str(TOP / "config/data")))
    daemon.start().wait_ready()
    (where / "targets.csv").write_text("division,indicator,value,by,source\n,places_per_1000,4.5,2025-12-31,规划\n")
    ctl(daemon, "import", "population", TOP / "config/data/population-zhejiang-2020.csv")
    ctl(daemon, "import", "targets", where / "targets.csv")
    daemon.url, daemon.broker = f"http://127.0.0.1:{daemon.http}/", broker
    yield daemon
    daemon.stop()
    broker.stop()


@pytest.fixture(scope="module")
def page(world):
    driver = browser()
    yield driver
    driver.quit()


def ctl(daemon, *args):
    done = subprocess.run([BUILD / "nurseryctl", "--socket", daemon.directory / "nurseryd.sock", *map(str, args)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def open_page(driver, world, lang="zh", theme="light", at=""):
    """A violation of the policy is counted from before the page's own first script."""
    if not getattr(driver, "watched", None):
        driver.watched = driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": """
            window.violations = []; document.addEventListener('securitypolicyviolation', (e) => violations.push(e.violatedDirective + ' ' + e.blockedURI));
            window.broken = []; addEventListener('error', (e) => broken.push(String(e.message)));
            addEventListener('unhandledrejection', (e) => broken.push(String(e.reason)));"""})
    driver.get(world.url + "healthz")
    driver.execute_script("localStorage.setItem('nurseryd.lang', arguments[0]); localStorage.setItem('nurseryd.theme', arguments[1])", lang, theme)
    driver.get_log("browser")
    driver.get(world.url + at)
    wait_until(lambda: driver.find_elements(By.CSS_SELECTOR, "#rows th a, #tiles .tile"), 20, "the page shows no numbers")


def text(driver, selector):
    return driver.execute_script("return Array.from(document.querySelectorAll(arguments[0])).map((e) => e.textContent).join('\\n')", selector)


def press(driver, path):
    """In one step of the browser's: the numbers may be redrawn between finding and clicking."""
    driver.execute_script("document.evaluate(arguments[0], document, null, XPathResult.FIRST_ORDERED_NODE_TYPE).singleNodeValue.click()", path)


def complaints(driver):
    """Violations of the policy, errors in scripts, and what the browser logged."""
    logged = [entry["message"] for entry in driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]
    return driver.execute_script("return window.violations.concat(window.broken)") + logged


def get(world, path, method="GET", **headers):
    c = http.client.HTTPConnection("127.0.0.1", world.http, timeout=10)
    c.request(method, path, headers=headers)
    r = c.getresponse()
    return r.status, r.read(), r.headers


# --- the files ---

def test_the_page_is_a_fixed_list_of_files_with_their_types_and_etags(world):
    types = {"": "text/html; charset=utf-8", "css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
    whole = packed = 0
    for name in FILES:
        status, body, headers = get(world, "/" + name)
        assert status == 200 and headers["Content-Type"] == types[name.rpartition(".")[2]], name
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert get(world, "/" + name, **{"If-None-Match": headers["ETag"]})[:2] == (304, b"")
        head = get(world, "/" + name, "HEAD")
        assert head[1] == b"" and head[2]["Content-Length"] == str(len(body))
        whole, packed = whole + len(body) * (name != "web/chart.js"), packed + len(gzip.compress(body)) * (name != "web/chart.js")
    print(f"\npage weight: {whole} bytes ({packed} gzipped) in {len(FILES) - 1} files; chart.js, with the first city: {len(body)}")
    assert whole < 100_000


@pytest.mark.parametrize("path", ["/web/", "/web/nurseryd.conf", "/web/../nurseryd.conf", "/web/%2e%2e/nurseryd.conf", "/web/%2e%2e%2fn.db",
                                  "/web//etc/passwd", "/web/style.css/", "/web/chart.min.js", "/index.html"])
def test_nothing_else_is_a_file(world, path):
    assert get(world, path)[0] == 404


def test_only_get_and_only_under_our_name(world):
    assert get(world, "/", "POST")[0] == 405
    assert get(world, "/", Host="evil.example")[0] == 421


def test_the_policy_allows_nothing_inline_and_nothing_from_elsewhere(world):
    _, body, headers = get(world, "/")
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'" and policy["frame-ancestors"] == "'none'" and "unsafe" not in str(policy)
    assert not re.search(rb"<style|style=|\son\w+=|<script(?![^>]*\ssrc=)", body)
    for source in (TOP / "web").glob("*.js"):
        code = source.read_text()
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|https?://(?!www\.w3\.org)", code), source.name


def test_every_text_stands_in_both_languages(world):
    code = (TOP / "web/texts.js").read_text()
    used = set(re.findall(r'\bt\("(\w+)"\)', "".join(p.read_text() for p in (TOP / "web").glob("*.js"))))
    known = dict(re.findall(r"^\t(\w+): \[(.*)\],$", code, re.M))
    assert used <= set(known), used - set(known)
    ids = set(re.findall(r'\.id = "(\w+)"', (TOP / "daemon/indicators.c").read_text()))
    assert {i for i in ids if not i.endswith("_")} <= set(known)


# --- in a browser ---

@pytest.mark.parametrize("lang,theme,width", LOOKS)
def test_it_reads_in_both_languages_and_themes_on_a_phone_and_a_wall_without_scrolling_sideways(world, page, lang, theme, width):
    resize(page, width)
    for at, word in (("", {"zh": "千人口托位数", "en": "Places per 1,000 residents"}), ("#/unit/330100", {"zh": "较一周前的变化", "en": "Moved since last week"})):
        open_page(page, world, lang, theme, at)
        wait_until(lambda: word[lang] in text(page, "main"), 15, f"{word[lang]} is not shown")
        wait_until(lambda: text(page, "#side dl") != "", 15, "no state of the daemon")
        if at:
            wait_until(lambda: page.find_elements(By.CSS_SELECTOR, "#history canvas"), 15, "no chart")
        wide = page.execute_script("return document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0, f"{wide} px too wide"
        ground = page.execute_script("return getComputedStyle(document.body).backgroundColor")
        assert (sum(map(int, re.findall(r"\d+", ground)[:3])) < 200) == (theme == "dark")
        assert page.execute_script("return document.documentElement.lang") == {"zh": "zh-CN", "en": "en"}[lang]
        assert complaints(page) == []


CONTRAST = """
const lum = (c) => { const [r, g, b] = c.map((v) => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
const nums = (s) => { const m = s.match(/[\\d.]+/g).map(Number); return s.startsWith('color(srgb') ? m.slice(0, 3).map((v) => v * 255).concat(m[3] ?? 1) : m; };
const ground = (e) => { for (; e; e = e.parentElement) { const c = nums(getComputedStyle(e).backgroundColor); if ((c[3] ?? 1) > 0.5) return c.slice(0, 3); } return [255, 255, 255]; };
const bad = [];
for (const e of document.querySelectorAll('body *')) {
  if (![...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()) || !e.getClientRects().length) continue;
  const [a, b] = [lum(nums(getComputedStyle(e).color).slice(0, 3)), lum(ground(e))].sort((x, y) => y - x);
  if ((a + 0.05) / (b + 0.05) < 4.5) bad.push(e.className + ' ' + e.textContent.slice(0, 30) + ' ' + ((a + 0.05) / (b + 0.05)).toFixed(2));
}
return bad;"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_text_has_enough_contrast(world, page, theme):
    resize(page, 1400)
    for at in ("", "#/unit/330100"):
        open_page(page, world, "zh", theme, at)
        wait_until(lambda: text(page, "#side dl") != "", 15, "no state of the daemon")
        assert page.execute_script(CONTRAST) == []


def test_the_switches_change_language_and_theme_and_stay(world, page):
    open_page(page, world, "zh", "light")
    page.find_element(By.ID, "language").click()
    page.find_element(By.ID, "theme").click()
    wait_until(lambda: "Cities" in text(page, "main"), 10, "the language did not change")
    page.refresh()
    wait_until(lambda: "Cities" in text(page, "main"), 10, "the language did not stay")
    assert page.execute_script("return document.documentElement.dataset.theme") == "dark"


def test_cities_are_found_sorted_and_filtered(world, page):
    open_page(page, world)
    names = lambda: text(page, "#rows tr:not(.province) th a").split("\n")  # noqa: E731
    assert len(names()) == 11 and "全省" in text(page, "#rows .province")
    page.find_element(By.CSS_SELECTOR, "#main input").send_keys("宁波")
    wait_until(lambda: names() == ["宁波市"], 5, "the search finds something else")
    open_page(page, world)
    press(page, "//thead//button[contains(., '托位总数')]")
    column = [int(re.sub(r"\D", "", v)) for v in text(page, "#rows tr:not(.province) td:nth-child(3) .value").split("\n")]
    assert column == sorted(column, reverse=True)
    page.execute_script("const s = document.querySelector('#main select'); s.value = '35'; s.dispatchEvent(new Event('change'))")
    wait_until(lambda: "福州市" in names(), 10, "no other province")
    page.execute_script("localStorage.removeItem('nurseryd.province')")


def test_a_city_shows_its_history_by_day_and_month(world, page):
    open_page(page, world, at="#/unit/330100")
    drawn = lambda: page.execute_script("const c = window.Chart && Chart.getChart(document.querySelector('#history canvas'));"  # noqa: E731
                                        " return c ? c.data.labels : []")
    wait_until(lambda: len(drawn()) >= 15 and len(drawn()[0]) == 10, 15, "no days")
    press(page, "//button[text()='按月']")
    wait_until(lambda: drawn() and len(drawn()[0]) == 7, 15, "no months")
    press(page, "//button[contains(., '托位使用率')]")
    wait_until(lambda: "托位使用率" in text(page, "#chart-head"), 10, "another indicator is not chosen")


def test_refused_messages_are_counted_by_reason(world, page):
    open_page(page, world)
    counted = json.loads(ctl(world, "messages", "--outcome", "rejected", "--json"))["items"]
    assert any(e["code"] == "E_SUM_MISMATCH" for m in counted for e in m["errors"])
    wait_until(lambda: "E_SUM_MISMATCH" in text(page, "#side .reasons"), 15, "no reasons")


def test_the_worklist_is_of_all_and_of_the_city_in_view_and_names_nurseries_to_a_role_alone(world, page):
    asked = lambda query: json.loads(subprocess.run(["curl", "-s", "--unix-socket", world.directory / "nurseryd.sock", f"http://localhost/api/v1/worklist?limit=1000{query}"],
                                                    capture_output=True, text=True, check=True).stdout)["items"]
    counts = lambda: sorted(int(text.rstrip("+")) for text in page.execute_script(  # in one go: the page redraws itself
        "return [...document.querySelectorAll('#worklist .work b')].map(b => b.textContent)"))
    kinds = lambda items: sorted(sum(i["kind"] == kind for i in items) for kind in {i["kind"] for i in items})
    everything = asked("")
    assert everything
    page.get(world.url)
    wait_until(lambda: counts() == kinds(everything), 15, lambda: f"{counts()} for {kinds(everything)}")
    assert not page.find_elements(By.CSS_SELECTOR, "#worklist code")
    unit = everything[0]["unit"]
    page.get(world.url + "#/unit/" + unit)
    wait_until(lambda: counts() == kinds(asked("&unit=" + unit)), 15, lambda: f"{counts()} of {unit}")
    page.find_element(By.CSS_SELECTOR, "footer input").send_keys(TOKEN)
    page.find_element(By.CSS_SELECTOR, "footer button").click()
    wait_until(lambda: page.find_elements(By.CSS_SELECTOR, "#worklist code"), 15, "nurseries named to a role")
    page.execute_script("document.querySelector('#worklist code a').click()")
    wait_until(lambda: re.fullmatch(r"#/site/[0-9A-Z-]{18,21}", page.execute_script("return location.hash")) and page.find_elements(By.CSS_SELECTOR, "form.act"), 15,
               "a nursery's id leads nowhere")


def officers_site(page, world):
    """The page of a nursery of Hangzhou, with an officer's token."""
    items = json.loads(subprocess.run(["curl", "-s", "--unix-socket", world.directory / "nurseryd.sock", "http://localhost/api/v1/sites?unit=330100"],
                                      capture_output=True, text=True, check=True).stdout)["items"]
    site = next(i for i in items if i["division"] != "330108")
    open_page(page, world)
    page.get(world.url + "#/site/" + site["site"])
    wait_until(lambda: site["site"] in text(page, "#site-head"), 10, "no nursery")
    assert "省级或国家卫生健康委" in text(page, "#main") and not page.find_elements(By.CSS_SELECTOR, "form.act")
    page.find_element(By.CSS_SELECTOR, "footer input").send_keys(TOKEN)
    page.find_element(By.CSS_SELECTOR, "footer button").click()
    wait_until(lambda: page.find_elements(By.CSS_SELECTOR, "form.act"), 10, "no form for an officer")
    return site


def write(page, division, reason, day):
    page.execute_script("""const f = document.querySelector('form.act').elements;
        f.division.value = arguments[0]; f.reason.value = arguments[1]; f.effective_on.value = arguments[2]""", division, reason, day)


def record(page):
    page.find_element(By.CSS_SELECTOR, "form.act button").click()


def test_an_officer_moves_a_nursery_and_is_told_why_not(world, page):
    resize(page, 1400)
    site = officers_site(page, world)
    shown = lambda: world_site(world, site["site"])  # noqa: E731
    record(page)  # nothing written: the browser asks for it
    assert text(page, "#said") == "" and shown()["moves"] == []
    write(page, "330199", "迁址", today())
    record(page)
    wait_until(lambda: "行政区划" in text(page, "#said .bad"), 10, lambda: text(page, "#main"))
    assert page.execute_script("return document.querySelector('form.act').elements.reason.value") == "迁址", "what was written is gone"
    write(page, "330108", "迁址", today(-1))
    record(page)
    wait_until(lambda: re.search(r"已登记，账本行号 \d+", text(page, "#said .good")), 10, lambda: text(page, "#main"))
    wait_until(lambda: f"{today(-1)}330108330100" in text(page, "#site-head tbody"), 10, lambda: text(page, "#site-head"))
    (move,) = shown()["moves"]
    assert (shown()["division"], str(move["n"])) == ("330108", re.search(r"\d+", text(page, "#said"))[0])
    # somebody else moves it back between the look and the decision
    page.execute_async_script("""const done = arguments[arguments.length - 1], body = {act: 'move', division: arguments[1], effective_on: arguments[2], reason: 'x'};
        const f = document.querySelector('form.act'); f.elements.division.value = '330106'; f.elements.reason.value = '又迁';
        fetch('/api/v1/sites/' + arguments[0] + '/actions', {method: 'POST', body: JSON.stringify(body), headers: {Authorization: 'Bearer ' + arguments[3]}})
          .then((r) => { f.requestSubmit(); done(r.status); });""", site["site"], site["division"], today(), TOKEN)
    wait_until(lambda: "期间已有变更" in text(page, "#said .bad"), 10, lambda: text(page, "#main"))
    assert len(shown()["moves"]) == 2
    wait_until(lambda: today() in text(page, "#site-head tbody"), 10, "the other's move is not shown")
    assert page.execute_script("return document.documentElement.scrollWidth - window.innerWidth") <= 0
    assert page.execute_script(CONTRAST) == []
    page.find_element(By.ID, "language").click()
    wait_until(lambda: "It was moved meanwhile" in text(page, "#said .bad") and "Reason" in text(page, "form.act"), 10, lambda: text(page, "#main"))
    complained = [c for c in complaints(page) if "409" not in c and "412" not in c]  # chromium logs each answer that is an error
    assert complained == []


def world_site(world, site):
    return json.loads(get(world, "/api/v1/sites/" + site)[1])


def test_hostile_names_are_text(world, page):
    """The API's own names are of shipped tables, so the browser is given an answer as a broken or conquered daemon would give it."""
    open_page(page, world)
    page.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": """
        if (location.hash === '#hostile') {
          const real = window.fetch; const evil = %s;
          window.fetch = async (path, o) => {
            const r = await real(path, o); if (!/units|provinces|alerts|readyz/.test(path)) return r;
            const body = await r.json(); const items = body.items || [];
            items.forEach((x, n) => { x.name = evil[n %% evil.length]; if (x.designation) x.designation.status = evil[0]; });
            if (path.includes('alerts')) body.items = evil.map((e, n) => ({id: e, rule: e, unit: '330100', site: e, subject: e, severity: e, state: 'open',
              raised_at: '2026-11-24T00:00:00Z', case: e, zh: e, en: e, provisional: true}));
            if (path.includes('readyz')) body.why = evil[0];
            return new Response(JSON.stringify(body), {status: r.status, headers: {Date: new Date().toUTCString()}});
          };
        }""" % json.dumps(HOSTILE)})
    page.get(world.url + "#hostile")
    page.refresh()
    wait_until(lambda: HOSTILE[0] in text(page, "#rows") and HOSTILE[1] in text(page, "#alerts"), 15, lambda: text(page, "body"))
    assert page.execute_script("return document.querySelectorAll('main img, main script, main b b, [onerror]').length") == 0
    assert page.execute_script("return Array.from(document.querySelectorAll('#rows th bdi')).length") >= 11
    assert page.execute_script("return document.documentElement.scrollWidth - window.innerWidth") <= 0
    assert complaints(page) == []


def streams(world):
    c = http.client.HTTPConnection("127.0.0.1", world.http, timeout=5)
    c.request("GET", "/api/v1/events", headers={"Accept": "text/event-stream"})
    return c.getresponse().status == 200


def test_a_published_incident_is_on_screen_in_a_moment_without_reload(world, page):
    resize(page, 1400)
    open_page(page, world)
    wait_until(lambda: "没有未结预警" in text(page, "#alerts"), 10, lambda: text(page, "#alerts"))
    page.execute_script("""window.seen = null; new MutationObserver(() => { if (document.querySelector('.alert')) seen ??= Date.now(); })
        .observe(document.getElementById('alerts'), {childList: true, subtree: true})""")
    sender = Sender(world.broker).wait()
    sender.send(topic("registration"), example("registration"))
    sender.send(topic("incident"), example("incident"))
    sent = time.time() * 1000
    sender.close()
    wait_until(lambda: page.execute_script("return window.seen"), 15, "the incident is not shown")
    took, most = page.execute_script("return window.seen") - sent, STREAM_MS if streams(world) else POLL_MS
    print(f"\nincident on screen after {took:.0f} ms (at most {most})")
    assert took <= most
    shown = text(page, "#alerts")
    assert "S1" in shown and "杭州市" in shown and "线索，待核实" in shown and SITE not in shown, shown
    assert re.search(r"转下一联系人 4:\d\d", shown), shown
    assert re.fullmatch(r"新预警 S1 杭州市 .*", text(page, "#spoken").strip())
    assert page.title == "(1) 托育服务监测"
    assert complaints(page) == []


def test_a_role_sees_a_case_in_words_with_the_time_left(world, page):
    open_page(page, world)
    wait_until(lambda: "详情须持口令登录" in text(page, "#side"), 10, lambda: text(page, "#side"))
    page.find_element(By.CSS_SELECTOR, "footer input").send_keys(TOKEN)
    page.find_element(By.CSS_SELECTOR, "footer button").click()
    wait_until(lambda: re.search(r"C-\d{4}-001 杭州市线索.*下一步: 知悉.*县级 → 市级 1:5\d:\d\d", text(page, "#side .lines li")), 10, lambda: text(page, "#side"))
    wait_until(lambda: SITE in text(page, "#alerts"), 10, "a role sees no site")


def test_what_nobody_answered_in_time_is_overdue(world, page):
    """The daemon's clock is the page's: its answers say that it is 140 minutes later."""
    page.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": """
        if (location.hash === '#later') {
          const real = window.fetch;
          window.fetch = async (path, o) => { const r = await real(path, o); return new Response(await r.text(), {status: r.status,
            headers: {Date: new Date(Date.now() + 140 * 60000).toUTCString()}}); };
        }"""})
    page.get(world.url + "#later")
    page.refresh()
    wait_until(lambda: re.search(r"已超时 2:0\d:\d\d", text(page, "#alerts .left")), 15, lambda: text(page, "#alerts"))


def test_a_screen_reader_finds_its_way_and_is_not_told_every_second(world, page):
    for at in ("", "#/unit/330100"):
        open_page(page, world, at=at)
        wait_until(lambda: text(page, "#side dl") != "" and page.find_elements(By.CSS_SELECTOR, ".alert"), 15, "no alert, no state")
        levels = page.execute_script("return [...document.querySelectorAll('h1,h2,h3')].map((e) => +e.tagName[1])")
        assert levels.count(1) == 1 and all(b - a <= 1 for a, b in zip(levels, levels[1:])), levels
        assert page.execute_script("""return [...document.querySelectorAll('button, input, select, a, canvas')].filter((e) =>
            !(e.getAttribute('aria-label') || e.textContent.trim())).map((e) => e.outerHTML)""") == []
        assert page.execute_script("return document.querySelectorAll('img:not([alt])').length") == 0
        assert page.execute_script("return ['header', 'main', 'footer', 'main > aside[aria-label]', '#alerts[aria-label]'].filter((s) => !document.querySelector(s))") == []
        ticking = page.execute_script("return [...document.querySelectorAll('[data-clocks]')].map((e) => [e.getAttribute('role'), !!e.closest('[aria-live]')])")
        assert ticking and all(t == ["timer", False] for t in ticking)
    open_page(page, world)
    press(page, "//table//th/a[contains(., '杭州市')]")
    wait_until(lambda: page.execute_script("return document.activeElement.id") == "main", 5, "the focus stays behind")
    page.execute_script("document.querySelector('.skip').focus()")
    assert page.execute_script("return document.activeElement.getBoundingClientRect().width") > 10, "the skip link is not seen when it has the focus"


@pytest.mark.parametrize("motion,moves", [("reduce", "none"), ("no-preference", "breathe")])
def test_nothing_moves_for_who_wants_no_motion(world, page, motion, moves):
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-reduced-motion", "value": motion}]})
    open_page(page, world)
    wait_until(lambda: page.find_elements(By.CSS_SELECTOR, ".dot.live"), 10, "no stream")
    assert page.execute_script("return getComputedStyle(document.querySelector('.dot.live')).animationName") == moves
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_stale_reports_are_called_old_in_the_list(world, page):
    stale = {u["unit"] for u in json.loads(get(world, "/api/v1/units?province=33&limit=100")[1])["items"]
             for i in u.get("indicators", []) if i["id"] == "places_total" and i["stale"]}
    open_page(page, world)
    shown = page.execute_script("return [...document.querySelectorAll('#rows th .old')].map((e) => e.closest('tr').querySelector('a').hash.slice(-6))")
    assert set(shown) == stale


def test_a_lost_connection_says_so_and_comes_back(world, page):
    open_page(page, world, "en")
    world.stop()
    wait_until(lambda: "Connection lost" in text(page, "#notice"), 15, "a dead daemon looks alive")
    wait_until(lambda: "disconnected" in text(page, "#pulse"), 5, lambda: text(page, "#pulse"))
    assert "杭州市" in text(page, "#rows"), "the last numbers stay on screen"
    world.start().wait_ready()
    wait_until(lambda: text(page, "#notice") == "", 30, "the notice stays")
