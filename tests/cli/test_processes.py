"""The command line as a process: signals, terminals and pipes."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.cli.commands import Write, command, run_command
from tests.running import CORE, SCRIPTS
from tests.workspace.watching import is_dead

PATIENCE_SECONDS = 30.0
COLOUR = re.compile(r"\x1b\[[0-9;]*3[0-9][0-9;]*m")
SLEEPING = f"""\
id: sleeping
namespace: team
tasks:
  - id: directory
    type: {CORE}.flow.WorkingDirectory
    tasks:
      - id: a
        type: {SCRIPTS}.shell.Commands
        commands: ["touch left; sleep 600 & echo $! > CHILD; echo $$ > SHELL; wait"]
"""
FAILING = f"id: failing\nnamespace: team\ntasks:\n  - {{id: a, type: {CORE}.execution.Fail}}\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_interrupted(write: Write, tmp_path: Path, number: signal.Signals) -> None:
    """Ctrl-C and SIGTERM end what runs: exit code 130, no process and no directory is left, the run is recorded."""
    files = [tmp_path / "pids" / name for name in ("child", "shell")]
    files[0].parent.mkdir()
    text = SLEEPING.replace("CHILD", str(files[0])).replace("SHELL", str(files[1]))
    directories, storage = tmp_path / "directories", tmp_path / "storage"
    arguments = ("run", write("f.yaml", text), "--engine", "local", "--storage", storage.as_uri())
    environment = {**os.environ, "WDPREFECT_DIRECTORY": str(directories)}

    # Whoever runs the tests in the background ignores Ctrl-C, and so would the command.
    call = ["env", "--default-signal=INT", *command(*arguments)]
    with subprocess.Popen(call, stderr=subprocess.PIPE, text=True, env=environment) as process:
        wait_for(files)
        process.send_signal(number)
        _, said = process.communicate(timeout=PATIENCE_SECONDS)

    assert (130, "wdprefect: interrupted") == (process.returncode, said.splitlines()[-1])
    assert "Traceback" not in said
    assert [] == [file.name for file in files if not is_dead(int(file.read_text()))]
    assert [] == list(directories.glob("wdprefect-*"))
    assert '"state":"KILLED"' in next(storage.rglob("execution.json")).read_text()


def test_pipe(write: Write) -> None:
    """In a pipe there are plain lines: no colours, nothing that moves."""
    said = run_command("run", write("f.yaml", FAILING), "--engine", "local")

    assert (1, False, False) == (said.code, "\x1b" in said.out + said.err, "\r" in said.out + said.err)
    assert "* a: started" == said.err.splitlines()[0]


@pytest.mark.parametrize(
    ("variables", "expected"),
    [pytest.param({}, True, id="usually"), pytest.param({"NO_COLOR": "1"}, False, id="NO_COLOR")],
)
def test_colours(write: Write, variables: dict[str, str], expected: bool) -> None:  # noqa: FBT001  a column of the table
    """In a terminal a failure is in colour, unless NO_COLOR is set."""
    shown = in_terminal(command("run", write("f.yaml", FAILING), "--engine", "local"), variables)

    assert "a: failed, took" in shown
    assert expected == bool(COLOUR.search(shown))


def test_colours_of_what_runs(write: Write) -> None:
    """The colour of a line that is printed is not that of what stands below it."""
    shown = in_terminal(command("run", write("f.yaml", FAILING), "--engine", "local"), {})

    assert "team.failing" in shown
    assert [] == re.findall(r"\x1b\[3[0-9]m *team\.failing", shown)


def test_reader_that_has_seen_enough(write: Write) -> None:
    """A reader that closes the pipe early ends the command without a complaint."""
    arguments = command("schema")

    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read()

    assert (0, "") == (process.returncode, said)


def wait_for(files: list[Path]) -> None:
    """Return when all files have a content."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not all(file.exists() and file.read_text() for file in files):
        assert time.monotonic() < end
        time.sleep(0.02)


def in_terminal(arguments: list[str], variables: dict[str, str]) -> str:
    """What a program shows in a terminal."""
    master, slave = pty.openpty()
    kept = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "FORCE_COLOR"}}
    environment = {**kept, "TERM": "xterm-256color", **variables}
    with subprocess.Popen(arguments, stdin=slave, stdout=slave, stderr=slave, env=environment):
        os.close(slave)
        shown = b""
        while data := _read(master):
            shown += data
    os.close(master)
    return shown.decode(errors="replace")


def _read(master: int) -> bytes:
    try:
        return os.read(master, 65_536)
    except OSError:
        # The last one that had the terminal open is gone.
        return b""
