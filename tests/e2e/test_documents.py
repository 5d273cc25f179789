# SPDX-License-Identifier: MIT
"""docs/ARCHITECTURE.md and docs/HACKING.md name what is there."""
import re
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
NAMED = ["docs/ARCHITECTURE.md", "docs/HACKING.md"]
HEADS = ("daemon", "collectors", "sinks", "tools", "web", "docs", "tests", "scripts", "config", "dashboards", "systemd")


def text(name):
    return (TOP / name).read_text()


def paths(document):
    return set(re.findall(rf"(?<![\w/.])(?:{'|'.join(HEADS)})/[\w./-]*[\w/](?![\w*])", text(document)))


@pytest.mark.parametrize("document", NAMED)
def test_every_file_that_is_named_exists(document):
    found = paths(document)
    assert len(found) > 30
    names = {"collectors/NAME.c", "tests/feeds/NAME/valid"}  # of a feed to come
    assert not {p for p in found - names if not (TOP / p).exists()}
    for link in re.findall(r"\]\(([\w./-]+)\)", text(document)):
        assert (TOP / document).parent.joinpath(link).exists(), link


@pytest.mark.parametrize("document", NAMED)
def test_every_make_target_and_identifier_that_is_named_exists(document):
    makefile = text("Makefile")
    for target in set(re.findall(r"`make ([a-z][a-z-]+)", text(document))):
        assert re.search(rf"^{target}:", makefile, re.M), target
    code = "".join(p.read_text() for folder in ("daemon", "collectors", "sinks", "tools") for p in (TOP / folder).glob("*.[ch]"))
    for word in set(re.findall(r"`(?:union |struct )?([a-zA-Z]+(?:_[a-zA-Z]+)+)`", text(document))):
        assert word.rstrip("_") in code, word


def test_every_module_of_the_layers_table_is_in_the_layer_that_it_says():
    rows = re.findall(r"^\| (\d) \w+ \| (.*?) \|", text("docs/ARCHITECTURE.md"), re.M)
    assert [int(n) for n, _ in rows] == [5, 4, 3, 2, 1, 0]
    for layer, names in rows:
        lines = [x.split()[1:] for x in text("scripts/layers.txt").splitlines() if x.startswith(layer + " ")]
        patterns = [re.compile(re.escape(p).replace(r"\*", ".*") + "$") for line in lines for p in line]
        for name in re.findall(r"`([\w./]+)`", names):
            assert any(p.match(name if not name.endswith("/") else name + "x") for p in patterns), (layer, name)


def test_the_classes_of_tables_are_those_of_the_schema():
    classes = set(re.findall(r"TABLE_([A-Z]+) }", text("daemon/schema.c")))
    told = text("docs/ARCHITECTURE.md")
    assert classes and all(f"| {c.lower()} |" in told for c in classes)


def test_the_readme_leads_there_and_begins_with_what_it_does():
    readme = text("README.md")
    for document in NAMED:
        assert f"]({document})" in readme
    assert readme.index("supervises childcare") < readme.index("![") < readme.index("scripts/demo.sh") < readme.index("Licence")
    assert subprocess.run(["grep", "-c", "", TOP / "README.md"], capture_output=True, text=True).stdout.strip() < "90"
