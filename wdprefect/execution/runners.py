"""Which runner a task asks for, and whether it is there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from wdprefect.errors import InvalidFlow, Problem, UsageError
from wdprefect.execution.configuration import read_configuration
from wdprefect.execution.folders import working_directories
from wdprefect.execution.place import RUNNERS, chosen_runner, find_task_runner
from wdprefect.execution.run import Options
from wdprefect.loader.build import aliases
from wdprefect.model.context import Wanted
from wdprefect.model.flow import Flow
from wdprefect.model.task import iter_tasks


def choose_options(flow: Flow, runner: str | None, namespace_files: Path | None = None) -> Options:
    """The options of a run. Raises InvalidFlow when a task asks for a runner that is not there.

    namespace_files: the folder in place of the one that is configured.
    """
    chosen = runner or os.environ.get("WDPREFECT_RUNNER") or None
    if chosen is not None and chosen not in RUNNERS:
        names = " or ".join(f"'{name}'" for name in RUNNERS)
        raise UsageError(f"unknown runner '{chosen}': it is {names}")
    configuration = read_configuration()
    if namespace_files:
        configuration = configuration.model_copy(update={"namespace_files": namespace_files.absolute()})
    options = Options(RUNNERS[chosen] if chosen else None, working_directories(), configuration)
    problems = list(unavailable_runners(flow, options))
    if problems:
        raise InvalidFlow(problems)
    return options


def unavailable_runners(flow: Flow, options: Options) -> Iterator[Problem]:
    """A problem for each task whose commands cannot run where it wants them to."""
    for spec in iter_tasks([flow.tasks, flow.errors, flow.finally_, flow.after_execution]):
        settings: Any = spec.data.get("taskRunner")
        if "taskRunner" not in aliases(spec.kind) or spec.settings.disabled or not isinstance(settings, dict | None):
            continue
        reason = find_task_runner(chosen_runner(Wanted(settings, spec.data.get("containerImage")), options)).unavailable
        if reason:
            at = flow.at((*spec.path, "taskRunner"))
            yield Problem(at, "WD410", f"'{spec.id}': {reason}", "run it with --runner process")
