"""The result of a run on standard output."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from wdprefect.cli.table import print_table
from wdprefect.execution.execution import Execution


def print_summary(execution: Execution) -> None:
    """State, tasks, outputs, files and what went wrong."""
    seconds = (execution.ended - execution.started).total_seconds()
    print(f"{execution.flow} {execution.state} in {seconds:.2f} s, run {execution.id}")
    if len(execution.task_runs) > 1:
        print_table(_tasks(execution))
    summary = execution.summary()
    if summary["outputs"]:
        print("outputs:")
        for name, value in summary["outputs"].items():
            print(f"  {name}: {_shown(value)}")
    hide = execution.masker.hide
    files = [(run.label, name, file) for run in execution.task_runs for name, file in run.files.items()]
    if files:
        print("files:")
        print_table([label, hide(name), _size(file.size), hide(file.uri)] for label, name, file in files)
        print(f"  get one with: wdprefect files {execution.id} get NAME")
    if execution.error:
        print(f"error: {execution.error}")


def _tasks(execution: Execution) -> Iterator[list[str]]:
    for run in execution.task_runs:
        depth = 0
        parent = run.parent
        while parent is not None:
            depth, parent = depth + 1, parent.parent
        attempts = f"{len(run.attempts)} attempts" if len(run.attempts) > 1 else ""
        yield ["  " * depth + run.label, run.state, f"{run.seconds:.2f} s", attempts]


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _size(size: float) -> str:
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:  # noqa: PLR2004  the step of the units
            return f"{size:.3g} {unit}"
        size /= 1024
    return f"{size:.3g} GiB"
