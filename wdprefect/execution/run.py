"""What is common to all tasks of one run."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from wdprefect.execution.blocks import Blocks
from wdprefect.execution.configuration import NOTHING_CONFIGURED, Configuration
from wdprefect.execution.ledger import Ledger
from wdprefect.execution.logbook import LogBook
from wdprefect.execution.outputs import with_value, without_nulls
from wdprefect.execution.records import TaskRun, now
from wdprefect.execution.services import RunServices
from wdprefect.execution.threads import Threads
from wdprefect.expressions import Expressions
from wdprefect.masking import Masker, merged
from wdprefect.model.blocks import FindBlock, no_blocks
from wdprefect.model.flow import Flow
from wdprefect.model.ports import Storage
from wdprefect.storage.reader import Reader

# Called when an attempt of a task run starts, and when the task run has ended; only then for one that is skipped.
Watcher = Callable[[TaskRun], None]


@dataclass(frozen=True, slots=True)
class Options:
    """How a run is made: see `wdprefect.run`, which takes the same by name.

    runner: the type name of the task runner that replaces whatever tasks ask for. directory: where working directories
    are made. grace: how long programs may take to end when they are asked to. configuration: the project's. block:
    finds Prefect blocks.
    """

    runner: str | None
    directory: Path
    configuration: Configuration = NOTHING_CONFIGURED
    grace: timedelta = timedelta(seconds=5)
    threads: int = 16
    block: FindBlock = no_blocks


@dataclass(slots=True)
class Run:
    """One execution while it runs. The walk changes it, and nobody else."""

    id: str
    flow: Flow
    options: Options
    inputs: Mapping[str, Any]
    labels: Mapping[str, str]
    trigger: Mapping[str, Any] | None
    storage: Storage
    reader: Reader
    masker: Masker
    logs: LogBook
    ledger: Ledger
    services: RunServices
    blocks: Blocks
    uri: str
    threads: Threads
    environment: Mapping[str, str]
    expressions: Expressions = field(default_factory=Expressions)
    started: datetime = field(default_factory=now)
    task_runs: list[TaskRun] = field(default_factory=list)
    outputs: Mapping[str, Any] = field(default_factory=dict)
    tasks: Mapping[str, Any] = field(default_factory=dict)
    state: str = "RUNNING"
    flow_outputs: Mapping[str, Any] | None = None
    watchers: Sequence[Watcher] = ()
    _silent: dict[str, Any] = field(default_factory=dict)
    _numbers: dict[str, int] = field(default_factory=dict)

    @property
    def container_labels(self) -> dict[str, str]:
        """Whose a container of this run is."""
        return {"namespace": self.flow.namespace, "flow": self.flow.id, "run": self.id}

    def begin(self, task_run: TaskRun) -> None:
        """Take a task run into the list, in the order of creation."""
        self._numbers[task_run.id] = len(self.task_runs)
        self.task_runs.append(task_run)
        self._show(task_run)

    def start(self, task_run: TaskRun) -> None:
        """Tell who watches that an attempt of a task run starts."""
        for watch in self.watchers:
            watch(task_run)

    def end(self, task_run: TaskRun) -> None:
        """Show what a finished task run delivered to the tasks behind it, and write its entry."""
        task_run.ended = now()
        if task_run.outputs:
            delivered = self.masker.guarded(without_nulls(task_run.outputs))
            self.outputs = with_value(self.outputs, (task_run.task_id, *task_run.values), delivered)
        elif task_run.state != "SKIPPED":
            self._silent[task_run.task_id] = {}
        self._show(task_run)
        self.ledger.record(task_run, self._numbers[task_run.id])
        for watch in self.watchers:
            watch(task_run)

    def _show(self, task_run: TaskRun) -> None:
        path = (task_run.task_id, *([] if task_run.value is None else [task_run.value]))
        self.tasks = with_value(self.tasks, path, {"state": task_run.state})

    def scope(self) -> dict[str, Any]:
        """What every task of the run sees now. Names without a content are absent, as in Kestra."""
        flow = self.flow
        execution: dict[str, Any] = {"id": self.id, "startDate": self.started, "state": self.state}
        if self.flow_outputs is not None:
            execution["outputs"] = self.masker.guarded(self.flow_outputs)
        scope: dict[str, Any] = {
            "flow": {"id": flow.id, "namespace": flow.namespace, "revision": flow.revision or 1},
            "execution": {**execution, "originalId": self.id},
            # What ran and delivered nothing is there, and empty.
            "outputs": merged(self._silent, self.outputs),
            "tasks": self.tasks,
            "labels": nested_labels({**self.labels, "system.correlationId": self.id}),
            "envs": self.environment,
            "globals": {},
        }
        optional = {"inputs": self.inputs, "vars": flow.variables, "trigger": self.trigger}
        return scope | {name: value for name, value in optional.items() if value}


def nested_labels(labels: Mapping[str, str]) -> dict[str, Any]:
    """Labels with dots in their names as maps in maps; where two are in each other's way, the first stays."""
    found: dict[str, Any] = {}
    for name, value in labels.items():
        *path, last = name.split(".")
        target: Any = found
        for part in path:
            target = target.setdefault(part, {}) if isinstance(target, dict) else None
        if isinstance(target, dict):
            target.setdefault(last, value)
    return found


def new_id() -> str:
    """An id for an execution or a task run."""
    return str(uuid.uuid4())


def visible_environment(
    environment: Mapping[str, str], prefixes: Sequence[str] = ("ENV_", "KESTRA_")
) -> dict[str, str]:
    """What `{{ envs }}` shows: variables with one of the prefixes, without it and in lower case."""
    return {
        name[len(prefix) :].lower(): value
        for prefix in prefixes
        for name, value in environment.items()
        if name.startswith(prefix)
    }
