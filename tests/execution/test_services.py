"""What functions of the expression language reach in a run, and what they do not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.fakes import MemoryStorage
from tests.running import CORE, SCRIPTS, run_tasks
from wdprefect.errors import ExpressionError, StorageError
from wdprefect.execution import services
from wdprefect.execution.logbook import LogBook
from wdprefect.execution.services import RunServices, folders_of, stored_files
from wdprefect.masking import Masker

OWN = "kestra:///a/b/flow/executions/1"
STARTER = "kestra:///a/other/executions/2"
TRIGGER = {"namespace": "a", "flowId": "other", "executionId": "2"}
GIVEN = "kestra:///a/b/flow/executions/9/tasks/t/r/x.csv"
FILES = [
    f"{OWN}/tasks/t/r/own.csv",
    f"{STARTER}/tasks/t/r/starter.csv",
    GIVEN,
    "kestra:///a/b/_files/notes.txt",
    "kestra:///elsewhere/_files/_files/notes.txt",
]
OTHERS = [
    "kestra:///a/b/flow/executions/10/tasks/t/r/x.csv",
    "kestra:///a/b/flow/executions/9/tasks/t/r/y.csv",
    "kestra:///a/b/flow/executions/9/tasks/_files/x.csv",
    "kestra:///a/b/flow/executions/12/x.csv",
    "kestra:///a/b/_files",
    "kestra:///_files_/x",
]


def made() -> RunServices:
    """The services of a run that another one started, with all the files in its storage."""
    storage, masker = MemoryStorage(), Masker()
    for uri in [*FILES, *OTHERS]:
        storage.put(uri, b"12345")
    given = frozenset(stored_files({"n": 1, "rows": [{"f": GIVEN}], "s": "kestra:"}))
    return RunServices(masker, storage, LogBook(masker), folders=folders_of(OWN, TRIGGER), files=given)


@pytest.mark.parametrize("uri", FILES)
def test_own_files(uri: str) -> None:
    """Files of the run, of the run that started it, of its inputs and of namespaces may be read."""
    found = made()
    assert (b"12345", 5, True) == (found.read(uri), found.size(uri), found.exists(uri))


@pytest.mark.parametrize("uri", OTHERS)
@pytest.mark.parametrize("name", ["read", "size", "exists"])
def test_files_of_others(uri: str, name: str) -> None:
    """Whether another run has a file is not told."""
    with pytest.raises(StorageError) as caught:
        getattr(made(), name)(uri)
    assert f"Unable to read the file '{uri}' as it didn't belong to the current execution" == str(caught.value)


@pytest.mark.parametrize(
    "uri", [f"{OWN}/../2/x", f"{OWN}/%2e%2e/2/x", "file:///etc/passwd", "notes.txt", f"{OWN}2", "kestra:///"]
)
def test_ways_out(uri: str) -> None:
    """No way of writing a URI leads to what is not there to be read."""
    with pytest.raises(StorageError):
        made().read(uri)


@pytest.mark.parametrize(
    "trigger", [None, {}, {"date": "x"}, {**TRIGGER, "executionId": None}, {**TRIGGER, "flowId": "/"}]
)
def test_no_starter(trigger: dict[str, Any] | None) -> None:
    """A trigger that names no run opens nothing."""
    assert [OWN] == [each for each in folders_of(OWN, trigger) if "executions/2" not in each]


def test_long_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is longer than any text may be is not read."""
    # The real bound would make the test hold 50 MB.
    monkeypatch.setattr(services, "READ_BYTES", 4)
    with pytest.raises(ExpressionError, match=r"own\.csv' is longer than 0 MB") as caught:
        made().read(FILES[0])
    assert "limit" == caught.value.kind


def test_read_in_a_run(tmp_path: Path) -> None:
    """A task reads what a task before it stored, and nothing of another run."""
    tasks = f"""
    - id: makes
      type: {SCRIPTS}.shell.Commands
      outputFiles: [x.txt]
      commands: [printf hello > x.txt]
    """
    first = run_tasks(tasks, storage=tmp_path.as_uri())
    uri = first.task_outputs["makes"]["outputFiles"]["x.txt"]
    reads = f"""
    - id: own
      type: {CORE}.debug.Return
      format: "{{% set file = outputs.makes.outputFiles['x.txt'] %}}{{{{ read(file) }}}} {{{{ fileSize(file) }}}}"
    - id: foreign
      type: {CORE}.debug.Return
      format: "{{{{ read('{uri}') }}}}"
    """
    second = run_tasks(tasks + reads, storage=tmp_path.as_uri())
    assert "hello 5" == second.task_outputs["own"]["value"]
    assert f"function 'read': Unable to read the file '{uri}'" in str(second.error)
