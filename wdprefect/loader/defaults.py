"""`pluginDefaults`: values for all tasks, triggers and runners of a type.

A default applies to a type that equals its own or starts with it. It is merged under what the object says, or over it
with `forced`; maps are merged deeply, lists are put one after the other. Source: Kestra's PluginDefaultService.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from wdprefect.loader.layers import Layer, Layers
from wdprefect.loader.shape import Findings
from wdprefect.loader.wording import must_be
from wdprefect.model.task import Path


@dataclass(frozen=True, slots=True)
class Default:
    """Values for a type or for all types that start with it; `path` is where the values lie in the flow."""

    type: str
    values: Mapping[str, Any]
    forced: bool = False
    path: Path = ()

    def fits(self, type_name: str) -> bool:
        return type_name.startswith(self.type)


def with_defaults(own: Layers, type_name: str, defaults: list[Default], known: Collection[str]) -> Layers:
    """The object between the defaults of its type; the first default in the list is the strongest of those under it.

    known: the properties that the type has; a default that was written for a whole family may name others.
    """
    fitting = [default for default in defaults if default.fits(type_name)]
    under = [_layer(default, type_name, known) for default in reversed(fitting) if not default.forced]
    over = [_layer(default, type_name, known) for default in fitting if default.forced]
    return Layers((*under, *own.layers, *over))


def _layer(default: Default, type_name: str, known: Collection[str]) -> Layer:
    return Layer({k: v for k, v in default.values.items() if k in known or default.type == type_name}, default.path)


def read_defaults(value: Any, path: Path, findings: Findings) -> list[Default]:
    """The defaults of a flow; adds what is wrong with them."""
    if not isinstance(value, list):
        findings.add(path, "WD202", f"'pluginDefaults': {must_be(['a list'], value)}", "start each entry with '- '")
        return []
    return [default for i, item in enumerate(value) for default in _checked(item, (*path, i), findings)]


def _checked(item: Any, path: Path, findings: Findings) -> Iterator[Default]:
    if not isinstance(item, dict):
        message = f"'pluginDefaults[{path[-1]}]': {must_be(['a map with a type and values'], item)}"
        findings.add(path, "WD202", message)
        return
    wrong = list(_wrong_entries(item))
    for where, code, message in wrong:
        findings.add((*path, where) if where in item else path, code, message)
    for name in sorted(item.keys() - {"type", "values", "forced"}, key=str):
        findings.add_at(findings.at_key((*path, name)), "WD201", f"unknown property '{name}' of a plugin default")
    if wrong:
        return
    for name, default in item["values"].items():
        if default is None:
            at = findings.at_key((*path, "values", name))
            findings.add_at(at, "WD203", f"the plugin default of '{name}' has no value")
    forced = str(item.get("forced")).lower() == "true"
    yield Default(item["type"], item["values"], forced, (*path, "values"))


def _wrong_entries(item: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Of each of the three properties of an entry that is wrong: its name, a code and a message."""
    kind, values, forced = (item.get(name) for name in ("type", "values", "forced"))
    if kind is None:
        yield "type", "WD203", "a plugin default needs a 'type'"
    elif not isinstance(kind, str) or not kind:
        yield "type", "WD202", f"'type': {must_be(['the name of a type or the start of one'], kind)}"
    if values is None:
        yield "values", "WD203", "a plugin default needs 'values', a map of properties"
    elif not isinstance(values, dict):
        yield "values", "WD202", f"'values': {must_be(['a map of properties'], values)}"
    if str(forced).lower() not in {"true", "false", "none"}:
        yield "forced", "WD202", f"'forced': {must_be(['true or false'], forced)}"
