"""`pluginDefaults`: values for all tasks, triggers and runners of a type.

A default applies to a type that equals its own or starts with it. It is merged under what the object says, or over it
with `forced`; maps are merged deeply, lists are put one after the other. Source: Kestra's PluginDefaultService.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from wdprefect.loader.shape import Findings
from wdprefect.model.task import Path


@dataclass(frozen=True, slots=True)
class Default:
    """Values for a type or for all types that start with it."""

    type: str
    values: Mapping[str, Any]
    forced: bool = False

    def fits(self, type_name: str) -> bool:
        return type_name.startswith(self.type)


def apply_defaults(data: Mapping[str, Any], defaults: list[Default], known: Collection[str]) -> dict[str, Any]:
    """The properties of an object with the defaults of its type; the first default in the list wins.

    known: the properties that the type has; a default that was written for a whole family may name others.
    """
    type_name = str(data.get("type", ""))
    result = dict(data)
    for default in defaults:
        if not default.fits(type_name):
            continue
        values = {k: v for k, v in default.values.items() if k in known or default.type == type_name}
        result = _merged(result, values) if default.forced else _merged(values, result)
    return result


def read_defaults(value: Any, path: Path, findings: Findings) -> list[Default]:
    """The defaults of a flow, forced ones last so that they are laid over everything; adds what is wrong with them."""
    if not isinstance(value, list):
        findings.add(path, "WD202", "'pluginDefaults' must be a list")
        return []
    found = [default for i, item in enumerate(value) for default in _checked(item, (*path, i), findings)]
    return sorted(found, key=lambda default: default.forced)


def _checked(item: Any, path: Path, findings: Findings) -> Iterator[Default]:
    if not isinstance(item, dict) or not isinstance(item.get("type"), str):
        findings.add(path, "WD203", "a plugin default needs a 'type'")
        return
    if not isinstance(item.get("values"), dict):
        findings.add(path, "WD203", "a plugin default needs 'values', a map of properties")
        return
    for name in sorted(item.keys() - {"type", "values", "forced"}):
        findings.add_at(findings.at_key((*path, name)), "WD201", f"unknown property '{name}' of a plugin default")
    for name, default in item["values"].items():
        if default is None:
            at = findings.at_key((*path, "values", name))
            findings.add_at(at, "WD203", f"the plugin default of '{name}' has no value")
    yield Default(item["type"], item["values"], forced=item.get("forced") is True)


def _merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(under)
    for key, value in over.items():
        old = result.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            result[key] = _merged(old, value)
        elif isinstance(old, list) and isinstance(value, list):
            result[key] = [*old, *value]
        else:
            result[key] = value
    return result
