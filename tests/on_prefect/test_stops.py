"""Ending a run from outside: where it ends, and that nothing of it goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.on_prefect.deploying import deploy, environment, make_project, start, worker
from tests.on_prefect.seen import Api
from tests.workspace.watching import is_dead, wait_until, written

pytestmark = pytest.mark.server
# A command with two processes, of which one leaves its group and its session.
SLOW = """\
id: slow
namespace: company.team
inputs:
  - id: folder
    type: STRING
tasks:
  - id: directory
    type: io.kestra.plugin.core.flow.WorkingDirectory
    tasks:
      - id: wait
        type: io.kestra.plugin.scripts.shell.Commands
        env:
          FOLDER: "{{ inputs.folder }}"
        commands:
          - setsid sh -c 'echo $$ > "$FOLDER/stray"; exec sleep 600' &
          - echo $$ > "$FOLDER/child"; sleep 600
"""
FLOW = "company.team.slow"
GRACE_SECONDS = 5.0
DEPLOYMENTS: list[dict[str, Any]] = [
    {"name": "default", "entrypoint": "flows.py:company_team_slow"},
    {
        "name": "command",
        "entrypoint": "flows.py:company_team_slow",
        "work_pool": {
            "name": "wdprefect",
            "job_variables": {"command": f"{sys.executable} -m prefect.engine"},
        },
    },
]


@pytest.fixture(scope="module")
def deployed(api: Api, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """The server with both deployments and a worker."""
    project = make_project(tmp_path_factory.mktemp("project"), {"slow.yaml": SLOW}, DEPLOYMENTS)
    with worker(api, project):
        done = deploy(api, project)
        assert 0 == done.returncode, done.stdout + done.stderr
        yield api


@pytest.mark.parametrize("deployment", ["default", "command"])
@pytest.mark.parametrize(
    ("how", "expected"),
    [
        pytest.param("cancel", "CANCELLED", id="cancelled in the UI"),
        pytest.param("SIGTERM", "CANCELLED", id="terminated"),
        pytest.param("SIGKILL", "CRASHED", id="killed"),
    ],
)
def test_a_run_of_a_worker(deployed: Api, tmp_path: Path, deployment: str, how: str, expected: str) -> None:
    """A run that is cancelled or terminated ends Cancelled, one that is killed Crashed; its commands end with it."""
    flow_run_id = start(deployed, FLOW, deployment, {"folder": str(tmp_path)})
    children = children_of_run(tmp_path)
    if how == "cancel":
        deployed.cancel(flow_run_id)
    else:
        engine_of(flow_run_id).send_signal(signal.Signals[how])

    assert_gone(children)
    assert expected == deployed.end_state(flow_run_id)


@pytest.mark.parametrize("engine", ["local", "prefect"])
@pytest.mark.parametrize(
    ("number", "inherited"),
    [
        pytest.param(signal.SIGINT, "default", id="Ctrl-C"),
        pytest.param(signal.SIGTERM, "default", id="terminated"),
        pytest.param(signal.SIGTERM, "ignore", id="terminated where Ctrl-C is ignored"),
    ],
)
def test_a_run_of_the_command_line(
    api: Api, tmp_path: Path, engine: str, number: signal.Signals, inherited: str
) -> None:
    """An interrupted command says so with its exit code, and its commands end with it."""
    (tmp_path / "slow.yaml").write_text(SLOW)
    with command_line(api, tmp_path, engine, inherited) as process:
        children = children_of_run(tmp_path)
        process.send_signal(number)
        printed = process.communicate(timeout=GRACE_SECONDS + 10)[0]

    assert 130 == process.returncode, printed
    assert "wdprefect: interrupted" in printed.splitlines()
    assert_gone(children)
    if engine == "prefect":
        states = [run["state_type"] for run in api.flow_runs(FLOW) if run["parameters"] == {"folder": str(tmp_path)}]
        assert ["CANCELLED"] == states


def command_line(api: Api, folder: Path, engine: str, inherited: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "wdprefect", "run", "slow.yaml", "--engine", engine, "-i", f"folder={folder}"]
    return subprocess.Popen(
        ["env", f"--{inherited}-signal=INT", *command],
        cwd=folder,
        env=environment(api, folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def children_of_run(folder: Path) -> list[int]:
    """The processes of the command, as soon as it runs."""
    files = [folder / "child", folder / "stray"]
    for file in files:
        wait_until(written(file), seconds=60)
    return [int(file.read_text()) for file in files]


def engine_of(flow_run_id: str) -> psutil.Process:
    """The process in which a worker's run goes on: the innermost of those that have its id."""
    found = [process for process in psutil.process_iter() if run_of(process) == flow_run_id]
    inner = [p for p in found if not set(p.children()) & set(found)]
    assert 1 == len(inner), found
    return inner[0]


def run_of(process: psutil.Process) -> str | None:
    try:
        is_python = os.path.basename(process.exe()).startswith("python")  # noqa: PTH119  a name, no path
        return process.environ().get("PREFECT__FLOW_RUN_ID") if is_python else None
    except psutil.Error:
        return None


def assert_gone(children: list[int]) -> None:
    for child in children:
        wait_until(lambda child=child: is_dead(child), GRACE_SECONDS + 2)  # type: ignore[misc] # mypy cannot infer a default
