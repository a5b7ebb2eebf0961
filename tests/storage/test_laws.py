"""What is true of every storage."""

from __future__ import annotations

import hashlib
import random
import threading
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from wdprefect.errors import StorageError
from wdprefect.model.ports import StoredFile
from wdprefect.storage.local import LocalStorage
from wdprefect.storage.s3 import S3Storage
from wdprefect.storage.uris import from_path

AnyStorage = LocalStorage | S3Storage

URI = "kestra:///company/team/flow/a.csv"
MIB = 1024 * 1024
CONTENTS = [
    pytest.param(b"", id="empty"),
    pytest.param(b"id,name\n1,a\n", id="small"),
    pytest.param(random.Random(1).randbytes(20 * MIB + 1), id="20 MiB"),  # noqa: S311  # only to differ everywhere
]
ODD_NAMES = [
    "a b",
    "50%",
    "%20",
    "a+b",
    "what?",
    "#1",
    "été 日本 🎉",
    "a'\"b",
    "tab\tx",
    "...",
    ".x",
    "a&b=c,d@e",
    "x" * 240,
]


def stored(uri: str, content: bytes) -> StoredFile:
    """What storing `content` must answer."""
    return StoredFile(uri, len(content), hashlib.sha256(content).hexdigest())


@pytest.mark.parametrize("content", CONTENTS)
def test_bytes_come_back(storage: AnyStorage, tmp_path: Path, content: bytes) -> None:
    """Bytes come back the same in every way of reading, and the answer tells their size and hash."""
    assert stored(URI, content) == storage.put(URI, content)
    assert content == storage.read(URI)
    assert len(content) == storage.size(URI)
    with storage.open(URI) as file:
        assert content == file.read()
    storage.get(URI, tmp_path / "new" / "folder" / "b.csv")
    assert content == (tmp_path / "new" / "folder" / "b.csv").read_bytes()


@pytest.mark.parametrize("content", CONTENTS)
def test_files_come_back(storage: AnyStorage, tmp_path: Path, content: bytes) -> None:
    """A file comes back the same, and stays where it was."""
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(content)
    assert stored(URI, content) == storage.put(URI, source)
    storage.get(URI, target)
    assert content == target.read_bytes() == source.read_bytes()


@pytest.mark.parametrize("name", ODD_NAMES, ids=ascii)
def test_odd_names(storage: AnyStorage, name: str) -> None:
    """A file of any name is stored, found, listed and deleted under that name."""
    uri = from_path(f"folder/{name}")
    storage.put(uri, name.encode())
    assert name.encode() == storage.read(uri)
    assert storage.exists(uri)
    assert [uri] == storage.list("kestra:///")
    assert storage.delete(uri)
    assert not storage.exists(uri)


def test_backslash(storage: AnyStorage) -> None:
    """A backslash is a character like any other when a file is stored, read and deleted."""
    # Not when it is listed: SeaweedFS gives it back as a slash.
    uri = "kestra:///folder/a%5Cb"
    storage.put(uri, b"x")
    assert b"x" == storage.read(uri)
    assert storage.delete(uri)


def test_put_replaces(storage: AnyStorage, tmp_path: Path) -> None:
    """What is stored or fetched later replaces what was there."""
    target = tmp_path / "target"
    for content in (b"longer than the next", b"short"):
        storage.put(URI, content)
        storage.get(URI, target)
        assert content == target.read_bytes()


def test_readers_see_old_or_new(storage: AnyStorage) -> None:
    """While a file is stored again and again, each read gives one of the contents, whole."""
    contents = [bytes([letter]) * MIB for letter in b"ab"]
    storage.put(URI, contents[0])
    done = threading.Event()

    def write() -> None:
        for number in range(20):
            storage.put(URI, contents[number % 2])
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    seen = [storage.read(URI)]
    while not done.is_set():
        seen.append(storage.read(URI))
    writer.join()
    assert all(content in contents for content in seen)


def test_put_many(storage: AnyStorage, tmp_path: Path) -> None:
    """Many files, from paths and bytes, taken from any iterable, are all stored and answered in the order given."""
    source = tmp_path / "source"
    source.write_bytes(b"from a file")
    contents = {f"kestra:///many/{number}": f"{number}".encode() for number in range(100)}
    items: list[tuple[str, Path | bytes]] = [*contents.items(), (URI, source)]
    answers = storage.put_many(item for item in items)
    assert [stored(uri, content) for uri, content in [*contents.items(), (URI, b"from a file")]] == answers
    assert sorted(contents) == storage.list("kestra:///many")
    assert [] == storage.put_many([])


def test_put_many_fails(storage: AnyStorage, tmp_path: Path) -> None:
    """One file that cannot be stored is the error of the whole call."""
    with pytest.raises(StorageError, match=r"'kestra:///b'.* does not exist"):
        storage.put_many([("kestra:///a", b"a"), ("kestra:///b", tmp_path / "missing"), ("kestra:///c", b"c")])


def test_list(storage: AnyStorage) -> None:
    """A folder's files are listed at every depth and sorted; neither its neighbours nor a file of its name are."""
    for path in ("a/2", "a/1/x", "a/1/a b", "ab/x", "c"):
        storage.put(from_path(path), b"")
    assert ["kestra:///a/1/a%20b", "kestra:///a/1/x", "kestra:///a/2"] == storage.list("kestra:///a")
    assert storage.list("kestra:///a") == storage.list("kestra:///a/")
    assert 5 == len(storage.list("kestra:///"))
    assert [] == storage.list("kestra:///c")
    assert [] == storage.list("kestra:///missing/folder")


def test_entries(storage: AnyStorage) -> None:
    """A listing tells of each file what looking for it alone tells: its size, its time, its version."""
    began = datetime.now(timezone.utc) - timedelta(seconds=2)
    storage.put("kestra:///a/1", b"one")
    storage.put("kestra:///a/b/2", b"")
    entries = storage.entries("kestra:///a")
    assert [("kestra:///a/1", 3), ("kestra:///a/b/2", 0)] == [(entry.uri, entry.size) for entry in entries]
    assert all(began < entry.modified for entry in entries)
    found = [storage.find(entry.uri) for entry in entries]
    assert [(entry.uri, entry.size, entry.version) for entry in entries] == [
        (entry.uri, entry.size, entry.version) for entry in found if entry
    ]
    assert [None, None] == [storage.find("kestra:///a"), storage.find("kestra:///a/3")]


def test_delete(storage: AnyStorage) -> None:
    """Deleting tells whether there was a file, and leaves the others."""
    storage.put(URI, b"x")
    storage.put("kestra:///company/other", b"y")
    assert storage.delete(URI)
    assert not storage.delete(URI)
    assert not storage.exists(URI)
    assert ["kestra:///company/other"] == storage.list("kestra:///")
    storage.put(URI, b"again")
    assert b"again" == storage.read(URI)


@pytest.mark.parametrize("uri", ["kestra:///missing", "kestra:///folder", "kestra:///folder/a/b"])
def test_missing(storage: AnyStorage, tmp_path: Path, uri: str) -> None:
    """A missing file, a folder and what lies below a file are named in the error; nothing is left at the target."""
    storage.put("kestra:///folder/a", b"x")
    target = tmp_path / "target"
    assert not storage.exists(uri)
    assert not storage.delete(uri)
    for reading in (storage.read, storage.open, storage.size, lambda missing: storage.get(missing, target)):
        with pytest.raises(StorageError, match="there is no such file") as caught:
            reading(uri)
        assert uri == caught.value.uri
        assert f"'{uri}'" in str(caught.value)
    assert [] == [path for path in tmp_path.iterdir() if path.name != "storage"]


@pytest.mark.parametrize("uri", ["kestra:///a/../../x", "kestra:///%2e%2e/x", "kestra:////x", "file:///x", "/x"])
def test_no_way_out(storage: AnyStorage, tmp_path: Path, uri: str) -> None:
    """No method leaves the storage's prefix."""
    for using in (
        lambda: storage.put(uri, b"x"),
        lambda: storage.put_many([(uri, b"x")]),
        lambda: storage.get(uri, tmp_path / "target"),
        lambda: storage.open(uri),
        lambda: storage.read(uri),
        lambda: storage.exists(uri),
        lambda: storage.size(uri),
        lambda: storage.find(uri),
        lambda: storage.entries(uri),
        lambda: storage.list(uri),
        lambda: storage.delete(uri),
    ):
        with pytest.raises(StorageError) as caught:
            using()
        assert uri == caught.value.uri


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        pytest.param(lambda path: None, "does not exist", id="missing"),
        pytest.param(lambda path: path.mkdir(), "is not a regular file", id="folder"),
    ],
)
def test_unusable_sources(storage: AnyStorage, tmp_path: Path, make: object, reason: str) -> None:
    """What is not a file cannot be stored, and the error names it; nothing is stored."""
    source = tmp_path / "source"
    assert callable(make)
    make(source)
    with pytest.raises(StorageError, match=reason) as caught:
        storage.put(URI, source)
    assert str(source) in str(caught.value)
    assert [] == storage.list("kestra:///")


def test_unwritable_target(storage: AnyStorage, tmp_path: Path) -> None:
    """A target that cannot be written is named in the error."""
    storage.put(URI, b"x")
    target = tmp_path / "folder"
    target.mkdir()
    with pytest.raises(StorageError, match="cannot fetch") as caught:
        storage.get(URI, target)
    assert str(target) in str(caught.value)
    assert [] == [*target.iterdir()]
    assert {"folder"} == {path.name for path in tmp_path.iterdir()} - {"storage"}
