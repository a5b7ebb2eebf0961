"""The tasks that store, take along and remove files of namespaces."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.running import CORE, SCRIPTS, messages, run_tasks, states
from wdprefect.execution.execution import Execution
from wdprefect.storage.local import LocalStorage
from wdprefect.storage.namespaces import StoredNamespaces
from wdprefect.storage.uris import namespace_uri

FILES = {"a.txt": "old", "d/b.py": "b", "d/c.txt": "c", "top.py": "t"}
MAKES = f"{{id: makes, type: {CORE}.storage.LocalFiles, inputs: {{a.txt: new, x/y.txt: y, .git/config: g}}}}"


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    """A storage with files of the namespace `team`."""
    made = LocalStorage(tmp_path / "storage")
    for path, text in FILES.items():
        made.put(namespace_uri("team", path), text.encode())
    return made


def ran(tmp_path: Path, kind: str, properties: str, *, namespace_files: Path | None = None) -> Execution:
    """A run of a task in a directory with some files."""
    task = f"{{id: t, type: {CORE}.namespace.{kind}, {properties}}}"
    tasks = f"- id: w\n  type: {CORE}.flow.WorkingDirectory\n  tasks:\n    - {MAKES}\n    - {task}\n    - {LAST}"
    return run_tasks(tasks, storage=(tmp_path / "storage").as_uri(), namespace_files=namespace_files)


LAST = f"{{id: last, type: {SCRIPTS}.shell.Commands, commands: ['cat a.txt']}}"


def texts(storage: LocalStorage, namespace: str = "team") -> Mapping[str, str]:
    """The text of each file of a namespace."""
    found = StoredNamespaces(storage)
    return {file.path: found.read(file).decode() for file in found.entries(namespace)}


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        pytest.param("files: ['*.txt', x/**]", {"a.txt": "new", "x/y.txt": "y"}, id="patterns"),
        pytest.param("files: ['**']", {"a.txt": "new", "x/y.txt": "y"}, id="all but repositories"),
        pytest.param("files: ['**/*.txt'], destination: /to/it/", {"to/it/x/y.txt": "y"}, id="below a folder"),
        pytest.param("files: ['a.txt'], conflict: SKIP", {}, id="SKIP"),
        pytest.param("files: ['*.txt', x/*], conflict: SKIP", {"x/y.txt": "y"}, id="SKIP takes the others"),
        pytest.param("files: ['x/*'], conflict: ERROR", {"x/y.txt": "y"}, id="no conflict"),
        pytest.param("filesMap: {n/m: 'nsfile:///d/c.txt'}, destination: q", {"q/n/m": "c"}, id="a map"),
        pytest.param('filesMap: \'{{ {"k": fileURI("d/c.txt")} }}\'', {"k": "c"}, id="a rendered map"),
        pytest.param("files: ['x/*'], filesMap: {k: 'nsfile:///a.txt'}", {"x/y.txt": "y", "k": "old"}, id="both"),
    ],
)
def test_upload(storage: LocalStorage, tmp_path: Path, properties: str, expected: dict[str, str]) -> None:
    """Files go into the namespace, and stay in the directory."""
    execution = ran(tmp_path, "UploadFiles", f"namespace: team, {properties}")

    assert ("SUCCESS", ["new"]) == (execution.state, messages(execution, "last")), execution.error
    assert {**FILES, **expected} == texts(storage)


def test_upload_into_another_namespace(storage: LocalStorage, tmp_path: Path) -> None:
    """The namespace may be any, and an expression."""
    ran(tmp_path, "UploadFiles", "namespace: \"{{ flow.namespace ~ '.child' }}\", files: [a.txt]")
    assert ({"a.txt": "new"}, FILES) == (texts(storage, "team.child"), texts(storage))


def test_upload_of_nothing(storage: LocalStorage, tmp_path: Path) -> None:
    """A pattern that matches no file is a warning."""
    execution = ran(tmp_path, "UploadFiles", "namespace: team, files: ['*.none']")
    assert ("SUCCESS", ["no file matches '*.none'"]) == (execution.state, messages(execution, "t", "WARN"))


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        pytest.param("namespace: team", "'files' and 'filesMap' are missing: say which files go into", id="nothing"),
        pytest.param("namespace: '..', files: [a.txt]", "'..' is no name of a namespace", id="no namespace"),
        pytest.param(
            "namespace: team, files: ['**'], conflict: ERROR",
            "the namespace 'team' has a file 'a.txt'; set 'conflict' to OVERWRITE or SKIP, or remove the file",
            id="conflict",
        ),
        pytest.param(
            "namespace: team, files: [a.txt], destination: x/../../y",
            "the path 'x/../../y/a.txt' leads out of the namespace: leave out '.' and '..'",
            id="a destination outside",
        ),
        pytest.param(
            "namespace: team, filesMap: {../x: 'nsfile:///a.txt'}", "the path '../x' leads out", id="a path outside"
        ),
        pytest.param(
            "namespace: team, filesMap: {x: 'nsfile:///no'}", "the namespace 'team' has no file 'no'", id="gone"
        ),
        pytest.param("namespace: team, filesMap: {x: text}", "'text' is no file of the internal storage", id="no URI"),
    ],
)
def test_refused(storage: LocalStorage, tmp_path: Path, properties: str, expected: str) -> None:
    """What cannot be stored is an error that says why, and nothing is stored."""
    execution = ran(tmp_path, "UploadFiles", properties)
    assert ("FAILED", True) == (states(execution)["t"], expected in str(execution.error)), execution.error
    assert FILES == texts(storage)


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        pytest.param("files: [b.py, /a.txt]", ["/a.txt", "/d/b.py"], id="a list"),
        pytest.param("files: '**/*.txt'", ["/a.txt", "/d/c.txt"], id="one"),
        pytest.param("files: '*.py'", ["/top.py"], id="at the top"),
        pytest.param("files: '{{ [\"c.txt\"] }}'", ["/d/c.txt"], id="a rendered list"),
        pytest.param("files: c.txt, destination: out", ["/d/c.txt"], id="under another name"),
    ],
)
def test_download(storage: LocalStorage, tmp_path: Path, properties: str, expected: list[str]) -> None:
    """Copies of the files are files of the run, by their paths; how many is a metric."""
    execution = ran(tmp_path, "DownloadFiles", f"namespace: team, {properties}")

    uris = execution.task_outputs["t"]["files"]
    assert expected == list(uris)
    assert [FILES[path[1:]] for path in expected] == [execution.read(uri).decode() for uri in uris.values()]
    assert all(uri.startswith(execution.uri) for uri in uris.values())
    (metric,) = execution.task_runs[2].metrics
    assert ("counter", "downloaded", len(expected)) == (metric.kind, metric.name, metric.value)


def test_download_of_nothing(storage: LocalStorage, tmp_path: Path) -> None:
    """A pattern that matches nothing is a warning, and an empty map."""
    execution = ran(tmp_path, "DownloadFiles", "namespace: team, files: none")
    assert {"files": {}} == execution.task_outputs["t"]
    assert ["no namespace file matches 'none'"] == messages(execution, "t", "WARN")


def test_delete(storage: LocalStorage, tmp_path: Path) -> None:
    """Files that match are removed, with folders that become empty; how many is a metric."""
    execution = ran(tmp_path, "DeleteFiles", "namespace: team, files: ['/d/**', none], deleteParentFolder: true")

    assert ("SUCCESS", {"a.txt": "old", "top.py": "t"}) == (execution.state, texts(storage))
    (metric,) = execution.task_runs[2].metrics
    assert ("counter", "deleted", 2) == (metric.kind, metric.name, metric.value)


@pytest.mark.parametrize(("kind", "properties"), [("UploadFiles", "files: [a.txt]"), ("DeleteFiles", "files: '**'")])
def test_folder(storage: LocalStorage, tmp_path: Path, kind: str, properties: str) -> None:
    """No run changes the folder in which somebody works on a namespace, nor what it hides in the storage."""
    (tmp_path / "ns" / "team").mkdir(parents=True)
    (tmp_path / "ns" / "team" / "a.txt").write_text("mine")
    execution = ran(tmp_path, kind, f"namespace: team, {properties}", namespace_files=tmp_path / "ns")

    place = f"the folder '{tmp_path}/ns/team'"
    step = "change them there, or take the folder away so that 'team' is in the storage"
    assert f"the files of 'team' are in {place}, which no run changes; {step}" in str(execution.error)
    assert ("mine", FILES) == ((tmp_path / "ns" / "team" / "a.txt").read_text(), texts(storage))


def test_other_namespaces_beside_a_folder(storage: LocalStorage, tmp_path: Path) -> None:
    """A namespace that the folder does not hold is changed in the storage."""
    (tmp_path / "ns" / "other").mkdir(parents=True)
    execution = ran(tmp_path, "UploadFiles", "namespace: team, files: [x/y.txt]", namespace_files=tmp_path / "ns")
    again = ran(tmp_path, "DeleteFiles", "namespace: team, files: a.txt", namespace_files=tmp_path / "ns")

    assert ("SUCCESS", "SUCCESS") == (execution.state, again.state)
    assert ["d/b.py", "d/c.txt", "top.py", "x/y.txt"] == list(texts(storage))
