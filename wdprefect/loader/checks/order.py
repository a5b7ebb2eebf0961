"""The order of the tasks of a flow, as far as it is certain before a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wdprefect.loader.draft import Draft
from wdprefect.model.task import Flowable, Path, TaskSpec

_CORE = "io.kestra.plugin.core.flow."
_SEQUENCES = frozenset(_CORE + name for name in ("Sequential", "AllowFailure", "WorkingDirectory"))
_CHOICES = frozenset(_CORE + name for name in ("If", "Switch"))
_BESIDE = frozenset(_CORE + name for name in ("Parallel", "Dag"))
_LOOPS = frozenset(_CORE + name for name in ("ForEach", "EachSequential", "EachParallel"))
_ORDERED = _SEQUENCES | _CHOICES | _BESIDE
# What runs behind what a flowable, or the flow, is made of.
_HANDLERS = {"errors": 1, "finally": 2, "afterExecution": 3}


class Order:
    """Which tasks lie in which, and which come before which."""

    def __init__(self, draft: Draft) -> None:
        self.specs: Sequence[TaskSpec] = list(draft.tasks())
        self._by_path = {spec.path: spec for spec in self.specs}

    def around(self, spec: TaskSpec) -> list[TaskSpec]:
        """The tasks that a task lies in, outermost first."""
        found = (self._by_path.get(spec.path[:length]) for length in range(1, len(spec.path)))
        return [parent for parent in found if parent is not None]

    def loops(self, spec: TaskSpec) -> list[TaskSpec] | None:
        """The loops around a task, outermost first; None where a task around it is of a kind that is not known here."""
        parents = self.around(spec)
        if any(parent.data.get("type") not in _ORDERED | _LOOPS for parent in parents):
            return None
        return [parent for parent in parents if parent.data["type"] in _LOOPS]

    def never_before(self, other: TaskSpec, reader: TaskSpec | None, *, is_late: bool) -> str | None:
        """Why one task has certainly not run when another one, or an output of the flow, reads its outputs.

        is_late: whether the reader does so when it likes, so that its own children may have run.
        """
        if reader is None:
            return "runs after the flow's outputs are computed" if other.path[0] == "afterExecution" else None
        if other.path[: len(reader.path)] == reader.path:
            return self._inside(other, reader, is_late=is_late)
        if reader.path[: len(other.path)] == other.path:
            # Kestra shows some outputs of a flowable to its children.
            return None
        return self._apart(other, reader)

    def _inside(self, other: TaskSpec, reader: TaskSpec, *, is_late: bool) -> str | None:
        if (is_late and issubclass(reader.kind, Flowable)) or not self._is_ordered(self.around(other)):
            return None
        return "is this task itself" if other is reader else "lies in this task and runs later"

    def _apart(self, other: TaskSpec, reader: TaskSpec) -> str | None:
        common = 0
        while other.path[common] == reader.path[common]:
            common += 1
        parents = [spec for spec in self.around(reader) if len(spec.path) <= common]
        if not self._is_ordered(parents):
            return None
        start = len(parents[-1].path) if parents else 0
        theirs, ours = other.path[start:], reader.path[start:]
        difference = _HANDLERS.get(str(theirs[0]), 0) - _HANDLERS.get(str(ours[0]), 0)
        if difference:
            return "runs later" if difference > 0 else None
        return _among(parents[-1] if parents and ours[0] not in _HANDLERS else None, theirs, ours)

    @staticmethod
    def _is_ordered(parents: Sequence[TaskSpec]) -> bool:
        # In a second round of a loop, the outputs of the first are there.
        return all(parent.data.get("type") in _ORDERED for parent in parents)


def _among(parent: TaskSpec | None, theirs: Path, ours: Path) -> str | None:
    """Why one child of a task, or of the flow, has not run when another one does."""
    kind = parent.data["type"] if parent else ""
    if kind in _BESIDE:
        return _in_dag(parent, theirs[1], ours[1]) if parent and kind == _CORE + "Dag" else None
    numbers = [next(step for step in path if isinstance(step, int)) for path in (theirs, ours)]
    branches = [path[: path.index(number)] for path, number in zip((theirs, ours), numbers, strict=True)]
    if branches[0] != branches[1]:
        return "lies in another branch"
    return "runs later" if numbers[0] > numbers[1] else None


def _in_dag(dag: TaskSpec, theirs: str | int, ours: str | int) -> str | None:
    """Why a task of a Dag has not run: it waits for the one that reads, perhaps through others."""
    entries: Any = dag.data.get("tasks")
    if not all(isinstance(entry, Mapping) and isinstance(entry.get("task"), TaskSpec) for entry in entries):
        return None
    after = {entry["task"].id: entry.get("dependsOn") or [] for entry in entries}
    reader, pending, seen = entries[ours]["task"].id, [entries[theirs]["task"].id], set[str]()
    while pending:
        name = pending.pop()
        if name not in seen:
            seen.add(name)
            pending += after.get(name, [])
    return "waits for this task" if reader in seen else None
