"""Prefect's Docker blocks in the container runner, and a deployed flow without an engine."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from docker.client import DockerClient

import wdprefect
from tests.on_prefect.seen import Api
from tests.plugins.scripts.containers import BUSYBOX, Allow, allow, command, failure
from tests.running import flow_of, messages, run_tasks
from tests.servers.certificates import Certificates, make_certificates
from tests.servers.docker import OwnEngine, docker_engine, running_engine
from tests.servers.registry import AUTH, PASSWORD, Registry, private_registry
from wdprefect.api import EngineName, run
from wdprefect.errors import InvalidFlow
from wdprefect.loader import load_text
from wdprefect.model.flow import Flow
from wdprefect.on_prefect import containers
from wdprefect.on_prefect.entrypoints import lazy_flows
from wdprefect.workspace.containers.engine import CA_BUNDLES, Engine, usual_address

__all__ = ["allow", "docker_engine", "private_registry"]  # fixtures of the tests below
pytestmark = [pytest.mark.docker, pytest.mark.server, pytest.mark.usefixtures("prefect_api")]

ENGINES = [pytest.param("local", id="local"), pytest.param("prefect", id="prefect")]
NAMED_BY = ["flow", "project"]


def save_host(name: str, address: str | None = None, **settings: Any) -> str:
    """Save a block of an engine; what flows call it."""
    from prefect_docker.host import DockerHost  # importing Prefect takes a second

    block = DockerHost(base_url=address, **settings)
    block.save(name, overwrite=True, _sync=True)  # type: ignore[call-arg]  # Prefect adds it
    return f"docker-host/{name}"


def save_account(name: str, registry: str, password: str = PASSWORD) -> str:
    """Save a block of who we are to a registry; what flows call it."""
    from prefect_docker.credentials import DockerRegistryCredentials  # as above

    block = DockerRegistryCredentials(username=AUTH["username"], password=password, registry_url=registry)
    block.save(name, overwrite=True, _sync=True)  # type: ignore[call-arg]  # as above
    return f"docker-registry-credentials/{name}"


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("named_by", NAMED_BY)
def test_credentials(
    named_by: str, engine: EngineName, private_registry: Registry, docker_engine: DockerClient, allow: Allow
) -> None:
    """A block opens its registry, be it named by the flow or by the project, and shows no password."""
    image = private_registry.push(docker_engine, "block", "new")
    name = save_account("ours", private_registry.address)
    runner: dict[str, Any] = {"pullPolicy": "ALWAYS"}
    if named_by == "flow":
        runner["credentials"] = name
    else:
        allow(credentials=[name])
    execution = run(flow_of(command(runner, image, "echo $VERSION")), engine=engine)

    assert ("SUCCESS", "new") == (execution.state, messages(execution, "it")[-1]), messages(execution)
    assert PASSWORD not in json.dumps(execution.to_dict())
    docker_engine.api.remove_image(image, force=True)


def test_credentials_of_another_registry(private_registry: Registry, docker_engine: DockerClient, allow: Allow) -> None:
    """Configured credentials are for their registry alone, however the block spells an empty one."""
    image = private_registry.push(docker_engine, "other", "new")
    allow(credentials=[save_account("elsewhere", "r.example"), save_account("hub", "")])
    assert "(is the name right? a private image needs 'credentials'" in failure(run_tasks(command({}, image)))


@pytest.mark.parametrize(
    ("runner", "expected"),
    [
        pytest.param(
            {"credentials": "docker-registry-credentials/nosuch"},
            "there is no Prefect block 'docker-registry-credentials/nosuch': "
            "make one in Prefect's UI, or with 'prefect block create docker-registry-credentials'",
            id="no credentials",
        ),
        pytest.param(
            {"host": "docker-host/nosuch"},
            "there is no Prefect block 'docker-host/nosuch': "
            "make one in Prefect's UI, or with 'prefect block create docker-host'",
            id="no engine",
        ),
        pytest.param(
            {"host": "docker-host/"},
            "'docker-host/' names no Prefect block for containers: "
            "write 'docker-host/<name>' or 'docker-registry-credentials/<name>'",
            id="no name",
        ),
    ],
)
def test_no_block(runner: dict[str, Any], expected: str, allow: Allow) -> None:
    """A block that is not there fails the task with its name."""
    allow("host")
    assert f"flow.yaml:4:5: task 'it': {expected}" == failure(run_tasks(command(runner)))


@pytest.mark.usefixtures("docker_engine")
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("named_by", NAMED_BY)
def test_host(named_by: str, engine: EngineName, allow: Allow) -> None:
    """The engine of a block runs the commands, be it named by the flow or by the project."""
    name = save_host("usual")
    if named_by == "flow":
        allow("host")
    else:
        allow(host=name)
    execution = run(flow_of(command({"host": name} if named_by == "flow" else {})), engine=engine)

    assert ("SUCCESS", ["42"]) == (execution.state, messages(execution, "it")), messages(execution)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def guarded(docker_engine: DockerClient, certificates: Certificates) -> Iterator[OwnEngine]:
    """An engine of one's own that lets in over TCP who has a certificate; it has an image."""
    with socket.create_server(("127.0.0.1", 0)) as listener, running_engine(listener, certificates) as engine:
        engine.take(f"{BUSYBOX}:latest", docker_engine)
        yield engine


def test_host_with_tls(
    guarded: OwnEngine, certificates: Certificates, allow: Allow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A block has the certificates by their files, and its engine alone has the containers."""
    for variable in CA_BUNDLES:
        monkeypatch.delenv(variable, raising=False)
    assert guarded.listener is not None
    address = f"tcp://127.0.0.1:{guarded.listener.getsockname()[1]}"
    allow(host=save_host("guarded", address, client_kwargs={"tls": certificates.of_client()}))
    execution = run_tasks(command({"delete": False}))
    with guarded.client() as client:
        (container,) = client.containers.list(all=True)
        labels = container.labels
        container.remove(force=True)

    assert ("SUCCESS", execution.id) == (execution.state, labels["wdprefect.run"]), messages(execution)


@pytest.mark.parametrize(
    ("name", "address", "settings", "expected"),
    [
        pytest.param(
            "gone",
            "unix:///no/such.sock",
            {},
            "no container engine answers at 'unix:///no/such.sock': there is no such socket",
            id="no engine",
        ),
        pytest.param(
            "odd", "any", {}, "no container engine answers at 'any': Invalid bind address format", id="no address"
        ),
        pytest.param(
            "unsafe",
            "tcp://127.0.0.1:1",
            {"client_kwargs": {"tls": {"client_cert": ["/no/cert.pem", "/no/key.pem"]}}},
            "no container engine answers at 'tcp://127.0.0.1:1': Path to a certificate and key files must be provided",
            id="no certificate",
        ),
        pytest.param(
            "wrong",
            "tcp://127.0.0.1:1",
            {"client_kwargs": {"tls": {"cert": "x"}}},
            "its client_kwargs cannot be followed: ",
            id="another certificate",
        ),
        pytest.param(
            "wrong-too",
            "tcp://127.0.0.1:1",
            {"client_kwargs": {"speed": 9}},
            "its client_kwargs cannot be followed: ",
            id="another argument",
        ),
    ],
)
def test_host_that_does_not_answer(
    name: str, address: str, settings: dict[str, Any], expected: str, allow: Allow
) -> None:
    """A block whose engine does not answer is said to be that, with the reason."""
    allow(host=save_host(name, address, **settings))
    error = failure(run_tasks(command({})))
    assert error.startswith(f"flow.yaml:4:5: task 'it': the block 'docker-host/{name}': {expected}")


def test_host_that_says_nothing(allow: Allow, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that takes connections and says nothing is not waited for as long as one that works."""
    monkeypatch.setattr(containers, "PING_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        allow(host=save_host("silent", address, timeout=60))
        error = failure(run_tasks(command({})))
    assert f"the block 'docker-host/silent': no container engine answers at '{address}': timed out" in error


@pytest.mark.usefixtures("docker_engine")
def test_patience() -> None:
    """Once an engine has answered it has the time that its block gives it."""
    found = containers.container_block(save_host("patient", timeout=77))
    assert isinstance(found, Engine)
    assert (77, usual_address()) == (found.client.timeout, found.shown)


def flow_named(name: str) -> Flow:
    """A flow of its own name, with a command in a container."""
    return load_text(f"id: {name}\nnamespace: team\ntasks:\n{command({})}\n", "flow.yaml")


@pytest.mark.usefixtures("docker_engine")
def test_deployed_with_a_block(api: Api, allow: Allow, tmp_path: Path) -> None:
    """The flows that are deployed find their engine by its block, as those of `run` do."""
    allow(host=save_host("deployed", usual_address()))
    (tmp_path / "it.yaml").write_text(f"id: deployed\nnamespace: team\ntasks:\n{command({})}\n")
    made = lazy_flows(tmp_path)("team_deployed")
    asyncio.run(made())
    (flow_run,) = api.flow_runs("team.deployed")
    assert "COMPLETED" == flow_run["state_type"]


def test_no_run_without_an_engine(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """`run` on Prefect makes no flow run when there is no engine."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///no/such.sock")
    with pytest.raises(InvalidFlow, match=r"WD410 'it': no container engine answers at 'unix:///no/such\.sock'"):
        run(flow_named("never-begun"), engine="prefect")
    assert [] == api.flow_runs("team.never-begun")


def test_deployed_without_an_engine(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """A deployed flow fails at its start with what `run` says; making it asks no engine."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///no/such.sock")
    made: Any = wdprefect.to_prefect(flow_named("without"))
    with pytest.raises(InvalidFlow) as caught:
        asyncio.run(made())
    (flow_run,) = api.flow_runs("team.without")

    why = "no container engine answers at 'unix:///no/such.sock': there is no such socket"
    hint = "(start it, or run without containers by --runner process or WDPREFECT_RUNNER=process)"
    words = f": WD410 'it': {why} {hint}"
    assert (True, "FAILED") == (str(caught.value).endswith(words), flow_run["state_type"])
    assert flow_run["state"]["message"].endswith(words)
