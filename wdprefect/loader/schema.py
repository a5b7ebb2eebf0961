"""A JSON Schema of flows, which editors use to complete and to check."""

from __future__ import annotations

import inspect
from typing import Any

from wdprefect.loader.types import all_types
from wdprefect.model.flow import Flow
from wdprefect.model.node import Node
from wdprefect.model.spec import SCHEMA_KEY
from wdprefect.model.task import Task
from wdprefect.model.trigger import Trigger

DRAFT = "https://json-schema.org/draft/2020-12/schema"


def flow_schema() -> dict[str, Any]:
    """The schema of a flow with all types of tasks and triggers. Imports all plug-ins."""
    schema = Flow.model_json_schema(by_alias=True)
    definitions = schema.setdefault("$defs", {})
    schema["properties"]["pluginDefaults"] = {"type": "array", "items": {"$ref": "#/$defs/pluginDefault"}}
    definitions["pluginDefault"] = {
        "type": "object",
        "required": ["type", "values"],
        "properties": {"type": {"type": "string"}, "values": {"type": "object"}, "forced": {"type": "boolean"}},
        "additionalProperties": False,
    }
    definitions |= _kind("task", Task, definitions) | _kind("trigger", Trigger, definitions)
    return dict(_with_references({"$schema": DRAFT, **schema, "title": "wdprefect flow"}))


def _kind(name: str, base: type[Node], definitions: dict[str, Any]) -> dict[str, Any]:
    """The definition of all types of a kind: each decided by its `type`."""
    branches = []
    for type_name, cls in all_types(base).items():
        own = cls.model_json_schema(by_alias=True)
        definitions |= own.pop("$defs", {})
        own["properties"]["type"] = {"const": type_name}
        own["description"] = (inspect.getdoc(cls) or "").partition("\n\n")[0]
        own["properties"] = {key: _or_template(value) for key, value in own["properties"].items()}
        branches.append(own)
    return {name: {"type": "object", "required": ["id", "type"], "oneOf": branches}}


def _with_references(value: Any) -> Any:
    if isinstance(value, dict):
        if SCHEMA_KEY in value:
            return {"$ref": f"#/$defs/{value[SCHEMA_KEY]}"}
        return {key: _with_references(item) for key, item in value.items()}
    return [_with_references(item) for item in value] if isinstance(value, list) else value


def _or_template(schema: dict[str, Any]) -> dict[str, Any]:
    """A property that also takes a text with an expression."""
    if schema.get("type") in {"integer", "number", "boolean"}:
        described: dict[str, Any] = {key: schema[key] for key in ("description", "default", "title") if key in schema}
        return {**described, "anyOf": [schema, {"type": "string", "pattern": r"\{[{%]"}]}
    return schema
