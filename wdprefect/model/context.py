"""What a running task sees: its context."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol, TypeVar

from wdprefect.model.blocks import FindBlock
from wdprefect.model.ports import NamespaceFiles, Readable, Session, Storage, StoredFile, TaskLog, Workspace
from wdprefect.model.stop import Stop
from wdprefect.model.task import TaskSpec

T = TypeVar("T")


class Renderer(Protocol):
    """Templates to values, with what the task sees; `more` wins over it. Raises ExpressionError."""

    def text(self, template: str, more: Mapping[str, Any] | None = None) -> str: ...
    def value(self, template: str, more: Mapping[str, Any] | None = None) -> Any: ...
    def data(self, template: Any, more: Mapping[str, Any] | None = None) -> Any:
        """Each text in a list or a mapping rendered to text, keys included."""


class Metrics(Protocol):
    """The numbers that a task reports; the same name and tags again add to the first."""

    def add(self, kind: str, name: str, value: float, tags: Mapping[str, str]) -> None: ...


class Files(Protocol):
    """The internal storage as one task run uses it."""

    @property
    def storage(self) -> Storage: ...

    @property
    def reader(self) -> Readable:
        """The storage, and what `nsfile://` URIs name."""

    @property
    def namespaces(self) -> NamespaceFiles: ...

    @property
    def namespace(self) -> str:
        """The namespace of the flow."""

    def put(self, name: str, path: Path) -> StoredFile:
        """Copy a file into the task run's own folder of the storage. From then on it is a file of the run."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Where a task wants its commands to run.

    task_runner: the settings of the runner that it names. image: the container image that it names. default_image: the
    one of its type, for a container that names none. task_id, log: who asks, and where is said what it takes.
    """

    task_runner: Mapping[str, Any] | None = None
    image: str | None = None
    default_image: str | None = None
    task_id: str = ""
    log: TaskLog | None = None


class Sessions(Protocol):
    """Opens the place where a task's commands run: one for all tasks of a directory that ask for the same."""

    def open(self, wanted: Wanted) -> Session:
        """The session of the runner that the task asks for, or of the default one. Closed with the directory."""


@dataclass(frozen=True, slots=True)
class RunContext:
    """Everything that a leaf needs for one attempt, and nothing of who runs it.

    run_id: the id of the task run. grace: how long its programs may take to end when they are asked to. block: finds
    Prefect blocks, whose secrets are hidden from then on.
    """

    run_id: str
    render: Renderer
    log: TaskLog
    metrics: Metrics
    files: Files
    workspace: Workspace
    sessions: Sessions
    stop: Stop
    grace: timedelta
    block: FindBlock


@dataclass(frozen=True, slots=True)
class Item:
    """What a loop gives to one round: the value as text, and its number from 0."""

    value: str
    iteration: int


@dataclass(frozen=True, slots=True)
class Branch:
    """Tasks that run one after the other, beside other branches; it starts when those named in `after` have ended."""

    tasks: Sequence[TaskSpec]
    item: Item | None = None
    name: str = ""
    after: frozenset[str] = frozenset()


class FlowableContext(Protocol):
    """By what means a flowable runs its children."""

    @property
    def leaf(self) -> RunContext:
        """What a leaf in its place would see."""

    async def sequence(self, tasks: Sequence[TaskSpec]) -> None:
        """Run tasks one after the other, until one fails."""

    async def branches(self, branches: Sequence[Branch], limit: int = 0) -> None:
        """Run branches side by side, at most `limit` at a time (0: all); none starts after one has failed."""

    async def thread(self, work: Callable[[], T]) -> T:
        """The result of synchronous work, done beside the event loop."""
