"""Ending a run whose command is in a container: where it ends, and that no container is left."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from docker.client import DockerClient
from docker.models.containers import Container

from tests.on_prefect import stopping
from tests.on_prefect.deploying import deploy, make_project, start, worker
from tests.on_prefect.seen import Api
from tests.on_prefect.test_stops import engine_of
from tests.servers.docker import docker_engine as docker_engine  # noqa: PLC0414  pytest finds it here
from tests.workspace.watching import wait_until

pytestmark = [pytest.mark.server, pytest.mark.docker, pytest.mark.slow]
FLOW = f"""{stopping.HEAD}\
  - id: directory
    type: io.kestra.plugin.core.flow.WorkingDirectory
    tasks:
      - id: wait
        type: io.kestra.plugin.scripts.shell.Commands
        containerImage: wdprefect-test/busybox
        env:
          FOLDER: "{{{{ inputs.folder }}}}"
        commands:
          - setsid sleep 600 & sleep 600
"""
SHORT = f"""{stopping.HEAD}\
  - id: wait
    type: io.kestra.plugin.scripts.shell.Commands
    containerImage: wdprefect-test/busybox
    env:
      FOLDER: "{{{{ inputs.folder }}}}"
    commands:
      - touch begun; while [ ! -e end ]; do sleep 0.1; done
"""
DEPLOYMENTS: list[dict[str, Any]] = [{"name": "default", "entrypoint": "flows.py:company_team_slow"}]


@pytest.fixture(scope="module")
def deployed(api: Api, docker_engine: DockerClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """The server with the deployment and a worker."""
    project = make_project(tmp_path_factory.mktemp("project"), {"slow.yaml": FLOW}, DEPLOYMENTS)
    with worker(api, project):
        done = deploy(api, project)
        assert 0 == done.returncode, done.stdout + done.stderr
        yield api


def containers(client: DockerClient, run_id: str) -> list[Container]:
    """The containers of a run."""
    return list(client.containers.list(all=True, filters={"label": f"wdprefect.run={run_id}"}, ignore_removed=True))


def begun(client: DockerClient, run_id: str) -> None:
    """Return when the command runs in its container."""

    def is_there() -> bool:
        found = containers(client, run_id)
        return bool(found) and found[0].status == "running" and "sleep 600" in str(found[0].top())

    wait_until(is_there, 60)


def assert_gone(client: DockerClient, run_id: str) -> None:
    """No container of the run is left, within the grace, two seconds and what the engine takes."""
    wait_until(lambda: [] == containers(client, run_id), stopping.GRACE_SECONDS + 5)


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        pytest.param("cancel", "CANCELLED", id="cancelled in the UI"),
        pytest.param("SIGTERM", "CANCELLED", id="terminated"),
        pytest.param("SIGKILL", "CRASHED", id="killed"),
    ],
)
def test_a_run_of_a_worker(deployed: Api, docker_engine: DockerClient, tmp_path: Path, how: str, expected: str) -> None:
    """As with processes: Cancelled or Crashed, and nothing goes on."""
    flow_run_id = start(deployed, stopping.FLOW, "default", {"folder": str(tmp_path)})
    begun(docker_engine, flow_run_id)
    if how == "cancel":
        deployed.cancel(flow_run_id)
    else:
        engine_of(flow_run_id).send_signal(signal.Signals[how])

    assert_gone(docker_engine, flow_run_id)
    assert expected == deployed.end_state(flow_run_id)


@pytest.mark.parametrize(
    ("number", "code", "state"),
    [
        pytest.param(signal.SIGINT, 130, "CANCELLED", id="Ctrl-C"),
        pytest.param(signal.SIGTERM, 130, "CANCELLED", id="terminated"),
        pytest.param(signal.SIGKILL, -9, "CRASHED", id="killed"),
    ],
)
def test_a_command_line(
    api: Api, docker_engine: DockerClient, tmp_path: Path, number: signal.Signals, code: int, state: str
) -> None:
    """A command that is interrupted or killed leaves no container, and its run ends in the right state."""
    with stopping.command_line(api, tmp_path, FLOW) as process:
        stopping.await_line(process, "* wait: started")
        run_id = stopping.run_of(api, tmp_path)
        begun(docker_engine, run_id)
        process.send_signal(number)
        process.communicate(timeout=stopping.GRACE_SECONDS + 15)

    assert code == process.returncode
    assert_gone(docker_engine, run_id)
    assert state == api.end_state(run_id)


def test_a_killed_worker(api: Api, docker_engine: DockerClient, tmp_path: Path) -> None:
    """A run goes on when its worker is killed, and ends by itself; its container goes with it."""
    project = make_project(tmp_path, {"slow.yaml": SHORT}, DEPLOYMENTS)
    with worker(api, project) as process:
        assert 0 == deploy(api, project).returncode
        run_id = start(api, stopping.FLOW, "default", {"folder": str(tmp_path)})
        wait_until(lambda: bool(containers(docker_engine, run_id)), 60)
        (container,) = containers(docker_engine, run_id)
        work = container.attrs["Config"]["WorkingDir"]
        wait_until(Path(work, "begun").exists, 20)
        process.kill()
        process.wait()
        Path(work, "end").touch()

        assert "COMPLETED" == api.end_state(run_id)
        assert_gone(docker_engine, run_id)
