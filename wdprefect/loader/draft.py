"""A flow as far as it can be built, for checks: also of a flow that is wrong elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from wdprefect.loader.layers import Layers
from wdprefect.model.task import Path, TaskSpec, iter_tasks
from wdprefect.model.trigger import TriggerSpec

LISTS = ("tasks", "errors", "finally", "afterExecution")


@dataclass(frozen=True, slots=True)
class Draft:
    """The properties of a flow by their names in YAML, with specs in place of tasks and triggers.

    What does not fit stands in it as it is. A task of an unknown type is a spec of the kind `Task`; an id that is no
    text is empty. layers: of each task and trigger, by its path, what it was put together from.
    """

    properties: Mapping[str, Any]
    layers: Mapping[Path, Layers]

    def tasks(self) -> Iterator[TaskSpec]:
        """Every task, parents before children."""
        return iter_tasks([self.properties.get(name) for name in LISTS])

    def triggers(self) -> list[TriggerSpec]:
        """The triggers."""
        return [item for _, item in self.items("triggers") if isinstance(item, TriggerSpec)]

    def items(self, name: str) -> Iterator[tuple[Path, Any]]:
        """The items of a list of the flow, each with its path."""
        found = self.properties.get(name)
        if isinstance(found, list):
            for i, item in enumerate(found):
                yield (name, i), item

    def origin(self, spec: TaskSpec | TriggerSpec, where: Path) -> Path:
        """The path in the flow of a part of a task or a trigger; it may lie in a plugin default."""
        layers = self.layers.get(spec.path)
        return layers.origin(where) if layers else (*spec.path, *where)
