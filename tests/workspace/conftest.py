from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.workspace.watching import Shell
from wdprefect.workspace.directory import Directory
from wdprefect.workspace.guard import Guard
from wdprefect.workspace.process import ProcessRunner


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Directory]:
    with Directory.create(tmp_path, "run-1") as made:
        yield made


@pytest.fixture
def guard() -> Iterator[Guard]:
    made = Guard()
    yield made
    made.close()


@pytest.fixture
def shell(directory: Directory, guard: Guard) -> Iterator[Shell]:
    session = ProcessRunner(guard=guard).session(directory, "run-1")
    yield Shell(session, directory)
    session.close()
