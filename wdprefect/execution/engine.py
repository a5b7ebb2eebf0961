"""Who executes: the interface, and the engine that needs nothing but this process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from wdprefect.execution.records import Result, TaskRun
from wdprefect.model.task import Flowable, TaskSpec

Body = Callable[[], Awaitable[Result]]


@dataclass(frozen=True, slots=True)
class Call:
    """One attempt of a task run that an engine is asked to execute.

    attempt: from 1.
    """

    run: TaskRun
    attempt: int
    spec: TaskSpec

    @property
    def is_unit(self) -> bool:
        """Whether its children run inside it, and it owns a result."""
        return issubclass(self.spec.kind, Flowable)

    @property
    def name(self) -> str:
        """The task's id, its loop value, and the number of the attempt from the second on."""
        return f"{self.run.label} ({self.attempt})" if self.attempt > 1 else self.run.label


class Engine(Protocol):
    """Executes attempts. The order, the retries and the timeouts are the walk's."""

    async def run(self, call: Call, body: Body) -> Result:
        """Execute the body once, make it visible, and return what it returned."""

    def show(self, call: Call, result: Result) -> None:
        """Make visible what has ended without being executed: its `runIf` was false, or could not be rendered."""

    def inside(self, call: Call) -> Engine:
        """The engine of the children of a unit that runs in this call."""


class LocalEngine:
    """Executes in this process and shows nothing."""

    async def run(self, call: Call, body: Body) -> Result:  # noqa: ARG002  others show the call
        return await body()

    def show(self, call: Call, result: Result) -> None:
        """Nothing."""

    def inside(self, call: Call) -> Engine:  # noqa: ARG002
        return self
