"""Which runner a task asks for, and whether it is there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from wdprefect.errors import InvalidFlow, Problem, UsageError
from wdprefect.execution.folders import working_directories
from wdprefect.execution.place import PROCESS, find_task_runner
from wdprefect.execution.run import Options
from wdprefect.model.flow import Flow
from wdprefect.model.task import iter_tasks

DOCKER = "io.kestra.plugin.scripts.runner.docker.Docker"


def choose_options(flow: Flow, runner: str | None) -> Options:
    """The options of a run. Raises InvalidFlow when a task asks for a runner that is not there."""
    chosen = runner or os.environ.get("WDPREFECT_RUNNER") or None
    if chosen not in (None, "process"):
        raise UsageError(f"unknown runner '{chosen}': it is 'process'")
    options = Options(PROCESS if chosen else None, working_directories())
    if not options.runner:
        problems = list(unavailable_runners(flow))
        if problems:
            raise InvalidFlow(problems)
    return options


def unavailable_runners(flow: Flow) -> Iterator[Problem]:
    """A problem for each task whose commands cannot run where it wants them to."""
    for spec in iter_tasks([flow.tasks, flow.errors, flow.finally_, flow.after_execution]):
        settings: Any = spec.data.get("taskRunner")
        if settings is None and "containerImage" in spec.data:
            # Kestra's default is a container, and whoever names an image means one.
            settings = {"type": DOCKER}
        if isinstance(settings, dict) and not spec.settings.disabled:
            reason = find_task_runner(settings).unavailable
            if reason:
                at = flow.at((*spec.path, "taskRunner"))
                yield Problem(at, "WD410", f"'{spec.id}': {reason}", "run it with --runner process")
