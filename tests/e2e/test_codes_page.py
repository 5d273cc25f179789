# SPDX-License-Identifier: MIT
"""docs/codes.md is what daemon/codes.c and the tests say, and every code has a case that provokes it."""
import pathlib
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]


def test_every_code_has_a_case_and_stands_in_the_page():
    done = subprocess.run([sys.executable, TOP / "scripts/codes.py", "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
