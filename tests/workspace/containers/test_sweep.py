"""No container outlives its run, however that ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from docker.client import DockerClient

from tests.servers.docker import OwnEngine
from tests.workspace.containers.conftest import BUSYBOX, Open
from tests.workspace.watching import wait_until
from wdprefect.workspace.containers.engine import Engine
from wdprefect.workspace.directory import Directory
from wdprefect.workspace.sweep import sweep

pytestmark = pytest.mark.docker

# A run with a container, until it is killed. Its arguments: where directories are made, the image, how files get in.
RUN = """
import sys
from pathlib import Path
from wdprefect.model.ports import Command
from wdprefect.model.stop import Stop
from wdprefect.model.task_runner import NoLog
from wdprefect.workspace.containers.engine import engine_at
from wdprefect.workspace.containers.session import ContainerRunner
from wdprefect.workspace.containers.settings import ContainerSettings
from wdprefect.workspace.directory import Directory
from wdprefect.workspace.process import ProcessRunner
root, image, files, kind = sys.argv[1:]
directory = Directory.create(Path(root), "killed-run")
settings = ContainerSettings(image, files=files or None, is_shared=kind == "shared", host={"network_mode": "none"})
session = ContainerRunner(settings, lambda: engine_at(None), NoLog()).session(directory, "killed-run")
session.run(Command(("/bin/sh", "-c", "echo begun; sleep 300"), {}), lambda _, line: print(line, flush=True), Stop())
"""


@contextmanager
def running(root: Path, files: str = "", kind: str = "shared", **environment: str) -> Iterator[subprocess.Popen[str]]:
    """Another process in whose container a command runs; it is killed at the end."""
    path = os.pathsep.join(filter(None, sys.path))
    with subprocess.Popen(
        [sys.executable, "-c", RUN, str(root), BUSYBOX, files, kind],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path, **environment},
    ) as process:
        assert process.stdout is not None
        assert "begun\n" == process.stdout.readline()
        yield process
        process.kill()


def left_of(client: DockerClient, root: Path) -> list[str]:
    """The containers and volumes of directories below a root."""
    found = [
        *client.containers.list(all=True, filters={"label": "wdprefect.directory"}, ignore_removed=True),
        *client.volumes.list(filters={"label": "wdprefect.directory"}),
    ]
    labels = [(each.name, getattr(each, "labels", None) or each.attrs["Labels"]) for each in found]
    return [name for name, label in labels if label["wdprefect.directory"].startswith(f"{root}/")]


@pytest.mark.parametrize("kind", ["shared", "alone"])
@pytest.mark.parametrize("files", [pytest.param("", id="mounted"), pytest.param("VOLUME", id="volume")])
def test_killed(docker_engine: DockerClient, tmp_path: Path, kind: str, files: str) -> None:
    """When the process is killed, its guard removes the container, the volume and the directory."""
    with running(tmp_path, files, kind) as process:
        assert [] != left_of(docker_engine, tmp_path)
        process.send_signal(signal.SIGKILL)
        process.wait()
        wait_until(lambda: [] == left_of(docker_engine, tmp_path), 20)
        wait_until(lambda: [] == list(tmp_path.iterdir()), 20)


def test_engine_away(own_engine: OwnEngine, docker_engine: DockerClient, tmp_path: Path) -> None:
    """A container that nobody can remove while its engine is away is removed by a later sweep."""
    own_engine.take(BUSYBOX, docker_engine)
    with running(tmp_path, DOCKER_HOST=own_engine.url) as process:
        # The guard of the run finds no engine.
        own_engine.kill()
        process.kill()
        process.wait()
        assert [] == sweep(tmp_path)
        assert 1 == len(list(tmp_path.iterdir()))
        own_engine.start()
        wait_until(lambda: [] != sweep(tmp_path) or [] == list(tmp_path.iterdir()), 20)
        with own_engine.client() as client:
            assert [] == left_of(client, tmp_path)


def test_directory_is_gone(shell_in: Open, engine: Engine, tmp_path: Path, docker_engine: DockerClient) -> None:
    """What an engine has for a directory that somebody deleted is removed when the next container is made.

    What belongs to directories of another root, perhaps on another machine, is left alone, and so is what was to last.
    """
    kinds: list[dict[str, str]] = [{}, {"root": "elsewhere:1:2"}, {"lasts": "true"}]
    ours, others, lasting = (_made_for(docker_engine, tmp_path, more) for more in kinds)
    try:
        shell_in(on=engine).run(":")
        wait_until(lambda: ours not in _names(docker_engine))
        assert {others, lasting} <= _names(docker_engine)
    finally:
        for name in (others, lasting):
            docker_engine.containers.get(name).remove(force=True)


def _names(client: DockerClient) -> set[str]:
    return {str(container.name) for container in client.containers.list(all=True, ignore_removed=True)}


def _made_for(client: DockerClient, root: Path, more: dict[str, str]) -> str:
    """The name of a container of a directory that does not exist."""
    found = root.stat()
    owner = f"{os.uname().nodename}:{found.st_dev}:{found.st_ino}"
    labels = {"directory": f"{root}/wdprefect-gone", "root": owner, **more}
    made = client.containers.create(
        BUSYBOX, "true", labels={f"wdprefect.{name}": text for name, text in labels.items()}
    )
    return str(made.name)


def test_left_by_its_session(
    own_engine: OwnEngine, docker_engine: DockerClient, shell_in: Open, tmp_path: Path
) -> None:
    """A directory whose container cannot be removed at the end leaves what says so, and nothing else."""
    own_engine.take(BUSYBOX, docker_engine)
    with own_engine.client() as client:
        with Directory.create(tmp_path / "root", "run-1") as directory:
            shell = shell_in(on=Engine(client.api, own_engine.url), host={"network_mode": "none"}, at=directory)
            shell.run("echo x > file")
            own_engine.kill()
            shell.session.close()
        assert {"owner", "containers"} == {path.name for path in directory.outer.iterdir()}
        own_engine.start()
        assert [directory.outer] == sweep(tmp_path / "root")
        assert [] == left_of(client, tmp_path)
