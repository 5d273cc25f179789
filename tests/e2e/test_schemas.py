# SPDX-License-Identifier: MIT
"""docs/schemas against the decoder: what the schema refuses the decoder refuses; what the decoder accepts the schema
accepts; where only the decoder refuses, docs/schemas/README.md names the code. The decoder is asked through
`nurseryd --fold` on sandbox topics, so it is the same door as the live one."""
import copy
import json
import os
import re
import subprocess
from pathlib import Path

import jsonschema
import pytest

TOP = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("NURSERYD_BUILD", TOP / "build")).resolve()
FEEDS = ["registration", "enrolment", "incident", "survey"]
OTHERS = ["status", "receipt", "request", "alert", "indicator", "ledger-head"]
SITE = "52330106MJ0000018E"
RECEIVED_AT = "2026-11-24T01:30:00+08:00"  # as in tests/unit/test_decode.c
README = (TOP / "docs/schemas/README.md").read_text()
SEMANTIC = set(re.findall(r"`([EW]_\w+)`", "\n".join(x for x in README.splitlines() if x.startswith("- `E_"))))
# What README calls "two forms": the schema accepts, the decoder does not, with a code that is not semantic.
TWO_FORMS = {"registration/29-february-of-a-common-year", "enrolment/a-count-with-a-fraction-of-zero",
             "registration/boundary-a-count-with-a-fraction", "registration/boundary-a-count-with-an-exponent",
             "registration/boundary-filed-on-29-february-of-a-common-year"}


def ecma_pattern(_validator, pattern, instance, _schema):
    """Python's $ also matches before a last line break; ECMA 262's, which JSON Schema means, does not."""
    if isinstance(instance, str) and not re.search(re.sub(r"\$$", r"\\Z", pattern), instance):
        yield jsonschema.ValidationError(f"{instance!r} does not match {pattern!r}")


Validator = jsonschema.validators.extend(jsonschema.Draft202012Validator, {"pattern": ecma_pattern})
SCHEMAS = {p.stem: json.loads(p.read_text()) for p in (TOP / "docs/schemas").glob("*.json")}
# Without $schema: a $ref to a schema that names its draft would be followed by that draft's own validator, not by ours.
BY_ID = {s["$id"]: {k: v for k, v in s.items() if k != "$schema"} for s in SCHEMAS.values()}


def validator(name):
    schema = BY_ID[SCHEMAS[name]["$id"]]
    return Validator(schema, resolver=jsonschema.RefResolver.from_schema(schema, store=BY_ID))


VALIDATORS = {name: validator(name) for name in SCHEMAS}


def schema_accepts(name, value):
    return VALIDATORS[name].is_valid(value)


class Unreadable(Exception):
    pass


def no_duplicates(pairs):
    if len(dict(pairs)) != len(pairs):
        raise Unreadable("duplicate key")
    return dict(pairs)


def parse(text):
    """As CONTRACT asks; Unreadable otherwise: no schema can be asked about such bytes."""
    try:
        return json.loads(text, object_pairs_hook=no_duplicates)
    except ValueError as e:
        raise Unreadable(str(e)) from e


def door(tmp_path, cases):
    """[(feed, payload text)] → receipts. Every message has its own line; the sandbox keeps no state between them."""
    conf = tmp_path / "n.conf"
    conf.write_text(f'store: {{ path = "n.db"; }};\npolicy = "{TOP}/config/policy.conf";\nlog: {{ level = "warning"; }};\n')
    lines = "".join(json.dumps({"received_at": RECEIVED_AT, "topic": f"nursery-test/v1/33/330106/{SITE}/up/{feed}",
                                "payload": text}) + "\n" for feed, text in cases)
    done = subprocess.run([BUILD / "nurseryd", "-c", conf, "--fold", "-"], input=lines, capture_output=True, text=True,
                          env=dict(os.environ, NURSERYD_DATADIR=str(TOP / "config" / "data")))
    assert done.returncode == 0, done.stderr
    receipts = [json.loads(x)["payload"] for x in done.stdout.split("\n") if x]  # splitlines() would cut at U+0085
    assert len(receipts) == len(cases)
    return receipts


def judge(name, feed, message, receipt):
    """None, or what is wrong."""
    accepted, codes = receipt["status"] == "accepted", {e["code"] for e in receipt["errors"]}
    if schema_accepts(feed, message) == accepted:
        return None
    if accepted:
        error = jsonschema.exceptions.best_match(VALIDATORS[feed].iter_errors(message))
        return f"{name}: the decoder accepts, the schema does not: {error.message} at {error.json_path}"
    if codes <= SEMANTIC or name in TWO_FORMS:
        return None
    return f"{name}: the schema accepts, the decoder says {codes - SEMANTIC}"


def files(folder, names, kind):
    return [pytest.param(n, p, id=f"{n}/{kind}/{p.stem}") for n in names for p in sorted((folder / n / kind).glob("*.json"))]


# ---- the schemas themselves ----

@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_a_schema_is_one_of_2020_12_and_speaks_the_words_of_draft_7_too(name):
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[name])
    jsonschema.Draft7Validator.check_schema(SCHEMAS[name])
    assert SCHEMAS[name]["$id"].endswith(f"/{name}.json")


def refs(value):
    if isinstance(value, dict):
        if "$ref" in value:
            assert set(value) == {"$ref"}, "draft-07 ignores what stands beside a $ref"
            yield value["$ref"]
        for v in value.values():
            yield from refs(v)
    elif isinstance(value, list):
        for v in value:
            yield from refs(v)


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_every_reference_leads_somewhere(name):
    resolver = VALIDATORS[name].resolver
    for ref in refs(SCHEMAS[name]):
        resolver.resolve(ref)


def test_the_receipts_codes_are_those_of_the_daemons_table():
    table = re.findall(r"^\tCODE\((\w+),", (TOP / "daemon/codes.c").read_text(), re.M)
    defs = SCHEMAS["receipt"]["$defs"]
    assert [*defs["error"]["properties"]["code"]["enum"], *defs["warning"]["properties"]["code"]["enum"]] == table
    assert SEMANTIC <= set(table) and len(SEMANTIC) >= 13


# ---- the files ----

@pytest.mark.parametrize("name", FEEDS + OTHERS)
def test_every_message_has_an_example_and_five_that_are_none(name):
    folder = TOP / "tests" / ("feeds" if name in FEEDS else "schemas") / name
    assert len(list((folder / "valid").glob("*.json"))) >= 1
    assert len(list((folder / "invalid").glob("*.json"))) >= 5


@pytest.mark.parametrize("name, path", files(TOP / "tests/schemas", OTHERS, "valid"))
def test_the_schema_accepts(name, path):
    VALIDATORS[name].validate(json.loads(path.read_text()))


@pytest.mark.parametrize("name, path", files(TOP / "tests/schemas", OTHERS, "invalid"))
def test_the_schema_refuses(name, path):
    assert not schema_accepts(name, json.loads(path.read_text()))


def expected(path):
    expect = path.with_suffix(".expect")
    return sorted(line.split(" ", 1)[0] for line in expect.read_text().splitlines() if line) if expect.exists() else []


def readable(path):
    try:
        return path.read_bytes().decode()
    except UnicodeDecodeError:
        return None


def test_schema_and_decoder_agree_on_every_example_file(tmp_path):
    paths = [(feed, p) for feed in FEEDS for p in sorted((TOP / "tests/feeds" / feed).glob("*/*.json"))]
    cases = [(feed, p, readable(p)) for feed, p in paths]
    cases = [c for c in cases if c[2] is not None]  # bytes that are no text cannot stand in a line of --fold
    assert len(paths) - len(cases) <= 1
    wrong, beyond = [], set()
    for (feed, path, text), receipt in zip(cases, door(tmp_path, [(f, t) for f, _, t in cases])):
        name = f"{feed}/{path.stem}"
        assert sorted(x["code"] for x in receipt["errors"] + receipt["warnings"]) == expected(path), name
        VALIDATORS["receipt"].validate(receipt)
        try:
            message = parse(text)
        except Unreadable:
            assert expected(path) in (["E_JSON"], ["E_PII"]), name
            continue
        problem = judge(name, feed, message, receipt)
        wrong += [problem] if problem else []
        if receipt["status"] != "accepted" and schema_accepts(feed, message) and not set(expected(path)) <= SEMANTIC:
            beyond.add(name)
    assert not wrong, "\n".join(wrong)
    assert beyond == TWO_FORMS


# ---- changes of the examples ----

def places(value, path=()):
    """Every place in a JSON value."""
    yield path, value
    for key, v in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(v, (*path, key))


def put(message, path, value):
    changed = copy.deepcopy(message)
    at = changed
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return changed


def take(message, path):
    changed = copy.deepcopy(message)
    at = changed
    for key in path[:-1]:
        at = at[key]
    del at[path[-1]]
    return changed


VALUES = [None, True, False, -1, 0, 1, 5, 6, 2.5, 1000000, 1000001, 10**12, 10**12 + 1, 2**53 - 1, 2**53, "", "x", "a\nb",
          "x" * 64, "x" * 65, "汉" * 100, "汉" * 101, "x" * 200, "x" * 201, "2026-11-23", "2026-11-23\n", "2026-02-30", "2026-11-23T01:00:00Z",
          "2026-11-23T24:00:00Z", "2026-11-23T01:00:00", "2026H1", "2026H3", "A" * 16, "a" * 16, "330100", "441900", "330106", "other",
          [], [1], [1, 2, 3, 4, 5], [1, 2, 3, 4, 5, 6], ["other"], {}, {"x": 1}]


def changes(message):
    for path, value in places(message):
        if isinstance(value, dict):
            for extra in (1, 2.5, True, None, "text", [], {}):
                yield f"{path}+{extra!r}", put(message, (*path, "unknown_to_all"), extra)
        if not path:
            continue
        yield f"{path} taken", take(message, path)
        for new in VALUES:
            if new != value or type(new) is not type(value):
                yield f"{path}={new!r:.40}", put(message, path, new)


@pytest.mark.parametrize("feed", FEEDS)
def test_schema_and_decoder_agree_on_every_change_of_an_example(tmp_path, feed):
    named = []
    for path in sorted((TOP / "tests/feeds" / feed / "valid").glob("*.json")):
        if re.search("contract-example|amend|retract", path.stem):
            named += [(f"{path.stem} {what}", m) for what, m in changes(json.loads(path.read_text()))]
    receipts = door(tmp_path, [(feed, json.dumps(m, ensure_ascii=False)) for _, m in named])
    wrong = [x for x in (judge(name, feed, m, r) for (name, m), r in zip(named, receipts)) if x]
    statuses = {r["status"] for r in receipts}
    assert not wrong, f"{len(wrong)} of {len(named)}\n" + "\n".join(wrong[:20])
    assert len(named) > 1000 and statuses >= {"accepted", "rejected"}
    for receipt in receipts[::7]:
        VALIDATORS["receipt"].validate(receipt)
