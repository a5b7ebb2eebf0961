"""What goes wrong on the engine's side: each ends its command with the cause, and nothing is left."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from docker.client import DockerClient

from tests.fakes import MemoryLog
from tests.servers.docker import OwnEngine
from tests.workspace.containers.conftest import BUSYBOX, Open
from tests.workspace.watching import Shell, stopping_when, wait_until
from wdprefect.errors import TaskFailed
from wdprefect.model.ports import Command
from wdprefect.model.stop import Stop
from wdprefect.workspace.containers import container
from wdprefect.workspace.containers.engine import Engine, engine_at, why_unreachable

pytestmark = pytest.mark.docker
NO_NETWORK = {"network_mode": "none"}


@pytest.fixture
def own(own_engine: OwnEngine, docker_engine: DockerClient) -> Iterator[tuple[OwnEngine, Engine]]:
    """An engine to break, with an image, and how we see it."""
    own_engine.take(BUSYBOX, docker_engine)
    with own_engine.client() as client:
        yield own_engine, Engine(client.api, own_engine.url)


def test_engine_is_killed(own: tuple[OwnEngine, Engine], shell_in: Open) -> None:
    """An engine that dies while a command runs fails it with what is known; once it is back, the next one runs."""
    engine, seen = own
    shell = shell_in(on=seen, host=NO_NETWORK)
    killer = threading.Thread(target=_when_begun, args=(shell, engine.kill))
    killer.start()
    lost = rf"^the container was lost while the command ran: the engine at '{engine.url}' is gone, or its container is"
    with pytest.raises(TaskFailed, match=lost) as caught:
        shell.run("echo begun; sleep 600")
    killer.join()
    assert (137, ["begun"]) == (caught.value.exit_status, shell.stdout)
    gone = rf"the engine at '{engine.url}' does not answer \("
    with pytest.raises(TaskFailed, match=gone):
        shell.run(":")
    engine.start()
    assert 0 == shell.run("echo again")
    assert ["begun", "again"] == shell.stdout


def test_engine_is_restarted(own: tuple[OwnEngine, Engine], shell_in: Open) -> None:
    """An engine that is restarted ends its containers: the command fails, what it had printed is there."""
    engine, seen = own
    shell = shell_in(on=seen, host=NO_NETWORK)

    def restart() -> None:
        engine.stop()
        engine.start()

    restarter = threading.Thread(target=_when_begun, args=(shell, restart))
    restarter.start()
    with pytest.raises(TaskFailed, match=r"^the container (was lost|ended) while the command ran") as caught:
        shell.run("echo begun; sleep 600")
    restarter.join()
    assert (137, ["begun"]) == (caught.value.exit_status, shell.stdout)
    assert 0 == shell.run("echo again")


def test_engine_hangs(
    own: tuple[OwnEngine, Engine], shell_in: Open, log: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stop is heard, and a session closed, although the engine does not answer any more."""
    engine, seen = own
    shell, stop = shell_in(on=seen, host=NO_NETWORK), Stop()
    pid = int((engine.folder / "pid").read_text())

    def hang() -> bool:
        if not shell.stdout:
            return False
        os.kill(pid, signal.SIGSTOP)
        return True

    try:
        with stopping_when(hang, stop):
            began = time.monotonic()
            assert 137 == shell.run("echo begun; sleep 600", stop=stop, grace_seconds=0.5)
        assert time.monotonic() - began < 15
        monkeypatch.setattr(container, "REMOVE_SECONDS", 0.5)
        shell.session.close()
        reason = "cannot be ended: the engine does not answer within 0 s; the next run tries again"
        assert [reason] == [message.partition("' ")[2] for _, message in log.lines]
    finally:
        os.kill(pid, signal.SIGCONT)


def test_no_space(own: tuple[OwnEngine, Engine], shell_in: Open, tmp_path: Path, docker_engine: DockerClient) -> None:
    """An engine whose disk is full cannot make a container, and says that it is full."""
    engine, _ = own
    engine.stop()
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=30m", "none", small], check=True)
    try:
        engine.start(data=small)
        engine.take(BUSYBOX, docker_engine)
        _fill(small / "filler")
        with engine.client() as client:
            shell = shell_in(on=Engine(client.api, engine.url), host=NO_NETWORK)
            with pytest.raises(TaskFailed, match=r": the engine has no space left: .*no space left on device"):
                shell.run(":")
            (small / "filler").unlink()
            assert 0 == shell.run("echo fine")
            shell.session.close()
        engine.stop()
    finally:
        subprocess.run(["umount", "--lazy", small], check=True)
        engine.start()


def test_no_engine(tmp_path: Path, own: tuple[OwnEngine, Engine]) -> None:
    """Why no engine answers: no socket, nobody behind it, no such machine."""
    engine, _ = own
    missing = f"unix://{tmp_path}/none.sock"
    assert f"no container engine answers at '{missing}': there is no such socket" == why_unreachable(missing)
    with pytest.raises(TaskFailed, match=r"there is no such socket$"):
        engine_at(missing)
    assert None is why_unreachable(engine.url)
    engine.kill()
    assert f"no container engine answers at '{engine.url}': Connection refused" == why_unreachable(engine.url)
    refused = "tcp://127.0.0.1:9"
    assert f"no container engine answers at '{refused}': Connection refused" == why_unreachable(refused)
    engine.start()


def test_on_line_fails(shell_in: Open, log: MemoryLog) -> None:
    """An error of whoever takes the output ends the command, and is raised."""
    shell = shell_in()
    shell.run(":")

    def refuse(stream: str, line: str) -> None:
        raise LookupError(stream, line)

    with pytest.raises(LookupError):
        shell.session.run(Command(("/bin/sh", "-c", "echo x; sleep 600"), {}), refuse, Stop())
    assert 0 == shell.run("echo next")
    assert ["next"] == shell.stdout
    assert [] == log.lines


def _when_begun(shell: Shell, call: object) -> None:
    assert callable(call)
    wait_until(lambda: bool(shell.stdout))
    call()


def _fill(file: Path) -> None:
    with file.open("wb", buffering=0) as target:
        for size in (2**20, 2**12, 1):
            try:
                while True:
                    target.write(b"\0" * size)
            except OSError:
                continue
