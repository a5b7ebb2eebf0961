"""Plain data → a checked Flow: one class per type, all problems at once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar

from wdprefect.errors import InvalidFlow, Problem
from wdprefect.loader.checks import check
from wdprefect.loader.defaults import Default, apply_defaults, read_defaults
from wdprefect.loader.shape import Findings
from wdprefect.loader.source import Source
from wdprefect.loader.spellings import modernize
from wdprefect.loader.types import find_type, nearest_types
from wdprefect.model.flow import Flow
from wdprefect.model.node import CHILDREN, RUNNER, Marker, Node
from wdprefect.model.task import Path, Settings, Task, TaskSpec
from wdprefect.model.task_runner import TaskRunner
from wdprefect.model.trigger import Trigger, TriggerSpec

N = TypeVar("N", bound=Node)
_LISTS = ("tasks", "errors", "finally", "afterExecution")


def build(source: Source) -> Flow:
    """The flow of a source. Raises InvalidFlow with all problems."""
    if not isinstance(source.data, dict):
        at = source.at(())
        raise InvalidFlow([Problem(at, "WD200", "a flow is a mapping", "start with the keys id, namespace and tasks")])
    modern = modernize(source.data, source)
    findings = Findings(source, modern)
    flow = _Builder(findings).flow(modern.data)
    if flow is None:
        raise InvalidFlow(findings.problems)
    check(flow, findings)
    if findings.problems:
        raise InvalidFlow(findings.problems)
    flow._places = findings  # noqa: SLF001  private to flows and this module, which makes them
    flow._digest = _digest(modern.data)  # noqa: SLF001
    flow._notes = (*source.warnings, *modern.notes)  # noqa: SLF001
    return flow


class _Builder:
    """Turns the plain data of one flow into specs, and keeps what it finds wrong."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._defaults: list[Default] = []

    def flow(self, data: dict[str, Any]) -> Flow | None:
        properties = {key: value for key, value in data.items() if value is not None}
        if "pluginDefaults" in properties:
            raw = properties.pop("pluginDefaults")
            self._defaults = read_defaults(raw, ("pluginDefaults",), self._findings)
        for name in _LISTS:
            if name in properties:
                properties[name] = self._children(properties[name], (name,))
        if isinstance(properties.get("triggers"), list):
            triggers = enumerate(properties["triggers"])
            properties["triggers"] = [self._trigger(item, ("triggers", i)) for i, item in triggers]
        flow = self._findings.validated(Flow, properties, ())
        return None if self._findings.problems else flow

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
        # What stands for a task that is wrong: it keeps its parent from being wrong as well.
        broken = TaskSpec(str(data.get("id")), Task, data, Settings(), path)
        kind = self._kind(data, path, Task, "task")
        if kind is None:
            return broken
        properties = self._completed(data, kind)
        for name, marker in markers(kind).items():
            if name in properties and marker is CHILDREN:
                properties[name] = self._children(properties[name], (*path, name))
            elif name in properties and marker is RUNNER:
                properties[name] = self._task_runner(properties[name], (*path, name))
        if self._findings.validated(kind, properties, path) is None:
            return broken
        # The engine reads the timeout from the rendered task, all else before.
        settings = {k: v for k, v in properties.items() if k in aliases(Settings) and k != "timeout"}
        return TaskSpec(properties["id"], kind, properties, Settings.model_validate(settings), path)

    def _task_runner(self, data: Any, path: Path) -> Any:
        if not isinstance(data, dict):
            return data
        kind = self._kind(data, path, TaskRunner, "task runner")  # type: ignore[type-abstract]  # the base of what is looked for
        if kind is None:
            return data
        properties = self._completed(data, kind)
        self._findings.validated(kind, properties, path)
        return properties

    def _trigger(self, data: Any, path: Path) -> Any:
        if not isinstance(data, dict):
            return data
        kind = self._kind(data, path, Trigger, "trigger")
        properties = self._completed(data, kind) if kind else data
        if kind:
            self._findings.validated(kind, properties, path)
        return TriggerSpec(str(properties.get("id")), kind or Trigger, properties, path)

    def _completed(self, data: Mapping[str, Any], kind: type[Node]) -> dict[str, Any]:
        with_defaults = apply_defaults(data, self._defaults, aliases(kind))
        return {key: value for key, value in with_defaults.items() if value is not None}

    def _kind(self, data: dict[str, Any], path: Path, kind: type[N], word: str) -> type[N] | None:
        name = data.get("type")
        if not isinstance(name, str) or not name:
            self._findings.add(path, "WD203", f"this {word} has no 'type'", "wdprefect types lists them")
            return None
        found = find_type(name, kind)
        if found is None:
            near = nearest_types(name, kind)
            hint = f"did you mean {' or '.join(map(repr, near))}?" if near else "wdprefect types lists what there is"
            self._findings.add((*path, "type"), "WD204", f"unknown {word} type '{name}'", hint)
        return found


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
