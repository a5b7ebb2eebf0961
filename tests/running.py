"""Flows as texts, run on the local engine."""

from __future__ import annotations

import textwrap
from typing import Any

from wdprefect.api import run
from wdprefect.execution.execution import Execution
from wdprefect.loader import load_text
from wdprefect.model.flow import Flow
from wdprefect.model.ports import Level

CORE = "io.kestra.plugin.core"
SCRIPTS = "io.kestra.plugin.scripts"


def flow_of(tasks: str, **more: str) -> Flow:
    """A flow `team.made` with these tasks; `more` are other properties, as they stand in the YAML."""
    parts = [f"{name.rstrip('_')}:\n{_indented(text)}" for name, text in {**more, "tasks": tasks}.items()]
    return load_text("id: made\nnamespace: team\n" + "\n".join(parts), "flow.yaml")


def run_tasks(tasks: str, **options: Any) -> Execution:
    """The execution of a flow with these tasks; options as in `wdprefect.run`."""
    return run(flow_of(tasks), engine="local", **options)


def messages(execution: Execution, task_id: str | None = None, level: Level | None = None) -> list[str]:
    """What was logged, in order; only of one task and one level where they are given."""
    return [
        record.message
        for record in execution.logs
        if (task_id is None or record.task_id == task_id) and (level is None or record.level == level)
    ]


def states(execution: Execution) -> dict[str, str]:
    """The state of each task run by its label, in order of creation."""
    return {run.label: run.state for run in execution.task_runs}


def _indented(text: str) -> str:
    return textwrap.indent(textwrap.dedent(text).strip("\n"), "  ")
