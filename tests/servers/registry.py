"""Registries of container images on the loopback: one for everybody, and one with a password.

Engines take registries on 127.0.0.0/8 without TLS.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from docker.client import DockerClient

from tests.servers.needed import is_missing

USER, PASSWORD = "reader", "wrong-horse-battery"
# Of the password, by bcrypt: the registry takes no other hash.
HTPASSWD = f"{USER}:$2b$04$6nHILvR7d1oKMunEBMGi1.0K/p7Qf54S.zEuo3Q0SA/FaK4F5TM8K\n"
AUTH = {"username": USER, "password": PASSWORD}
BASE = "wdprefect-test/busybox"
PATIENCE_SECONDS = 20.0


@dataclass
class Registry:
    """A registry; `folder` holds its images."""

    folder: Path
    port: int
    is_private: bool = False
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def name(self, image: str) -> str:
        """What an image of it is called."""
        return f"{self.address}/{image}"

    def make(self, client: DockerClient, image: str, version: str) -> str:
        """Make a small image of that name on the engine alone; its variable VERSION says which one it is."""
        repository, _, tag = image.partition(":")
        container = client.api.create_container(BASE)["Id"]
        client.api.commit(container, self.name(repository), tag or "latest", changes=f"ENV VERSION={version}")
        client.api.remove_container(container)
        return self.name(image)

    def push(self, client: DockerClient, image: str, version: str) -> str:
        """Put such an image there, and not on the engine; its name."""
        name = self.make(client, image, version)
        self._pushed(client, name)
        return name

    def push_file(self, client: DockerClient, image: str, archive: bytes) -> str:
        """Put an image of a tar archive there, and not on the engine; its name."""
        client.api.import_image_from_data(archive, self.name(image), "latest")
        self._pushed(client, self.name(image))
        return self.name(image)

    def start(self) -> None:
        """Start it, with what it had before, and wait until it answers."""
        config = {
            "version": "0.1",
            "log": {"level": "warn"},
            "storage": {"filesystem": {"rootdirectory": str(self.folder / "images")}},
            "http": {"addr": self.address},
            **(
                {"auth": {"htpasswd": {"realm": "test", "path": str(self.folder / "users")}}} if self.is_private else {}
            ),
        }
        (self.folder / "config.yml").write_text(json.dumps(config))  # JSON is YAML
        (self.folder / "users").write_text(HTPASSWD)
        with (self.folder / "log").open("ab") as log:
            command = ["docker-registry", "serve", str(self.folder / "config.yml")]
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        if not self._answers(self.process):
            self.stop()
            pytest.fail(f"the registry does not start: {(self.folder / 'log').read_text()[-500:]}")

    def stop(self) -> None:
        """End it; its images stay."""
        assert self.process is not None
        self.process.terminate()
        self.process.wait()

    def forget(self, client: DockerClient) -> None:
        """Remove from an engine what was pulled of it."""
        names = [name for image in client.images.list() for name in image.tags]
        for name in names:
            if name.startswith(f"{self.address}/"):
                client.api.remove_image(name, force=True)

    def _pushed(self, client: DockerClient, name: str) -> None:
        events = list(client.api.push(name, stream=True, decode=True, auth_config=AUTH if self.is_private else {}))
        assert [] == [event for event in events if "error" in event]
        client.api.remove_image(name)

    def _answers(self, process: subprocess.Popen[bytes]) -> bool:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while process.poll() is None and time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
            except OSError:
                time.sleep(0.02)
            else:
                return True
        return False


@contextmanager
def running_registry(folder: Path, client: DockerClient, *, is_private: bool = False) -> Iterator[Registry]:
    """A registry of one's own; the engine forgets at the end what came from it."""
    if shutil.which("docker-registry") is None:
        is_missing("docker-registry is not installed: run scripts/system-packages.sh")
    registry = Registry(folder, _free_port(), is_private)
    registry.start()
    try:
        yield registry
    finally:
        registry.stop()
        registry.forget(client)


@pytest.fixture(scope="session")
def registry(docker_engine: DockerClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry that asks nobody who he is."""
    with running_registry(tmp_path_factory.mktemp("registry"), docker_engine) as made:
        yield made


@pytest.fixture(scope="session")
def private_registry(docker_engine: DockerClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry that only USER with PASSWORD may read."""
    with running_registry(tmp_path_factory.mktemp("private"), docker_engine, is_private=True) as made:
        yield made


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
