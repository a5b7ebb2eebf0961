"""Objects as flows see them, and the names of their files."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import PurePosixPath

import pytest

from wdprefect.plugins.aws._objects import file_name, object_record, unquoted

MOMENT = datetime(2026, 5, 1, 12, 30, tzinfo=timezone.utc)


def test_record() -> None:
    """Everything by its name in a flow; what is None is left out."""
    plain = object_record(key="a", etag="e", size=1, modified=MOMENT)
    whole = object_record(
        key="a", etag="e", size=1, modified=MOMENT, uri="kestra:///a", details={"owner": {"id": "o"}}, change="UPDATE"
    )

    expected = {"key": "a", "etag": "e", "size": 1, "lastModified": "2026-05-01T12:30:00Z"}
    assert expected == plain
    assert {**expected, "uri": "kestra:///a", "owner": {"id": "o"}, "changeType": "UPDATE"} == whole


@pytest.mark.parametrize(("given", "expected"), [('"a-1"', "a-1"), ('W/"a"', "a"), ("a", "a"), ("", "")])
def test_unquoted(given: str, expected: str) -> None:
    """Quotes and the mark of a weak one are no part of an ETag."""
    assert expected == unquoted(given)


KEYS = ["a/b", "a//b", "/a/b", "a/b/", "a/./b", "a/../b", "../a/b", "..", ".", "/", "//", "a/b/..", "é /b"]


def test_file_names() -> None:
    """No two keys have the same name, none leads out of a folder, and a key that is a plain path is its own name."""
    names = {key: file_name(key) for key in KEYS}

    assert len(KEYS) == len(set(names.values()))
    paths = [PurePosixPath(name) for name in names.values()]
    assert not any(path.is_absolute() or {"..", "."} & set(path.parts) for path in paths)
    assert list(names.values()) == [str(path) for path in paths]
    assert ("a/b", "é /b") == (names["a/b"], names["é /b"])
