"""The engines and images that the tests of containers rely on are what they are said to be."""

from __future__ import annotations

import pytest
from docker.client import DockerClient
from docker.errors import APIError

from tests.servers.docker import OwnEngine, docker_engine, own_engine

__all__ = ["docker_engine", "own_engine"]  # fixtures of the tests below
pytestmark = pytest.mark.docker


def said(client: DockerClient, image: str, *command: str) -> str:
    """What a command prints in a container without a network."""
    container = client.containers.create(image, list(command), network_mode="none")
    try:
        container.start()
        container.wait()
        return str(container.logs().decode())
    finally:
        container.remove(force=True)


@pytest.mark.parametrize(
    ("image", "script", "expected"),
    [
        pytest.param("busybox", "setsid echo a; id -u", "a\n0\n", id="busybox"),
        pytest.param("no-setsid", "setsid 2>&- || echo $?", "127\n", id="no setsid"),
        pytest.param("user", "id -un; pwd; touch mine && ls", "app\n/home/app\nmine\n", id="user"),
        pytest.param("entrypoint", "echo a", "entry: sh -c echo a\na\n", id="entrypoint"),
        pytest.param("debian", "echo a > a; tar -c a | setsid bash -c 'tar -xO | awk 1'", "a\n", id="debian"),
        pytest.param("python:3", "python3 -c 'import ssl, sqlite3, pip; print(1)'", "1\n", id="python"),
    ],
)
def test_image(docker_engine: DockerClient, image: str, script: str, expected: str) -> None:
    """Each image has what it is for, or lacks it."""
    name = image if image.startswith("python") else f"wdprefect-test/{image}"
    assert expected == said(docker_engine, name, "sh", "-c", script)


def test_image_without_a_shell(docker_engine: DockerClient) -> None:
    """A program runs in the image without a shell, and no shell does."""
    assert "a\n" == said(docker_engine, "wdprefect-test/no-shell", "/bin/echo", "a")
    with pytest.raises(APIError, match="executable file not found"):
        said(docker_engine, "wdprefect-test/no-shell", "sh", "-c", "true")


def test_engine_that_is_killed(docker_engine: DockerClient, own_engine: OwnEngine) -> None:
    """The second engine has what is given to it, and after it was killed and started again, what it had."""
    own_engine.take("wdprefect-test/busybox:latest", docker_engine)
    with own_engine.client() as client:
        # The engine ends it when it is back, and has no need to ask for long.
        container = client.containers.run("wdprefect-test/busybox", ["sleep", "60"], detach=True, stop_signal="KILL")
        assert "running" == client.containers.get(container.id).status

    own_engine.kill()
    own_engine.start()

    with own_engine.client() as client:
        assert [container.id] == [each.id for each in client.containers.list(all=True)]
        assert "exited" == client.containers.get(container.id).status
    assert container.id not in {each.id for each in docker_engine.containers.list(all=True)}
