"""The storage in a folder: private, whole or not there, and clear about what the system refuses."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from wdprefect.errors import StorageError, Unavailable, WdprefectError
from wdprefect.storage.local import LocalStorage

URI = "kestra:///company/team/a.csv"
NOBODY = 65534


@pytest.fixture
def local(tmp_path: Path) -> LocalStorage:
    """A storage whose folder is not there yet."""
    return LocalStorage(tmp_path / "new" / "storage")


def test_what_is_stored_is_private(local: LocalStorage, tmp_path: Path) -> None:
    """Only the user may read what is stored and enter its folders, whatever the source allowed."""
    source = tmp_path / "source"
    source.write_bytes(b"x")
    source.chmod(0o777)
    local.put(URI, source)
    found = {
        path.relative_to(tmp_path).as_posix(): stat.S_IMODE(path.stat().st_mode)
        for path in (tmp_path / "new", *(tmp_path / "new").rglob("*"))
    }
    folders = dict.fromkeys(["new", "new/storage", "new/storage/company", "new/storage/company/team"], 0o700)
    assert folders | {"new/storage/company/team/a.csv": 0o600} == found


def test_what_is_fetched_follows_the_umask(local: LocalStorage, tmp_path: Path) -> None:
    """A fetched file has the rights of any new file, so that programs of other users can read it."""
    local.put(URI, b"x")
    (tmp_path / "usual").touch()
    local.get(URI, tmp_path / "target")
    assert (tmp_path / "usual").stat().st_mode == (tmp_path / "target").stat().st_mode


def test_a_link_at_the_target_is_replaced(local: LocalStorage, tmp_path: Path) -> None:
    """Fetching does not write through a link that somebody put at the target."""
    local.put(URI, b"new")
    (tmp_path / "precious").write_bytes(b"old")
    (tmp_path / "target").symlink_to(tmp_path / "precious")
    local.get(URI, tmp_path / "target")
    assert b"old" == (tmp_path / "precious").read_bytes()
    assert not (tmp_path / "target").is_symlink()


def test_a_killed_process_leaves_the_old_file(local: LocalStorage, tmp_path: Path) -> None:
    """A process that dies while it writes leaves the old content, and nothing that is listed."""
    local.put(URI, b"old")
    script = (
        "import os, sys; from pathlib import Path; from wdprefect.storage.atomic import replacing\n"
        "with replacing(Path(sys.argv[1]), file_mode=0o600, folder_mode=0o700) as file:\n"
        "    file.write(b'half'); file.flush(); os._exit(9)"
    )
    path = tmp_path / "new" / "storage" / "company" / "team" / "a.csv"
    assert 9 == subprocess.run([sys.executable, "-c", script, path], check=False).returncode
    assert 2 == len([*path.parent.iterdir()])
    assert b"old" == local.read(URI)
    assert [URI] == local.list("kestra:///")


def test_delete_takes_empty_folders_away(local: LocalStorage, tmp_path: Path) -> None:
    """The last file of a folder takes the folder with it; the storage's own folder stays."""
    local.put(URI, b"x")
    local.delete(URI)
    assert [] == [*(tmp_path / "new" / "storage").iterdir()]


def test_an_open_file_stays_the_same(local: LocalStorage) -> None:
    """Whoever has a file open reads on in what it was."""
    local.put(URI, b"old")
    with local.open(URI) as file:
        local.put(URI, b"new")
        assert b"old" == file.read()


def test_a_missing_source_leaves_no_folder(local: LocalStorage, tmp_path: Path) -> None:
    """Nothing is made for a file that cannot be stored."""
    with pytest.raises(StorageError):
        local.put(URI, tmp_path / "missing")
    assert not (tmp_path / "new").exists()


def test_a_pipe_is_no_source(local: LocalStorage, tmp_path: Path) -> None:
    """A named pipe is refused rather than waited for."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(StorageError, match="is not a regular file"):
        local.put(URI, tmp_path / "pipe")


def test_a_missing_file_names_the_way_out(local: LocalStorage, tmp_path: Path) -> None:
    """The error for a missing file names the folder, and S3 for files of another machine."""
    with pytest.raises(StorageError) as caught:
        local.read(URI)
    assert (
        f"cannot read '{URI}': there is no such file below '{tmp_path}/new/storage' (a file that another machine "
        "stored is only seen when both keep their files in S3: --storage s3-bucket/NAME)"
    ) == str(caught.value)


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        pytest.param(f"{URI}/x", "not a directory", id="below a file"),
        pytest.param("kestra:///company/team", "is a directory", id="a folder's name"),
        pytest.param("kestra:///" + "x" * 256, "file name too long", id="too long"),
    ],
)
def test_names_that_do_not_fit(local: LocalStorage, tmp_path: Path, uri: str, reason: str) -> None:
    """A name that the file system has no room for is an error with the reason, and leaves nothing behind."""
    local.put(URI, b"x")
    with pytest.raises(StorageError, match=f"cannot store '{uri}': {reason}"):
        local.put(uri, b"y")
    assert [tmp_path / "new/storage/company/team/a.csv"] == [p for p in tmp_path.rglob("*") if p.is_file()]


@contextmanager
def unprivileged() -> Iterator[None]:
    """The block runs as a user for whom the rights of files count."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_folder_without_the_right_to_write() -> None:
    """A folder that the user may only read is named in the error, with what to do."""
    # Not below tmp_path, which root alone may enter.
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o555)
    try:
        with unprivileged(), pytest.raises(StorageError) as caught:
            LocalStorage(folder).put("kestra:///a", b"x")
    finally:
        shutil.rmtree(folder)
    assert (
        f"cannot store 'kestra:///a': permission denied: '{folder}/a' "
        "(let this user read and write there, or keep files elsewhere with --storage)"
    ) == str(caught.value)


def test_a_folder_without_the_right_to_list() -> None:
    """A folder that the user may not list is an error, not an empty folder."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0)
    try:
        with unprivileged(), pytest.raises(StorageError, match="cannot list 'kestra:///': permission denied"):
            LocalStorage(folder).list("kestra:///")
    finally:
        shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("number", "error", "next_step"),
    [
        pytest.param(errno.ENOSPC, StorageError, "free some space", id="disk full"),
        pytest.param(errno.EDQUOT, StorageError, "free some space", id="quota used up"),
        pytest.param(errno.EROFS, StorageError, "let this user read and write there", id="mounted read-only"),
        pytest.param(errno.EIO, StorageError, "check the folder of the storage and its disk", id="broken disk"),
        pytest.param(errno.ESTALE, Unavailable, "", id="network folder went away"),
    ],
)
def test_what_the_system_refuses(
    local: LocalStorage,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    error: type[WdprefectError],
    next_step: str,
) -> None:
    """A full or broken disk is an error with the file and the next step; what was stored before stays, alone."""
    local.put(URI, b"old")

    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    # Disks of the tests' machine are neither full nor broken; the last call to the system is where they would show.
    with monkeypatch.context() as patch:
        patch.setattr("os.replace", refuse)
        with pytest.raises(error) as caught:
            local.put(URI, b"new")
    path = tmp_path / "new/storage/company/team/a.csv"
    assert f"cannot store '{URI}': {os.strerror(number).lower()}: '{path}'" in str(caught.value)
    assert next_step in str(caught.value)
    assert b"old" == local.read(URI)
    assert [path] == [*path.parent.iterdir()]
