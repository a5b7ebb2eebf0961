"""What a run that died left behind, and who clears it up."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import wdprefect
from tests.on_prefect.deploying import environment
from tests.on_prefect.seen import Api
from tests.workspace.watching import wait_until, written

pytestmark = pytest.mark.server
FLOW = """\
id: dying
namespace: company.team
inputs:
  - id: folder
    type: STRING
    required: false
tasks:
  - id: wait
    type: io.kestra.plugin.scripts.shell.Commands
    runIf: "{{ inputs.folder is defined }}"
    env:
      FOLDER: "{{ inputs.folder }}"
    commands:
      - echo $$ > "$FOLDER/child"; sleep 600
"""


def test_task_runs_of_a_killed_run(api: Api, flow_file: Path) -> None:
    """The next run of a flow closes the task runs that still run in a run that has ended, and no others."""
    flow_file.write_text(FLOW)
    crashed, living = (killed(api, flow_file, name) for name in ("crashed", "living"))
    # What the worker of the run does when the process is gone.
    api.set_state(crashed, {"type": "CRASHED", "name": "Crashed"})
    wdprefect.run(wdprefect.load(flow_file))

    assert ("CRASHED", "its flow run ended without it") == task_run(api, crashed)
    assert "RUNNING" == task_run(api, living)[0]
    assert "CRASHED" == api.state(crashed)


def test_directories_of_killed_runs(api: Api, flow_file: Path) -> None:
    """A process that runs a flow removes the directories of runs that died, once."""
    flow_file.write_text(FLOW)
    root = flow_file.parent / "directories"
    root.mkdir()
    (root / "wdprefect-dead" / "work").mkdir(parents=True)
    (root / "wdprefect-dead" / "owner").write_text('{"run": "dead", "pid": 0}')
    with command_line(api, flow_file, "once", directory=root) as process:
        wait_until(lambda: not (root / "wdprefect-dead").exists(), seconds=60)
        process.kill()


def killed(api: Api, flow_file: Path, name: str) -> str:
    """The id of the flow run of a process that was killed while its task ran."""
    folder = flow_file.parent / name
    folder.mkdir()
    with command_line(api, flow_file, name) as process:
        wait_until(written(folder / "child"), seconds=60)
        (found,) = (run for run in api.flow_runs("company.team.dying") if run["parameters"] == {"folder": str(folder)})
        api.until(lambda: task_states(api, found["id"]), lambda states: states == ["RUNNING"])
        os.kill(process.pid, signal.SIGKILL)
    return str(found["id"])


def command_line(api: Api, flow_file: Path, name: str, directory: Path | None = None) -> subprocess.Popen[bytes]:
    folder = flow_file.parent / name
    folder.mkdir(exist_ok=True)
    own = {"WDPREFECT_DIRECTORY": str(directory)} if directory else {}
    return subprocess.Popen(
        [sys.executable, "-m", "wdprefect", "run", str(flow_file), "-i", f"folder={folder}"],
        env=environment(api, flow_file.parent, **own),
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def task_run(api: Api, flow_run_id: str) -> tuple[str, str]:
    (found,) = api.post("/task_runs/filter", {"flow_runs": {"id": {"any_": [flow_run_id]}}})
    return found["state_type"], found["state"]["message"]


def task_states(api: Api, flow_run_id: str) -> list[str]:
    found = api.post("/task_runs/filter", {"flow_runs": {"id": {"any_": [flow_run_id]}}})
    return [run["state_type"] for run in found]
