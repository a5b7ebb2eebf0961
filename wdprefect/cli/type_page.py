"""The manual page of a type: what its class says, and its properties."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Mapping
from typing import Any

from wdprefect.model.node import Node
from wdprefect.model.spec import SCHEMA_KEY
from wdprefect.model.task import Settings, Task
from wdprefect.plugins.scripts._script import ScriptTask

_WORDS = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}
# A number and a boolean stand for their text.
_TEXT = frozenset({"text", "number", "true or false"})


def default_image(cls: type[Node]) -> str | None:
    """The image of a container for a task that names none; None for types that run nothing."""
    return cls.language.image if issubclass(cls, ScriptTask) else None


def page(name: str, cls: type[Node]) -> str:
    """The page as text: description, properties with type, default and what is said of them, outputs."""
    parts = [name, inspect.getdoc(cls) or "", "Properties (* required):\n" + "\n".join(_properties(cls))]
    if issubclass(cls, Task):
        parts.append(f"Properties of every task: {', '.join(_names(Settings))}")
        if outputs := _names(cls.Outputs):
            parts.append(f"Outputs: {', '.join(outputs)}")
    if image := default_image(cls):
        parts.append(f"In a container without 'containerImage': {image}")
    return "\n\n".join(parts) + "\n"


def _properties(cls: type[Node]) -> Iterator[str]:
    schema = cls.model_json_schema(by_alias=True)
    general = _names(Settings) if issubclass(cls, Task) else []
    shown = {key: value for key, value in schema["properties"].items() if key not in general}
    required = set(schema.get("required", ()))
    # What must be said comes first.
    for key in sorted(shown, key=lambda each: each not in required):
        default = shown[key].get("default")
        text = default if isinstance(default, str) else json.dumps(default)
        unless = "" if default in (None, []) else f", {text} unless given"
        description = f": {shown[key]['description']}" if "description" in shown[key] else ""
        yield f"  {key + (' *' if key in required else ''):<26} {_kind(shown[key], schema)}{unless}{description}"


def _kind(value: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """What a property takes, in words."""
    if SCHEMA_KEY in value:
        return str(value[SCHEMA_KEY])
    if "$ref" in value:
        return _kind(schema["$defs"][value["$ref"].rpartition("/")[2]], schema)
    if "enum" in value or "const" in value:
        return " or ".join(map(str, value.get("enum", [value.get("const")])))
    if choices := [item for item in value.get("anyOf", value.get("oneOf", ())) if item.get("type") != "null"]:
        kinds = dict.fromkeys(_kind(item, schema) for item in choices)
        if set(kinds) >= _TEXT:
            kinds = {kind: None for kind in kinds if kind == "text" or kind not in _TEXT}
        return " or ".join(kinds)
    if value.get("type") == "array":
        return f"list of {_kind(value['items'], schema)}" if value.get("items") else "list"
    if value.get("type") == "object":
        values = value.get("additionalProperties")
        return f"map of {_kind(values, schema)}" if isinstance(values, dict) and values else "map"
    return _WORDS.get(str(value.get("type")), "anything")


def _names(cls: type[Node]) -> list[str]:
    return [field.alias or key for key, field in cls.model_fields.items()]
