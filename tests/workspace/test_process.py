from __future__ import annotations

import os
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest

from tests.workspace.watching import Shell, is_dead, stopping_when, wait_until, written
from wdprefect.errors import TaskFailed
from wdprefect.model.ports import Command, Stream
from wdprefect.model.stop import Stop
from wdprefect.workspace import lines
from wdprefect.workspace.directory import Directory
from wdprefect.workspace.guard import Guard
from wdprefect.workspace.process import ProcessRunner, inherited_environment


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("true", 0, id="success"),
        pytest.param("exit 7", 7, id="its own status"),
        pytest.param("nowhere-to-be-found", 127, id="the shell finds no program"),
        pytest.param("kill -TERM $$", 143, id="SIGTERM"),
        pytest.param("kill -KILL $$", 137, id="SIGKILL"),
        pytest.param("exec >&- 2>&-; exit 3", 3, id="it closed its output before"),
    ],
)
def test_exit_status(shell: Shell, text: str, expected: int) -> None:
    """A program's exit status is passed on; a signal n gives 128 + n."""
    assert expected == shell.run(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("echo a; echo; echo b", ["a", "", "b"], id="empty lines count"),
        pytest.param("printf 'a\\nlast'", ["a", "last"], id="no line end at the end"),
        pytest.param("printf 'a\\r\\nb\\r\\n'", ["a", "b"], id="line ends of Windows"),
        pytest.param("printf 'a\\rb\\n'", ["a\rb"], id="a carriage return inside stays"),
        pytest.param("printf '\\303\\244 \\377 z\\n'", ["ä � z"], id="what is not UTF-8 is replaced"),
        pytest.param("printf '\\303'; sleep 0.05; printf '\\244\\n'", ["ä"], id="a character in two writes"),
        pytest.param("cat; echo end", ["end"], id="the input is empty"),
        pytest.param("true", [], id="nothing"),
    ],
)
def test_lines(shell: Shell, text: str, expected: list[str]) -> None:
    """Output comes line by line without line ends, and nothing of it is lost."""
    shell.run(text)

    assert expected == shell.stdout


def test_streams_are_told_apart(shell: Shell) -> None:
    """Each line comes with the stream it was written to."""
    shell.run("echo out; echo err >&2")

    assert [("stderr", "err"), ("stdout", "out")] == sorted(shell.lines)


def test_many_lines(shell: Shell) -> None:
    """200,000 lines arrive, all and in their order."""
    shell.run("seq 200000; seq 3 >&2")

    assert [str(number) for number in range(1, 200_001)] == shell.stdout
    assert ["1", "2", "3"] == shell.stderr


def test_endless_line(shell: Shell) -> None:
    """A line beyond the limit comes in pieces that make up the whole, characters uncut."""
    length = lines.LONGEST_LINE_BYTES
    text = f"import sys; sys.stdout.buffer.write(b'a' + 'ä'.encode() * {length})"
    shell.vector(sys.executable, "-c", text)

    assert len(shell.stdout) > 1
    assert "a" + "ä" * length == "".join(shell.stdout)


def test_directory(shell: Shell) -> None:
    """A program works in the directory, which it also finds in WORKING_DIR."""
    shell.run('pwd; echo "$WORKING_DIR"', {"WORKING_DIR": "elsewhere"})

    assert [shell.session.directory, shell.session.directory] == shell.stdout


def test_environment(directory: Directory, guard: Guard, monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs get our environment without our secrets, what is allowed excepted, then their own."""
    for name in ("PREFECT_API_KEY", "SECRET_A", "SECRET_DB", "WDPREFECT_X", "PLAIN"):
        monkeypatch.setenv(name, "inherited")
    shell = Shell(ProcessRunner(["SECRET_D*"], guard).session(directory, "run-1"), directory)
    shell.run("env", {"PLAIN": "own", "SECRET_OWN": "own"})

    seen = dict(line.split("=", 1) for line in shell.stdout)
    assert "inherited" == seen["SECRET_DB"]
    assert "own" == seen["PLAIN"]
    assert "own" == seen["SECRET_OWN"]
    assert "run-1" == seen["WDPREFECT_RUN"]
    assert not {"PREFECT_API_KEY", "SECRET_A", "WDPREFECT_X"} & seen.keys()


def test_markers_cannot_be_replaced(shell: Shell) -> None:
    """A command's own environment does not hide it from those who clear up."""
    shell.run("echo $WDPREFECT_RUN", {"WDPREFECT_RUN": "other"})

    assert ["run-1"] == shell.stdout


def test_python_of_the_path(tmp_path: Path) -> None:
    """The PATH decides what `python` is; our own Python steps in where it has none."""
    (tmp_path / "python").write_text("#!/bin/sh\n")
    (tmp_path / "python").chmod(0o755)

    assert str(tmp_path) == inherited_environment({"PATH": str(tmp_path)})["PATH"]
    assert f"{Path(sys.executable).parent}:/nowhere" == inherited_environment({"PATH": "/nowhere"})["PATH"]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        pytest.param(["no-such-program"], "cannot start 'no-such-program': No such file or directory", id="missing"),
        pytest.param(["./data"], "cannot start './data': Permission denied", id="not executable"),
        pytest.param(["a\0b"], "cannot start 'a\0b': embedded null byte", id="no name"),
        pytest.param([], "no program is given", id="nothing"),
    ],
)
def test_cannot_start(shell: Shell, arguments: list[str], reason: str) -> None:
    """A program that cannot be started fails the task with the system's reason and no exit status."""
    (shell.directory.path / "data").write_text("x")
    with pytest.raises(TaskFailed) as caught:
        shell.vector(*arguments)

    assert reason == str(caught.value)
    assert caught.value.exit_status is None


def test_missing_directory(shell: Shell) -> None:
    """When the directory is gone, the reason names it and not only the program."""
    shell.directory.path.rmdir()
    with pytest.raises(TaskFailed, match=str(shell.directory.path)):
        shell.run("true")


def test_background_process_holds_the_output(shell: Shell) -> None:
    """What stays in the background and holds the output delays the end by about a second, and is ended."""
    began = time.monotonic()
    shell.run("echo before; sleep 60 & echo $! > pid")

    assert 3 > time.monotonic() - began
    assert ["before"] == shell.stdout
    wait_until(lambda: is_dead(shell.pid_in("pid")))


def test_background_process_is_quiet(shell: Shell) -> None:
    """What stays in the background without the output delays nothing, and is ended with the program."""
    began = time.monotonic()
    shell.run("sleep 60 > log 2>&1 & echo $! > pid")

    assert 0.9 > time.monotonic() - began
    wait_until(lambda: is_dead(shell.pid_in("pid")))


def test_late_output_of_the_background(shell: Shell) -> None:
    """What a background process prints just after the program's end still arrives."""
    shell.run("(sleep 0.1; echo late) & echo early")

    assert ["early", "late"] == shell.stdout


def test_stop(shell: Shell) -> None:
    """A request from another thread ends the program by SIGTERM; what it printed before and after arrives."""
    stop = Stop()
    text = "trap 'echo tidy; exit 9' TERM; echo begun; echo > ready; while :; do sleep 0.02; done"
    with stopping_when(written(shell.directory.path / "ready"), stop):
        assert 9 == shell.run(text, stop=stop)

    assert ["begun", "tidy"] == shell.stdout


def test_stop_before_the_start(shell: Shell) -> None:
    """After the request nothing is started any more."""
    stop = Stop()
    stop.request()

    assert 143 == shell.vector("no-such-program", stop=stop)


def test_grace_is_for_the_whole_group(shell: Shell) -> None:
    """A child of a shell that ends at once may still tidy up, in a file too, before it is killed."""
    stop = Stop()
    child = "(trap 'sleep 0.3; echo tidy > tidy; exit' TERM; echo > ready; while :; do sleep 0.02; done) > log 2>&1 &"
    with stopping_when(written(shell.directory.path / "ready"), stop):
        assert 143 == shell.run(f"{child} wait", stop=stop)

    assert "tidy\n" == (shell.directory.path / "tidy").read_text()


def test_stop_of_who_ignores_it(shell: Shell) -> None:
    """A program that ignores SIGTERM is killed after its grace."""
    stop = Stop()
    text = "trap '' TERM; echo $$ > pid; while :; do sleep 0.05; done"
    with stopping_when(written(shell.directory.path / "pid"), stop):
        began = time.monotonic()
        assert 137 == shell.run(text, stop=stop, grace_seconds=0.3)

    assert 0.3 + 2 > time.monotonic() - began
    assert is_dead(shell.pid_in("pid"))


LEAVER = """
import os, signal, time
if not os.fork():
    os.setsid()
    if {twice} and os.fork():
        os._exit(0)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for descriptor in (1, 2):
        os.close(descriptor)
    with open("pid", "w") as file:
        print(os.getpid(), file=file)
    time.sleep(60)
    os._exit(0)
time.sleep({stays})
"""


@pytest.mark.parametrize("twice", [pytest.param(False, id="setsid"), pytest.param(True, id="daemon")])
def test_stop_of_who_left_the_group(shell: Shell, twice: bool) -> None:  # noqa: FBT001 (a row of the table)
    """What left the process group, and what even left the family, is ended as well, although it ignores SIGTERM."""
    stop = Stop()
    text = LEAVER.format(twice=twice, stays=60)
    with stopping_when(written(shell.directory.path / "pid"), stop):
        began = time.monotonic()
        shell.vector(sys.executable, "-c", text, stop=stop, grace=timedelta(seconds=0.2))

    assert 0.2 + 2 > time.monotonic() - began
    assert is_dead(shell.pid_in("pid"))


def test_daemon_may_tidy_up(shell: Shell) -> None:
    """What left the family is asked by SIGTERM first too, and has the same grace."""
    stop = Stop()
    text = """
import os, signal, sys, time
def tidy(*_):
    with open("tidy", "w") as file:
        print("done", file=file)
    os._exit(0)
if not os.fork():
    os.setsid()
    if os.fork():
        os._exit(0)
    signal.signal(signal.SIGTERM, tidy)
    with open("ready", "w") as file:
        print("ready", file=file)
time.sleep(60)
"""
    with stopping_when(written(shell.directory.path / "ready"), stop):
        assert 143 == shell.vector(sys.executable, "-c", text, stop=stop)

    assert "done\n" == (shell.directory.path / "tidy").read_text()


def test_last_words(shell: Shell) -> None:
    """What a stopped program printed arrives whole, although it has ended before all of it was read."""
    stop = Stop()
    text = """
import fcntl, os, signal, time
fcntl.fcntl(1, fcntl.F_SETPIPE_SZ, 1 << 20)
def speak(*_):
    os.write(1, b"x" * 999 * 500 + b"\\nend")
    os._exit(0)
signal.signal(signal.SIGTERM, speak)
with open("ready", "w") as file:
    print("ready", file=file)
time.sleep(60)
"""
    with stopping_when(written(shell.directory.path / "ready"), stop):
        assert 0 == shell.vector(sys.executable, "-c", text, stop=stop)

    assert ["x" * 999 * 500, "end"] == shell.stdout


def test_close_ends_who_left_the_group(shell: Shell) -> None:
    """A service that a command started with `setsid` serves the next commands, and ends with the session."""
    shell.run("setsid sleep 60 > log 2>&1 & echo $! > pid; sleep 0.2")
    shell.run("kill -0 $(cat pid) && echo serves")
    assert ["serves"] == shell.stdout

    shell.session.close()

    assert is_dead(shell.pid_in("pid"))


def test_close_ends_what_runs(shell: Shell) -> None:
    """Closing ends a command that runs in another thread; afterwards nothing is started, closing again does nothing."""
    statuses: list[int] = []
    thread = threading.Thread(target=lambda: statuses.append(shell.run("echo $$ > pid; sleep 60")))
    thread.start()
    pid = shell.pid_in("pid")
    shell.session.close()
    shell.session.close()
    thread.join(5)

    assert [143] == statuses
    assert is_dead(pid)
    assert 143 == shell.run("true")


def test_failing_listener(shell: Shell) -> None:
    """When whoever listens to the lines fails, the program does not survive it."""

    def fail(stream: Stream, line: str) -> None:
        raise KeyError(line)

    command = Command(("/bin/sh", "-c", "echo $$ > pid; echo line; sleep 60"), {})
    with pytest.raises(KeyError):
        shell.session.run(command, fail, Stop())

    assert is_dead(shell.pid_in("pid"))


def test_commands_at_the_same_time(shell: Shell) -> None:
    """Stopping one of two commands of a session leaves the other one alone."""
    stop = Stop()
    statuses: dict[str, int] = {}

    def other() -> None:
        statuses["other"] = shell.run("echo > other; until test -e done; do sleep 0.02; done; exit 4")

    thread = threading.Thread(target=other)
    thread.start()
    with stopping_when(written(shell.directory.path / "other"), stop):
        statuses["stopped"] = shell.run("sleep 60", stop=stop)
    (shell.directory.path / "done").touch()
    thread.join(5)

    assert {"stopped": 143, "other": 4} == statuses


def test_no_descriptor_is_left(shell: Shell) -> None:
    """A command leaves no open descriptor behind."""
    shell.run("true")
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        shell.run("echo x")

    assert before == len(list(Path("/proc/self/fd").iterdir()))


def test_without_pidfd(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system has no descriptor for a process, its end is noticed all the same."""
    monkeypatch.delattr(os, "pidfd_open")  # as on macOS
    stop = Stop()

    assert 5 == shell.run("exec >&- 2>&-; sleep 0.05; exit 5")
    with stopping_when(written(shell.directory.path / "pid"), stop):
        assert 143 == shell.run("echo $$ > pid; sleep 60", stop=stop)
