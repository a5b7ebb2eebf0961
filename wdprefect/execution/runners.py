"""Which runner a task asks for, and whether it is there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wdprefect.errors import Problem
from wdprefect.execution.place import find_task_runner
from wdprefect.model.flow import Flow
from wdprefect.model.task import iter_tasks


def unavailable_runners(flow: Flow) -> Iterator[Problem]:
    """A problem for each task whose commands cannot run where it wants them to."""
    for spec in iter_tasks([flow.tasks, flow.errors, flow.finally_, flow.after_execution]):
        settings: Any = spec.data.get("taskRunner")
        if isinstance(settings, dict) and not spec.settings.disabled:
            reason = find_task_runner(settings).unavailable
            if reason:
                at = flow.at((*spec.path, "taskRunner"))
                yield Problem(at, "WD410", f"'{spec.id}': {reason}", "run it with --runner process")
