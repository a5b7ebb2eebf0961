"""One attempt of a leaf: its context, its thread, and how it ended."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from wdprefect.errors import ExpressionError, TaskFailed, WdprefectError
from wdprefect.execution.place import Place
from wdprefect.execution.records import Metric, Result, TaskRun
from wdprefect.execution.rendering import Rendering, typed_task
from wdprefect.execution.run import Run
from wdprefect.model.context import RunContext
from wdprefect.model.node import Duration
from wdprefect.model.ports import NamespaceFiles, Readable, Storage, StoredFile
from wdprefect.model.stop import Stop
from wdprefect.model.task import Leaf, State, TaskOutputs, TaskSpec
from wdprefect.model.waiting import Waiter, waiting_for
from wdprefect.storage.uris import task_file_uri

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Trial:
    """One attempt of one task run, and everything that it needs."""

    run: Run
    spec: TaskSpec
    task_run: TaskRun
    render: Rendering
    place: Place
    number: int
    stop: Stop
    metrics: MetricsBook
    files: TaskFiles

    def context(self) -> RunContext:
        """What the task sees."""
        run, task_run, settings = self.run, self.task_run, self.spec.settings
        log = run.logs.task(task_run, settings.log_level, to_file=settings.log_to_file)
        return RunContext(
            run_id=task_run.id,
            render=self.render,
            log=log,
            metrics=self.metrics,
            files=self.files,
            workspace=self.place,
            sessions=self.place,
            stop=self.stop,
            grace=run.options.grace,
            block=run.blocks,
        )

    async def leaf(self) -> Result:
        """Run the task in a thread of its own. Every failure is a result; only being cancelled is raised."""
        try:
            timeout = self.timeout()
            work = self._work
            outputs = await self.run.threads.run(work, self.stop, self.run.options.grace, timeout)
        except Exception as error:  # noqa: BLE001  whatever a task raises fails the task, and nothing else
            return self.failed(error)
        return self.result("SUCCESS", outputs)

    def timeout(self) -> timedelta | None:
        """The task's timeout. Raises ExpressionError or TaskFailed when it is none."""
        value = self.spec.data.get("timeout")
        if value is None:
            return None
        rendered = self.render.text(value) if isinstance(value, str) else value
        try:
            return TypeAdapter[timedelta](Duration).validate_python(rendered)
        except ValidationError:
            msg = f"'timeout': '{rendered}' is no duration such as PT30S"
            raise TaskFailed(msg) from None

    def result(self, state: State, outputs: TaskOutputs | None) -> Result:
        """The result of an attempt that reached its end."""
        delivered = outputs.dump() if outputs is not None else None
        state = outputs.state(state) if outputs is not None else state
        return Result(state, delivered, metrics=self.metrics.all(), files=self.files.saved())

    def failed(self, error: Exception) -> Result:
        """The result of an attempt that ended with an error; the error is logged."""
        log = self.run.logs.task(self.task_run)
        outputs = error.outputs if isinstance(error, TaskFailed) else None
        where = self.run.flow.at_error(self.spec.path, error)
        place = f"{where}: task '{self.task_run.label}': "
        message = self.run.masker.hide(place + _words(error))
        log.write("ERROR", place + (error.headline if isinstance(error, TaskFailed) else _words(error)))
        if not isinstance(error, WdprefectError):
            log.write("DEBUG", "".join(traceback.format_exception(error)))
        delivered = outputs.dump() if isinstance(outputs, TaskOutputs) else None
        is_final = isinstance(error, ExpressionError)
        return Result("FAILED", delivered, message, self.metrics.all(), self.files.saved(), is_final=is_final)

    def _work(self) -> TaskOutputs | None:
        task = typed_task(self.spec, self.render)
        assert isinstance(task, Leaf)
        return self.waited_for(lambda: task.run(self.context()))

    def waited_for(self, work: Callable[[], T]) -> T:
        """What `work` comes to. Where it waits, the task's log says for what, and the task's stop ends that."""
        log = self.run.logs.task(self.task_run)
        with waiting_for(Waiter(lambda line: log.write("WARN", line), self.stop)):
            return work()


class MetricsBook:
    """The Metrics of one attempt: the same name and tags again add to the first."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, tuple[tuple[str, str], ...]], Metric] = {}

    def add(self, kind: str, name: str, value: float, tags: Mapping[str, str]) -> None:
        key = (name, tuple(sorted(tags.items())))
        before = self._found.get(key)
        total = before.value + value if before and kind != "gauge" else value
        self._found[key] = Metric(kind, name, total, dict(tags))

    def all(self) -> tuple[Metric, ...]:
        """What was reported so far."""
        return tuple(self._found.values())


class TaskFiles:
    """The Files of one attempt: it writes into a folder of its own."""

    def __init__(self, run: Run, task_run: TaskRun, number: int) -> None:
        self._storage, self._reader, self._uri, self._masker = run.storage, run.reader, run.uri, run.masker
        self._task_run, self._number = task_run, number
        self._saved: dict[str, StoredFile] = {}

    @property
    def storage(self) -> Storage:
        return self._storage

    @property
    def reader(self) -> Readable:
        return self._reader

    @property
    def namespaces(self) -> NamespaceFiles:
        return self._reader.namespaces

    @property
    def namespace(self) -> str:
        return self._reader.home

    def put(self, name: str, path: Path) -> StoredFile:
        run = self._task_run
        number = self._number if self._number > 1 else None
        self._saved[name] = stored = self._storage.put(
            task_file_uri(self._uri, run.task_id, run.id, self._stored_name(name), number), path
        )
        return stored

    def _stored_name(self, name: str) -> str:
        """The name in the storage: without secrets, which would be seen in its URI, and apart from other names."""
        shown = self._masker.hide(name)
        return shown if shown == name else f"{len(self._saved)}/{shown}"

    def saved(self) -> dict[str, StoredFile]:
        """The files so far by their names, sorted."""
        return dict(sorted(self._saved.items()))


def _words(error: Exception) -> str:
    return str(error) if isinstance(error, WdprefectError) else f"unexpected {type(error).__name__}: {error}"
