"""`wdprefect run` where its surroundings fail: a full disk, no place to work, a Prefect API that refuses."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.cli.commands import Cli, Write, run_command
from tests.cli.flows import DELIVERING, HELLO
from wdprefect.execution.execution import Execution


@pytest.mark.parametrize(
    ("part", "code"),
    [
        pytest.param("_runs", 3, id="before the tasks"),
        pytest.param("a.txt", 1, id="by a task, which fails"),
        pytest.param("log.jsonl", 3, id="behind the tasks"),
    ],
)
def test_full_disk(local: Cli, write: Write, monkeypatch: pytest.MonkeyPatch, part: str, code: int) -> None:
    """A full disk is named as what it is, with the file and what to do, whatever is written at that moment."""
    replace = os.replace

    def full(source: str, target: Path) -> None:
        if part in str(target):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), source, None, str(target))
        replace(source, target)

    monkeypatch.setattr(os, "replace", full)

    said = local(write("f.yaml", DELIVERING))

    assert code == said.code
    line = next(line for line in said.err.splitlines() if "no space left on device: '" in line)
    assert line.endswith("(free some space there, or keep files elsewhere with --storage)")
    assert part in line


def test_full_disk_elsewhere(local: Cli, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where no storage is concerned a full disk is one line, and no traceback."""

    def full(*arguments: object, **options: object) -> Execution:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/tmp/x")  # noqa: S108  only a name

    monkeypatch.setattr("wdprefect.cli.run.run", full)

    said = local(write("f.yaml", HELLO))

    assert (3, "wdprefect: [Errno 28] No space left on device: '/tmp/x'\n") == (said.code, said.err)


def test_no_place_to_work(local: Cli, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no working directory can be made, the task's error says which and what to do."""
    file = write("file", "")
    monkeypatch.setenv("WDPREFECT_DIRECTORY", file)

    said = local(write("f.yaml", DELIVERING))

    assert 1 == said.code
    step = "WDPREFECT_DIRECTORY names another place"
    assert f"cannot make a working directory in '{file}': File exists ({step})" in said.out


@pytest.mark.parametrize(
    "address", [pytest.param("http://127.0.0.1:9/api", id="no server"), pytest.param("nonsense", id="no address")]
)
def test_api_that_does_not_answer(write: Write, address: str) -> None:
    """A Prefect API that does not answer is one line with its address and what to do, and exit code 3."""
    said = run_command("run", write("f.yaml", HELLO), env={"PREFECT_API_URL": address})

    assert (3, "") == (said.code, said.out)
    assert said.err.startswith(f"wdprefect: the Prefect API at {address} does not answer: ")
    assert said.err.endswith("(start it, correct PREFECT_API_URL, or do without a server: --engine local)\n")
    assert 1 == said.err.count("\n")


def test_api_that_refuses(write: Write) -> None:
    """A Prefect API that refuses us is one line with its address, without the password in it, and what to set."""
    with refusing_api() as port:
        said = run_command("run", write("f.yaml", HELLO), env={"PREFECT_API_URL": f"http://u:p@127.0.0.1:{port}/api"})

    assert (3, "") == (said.code, said.out)
    address = f"http://127.0.0.1:{port}/api"
    assert said.err.startswith(
        f"wdprefect: the Prefect API at {address} refuses us: 401 Unauthorized (set PREFECT_API_KEY"
    )
    assert 1 == said.err.count("\n")


class Refusing(BaseHTTPRequestHandler):
    """Answers every question with 401."""

    def do_GET(self) -> None:
        self.send_response(401)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base's name
        """Say nothing."""


@contextmanager
def refusing_api() -> Iterator[int]:
    """The port of a server that refuses everybody, while the block runs."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()
