# SPDX-License-Identifier: MIT
"""docs/asyncapi.yaml: its structure (AsyncAPI 3.0, no tool of npm needed), and that it says what the rest of the tree does:
topics, codes, schemas, the shipped ACL."""
import json
import re
from pathlib import Path

import pytest
import yaml

from test_schemas import SCHEMAS, VALIDATORS

TOP = Path(__file__).resolve().parents[2]
DOCUMENT = yaml.safe_load((TOP / "docs/asyncapi.yaml").read_text())
CHANNELS, OPERATIONS, MESSAGES = DOCUMENT["channels"], DOCUMENT["operations"], DOCUMENT["components"]["messages"]
SITE_TOPICS = [f"up/{x}" for x in ("registration", "enrolment", "incident", "survey", "status")] + ["down/receipt", "down/request"]
TOPICS = ([f"{root}/v1/{{province}}/{{division}}/{{site}}/{x}" for root in ("nursery", "nursery-test") for x in SITE_TOPICS] +
          ["nurseryd/v1/status", "nurseryd/v1/ledger/head", "nurseryd/v1/alert/{province}/{unit}/{alert}",
           "nurseryd/v1/indicator/{province}/{unit}/{indicator}"])
QOS_RETAIN = {"take": (1, False), "take_status": (1, True), "send_receipt": (0, False), "send_request": (1, False), "send": (1, True)}


def resolve(ref):
    if not ref.startswith("#/"):
        return SCHEMAS[Path(ref).stem]
    at = DOCUMENT
    for key in ref[2:].split("/"):
        at = at[key]
    return at


def refs(value):
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for v in value.values():
            yield from refs(v)
    elif isinstance(value, list):
        for v in value:
            yield from refs(v)


def test_it_is_asyncapi_3_with_everything_that_it_must_have():
    assert re.fullmatch(r"3\.0\.\d+", DOCUMENT["asyncapi"]) and DOCUMENT["info"]["title"] and DOCUMENT["info"]["version"]
    assert set(DOCUMENT) == {"asyncapi", "id", "info", "defaultContentType", "servers", "channels", "operations", "components"}
    for server in DOCUMENT["servers"].values():
        assert {"host", "protocol"} <= set(server)
    for ref in refs(DOCUMENT):
        assert resolve(ref) is not None
        assert ref.startswith("#/") or (TOP / "docs" / ref).is_file()


def test_every_topic_of_the_contract_is_a_channel():
    assert sorted(c["address"] for c in CHANNELS.values()) == sorted(TOPICS)


@pytest.mark.parametrize("name", CHANNELS)
def test_a_channel_names_its_parameters_and_its_message(name):
    channel = CHANNELS[name]
    assert set(re.findall(r"{(\w+)}", channel["address"])) == set(channel.get("parameters", {}))
    assert len(channel["messages"]) == 1 and channel["description"]
    assert set(channel["bindings"]) == {"$ref"}


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_has_action_channel_qos_and_retain(name):
    operation = OPERATIONS[name]
    kind = name.removesuffix("Sandbox")
    assert operation["action"] == ("receive" if name.startswith("take_") else "send")
    assert resolve(operation["channel"]["$ref"]) in CHANNELS.values()
    binding = operation["bindings"]["mqtt"]
    assert (binding["qos"], binding["retain"]) == QOS_RETAIN.get(kind, QOS_RETAIN[kind.split("_")[0]])
    assert ("reply" in operation) == (operation["action"] == "receive" and kind != "take_status")


def test_every_channel_has_an_operation():
    assert sorted(o["channel"]["$ref"].rsplit("/", 1)[1] for o in OPERATIONS.values()) == sorted(CHANNELS)


@pytest.mark.parametrize("name", [m for m in MESSAGES if m != "daemonStatus"])
def test_a_message_has_a_schema_and_its_examples_are_valid(name):
    schema = Path(MESSAGES[name]["payload"]["$ref"]).stem
    assert MESSAGES[name]["examples"]
    for example in MESSAGES[name]["examples"]:
        VALIDATORS[schema].validate(json.loads(json.dumps(example["payload"])))


def test_the_codes_are_those_of_the_daemons_table():
    table = re.findall(r"^\tCODE\((\w+),", (TOP / "daemon/codes.c").read_text(), re.M)
    assert DOCUMENT["info"]["x-error-codes"]["codes"] + DOCUMENT["info"]["x-warning-codes"]["codes"] == table


def test_the_shipped_acl_holds_every_line_of_it():
    acl = [x.strip() for x in (TOP / "config/mosquitto/acl").read_text().splitlines()]
    for lines in ("site", "official", "nurseryd"):
        for line in DOCUMENT["info"]["x-acl"][lines]:
            assert line in acl
