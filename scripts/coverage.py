#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Coverage of the files that judge strangers' bytes, from gcov's own JSON: `make coverage`. Fails below the aims.
scripts/coverage.py BUILD [-v]: -v names the lines that were never run and the branches never taken."""
import gzip
import json
import pathlib
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parents[1]
LINES, BRANCHES = 95.0, 85.0
JUDGED = sorted([*TOP.glob("collectors/*.c"), *(TOP / f"daemon/{m}.c" for m in ("door", "envelope", "privacy"))])


def read(build, source):
    """line number → [times, [branch times]]"""
    notes = build / "obj" / source.relative_to(TOP).with_suffix(".gcda")
    with tempfile.TemporaryDirectory() as where:
        subprocess.run(["gcov", "--json-format", "--branch-probabilities", notes], cwd=where, check=True, capture_output=True)
        out = json.loads(gzip.open(next(pathlib.Path(where).glob("*.json.gz"))).read())
    lines = {}
    for file in out["files"]:
        if (TOP / file["file"]).resolve() != source:
            continue
        for line in file["lines"]:
            entry = lines.setdefault(line["line_number"], [0, []])
            entry[0] += line["count"]
            entry[1] += [b["count"] for b in line["branches"]]
    return lines


def share(part, whole):
    return 100.0 * part / whole if whole else 100.0


def main():
    build, verbose = pathlib.Path(sys.argv[1]).resolve(), "-v" in sys.argv
    sums = [0, 0, 0, 0]
    for source in JUDGED:
        lines = read(build, source)
        branches = [b for _, bs in lines.values() for b in bs]
        figures = [sum(1 for n, _ in lines.values() if n), len(lines), sum(1 for b in branches if b), len(branches)]
        sums = [a + b for a, b in zip(sums, figures)]
        print(f"{str(source.relative_to(TOP)):32} lines {share(*figures[:2]):5.1f} %   branches {share(*figures[2:]):5.1f} %")
        for number, (times, bs) in sorted(lines.items()) if verbose else ():
            if not times or not all(bs):
                print(f"    {number}: {'never run' if not times else f'{sum(1 for b in bs if not b)} of {len(bs)} branches never taken'}")
    ok = share(*sums[:2]) >= LINES and share(*sums[2:]) >= BRANCHES
    print(f"{'all':32} lines {share(*sums[:2]):5.1f} %   branches {share(*sums[2:]):5.1f} %   "
          f"aims {LINES:.0f} and {BRANCHES:.0f} %: {'met' if ok else 'MISSED'}")
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
