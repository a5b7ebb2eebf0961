"""Every property of the Docker task runner, seen at the containers that are made."""

from __future__ import annotations

import inspect
import json
import os
import socket
import textwrap
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest
from docker.client import DockerClient

from tests.plugins.scripts.containers import (
    DOCKER,
    PROCESS,
    Allow,
    ContainersOf,
    allow,
    command,
    containers_of,
    failure,
)
from tests.running import CORE, SCRIPTS, messages, run_tasks
from tests.servers.docker import docker_engine
from tests.servers.relay import relay_to
from tests.workspace.watching import wait_until
from wdprefect.api import run
from wdprefect.loader import load_text
from wdprefect.plugins.scripts.runner.docker import Docker
from wdprefect.workspace.containers.engine import usual_address

__all__ = ["allow", "containers_of", "docker_engine"]  # fixtures of the tests below
pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("docker_engine")]

ENTRY, USER = "wdprefect-test/entrypoint", "wdprefect-test/user"
Inspected = Callable[..., dict[str, Any]]
MB = 2**20


@pytest.fixture
def inspected(containers_of: ContainersOf) -> Inspected:
    """What the engine says of a container that a command ran in; its arguments are those of `command`."""

    def look(runner: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        execution = run_tasks(command({**runner, "delete": False}, **more))
        assert "SUCCESS" == execution.state, messages(execution)
        assert "42" in messages(execution, "it")
        (container,) = containers_of(execution)
        return dict(container.attrs)

    return look


def at(found: Any, path: str) -> Any:
    """What stands there in the engine's answer."""
    for name in path.split("."):
        found = found[int(name) if isinstance(found, list) else name]
    return found


PROPERTIES = [
    pytest.param({"user": "12:34"}, "Config.User", "12:34", id="user"),
    pytest.param({"user": ""}, "Config.User", "", id="the image's user"),
    pytest.param({}, "Config.User", f"{os.getuid()}:{os.getgid()}", id="whoever runs the flow"),
    pytest.param(
        {"entryPoint": ["/bin/busybox", "env"]}, "Config.Entrypoint", ["/bin/busybox", "env"], id="entryPoint"
    ),
    pytest.param({"entryPoint": [""]}, "Config.Entrypoint", None, id="an empty entryPoint"),
    pytest.param(
        {"extraHosts": ["db:10.1.2.3", "six:fd00::1"]},
        "HostConfig.ExtraHosts",
        ["db:10.1.2.3", "six:fd00::1"],
        id="extraHosts",
    ),
    pytest.param({"networkMode": "none"}, "HostConfig.NetworkMode", "none", id="networkMode"),
    pytest.param({"cpu": {"cpus": 0.25}}, "HostConfig.NanoCpus", 250_000_000, id="cpu"),
    pytest.param({"cpu": {"cpus": "1"}}, "HostConfig.NanoCpus", 1_000_000_000, id="cpu as text"),
    pytest.param({"memory": {"memory": "64MB"}}, "HostConfig.Memory", 64 * MB, id="memory"),
    pytest.param({"memory": {"memory": "0.5 GiB"}}, "HostConfig.Memory", 512 * MB, id="memory with a blank"),
    pytest.param(
        {"memory": {"memory": "64MB", "memorySwap": "128m"}}, "HostConfig.MemorySwap", 128 * MB, id="memorySwap"
    ),
    pytest.param(
        {"memory": {"memory": "64MB", "memorySwap": "-1"}}, "HostConfig.MemorySwap", -1, id="endless memorySwap"
    ),
    pytest.param({"memory": {"memorySwappiness": "0"}}, "HostConfig.MemorySwappiness", 0, id="no swap"),
    pytest.param({"memory": {"memorySwappiness": 10}}, "HostConfig.MemorySwappiness", 10, id="memorySwappiness"),
    pytest.param(
        {"memory": {"memoryReservation": "32MB"}}, "HostConfig.MemoryReservation", 32 * MB, id="memoryReservation"
    ),
    pytest.param({"memory": {"kernelMemory": "32MB"}}, "HostConfig.KernelMemory", 32 * MB, id="kernelMemory"),
    pytest.param({"memory": {"oomKillDisable": True}}, "HostConfig.OomKillDisable", True, id="oomKillDisable"),
    pytest.param({"shmSize": "128MB"}, "HostConfig.ShmSize", 128 * MB, id="shmSize"),
    pytest.param({}, "HostConfig.Privileged", False, id="not privileged"),
]


@pytest.mark.parametrize(("runner", "path", "expected"), PROPERTIES)
def test_property(runner: dict[str, Any], path: str, expected: object, inspected: Inspected) -> None:
    """A property comes to what the engine calls it."""
    assert expected == at(inspected(runner), path)


@pytest.mark.parametrize(
    ("runner", "expected"),
    [
        pytest.param({"fileHandlingStrategy": "VOLUME"}, {"volume"}, id="a volume"),
        pytest.param({"fileHandlingStrategy": "MOUNT"}, {"bind"}, id="a mount"),
        pytest.param({}, {"bind"}, id="as the engine can"),
    ],
)
def test_file_handling_strategy(runner: dict[str, Any], expected: set[str], inspected: Inspected) -> None:
    """The directory is mounted unless the task asks for a volume, whatever tasks before it asked for."""
    inspected({"fileHandlingStrategy": "VOLUME"})
    assert expected == {mount["Type"] for mount in inspected(runner)["Mounts"]}


def test_ports(inspected: Inspected) -> None:
    """A port is opened on this machine alone unless an address is given; one inside may have several outside."""
    ports = [free_port() for _ in range(3)]
    bindings = [f"{ports[0]}:80", f"0.0.0.0:{ports[1]}:53/udp", f"127.0.0.1:{ports[2]}:80"]
    found = inspected({"portBindings": bindings})["HostConfig"]["PortBindings"]

    web = [{"HostIp": "127.0.0.1", "HostPort": str(ports[0])}, {"HostIp": "127.0.0.1", "HostPort": str(ports[2])}]
    assert {"80/tcp": web, "53/udp": [{"HostIp": "0.0.0.0", "HostPort": str(ports[1])}]} == found  # noqa: S104  asked for


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_device_requests(allow: Allow, docker_engine: DockerClient) -> None:
    """Requests for devices are passed on; an engine without such devices says so."""
    request = {"driver": "nvidia", "count": -1, "deviceIds": ["0"], "capabilities": [["gpu"]], "options": {"a": "b"}}
    allow("host")
    with relay_to(urlsplit(usual_address()).path) as relay:
        runner = {"host": f"tcp://127.0.0.1:{relay.port}", "deviceRequests": [request]}
        error = failure(run_tasks(command(runner)))
        said = b"".join(relay.heard).decode("latin-1")

    made = {"Driver": "nvidia", "Count": -1, "DeviceIDs": ["0"], "Capabilities": [["gpu"]], "Options": {"a": "b"}}
    assert f'"DeviceRequests": {json.dumps([made])}' in said
    words = 'the container cannot be started: could not select device driver "nvidia" with capabilities: [[gpu]]'
    assert f"flow.yaml:4:5: task 'it': {words}" == error


def test_labels(inspected: Inspected) -> None:
    """A container says whose it is: namespace, flow, run and task."""
    labels = inspected({})["Config"]["Labels"]
    found = {name: labels[f"wdprefect.{name}"] for name in ("namespace", "flow", "task")}

    assert {"namespace": "team", "flow": "made", "task": "it"} == found


def test_kept(containers_of: ContainersOf) -> None:
    """With `delete: false` the container stays, ended, and the log says which one it is; no sweep removes it."""
    execution = run_tasks(command({"delete": False}))
    # It sweeps what is left of other runs.
    assert "SUCCESS" == run_tasks(command({})).state
    (container,) = containers_of(execution)

    assert "exited" == container.status
    assert ["42", f"the container '{container.name}' is kept"] == messages(execution, "it")


def test_removed(containers_of: ContainersOf) -> None:
    """Without it nothing of a run stays on the engine."""
    execution = run_tasks(command({}))
    wait_until(lambda: not containers_of(execution))


def test_not_awaited(containers_of: ContainersOf) -> None:
    """With `wait: false` the task has succeeded once its container runs; no sweep removes that."""
    execution = run_tasks(command({"wait": False}, commands="cat; sleep 60"))
    # It sweeps what is left of other runs.
    assert "SUCCESS" == run_tasks(command({})).state
    (container,) = containers_of(execution)

    assert ("SUCCESS", 0) == (execution.state, execution.task_outputs["it"]["exitCode"])
    assert [f"the container '{container.name}' goes on, and nobody waits for it"] == messages(execution, "it")
    assert ("running", "true") == (container.status, container.labels["wdprefect.lasts"])


@pytest.mark.parametrize(
    ("runner", "said"),
    [
        pytest.param({}, ["begun", "bye"], id="time to tidy up"),
        pytest.param({"killGracePeriod": "PT0S"}, ["begun"], id="none"),
        pytest.param({"killGracePeriod": "PT0S", "isolation": "container"}, ["begun"], id="none, alone"),
    ],
)
def test_kill_grace_period(runner: dict[str, Any], said: list[str]) -> None:
    """A command that is stopped has the time that `killGracePeriod` says; none at all with zero."""
    text = "trap 'sleep 0.3; echo bye; exit' TERM; echo begun; while :; do sleep 0.05; done"
    execution = run_tasks(command(runner, commands=text, timeout="PT2S"))

    assert ("FAILED", said) == (execution.state, messages(execution, "it", "INFO"))


@pytest.mark.parametrize(("isolation", "expected"), [("directory", "kept"), ("container", "no file")])
def test_isolation(isolation: str, expected: str) -> None:
    """With `isolation: container` the tasks of a directory do not see what others did to their containers."""
    runner = {"isolation": isolation}
    first = command(runner, id="first", commands="echo kept > /tmp/mark")
    second = command(runner, id="second", commands="cat /tmp/mark 2>&- || echo no file")
    execution = run_tasks(in_directory(first, second))

    assert ("SUCCESS", [expected]) == (execution.state, messages(execution, "second"))


STRATEGIES = [pytest.param("MOUNT", id="mounted"), pytest.param("VOLUME", id="in a volume")]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_files_of_a_directory(strategy: str) -> None:
    """A container sees the files of its directory, and what it makes or deletes counts for its siblings."""
    runner = {"fileHandlingStrategy": strategy}
    first = command(runner, id="first", commands="cat a.txt; rm a.txt; echo two > b.txt")
    second = command({"type": PROCESS}, id="second", commands="ls; cat b.txt; echo three > c.txt")
    third = command(runner, id="third", commands="ls; cat c.txt")
    execution = run_tasks(in_directory(first, second, third) + "\n  inputFiles: {a.txt: one}")

    said = {name: messages(execution, name, "INFO") for name in ("first", "second", "third")}
    assert {"first": ["one"], "second": ["b.txt", "two"], "third": ["b.txt", "c.txt", "three"]} == said


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_files_of_a_failure(strategy: str) -> None:
    """What a command has made is delivered when it fails, too."""
    runner = {"fileHandlingStrategy": strategy}
    execution = run_tasks(command(runner, commands="echo 1 > r.txt; exit 5", outputFiles=["r.txt"]))
    outputs = execution.task_outputs["it"]

    assert ("FAILED", 5, ["r.txt"]) == (execution.state, outputs["exitCode"], list(outputs["outputFiles"]))
    assert b"1\n" == execution.read(outputs["outputFiles"]["r.txt"])


def in_directory(*tasks: str) -> str:
    """A WorkingDirectory of these tasks."""
    inside = textwrap.indent("\n".join(tasks), "    ")
    return f"- id: w\n  type: {CORE}.flow.WorkingDirectory\n  tasks:\n{inside}"


SAID = ["entry: /bin/sh -c set -e", "echo a", "a"]


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        pytest.param({"taskRunner": {"type": DOCKER}}, ["a"], id="none by default"),
        pytest.param({"taskRunner": {"type": DOCKER, "entryPoint": [""]}}, ["a"], id="an empty one"),
        pytest.param({"taskRunner": {"type": DOCKER, "entryPoint": ["/entry"]}}, SAID, id="given"),
        pytest.param({"taskRunner": {"type": DOCKER, "keepEntryPoint": True}}, SAID, id="the image's, on demand"),
        pytest.param({"docker": {"image": ENTRY}}, SAID, id="the image's, of docker"),
        pytest.param({"docker": {"image": ENTRY, "entryPoint": [""]}}, ["a"], id="docker with an empty one"),
        pytest.param({"runner": "DOCKER"}, SAID, id="the image's, of runner"),
        pytest.param({"runner": "DOCKER", "docker": {"image": ENTRY, "user": "0"}}, SAID, id="the image's, of both"),
        pytest.param({}, ["a"], id="an image alone"),
    ],
)
def test_entry_point(properties: dict[str, Any], expected: list[str]) -> None:
    """The image's entry point counts where the old spellings are used, or it is asked for."""
    image = {} if "image" in properties.get("docker", {}) else {"containerImage": ENTRY}
    task = {"id": "it", "type": f"{SCRIPTS}.shell.Commands", "commands": ["echo a"], **image, **properties}
    execution = run_tasks(f"- {json.dumps(task)}")

    assert ("SUCCESS", expected) == (execution.state, messages(execution, "it"))


@pytest.mark.parametrize(
    ("runner", "expected"),
    [
        pytest.param({"user": ""}, ["app", "/home/app"], id="the image's"),
        pytest.param({"user": "app"}, ["app", "/home/app"], id="by name"),
        pytest.param({"user": "nobody"}, ["nobody", "/"], id="another"),
    ],
)
def test_user(runner: dict[str, Any], expected: list[str]) -> None:
    """A user of the image's is known in it, and has his home."""
    assert expected == messages(run_tasks(command(runner, USER, "id -un; echo $HOME")), "it")


def test_old_image_wins() -> None:
    """The image of the old `docker` wins over `containerImage`."""
    task = {"id": "it", "type": f"{SCRIPTS}.shell.Commands", "commands": ["id -un"], "containerImage": "no/such"}
    execution = run_tasks(f"- {json.dumps({**task, 'docker': {'image': USER, 'user': 'app'}})}")

    assert ("SUCCESS", ["app"]) == (execution.state, messages(execution, "it"))


def test_old_process_runner() -> None:
    """`runner: PROCESS` runs no container, and there is an output directory."""
    task = {"id": "it", "type": f"{SCRIPTS}.shell.Commands", "commands": ["echo $PPID", "ls {{ outputDir }}"]}
    execution = run_tasks(f"- {json.dumps({**task, 'runner': 'PROCESS', 'docker': {'image': 'nope'}})}")

    assert ("SUCCESS", [str(os.getpid())]) == (execution.state, messages(execution, "it"))


@pytest.mark.parametrize(
    ("kind", "properties", "image"),
    [
        pytest.param("shell.Commands", {"commands": ["true"]}, "ubuntu", id="a shell"),
        pytest.param("python.Script", {"script": "print(1)"}, "python:3.13-slim", id="Python"),
    ],
)
def test_default_image(kind: str, properties: dict[str, Any], image: str, containers_of: ContainersOf) -> None:
    """A task that names no image has the one that Kestra gives it."""
    runner = {"type": DOCKER, "delete": False}
    task = {"id": "it", "type": f"{SCRIPTS}.{kind}", "taskRunner": runner, **properties}
    (container,) = containers_of(run_tasks(f"- {json.dumps(task)}"))

    assert image == container.attrs["Config"]["Image"]


def test_container_id(containers_of: ContainersOf) -> None:
    """The outputs name the container; those of a process are empty."""
    both = [command({"delete": False}), command({"type": PROCESS}, id="process")]
    execution = run_tasks("\n".join(both))
    (container,) = containers_of(execution)

    assert {"containerId": container.id} == execution.task_outputs["it"]["taskRunner"]
    assert {} == execution.task_outputs["process"]["taskRunner"]


def test_example() -> None:
    """The example of the manual runs as it stands."""
    text = textwrap.dedent(str(inspect.getdoc(Docker)).split("```yaml\n")[1].split("```")[0])
    execution = run(load_text(text), engine="local")

    assert ("SUCCESS", ["3"]) == (execution.state, messages(execution, "count"))
