from __future__ import annotations

import inspect
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from wdprefect.errors import UnsafePath
from wdprefect.workspace.directory import Directory


def test_private_and_empty(directory: Directory) -> None:
    """A directory is private to the user; nothing of ours is in it, and the scratch directory is beside it."""
    assert [] == list(directory.path.iterdir())
    assert 0o700 == stat.S_IMODE(directory.path.parent.stat().st_mode)
    assert directory.path.parent == directory.scratch.parent
    assert directory.path != directory.scratch


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("a.txt", "a.txt", id="plain"),
        pytest.param("out/new/a.txt", "out/new/a.txt", id="need not exist"),
        pytest.param("./a//b", "a/b", id="normalised"),
        pytest.param("a/../b", "b", id="stays inside"),
        pytest.param("a../b", "a../b", id="two dots at the end of a name"),
        pytest.param("..a", "..a", id="two dots at the start of a name"),
        pytest.param("a b/ü.txt", "a b/ü.txt", id="any legal name"),
        pytest.param(".", "", id="the directory itself"),
        pytest.param("inner/a.txt", "inner/a.txt", id="a link that stays inside"),
    ],
)
def test_resolve(directory: Directory, name: str, expected: str) -> None:
    """A relative name that stays inside becomes an absolute path below the directory."""
    (directory.path / "real").mkdir()
    (directory.path / "inner").symlink_to("real")

    assert directory.path / expected == directory.resolve(name)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("", id="empty"),
        pytest.param("a\0b", id="NUL"),
        pytest.param("/etc/passwd", id="absolute"),
        pytest.param("//etc/passwd", id="two slashes"),
        pytest.param("..", id="only two dots"),
        pytest.param("../a", id="above"),
        pytest.param("a/../..", id="above by a detour"),
        pytest.param("a/../../b", id="beside"),
        pytest.param("out/a.txt", id="a folder that is a link out"),
        pytest.param("out/new/a.txt", id="below a link out"),
        pytest.param("file", id="a file that is a link out"),
        pytest.param("dangling", id="a link out to nothing"),
        pytest.param("twice/a.txt", id="a link to a link out"),
        pytest.param("scratch/a.txt", id="a link to the directory beside"),
    ],
)
def test_resolve_refuses(directory: Directory, tmp_path: Path, name: str) -> None:
    """A name that leads out, by itself or by a symbolic link, is refused; the error has the name as it was given."""
    links = {
        "out": str(tmp_path),
        "file": "/etc/passwd",
        "dangling": "/nowhere/x",
        "twice": "out",
        "scratch": "../scratch",
    }
    for link, target in links.items():
        (directory.path / link).symlink_to(target)
    with pytest.raises(UnsafePath) as caught:
        directory.resolve(name)

    assert name == caught.value.path


def test_resolve_below_a_link(tmp_path: Path) -> None:
    """It does not matter that the root itself is reached by a symbolic link."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    with Directory.create(tmp_path / "link", "run") as directory:
        assert directory.path / "a" == directory.resolve("a")


def test_removed_whatever_happened(tmp_path: Path) -> None:
    """The directory is gone after an error too, and removing it again does nothing."""
    with pytest.raises(KeyError), Directory.create(tmp_path / "new", "run") as directory:
        raise KeyError

    assert [] == list((tmp_path / "new").iterdir())
    assert [] == directory.remove()


def test_read_only_folders_are_removed(directory: Directory) -> None:
    """Files and folders without write permission are removed like others."""
    folder = directory.path / "a" / "b"
    folder.mkdir(parents=True)
    (folder / "c").write_text("x")
    for path in (folder / "c", folder, folder.parent):
        path.chmod(0o500)

    assert [] == directory.remove()
    assert not directory.path.exists()


def test_links_out_are_not_followed(directory: Directory, tmp_path: Path) -> None:
    """Removing a symbolic link leaves what it points at."""
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").touch()
    (directory.path / "link").symlink_to(tmp_path / "precious")
    directory.remove()

    assert (tmp_path / "precious" / "file").exists()


def test_deep_tree_is_removed(directory: Directory) -> None:
    """A tree deeper than Python's recursion is removed."""
    descriptor = os.open(directory.path, os.O_RDONLY)
    # Where this test is killed, pytest can still remove what it left: its own recursion goes deeper.
    for _ in range(400):
        os.mkdir("d", dir_fd=descriptor)
        below = os.open("d", os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = below
    os.close(descriptor)

    with recursion_limited_to(200):
        assert [] == directory.remove()
    assert not directory.path.exists()


@contextmanager
def recursion_limited_to(levels: int) -> Iterator[None]:
    """Let Python go only so many levels deeper than here."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack()) + levels)
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def test_undeletable_is_reported(
    directory: Directory, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What cannot be deleted is named, and the context manager warns of it."""
    (directory.path / "file").touch()
    with monkeypatch.context() as patch, directory:
        # As root nothing is undeletable by its mode: take the tools away.
        patch.setattr("shutil.rmtree", lambda path: None)
        patch.setattr("subprocess.run", lambda *_, **__: None)
        left = directory.remove()
        directory.__exit__(None, None, None)

    assert directory.path / "file" in left
    assert f"could not delete '{directory.path / 'file'}'" in caplog.text
