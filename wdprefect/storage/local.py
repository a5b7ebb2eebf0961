"""The internal storage in a folder of this machine."""

from __future__ import annotations

import builtins
import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import BinaryIO

from wdprefect.errors import StorageError
from wdprefect.model.ports import StoredEntry, StoredFile
from wdprefect.storage import uris
from wdprefect.storage.atomic import is_unfinished, replacing
from wdprefect.storage.content import copy, open_source
from wdprefect.storage.os_failures import translating_os_errors

# Nobody but this user reads what runs store; what is fetched follows the umask, for programs of other users.
_PRIVATE_FILE, _PRIVATE_FOLDER = 0o600, 0o700
_USUAL_FILE, _USUAL_FOLDER = 0o666, 0o777


class LocalStorage:
    """The Storage port on the folder `root`, which is made when the first file is stored.

    Unlike in S3, a name cannot be a file and a folder at once. Safe to use from several threads and processes.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    @property
    def root(self) -> Path:
        return self._root

    def __repr__(self) -> str:
        return f"LocalStorage({str(self._root)!r})"

    def put(self, uri: str, source: Path | bytes) -> StoredFile:
        """Store a file, or bytes; what was there before is replaced."""
        path = self._path(uri)
        with translating_os_errors("store", uri, path):
            if isinstance(source, bytes):
                with replacing(path, file_mode=_PRIVATE_FILE, folder_mode=_PRIVATE_FOLDER) as target:
                    target.write(source)
                return StoredFile(uri, len(source), hashlib.sha256(source).hexdigest())
            # The source first: a missing one must not leave a folder behind.
            with (
                open_source(uri, source) as file,
                replacing(path, file_mode=_PRIVATE_FILE, folder_mode=_PRIVATE_FOLDER) as target,
            ):
                size, sha256 = copy(file, target)
            return StoredFile(uri, size, sha256)

    def put_many(self, items: Iterable[tuple[str, Path | bytes]]) -> builtins.list[StoredFile]:
        """Store each, in the order given; at the first failure what came before is stored."""
        # One after another: four threads gain nothing (1000 files of 4 KiB: 0.2 s either way).
        return [self.put(uri, source) for uri, source in items]

    def get(self, uri: str, target: Path) -> None:
        """Write the file to `target`, replacing what is there; missing folders are made."""
        with (
            self.open(uri) as file,
            translating_os_errors("fetch", uri, target),
            replacing(target, file_mode=_USUAL_FILE, folder_mode=_USUAL_FOLDER) as fetched,
        ):
            copy(file, fetched)

    def open(self, uri: str) -> BinaryIO:
        """The file, open for reading; it stays the same content when the URI is stored anew meanwhile."""
        path = self._path(uri)
        with translating_os_errors("read", uri, path):
            try:
                return path.open("rb")
            except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
                raise self._missing("read", uri) from None

    def read(self, uri: str) -> bytes:
        with self.open(uri) as file, translating_os_errors("read", uri, self._root):
            return file.read()

    def exists(self, uri: str) -> bool:
        return self.find(uri) is not None

    def size(self, uri: str) -> int:
        """The size in bytes. Raises StorageError for a missing file."""
        if (entry := self.find(uri)) is None:
            raise self._missing("read", uri)
        return entry.size

    def find(self, uri: str) -> StoredEntry | None:
        """What is known of a file without reading it; None for a missing one."""
        path = self._path(uri)
        with translating_os_errors("read", uri, path):
            try:
                status = path.stat()
            except (FileNotFoundError, NotADirectoryError):
                return None
            if not stat.S_ISREG(status.st_mode):
                return None
            return StoredEntry(uri, status.st_size, datetime.fromtimestamp(status.st_mtime, timezone.utc))

    def entries(self, prefix: str) -> builtins.list[StoredEntry]:
        """What `list` names, with sizes and times."""
        with translating_os_errors("list", prefix, self._root):
            return [entry for uri in self.list(prefix) if (entry := self.find(uri)) is not None]

    def list(self, prefix: str) -> builtins.list[str]:
        """The URIs of all files below the folder `prefix`, however deep, sorted; none for a missing folder."""
        folder = uris.parse_folder(prefix)
        top = self._root / folder
        with translating_os_errors("list", prefix, top):
            relative = (path.relative_to(self._root).as_posix() for path in _files_below(top))
            return sorted(uri for path in relative if (uri := uris.find_uri(path)) is not None)

    def delete(self, uri: str) -> bool:
        """Remove the file, and folders that become empty. False when there was none."""
        path = self._path(uri)
        with translating_os_errors("delete", uri, path):
            if self.find(uri) is None:
                return False
            path.unlink(missing_ok=True)
        with suppress(OSError):  # the first folder that is not empty ends it
            for folder in path.parents:
                if folder == self._root:
                    break
                folder.rmdir()
        return True

    def _path(self, uri: str) -> Path:
        return self._root / uris.parse(uri)

    def _missing(self, verb: str, uri: str) -> StorageError:
        return StorageError(
            f"cannot {verb} '{uri}': there is no such file below '{self._root}' (a file that another machine stored "
            "is only seen when both keep their files in S3: --storage s3-bucket/NAME)",
            uri,
        )


def _files_below(top: Path) -> Iterator[Path]:
    for folder, _, names in os.walk(top, onerror=_raise_unless_missing):
        for name in names:
            if not is_unfinished(name):
                yield Path(folder, name)


def _raise_unless_missing(error: OSError) -> None:
    # By default os.walk takes a folder that it may not read for an empty one.
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        raise error
