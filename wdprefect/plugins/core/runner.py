"""`io.kestra.plugin.core.runner`."""

from __future__ import annotations

from wdprefect.model.ports import Runner
from wdprefect.model.task_runner import RunnerScene, TaskRunner
from wdprefect.workspace.process import ProcessRunner


class Process(TaskRunner):
    """Run commands as processes of this machine.

    Their environment is the one of this process without PREFECT_*, SECRET_* and WDPREFECT_*.
    """

    def open(self, scene: RunnerScene) -> Runner:  # noqa: ARG002  a process needs nothing of it
        return ProcessRunner()
