"""Podman through its Docker API: what the other tests of containers show of Docker, where Podman does it otherwise."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.fakes import MemoryLog
from tests.running import SCRIPTS, messages, run_tasks, states
from tests.servers.podman import Podman, podman
from tests.workspace.containers.conftest import BUSYBOX, NO_SHELL, Open
from tests.workspace.containers.test_sweep import running
from tests.workspace.watching import stopping_when, wait_until, written
from wdprefect.errors import TaskFailed
from wdprefect.model.stop import Stop
from wdprefect.workspace.containers.container import create
from wdprefect.workspace.containers.engine import Engine
from wdprefect.workspace.containers.images import provide_image
from wdprefect.workspace.containers.settings import ContainerSettings
from wdprefect.workspace.directory import Directory
from wdprefect.workspace.sweep import sweep

__all__ = ["podman"]  # a fixture of the tests below
pytestmark = [pytest.mark.docker, pytest.mark.slow]
NO_NETWORK = {"network_mode": "none"}
KINDS = [pytest.param(True, id="shared"), pytest.param(False, id="alone")]


@pytest.fixture
def engine(podman: Podman) -> Engine:
    """Podman as nobody has used it yet: what the fixtures of containers use."""
    return Engine(podman.client.api, podman.url)


def test_one_container(shell_in: Open, log: MemoryLog) -> None:
    """Commands run one after the other in one container, with their files, variables and codes."""
    shell = shell_in(host=NO_NETWORK)
    first = shell.run("echo kept > /tmp/file; echo err >&2; echo made > made.txt; exit 7", {"X": "1"})
    second = shell.run('cat /tmp/file made.txt; echo "$X"', {"X": "it's"})

    assert (7, 0) == (first, second)
    assert (["kept", "made", "it's"], ["err"]) == (shell.stdout, shell.stderr)
    assert "made\n" == (shell.directory.path / "made.txt").read_text()
    shell.session.close()
    assert [] == log.lines


def test_much_output(shell_in: Open) -> None:
    """Much output on both streams at once arrives whole, each stream in its order."""
    shell, count = shell_in(host=NO_NETWORK), 50_000
    text = f"i=0; while [ $i -lt {count} ]; do echo $i; echo $i >&2; i=$((i+1)); done; exit 3"

    assert 3 == shell.run(text)
    assert [str(number) for number in range(count)] == shell.stdout == shell.stderr


@pytest.mark.parametrize("is_shared", KINDS)
def test_stop(shell_in: Open, is_shared: bool) -> None:  # noqa: FBT001 (a row)
    """A command is asked to end, and killed when it does not."""
    shell, stop = shell_in(host=NO_NETWORK, is_shared=is_shared), Stop()
    text = "trap 'echo asked' TERM; echo >begun; while :; do sleep 0.1; done"
    with stopping_when(written(shell.directory.path / "begun"), stop):
        ended = shell.run(text, stop=stop, grace_seconds=0.5)

    assert (137, ["asked"]) == (ended, shell.stdout)


def test_container_is_gone(engine: Engine, directory: Directory, podman: Podman) -> None:
    """How a container ended that Podman has removed by itself is read from its events; it cannot be ended again."""
    container = create(engine, ContainerSettings(BUSYBOX, host=NO_NETWORK), directory, ["sleep", "60"], {})
    container.start()
    podman.client.api.kill(container.id)
    wait_until(lambda: [] == podman.client.api.containers(all=True, filters={"id": container.id}))

    assert {"ExitCode": 137} == container.state()
    container.end()


def test_no_shell(shell_in: Open) -> None:
    """In an image without a shell, which Podman says when it is attached to, each command has its own container."""
    shell = shell_in(NO_SHELL, host=NO_NETWORK)

    assert 0 == shell.vector("/bin/echo", "hello")
    assert ["hello"] == shell.stdout
    # Podman's own first process says so, with its own code.
    assert 1 == shell.run("echo never")
    assert ["failed to exec pid1: No such file or directory"] == [line.partition("): ")[2] for line in shell.stderr]


@pytest.mark.parametrize(
    ("is_shared", "words"),
    [
        pytest.param(True, "the container cannot be started: .* unable to find user nosuch", id="shared"),
        pytest.param(False, "the container cannot be looked into: .* unknown user .*nosuch", id="alone"),
    ],
)
def test_no_such_user(shell_in: Open, podman: Podman, is_shared: bool, words: str) -> None:  # noqa: FBT001 (a row)
    """A user whom the image does not know is said so, and no container is left."""
    shell = shell_in(host=NO_NETWORK, is_shared=is_shared, user="nosuch")
    with pytest.raises(TaskFailed, match=f"^{words}"):
        shell.run(":")
    assert [] == left_of(podman, shell.directory.outer)


def test_user(shell_in: Open) -> None:
    """A user that the flow names can use the directory, and the files are that user's."""
    shell = shell_in(host=NO_NETWORK, user="1000:1000")

    assert 0 == shell.run("id -u; echo > made"), shell.stderr
    assert (["1000"], 1000) == (shell.stdout, (shell.directory.path / "made").stat().st_uid)


@pytest.mark.parametrize("is_shared", KINDS)
def test_volume(shell_in: Open, podman: Podman, log: MemoryLog, is_shared: bool) -> None:  # noqa: FBT001 (a row)
    """A volume carries the files in and out, and goes with its container."""
    shell = shell_in(files="VOLUME", host=NO_NETWORK, is_shared=is_shared)
    for name in ("kept.txt", "removed.txt"):
        (shell.directory.path / name).write_text("x" * 100_000)

    assert 0 == shell.run("cat kept.txt kept.txt > made.txt; rm removed.txt"), shell.stderr
    sizes = {path.name: path.stat().st_size for path in shell.directory.path.iterdir()}
    assert {"kept.txt": 100_000, "made.txt": 200_000} == sizes
    shell.session.close()
    assert [] == log.lines
    assert [] == left_of(podman, shell.directory.outer)


def test_invalid_name(engine: Engine, log: MemoryLog) -> None:
    """What is no name of an image is an error at once."""
    with pytest.raises(TaskFailed, match=r"^the image 'No/Such' cannot be pulled: .*name must be lowercase"):
        provide_image(engine, ContainerSettings("No/Such", pull="ALWAYS"), log, Stop())
    assert [("INFO", "pulling the image 'No/Such'")] == log.lines


def test_killed(podman: Podman, tmp_path: Path) -> None:
    """When the process is killed, its guard or the next sweep removes the container, the volume and the directory."""
    with running(tmp_path, "VOLUME", "alone", DOCKER_HOST=podman.url) as process:
        (directory,) = tmp_path.iterdir()
        assert [] != left_of(podman, directory)
        process.kill()
        process.wait()
        # A busy Podman may not have answered the guard in time.
        wait_until(lambda: [] != sweep(tmp_path) or [] == list(tmp_path.iterdir()), 60)
        assert [] == left_of(podman, directory)


def left_of(podman: Podman, directory: Path) -> list[str]:
    """The containers and volumes of a directory, by its label."""
    ours = {"label": f"wdprefect.directory={directory}"}
    # Not by the SDK's objects: it asks for each container, and Podman fails where one has just gone.
    containers = podman.client.api.containers(all=True, filters=ours)
    volumes = podman.client.api.volumes(filters=ours)["Volumes"] or ()
    return [*(each["Id"] for each in containers), *(each["Name"] for each in volumes)]


def test_flow(podman: Podman, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tasks of a directory share a container or have one of their own, end in time, and deliver files."""
    monkeypatch.setenv("DOCKER_HOST", podman.url)
    docker = {"type": f"{SCRIPTS}.runner.docker.Docker", "networkMode": "none", "pullPolicy": "NEVER"}

    def task(name: str, command: str, runner: dict[str, object] | None = None, **more: object) -> str:
        task = {"id": name, "type": f"{SCRIPTS}.shell.Commands", "containerImage": BUSYBOX, "commands": [command]}
        return json.dumps({**task, "taskRunner": {**docker, **(runner or {})}, **more})

    count = "echo >> /tmp/count; wc -l < /tmp/count"
    execution = run_tasks(
        f"""
        - id: directory
          type: io.kestra.plugin.core.flow.WorkingDirectory
          outputFiles: ["*.txt"]
          tasks:
            - {task("a", count)}
            - {task("b", f"{count}; echo made > made.txt")}
            - {task("own", count, {"isolation": "container"})}
            - {task("user", "id -u", {"user": "1000"})}
            - {task("slow", "sleep 60", timeout="PT1S", allowFailure=True)}
            - {task("code", "exit 9", allowFailure=True)}
            - {task("unknown", "true", containerImage="no/such", allowFailure=True)}
            - {task("next", count)}
        """
    )
    done = {"a": "1", "b": "2", "own": "1", "user": "1000", "next": "3"}
    assert done == {name: messages(execution, name)[-1].strip() for name in done}
    failed = dict.fromkeys(("directory", "slow", "code", "unknown"), "WARNING")
    assert {**failed, **dict.fromkeys(done, "SUCCESS")} == states(execution)
    assert ["made.txt"] == list(execution.task_outputs["directory"]["outputFiles"])
    assert "exit code 9" in " ".join(messages(execution, "code"))
    assert "the image 'no/such' is not on the engine, and 'pullPolicy' is NEVER" in " ".join(
        messages(execution, "unknown")
    )
