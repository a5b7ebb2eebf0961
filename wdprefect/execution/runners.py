"""Which runner a task asks for, and whether it is there."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import suppress
from typing import Any

from wdprefect.errors import InvalidFlow, Problem, TaskFailed, UsageError
from wdprefect.execution.configuration import read_configuration
from wdprefect.execution.folders import working_directories
from wdprefect.execution.place import RUNNERS, chosen_runner, find_task_runner, scene_of
from wdprefect.execution.run import Options
from wdprefect.loader.build import aliases
from wdprefect.loader.shape import has_template
from wdprefect.model.context import Wanted
from wdprefect.model.flow import Flow
from wdprefect.model.task import Path, TaskSpec, iter_tasks
from wdprefect.model.task_runner import TaskRunner


def choose_options(flow: Flow, runner: str | None) -> Options:
    """The options of a run. Raises InvalidFlow when a task asks for what the project does not allow."""
    chosen = runner or os.environ.get("WDPREFECT_RUNNER") or None
    if chosen is not None and chosen not in RUNNERS:
        names = " or ".join(f"'{name}'" for name in RUNNERS)
        raise UsageError(f"unknown runner '{chosen}': it is {names}")
    options = Options(RUNNERS[chosen] if chosen else None, working_directories(), read_configuration())
    allowed = options.configuration.docker.allow
    problems = [
        Problem(flow.at((*path, refusal.name)), "WD411", f"'{spec.id}': {refusal.message}", refusal.hint)
        for spec, path, task_runner, _ in _task_runners(flow, options)
        for refusal in task_runner.refused(allowed)
    ]
    if problems:
        raise InvalidFlow(problems)
    return options


def check_runners(flow: Flow, options: Options) -> None:
    """Raises InvalidFlow when the commands of a task cannot run now: its container engine does not answer, say."""
    reasons: dict[tuple[Any, ...], str | None] = {}
    problems = []
    scene = scene_of(options)
    for spec, path, task_runner, late in _task_runners(flow, options):
        if "host" in late:
            continue
        # Each engine is asked once.
        key = (type(task_runner), getattr(task_runner, "host", None))
        if key not in reasons:
            reasons[key] = task_runner.unreachable(scene)
        if reason := reasons[key]:
            hint = "start it, or run without containers by --runner process or WDPREFECT_RUNNER=process"
            problems.append(Problem(flow.at(path), "WD410", f"'{spec.id}': {reason}", hint))
    if problems:
        raise InvalidFlow(problems)


def _task_runners(flow: Flow, options: Options) -> Iterator[tuple[TaskSpec, Path, TaskRunner, Collection[str]]]:
    """The task runner of each task that has one, as far as it is known before anything is rendered, and its path.

    Last come the names of the properties that are known later.
    """
    for spec in iter_tasks([flow.tasks, flow.errors, flow.finally_, flow.after_execution]):
        settings: Any = spec.data.get("taskRunner")
        if "taskRunner" not in aliases(spec.kind) or spec.settings.disabled is True:
            continue
        if not isinstance(settings, dict | None):
            continue
        chosen = chosen_runner(Wanted(settings, spec.data.get("containerImage")), options)
        with suppress(TaskFailed):
            known = {name: value for name, value in chosen.items() if not has_template(value)}
            yield spec, (*spec.path, "taskRunner"), find_task_runner(known), chosen.keys() - known.keys()
