"""Settings and images that the Docker task runner, or the engine, refuses: each fails its task by name."""

from __future__ import annotations

import base64
import socket
from typing import Any

import pytest

from tests.plugins.scripts.containers import BUSYBOX, DOCKER, command, failure
from tests.running import run_tasks
from tests.servers.docker import docker_engine as docker_engine  # noqa: PLC0414  pytest finds it here
from wdprefect.errors import TaskFailed
from wdprefect.model.task_runner import RunnerScene
from wdprefect.plugins.scripts.runner.docker import Docker

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("docker_engine")]

MADE = f"no container can be made of the image '{BUSYBOX}'"
PORTS = "'portBindings': '{}' is not of the form host:container, such as 8080:80"
SIZE = "'{}': '{}' is no size such as 512MB or 2g"
ENTRY_AUTH = "'{}': 'auth' must be the base64 of username:password"
NO_PAIR = base64.b64encode(b"nothing").decode()
CONFIG = "'config' must be the content of a Docker configuration: a map with 'auths', or its JSON"
HELPERS = (
    "'config' names programs that know passwords, which are not run for a flow "
    "(give 'auths', or leave it out: the worker's own ~/.docker/config.json may name them)"
)


@pytest.mark.parametrize(
    ("runner", "expected"),
    [
        pytest.param({"portBindings": ["80"]}, PORTS.format("80"), id="one port"),
        pytest.param({"portBindings": ["x:80"]}, PORTS.format("x:80"), id="no port"),
        pytest.param({"portBindings": ["80:80/tls"]}, PORTS.format("80:80/tls"), id="no protocol"),
        pytest.param({"portBindings": ["1:99999"]}, f'{MADE}: invalid port specification: "99999"', id="a large port"),
        pytest.param({"extraHosts": ["db"]}, "'extraHosts': 'db' is not of the form name:address", id="a host alone"),
        pytest.param({"extraHosts": ["db:x"]}, f'{MADE}: invalid IP address in add-host: "x"', id="no address"),
        pytest.param({"cpu": {"cpus": "many"}}, "'cpu.cpus': 'many' is no number", id="no number of cpus"),
        pytest.param({"cpu": {"cpus": "nan"}}, "'cpu.cpus': 'nan' is no number", id="not a number of cpus"),
        pytest.param({"cpu": {"cpus": -1}}, f"{MADE}: Range of CPUs is from 0.01 to ", id="negative cpus"),
        pytest.param({"memory": {"memory": "lots"}}, SIZE.format("memory.memory", "lots"), id="no size"),
        pytest.param({"memory": {"memorySwap": "infg"}}, SIZE.format("memory.memorySwap", "infg"), id="endless size"),
        pytest.param({"memory": {"memory": "1k"}}, f"{MADE}: Minimum memory limit allowed is ", id="too little"),
        pytest.param(
            {"memory": {"memorySwappiness": "high"}}, "'memory.memorySwappiness': 'high' is no number", id="swappiness"
        ),
        pytest.param({"shmSize": "5x"}, SIZE.format("shmSize", "5x"), id="no unit"),
        pytest.param(
            {"networkMode": "nosuch"}, "the container cannot be started: network nosuch not found", id="no network"
        ),
        pytest.param({"user": "nosuch"}, "the container cannot be started: unable to find user nosuch", id="no user"),
        pytest.param(
            {"credentials": "word"},
            "'credentials': give a map, or a Prefect block as 'docker-registry-credentials/<name>', not a text",
            id="credentials as text",
        ),
        pytest.param({"credentials": {"auth": NO_PAIR}}, ENTRY_AUTH.format("credentials"), id="no pair"),
        pytest.param({"config": {"auths": {"r": {"auth": "?"}}}}, ENTRY_AUTH.format("config"), id="no base64"),
        pytest.param({"config": "{"}, CONFIG, id="no JSON"),
        pytest.param({"config": "[]"}, CONFIG, id="a list as JSON"),
        pytest.param({"config": {"auths": ["r"]}}, CONFIG, id="a list of registries"),
        pytest.param({"config": {"auths": {"r": "word"}}}, CONFIG, id="a registry with a text"),
        pytest.param({"config": {"auths": {"r": {"username": ["a"]}}}}, CONFIG, id="a user that is none"),
        pytest.param({"config": {"credsStore": "desktop"}}, HELPERS, id="a store"),
        pytest.param({"config": {"auths": {}, "credHelpers": {"r": "x"}}}, HELPERS, id="a helper"),
        pytest.param(
            {"portBindings": "{{ '[1' }}"}, "'taskRunner': 'portBindings': it must be a list", id="rendered, no list"
        ),
        pytest.param({"cpu": {"cpus": "{{ 'x' }}"}}, "'cpu.cpus': 'x' is no number", id="rendered, no number"),
    ],
)
def test_wrong_value(runner: dict[str, Any], expected: str) -> None:
    """A value that cannot be followed fails the task with its name, by our words or by the engine's."""
    error = failure(run_tasks(command(runner)))
    assert f"flow.yaml:4:5: task 'it': {expected}" == error[: len(expected) + 26]


def test_no_program_as_entry_point() -> None:
    """An entry point that is not in the image is a command that is not found."""
    execution = run_tasks(command({"entryPoint": ["/no/such"]}))
    assert "Command failed with exit code 127" in failure(execution)


def test_no_image() -> None:
    """A runner that is given no image from anywhere says so in Kestra's words."""
    with pytest.raises(TaskFailed) as caught:
        Docker.model_validate({"type": DOCKER}).open(RunnerScene())
    words = "this task runner needs the `containerImage` property to be set, such as 'python:3.13-slim'"
    assert words == str(caught.value)


def test_unknown_image() -> None:
    """An image that no registry has fails the task, and nothing is delivered."""
    with socket.socket() as closed:
        # Nobody listens there.
        closed.bind(("127.0.0.1", 0))
        image = f"127.0.0.1:{closed.getsockname()[1]}/alpine:no-such-tag"
        execution = run_tasks(command({"pullPolicy": "NEVER"}, image))

    words = "is not on the engine, and 'pullPolicy' is NEVER (pull it, or change the policy)"
    assert f"flow.yaml:4:5: task 'it': the image '{image}' {words}" == failure(execution)
    assert {} == execution.task_outputs
