"""Plain data → a checked Flow: one class per type, all problems at once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar

from wdprefect.errors import InvalidFlow, Problem
from wdprefect.loader.checks import check
from wdprefect.loader.defaults import Default, read_defaults, with_defaults
from wdprefect.loader.draft import LISTS, Draft
from wdprefect.loader.layers import DEFAULTS, Layers
from wdprefect.loader.located import Located
from wdprefect.loader.shape import Findings
from wdprefect.loader.source import Source
from wdprefect.loader.spellings import modernize
from wdprefect.loader.types import find_type, nearest_types
from wdprefect.loader.wording import must_be
from wdprefect.model.flow import Flow
from wdprefect.model.node import CHILDREN, RUNNER, Marker, Node
from wdprefect.model.task import Path, Settings, Task, TaskSpec
from wdprefect.model.task_runner import TaskRunner
from wdprefect.model.trigger import Trigger, TriggerSpec

N = TypeVar("N", bound=Node)


def build(source: Source) -> Flow:
    """The flow of a source. Raises InvalidFlow with all problems."""
    if not isinstance(source.data, dict):
        at = source.at(())
        message = f"the flow: {must_be(['a map'], source.data)}"
        raise InvalidFlow([Problem(at, "WD200", message, "start with the keys id, namespace and tasks")])
    modern = modernize(source.data, source)
    findings = Findings(source, modern)
    draft = _Builder(findings).draft(modern.data)
    flow = findings.validated(Flow, draft.properties, Layers.of(draft.properties, ()))
    check(draft, findings)
    if flow is None or findings.problems:
        raise InvalidFlow([*findings.problems, *findings.doubts])
    flow._places = Located(draft, findings)  # noqa: SLF001  private to flows and this module, which makes them
    flow._digest = _digest(modern.data)  # noqa: SLF001
    flow._notes = (*source.warnings, *modern.notes, *findings.notes)  # noqa: SLF001
    return flow


class _Builder:
    """Turns the plain data of one flow into specs, and keeps what it finds wrong."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._defaults: list[Default] = []
        self._layers: dict[Path, Layers] = {}

    def draft(self, data: dict[str, Any]) -> Draft:
        properties = {key: value for key, value in data.items() if value is not None}
        if DEFAULTS in properties:
            self._defaults = read_defaults(properties.pop(DEFAULTS), (DEFAULTS,), self._findings)
        for name in LISTS:
            if name in properties:
                properties[name] = self._children(properties[name], (name,))
        if isinstance(properties.get("triggers"), list):
            triggers = enumerate(properties["triggers"])
            properties["triggers"] = [self._trigger(item, ("triggers", i)) for i, item in triggers]
        return Draft(properties, self._layers)

    def _children(self, value: Any, path: Path) -> Any:
        """The tasks in a list, in a map of lists, or under the key `task` of a map; other data stays as it is."""
        if isinstance(value, list):
            return [self._children(item, (*path, i)) for i, item in enumerate(value)]
        if not isinstance(value, dict):
            return value
        if "task" in value and "type" not in value:
            return {**value, "task": self._children(value["task"], (*path, "task"))}
        if "type" in value or "id" in value:
            return self._task(value, path)
        return {key: self._children(item, (*path, key)) for key, item in value.items()}

    def _task(self, data: dict[str, Any], path: Path) -> TaskSpec:
        kind = self._kind(data, Layers.of(data, path), Task, "task")
        if kind is None:
            # What is inside is looked at all the same, as far as every type has it.
            inside = {name: self._children(data[name], (*path, name)) for name in LISTS if name in data}
            return TaskSpec(_id(data), Task, {**data, **inside}, Settings(), path)
        layers = self._layers[path] = self._completed(Layers.of(data, path), data["type"], kind)
        properties = _given(layers)
        for name, marker in markers(kind).items():
            if name in properties and marker is CHILDREN:
                properties[name] = self._children(properties[name], (*path, name))
            elif name in properties and marker is RUNNER:
                properties[name] = self._task_runner(properties[name], layers.inside(name))
        if self._findings.validated(kind, properties, layers) is None:
            # It keeps its place, so that its parent is not wrong as well.
            return TaskSpec(_id(data), kind, properties, Settings(), path)
        # The engine reads the timeout from the rendered task, all else before.
        settings = {k: v for k, v in properties.items() if k in aliases(Settings) and k != "timeout"}
        return TaskSpec(properties["id"], kind, properties, Settings.model_validate(settings), path)

    def _task_runner(self, data: Any, own: Layers) -> Any:
        if not isinstance(data, dict):
            return data
        kind = self._kind(data, own, TaskRunner, "task runner")  # type: ignore[type-abstract]  # the base of what is looked for
        if kind is None:
            return data
        layers = self._completed(own, data["type"], kind)
        properties = _given(layers)
        self._findings.validated(kind, properties, layers)
        return properties

    def _trigger(self, data: Any, path: Path) -> Any:
        if not isinstance(data, dict):
            return data
        own = Layers.of(data, path)
        kind = self._kind(data, own, Trigger, "trigger")
        if kind is None:
            return TriggerSpec(_id(data), Trigger, data, path)
        layers = self._layers[path] = self._completed(own, data["type"], kind)
        properties = _given(layers)
        self._findings.validated(kind, properties, layers)
        return TriggerSpec(_id(data), kind, properties, path)

    def _completed(self, own: Layers, type_name: str, kind: type[Node]) -> Layers:
        return with_defaults(own, type_name, self._defaults, aliases(kind))

    def _kind(self, data: dict[str, Any], own: Layers, kind: type[N], word: str) -> type[N] | None:
        name, at = data.get("type"), own.origin(("type",))
        if name is None:
            self._findings.add(own.path, "WD203", f"this {word} has no 'type'", "wdprefect types lists them")
            return None
        if not isinstance(name, str) or not name:
            message = f"'type': {must_be([f'the name of a {word} type'], name)}"
            self._findings.add(at, "WD202", message, "wdprefect types lists them")
            return None
        found = find_type(name, kind)
        if found is None:
            near = nearest_types(name, kind)
            hint = f"did you mean {' or '.join(map(repr, near))}?" if near else "wdprefect types lists what there is"
            self._findings.add(at, "WD204", f"unknown {word} type '{name}'", hint)
        return found


def _given(layers: Layers) -> dict[str, Any]:
    return {key: value for key, value in layers.merged().items() if value is not None}


def _id(data: Mapping[str, Any]) -> str:
    return data["id"] if isinstance(data.get("id"), str) else ""


@cache
def markers(kind: type[Node]) -> Mapping[str, Marker]:
    """The properties of a type that are treated in a way of their own, by their names in YAML."""
    return {
        field.alias or name: marker
        for name, field in kind.model_fields.items()
        for marker in field.metadata
        if isinstance(marker, Marker)
    }


@cache
def aliases(kind: type[Node]) -> frozenset[str]:
    """The names that the properties of a type have in YAML."""
    return frozenset(field.alias or name for name, field in kind.model_fields.items())


def _digest(data: Mapping[str, Any]) -> str:
    text = json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
