"""Runs that last until somebody ends them, and what is left of them then."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from tests.on_prefect.deploying import environment
from tests.on_prefect.seen import Api
from tests.workspace.watching import is_dead, wait_until, written

FLOW = "company.team.slow"
HEAD = """\
id: slow
namespace: company.team
inputs:
  - id: folder
    type: STRING
tasks:
"""
# A command with two processes, of which one leaves its group and its session.
COMMAND = f"""{HEAD}\
  - id: directory
    type: io.kestra.plugin.core.flow.WorkingDirectory
    tasks:
      - id: wait
        type: io.kestra.plugin.scripts.shell.Commands
        env:
          FOLDER: "{{{{ inputs.folder }}}}"
        commands:
          - setsid sh -c 'echo $$ > "$FOLDER/stray"; exec sleep 600' &
          - echo $$ > "$FOLDER/child"; sleep 600
"""
# A command that takes no notice of being asked to end.
STUBBORN = f"""{HEAD}\
  - id: wait
    type: io.kestra.plugin.scripts.shell.Commands
    env:
      FOLDER: "{{{{ inputs.folder }}}}"
    commands:
      - trap '' TERM INT; echo $$ > "$FOLDER/stray"; echo $$ > "$FOLDER/child"; while true; do sleep 0.2; done
"""
# No process but our own.
SLEEP = f"""{HEAD}\
  - id: wait
    type: io.kestra.plugin.core.flow.Sleep
    duration: "{{{{ inputs.folder == 'none' ? 'PT0S' : 'PT10M' }}}}"
"""
GRACE_SECONDS = 5.0


@contextmanager
def command_line(
    api: Api, folder: Path, text: str, engine: str = "prefect", inherited: str = "default", **more: str
) -> Iterator[subprocess.Popen[str]]:
    """`wdprefect run` of a flow, which gets the folder as its input; what it prints is in its `stdout`."""
    (folder / "slow.yaml").write_text(text)
    arguments = ["-m", "wdprefect", "run", "slow.yaml", "--engine", engine, "-i", f"folder={folder}"]
    with python(api, folder, *arguments, inherited=inherited, **more) as process:
        yield process


@contextmanager
def python(
    api: Api, folder: Path, *arguments: str, inherited: str = "default", **more: str
) -> Iterator[subprocess.Popen[str]]:
    """A Python process in the folder, which is gone when the block has ended. inherited: how it finds Ctrl-C set."""
    with subprocess.Popen(
        ["env", f"--{inherited}-signal=INT", sys.executable, *arguments],
        cwd=folder,
        env=environment(api, folder, **more),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            # Without this a test that fails would wait for a run that nobody ends.
            process.kill()


def await_line(process: subprocess.Popen[str], text: str) -> None:
    """Return when the process has printed a line that starts with the text."""
    assert process.stdout is not None
    seen: list[str] = []
    for line in process.stdout:
        seen.append(line)
        if line.startswith(text):
            return
    raise AssertionError("".join(seen))


def children_of_run(folder: Path) -> list[int]:
    """The processes of the command, as soon as it runs."""
    files = [folder / "child", folder / "stray"]
    for file in files:
        wait_until(written(file), seconds=60)
    return [int(file.read_text()) for file in files]


def assert_gone(children: Sequence[int]) -> None:
    """All of them end within the grace and two seconds."""
    for child in children:
        wait_until(lambda child=child: is_dead(child), GRACE_SECONDS + 2)  # type: ignore[misc] # mypy cannot infer a default


def run_of(api: Api, folder: Path) -> str:
    """The id of the flow run that got the folder."""
    (found,) = (run for run in api.flow_runs(FLOW) if run["parameters"] == {"folder": str(folder)})
    return str(found["id"])


def running_task_run(api: Api, folder: Path) -> dict[str, Any]:
    """The task run `wait` of the flow run that got the folder, as soon as the server shows that it runs."""
    where = {"flow_runs": {"id": {"any_": [run_of(api, folder)]}}, "task_runs": {"name": {"any_": ["wait"]}}}
    found = api.until(
        lambda: api.post("/task_runs/filter", where), lambda runs: [run["state_type"] for run in runs] == ["RUNNING"]
    )
    return dict(found[0])


def kill_with_guard(process: subprocess.Popen[str]) -> None:
    """End a process as a power loss does: nobody is left who could do anything about it."""
    for child in psutil.Process(process.pid).children():
        if "wdprefect-guard" in child.cmdline():
            child.kill()
    process.kill()
    process.wait()
