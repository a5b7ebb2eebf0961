"""Dependencies of Python tasks that cannot be had: what is said of it, and what ends with a task that waits."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.plugins.git.test_killed import commands
from tests.plugins.scripts.installing import environments, installed
from tests.plugins.scripts.test_python import python
from tests.running import run_tasks
from tests.workspace.watching import wait_until

NO_FILES = "write the requirements themselves, or install it by pip in 'beforeCommands'"
KILLED = f"id: killed\nnamespace: team\ntasks:\n{textwrap.indent(python('1', 'dependencies: [x]'), '  ')}"


@pytest.mark.parametrize(
    ("properties", "expected", "reason"),
    [
        pytest.param(
            "dependencies: [acme-one, no-such-thing]",
            "cannot install the dependency 'no-such-thing'",
            "no-such-thing was not found",
            id="no such package",
        ),
        pytest.param(
            "dependencies: ['acme-one==7']",
            "cannot install the dependency 'acme-one==7'",
            "no version of acme-one==7",
            id="no such version",
        ),
        pytest.param(
            "dependencies: [acme-two, 'acme-one=1']",
            "cannot install the dependency 'acme-one=1'",
            'no such comparison operator "="',
            id="no requirement",
        ),
        pytest.param(
            "dependencies: [acme-one, acme-two]\nenv: {PIP_NO_INDEX: 'false', UV_FIND_LINKS: '', UV_HTTP_RETRIES: '0',"
            " UV_DEFAULT_INDEX: 'http://127.0.0.1:9/'}",
            "cannot install the dependency 'acme-",
            "Connection refused",
            id="no network",
        ),
        pytest.param(
            "dependencies: ['acme-one==7']\npackageManager: PIP",
            "cannot install the dependency 'acme-one==7'",
            "No matching distribution found for acme-one==7",
            id="by pip",
        ),
        pytest.param(
            "dependencies: [acme-one]\npythonVersion: '2.99'",
            "there is no Python '2.99' for 'pythonVersion'",
            "2.99",
            id="no such Python",
        ),
        pytest.param(
            "dependencies: [acme-one]\npythonVersion: 3.10",
            "there is no Python '3.1' for 'pythonVersion' (write it in quotes: '3.10' is another one)",
            "3.1",
            id="a number for a version",
        ),
        pytest.param(
            "dependencies: ['-r requirements.txt']",
            f"'dependencies' takes no files, such as '-r requirements.txt': {NO_FILES}",
            "",
            id="a file of requirements",
        ),
        pytest.param(
            "dependencies: [./mine]",
            f"'dependencies' takes no files, such as './mine': {NO_FILES}",
            "",
            id="a folder",
        ),
    ],
)
def test_errors(wheels: Path, properties: str, expected: str, reason: str) -> None:
    """What cannot be installed fails the task with its line, and the installer's reason; nothing is kept of it."""
    error = run_tasks(python("print(1)", properties)).error

    assert error is not None
    headline, _, rest = error.partition("\n")
    assert headline.startswith(f"flow.yaml:4:5: task 'a': {expected}")
    assert reason in " ".join(rest.split())
    assert [] == environments(wheels)


@pytest.mark.parametrize(
    ("text", "more"),
    [
        pytest.param("echo broken >&2; exit 3", "\n    broken", id="it fails"),
        pytest.param("echo hello", "\n    hello", id="it says something else"),
        pytest.param("", "", id="it says nothing"),
    ],
)
def test_no_python(wheels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, more: str) -> None:
    """Where the PATH leads to what is no Python, the error says so."""
    stand_in = tmp_path / "bin" / "python"
    stand_in.parent.mkdir()
    stand_in.write_text(f"#!/bin/sh\n{text}\n")
    stand_in.chmod(0o755)
    monkeypatch.setenv("PATH", str(stand_in.parent), prepend=os.pathsep)

    expected = "flow.yaml:4:5: task 'a': the program 'python' on the PATH is no Python that works"
    assert f"{expected}{more}" == installed(["acme-one"]).error


def test_no_uv(wheels: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where uv has been taken away, the error says how to get it back."""
    # None in sys.modules is Python's way to say that there is no such module.
    monkeypatch.setitem(sys.modules, "uv", None)

    assert "flow.yaml:4:5: task 'a': uv is not installed beside wdprefect (pip install uv)" == installed(["x"]).error


def test_no_cache(wheels: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing can be kept, the error names the place, and the way to another."""
    monkeypatch.setenv("WDPREFECT_CACHE", str(wheels / "acme_one-1.0-py3-none-any.whl"))

    error = installed(["acme-one"]).error

    assert error is not None
    assert error.endswith(": Not a directory (WDPREFECT_CACHE names another place)")


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"


def test_timeout(wheels: Path, silent: str) -> None:
    """The timeout of a task ends the installation, too."""
    more = f"timeout: PT0.5S\nenv: {{PIP_NO_INDEX: 'false', UV_FIND_LINKS: '', UV_DEFAULT_INDEX: '{silent}'}}"

    execution = installed(["acme-one"], more)

    assert "flow.yaml:4:5: task 'a': Timeout after 00:00:00.500" == execution.error
    assert execution.ended - execution.started < timedelta(seconds=10)
    assert [] == environments(wheels)


def test_killed(wheels: Path, tmp_path: Path, silent: str) -> None:
    """When a run is killed while it installs, the installer and the working directory go with it."""
    (tmp_path / "flow.yaml").write_text(KILLED)
    (tmp_path / "root").mkdir()
    own = {"WDPREFECT_DIRECTORY": str(tmp_path / "root"), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    where = {"PIP_NO_INDEX": "0", "UV_DEFAULT_INDEX": silent}
    command = [sys.executable, "-m", "wdprefect", "run", str(tmp_path / "flow.yaml"), "--engine", "local"]
    with subprocess.Popen(
        command, env={**os.environ, **own, **where}, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        try:
            wait_until(lambda: commands(str(wheels.parent / "cache")) != [], seconds=30)
        finally:
            process.kill()
    wait_until(lambda: commands(str(wheels.parent / "cache")) == [])
    wait_until(lambda: not list((tmp_path / "root").iterdir()))
