"""Docker engines for tests: the machine's, with the images of scripts/test_images.py, and one that a test may kill."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from docker.client import DockerClient
from docker.errors import APIError, DockerException
from docker.models.containers import Container
from docker.models.volumes import Volume

from tests.servers.certificates import Certificates
from tests.servers.needed import is_missing
from wdprefect.workspace.containers.sweep import DIRECTORY_LABEL

IMAGES = Path(__file__).parents[2] / "scripts" / "test_images.py"
READY_WITHIN_SECONDS = 60
GONE_WITHIN_SECONDS = 10
# Ends the engine with the tests, even with killed ones: then, too, the end of the pipe is read.
GUARD = '"$@" </dev/null & server=$!; read -r _; kill "$server"; wait "$server"'

# Its arguments are a folder to hide, how many folders are in it all the same, those, and the engine's command.
HIDING = """
mount -t tmpfs none "$0" || exit 1
count=$1; shift
while [ "$count" -gt 0 ]; do mkdir -p "$1"; shift; count=$((count-1)); done
exec "$@"
"""


@pytest.fixture(scope="session")
def docker_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerClient]:
    """A client of the engine that DOCKER_HOST names, or of the usual one; it has the images wdprefect-test/….

    Fails when the tests of this process leave a container or a volume of a run.
    """
    try:
        client = DockerClient.from_env(timeout=60)
        client.ping()
    except DockerException as error:
        is_missing(f"no Docker engine answers, run scripts/docker-engine.sh: {error}")
    with closing(client):
        made = subprocess.run([sys.executable, str(IMAGES)], capture_output=True, text=True, check=False)
        if made.returncode:
            is_missing(f"the images of the tests cannot be made: {made.stderr.strip()}")
        yield client
        left = _left(client, tmp_path_factory.getbasetemp())
        for found in left:
            found.remove(force=True)
    assert [] == [found.name for found in left], "no test leaves a container or a volume"


def all_of_ours(client: DockerClient) -> list[Container | Volume]:
    """The containers, ended ones too, and the volumes of all runs, whosever they are."""
    ours = {"label": DIRECTORY_LABEL}
    containers = client.containers.list(all=True, filters=ours, ignore_removed=True)
    return [*containers, *client.volumes.list(filters=ours)]


def _left(client: DockerClient, folder: Path) -> list[Container | Volume]:
    """What is left of the tests, once the engine has had time to remove what has ended."""
    deadline = time.monotonic() + GONE_WITHIN_SECONDS
    while left := [each for each in all_of_ours(client) if _is_below(each, folder)]:
        if time.monotonic() > deadline:
            return left
        time.sleep(0.1)
    return []


def _is_below(found: Container | Volume, folder: Path) -> bool:
    """Whether it is for a directory below this folder: then it is of these tests, not of others on this machine."""
    labels = found.labels if isinstance(found, Container) else found.attrs["Labels"]
    return Path(labels[DIRECTORY_LABEL]).is_relative_to(folder)


@dataclass
class OwnEngine:
    """An engine of a test's own, empty at first; its containers reach each other, and nothing else.

    listener: where it also listens, beside its own socket. certificates: with which it does so, to whom has one too.
    """

    folder: Path
    guard: subprocess.Popen[bytes] | None = None
    listener: socket.socket | None = None
    certificates: Certificates | None = None

    @property
    def url(self) -> str:
        """Its address, as in DOCKER_HOST."""
        return f"unix://{self.folder}/docker.sock"

    @contextmanager
    def client(self) -> Iterator[DockerClient]:
        """A client of it, closed at the end."""
        with closing(DockerClient(base_url=self.url, version="auto", timeout=60)) as client:
            yield client

    def take(self, image: str, other: DockerClient) -> None:
        """Copy an image from another engine."""
        with self.client() as client:
            client.api.load_image(other.api.get_image(image))

    def start(self, hides: Path | None = None, shows: Sequence[Path] = (), data: Path | None = None) -> None:
        """Start it, with what it had before, and wait until it answers.

        hides: a folder in whose place the engine sees an empty one, as one on another machine would. shows: folders
        below it that are there again, empty. data: where it keeps everything, instead.
        """
        places = {"data-root": data or "data", "exec-root": "run", "pidfile": "pid"}
        named = [f"--{name}={self.folder / place}" for name, place in places.items()]
        # In a network of its own: it would take the bridge of the machine's engine, or remove it.
        own = ["unshare", "--net"] if hides is None else ["unshare", "--net", "--mount", "sh", "-c", HIDING, str(hides)]
        places_shown = [] if hides is None else [str(len(shows)), *map(str, shows)]
        command = [*own, *places_shown, *self._with_listener(), "-H", self.url, *named]
        with (self.folder / "log").open("ab") as log:
            self.guard = subprocess.Popen(
                ["sh", "-c", GUARD, "guard", *command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=[self.listener.fileno()] if self.listener else [],
            )
        if not self._answers(self.guard):
            self.stop()
            end = (self.folder / "log").read_text(errors="replace")[-2000:]
            pytest.fail(f"the second Docker engine does not start; the end of its log:\n{end}")

    def kill(self) -> None:
        """Kill it as the system would for want of memory: containers lose their engine."""
        pid = self.folder / "pid"
        os.kill(int(pid.read_text()), signal.SIGKILL)
        self.stop()
        # Its containerd dies with it, but perhaps not yet: the next engine would take it for one that lives.
        for left in (pid, self.folder / "run" / "containerd" / "containerd.pid"):
            left.unlink()

    def stop(self) -> None:
        """End it; its containers end before."""
        assert self.guard is not None
        with self.guard:  # closes the pipe, which is what the guard waits for, and waits for the guard
            self.guard = None

    def remove(self) -> None:
        """End it, its containers and its files, in whatever state it is."""
        if self.guard is None:
            # Only an engine ends what a killed one has left running.
            self.start()
        with self.client() as client:
            for container in client.containers.list(all=True, ignore_removed=True):
                # A test, or what it tested, may be about to remove it.
                with suppress(APIError):
                    container.remove(force=True)
        self.stop()
        remove_folder(self.folder)

    def _with_listener(self) -> list[str]:
        """The engine's command; a socket from outside of its network is handed over as systemd does."""
        if self.listener is None:
            return ["dockerd"]
        # bash, for numbers of more than one digit.
        text = f'exec 3<&{self.listener.fileno()}; LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"'
        tls = self.certificates.of_server() if self.certificates else []
        return ["bash", "-c", text, "bash", "dockerd", "-H", "fd://", *tls]

    def _answers(self, guard: subprocess.Popen[bytes]) -> bool:
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        while time.monotonic() < deadline and guard.poll() is None:
            try:
                with self.client() as client:
                    return bool(client.ping())
            except DockerException:
                time.sleep(0.1)
        return False


def remove_folder(folder: Path) -> None:
    """Remove what an engine had, with what is mounted below."""
    for line in Path("/proc/self/mounts").read_text().splitlines():
        if line.split()[1].startswith(f"{folder}/"):
            subprocess.run(["umount", "--lazy", line.split()[1]], check=True)
    shutil.rmtree(folder)


@contextmanager
def running_engine(
    listener: socket.socket | None = None, certificates: Certificates | None = None
) -> Iterator[OwnEngine]:
    """A second engine. Needs root."""
    if os.geteuid() != 0:
        is_missing("only root can start a second Docker engine")
    if shutil.which("dockerd") is None:
        is_missing("dockerd is not installed: run scripts/docker-engine.sh")
    # Short, for sockets below it: their paths have 107 characters at most.
    folder = Path(tempfile.mkdtemp(prefix="wdprefect-engine-"))
    engine = OwnEngine(folder, listener=listener, certificates=certificates)
    engine.start()
    try:
        yield engine
    finally:
        engine.remove()


@pytest.fixture
def own_engine() -> Iterator[OwnEngine]:
    """A second engine, which the test may kill and start again: for what happens when one goes away. Needs root."""
    with running_engine() as engine:
        yield engine
