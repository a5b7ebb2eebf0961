"""`wdprefect files`: what a run delivered, found by its id."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.commands import Cli, Write, result
from tests.cli.flows import DELIVERING


@pytest.fixture
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, in which the test works."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def delivered(local: Cli, write: Write) -> str:
    """The id of a run that delivered files."""
    return str(result(local(write("delivering.yaml", DELIVERING), "--format", "json"))["id"])


def test_files(cli: Cli, delivered: str) -> None:
    """`files RUN` lists what a run delivered, in the order of its tasks, as text or as JSON."""
    text, facts = cli("files", delivered), json.loads(cli("files", delivered, "--format", "json").out)

    names = ["one/a.txt", "one/b.txt", "two/a.txt", "two/d/c.txt"]
    assert (0, names) == (text.code, [line.split()[-1] for line in text.out.splitlines()])
    assert names == [f"{file['task']}/{file['name']}" for file in facts]
    assert {("task", "name", "uri", "size", "sha256")} == {tuple(file) for file in facts}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("b.txt", "1\n", id="a name"),
        pytest.param("d/c.txt", "2\n", id="a name in a folder"),
        pytest.param("two/a.txt", "2\n", id="task and name"),
    ],
)
def test_get(cli: Cli, delivered: str, name: str, expected: str, in_folder: Path) -> None:
    """`files RUN get NAME` writes the file here under its name, or where `-o` says, and prints the path."""
    there = in_folder / "below" / "x"
    here = cli("files", delivered, "get", name)
    said = cli("files", delivered, "get", name, "-o", there)

    last = Path(name).name
    assert (0, f"{last}\n", expected) == (here.code, here.out, (in_folder / last).read_text())
    assert (0, f"{there}\n", expected) == (said.code, said.out, there.read_text())


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        pytest.param(["get", "a.txt"], 2, "several tasks deliver 'a.txt': one/a.txt, two/a.txt", id="ambiguous"),
        pytest.param(
            ["get", "z"],
            2,
            "the run has no file 'z'; it has: one/a.txt, one/b.txt, two/a.txt, two/d/c.txt",
            id="unknown",
        ),
        pytest.param(["get"], 2, "name the file: wdprefect files RUN get NAME", id="no name"),
        pytest.param(["get", "b.txt", "-o", "/proc/no/x"], 1, "cannot fetch 'kestra:///", id="nowhere to put it"),
    ],
)
def test_get_refused(cli: Cli, delivered: str, arguments: list[str], code: int, expected: str) -> None:
    """What cannot be got is one line that says why."""
    said = cli("files", delivered, *arguments)

    assert (code, "") == (said.code, said.out)
    assert said.err.startswith(f"wdprefect: {expected}")


@pytest.mark.parametrize("name", ["unknown", "../x", "a/b"])
def test_files_of_an_unknown_run(cli: Cli, name: str) -> None:
    """A run that is not there is an error, whatever its id looks like."""
    said = cli("files", name)

    assert (1, "") == (said.code, said.out)
    assert 1 == said.err.count("\n")


def test_files_in_a_storage(cli: Cli, local: Cli, write: Write, tmp_path: Path) -> None:
    """A run keeps its files where `--storage` says, and they are found there only."""
    storage = (tmp_path / "kept").as_uri()

    run_id = result(local(write("f.yaml", DELIVERING), "--storage", storage, "--format", "json"))["id"]

    there, elsewhere = cli("files", run_id, "--storage", storage), cli("files", run_id)
    assert (0, 4) == (there.code, len(there.out.splitlines()))
    assert (1, f"wdprefect: there is no run '{run_id}' in this storage\n") == (elsewhere.code, elsewhere.err)
