"""A clone whose process is killed: git, its helpers, and what they started end with it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.plugins.git.conftest import write_program
from tests.workspace.watching import is_dead, wait_until, written

FLOW = """\
id: cloning
namespace: company.team
tasks:
  - id: clone
    type: io.kestra.plugin.git.Clone
    url: {url}
"""


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


def test_git_and_its_helpers(tmp_path: Path, silent: str) -> None:
    """When a run is killed, git and the helper that waits for the server are gone at once, and its directory soon."""
    url = f"http://{silent}/project.git"
    with running(tmp_path, url) as process:
        wait_until(lambda: any("remote-http" in line for line in commands(url)), seconds=30)
        process.kill()
        process.wait()
        wait_until(lambda: not commands(url), seconds=2)

    wait_until(lambda: not list((tmp_path / "root").iterdir()))


def test_what_left_the_group(tmp_path: Path) -> None:
    """When a run is killed, a program that git's transport put into a session of its own is ended, too."""
    stray = tmp_path / "stray"
    ssh = write_program(tmp_path / "ssh", f"setsid sh -c 'echo $$ > {stray}; exec sleep 600' & wait")
    with running(tmp_path, "ssh://nowhere.invalid/project.git", GIT_SSH=str(ssh)) as process:
        wait_until(written(stray), seconds=30)
        process.kill()
        process.wait()
        wait_until(lambda: is_dead(int(stray.read_text())))


@contextmanager
def running(folder: Path, url: str, flow: str = FLOW, **more: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that runs a flow which clones the repository."""
    (folder / "flow.yaml").write_text(flow.format(url=url))
    (folder / "root").mkdir()
    own = {"WDPREFECT_DIRECTORY": str(folder / "root"), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-m", "wdprefect", "run", "flow.yaml", "--engine", "local"]
    with subprocess.Popen(
        command, cwd=folder, env={**os.environ, **own, **more}, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def commands(text: str) -> list[str]:
    """The command lines of living processes that hold the text."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        line = " ".join(process.info["cmdline"] or [])
        if text in line and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(line)
    return found
