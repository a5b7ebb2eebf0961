"""The files that a run delivered, found by the run's id or taken from its task runs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from wdprefect.errors import StorageError
from wdprefect.execution.ledger import pointer_uri
from wdprefect.execution.records import TaskRun
from wdprefect.model.ports import Storage


@dataclass(frozen=True, slots=True)
class Delivered:
    """One file of a run."""

    task: str
    name: str
    uri: str
    size: int
    sha256: str


def files_of_run(execution_id: str, storage: Storage) -> list[Delivered]:
    """The files of a run in the order of its tasks, also while it runs. Raises StorageError for an unknown run."""
    if not storage.exists(pointer_uri(execution_id)):
        raise StorageError(f"there is no run '{execution_id}' in this storage")
    root = json.loads(storage.read(pointer_uri(execution_id)))["uri"]
    return [file for uri in sorted(storage.list(f"{root}/ledger/")) for file in _of_entry(storage.read(uri))]


def copy_files(task_runs: Iterable[TaskRun], storage: Storage, folder: Path) -> list[Path]:
    """Copy the files of task runs to `<folder>/<task>[<value of a loop>]/<name>`, secrets hidden; the paths.

    Raises StorageError for a file that cannot be read, or written.
    """
    copied: list[Path] = []
    taken: dict[str, tuple[str, str]] = {}
    for run in task_runs:
        label = _label(run.task_id, run.values)
        for name, file in run.files.items():
            # A value may be any text, and must not lead out of the folder.
            shown = f"{run.hide(label).replace('/', '_')}/{run.hide(name)}"
            # Names that are hidden may have become one.
            path = next(each for each in _numbered(shown) if taken.setdefault(each, (label, name)) == (label, name))
            storage.get(file.uri, folder / path)
            copied.append(folder / path)
    return copied


def name_in_run(run: TaskRun, name: str) -> str:
    """What tells a file of a task run from all others of the run: `<task>[<value of a loop>]/<name>`."""
    return f"{_label(run.task_id, run.values)}/{name}"


def _numbered(path: str) -> Iterator[str]:
    yield path
    for number in count(2):
        yield f"{path} ({number})"


def _of_entry(content: bytes) -> Iterator[Delivered]:
    entry = json.loads(content)
    label = _label(entry["taskId"], entry["values"])
    for file in entry["files"]:
        yield Delivered(label, file["name"], file["uri"], file["size"], file["sha256"])


def _label(task_id: str, values: Iterable[str]) -> str:
    """What tells the runs of a task apart: the values of all loops around it."""
    return task_id + "".join(f"[{value}]" for value in values)
