"""Tasks that run in containers, what a project allows them, and the containers that they leave."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from docker.client import DockerClient
from docker.errors import APIError
from docker.models.containers import Container

from tests.running import SCRIPTS, messages
from wdprefect.execution.execution import Execution

BUSYBOX = "wdprefect-test/busybox"
PROCESS = "io.kestra.plugin.core.runner.Process"
DOCKER = f"{SCRIPTS}.runner.docker.Docker"
Allow: TypeAlias = Callable[..., None]
ContainersOf: TypeAlias = Callable[[Execution], list[Container]]


@pytest.fixture
def allow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Allow:
    """Lets flows ask for what reaches beyond a container, by the words of the configuration."""

    def write(*words: str, **more: str) -> None:
        lines = [f"{name} = {json.dumps(value)}\n" for name, value in {"allow": words, **more}.items()]
        (tmp_path / "pyproject.toml").write_text("[tool.wdprefect.docker]\n" + "".join(lines))
        monkeypatch.chdir(tmp_path)

    return write


def command(runner: Mapping[str, Any], image: str = BUSYBOX, commands: str = "echo $((6*7))", **more: Any) -> str:
    """A task that runs a command with these settings of the task runner; `more` are other properties of it."""
    task = {
        "id": "it",
        "type": f"{SCRIPTS}.shell.Commands",
        "containerImage": image,
        "taskRunner": {"type": DOCKER, **runner},
        "commands": [commands],
        **more,
    }
    return f"- {json.dumps(task)}"


def failure(execution: Execution) -> str:
    """Why the only task failed."""
    (task_run,) = execution.task_runs
    assert "FAILED" == task_run.state, messages(execution)
    return str(execution.error)


@pytest.fixture
def containers_of(docker_engine: DockerClient) -> Iterator[Callable[[Execution], list[Container]]]:
    """The containers that a run has left; they are removed at the end."""
    found: list[Container] = []

    def find(execution: Execution) -> list[Container]:
        filters = {"label": f"wdprefect.run={execution.id}"}
        left = docker_engine.containers.list(all=True, filters=filters, ignore_removed=True)
        found.extend(left)
        return list(left)

    yield find
    for container in found:
        # The engine may be removing it, or has.
        with suppress(APIError):
            container.remove(force=True)
    names = {container.name for container in found}
    for volume in docker_engine.volumes.list():
        if volume.name in names:
            volume.remove()
