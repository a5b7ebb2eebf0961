"""What a run leaves behind: task runs, attempts, log lines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Literal

from wdprefect.errors import Position
from wdprefect.model.ports import Level, StoredFile
from wdprefect.model.task import State

RunState = Literal["RUNNING", "SUCCESS", "WARNING", "FAILED", "KILLED", "SKIPPED"]


def now() -> datetime:
    """This moment, in UTC."""
    return datetime.now(timezone.utc)


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One line, or one message of several lines, of a run's log. `task_id` is None for the run's own."""

    time: datetime
    level: Level
    message: str
    task_id: str | None = None
    task_run_id: str | None = None
    value: str | None = None
    to_file: bool = False


@dataclass(frozen=True, slots=True)
class Metric:
    """A number that a task reported; a timer's value is in seconds."""

    kind: str
    name: str
    value: float
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Result:
    """How one attempt ended.

    files: what it put into the storage, by names. error: what went wrong, with the place in the flow's file and
    secrets hidden; `outputs` may be there even so.
    is_final: trying again cannot help, because the flow itself is wrong.
    """

    state: State
    outputs: Mapping[str, Any] | None = None
    error: str | None = None
    metrics: tuple[Metric, ...] = ()
    files: Mapping[str, StoredFile] = field(default_factory=dict)
    is_final: bool = False


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of a task run."""

    state: State
    started: datetime
    ended: datetime


@dataclass(slots=True)
class TaskRun:
    """One run of one task for one value.

    value, iteration: what a loop gave to it, when it stands directly in one. values: those of the loops around it and
    its own, the outermost first; its outputs are found under them. attempts: the finished ones. hide: hides secrets in
    what is shown of it.
    """

    id: str
    task_id: str
    type: str
    at: Position
    parent: TaskRun | None = None
    value: str | None = field(default=None, repr=False)
    iteration: int | None = None
    values: tuple[str, ...] = field(default=(), repr=False)
    state: RunState = "RUNNING"
    attempts: list[Attempt] = field(default_factory=list)
    outputs: Mapping[str, Any] | None = field(default=None, repr=False)
    metrics: tuple[Metric, ...] = field(default=(), repr=False)
    files: Mapping[str, StoredFile] = field(default_factory=dict, repr=False)
    error: str | None = None
    started: datetime = field(default_factory=now)
    ended: datetime | None = None
    hide: Callable[[str], str] = field(default=str, repr=False, compare=False)

    @property
    def parent_id(self) -> str | None:
        return self.parent.id if self.parent else None

    @property
    def final_state(self) -> State:
        """The state of a task run that has ended."""
        assert self.state != "RUNNING"
        return self.state

    @property
    def seconds(self) -> float:
        """How long it has taken, until now where it has not ended."""
        return ((self.ended or now()) - self.started).total_seconds()

    @property
    def shown_value(self) -> str | None:
        """The value of the loop, its secrets hidden; the number of the round tells it from others then."""
        if self.value is None or (shown := self.hide(self.value)) == self.value:
            return self.value
        return f"{shown}#{self.iteration}"

    @property
    def label(self) -> str:
        """The task's id, and the value of the loop in brackets, its secrets hidden."""
        return self.task_id if self.value is None else f"{self.task_id}[{self.shown_value}]"
