"""What the tests of the command line share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.commands import Cli, Said, Write
from wdprefect.cli import main


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Cli:
    """The command line in this process: its arguments to what it came to."""

    def call(*arguments: object) -> Said:
        capsys.readouterr()
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as end:
            # How argparse ends the program.
            code = end.code if isinstance(end.code, int) else 1
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


@pytest.fixture
def local(cli: Cli) -> Cli:
    """`wdprefect run` on the local engine."""
    return lambda *arguments: cli("run", *arguments, "--engine", "local")
