"""What reaches beyond a container: refused unless the project allows it, and then done. Engines that do not answer."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.cli.commands import Cli, Write
from tests.cli.conftest import cli, write
from tests.plugins.scripts.containers import (
    DOCKER,
    Allow,
    ContainersOf,
    allow,
    command,
    containers_of,
    failure,
)
from tests.running import messages, run_tasks
from tests.servers.docker import docker_engine
from tests.servers.relay import relay_to
from wdprefect.errors import InvalidFlow, UsageError
from wdprefect.workspace.containers.engine import usual_address

__all__ = ["allow", "cli", "containers_of", "docker_engine", "write"]  # fixtures of the tests below
pytestmark = pytest.mark.docker

STEP = "to 'allow' in [tool.wdprefect.docker] of pyproject.toml, or leave it out"


@pytest.mark.parametrize(
    ("runner", "name", "word"),
    [
        pytest.param({"volumes": ["{{ '/srv:/srv' }}"]}, "volumes", "volumes", id="volumes"),
        pytest.param({"volumes": "{{ ['/srv:/srv'] }}"}, "volumes", "volumes", id="a list of volumes"),
        pytest.param({"privileged": "{{ 1 == 1 }}"}, "privileged", "privileged", id="privileged"),
        pytest.param({"networkMode": "{{ 'host' }}"}, "networkMode", "host-network", id="the host's network"),
        pytest.param({"networkMode": "container:{{ 'x' }}"}, "networkMode", "host-network", id="another's network"),
        pytest.param({"host": "{{ 'tcp://127.0.0.1:1' }}"}, "host", "host", id="another engine"),
    ],
)
def test_refused_when_it_runs(runner: dict[str, Any], name: str, word: str) -> None:
    """What a template gives is refused as if it were written there."""
    words = f"'{name}' reaches beyond the container, which is not allowed here (add \"{word}\" {STEP})"
    assert f"flow.yaml:4:5: task 'it': {words}" == failure(run_tasks(command(runner)))


def test_volume(allow: Allow, tmp_path: Path) -> None:
    """A volume that is allowed is mounted."""
    allow("volumes")
    (tmp_path / "given.txt").write_text("of the host\n")
    runner = {"volumes": [f"{tmp_path}:/data:ro"]}
    execution = run_tasks(command(runner, commands="cat /data/given.txt; touch /data/x || echo read only"))

    assert ["of the host", "read only"] == messages(execution, "it", "INFO")


def test_socket(allow: Allow) -> None:
    """The engine's socket needs a word of its own beside that for volumes."""
    runner = {"volumes": ["/var/run/docker.sock:/var/run/docker.sock"]}
    allow("volumes")
    with pytest.raises(InvalidFlow, match=f'"socket" {re.escape(STEP)}'):
        run_tasks(command(runner))
    allow("volumes", "socket")
    execution = run_tasks(command(runner, commands="test -S /var/run/docker.sock && echo there"))

    assert ["there"] == messages(execution, "it")


def test_host_network(allow: Allow, containers_of: ContainersOf) -> None:
    """A container that may have the network of the host has it."""
    allow("host-network")
    (container,) = containers_of(run_tasks(command({"networkMode": "host", "delete": False})))
    assert "host" == container.attrs["HostConfig"]["NetworkMode"]


@pytest.mark.usefixtures("docker_engine")
def test_privileged_and_host(allow: Allow) -> None:
    """The engine that is named is asked, and for a privileged container where that is allowed."""
    allow("host", "privileged")
    with relay_to(urlsplit(usual_address()).path) as relay:
        # Where the tests run in a container themselves, the engine cannot make one.
        run_tasks(command({"host": f"tcp://127.0.0.1:{relay.port}", "privileged": True}))
        said = b"".join(relay.heard).decode("latin-1")
    assert '"Privileged": true' in said


def test_host_of_the_configuration(allow: Allow) -> None:
    """What the project names is the engine of all tasks, and needs no word."""
    with relay_to(urlsplit(usual_address()).path) as relay:
        allow(host=f"tcp://127.0.0.1:{relay.port}")
        execution = run_tasks(command({}))
        said = b"".join(relay.heard).decode("latin-1")

    assert ("SUCCESS", True) == (execution.state, "/containers/create" in said)


def test_credentials_that_are_no_block(allow: Allow) -> None:
    """Credentials of the configuration are blocks alone: its file is in everybody's hands."""
    allow(credentials=["user:password"])
    words = "'tool.wdprefect.docker.credentials.0': string should match pattern '^docker-registry-credentials/.'"
    with pytest.raises(UsageError) as caught:
        run_tasks(command({}))
    assert words in str(caught.value)


def test_unknown_word(allow: Allow) -> None:
    """A word that allows nothing is refused with those that do."""
    allow("everything")
    words = (
        "'tool.wdprefect.docker.allow.0': input should be 'volumes', 'privileged', 'host-network', 'socket' or 'host'"
    )
    with pytest.raises(UsageError) as caught:
        run_tasks(command({}))
    assert words in str(caught.value)


HINT = "(start it, or run without containers by --runner process or WDPREFECT_RUNNER=process)"
FLOW = f"""\
id: made
namespace: team
tasks:
  - {{id: before, type: io.kestra.plugin.core.log.Log, message: never}}
  - id: it
    type: io.kestra.plugin.scripts.shell.Commands
    taskRunner: {{type: {DOCKER}}}
    commands: [ls]
  - {{id: other, type: io.kestra.plugin.scripts.shell.Commands, containerImage: any, commands: [ls]}}
"""


@pytest.fixture
def nobody_there() -> Iterator[str]:
    """An address at which nobody listens while the test runs."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"tcp://127.0.0.1:{bound.getsockname()[1]}"


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        pytest.param("unix:///no/such.sock", "there is no such socket", id="no socket"),
        pytest.param("unix://FILE", "Connection refused", id="no socket but a file"),
        pytest.param("NOBODY", "Connection refused", id="refused"),
        pytest.param("docker", "Invalid bind address format: port is required: docker", id="no address"),
        pytest.param("tcp://127.0.0.1:x", "Port could not be cast to integer value as 'x'", id="no port"),
        pytest.param("ssh://127.0.0.1", "Install paramiko package to enable ssh:// support", id="by ssh"),
    ],
)
def test_no_engine(
    address: str, reason: str, nobody_there: str, cli: Cli, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`run` says that no engine answers, where, and why, before anything runs; `validate` does not ask."""
    flow = write("flow.yaml", FLOW)
    address = address.replace("FILE", flow).replace("NOBODY", nobody_there)
    monkeypatch.setenv("DOCKER_HOST", address)
    said = cli("run", flow, "--engine", "local")

    why = f"no container engine answers at '{address}': {reason} {HINT}"
    assert [f"{flow}:7:17: WD410 'it': {why}", f"{flow}:9:5: WD410 'other': {why}"] == said.err.splitlines()
    assert (1, 0) == (said.code, cli("validate", flow).code)


def test_no_permission(cli: Cli, write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who may not use the socket hears of its group."""
    file = write("socket", "")
    monkeypatch.setenv("DOCKER_HOST", f"unix://{file}")
    # Root, as whom the tests may run, may use everything.
    monkeypatch.setattr(os, "access", lambda path, _: path != file)
    said = cli("run", write("flow.yaml", FLOW), "--engine", "local")

    words = "this user may not use the socket; its group is mostly 'docker'"
    assert f"no container engine answers at 'unix://{file}': {words} {HINT}" in said.err


def test_no_certificates(
    cli: Cli, write: Write, nobody_there: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder of certificates that has none is said to have none."""
    monkeypatch.setenv("DOCKER_HOST", nobody_there)
    monkeypatch.setenv("DOCKER_CERT_PATH", str(tmp_path))
    said = cli("run", write("flow.yaml", FLOW), "--engine", "local")
    assert f"at '{nobody_there}': Path to a certificate and key files must be provided" in said.err


def test_process_runner_asks_no_engine(
    cli: Cli, write: Write, nobody_there: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where all commands run as processes no engine is asked, and nothing reaches beyond a container."""
    monkeypatch.setenv("DOCKER_HOST", nobody_there)
    flow = write("flow.yaml", FLOW.replace("taskRunner: {", "taskRunner: {privileged: true, "))
    assert 0 == cli("run", flow, "--engine", "local", "--runner", "process").code


def test_engine_known_later(allow: Allow, nobody_there: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine whose address is a template is asked when the task runs; the usual one is not asked in its place."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///no/such.sock")
    allow("host")
    error = failure(run_tasks(command({"host": f"{{{{ '{nobody_there}' }}}}"})))
    assert f"flow.yaml:4:5: task 'it': no container engine answers at '{nobody_there}': Connection refused" == error
