"""URIs of the internal storage: what is refused, how those of a run look, and that names survive."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wdprefect.errors import StorageError
from wdprefect.storage import uris

EXECUTION = "kestra:///company/team/my-flow/executions/e1"


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        pytest.param("kestra:///a.csv", "a.csv", id="one part"),
        pytest.param("kestra:///company/team/a%20b%2Bc.csv", "company/team/a b+c.csv", id="escapes"),
        pytest.param("kestra:///a+b", "a+b", id="a plus is a plus"),
        pytest.param("kestra:///a b/ü", "a b/ü", id="written by hand, unescaped"),
        pytest.param("kestra:///a%2520", "a%20", id="decoded once"),
        pytest.param("kestra:///a..b/...", "a..b/...", id="dots within names"),
    ],
)
def test_parse(uri: str, path: str) -> None:
    """A URI names the path below the storage's prefix, each part decoded once."""
    assert path == uris.parse(uri)


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        pytest.param("kestra:///a/../b", "'.' and '..' are not allowed", id="parent"),
        pytest.param("kestra:///a/%2e%2E/b", "'.' and '..' are not allowed", id="escaped parent"),
        pytest.param("kestra:///..", "'.' and '..' are not allowed", id="parent alone"),
        pytest.param("kestra:///a/./b", "'.' and '..' are not allowed", id="itself"),
        pytest.param("kestra:///a//b", "a part of the path is empty", id="empty part"),
        pytest.param("kestra:////etc/passwd", "a part of the path is empty", id="absolute"),
        pytest.param("kestra:///a/", "a part of the path is empty", id="folder"),
        pytest.param("kestra:///", "a part of the path is empty", id="nothing"),
        pytest.param("kestra:///a%00b", "a name cannot contain NUL", id="NUL"),
        pytest.param("kestra:///a%2fb", "a name cannot contain '/'", id="escaped slash"),
        pytest.param("kestra:///a%2F..%2Fb", "a name cannot contain '/'", id="escaped way out"),
        pytest.param("kestra:///a%FFb", "its escapes are not UTF-8", id="not UTF-8"),
        pytest.param("kestra:///a%zz", "'%' in a name is written '%25'", id="no escape"),
        pytest.param("kestra:///a?b", "'?' and '#' in a name are written", id="query"),
        pytest.param("kestra:///a#b", "'?' and '#' in a name are written", id="fragment"),
        pytest.param("kestra://host/a", "it must begin with 'kestra:///'", id="host"),
        pytest.param("kestra:/a", "it must begin with 'kestra:///'", id="one slash"),
        pytest.param("file:///etc/passwd", "it must begin with 'kestra:///'", id="other scheme"),
        pytest.param("/etc/passwd", "it must begin with 'kestra:///'", id="a path"),
        pytest.param("", "it must begin with 'kestra:///'", id="empty"),
    ],
)
def test_parse_refuses(uri: str, reason: str) -> None:
    """What could lead elsewhere or mean two things is refused, and the error names the URI and the reason."""
    with pytest.raises(StorageError) as caught:
        uris.parse(uri)
    assert uri == caught.value.uri
    assert f"'{uri}' is no file of the internal storage: {reason}" in str(caught.value)


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        pytest.param("kestra:///", "", id="the whole"),
        pytest.param("kestra:///a/b", "a/b", id="without a slash"),
        pytest.param("kestra:///a/b/", "a/b", id="with a slash"),
    ],
)
def test_parse_folder(uri: str, path: str) -> None:
    """A folder may end with a slash, and the whole storage is one."""
    assert path == uris.parse_folder(uri)


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1), min_size=1))
def test_path_survives(parts: list[str]) -> None:
    """The URI of a path names that path, or there is none because a part is a dot or two."""
    path = "/".join(parts)
    uri = uris.find_uri(path)
    if {".", ".."} & set(parts):
        assert uri is None
    else:
        assert uri is not None
        assert uri.isascii()
        assert path == uris.parse(uri)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("workingDir", "workingdir", id="lower case"),
        pytest.param("my_dir", "my-dir", id="underscore"),
        pytest.param("  a  b ", "a-b", id="blanks"),
        pytest.param("__a--_b__", "a-b", id="runs and ends"),
        pytest.param("v1.2/x", "v12x", id="others are dropped"),
        pytest.param("été", "ete", id="accents"),
        pytest.param("straße", "strae", id="letters beyond ASCII"),
    ],
)
def test_slug(text: str, expected: str) -> None:
    """A slug keeps ASCII letters, digits and single hyphens, in lower case."""
    assert expected == uris.slug(text)


def test_execution_uri() -> None:
    """An execution's folder lies below its namespace and the slug of its flow."""
    assert EXECUTION == uris.execution_uri("company.team", "my_Flow", "e1")


@pytest.mark.parametrize(
    ("namespace", "flow_id", "execution_id"),
    [
        pytest.param("company..team", "f", "e", id="empty part of the namespace"),
        pytest.param("company", "***", "e", id="empty slug"),
        pytest.param("company", "f", "..", id="way out"),
    ],
)
def test_execution_uri_refuses(namespace: str, flow_id: str, execution_id: str) -> None:
    """An execution whose folder would not be one below the namespace has no URI."""
    with pytest.raises(StorageError):
        uris.execution_uri(namespace, flow_id, execution_id)


def test_task_file_uri() -> None:
    """A task's file lies below its task run, with a short id before its name, and below the attempt if there is one."""
    plain = uris.task_file_uri(EXECUTION, "my_task", "r1", "out/a b.csv")
    second = uris.task_file_uri(EXECUTION, "my_task", "r1", "out/a b.csv", attempt=2)
    assert f"{EXECUTION}/tasks/my-task/r1/d105006c8de6-a%20b.csv" == plain
    assert f"{EXECUTION}/tasks/my-task/r1/2/d105006c8de6-a%20b.csv" == second


def test_equal_names_in_different_folders() -> None:
    """Files of one name in two folders have two URIs, and one file spelled in two ways has one."""
    in_a, in_b, in_a_again = (
        uris.task_file_uri(EXECUTION, "t", "r", name) for name in ("a/x.csv", "b/x.csv", "./a//x.csv")
    )
    assert in_a != in_b
    assert in_a == in_a_again


@pytest.mark.parametrize(
    "name",
    ["a b.csv", "50%.csv", "a+b", "what?", "#1", "été 日本 🎉", "a'\"\\b", "tab\tline\n", "..", "-x", "%2F", "a=b,c@d"],
    ids=repr,
)
def test_name_survives(name: str) -> None:
    """Any name comes back exactly from the URI of a task's file, whatever it holds."""
    uri = uris.task_file_uri(EXECUTION, "t", "r", f"folder/{name}", attempt=1)
    assert name == uris.file_name(uri)


def test_name_of_other_files() -> None:
    """The name of a file that no task delivered is the last part of its URI, even if it looks like a short id."""
    assert "0123456789ab-x y" == uris.file_name(uris.input_uri(EXECUTION, "file", "/tmp/0123456789ab-x y"))  # noqa: S108  # no file is touched
    assert "0123456789ab-x" == uris.file_name("kestra:///company/_files/0123456789ab-x")


@pytest.mark.parametrize("letter", ["x", "ü", "🎉"])
def test_long_names(letter: str) -> None:
    """A very long name fits a file system, keeps its suffix, and two that differ only at the end stay apart."""
    names = [uris.file_name(uris.input_uri(EXECUTION, "file", letter * 250 + end)) for end in ("1.csv", "2.csv")]
    assert names[0] != names[1]
    assert all(190 < len(name.encode()) <= 200 for name in names)
    assert all(name.startswith(letter * 40) and name.endswith(".csv") for name in names)


def test_long_suffix() -> None:
    """A name that is all suffix is cut too."""
    assert 200 == len(uris.file_name(uris.input_uri(EXECUTION, "file", "a." + "x" * 300)))


def test_names_that_are_not_utf8() -> None:
    """Bytes that are not UTF-8 show as U+FFFD; the short id keeps such names apart."""
    first, second = (uris.task_file_uri(EXECUTION, "t", "r", os.fsdecode(raw)) for raw in (b"a\xff", b"a\xfe"))
    assert first != second
    assert "a\ufffd" == uris.file_name(first) == uris.file_name(second)


@pytest.mark.parametrize(
    ("input_id", "name"),
    [
        pytest.param("a/../b", "x", id="slash in the input"),
        pytest.param("..", "x", id="way out by the input"),
        pytest.param("", "x", id="empty input"),
        pytest.param("file", "..", id="way out by the name"),
        pytest.param("file", "", id="empty name"),
        pytest.param("file", "a\0b", id="NUL"),
    ],
)
def test_input_uri_refuses(input_id: str, name: str) -> None:
    """An input's file is a file in the folder of its input or an error."""
    with pytest.raises(StorageError):
        uris.input_uri(EXECUTION, input_id, name)


def test_input_uri() -> None:
    """An input's file keeps its name, below the input's id as it is written."""
    assert f"{EXECUTION}/inputs/my_File/a%20b.csv" == uris.input_uri(EXECUTION, "my_File", "folder/a b.csv")


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        pytest.param("nsfile:///a.py", "kestra:///company/team/_files/a.py", id="of the flow's namespace"),
        pytest.param("nsfile:///d/a%20b", "kestra:///company/team/_files/d/a%20b", id="escapes stay"),
        pytest.param("nsfile://other.one/a", "kestra:///other/one/_files/a", id="of another"),
    ],
)
def test_nsfile(uri: str, expected: str) -> None:
    """A namespace file's own kind of URI names a place of the storage."""
    assert expected == uris.from_nsfile(uri, "company.team")


@pytest.mark.parametrize("name", ["", ".", "a..b", ".a", "a.", "a/b", "../a", "a b", "_a", "a\n"])
def test_no_namespace(name: str) -> None:
    """What is no name of a namespace names no place, and the error says what one is made of."""
    with pytest.raises(StorageError) as caught:
        uris.namespace_uri(name)
    assert f"'{name}' is no name of a namespace: its parts are made of letters" in str(caught.value)


@pytest.mark.parametrize("path", ["../x", "a/../x", "/x", "", "a//b", "x/.."])
def test_no_way_out_of_a_namespace(path: str) -> None:
    """No path leads out of a namespace's folder."""
    with pytest.raises(StorageError):
        uris.namespace_uri("company", path)


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        pytest.param("kestra:///company/team/_files/d/a.py", ("company.team", "d/a.py"), id="a file"),
        pytest.param("kestra:///a/_files/_files/x", ("a", "_files/x"), id="the first one counts"),
        pytest.param("kestra:///a/flow/executions/1/tasks/t/r/_files/x", None, id="of an execution"),
        pytest.param("kestra:///a/_files", None, id="the folder"),
        pytest.param("kestra:///_files/x", None, id="of no namespace"),
        pytest.param("kestra:///a b/_files/x", None, id="of what is no namespace"),
    ],
)
def test_find_namespace_file(uri: str, expected: tuple[str, str] | None) -> None:
    """A URI says of which namespace a file is, if it is one's."""
    assert expected == uris.find_namespace_file(uri)
