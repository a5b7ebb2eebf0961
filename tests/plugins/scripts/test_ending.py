"""The end of programs: nothing that a task started survives it."""

from __future__ import annotations

import os
import time
from datetime import timedelta
from pathlib import Path

import pytest

from tests.running import CORE, SCRIPTS, messages, run_tasks, states
from tests.workspace.watching import is_dead

PATIENCE = timedelta(seconds=10)


def pids_in(folder: Path) -> list[int]:
    """The processes that wrote their number into a file of the folder."""
    return [int(file.read_text()) for file in folder.iterdir()]


@pytest.mark.parametrize(
    "commands",
    [
        pytest.param("echo $$ > {0}/shell; sleep 600", id="a program"),
        pytest.param("sleep 600 & echo $! > {0}/child; echo $$ > {0}/shell; wait", id="its child"),
        pytest.param("setsid sh -c 'echo $$ > {0}/stray; sleep 600' & sleep 600", id="a session of its own"),
        pytest.param("trap '' TERM; echo $$ > {0}/deaf; while :; do sleep 0.1; done", id="deaf to SIGTERM"),
    ],
)
def test_timeout(commands: str, tmp_path: Path) -> None:
    """A task that exceeds its timeout fails and delivers nothing, and all its programs have ended."""
    execution = run_tasks(f"""
        - id: a
          type: {SCRIPTS}.shell.Script
          timeout: PT0.5S
          script: |
            {commands.format(tmp_path)}
        """)

    assert ("FAILED", "flow.yaml:4:5: task 'a': Timeout after 00:00:00.500") == (execution.state, execution.error)
    assert {} == execution.task_outputs
    assert pids_in(tmp_path)
    assert [] == [pid for pid in pids_in(tmp_path) if not is_dead(pid)]


def test_files_before_a_timeout() -> None:
    """What a task made until its time was over is stored and a file of the run, though the task has no outputs."""
    execution = run_tasks(f"""
        - id: a
          type: {SCRIPTS}.shell.Commands
          timeout: PT1S
          outputFiles: ["*.txt"]
          commands: ["echo half > half.txt; trap 'echo end > end.txt; exit' TERM; sleep 600 & wait"]
        """)

    (run,) = execution.task_runs
    assert ("FAILED", {}) == (run.state, execution.task_outputs)
    assert {"end.txt": b"end\n", "half.txt": b"half\n"} == {
        name: execution.read(file.uri) for name, file in run.files.items()
    }


def test_left_in_the_background(tmp_path: Path) -> None:
    """What a task leaves in the background ends with it, and does not hold it up."""
    execution = run_tasks(f"""
        - id: a
          type: {SCRIPTS}.shell.Commands
          commands: ["sleep 600 & echo $! > {tmp_path}/pid", "echo done"]
        """)

    assert ("SUCCESS", ["done"]) == (execution.state, messages(execution, "a"))
    assert execution.ended - execution.started < PATIENCE
    assert [] == [pid for pid in pids_in(tmp_path) if not is_dead(pid)]


def test_timeout_of_a_directory(tmp_path: Path) -> None:
    """The timeout of a WorkingDirectory ends the task that runs in it, and no further one starts."""
    execution = run_tasks(f"""
        - id: directory
          type: {CORE}.flow.WorkingDirectory
          timeout: PT0.5S
          tasks:
            - {{id: a, type: {SCRIPTS}.shell.Commands, commands: ["echo $$ > {tmp_path}/pid", "sleep 600"]}}
            - {{id: b, type: {SCRIPTS}.shell.Commands, commands: ["true"]}}
        """)

    assert {"directory": "FAILED", "a": "KILLED"} == states(execution)
    assert [] == [pid for pid in pids_in(tmp_path) if not is_dead(pid)]


def test_after_the_timeout_of_a_directory(tmp_path: Path) -> None:
    """When the time of a WorkingDirectory is over, `errors` and `finally` run in it, and what is there is captured."""
    execution = run_tasks(f"""
        - id: directory
          type: {CORE}.flow.WorkingDirectory
          timeout: PT0.5S
          outputFiles: [started.txt]
          tasks:
            - id: a
              type: {SCRIPTS}.shell.Commands
              commands: ["echo $$ > {tmp_path}/pid; pwd > started.txt", "sleep 600"]
          errors:
            - {{id: handler, type: {SCRIPTS}.shell.Commands, commands: ["cat started.txt"]}}
          finally:
            - {{id: last, type: {SCRIPTS}.shell.Commands, commands: ["cat started.txt"]}}
        """)

    assert {"directory": "FAILED", "a": "KILLED", "handler": "SUCCESS", "last": "SUCCESS"} == states(execution)
    assert ["started.txt"] == list(execution.task_outputs["directory"]["outputFiles"])
    assert [] == [pid for pid in pids_in(tmp_path) if not is_dead(pid)]


def test_directories_are_gone() -> None:
    """No working directory is left, whether the task succeeded, failed, or left files that are read-only."""
    root = Path(os.environ["WDPREFECT_DIRECTORY"])

    run_tasks(f"""
        - {{id: a, type: {SCRIPTS}.shell.Commands, commands: ["mkdir d; touch d/x; chmod -R a-w ."]}}
        - {{id: b, type: {SCRIPTS}.shell.Commands, commands: ["touch x; false"]}}
        """)

    assert [] == list(root.glob("wdprefect-*"))


def test_fast_tasks_do_not_wait() -> None:
    """Ten tasks that do nothing take less time than one that waits for something would."""
    begin = time.monotonic()

    run_tasks("\n".join(f"- {{id: t{n}, type: {SCRIPTS}.shell.Commands, commands: ['true']}}" for n in range(10)))

    assert timedelta(seconds=time.monotonic() - begin) < PATIENCE
