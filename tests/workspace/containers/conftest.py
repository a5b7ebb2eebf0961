"""Sessions in containers of the engine for tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import pytest
from docker.client import DockerClient

from tests.fakes import MemoryLog
from tests.servers.docker import docker_engine as docker_engine  # noqa: PLC0414  pytest finds it here
from tests.servers.docker import own_engine as own_engine  # noqa: PLC0414  as above
from tests.workspace.watching import Shell
from wdprefect.workspace.containers.engine import Engine
from wdprefect.workspace.containers.session import ContainerRunner
from wdprefect.workspace.containers.settings import ContainerSettings
from wdprefect.workspace.directory import Directory

DEBIAN, BUSYBOX, BASH = "wdprefect-test/debian", "wdprefect-test/busybox", "wdprefect-test/bash"
NO_SETSID, NO_SHELL = "wdprefect-test/no-setsid", "wdprefect-test/no-shell"
Open: TypeAlias = Callable[..., Shell]


@pytest.fixture
def engine(docker_engine: DockerClient) -> Engine:
    """The engine as nobody has used it yet."""
    return Engine(docker_engine.api, docker_engine.api.base_url)


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog()


@pytest.fixture
def shell_in(engine: Engine, directory: Directory, log: MemoryLog) -> Iterator[Open]:
    """Opens a shell in containers of an image; further arguments are those of ContainerSettings."""
    opened: list[Shell] = []

    def open_shell(image: str = BUSYBOX, on: Engine = engine, at: Directory = directory, **settings: Any) -> Shell:
        made = ContainerSettings(image, labels={"run": "run-1"}, **settings)
        opened.append(Shell(ContainerRunner(made, lambda: on, log).session(at, "run-1"), at))
        return opened[-1]

    yield open_shell
    for shell in opened:
        shell.session.close()
