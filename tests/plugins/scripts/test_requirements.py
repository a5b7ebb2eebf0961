"""The lines of `dependencies`, and which of them mean the same."""

from __future__ import annotations

import pytest

from wdprefect.errors import TaskFailed
from wdprefect.plugins.scripts._installer import index_settings
from wdprefect.plugins.scripts._requirements import is_pinned, name_of, normalised


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param("six", "six", id="a name"),
        pytest.param("  Six ", "six", id="spaces and capitals"),
        pytest.param("zope.interface", "zope-interface", id="a dot"),
        pytest.param("a_b--c", "a-b-c", id="other separators"),
        pytest.param("six >= 1.0 , < 2", "six<2,>=1.0", id="the order of versions"),
        pytest.param("six (>=1)", "six>=1", id="parentheses"),
        pytest.param("dlt[DuckDB, aws]>=1", "dlt[aws,duckdb]>=1", id="extras"),
        pytest.param("dlt [a]", "dlt[a]", id="a space before extras"),
        pytest.param("six; python_version  <  '3.12'", "six;python_version < '3.12'", id="a marker"),
        pytest.param("six # why", "six", id="a comment"),
        pytest.param("x @ https://h/x.whl#sha256=1", "x@ https://h/x.whl#sha256=1", id="an address"),
        pytest.param("git+https://h/x@main", "git+https://h/x@main", id="no name before an address"),
        pytest.param("six=1", "six=1", id="what is no requirement stays"),
        pytest.param("?", "?", id="nor does it fail"),
    ],
)
def test_normalised(line: str, expected: str) -> None:
    """A requirement has one spelling, which is the same when it is read again."""
    assert [expected] == normalised([line])
    assert [expected] == normalised([expected])


def test_lines() -> None:
    """Requirements are sorted, each once; empty lines and comments are none."""
    assert ["a", "b", "c"] == normalised(["c\nb", "", "# a", "a", "B"])


@pytest.mark.parametrize(
    "line", ["-r x.txt", "-c x", "-e .", "--requirement=x", "--editable x", "./x", "../x", "/x", "."]
)
def test_files(line: str) -> None:
    """A requirement that names a file is refused: nobody would notice when the file changes."""
    with pytest.raises(TaskFailed, match=r"^'dependencies' takes no files, such as "):
        normalised([line])


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        pytest.param([], True, id="none"),
        pytest.param(["a==1", "b[c]===2.0; python_version<'4'"], True, id="all are"),
        pytest.param(["a==1", "b"], False, id="one is not"),
        pytest.param(["a>=1"], False, id="a lower bound"),
        pytest.param(["a==1.*"], False, id="a star"),
        pytest.param(["a==1,<2"], False, id="more than a version"),
        pytest.param(["a@ https://h/a.whl"], False, id="an address"),
    ],
)
def test_pinned(lines: list[str], expected: bool) -> None:  # noqa: FBT001  a column
    """What names one version for each of its requirements holds for good."""
    assert expected == is_pinned(lines)


@pytest.mark.parametrize(("line", "expected"), [("a-b[c]>=1", "a-b"), ("a@ https://h", "a"), ("-x", "-x")])
def test_name(line: str, expected: str) -> None:
    """The name by which an installer speaks of a requirement."""
    assert expected == name_of(line)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param({"UV_INDEX": "a", "PATH": "p"}, {"UV_INDEX": "a"}, id="those of uv"),
        pytest.param({"PIP_INDEX_URL": "a"}, {"UV_DEFAULT_INDEX": "a"}, id="the index of pip"),
        pytest.param({"PIP_INDEX_URL": "a", "UV_INDEX_URL": "b"}, {"UV_INDEX_URL": "b"}, id="uv's own comes first"),
        pytest.param({"PIP_FIND_LINKS": "a b"}, {"UV_FIND_LINKS": "a,b"}, id="several folders"),
        pytest.param({"PIP_EXTRA_INDEX_URL": "a b"}, {"UV_INDEX": "a b"}, id="several indexes"),
        pytest.param({"PIP_NO_INDEX": "1"}, {"PIP_NO_INDEX": "1"}, id="no index"),
        pytest.param({"PIP_INDEX_URL": ""}, {}, id="empty is none"),
    ],
)
def test_index_settings(given: dict[str, str], expected: dict[str, str]) -> None:
    """Where pip finds packages uv finds them, unless it is told otherwise."""
    assert expected == index_settings(given)
