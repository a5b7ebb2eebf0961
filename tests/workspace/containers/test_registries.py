"""Credentials of registries: to whom they are given, and who never sees them."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from docker.client import DockerClient

from tests.fakes import MemoryLog
from tests.servers.registry import AUTH, PASSWORD, USER, Registry, private_registry, registry
from tests.servers.relay import Relay, relay_to
from wdprefect.model.stop import Stop
from wdprefect.workspace.containers.engine import Engine, engine_at, usual_address
from wdprefect.workspace.containers.images import auth_for, provide_image
from wdprefect.workspace.containers.settings import ContainerSettings
from wdprefect.workspace.containers.settings import Registry as Account

__all__ = ["private_registry", "registry"]  # fixtures of the tests below
pytestmark = pytest.mark.docker

OTHER = {"username": "other", "password": "nothing-of-this"}


@pytest.fixture
def way_in(docker_engine: DockerClient) -> Iterator[Relay]:
    """A relay in front of the engine, which hears what is asked of it."""
    with relay_to(urlsplit(usual_address()).path) as relay:
        yield relay


@pytest.fixture
def heard_engine(way_in: Relay) -> Iterator[Engine]:
    """The engine behind the relay."""
    engine = engine_at(f"tcp://127.0.0.1:{way_in.port}")
    yield engine
    engine.client.close()


@pytest.fixture
def no_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for the configuration of Docker's own client, in which nobody has logged in."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    return tmp_path


def log_in(folder: Path, address: str) -> None:
    """What `docker login` writes."""
    auth = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    (folder / "config.json").write_text(json.dumps({"auths": {address: {"auth": auth}}}))


@pytest.mark.usefixtures("no_login")
@pytest.mark.parametrize(
    ("accounts", "given"),
    [
        pytest.param([(None, AUTH)], AUTH, id="of the image's registry"),
        pytest.param([("OWN", AUTH)], AUTH, id="by its address"),
        pytest.param([("http://OWN/v2/", AUTH)], AUTH, id="by its URL"),
        pytest.param([("ANOTHER", OTHER), ("OWN", AUTH)], AUTH, id="among others"),
        pytest.param([("OWN", AUTH), ("OWN", OTHER)], AUTH, id="the first of two"),
    ],
)
def test_chosen(
    accounts: list[tuple[str | None, dict[str, str]]],
    given: dict[str, str],
    private_registry: Registry,
    docker_engine: DockerClient,
    heard_engine: Engine,
    way_in: Relay,
) -> None:
    """Of all credentials those of the image's registry are given to the engine, and they let it in."""
    name = private_registry.push(docker_engine, "chosen", "new")
    known = [
        Account(address.replace("OWN", private_registry.address) if address else None, auth)
        for address, auth in accounts
    ]
    provide_image(heard_engine, ContainerSettings(name, pull="ALWAYS", registries=known), MemoryLog(), Stop())

    assert [given] == way_in.registry_auths()
    docker_engine.api.remove_image(name)


def test_no_other_registry(
    no_login: Path,
    private_registry: Registry,
    registry: Registry,
    docker_engine: DockerClient,
    heard_engine: Engine,
    way_in: Relay,
) -> None:
    """A registry never hears of the credentials of another one, nor does the engine when it is asked for its images."""
    registry.push(docker_engine, "public", "new")
    log_in(no_login, private_registry.address)
    accounts = [Account(private_registry.address, AUTH), Account("docker.io", OTHER)]
    with relay_to(("127.0.0.1", registry.port)) as listening:
        name = f"127.0.0.1:{listening.port}/public"
        provide_image(heard_engine, ContainerSettings(name, registries=accounts), MemoryLog(), Stop())
        docker_engine.api.remove_image(name)

        assert ([], []) == (listening.headers("Authorization"), way_in.headers("X-Registry-Auth"))
        assert [] != listening.headers("Host")


def test_own_registry_hears(private_registry: Registry, docker_engine: DockerClient, engine: Engine) -> None:
    """The registry itself hears who asks."""
    private_registry.push(docker_engine, "heard", "new")
    with relay_to(("127.0.0.1", private_registry.port)) as listening:
        name = f"127.0.0.1:{listening.port}/heard"
        provide_image(engine, ContainerSettings(name, registries=[Account(None, AUTH)]), MemoryLog(), Stop())
        docker_engine.api.remove_image(name)

        expected = f"Basic {base64.b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}"
        assert {expected} == set(listening.headers("Authorization"))


@pytest.mark.parametrize(
    "accounts",
    [pytest.param([], id="alone"), pytest.param([Account("r.example", OTHER)], id="beside credentials")],
)
def test_own_login(
    accounts: list[Account],
    no_login: Path,
    private_registry: Registry,
    docker_engine: DockerClient,
    heard_engine: Engine,
    way_in: Relay,
) -> None:
    """Without credentials for a registry those count with which the worker's user has logged in there."""
    name = private_registry.push(docker_engine, "login", "new")
    log_in(no_login, private_registry.address)
    provide_image(heard_engine, ContainerSettings(name, registries=accounts), MemoryLog(), Stop())

    assert [AUTH] == [{key: given[key] for key in AUTH} for given in way_in.registry_auths()]
    docker_engine.api.remove_image(name)


def test_not_shown() -> None:
    """What describes an account, or what is made with it, does not show its password."""
    shown = repr((Account("r.example", AUTH), ContainerSettings("any", registries=[Account(None, AUTH)])))
    assert [] == [word for word in (USER, PASSWORD) if word in shown]
    assert "r.example" in shown


@pytest.mark.parametrize(
    ("address", "image"),
    [
        pytest.param("https://index.docker.io/v1/", "any", id="the old URL of Docker Hub"),
        pytest.param("docker.io", "team/any:1", id="Docker Hub, and an image of a team"),
        pytest.param("registry-1.docker.io", "docker.io/any", id="Docker Hub, named"),
        pytest.param("R.example", "r.example/any", id="upper case"),
        pytest.param("r.example:5000", "r.example:5000/a/b@sha256:" + "0" * 64, id="with a port"),
        pytest.param("localhost", "localhost/any", id="without a dot"),
    ],
)
def test_same_registry(address: str, image: str) -> None:
    """Registries are the same however they are written."""
    assert AUTH == auth_for(image, [Account("elsewhere.example", OTHER), Account(address, AUTH)])


@pytest.mark.parametrize(
    ("address", "image"),
    [
        pytest.param("r.example", "evil.r.example/any", id="a host below"),
        pytest.param("r.example", "r.example.evil/any", id="a host that begins with it"),
        pytest.param("r.example", "r.example:81/any", id="another port"),
        pytest.param("r.example", "any", id="Docker Hub"),
        pytest.param("docker.io", "docker.io.evil/any", id="not Docker Hub"),
        pytest.param("https://r.example@evil/", "r.example/any", id="a user in a URL"),
        pytest.param("", "r.example/any", id="an empty address"),
    ],
)
def test_other_registry(address: str, image: str) -> None:
    """Registries that look alike are others."""
    assert auth_for(image, [Account(address, AUTH)]) is None
