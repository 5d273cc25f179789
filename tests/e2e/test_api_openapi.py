# SPDX-License-Identifier: MIT
"""docs/openapi.yaml is whole, sound, and knows the paths that the daemon knows."""
import json
import re
from pathlib import Path

import jsonschema
import pytest

from openapi import DOCS, check_answer, description, resolver

METHODS = {"get", "post"}
ROUTE = re.compile(r'\.method = "(\w+)", \.pattern = "([^"]+)"([^}]*)')


def operations():
    return [(path, method, op) for path, item in description()["paths"].items() for method, op in item.items() if method in METHODS]


def references(value):
    if isinstance(value, dict):
        yield from ([value["$ref"]] if isinstance(value.get("$ref"), str) else [])
        value = list(value.values())
    for v in value if isinstance(value, list) else []:
        yield from references(v)


def test_every_reference_leads_somewhere_and_every_component_is_used():
    used = set(references(description()))
    for ref in used:
        resolver().resolve(ref)
    for kind in ("parameters", "responses", "schemas"):
        for name in description()["components"][kind]:
            assert f"#/components/{kind}/{name}" in used, name


def test_it_is_what_the_openapi_initiative_calls_openapi_3_1():
    """The linter of make lint-openapi says more, but needs npm."""
    schema = json.loads(Path(__file__).with_name("openapi-3.1.json").read_text())
    judge = jsonschema.Draft202012Validator(schema)
    errors = [f"{'/'.join(map(str, e.absolute_path))}: {e.message[:200]}" for e in judge.iter_errors(description())]
    assert not errors, errors[:5]
    broken = json.loads(json.dumps(description()))
    broken["paths"]["/healthz"]["get"]["responses"]["2000"] = {"description": "no such status"}
    assert list(judge.iter_errors(broken)), "the judge finds nothing"


def test_schemas_are_schemas_and_operations_are_whole():
    for schema in description()["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    ids = [op["operationId"] for _, _, op in operations()]
    assert len(ids) == len(set(ids))
    tags = {t["name"] for t in description()["tags"]}
    for path, method, op in operations():
        assert op["summary"] and set(op["tags"]) <= tags and "default" in op["responses"], path
        given = description()["paths"][path].get("parameters", []) + op.get("parameters", [])
        given = [resolver().resolve(p["$ref"])[1] if "$ref" in p else p for p in given]
        assert {p["name"] for p in given if p["in"] == "path"} == set(re.findall(r"{(\w+)}", path)), path


def test_the_routes_of_the_daemon_are_described():
    described = {(method.upper(), re.sub(r"{\w+}", "{}", path)) for path, method, _ in operations()}
    for source in (Path(DOCS).parent / "daemon").glob("api_*.c"):
        for method, pattern, rest in ROUTE.findall(source.read_text()):
            if ".local = true" in rest or "web" in source.name:
                continue
            path = pattern if ".root = true" in rest else "/api/v1" + pattern
            assert (method, re.sub(r"{\w+}", "{}", path)) in described, (source.name, method, path)


CALLS = """GET /units /units/{} /units/{}/indicators/{} /provinces /provinces/{} /sites /sites/{} /incidents /incidents/{}/{} /alerts
/cases /cases/{} /messages /messages/{} /ledger/head /events
POST /alerts/{}/actions /cases/{}/actions /incidents/{}/{}/actions /imports/{} /lint/{} /backup /messages/{}/replay"""


def test_the_contract_is_described():
    described = {(method.upper(), re.sub(r"{\w+}", "{}", path)) for path, method, _ in operations()}
    method = None
    for word in CALLS.split():
        if word in ("GET", "POST"):
            method = word
        else:
            assert (method, "/api/v1" + word) in described, word
    assert {("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/metrics")} <= described


@pytest.mark.parametrize("status,kind,body", [
    (200, "application/json", {"n": 1, "hash": "x", "indicators_n": 0}), (200, "text/plain", {}), (404, "application/json", {})])
def test_the_judge_sees_what_is_wrong(status, kind, body):
    with pytest.raises(AssertionError):
        check_answer("GET", "/api/v1/ledger/head", status, {"Content-Type": kind}, json.dumps(body))
