"""Pulling images: when, how often, what is said of it, and what stops it."""

from __future__ import annotations

import io
import re
import secrets
import socket
import tarfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from docker.client import DockerClient

from tests.fakes import MemoryLog
from tests.servers.registry import PASSWORD, USER, Registry, private_registry, registry, running_registry
from tests.workspace.containers.conftest import Open
from tests.workspace.watching import Shell, stopping_when, wait_until
from wdprefect.errors import TaskFailed
from wdprefect.model.ports import Level
from wdprefect.model.stop import Stop
from wdprefect.workspace.containers import images
from wdprefect.workspace.containers.engine import Engine
from wdprefect.workspace.containers.images import provide_image
from wdprefect.workspace.containers.settings import ContainerSettings, PullPolicy
from wdprefect.workspace.containers.settings import Registry as Account

__all__ = ["private_registry", "registry"]  # fixtures of the tests below
pytestmark = pytest.mark.docker


def version_of(client: DockerClient, image: str) -> str | None:
    """The VERSION of an image that is on the engine."""
    if not client.images.list(image):
        return None
    environment = client.images.get(image).attrs["Config"]["Env"]
    return next(str(each).removeprefix("VERSION=") for each in environment if each.startswith("VERSION="))


@pytest.mark.parametrize(
    ("policy", "there", "expected"),
    [
        pytest.param("ALWAYS", "old", "new", id="always, where an old one is"),
        pytest.param("ALWAYS", None, "new", id="always, where none is"),
        pytest.param("IF_NOT_PRESENT", "old", "old", id="if not present, where an old one is"),
        pytest.param("IF_NOT_PRESENT", None, "new", id="if not present, where none is"),
        pytest.param("NEVER", "old", "old", id="never, where an old one is"),
    ],
)
def test_policy(
    policy: PullPolicy,
    there: str | None,
    expected: str,
    registry: Registry,
    docker_engine: DockerClient,
    engine: Engine,
    log: MemoryLog,
) -> None:
    """A tag that has changed is pulled anew by ALWAYS alone; what is not there is pulled; the log says what is."""
    name = registry.push(docker_engine, f"policy:{policy.lower()}", "new")
    if there:
        registry.make(docker_engine, f"policy:{policy.lower()}", there)
    provide_image(engine, ContainerSettings(name, pull=policy), log, Stop())

    pulled = [("INFO", f"pulling the image '{name}'"), ("INFO", f"pulled the image '{name}' in N s")]
    assert expected == version_of(docker_engine, name)
    assert (pulled if expected == "new" else []) == [(level, unnumbered(text)) for level, text in log.lines]
    docker_engine.api.remove_image(name)


def test_never(registry: Registry, docker_engine: DockerClient, engine: Engine, log: MemoryLog) -> None:
    """NEVER asks no registry, and says what to do about an image that is not there."""
    name = registry.push(docker_engine, "never", "new")
    with pytest.raises(TaskFailed) as caught:
        provide_image(engine, ContainerSettings(name, pull="NEVER"), log, Stop())

    words = "is not on the engine, and 'pullPolicy' is NEVER (pull it, or change the policy)"
    assert f"the image '{name}' {words}" == str(caught.value)
    assert (None, []) == (version_of(docker_engine, name), log.lines)


def test_what_runs(registry: Registry, docker_engine: DockerClient, shell_in: Open) -> None:
    """Commands run in the image that was pulled."""
    name = registry.push(docker_engine, "runs:1", "new")
    registry.make(docker_engine, "runs:1", "old")
    shell = shell_in(name, pull="ALWAYS")
    shell.run("echo $VERSION")

    assert ["new"] == shell.stdout


def test_by_digest(registry: Registry, docker_engine: DockerClient, engine: Engine, log: MemoryLog) -> None:
    """An image that is named by what it holds is pulled by that."""
    name = registry.push(docker_engine, "digest:1", "first")
    docker_engine.api.pull(name)
    digest = docker_engine.images.get(name).attrs["RepoDigests"][0]
    docker_engine.api.remove_image(name)
    provide_image(engine, ContainerSettings(digest), log, Stop())

    assert "first" == version_of(docker_engine, digest)
    docker_engine.api.remove_image(digest)


def test_progress(
    registry: Registry,
    docker_engine: DockerClient,
    engine: Engine,
    log: MemoryLog,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A pull says from time to time how far it is."""
    monkeypatch.setattr(images, "PROGRESS_SECONDS", 0)
    name = registry.push_file(docker_engine, "large", archive_of(3_000_000))
    provide_image(engine, ContainerSettings(name), log, Stop())

    said = [text for _, text in log.lines[1:-1]]
    assert f"pulling '{name}': 3 of 3 MB, 1 layers are complete" == said[-1]
    assert all(re.fullmatch(rf"pulling '{name}': [0-3] of [03] MB, [01] layers are complete", text) for text in said)


def archive_of(size: int) -> bytes:
    """A tar archive of one file that cannot be made smaller, and that no other image has."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        info = tarfile.TarInfo("file")
        info.size = size
        tar.addfile(info, io.BytesIO(secrets.token_bytes(size)))
    return buffer.getvalue()


def unnumbered(text: str) -> str:
    return re.sub(r"\d+\.\d s$", "N s", text)


def test_registry_that_is_down_at_first(
    docker_engine: DockerClient, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pull that fails for what may pass is tried again, and says so."""
    monkeypatch.setattr(images, "FIRST_PAUSE_SECONDS", 0.01)
    with running_registry(tmp_path, docker_engine) as own:
        name = own.push(docker_engine, "late:1", "new")
        own.stop()
        log = StartingLog(own)
        provide_image(engine, ContainerSettings(name), log, Stop())

    (_, first), (level, warning), (_, last) = log.lines
    reason = f"the image '{name}' cannot be pulled: Get .*: connection refused; trying again in 0 s"
    assert (f"pulling the image '{name}'", "WARN") == (first, level)
    assert re.fullmatch(reason, warning), warning
    assert f"pulled the image '{name}' in N s" == unnumbered(last)


class StartingLog(MemoryLog):
    """Starts a registry as soon as a warning is written."""

    def __init__(self, registry: Registry) -> None:
        super().__init__()
        self._registry = registry

    def write(self, level: Level, message: str) -> None:
        super().write(level, message)
        if level == "WARN":
            self._registry.start()


class Broken(BaseHTTPRequestHandler):
    """A registry that fails."""

    def do_GET(self) -> None:
        self.send_error(500)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def broken_registry() -> Iterator[str]:
    """The address of a registry that answers everything with 500."""
    with HTTPServer(("127.0.0.1", 0), Broken) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_last_try(broken_registry: str, engine: Engine, log: MemoryLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pull is tried five times, the pauses twice as long each time; then what the registry said is the error."""
    monkeypatch.setattr(images, "FIRST_PAUSE_SECONDS", 0.01)
    with pytest.raises(TaskFailed, match=r"cannot be pulled: .*500 Internal Server Error") as caught:
        provide_image(engine, ContainerSettings(f"{broken_registry}/any"), log, Stop())

    warnings = [text for level, text in log.lines if level == "WARN"]
    assert [f"{caught.value}; trying again in 0 s"] * 4 == warnings


def test_pauses(broken_registry: str, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pauses are Kestra's: 5 s, then twice as long each time."""
    stop = PausingStop()
    with pytest.raises(TaskFailed):
        provide_image(engine, ContainerSettings(f"{broken_registry}/any"), MemoryLog(), stop)

    assert [5, 10, 20, 40] == stop.pauses


class PausingStop(Stop):
    """Keeps how long it was waited for, and does not wait."""

    def __init__(self) -> None:
        super().__init__()
        self.pauses: list[float] = []

    def wait(self, seconds: float) -> bool:
        self.pauses.append(seconds)
        return False


# The engine's own words are matched loosely: those of its versions differ.
@pytest.mark.parametrize(
    ("image", "expected"),
    [
        pytest.param("there:missing", r"manifest for {0}/there:missing not found.*", id="a missing tag"),
        pytest.param("missing", r".*(name unknown|manifest unknown).*", id="a missing repository"),
    ],
)
def test_missing(
    image: str, expected: str, registry: Registry, docker_engine: DockerClient, engine: Engine, log: MemoryLog
) -> None:
    """What is not in the registry is an error at once, and an old image does not stand in for it."""
    registry.push(docker_engine, "there:1", "new")
    name = registry.make(docker_engine, image, "old")
    with pytest.raises(TaskFailed) as caught:
        provide_image(engine, ContainerSettings(name, pull="ALWAYS"), log, Stop())

    words = f"the image '{re.escape(name)}' cannot be pulled: {expected.format(re.escape(registry.address))}"
    assert re.fullmatch(words, str(caught.value)), caught.value
    assert [("INFO", f"pulling the image '{name}'")] == log.lines
    docker_engine.api.remove_image(name)


HINT = r" \(is the name right\? a private image needs 'credentials' of the task runner\)"


@pytest.mark.parametrize(
    "auth",
    [
        pytest.param(None, id="no credentials"),
        pytest.param({"username": USER, "password": "wrong"}, id="a wrong password"),
        pytest.param({"username": "nobody", "password": PASSWORD}, id="a wrong user"),
    ],
)
def test_denied(
    auth: dict[str, str] | None,
    private_registry: Registry,
    docker_engine: DockerClient,
    engine: Engine,
    log: MemoryLog,
) -> None:
    """A registry that lets nobody in is an error at once, which does not say who asked."""
    name = private_registry.push(docker_engine, "denied:1", "new")
    accounts = [Account(None, auth)] if auth else []
    with pytest.raises(TaskFailed) as caught:
        provide_image(engine, ContainerSettings(name, registries=accounts), log, Stop())

    words = rf"the image '{name}' cannot be pulled: .*(no basic auth credentials|unauthorized).*{HINT}"
    assert re.fullmatch(words, str(caught.value)), caught.value
    assert [("INFO", f"pulling the image '{name}'")] == log.lines


@pytest.mark.parametrize("pull", ["ALWAYS", "IF_NOT_PRESENT"])
@pytest.mark.parametrize(
    ("image", "expected"),
    [
        pytest.param("No/Such", "invalid reference format: repository name must be lowercase", id="upper case"),
        pytest.param("a b", "invalid reference format", id="a blank"),
        pytest.param("https://127.0.0.1:1/x", "Repository name cannot contain a scheme", id="a URL"),
    ],
)
def test_invalid_name(image: str, pull: PullPolicy, expected: str, engine: Engine, log: MemoryLog) -> None:
    """What is no name of an image is an error at once."""
    with pytest.raises(TaskFailed, match=f"'{image}'.*{expected}"):
        provide_image(engine, ContainerSettings(image, pull=pull), log, Stop())
    assert [] == [text for level, text in log.lines if level == "WARN"]


@pytest.fixture
def silent_registry() -> Iterator[SilentRegistry]:
    """A registry that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        registry = SilentRegistry(f"127.0.0.1:{listening.getsockname()[1]}")

        def hold() -> None:
            connection, _ = listening.accept()
            registry.called.set()
            registry.done.wait()
            connection.close()

        thread = threading.Thread(target=hold)
        thread.start()
        yield registry
        registry.done.set()
        thread.join()


@dataclass(frozen=True, slots=True)
class SilentRegistry:
    """called: somebody waits for its answer. done: nobody need wait any more."""

    address: str
    called: threading.Event = field(default_factory=threading.Event)
    done: threading.Event = field(default_factory=threading.Event)


def test_stop(silent_registry: SilentRegistry, engine: Engine, log: MemoryLog) -> None:
    """A pull from a registry that says nothing ends when it is stopped."""
    image, stop = f"{silent_registry.address}/any", Stop()
    with stopping_when(silent_registry.called.is_set, stop), pytest.raises(TaskFailed) as caught:
        provide_image(engine, ContainerSettings(image), log, stop)

    assert f"pulling the image '{image}' was stopped" == str(caught.value)


def test_stop_of_who_waits(silent_registry: SilentRegistry, shell_in: Open) -> None:
    """A command that waits for the pull of another one is stopped alone."""
    first, stop_first, stop_second = shell_in(f"{silent_registry.address}/any"), Stop(), CountingStop()
    second = Shell(first.session, first.directory)
    with ThreadPoolExecutor(1) as pool:
        pulling = pool.submit(first.run, "true", stop=stop_first)
        wait_until(silent_registry.called.is_set)
        # It is asked once before it waits.
        with stopping_when(lambda: stop_second.asked > 1, stop_second):
            status = second.run("true", stop=stop_second)
        is_pulling = pulling.running()
        stop_first.request()
        error = pulling.exception()

    assert (143, True) == (status, is_pulling)
    assert "was stopped" in str(error)


class CountingStop(Stop):
    """Knows how often it was asked for."""

    asked = 0

    @property
    def requested(self) -> bool:
        self.asked += 1
        return super().requested


def test_stop_in_a_pause(broken_registry: str, engine: Engine, log: MemoryLog) -> None:
    """A stop ends the pause between two tries."""
    stop = Stop()
    with stopping_when(lambda: len(log.lines) == 2, stop), pytest.raises(TaskFailed, match="was stopped"):
        provide_image(engine, ContainerSettings(f"{broken_registry}/any"), log, stop)
    assert ["INFO", "WARN"] == [level for level, _ in log.lines]
