from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import pytest

from tests.workspace.watching import is_dead, wait_until
from wdprefect.workspace.guard import SCRIPT, START, Guard, guard_of_process


@pytest.fixture(autouse=True)
def _no_other_guard() -> None:
    """What earlier tests of this process started is not counted."""
    guard_of_process().close()
    wait_until(lambda: not guards())


@contextmanager
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A process in a group of its own."""
    process = subprocess.Popen(["sleep", "60"], start_new_session=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def guards() -> list[psutil.Process]:
    children = [child for child in psutil.Process().children() if not is_dead(child.pid)]
    for child in children:
        # A process that is just being started has no arguments yet.
        wait_until(lambda child=child: is_dead(child.pid) or bool(child.cmdline()))  # type: ignore[misc] # a default
    return [child for child in children if "wdprefect-guard" in child.cmdline()]


def test_close_kills_what_is_watched(guard: Guard) -> None:
    """A group that is still watched when the pipe closes is killed; one that is no longer watched lives."""
    with sleeper() as watched, sleeper() as before:
        with guard.watching(before.pid):
            pass
        with guard.watching(watched.pid):
            guard.close()
            wait_until(lambda: is_dead(watched.pid))

        with pytest.raises(subprocess.TimeoutExpired):
            before.wait(0.2)


def test_starts_when_needed(guard: Guard) -> None:
    """There is no guard process before the first group, one for all groups, and none after the close."""
    assert [] == guards()
    with sleeper() as first, sleeper() as second, guard.watching(first.pid), guard.watching(second.pid):
        assert 1 == len(guards())
    guard.close()
    guard.close()

    assert [] == guards()


def test_many_threads(guard: Guard) -> None:
    """Threads may watch groups at the same time: one guard, which forgets what ended and keeps what has not."""
    with sleeper() as watched, guard.watching(watched.pid):

        def watch(numbers: range) -> None:
            for number in numbers:
                with guard.watching(number):
                    pass

        # No process has such a number: a guard that remembered them would do no harm.
        threads = [
            threading.Thread(target=watch, args=(range(at, at + 500),)) for at in range(5_000_000, 5_004_000, 500)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert 1 == len(guards())
        guard.close()
        wait_until(lambda: is_dead(watched.pid))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_outlives_the_end_of_a_session(guard: Guard, number: signal.Signals) -> None:
    """Signals that end whole sessions do not end the guard, which has to be the last one."""
    with sleeper() as watched, guard.watching(watched.pid):
        (process,) = guards()
        wait_until(lambda: ignores(process.pid, number))
        process.send_signal(number)
        guard.close()
        wait_until(lambda: is_dead(watched.pid))


def ignores(pid: int, number: signal.Signals) -> bool:
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    ignored = next(line for line in status.splitlines() if line.startswith("SigIgn:"))
    return bool(int(ignored.split()[1], 16) >> (number - 1) & 1)


def test_killed_guard_is_replaced(guard: Guard) -> None:
    """When somebody kills the guard, the next group brings a new one, which watches the earlier groups too."""
    with sleeper() as first, sleeper() as second, guard.watching(first.pid):
        (process,) = guards()
        process.kill()
        wait_until(lambda: is_dead(process.pid))
        with guard.watching(second.pid):
            assert 1 == len(guards())
            guard.close()
            wait_until(lambda: is_dead(first.pid) and is_dead(second.pid))


def test_fork(guard: Guard) -> None:
    """A forked child neither keeps the parent's guard from seeing the parent's end, nor ends it with its own."""
    with sleeper() as watched, guard.watching(watched.pid):
        read, write = os.pipe()
        child = os.fork()
        if not child:
            os.close(write)
            guard.close()
            os.read(read, 1)
            os._exit(0)
        os.close(read)
        assert 1 == len(guards())
        assert not is_dead(watched.pid)
        guard.close()
        wait_until(lambda: is_dead(watched.pid))
        assert not is_dead(child)
        os.close(write)
        os.waitpid(child, 0)


def test_calling_on_death(guard: Guard, tmp_path: Path) -> None:
    """What is registered when the pipe closes is started, with its variables; what is no longer registered is not."""
    text = 'printf %s "$SECRET" > "$1"'
    value = "two\nlines and 'quotes' \\ $HOME"
    with guard.calling_on_death(["sh", "-c", text, "sh", str(tmp_path / "ended")], {"SECRET": value}):
        pass
    with guard.calling_on_death(["sh", "-c", text, "sh", str(tmp_path / "active")], {"SECRET": value}):
        (process,) = guards()
        shown = f"{process.cmdline()} {process.environ()}"
        guard.close()
        wait_until(lambda: (tmp_path / "active").exists() and (tmp_path / "active").read_text() == value)

    assert "quotes" not in shown
    assert not (tmp_path / "ended").exists()


def test_calling_on_a_real_death(tmp_path: Path) -> None:
    """A process that is killed has its command started, although a child that it forked lives on."""
    code = (
        "import os, signal, sys, time\n"
        "from wdprefect.workspace.guard import guard_of_process\n"
        "with guard_of_process().calling_on_death(['touch', sys.argv[1]], {}):\n"
        "    child = os.fork() or time.sleep(60)\n"
        "    print(child, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", code, str(tmp_path / "called")]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        try:
            wait_until((tmp_path / "called").exists)
            assert not is_dead(child)
        finally:
            os.kill(child, signal.SIGKILL)


def test_a_new_guard_knows_of_calls(guard: Guard, tmp_path: Path) -> None:
    """When somebody kills the guard, the one that replaces it starts what was registered before."""
    with guard.calling_on_death(["touch", str(tmp_path / "called")], {}), sleeper() as watched:
        (process,) = guards()
        process.kill()
        wait_until(lambda: is_dead(process.pid))
        with guard.watching(watched.pid):
            guard.close()
            wait_until((tmp_path / "called").exists)


def test_more_than_a_pipe_holds(guard: Guard, tmp_path: Path) -> None:
    """Large environments of many calls at once do not make the guard seem dead."""
    with ExitStack() as calls:
        guard.start()
        (process,) = guards()
        for number in range(20):
            file = tmp_path / str(number)
            calls.enter_context(guard.calling_on_death(["touch", str(file)], {"LARGE": "x" * 10_000}))
        assert [process] == guards()
        guard.close()
        wait_until(lambda: len(list(tmp_path.iterdir())) == 20, seconds=60)


@pytest.mark.parametrize("shell", [shell for shell in ("/bin/sh", "/bin/bash", "/bin/dash") if Path(shell).exists()])
def test_shells(shell: str, tmp_path: Path) -> None:
    """What the guard does is the same in every shell that may be /bin/sh."""
    root, called, ended = tmp_path / "with  two spaces", tmp_path / "called", tmp_path / "ended"
    calls = [
        base64.b64encode(json.dumps({"arguments": ["touch", str(file)], "environment": {}}).encode()).decode()
        for file in (called, ended)
    ]
    root.mkdir()
    sweep = "import sys, pathlib; pathlib.Path(sys.argv[1], 'swept').touch()"
    with sleeper() as watched, sleeper() as before:
        told = f"+ {watched.pid}\n+ {before.pid}\ncall 1 {calls[0]}\ncall 11 {calls[1]}\nroot {root}\n"
        told += f"- {before.pid}\ndone 11\n"
        command = [shell, "-c", SCRIPT, "wdprefect-guard", sys.executable, START, sweep]
        done = subprocess.run(command, input=told, text=True, capture_output=True, check=False)

        assert (0, "", "") == (done.returncode, done.stdout, done.stderr)
        wait_until(lambda: is_dead(watched.pid) and called.exists())
        assert (True, False, False) == ((root / "swept").exists(), ended.exists(), is_dead(before.pid))


def test_inherits_nothing(guard: Guard) -> None:
    """The guard holds no output and no descriptor of ours, and is in a session of its own."""
    guard.start()
    (process,) = guards()
    wait_until(lambda: ignores(process.pid, signal.SIGTERM))
    targets = {entry.name: str(entry.readlink()) for entry in Path(f"/proc/{process.pid}/fd").iterdir()}

    assert {"0", "1", "2"} == targets.keys()
    assert ["/dev/null", "/dev/null"] == [targets["1"], targets["2"]]
    assert process.pid == os.getsid(process.pid)


def test_shared() -> None:
    """All runners of a process share one guard."""
    assert guard_of_process() is guard_of_process()
