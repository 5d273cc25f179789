# SPDX-License-Identifier: MIT
"""docs/openapi.yaml as a judge of answers."""
import functools
import json
import re
from pathlib import Path
from urllib.parse import urlsplit

import jsonschema
import yaml

SEEN = set()  # (operationId, status) of every answer that was judged

DOCS = Path(__file__).resolve().parents[2] / "docs"


@functools.lru_cache(maxsize=None)
def description():
    return yaml.safe_load((DOCS / "openapi.yaml").read_text())


@functools.lru_cache(maxsize=None)
def resolver():
    store = {}
    for path in (DOCS / "schemas").glob("*.json"):
        schema = json.loads(path.read_text())
        store[schema["$id"]] = store[path.as_uri()] = schema
    return jsonschema.RefResolver((DOCS / "openapi.yaml").as_uri(), description(), store)


def resolved(value):
    return resolver().resolve(value["$ref"])[1] if "$ref" in value else value


@functools.lru_cache(maxsize=None)
def patterns():
    """Literal paths before those with holes."""
    found = [(re.compile(re.sub(r"\\{[^/]*?\\}", "[^/]+", re.escape(path)) + "$"), path) for path in description()["paths"]]
    return sorted(found, key=lambda p: p[1].count("{"))


def operation(method, target):
    path = urlsplit(target).path
    for pattern, name in patterns():
        if pattern.match(path):
            return description()["paths"][name].get({"HEAD": "get"}.get(method, method.lower()))
    return None


def check_answer(method, target, status, headers, body):
    """A status that is described, with the described type and form. What no operation describes must be a problem."""
    known = operation(method, target)
    responses = known["responses"] if known else {"default": {"$ref": "#/components/responses/problem"}}
    response = resolved(responses.get(str(status)) or responses.get(f"{status // 100}XX") or responses["default"])
    if known:
        SEEN.add((known["operationId"], str(status)))
    if "content" not in response:
        assert not body, (method, target, status)
        return
    kind = headers["Content-Type"].split(";")[0]
    assert kind in response["content"], (method, target, status, kind)
    if method == "HEAD" or not kind.endswith("json"):
        return
    schema = response["content"][kind]["schema"]
    errors = list(jsonschema.Draft202012Validator(schema, resolver=resolver()).iter_errors(json.loads(body)))
    assert not errors, (method, target, status, errors[0].message, list(errors[0].absolute_path))
