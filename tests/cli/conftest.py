"""What the tests of the command line share."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from wdprefect.cli import main

Write = Callable[[str, str], str]


@dataclass(frozen=True)
class Said:
    """What a command came to."""

    code: int
    out: str
    err: str


Cli = Callable[..., Said]


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Cli:
    """The command line in this process: its arguments to what it came to."""

    def call(*arguments: object) -> Said:
        capsys.readouterr()
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as end:
            # How argparse ends the program.
            assert isinstance(end.code, int)
            code = end.code
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    return call


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a file of the test's folder, given its name and text, and returns its path."""

    def file(name: str, text: str) -> str:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return str(path)

    return file


def command(*arguments: object) -> list[str]:
    """The command line as a program of its own."""
    return [sys.executable, "-m", "wdprefect", *map(str, arguments)]


def run_command(*arguments: object, env: Mapping[str, str] | None = None, **options: Any) -> Said:
    """What the command line comes to as a process of its own."""
    done = subprocess.run(
        command(*arguments), check=False, capture_output=True, text=True, env={**os.environ, **(env or {})}, **options
    )
    return Said(done.returncode, done.stdout, done.stderr)


def words(*arguments: str) -> Sequence[str]:
    """Arguments, for tables."""
    return arguments
