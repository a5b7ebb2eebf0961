"""A task runner that says it is a container, and runs processes: `org.tests.scripts.contained.Contained`.

Like a container it sees the working directory and the scratch directory at their paths, and no cache.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from wdprefect.model.ports import Command, OnLine, Runner, Session, Workspace
from wdprefect.model.stop import Stop
from wdprefect.model.task_runner import RunnerScene, TaskRunner
from wdprefect.workspace.process import ProcessRunner


class Contained(TaskRunner):
    """Run commands as processes that are told to be in a container."""

    def open(self, scene: RunnerScene) -> Runner:
        return _Runner(scene.image)


@dataclass(frozen=True, slots=True)
class _Runner:
    image: str | None

    def session(self, workspace: Workspace, run_id: str) -> Session:
        return _Session(self.image, ProcessRunner().session(workspace, run_id))


@dataclass(frozen=True, slots=True)
class _Session:
    image: str | None
    inner: Session

    @property
    def directory(self) -> str:
        return self.inner.directory

    @property
    def details(self) -> Mapping[str, str]:
        return {}

    def run(self, command: Command, on_line: OnLine, stop: Stop) -> int:
        return self.inner.run(command, on_line, stop)

    def close(self) -> None:
        self.inner.close()
