"""The store of what has travelled: what it gives out, what it does not believe, and how large it gets."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import platformdirs
import pytest

from wdprefect.errors import UsageError
from wdprefect.storage.content import CHUNK_BYTES, MIB
from wdprefect.storage.content_store import ContentStore, cache_folder, default_store

CONTENTS = [
    pytest.param(b"", id="empty"),
    pytest.param(b"small", id="small"),
    pytest.param(b"x" * (2 * CHUNK_BYTES + 1), id="larger than a chunk"),
]


@pytest.fixture
def store(tmp_path: Path) -> ContentStore:
    """An empty store."""
    return ContentStore(tmp_path / "cache", MIB)


def filled(store: ContentStore, version: str, content: bytes) -> str:
    """The SHA-256 of a content that was taken in as a version."""
    sha256 = store.add(BytesIO(content))
    store.name(version, sha256)
    return sha256


def file_of(store: ContentStore, sha256: str) -> Path:
    """Where a content lies."""
    return store.root / "files" / sha256[:2] / sha256


@pytest.mark.parametrize("content", CONTENTS)
def test_content_comes_back(store: ContentStore, tmp_path: Path, content: bytes) -> None:
    """A content is found by its version and its SHA-256, and comes back the same in folders that are made."""
    sha256 = filled(store, "v1", content)
    assert hashlib.sha256(content).hexdigest() == sha256 == store.find("v1")
    assert store.get(sha256, tmp_path / "new" / "target")
    assert content == (tmp_path / "new" / "target").read_bytes()
    assert store.find("v2") is None


@pytest.mark.parametrize("content", CONTENTS)
def test_copies_are_apart(store: ContentStore, tmp_path: Path, content: bytes) -> None:
    """Whoever writes to what was given out, or to its permissions, changes nothing in the store."""
    sha256 = filled(store, "v1", content)
    first, second = tmp_path / "first", tmp_path / "second"
    assert store.get(sha256, first)
    with first.open("r+b") as file:
        file.write(b"other")
    first.chmod(0o777)
    assert store.get(sha256, second)
    assert content == second.read_bytes()
    assert 0o400 == file_of(store, sha256).stat().st_mode & 0o777


def test_private(store: ContentStore) -> None:
    """Nobody but this user reads what the store holds."""
    filled(store, "v1", b"x")
    modes = {path.stat().st_mode & 0o077 for path in [store.root, *store.root.rglob("*")]}
    assert {0} == modes


def cut(path: Path) -> None:
    """Half of a file is gone."""
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path: Path) -> None:
    """One byte is another one."""
    path.chmod(0o600)
    path.write_bytes(b"y" + path.read_bytes()[1:])


@pytest.mark.parametrize("damage", [cut, flip, Path.unlink])
@pytest.mark.parametrize("size", [pytest.param(10, id="small"), pytest.param(2 * CHUNK_BYTES, id="large")])
def test_damage(store: ContentStore, tmp_path: Path, damage: Callable[[Path], None], size: int) -> None:
    """A content that is not what came in is not given out, and the next one to come takes its place."""
    sha256 = filled(store, "v1", b"x" * size)
    damage(file_of(store, sha256))
    assert not store.get(sha256, tmp_path / "target")
    assert not file_of(store, sha256).exists()
    assert not (tmp_path / "target").exists()
    assert sha256 == store.add(BytesIO(b"x" * size))
    assert store.get(sha256, tmp_path / "target")


@pytest.mark.parametrize("text", [b"", b"../../../etc/passwd", b"\xff\xfe", b"0" * 63, b"../" + b"0" * 61])
def test_damaged_version(store: ContentStore, text: bytes) -> None:
    """What stands for a version and is no SHA-256 leads nowhere."""
    filled(store, "v1", b"x")
    (named,) = (path for path in (store.root / "versions").rglob("*") if path.is_file())
    named.write_bytes(text)
    assert store.find("v1") is None


def test_trim(store: ContentStore, tmp_path: Path) -> None:
    """Beyond its limit the store forgets what was not used for the longest time, and its versions."""
    contents = [filled(store, f"v{number}", bytes([number]) * (MIB // 4)) for number in range(5)]
    for age, sha256 in enumerate(contents):
        os.utime(file_of(store, sha256), (age, age))
    # Used just now.
    store.get(contents[0], tmp_path / "target")

    store.trim()

    assert [True, False, False, True, True] == [file_of(store, sha256).exists() for sha256 in contents]
    assert 3 == sum(path.is_file() for path in (store.root / "versions").rglob("*"))


def test_trim_within_the_limit(store: ContentStore) -> None:
    """A store within its limit keeps all it has, and an empty one may be trimmed."""
    store.trim()
    sha256 = filled(store, "v1", b"x" * MIB)
    store.trim()
    assert file_of(store, sha256).exists()


def test_drafts_of_killed_processes(store: ContentStore) -> None:
    """What a killed process was taking in is removed after a day, and what is being taken in is not."""
    filled(store, "v1", b"x")
    old, new = store.root / "drafts" / "old", store.root / "drafts" / "new"
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (0, 0))
    store.trim()
    assert [False, True] == [old.exists(), new.exists()]


def test_versions_being_written(store: ContentStore) -> None:
    """Trimming leaves a version that is being written, and removes it a day after its writer was killed."""
    for number in range(5):
        filled(store, f"v{number}", bytes([number]) * (MIB // 4))
    folder = next((store.root / "versions").iterdir())
    old, new = (folder / f".{digit * 16}.wdprefect-part" for digit in "01")
    for path in (old, new):
        path.write_bytes(b"0" * 64)
    os.utime(old, (0, 0))
    store.trim()
    assert [False, True] == [old.exists(), new.exists()]


def test_many_at_once(store: ContentStore, tmp_path: Path) -> None:
    """Several that fill, use and trim the store at once get whole contents, or are told that they are not there."""
    contents = [bytes([number]) * (MIB // 4) for number in range(6)]
    wrong: list[str] = []

    def work(name: str) -> None:
        for number in range(60):
            content = contents[number % len(contents)]
            target = tmp_path / name
            if store.get(filled(store, f"v{number % len(contents)}", content), target):
                wrong.extend([name] if target.read_bytes() != content else [])
            store.trim()

    threads = [threading.Thread(target=work, args=(f"t{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [] == wrong
    assert [] == [*(store.root / "drafts").iterdir()]


def test_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """WDPREFECT_CACHE says where the store is, WDPREFECT_CACHE_MIB how large it may get."""
    monkeypatch.setenv("WDPREFECT_CACHE", str(tmp_path))
    assert ContentStore(tmp_path, 1024 * MIB) == default_store()
    monkeypatch.setenv("WDPREFECT_CACHE_MIB", "2")
    assert ContentStore(tmp_path, 2 * MIB) == default_store()
    monkeypatch.setenv("WDPREFECT_CACHE_MIB", "0")
    assert default_store() is None


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param({"WDPREFECT_CACHE": "/c/d"}, "/c/d", id="the folder that is named"),
        pytest.param({"WDPREFECT_CACHE": "~/d", "HOME": "/home/ada"}, "/home/ada/d", id="below the home"),
        pytest.param({"WDPREFECT_CACHE": ""}, platformdirs.user_cache_dir("wdprefect"), id="no folder is named"),
    ],
)
def test_cache_folder(monkeypatch: pytest.MonkeyPatch, given: dict[str, str], expected: str) -> None:
    """What can be made anew is kept in the folder that WDPREFECT_CACHE names, else in the user's for such things."""
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert Path(expected) == cache_folder()


@pytest.mark.parametrize("text", ["x", "-1", "1.5"])
def test_wrong_limit(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """A limit that is none is refused in words that name the variable."""
    monkeypatch.setenv("WDPREFECT_CACHE_MIB", text)
    with pytest.raises(UsageError, match=f"WDPREFECT_CACHE_MIB is a whole number of MiB, 0 for no cache, not '{text}'"):
        default_store()
