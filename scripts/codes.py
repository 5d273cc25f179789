#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Writes docs/codes.md: every code of daemon/codes.c with its texts, and the cases that provoke it: files of tests/feeds
(boundary-… at and one step inside the limit), tests of tests/e2e, tests/crash and tests/unit. --check: fails when a text
is out of date, a named case is gone, or a code has no case."""
import ast
import collections
import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parents[1]
TEXT = r'((?:\s*"(?:[^"\\]|\\.)*")+)'
CODE = re.compile(r"CODE\((\w+)," + TEXT + "," + TEXT + "," + TEXT + r"\)")
NAME = re.compile(r"\b[EW]_[A-Z]+(?:_[A-Z]+)*\b")
C_TEST = re.compile(r"^static void (\w+)\(void \*\*state\)\n\{(.*?)^\}", re.M | re.S)
SHOWN = 3


def literal(text):
    return "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', text)).replace('\\"', '"').replace("\\\\", "\\")


def table():
    source = (TOP / "daemon/codes.c").read_text()
    return {name: tuple(map(literal, texts)) for name, *texts in CODE.findall(source)}


def cases():
    found = collections.defaultdict(list)
    for path in sorted(TOP.glob("tests/feeds/*/*/*.expect"), key=lambda p: (not p.name.startswith("boundary-"), str(p))):
        for code in sorted(set(NAME.findall(path.read_text()))):
            found[code].append(str(path.relative_to(TOP / "tests/feeds").with_suffix("")))
    for path in sorted([*TOP.glob("tests/e2e/test_*.py"), *TOP.glob("tests/crash/*.py")]):
        source = path.read_text()
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef) and (node.name.startswith("test_") or "crash" in path.parts):
                for code in sorted(set(NAME.findall(ast.get_source_segment(source, node) or ""))):
                    found[code].append(f"{path.name}: {node.name}")
    for path in sorted(TOP.glob("tests/unit/test_*.c")):
        for name, body in C_TEST.findall(path.read_text()):
            for code in sorted(set(NAME.findall(body))):
                found[code].append(f"{path.name}: {name}")
    return found


def page(codes, found):
    out = ["# What a receipt can say", "",
           "`E_…`: the message is not accepted. `W_…`: it is, and somebody should look. Written by `scripts/codes.py` from",
           "`daemon/codes.c`; the cases are files below `tests/feeds`, or tests (at most three are named).", ""]
    for name, (zh, en, fix) in codes.items():
        out += [f"## {name}", "", f"{zh}。", "", f"{en[0].upper()}{en[1:]}. To mend it: {fix}.", ""]
        out += [f"- `{case}`" for case in found[name][:SHOWN]] + [""]
    return "\n".join(out).rstrip() + "\n"


def texts_of(page_text):
    return [line for line in page_text.splitlines() if not line.startswith("- `")]


def named(page_text):
    return set(re.findall(r"^- `(.*)`$", page_text, re.M))


def main():
    codes, found = table(), cases()
    path, text = TOP / "docs/codes.md", page(codes, found)
    if "--check" not in sys.argv:
        path.write_text(text)
        return 0
    bare = [name for name in codes if not found[name]]
    for name in bare:
        print(f"{name}: no case provokes it")
    old = not path.exists() or texts_of(path.read_text()) != texts_of(text) or not named(path.read_text()) <= {c for x in found.values() for c in x}
    if old:
        print("docs/codes.md is out of date: run scripts/codes.py")
    return 1 if bare or old else 0


if __name__ == "__main__":
    sys.exit(main())
