"""Where in the tree a task stands, and what it sees from there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from wdprefect.execution.engine import Engine
from wdprefect.execution.place import Place
from wdprefect.execution.records import TaskRun
from wdprefect.model.context import Item
from wdprefect.model.retry import Retry


@dataclass(frozen=True, slots=True)
class Frame:
    """What the children of one flowable have in common.

    parent: the flowable's task run. item: what a loop gives to them directly. values: those of the loops around them.
    parents: what `{{ parents }}` shows, ancestors that have a value, the nearest first. place: the directory that they
    share, in a WorkingDirectory.
    """

    engine: Engine
    parent: TaskRun | None = None
    item: Item | None = None
    values: tuple[str, ...] = ()
    parents: tuple[Mapping[str, Any], ...] = ()
    place: Place | None = None
    retry: Retry | None = None

    def below(self, run: TaskRun, retry: Retry | None) -> Frame:
        """The frame of the children of a flowable in this frame."""
        entry = [] if run.value is None else [{"taskrun": {"value": run.value}}]
        return replace(
            self,
            parent=run,
            item=None,
            values=run.values,
            parents=(*entry, *self.parents),
            retry=retry or self.retry,
        )

    def inside(self, run: TaskRun, engine: Engine, place: Place) -> Frame:
        """The frame of the children of a unit: they share its directory, and its parents are theirs."""
        return replace(self, engine=engine, parent=run, item=None, values=run.values, place=place)

    def round(self, item: Item) -> Frame:
        """This frame for one round of a loop."""
        return replace(self, item=item)

    def seen(self, run: TaskRun) -> dict[str, Any]:
        """What a task run sees of itself and of what is around it."""
        # The children of a WorkingDirectory show the value of the directory.
        shown = run.parent if self.place and run.value is None and run.parent else run
        scope: dict[str, Any] = {"task": {"id": run.task_id, "type": run.type}, "taskrun": _facts(run, shown.value)}
        if self.place and self.parent:
            scope["workerTaskrun"] = _facts(self.parent, self.parent.value)
        scope["parents"] = list(self.parents)
        if self.parents:
            scope["parent"] = self.parents[0]
        return scope


def _facts(run: TaskRun, value: str | None) -> dict[str, Any]:
    """What is seen of a task run, with the value that is shown for it."""
    facts: dict[str, Any] = {"id": run.id, "startDate": run.started, "attemptsCount": len(run.attempts)}
    optional = {"parentId": run.parent_id, "value": value, "iteration": run.iteration}
    return facts | {name: value for name, value in optional.items() if value is not None}
