from __future__ import annotations

import os
import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest

from wdprefect.errors import TaskFailed
from wdprefect.workspace.globs import InvalidPattern, compile_globs, find_files

ALL = [".h.txt", "a.txt", "d/b.txt", "d/e/c.txt"]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Four files on three levels, in a directory whose name is full of characters that are special in patterns."""
    root = tmp_path / "x[1]{*}"
    for name in ALL:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    return root


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("a.txt", ["a.txt"]),
        ("/a.txt", ["a.txt"]),
        ("//a.txt", []),
        ("./a.txt", []),
        ("*.txt", [".h.txt", "a.txt"]),
        ("**.txt", ALL),
        ("**/*.txt", ["d/b.txt", "d/e/c.txt"]),
        ("**", ALL),
        ("**/*", ["d/b.txt", "d/e/c.txt"]),
        ("d", []),
        ("d/", []),
        ("d*", []),
        ("d/*", ["d/b.txt"]),
        ("d/**", ["d/b.txt", "d/e/c.txt"]),
        ("d\\*", ["d/b.txt"]),
        ("*/*/*", ["d/e/c.txt"]),
        ("{a,z}.txt", ["a.txt"]),
        ("{d,x}/b.txt", ["d/b.txt"]),
        ("{d/e,x}/c.txt", ["d/e/c.txt"]),
        ("{d/e/c,d/b,a}.txt", ["a.txt", "d/b.txt", "d/e/c.txt"]),
        ("{,d/}?.txt", ["a.txt", "d/b.txt"]),
        ("?.txt", ["a.txt"]),
        ("[!z].txt", ["a.txt"]),
        ("[^a].txt", ["a.txt"]),
        ("[b-].txt", []),
        ("[a-c].txt", ["a.txt"]),
        ("d[!x]b.txt", []),
        ("A.TXT", []),
        ("a,txt", []),
        ("a}.txt", []),
        ("glob:*.txt", []),
        ("glob:**/*.txt", ALL),
        (r"glob:**/\a.txt", ["a.txt"]),
        (r"regex:.*\.txt", ALL),
        (r"regex:a\.txt", []),
        ("", []),
    ],
)
def test_table(tree: Path, pattern: str, expected: list[str]) -> None:
    """A pattern finds what it finds in Kestra, in sorted order, whatever the directory itself is called."""
    assert expected == list(find_files(tree, [pattern]).files)


@pytest.mark.parametrize(
    "pattern",
    [
        pytest.param(r"\[x\].txt", id="a backslash is a slash, which no class can hold"),
        pytest.param("[a", id="open class"),
        pytest.param("[]", id="empty class"),
        pytest.param("[!]", id="empty negated class"),
        pytest.param("[c-a]", id="backwards"),
        pytest.param("[a-c-]", id="a range without a start"),
        pytest.param("{a", id="open group"),
        pytest.param("{a,{b}}", id="nested groups"),
        pytest.param("glob:a\\", id="nothing to escape"),
        pytest.param("regex:(", id="broken expression"),
    ],
)
def test_bad_pattern(tree: Path, pattern: str) -> None:
    """A pattern that cannot be understood is an error that names it."""
    with pytest.raises(InvalidPattern) as caught:
        find_files(tree, ["*", pattern])

    assert pattern == caught.value.pattern
    assert f"'{pattern}'" in str(caught.value)
    assert str(caught.value) == str(pickle.loads(pickle.dumps(caught.value)))  # noqa: S301 (our own bytes)


def test_several_patterns(tree: Path) -> None:
    """A file that several patterns match is found once; a pattern that matched nothing is said."""
    found = find_files(tree, ["d/*", "z*", "**/b.txt", "no/such/**"])

    assert {"d/b.txt": tree / "d" / "b.txt"} == found.files
    assert ["z*", "no/such/**"] == found.unmatched


def test_only_regular_files(tree: Path) -> None:
    """Symbolic links, to files and to folders, and pipes are not found."""
    (tree / "link.txt").symlink_to("a.txt")
    (tree / "folder").symlink_to("d")
    os.mkfifo(tree / "pipe.txt")

    assert ALL == list(find_files(tree, ["**"]).files)


def test_any_name(tree: Path) -> None:
    """Spaces, line ends and characters that patterns use are found like others."""
    names = ["my report.csv", "line\nend.csv", "[x]{y}.csv", "back\\slash.csv", "ü.csv"]
    for name in names:
        (tree / name).touch()

    assert sorted(names) == list(find_files(tree, ["*.csv"]).files)


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        pytest.param(["*.txt", "?"], [""], id="only the top"),
        pytest.param(["d/*.txt"], ["", "d"], id="one folder"),
        pytest.param(["x*/**"], ["", "x1", "x1/y"], id="below some folders"),
        pytest.param(["*/y/z"], ["", "d", "x1", "x1/y"], id="a certain depth"),
        pytest.param(["{d,q}/*"], ["", "d"], id="either folder"),
        pytest.param(["**.txt"], ["", "d", "d/e", "x1", "x1/y"], id="everywhere"),
        pytest.param([], [], id="no pattern"),
    ],
)
def test_walk(tree: Path, monkeypatch: pytest.MonkeyPatch, patterns: list[str], expected: list[str]) -> None:
    """Only folders in which a pattern can match are looked into, each once."""
    (tree / "x1" / "y").mkdir(parents=True)
    seen: list[Path] = []
    scandir = os.scandir

    def watched(path: Path) -> Iterator[os.DirEntry[str]]:
        seen.append(path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", watched)  # what is looked into cannot be seen from outside
    find_files(tree, patterns)

    assert sorted(tree / name for name in expected) == sorted(seen)


def test_missing_directory(tmp_path: Path) -> None:
    """Nothing is found in a directory that is gone."""
    assert {} == find_files(tmp_path / "gone", ["**"]).files


def test_unreadable(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that cannot be read fails the task and is named, rather than missing files silently."""

    def refuse(path: Path) -> Iterator[os.DirEntry[str]]:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", refuse)  # as root every folder can be read
    with pytest.raises(TaskFailed, match=r"cannot look for files in .*Permission denied"):
        find_files(tree, ["**"])


def test_compiled() -> None:
    """Compiled patterns tell of a name alone whether one of them matches."""
    matches = compile_globs(["*.csv", "out/**", "glob:/base/*.md"], Path("/base"))

    assert [True, True, False, True, False] == [
        matches(name) for name in ("a.csv", "out/x/y", "in/a.csv", "a.md", "x/a.md")
    ]
