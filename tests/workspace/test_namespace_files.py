"""Files of namespaces into the working directory: which of them, and what becomes of files that are there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.fakes import MemoryStorage
from wdprefect.errors import StorageError, TaskFailed, UnsafePath
from wdprefect.storage.namespaces import StoredNamespaces
from wdprefect.storage.uris import namespace_uri
from wdprefect.workspace.directory import Directory
from wdprefect.workspace.globs import InvalidPattern
from wdprefect.workspace.namespace_files import IfExists, Selection, write_namespace_files

TREE = {"a.txt": "", "d/a.txt": "", "d/b.txt": "", "d/e/a.py": "", ".env": "", "x.py": ""}


def namespaces(**files: dict[str, str]) -> StoredNamespaces:
    """Namespaces with these files."""
    storage = MemoryStorage()
    for namespace, texts in files.items():
        for path, text in texts.items():
            storage.put(namespace_uri(namespace, path), text.encode())
    return StoredNamespaces(storage)


def written(directory: Directory, source: StoredNamespaces, *names: str, **wanted: Any) -> tuple[int, list[str]]:
    """How many files were wanted of these namespaces, and the warnings."""
    warnings: list[str] = []
    count = write_namespace_files(directory, source, Selection(names, **wanted), warnings.append)
    return count, warnings


def content(directory: Directory) -> dict[str, str]:
    """The text of each file in the directory."""
    files = sorted(path for path in directory.path.rglob("*") if path.is_file())
    return {path.relative_to(directory.path).as_posix(): path.read_text() for path in files}


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        pytest.param({}, list(TREE), id="all"),
        pytest.param({"include": ()}, list(TREE), id="an empty list is none"),
        pytest.param({"include": ["a.txt"]}, ["a.txt", "d/a.txt"], id="a name at any depth"),
        pytest.param({"include": ["e/a.py"]}, ["d/e/a.py"], id="a path at any depth"),
        pytest.param({"include": ["/a.txt"]}, ["a.txt"], id="a slash is the top"),
        pytest.param({"include": ["*.txt"]}, ["a.txt"], id="a star is at the top"),
        pytest.param({"include": ["?.txt", "[a-x].py"]}, ["a.txt", "x.py"], id="so are other signs"),
        pytest.param({"include": ["{a,x}.*"]}, ["a.txt", "x.py"], id="and alternatives"),
        pytest.param({"include": ["**/*.txt"]}, ["a.txt", "d/a.txt", "d/b.txt"], id="every level"),
        pytest.param({"include": ["**.py"]}, ["d/e/a.py", "x.py"], id="every level, short"),
        pytest.param({"include": ["d/*"]}, ["d/a.txt", "d/b.txt"], id="a star stays in its folder"),
        pytest.param({"include": ["/d/**"]}, ["d/a.txt", "d/b.txt", "d/e/a.py"], id="a tree"),
        pytest.param({"include": [".env"]}, [".env"], id="a hidden file by its name"),
        pytest.param({"include": ["glob:/d/*.txt"]}, ["d/a.txt", "d/b.txt"], id="glob:"),
        pytest.param({"include": [r"regex:/[^/]+\.py"]}, ["x.py"], id="regex:"),
        pytest.param({"exclude": ["/d/**", ".env"]}, ["a.txt", "x.py"], id="without"),
        pytest.param({"include": ["/d/**"], "exclude": ["/d/e/**"]}, ["d/a.txt", "d/b.txt"], id="with and without"),
        pytest.param({"exclude": ["nothing.txt"]}, list(TREE), id="without what is not there"),
    ],
)
def test_patterns(directory: Directory, wanted: dict[str, Any], expected: list[str]) -> None:
    """A file comes when it is included and not excluded; nobody is warned of patterns that match."""
    assert (len(expected), []) == written(directory, namespaces(team=TREE), "team", **wanted)
    assert sorted(expected) == sorted(content(directory))


def test_order(directory: Directory) -> None:
    """Of files of one name that of the later namespace comes, and all count."""
    source = namespaces(one={"a": "1", "b": "1"}, two={"a": "2"})
    assert (3, []) == written(directory, source, "one", "two")
    assert {"a": "2", "b": "1"} == content(directory)
    assert (3, []) == written(directory, source, "two", "one")
    assert {"a": "1", "b": "1"} == content(directory)


def test_folders_of_namespaces(directory: Directory) -> None:
    """With a folder for each namespace, which has its name, files of one name are apart."""
    storage = MemoryStorage()
    for namespace in ("one.x", "two"):
        storage.put(namespace_uri(namespace, "d/a"), namespace.encode())
    assert (2, []) == written(directory, StoredNamespaces(storage), "one.x", "two", folder_per_namespace=True)
    assert {"one.x/d/a": "one.x", "two/d/a": "two"} == content(directory)


KEPT = "the file 'a' is there, and stays: that of the namespace 'team' is not taken"


@pytest.mark.parametrize(
    ("if_exists", "expected", "warnings"),
    [
        pytest.param("OVERWRITE", {"a": "new", "b": "new"}, []),
        pytest.param("IGNORE", {"a": "old", "b": "new"}, []),
        pytest.param("WARN", {"a": "old", "b": "new"}, [KEPT]),
    ],
)
def test_existing_files(
    directory: Directory, if_exists: IfExists, expected: dict[str, str], warnings: list[str]
) -> None:
    """What is there is replaced, or stays, with a warning or without; both count."""
    (directory.path / "a").write_text("old")
    source = namespaces(team={"a": "new", "b": "new"})
    assert (2, warnings) == written(directory, source, "team", if_exists=if_exists)
    assert expected == content(directory)


def test_existing_file_fails(directory: Directory) -> None:
    """With FAIL an existing file is an error that names it and says what to do, and nothing is written."""
    (directory.path / "b").write_text("old")
    with pytest.raises(TaskFailed) as caught:
        written(directory, namespaces(team={"a": "new", "b": "new"}), "team", if_exists="FAIL")
    step = "set 'ifExists' to OVERWRITE, WARN or IGNORE, or leave it out with 'exclude'"
    assert f"the file 'b' is there before that of the namespace 'team'; {step}" == str(caught.value)
    assert {"b": "old"} == content(directory)


@pytest.mark.parametrize(("if_exists", "expected"), [("IGNORE", "1"), ("WARN", "1"), ("OVERWRITE", "2")])
def test_one_policy(directory: Directory, if_exists: IfExists, expected: str) -> None:
    """What an earlier namespace brought is an existing file like any other."""
    written(directory, namespaces(one={"a": "1"}, two={"a": "2"}), "one", "two", if_exists=if_exists)
    assert {"a": expected} == content(directory)


def test_warnings(directory: Directory) -> None:
    """A namespace without files and a pattern that matches nothing are warnings, and no errors."""
    nothing = "the namespace 'none.such' has no files: there are none in the storage, at kestra:///none/such/_files"
    found = written(directory, namespaces(team={"a": "x"}), "team", "none.such", include=["a", "b.txt"])
    assert (1, [nothing, "no namespace file matches 'b.txt'"]) == found


def test_links_in_the_directory(directory: Directory, tmp_path: Path) -> None:
    """A link in the directory that leads out of it is not followed, and nothing is written."""
    (directory.path / "out").symlink_to(tmp_path)
    with pytest.raises(UnsafePath, match="'out/x' leads out of the working directory by a symbolic link"):
        written(directory, namespaces(team={"a": "x", "out/x": "x"}), "team")
    assert {} == content(directory)


@pytest.mark.parametrize(
    ("names", "wanted", "error", "text"),
    [
        pytest.param(["../x"], {}, StorageError, "'../x' is no name of a namespace", id="no namespace"),
        pytest.param(
            ["team"],
            {"include": ["[a"]},
            InvalidPattern,
            "the pattern '[a' is not valid: a ']' is missing",
            id="pattern",
        ),
        pytest.param(["team"], {"exclude": ["regex:("]}, InvalidPattern, "'regex:(' is not valid", id="expression"),
    ],
)
def test_refused(
    directory: Directory, names: list[str], wanted: dict[str, Any], error: type[Exception], text: str
) -> None:
    """What cannot be understood is an error with the word that is wrong."""
    with pytest.raises(error) as caught:
        written(directory, namespaces(team={"a": "x"}), *names, **wanted)
    assert text in str(caught.value)
