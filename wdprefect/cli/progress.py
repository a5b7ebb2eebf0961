"""What is seen while a flow runs: on standard error, live in a terminal, plain lines in a pipe."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from wdprefect.execution.records import LogRecord, TaskRun

if TYPE_CHECKING:
    from rich.progress import TaskID


class Progress(Protocol):
    """Shows tasks as they start and end, and their lines."""

    def log(self, record: LogRecord) -> None: ...
    def task(self, task_run: TaskRun) -> None: ...


@contextmanager
def make_progress(flow_name: str) -> Iterator[Progress]:
    """The progress for where standard error goes."""
    if not sys.stderr.isatty():
        yield PlainProgress()
        return
    with LiveProgress.shown(flow_name) as live:
        yield live


class PlainProgress:
    """One line as a task starts, one as it ends, and its log between."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def log(self, record: LogRecord) -> None:
        self._print("\n".join(log_lines(record)))

    def task(self, task_run: TaskRun) -> None:
        self._print(ended(task_run) if task_run.ended else f"* {task_run.label}: {_started(task_run)}")

    def _print(self, text: str) -> None:
        with self._lock:
            print(text, file=sys.stderr, flush=True)


class LiveProgress:
    """A line for each task that runs, with its time; the log scrolls above."""

    def __init__(self) -> None:
        from rich.console import Console  # rich takes 50 ms, and only a terminal needs it
        from rich.progress import Progress as Bars
        from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

        columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
        self._bars = Bars(*columns, console=Console(stderr=True, highlight=False), transient=True)
        self._ids: dict[str, TaskID] = {}

    @classmethod
    @contextmanager
    def shown(cls, flow_name: str) -> Iterator[LiveProgress]:
        """The progress while the block runs."""
        live = cls()
        with live._bars:
            live._bars.add_task(flow_name)
            yield live

    def log(self, record: LogRecord) -> None:
        style = {"WARN": "yellow", "ERROR": "red", "DEBUG": "dim", "TRACE": "dim"}.get(record.level)
        self._print("\n".join(log_lines(record)), style or "")

    def task(self, task_run: TaskRun) -> None:
        shown = self._ids.pop(task_run.id, None)
        if shown is not None:
            self._bars.remove_task(shown)
        if task_run.ended is None:
            again = f", attempt {len(task_run.attempts) + 1}" if task_run.attempts else ""
            self._ids[task_run.id] = self._bars.add_task(f"  {task_run.label}{again}")
            return
        style = {"FAILED": "red", "KILLED": "red", "WARNING": "yellow", "SKIPPED": "dim"}.get(task_run.state, "green")
        self._print(ended(task_run), style)

    def _print(self, text: str, style: str) -> None:
        from rich.text import Text  # as above

        # As a style of the printing, the colour would be that of the lines below as well.
        self._bars.console.print(Text(text, style), soft_wrap=True)


def log_lines(record: LogRecord) -> Iterator[str]:
    """The lines of a record, each with its task before it; the level where it is not INFO."""
    level = "" if record.level == "INFO" else f"{record.level} "
    name = "flow" if record.task_id is None else _label(record.task_id, record.value)
    for line in record.message.splitlines() or [""]:
        yield f"  {name} | {level}{line}"


def ended(task_run: TaskRun) -> str:
    """One line for a task that has ended."""
    if task_run.state == "SKIPPED":
        return f"* {task_run.label}: skipped"
    return f"* {task_run.label}: {task_run.state.lower()}, took {task_run.seconds:.2f} s"


def _started(task_run: TaskRun) -> str:
    number = len(task_run.attempts) + 1
    return "started" if number == 1 else f"attempt {number} started"


def _label(task_id: str, value: str | None) -> str:
    return task_id if value is None else f"{task_id}[{value}]"
