"""A Podman of the tests' own, behind its Docker API: with images, containers and settings in a folder that goes."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from docker.client import DockerClient
from docker.errors import DockerException

from tests.servers.docker import GONE_WITHIN_SECONDS, GUARD, READY_WITHIN_SECONDS, remove_folder
from tests.servers.needed import is_missing

IMAGES = ("wdprefect-test/busybox", "wdprefect-test/no-shell")


@dataclass(frozen=True, slots=True)
class Podman:
    """url: its address, as in DOCKER_HOST."""

    url: str
    client: DockerClient


@pytest.fixture(scope="session")
def podman(docker_engine: DockerClient) -> Iterator[Podman]:
    """Podman as a service, with some images of the other engine. Needs root."""
    if os.geteuid() != 0:
        is_missing("only root can start a Podman of the tests' own")
    if shutil.which("podman") is None:
        # Not one of the servers that must be there: 15 s to install, and slow on a busy machine.
        pytest.skip("podman is not installed: apt-get install --no-install-recommends podman catatonit runc")
    # Short, for sockets below it: their paths have 107 characters at most.
    folder = Path(tempfile.mkdtemp(prefix="wdprefect-podman-"))
    url = f"unix://{folder}/podman.sock"
    environment = {**os.environ, **_settings(folder)}
    with (folder / "log").open("ab") as log:
        guard = subprocess.Popen(
            ["sh", "-c", GUARD, "guard", "podman", "system", "service", "--time=0", url],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env=environment,
        )
    try:
        with closing(_client(url, guard, folder / "log")) as client:
            for image in IMAGES:
                client.api.load_image(docker_engine.api.get_image(image))
            yield Podman(url, client)
            left = _left(client)
            for name in left:
                client.api.remove_container(name, force=True, v=True)
    finally:
        with guard:
            pass
        remove_folder(folder)
    assert [] == left, f"no test leaves a container: {left}"


def _left(client: DockerClient) -> list[str]:
    """What is left of the tests, once Podman has had time to remove what has ended."""
    deadline = time.monotonic() + GONE_WITHIN_SECONDS
    while left := [str(container["Id"]) for container in client.api.containers(all=True)]:
        if time.monotonic() > deadline:
            return left
        time.sleep(0.1)
    return []


def _settings(folder: Path) -> dict[str, str]:
    """Variables that name its settings, for machines without systemd and with limits below its defaults."""
    runtime = 'runtime = "runc"' if shutil.which("runc") else ""
    (folder / "containers.conf").write_text(
        f"""
        [containers]
        default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
        [engine]
        cgroup_manager = "cgroupfs"
        events_logger = "file"
        tmp_dir = "{folder}/state"
        {runtime}
        """
    )
    (folder / "storage.conf").write_text(
        f'[storage]\ndriver = "overlay"\ngraphroot = "{folder}/root"\nrunroot = "{folder}/run"\n'
    )
    return {
        "CONTAINERS_CONF": str(folder / "containers.conf"),
        "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
    }


def _client(url: str, guard: subprocess.Popen[bytes], log: Path) -> DockerClient:
    """A client, once it answers."""
    deadline = time.monotonic() + READY_WITHIN_SECONDS
    while time.monotonic() < deadline and guard.poll() is None:
        try:
            return DockerClient(base_url=url, version="auto", timeout=60)
        except DockerException:
            time.sleep(0.1)
    pytest.fail(f"Podman does not start; the end of its log:\n{log.read_text(errors='replace')[-2000:]}")
