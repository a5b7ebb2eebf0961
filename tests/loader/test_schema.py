"""The JSON Schema of flows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from wdprefect.loader.schema import flow_schema
from wdprefect.loader.types import all_types
from wdprefect.model.task import Task


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for item in value.values():
            yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def test_types() -> None:
    """Each type of task is a branch of its own, decided by its name and told by its docstring."""
    task = flow_schema()["$defs"]["task"]
    branches = {branch["properties"]["type"]["const"]: branch for branch in task["oneOf"]}
    assert set(all_types(Task)) == set(branches)
    log = branches["io.kestra.plugin.core.log.Log"]
    assert "Write a message, or several, to the log." == log["description"]
    assert {"id", "type", "message"} == set(log["required"])
    assert log["additionalProperties"] is False


def test_references() -> None:
    """Every reference leads to a definition; the schema is JSON."""
    schema = flow_schema()
    assert set() == {ref for ref in references(schema) if ref.removeprefix("#/$defs/") not in schema["$defs"]}
    assert schema == json.loads(json.dumps(schema))


def test_templates() -> None:
    """Where a number or a boolean is wanted, an expression may stand."""
    branches = {b["properties"]["type"]["const"]: b for b in flow_schema()["$defs"]["task"]["oneOf"]}
    concurrent = branches["io.kestra.plugin.core.flow.Parallel"]["properties"]["concurrent"]
    assert ["integer", "string"] == [kind["type"] for kind in concurrent["anyOf"]]


def test_properties_of_a_flow() -> None:
    """All that a flow may say is known, with its names in YAML."""
    schema = flow_schema()
    assert {"id", "namespace", "tasks"} == set(schema["required"])
    assert {"finally", "afterExecution", "pluginDefaults", "triggers", "errors"} <= set(schema["properties"])
    assert schema["additionalProperties"] is False
