from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.workspace.watching import is_dead, wait_until, written
from wdprefect.workspace.directory import Directory
from wdprefect.workspace.sweep import OLD_SECONDS, sweep

OWNER = """
import sys, time
from pathlib import Path
from wdprefect.workspace.directory import Directory
directory = Directory.create(Path(sys.argv[1]), "dead-run")
print(directory.path, flush=True)
time.sleep(60)
"""


@contextmanager
def owner_of_a_directory(root: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Another process that owns a directory below the root."""
    arguments = [sys.executable, "-c", OWNER, str(root)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        yield process, Path(process.stdout.readline().strip())
        process.kill()


def test_directory_of_a_dead_run(tmp_path: Path) -> None:
    """The directory of a process that was killed is removed; as long as it lives, it is not touched."""
    with owner_of_a_directory(tmp_path) as (process, path):
        assert [] == sweep(tmp_path)
        assert path.is_dir()
        process.kill()
        process.wait()

        assert [path.parent] == sweep(tmp_path)
        assert not path.parent.exists()


def test_own_directory(directory: Directory) -> None:
    """A process does not sweep its own directories away."""
    assert [] == sweep(directory.root)
    assert directory.path.is_dir()


def test_strays_of_a_dead_run(tmp_path: Path) -> None:
    """What still runs for a dead run's directory is killed; what carries another mark is not."""
    with owner_of_a_directory(tmp_path) as (process, path):
        process.kill()
        process.wait()
    marks = {
        "stray": {"WDPREFECT_RUN": "dead-run", "WDPREFECT_COMMAND": f"{path}#s.1"},
        "same run, other directory": {"WDPREFECT_RUN": "dead-run", "WDPREFECT_COMMAND": "/elsewhere#s.1"},
        "other run": {"WDPREFECT_RUN": "live-run", "WDPREFECT_COMMAND": f"{path}#s.1"},
    }
    running = {
        name: subprocess.Popen(["sleep", "60"], env=os.environ | mark, start_new_session=True)
        for name, mark in marks.items()
    }
    try:
        sweep(tmp_path)
        assert ["stray"] == [name for name, sleeper in running.items() if is_dead(sleeper.pid)]
    finally:
        for sleeper in running.values():
            sleeper.kill()
            sleeper.wait()


@pytest.mark.parametrize(
    ("age_seconds", "is_gone"),
    [pytest.param(0, False, id="young"), pytest.param(OLD_SECONDS + 1, True, id="old")],
)
def test_without_an_owner_file(tmp_path: Path, age_seconds: float, is_gone: bool) -> None:  # noqa: FBT001 (a row)
    """An empty directory without an owner file is removed once it is too old to be still in the making."""
    path = tmp_path / "wdprefect-x"
    path.mkdir()
    moment = path.stat().st_mtime - age_seconds
    os.utime(path, (moment, moment))
    sweep(tmp_path)

    assert is_gone is not path.exists()


def test_not_ours(tmp_path: Path) -> None:
    """What others have below the root is left alone, also under names like ours; a missing root is nothing to sweep."""
    (tmp_path / "wdprefect-file").touch()
    (tmp_path / "other").mkdir()
    for name, content in (("wdprefect-demo", None), ("wdprefect-theirs", "Ada")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "data.csv").touch()
        if content:
            (tmp_path / name / "owner").write_text(content)
    (tmp_path / "wdprefect-link").symlink_to("other")
    for path in tmp_path.iterdir():
        os.utime(path, (0, 0), follow_symlinks=False)

    assert [] == sweep(tmp_path)
    assert ["other", "wdprefect-demo", "wdprefect-file", "wdprefect-link", "wdprefect-theirs"] == sorted(
        path.name for path in tmp_path.iterdir()
    )
    assert [] == sweep(tmp_path / "missing")


RUN = """
import os, sys
from pathlib import Path
from wdprefect.model.ports import Command
from wdprefect.model.stop import Stop
from wdprefect.workspace.directory import Directory
from wdprefect.workspace.process import ProcessRunner
directory = Directory.create(Path(sys.argv[1]), "killed-run")
session = ProcessRunner().session(directory, "killed-run")
session.run(Command(("/bin/sh", "-c", sys.argv[2]), {}), lambda stream, line: None, Stop())
"""


def test_guard_ends_what_a_killed_run_left(tmp_path: Path) -> None:
    """When a run is killed, its command, what left the command's group, and its directory are gone at once."""
    root, pids = tmp_path / "root", tmp_path / "pids"
    # Without job control the shell's children lead no group, so `setsid` keeps the number that `$!` says.
    text = f"setsid sleep 60 > a 2>&1 & stray=$!; sleep 60 > b 2>&1 & echo $$ $! $stray > {pids}; wait"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    process = subprocess.Popen([sys.executable, "-c", RUN, str(root), text], env=environment, start_new_session=True)
    wait_until(written(pids))
    os.kill(process.pid, signal.SIGKILL)
    process.wait()

    shell, in_group, stray = map(int, pids.read_text().split())
    wait_until(lambda: is_dead(shell) and is_dead(in_group), seconds=1)
    # The rest is cleared up by a Python that has to start first.
    wait_until(lambda: is_dead(stray) and not list(root.iterdir()))
