"""Ending a run from outside: where it ends, and that nothing of it goes on."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.on_prefect import stopping
from tests.on_prefect.deploying import deploy, make_project, start, worker
from tests.on_prefect.seen import Api

pytestmark = pytest.mark.server
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
    project = make_project(tmp_path_factory.mktemp("project"), {"slow.yaml": stopping.COMMAND}, DEPLOYMENTS)
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
    flow_run_id = start(deployed, stopping.FLOW, deployment, {"folder": str(tmp_path)})
    children = stopping.children_of_run(tmp_path)
    if how == "cancel":
        deployed.cancel(flow_run_id)
    else:
        engine_of(flow_run_id).send_signal(signal.Signals[how])

    stopping.assert_gone(children)
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
def test_an_interrupted_command_line(
    api: Api, tmp_path: Path, engine: str, number: signal.Signals, inherited: str
) -> None:
    """An interrupted command says so with its exit code, and its commands end with it."""
    with stopping.command_line(api, tmp_path, stopping.COMMAND, engine, inherited) as process:
        children = stopping.children_of_run(tmp_path)
        process.send_signal(number)
        printed = process.communicate(timeout=stopping.GRACE_SECONDS + 10)[0]

    assert 130 == process.returncode, printed
    assert "wdprefect: interrupted" in printed.splitlines()
    stopping.assert_gone(children)
    if engine == "prefect":
        assert "CANCELLED" == api.state(stopping.run_of(api, tmp_path))


@pytest.mark.parametrize("engine", ["local", "prefect"])
def test_an_impatient_user(api: Api, tmp_path: Path, engine: str) -> None:
    """Ctrl-C again and again ends the command at once, and what it ran with it."""
    with stopping.command_line(api, tmp_path, stopping.STUBBORN, engine) as process:
        children = stopping.children_of_run(tmp_path)
        for _ in range(4):
            process.send_signal(signal.SIGINT)
            time.sleep(0.3)
        printed = process.communicate(timeout=stopping.GRACE_SECONDS)[0]

    assert 130 == process.returncode, printed
    assert "wdprefect: interrupted again, ended at once" == printed.splitlines()[-1]
    assert "Traceback" not in printed
    stopping.assert_gone(children)
    if engine == "prefect":
        assert api.end_state(stopping.run_of(api, tmp_path)) in {"CRASHED", "CANCELLED"}


# What a notebook does: the loop runs in the main thread, and Ctrl-C is an error there.
NOTEBOOK = """\
import asyncio, pathlib, psutil, sys, wdprefect

async def cell():
    try:
        wdprefect.run(wdprefect.load("slow.yaml"), engine=sys.argv[1], inputs={"folder": sys.argv[2]})
    except KeyboardInterrupt:
        print("interrupted", not psutil.pid_exists(int(pathlib.Path("child").read_text())))

asyncio.new_event_loop().run_until_complete(cell())
"""


@pytest.mark.parametrize("engine", ["local", "prefect"])
def test_an_interrupted_notebook(api: Api, tmp_path: Path, engine: str) -> None:
    """Where an event loop runs already, Ctrl-C cancels the run and is raised when that has ended."""
    (tmp_path / "slow.yaml").write_text(stopping.COMMAND)
    with stopping.python(api, tmp_path, "-c", NOTEBOOK, engine, str(tmp_path)) as process:
        children = stopping.children_of_run(tmp_path)
        process.send_signal(signal.SIGINT)
        printed = process.communicate(timeout=stopping.GRACE_SECONDS + 10)[0]

    assert 0 == process.returncode, printed
    assert "interrupted True" in printed.splitlines()
    stopping.assert_gone(children)
    if engine == "prefect":
        assert "CANCELLED" == api.state(stopping.run_of(api, tmp_path))


WAITS = pytest.mark.parametrize(
    ("text", "has_children"),
    [
        pytest.param(stopping.COMMAND, True, id="in a command"),
        pytest.param(stopping.SLEEP, False, id="in no command"),
    ],
)


@WAITS
def test_a_cancelled_command_line(api: Api, tmp_path: Path, text: str, *, has_children: bool) -> None:
    """A command whose run is cancelled in the UI ends with the exit code of one that was interrupted."""
    with stopping.command_line(api, tmp_path, text) as process:
        stopping.await_line(process, "* wait: started")
        children = stopping.children_of_run(tmp_path) if has_children else []
        flow_run_id = stopping.run_of(api, tmp_path)
        api.cancel(flow_run_id)
        printed = process.communicate(timeout=stopping.GRACE_SECONDS + 10)[0]

    assert 130 == process.returncode, printed
    assert f"{stopping.FLOW} KILLED" in printed
    stopping.assert_gone(children)
    assert "CANCELLED" == api.state(flow_run_id)
    assert {"CANCELLED"} == {run["state_type"] for run in api.task_runs(flow_run_id).values()}


@WAITS
@pytest.mark.parametrize("engine", ["local", "prefect"])
def test_a_killed_command_line(api: Api, tmp_path: Path, engine: str, text: str, *, has_children: bool) -> None:
    """A command that is killed leaves no process, and no run that looks as if it still ran."""
    with stopping.command_line(api, tmp_path, text, engine) as process:
        stopping.await_line(process, "* wait: started")
        children = stopping.children_of_run(tmp_path) if has_children else []
        if engine == "prefect":
            stopping.running_task_run(api, tmp_path)
        children += [child.pid for child in psutil.Process(process.pid).children()]
        process.kill()
        process.communicate(timeout=10)

    assert -signal.SIGKILL == process.returncode
    stopping.assert_gone(children)
    if engine == "prefect":
        flow_run_id = stopping.run_of(api, tmp_path)
        assert "CRASHED" == api.end_state(flow_run_id)
        assert {"CRASHED"} == {run["state_type"] for run in api.task_runs(flow_run_id).values()}


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
