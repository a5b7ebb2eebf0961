"""Credentials of the Docker task runner: as flows give them, and where they are not to be seen."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from docker.client import DockerClient

from tests.plugins.scripts.containers import (
    Allow,
    ContainersOf,
    allow,
    command,
    containers_of,
    failure,
)
from tests.running import flow_of, messages, run_tasks
from tests.servers.docker import docker_engine
from tests.servers.registry import AUTH, PASSWORD, USER, Registry, private_registry
from tests.servers.relay import relay_to
from wdprefect.api import run
from wdprefect.plugins.scripts.runner.docker import Docker
from wdprefect.workspace.containers.engine import usual_address

__all__ = ["allow", "containers_of", "docker_engine", "private_registry"]  # fixtures of the tests below
pytestmark = pytest.mark.docker

PAIR = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
# Whatever is made of a password on its way.
SEEN = [PASSWORD, PAIR, base64.urlsafe_b64encode(json.dumps(AUTH).encode()).decode()]


def as_config(address: str, **entry: str) -> dict[str, Any]:
    return {"config": {"auths": {address: entry}}}


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(lambda _: {"credentials": AUTH}, id="for the image's registry"),
        pytest.param(lambda address: {"credentials": {**AUTH, "registry": address}}, id="with the registry"),
        pytest.param(lambda address: {"credentials": {"auth": PAIR, "registry": address}}, id="as auth"),
        pytest.param(lambda address: as_config(address, auth=PAIR), id="config with auth"),
        pytest.param(lambda address: as_config(f"http://{address}/v1/", **AUTH), id="config with a URL"),
        pytest.param(
            lambda address: {"config": json.dumps(as_config(address, auth=PAIR)["config"])}, id="config as JSON"
        ),
        pytest.param(
            lambda address: {**as_config("r.example", auth="eDp5"), "credentials": {**AUTH, "registry": address}},
            id="beside those of another one",
        ),
        pytest.param(lambda _: {"credentials": {"username": USER, "password": "{{ vars.word }}"}}, id="by a template"),
    ],
)
def test_given(given: Callable[[str], dict[str, Any]], private_registry: Registry, docker_engine: DockerClient) -> None:
    """Credentials open the registry however they are written."""
    name = private_registry.push(docker_engine, "given", "new")
    runner = {**given(private_registry.address), "pullPolicy": "ALWAYS"}
    flow = flow_of(command(runner, name, "echo $VERSION"), variables=f"word: {PASSWORD}")
    execution = run(flow, engine="local")

    assert ("SUCCESS", "new") == (execution.state, messages(execution, "it")[-1]), messages(execution)
    docker_engine.api.remove_image(name, force=True)


@pytest.mark.parametrize(
    ("runner", "expected"),
    [
        pytest.param({"credentials": {"identityToken": "t-1"}}, {"identitytoken": "t-1"}, id="a token of an identity"),
        pytest.param({"credentials": {"registryToken": "t-2"}}, {"registrytoken": "t-2"}, id="a token of the registry"),
        pytest.param(as_config("OWN", identitytoken="t-3"), {"identitytoken": "t-3"}, id="config with a token"),
        pytest.param(as_config("OWN", auth=PAIR, email="a@b.example"), AUTH, id="config with more than that"),
    ],
)
def test_what_the_engine_gets(
    runner: dict[str, Any], expected: dict[str, str], private_registry: Registry, allow: Allow
) -> None:
    """Tokens are handed over as they are, an entry `auth` as name and password."""
    allow("host")
    text = json.dumps(runner).replace("OWN", private_registry.address)
    with relay_to(urlsplit(usual_address()).path) as relay:
        host = {"host": f"tcp://127.0.0.1:{relay.port}", "pullPolicy": "ALWAYS"}
        failure(run_tasks(command({**json.loads(text), **host}, private_registry.name("missing"))))
        assert expected == relay.registry_auths()[0]


def test_nowhere_to_be_seen(
    private_registry: Registry, docker_engine: DockerClient, containers_of: ContainersOf, tmp_path: Path
) -> None:
    """No password is in the directory, the container, what the engine says of it, the log or the storage."""
    name = private_registry.push(docker_engine, "unseen", "new")
    runner = {"credentials": AUTH, **as_config(private_registry.address, auth=PAIR), "delete": False}
    look = 'find . -name "*.json"; env; cat /proc/1/environ; find "$WORKING_DIR/.." -type f -exec cat {} +'
    execution = run_tasks(command(runner, name, look, outputFiles=["*.json"]), storage=tmp_path.as_uri())
    (container,) = containers_of(execution)
    seen = [*messages(execution), json.dumps(execution.to_dict()), json.dumps(container.attrs), repr(execution)]
    seen += [path.read_text(errors="replace") for path in tmp_path.rglob("*") if path.is_file()]

    assert ("SUCCESS", {}) == (execution.state, execution.task_outputs["it"]["outputFiles"])
    assert [] == [text for text in seen if any(word in text for word in SEEN)]
    assert any("WORKING_DIR=" in text for text in seen)


@pytest.mark.parametrize(
    "runner",
    [
        pytest.param({"credentials": {"username": USER, "password": "{word}"}}, id="credentials"),
        pytest.param(as_config("OWN", username=USER, password="{word}"), id="config"),
        pytest.param({"config": "{word}"}, id="config that is none"),
        pytest.param({"credentials": {"auth": "{word}"}}, id="auth that is none"),
        pytest.param({"credentials": "{word}"}, id="credentials that are none"),
    ],
)
def test_not_in_errors(runner: dict[str, Any], private_registry: Registry) -> None:
    """What is refused, by us or by the registry, does not stand in the error."""
    word = "wrong-words-of-ours"
    text = json.dumps(runner).replace("{word}", word).replace("OWN", private_registry.address)
    execution = run_tasks(command(json.loads(text), private_registry.name("missing")))

    assert "FAILED" == execution.state
    assert [] == [text for text in (*messages(execution), str(execution.error)) if word in text]


def test_not_in_repr() -> None:
    """The settings of a task runner do not show who we are to a registry."""
    given = {"type": "any", "credentials": AUTH, **as_config("r.example", auth=PAIR)}
    assert [] == [word for word in (USER, PASSWORD, PAIR) if word in repr(Docker.model_validate(given))]
