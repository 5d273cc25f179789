#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""docs/screenshots/: the page of a demo daemon, fed by nursery-sim (offline for the past, live for a fire), in chromium.
The population is the census' divided by 25, a fiftieth of it under three, and says that it is simulated."""
import csv
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TOP / "tests/e2e"))
from live import BUILD, Broker, Daemon, today, wait_until  # noqa: E402
from test_page import By, browser, ctl, open_page, resize  # noqa: E402

SHOTS = [("cities-zh-light-1920", "zh", "light", 1920, 1080, ""), ("cities-en-dark-390", "en", "dark", 390, 844, ""),
         ("city-en-light-1920", "en", "light", 1920, 1080, "#/unit/330100"), ("city-zh-dark-390", "zh", "dark", 390, 844, "#/unit/330100")]


def sim(*args):
    return subprocess.run([BUILD / "nursery-sim", "--sites", "240", "--data", TOP / "config/data", *map(str, args)], capture_output=True, check=True).stdout


def population(path):
    with open(TOP / "config/data/population-zhejiang-2020.csv") as source, open(path, "w") as out:
        rows = list(csv.reader(source))
        out.write(",".join(rows[0]) + "\n")
        for r in rows[1:]:
            out.write(f"{r[0]},{r[1]},{int(r[2]) // 25},{int(r[2]) // 1250},模拟数 (simulated)\n")


def story(daemon, where):
    start = f"{today(-45)}T08:00:00+08:00"
    (where / "story.jsonl").write_bytes(sim("--days", 45, "--start", start, "--scenario", "survey,messy", "--print"))
    subprocess.run([BUILD / "nurseryd", "-c", daemon.conf, "--fold", where / "story.jsonl"], cwd=where, check=True, stdout=subprocess.DEVNULL,
                   env=dict(os.environ, NURSERYD_DATADIR=str(TOP / "config/data")))


def main():
    where = Path(tempfile.mkdtemp(prefix="nurseryd-shots."))
    broker = Broker(where).start()
    daemon = Daemon(where, f'url = "mqtt://127.0.0.1:{broker.port}"')
    try:
        story(daemon, where)
        daemon.start().wait_ready()
        daemon.url = f"http://127.0.0.1:{daemon.http}/"
        population(where / "population.csv")
        (where / "targets.csv").write_text("division,indicator,value,by,source\n,places_per_1000,4.5,2025-12-31,规划\n")
        ctl(daemon, "import", "population", where / "population.csv")
        ctl(daemon, "import", "targets", where / "targets.csv")
        sim("--url", f"mqtt://127.0.0.1:{broker.port}", "--reset-epoch", 2, "--scenario", "fire", "--fire-after", 1, "--count", 500)
        driver = browser()
        (TOP / "docs/screenshots").mkdir(exist_ok=True)
        for name, lang, theme, width, height, at in SHOTS:
            resize(driver, width, height)
            open_page(driver, daemon, lang, theme, at)
            wait_until(lambda: driver.find_elements(By.CSS_SELECTOR, ".alert") and driver.find_elements(By.CSS_SELECTOR, "#side dl"), 20, "no alert")
            wait_until(lambda: not at or driver.find_elements(By.CSS_SELECTOR, "#history canvas"), 20, "no chart")  # noqa: B023
            time.sleep(2)  # for the eye: everything has been asked for once
            driver.save_screenshot(str(TOP / f"docs/screenshots/{name}.png"))
        driver.quit()
    finally:
        daemon.stop()
        broker.stop()


main()
