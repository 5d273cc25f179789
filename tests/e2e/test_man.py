# SPDX-License-Identifier: MIT
"""The manual pages: as the programs say now, whole, and clean for groff."""
import re
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
PAGES = {"nurseryd.8": "nurseryd", "nurseryctl.1": "nurseryctl", "nursery-sim.1": "nursery-sim", "nurseryd.conf.5": None}


def rendered(page):
    done = subprocess.run(["groff", "-man", "-ww", "-Kutf8", "-Tutf8", "-P-c", "-rLL=100n", TOP / "docs/man" / page], capture_output=True, text=True)
    assert done.returncode == 0 and not done.stderr, done.stderr
    return re.sub(r".\x08", "", done.stdout)


def test_the_pages_are_as_the_programs_say_now():
    done = subprocess.run([TOP / "scripts/man.py", "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES)
def test_groff_has_nothing_to_say(page):
    text = rendered(page)
    assert page.rpartition(".")[0] in text.split("DESCRIPTION")[0]
    assert "SEE ALSO" in text


def test_every_option_of_the_table_has_its_words_its_form_and_its_default():
    table = re.findall(r'^\t\{ \.path = "([a-z_.]+)", \.type', (TOP / "daemon/config.c").read_text(), re.M)
    blocks = dict(x.split("\n", 1) for x in (TOP / "docs/man/nurseryd.conf.5").read_text().split("\n.TP\n.B ")[1:])
    assert {"store.reserve", "mqtt.gap_grace", "http.listen", "influx.url", "log.level"} <= set(table) <= set(blocks)
    for path in table:
        words, value, default = re.fullmatch(r"(.+)\n\.br\nValue: (.+)\.\n\.br\nDefault: (.+?)(?:\n\.SH .*)?", blocks[path].strip(), re.S).groups()
        assert words and value != "a list of groups" and default, path


@pytest.mark.parametrize("program", ["nurseryd", "nurseryctl", "nursery-sim"])
def test_every_option_and_verb_of_help_is_in_the_page(program):
    (page,) = [p for p, of in PAGES.items() if of == program]
    text = rendered(page)
    said = subprocess.run([TOP / "build" / program, "--help"], capture_output=True, text=True, check=True).stdout
    for option in set(re.findall(r"(?<![\w-])--[a-z-]+", said)):
        assert option in text, option


def test_make_install_puts_them_where_man_looks(tmp_path):
    subprocess.run(["make", "-s", "install", f"DESTDIR={tmp_path}"], cwd=TOP, check=True, capture_output=True)
    found = {str(p.relative_to(tmp_path / "usr/share/man")) for p in (tmp_path / "usr/share/man").rglob("*.?")}
    assert found == {"man8/nurseryd.8", "man5/nurseryd.conf.5", "man1/nurseryctl.1", "man1/nursery-sim.1"}
