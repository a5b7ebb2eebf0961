"""Keys of objects: what a listing shows, and what they become when they are moved."""

from __future__ import annotations

import pytest

from wdprefect.model.keys import in_folder, is_shown, moved_key


@pytest.mark.parametrize(
    ("key", "prefix", "delimiter", "expected"),
    [
        pytest.param("a", None, None, True, id="no prefix"),
        pytest.param("raw/a", "raw/", None, True, id="below"),
        pytest.param("raw", "raw/", None, False, id="beside"),
        pytest.param("rawer", "raw", None, True, id="a prefix is no folder"),
        pytest.param("raw/a", "raw/", "/", True, id="directly below"),
        pytest.param("raw/a/b", "raw/", "/", False, id="grouped away"),
        pytest.param("raw/", "raw", "/", False, id="a group itself"),
    ],
)
def test_is_shown(key: str, prefix: str | None, delimiter: str | None, expected: bool) -> None:  # noqa: FBT001  a column
    """A listing shows keys that begin with the prefix and have no delimiter behind it."""
    assert expected == is_shown(key, prefix, delimiter)


@pytest.mark.parametrize(
    ("folder", "name", "expected"),
    [("a", "x", "a/x"), ("a/", "x", "a/x"), ("a//", "x", "a/x"), ("", "x", "x"), ("/", "x", "x"), ("/a", "x", "/a/x")],
)
def test_in_folder(folder: str, name: str, expected: str) -> None:
    """One slash stands between folder and name."""
    assert expected == in_folder(folder, name)


@pytest.mark.parametrize(
    ("key", "prefix", "expected"),
    [
        pytest.param("raw/a.csv", "raw/", "old/a.csv", id="directly below"),
        pytest.param("raw/2024/a.csv", "raw/", "old/2024/a.csv", id="its path is kept"),
        pytest.param("raw/2024/a.csv", None, "old/raw/2024/a.csv", id="no prefix"),
        pytest.param("in/a.csv", "in", "old/a.csv", id="the name of a folder"),
        pytest.param("input/a.csv", "in", "old/input/a.csv", id="the beginning of a name"),
        pytest.param("raw/x-1.csv", "raw/x", "old/x-1.csv", id="a folder and the beginning of a name"),
        pytest.param("raw/x/1.csv", "raw/x", "old/1.csv", id="a folder in a folder"),
        pytest.param("raw/", "raw/", "old/", id="the object that stands for the folder"),
        pytest.param("raw//a.csv", "raw/", "old//a.csv", id="an empty name"),
    ],
)
def test_moved(key: str, prefix: str | None, expected: str) -> None:
    """The path below the prefix is kept."""
    assert expected == moved_key("old/", key, prefix)


def test_moved_by_name() -> None:
    """As Kestra does, the last part alone is kept."""
    assert "old/a.csv" == moved_key("old", "raw/2024/a.csv", "raw/", base_name_only=True)
