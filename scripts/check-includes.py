#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Reads every #include and scripts/layers.txt: fails on an arrow that points up, on a ring of modules, on a foreign
header included by a file that does not own it, and on a file that has no layer. Optional argument: the tree's top."""
import fnmatch
import os
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def read_table(path):
    layers, foreign = [], []
    for line in open(path, encoding="utf-8"):
        words = line.split("#")[0].split()
        if words and words[0] == "foreign":
            foreign.append((words[1], words[2:]))
        elif words:
            layers += [(int(words[0]), pattern) for pattern in words[1:]]
    return layers, foreign


def layer_of(layers, path):
    return next((n for n, pattern in layers if fnmatch.fnmatch(path, pattern)), None)


def sources(top):
    for folder in ("daemon", "collectors", "sinks", "tools", "tests"):
        for where, _, names in os.walk(os.path.join(top, folder)):
            for name in sorted(names):
                if name.endswith((".c", ".h")):
                    yield os.path.relpath(os.path.join(where, name), top)


def includes(top, path):
    with open(os.path.join(top, path), encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            m = INCLUDE.match(line)
            if m:
                yield number, m[1] == "<", m[2]


def families(edges):
    """http and http_acts are the parts of one module and share its private headers."""
    family = lambda module: module.split("_")[0]
    joined = {}
    for module, targets in edges.items():
        joined.setdefault(family(module), set()).update(family(t) for t in targets if family(t) != family(module))
    return joined


def rings(edges):
    """Every ring of modules, once."""
    state, found = {}, []

    def visit(module, trail):
        state[module] = "open"
        for target in sorted(edges.get(module, ())):
            if state.get(target) == "open":
                found.append(trail[trail.index(target):] + [target] if target in trail else [module, target])
            elif target not in state:
                visit(target, trail + [target])
        state[module] = "done"

    for module in sorted(edges):
        if module not in state:
            visit(module, [module])
    return found


def check(top):
    layers, foreign = read_table(os.path.join(top, "scripts/layers.txt"))
    errors, edges, count = [], {}, 0
    for path in sources(top):
        tested = path.startswith("tests/")  # tests look everywhere, but keep to the owners
        mine = layer_of(layers, path)
        count += 1
        if mine is None and not tested:
            errors.append(f"{path}: has no layer; add it to scripts/layers.txt")
            continue
        for number, is_system, name in includes(top, path):
            if is_system:
                for header, owners in foreign:
                    if fnmatch.fnmatch(name, header) and not any(fnmatch.fnmatch(path, o) for o in owners):
                        errors.append(f"{path}:{number}: <{name}> belongs to {', '.join(owners)}")
                continue
            target = os.path.normpath(os.path.join(os.path.dirname(path), name))
            theirs = layer_of(layers, target)
            if tested:
                continue
            if theirs is None:
                errors.append(f"{path}:{number}: {target} has no layer; add it to scripts/layers.txt")
            elif theirs > mine:
                errors.append(f"{path}:{number}: includes {target}: layer {mine} must not look up to layer {theirs}")
            elif os.path.splitext(target)[0] != os.path.splitext(path)[0]:
                edges.setdefault(os.path.splitext(path)[0], set()).add(os.path.splitext(target)[0])
    errors += ["ring: " + " -> ".join(ring) for ring in rings(families(edges))]
    return errors, count


def main():
    top = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    errors, count = check(top)
    for error in errors:
        print(error, file=sys.stderr)
    print(f"includes: {count} files, {len(errors)} errors")
    return 1 if errors or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
