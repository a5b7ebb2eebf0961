from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fakes import MemoryStorage
from wdprefect.errors import StorageError, TaskFailed, UnsafePath
from wdprefect.model.ports import StoredFile
from wdprefect.workspace.directory import Directory
from wdprefect.workspace.files import capture_files, write_files


@pytest.fixture
def storage() -> MemoryStorage:
    made = MemoryStorage()
    made.put("kestra:///a.bin", b"\0\xff stored")
    return made


def content(directory: Directory) -> dict[str, bytes]:
    files = (path for path in directory.path.rglob("*") if path.is_file())
    return {path.relative_to(directory.path).as_posix(): path.read_bytes() for path in files}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param({"a.txt": "Hello"}, {"a.txt": b"Hello"}, id="text as it is"),
        pytest.param({"a": " \u00fc\r\n\n"}, {"a": b" \xc3\xbc\r\n\n"}, id="spaces and line ends stay, UTF-8"),
        pytest.param({"p/q/r.txt": "x"}, {"p/q/r.txt": b"x"}, id="folders are made"),
        pytest.param({"a": "kestra:///a.bin"}, {"a": b"\0\xff stored"}, id="from the storage"),
        pytest.param({"a": " kestra:///a.bin\n"}, {"a": b"\0\xff stored"}, id="a URI is trimmed"),
        pytest.param({"a": "see kestra:///a.bin"}, {"a": b"see kestra:///a.bin"}, id="a URI inside a text"),
        pytest.param({"a": None, "b": ""}, {"b": b""}, id="no value, no file"),
        pytest.param(
            {"i": 42, "f": 1.5, "b": True, 7: "n"}, {"i": b"42", "f": b"1.5", "b": b"true", "7": b"n"}, id="scalars"
        ),
        pytest.param({"l": [1, "ü"], "m": {"k": None}}, {"l": '[1,"ü"]'.encode(), "m": b'{"k":null}'}, id="JSON"),
        pytest.param('{"a": "x", "b": 1, "c": null}', {"a": b"x", "b": b"1", "c": b""}, id="JSON text"),
        pytest.param('{"o/a": "kestra:///a.bin"}', {"o/a": b"\0\xff stored"}, id="the outputs of another task as text"),
        pytest.param({}, {}, id="nothing"),
    ],
)
def test_write(directory: Directory, storage: MemoryStorage, files: object, expected: dict[str, bytes]) -> None:
    """Each entry becomes a file: stored files by their URI, all else as text."""
    paths = write_files(directory, files, storage)

    assert expected == content(directory)
    assert [directory.path / name for name in expected] == paths


def test_overwrites(directory: Directory, storage: MemoryStorage) -> None:
    """An existing file is replaced, a longer one too."""
    write_files(directory, {"a": "first, and long"}, storage)
    write_files(directory, {"a": "second"}, storage)

    assert {"a": b"second"} == content(directory)


@pytest.mark.parametrize(
    ("files", "error", "text"),
    [
        pytest.param({"../a": "x"}, UnsafePath, "'../a' must be a relative path inside the current", id="leads out"),
        pytest.param({"/etc/a": "x"}, UnsafePath, "'/etc/a' must be a relative path inside", id="absolute"),
        pytest.param({"a": "file:///etc/passwd"}, TaskFailed, "'a': 'file:///etc/passwd' cannot be read", id="file"),
        pytest.param({"a": "kestra:///no"}, StorageError, "'a': there is no file 'kestra:///no'", id="not stored"),
        pytest.param({"b/../a": "x", "a": "y"}, TaskFailed, "'b/../a' and 'a' are the same file", id="twins"),
        pytest.param({"a": "x", "a/b": "y"}, TaskFailed, "'a/b' cannot be written: ", id="a file as a folder"),
        pytest.param({".": "x"}, TaskFailed, "'.' cannot be written: Is a directory", id="the directory"),
        pytest.param({"a": "\ud800"}, TaskFailed, "'a': the text cannot be written as UTF-8", id="half a character"),
        pytest.param("{nonsense", TaskFailed, "a text that is not JSON", id="broken JSON"),
        pytest.param("[1]", TaskFailed, "must be a map", id="a list as text"),
        pytest.param(["a"], TaskFailed, "must be a map", id="a list"),
        pytest.param(3, TaskFailed, "must be a map", id="a number"),
    ],
)
def test_write_refuses(
    directory: Directory, storage: MemoryStorage, files: object, error: type[Exception], text: str
) -> None:
    """What cannot be written fails with the file's name in the error."""
    with pytest.raises(error) as caught:
        write_files(directory, files, storage)

    assert text in str(caught.value)


def test_all_or_nothing(directory: Directory, storage: MemoryStorage) -> None:
    """When one name is refused, no other file is written."""
    with pytest.raises(UnsafePath):
        write_files(directory, {"a": "x", "..": "y"}, storage)

    assert {} == content(directory)


def test_capture_copies(directory: Directory, storage: MemoryStorage) -> None:
    """Captured files stay in the directory; the result is by relative name, sorted, and read back byte by byte."""
    write_files(directory, {"out/b.csv": "b", "a.csv": "a", "c d.csv": "ü", "no.txt": ""}, storage)
    before = content(directory)
    stored = capture_files(directory, ["*.csv", "out/**"], lambda name, path: storage.put(f"kestra:///o/{name}", path))

    assert ["a.csv", "c d.csv", "out/b.csv"] == list(stored)
    assert before == content(directory)
    assert {name: before[name] for name in stored} == {name: storage.read(file.uri) for name, file in stored.items()}


def test_capture_of_nothing(directory: Directory, storage: MemoryStorage) -> None:
    """A pattern without a match is no error; whoever wants to warn is told."""
    unmatched: list[str] = []

    assert {} == capture_files(directory, ["*.csv"], storage.put, unmatched.append)
    assert ["*.csv"] == unmatched
    assert {} == capture_files(directory, ["*.csv"], storage.put)


def change(path: Path) -> None:
    path.write_text("longer than before")


def swap(path: Path) -> None:
    path.unlink()
    path.symlink_to("/etc/passwd")


@pytest.mark.parametrize(
    ("meddle", "text"),
    [
        pytest.param(change, "the output file 'a.csv' changed while it was captured", id="changed"),
        pytest.param(swap, "the output file 'a.csv' changed while it was captured", id="a link in its place"),
        pytest.param(Path.unlink, "the output file 'a.csv' vanished while it was captured", id="vanished"),
    ],
)
def test_capture_of_a_moving_target(
    directory: Directory, storage: MemoryStorage, meddle: Callable[[Path], None], text: str
) -> None:
    """A file that something in the background still works on fails the capture by name."""
    write_files(directory, {"a.csv": "x", "b.csv": "y"}, storage)

    def put(name: str, path: Path) -> StoredFile:
        if name == "a.csv":
            meddle(path)
        return storage.put(f"kestra:///{name}", path)

    with pytest.raises(TaskFailed) as caught:
        capture_files(directory, ["*.csv"], put)

    assert text == str(caught.value)


def test_capture_of_a_link_in_place_of_a_file(directory: Directory, storage: MemoryStorage) -> None:
    """A file that a link has replaced since it was found is not read."""
    write_files(directory, {"a.csv": "x"}, storage)

    def put(name: str, path: Path) -> StoredFile:
        raise AssertionError(name)

    with pytest.raises(TaskFailed, match="changed while it was captured"):
        capture_files(directory, ["*.csv", "none"], put, lambda _: swap(directory.path / "a.csv"))


def test_capture_into_a_failing_storage(directory: Directory, storage: MemoryStorage) -> None:
    """A storage that fails fails the capture, with the file's name and the URI."""
    write_files(directory, {"a.csv": "x"}, storage)

    def put(name: str, path: Path) -> StoredFile:
        raise StorageError("no space", "kestra:///a.csv")

    with pytest.raises(StorageError, match=r"the output file 'a\.csv' cannot be stored: no space") as caught:
        capture_files(directory, ["*"], put)

    assert "kestra:///a.csv" == caught.value.uri


def test_capture_of_a_name_that_is_no_text(directory: Directory, storage: MemoryStorage) -> None:
    """A file name that is not UTF-8 is refused and shown as bytes."""
    (directory.path / "a\udcff").touch()
    with pytest.raises(TaskFailed, match=r"b'a\\xff' is not UTF-8"):
        capture_files(directory, ["*"], storage.put)
