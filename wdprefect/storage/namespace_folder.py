"""Files of namespaces in a folder of this machine: `<folder>/<namespace>/scripts/a.py`."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from datetime import datetime, timezone
from pathlib import Path

from wdprefect.errors import StorageError, UnsafePath
from wdprefect.model.ports import NamespaceFile
from wdprefect.storage.atomic import is_unfinished, replacing
from wdprefect.storage.content import copy, copy_file
from wdprefect.storage.os_failures import translating_os_errors
from wdprefect.storage.uris import namespace_uri

# A program that finds a repository or compiled modules of somebody else obeys them.
LEFT_OUT = frozenset({".git", ".hg", ".svn", "__pycache__", ".ds_store"})


def is_left_out(path: str) -> bool:
    """Whether a file is none of a namespace's files wherever it is found: of version control, say."""
    # Some file systems take `.GIT` for it.
    parts = path.lower().split("/")
    return not LEFT_OUT.isdisjoint(parts) or is_unfinished(parts[-1])


class NamespaceFolder:
    """The NamespaceFiles in the folder `root`. A link counts as the file it leads to, inside of the same namespace.

    only: the one namespace whose files lie in `root` itself.
    """

    def __init__(self, root: Path, only: str | None = None) -> None:
        self._root, self._only = root, only

    def holds(self, namespace: str) -> bool:
        """Whether the folder has files of this namespace. Raises StorageError when the folder itself is missing."""
        if not self._root.is_dir():
            step = "make it, or name another one: --namespace-files, or namespace-files in [tool.wdprefect]"
            raise StorageError(f"the folder of namespace files '{self._root}' does not exist; {step}")
        return self._top(namespace).is_dir()

    def place(self, namespace: str) -> str:
        return f"the folder '{self._top(namespace)}'"

    def entries(self, namespace: str) -> list[NamespaceFile]:
        top = self._top(namespace)
        with translating_os_errors("list", namespace_uri(namespace), top):
            found = [_entry(namespace, path, top / path) for path in _paths(top)]
        return sorted((file for file in found if file), key=lambda file: file.path)

    def find(self, namespace: str, path: str) -> NamespaceFile | None:
        if is_left_out(path):
            return None
        top = self._top(namespace)
        with translating_os_errors("read", namespace_uri(namespace, path), top):
            try:
                return _entry(namespace, path, top / path)
            except (FileNotFoundError, NotADirectoryError):
                return None

    def read(self, file: NamespaceFile) -> bytes:
        with self._translating("read", file):
            return self.source(file).read_bytes()

    def get(self, wanted: Sequence[tuple[NamespaceFile, Path]]) -> None:
        for file, target in wanted:
            # The source first: a refused one leaves no folder behind.
            with (
                self._translating("fetch", file),
                self.source(file).open("rb") as source,
                replacing(target, file_mode=0o666, folder_mode=0o777) as written,
            ):
                copy_file(source, written)

    def put(self, namespace: str, files: Sequence[tuple[str, Path]]) -> None:
        """Raises StorageError: somebody works on what the folder holds."""
        if files:
            raise self._unchanged(namespace)

    def delete(self, files: Sequence[NamespaceFile]) -> None:
        """Raises StorageError, as above."""
        if files:
            raise self._unchanged(files[0].namespace)

    def source(self, file: NamespaceFile) -> Path:
        """The file itself. Raises StorageError for a link that leads elsewhere."""
        top = self._top(file.namespace)
        path = Path(os.path.realpath(top / file.path))
        if not path.is_relative_to(os.path.realpath(self._root)) or not path.is_relative_to(os.path.realpath(top)):
            raise self._refused(file, "leads out of the namespace's folder by a symbolic link")
        if not path.is_file():
            raise self._refused(file, "is a link to a folder, or to nothing" if path != top / file.path else "is gone")
        return path

    def target(self, file: NamespaceFile) -> Path:
        """Where a file is written or removed. Raises UnsafePath where a link leads out of the folder."""
        top = self._top(file.namespace)
        target = top / file.path
        if not Path(os.path.realpath(target.parent)).is_relative_to(os.path.realpath(top)):
            raise UnsafePath(file.path, f"leads out of {self.place(file.namespace)} by a symbolic link")
        return target

    def remove_empty(self, folder: Path) -> None:
        """Remove a folder of a namespace and those above it, as far as they are empty."""
        with suppress(OSError):  # the first folder that is not empty ends it
            while folder != self._root:
                folder.rmdir()
                folder = folder.parent

    def digests(self, files: Sequence[NamespaceFile]) -> list[str]:
        """The SHA-256 of each file."""
        return [self._digest(file) for file in files]

    def _digest(self, file: NamespaceFile) -> str:
        with self._translating("read", file), self.source(file).open("rb") as content:
            return copy(content, None)[1]

    def _top(self, namespace: str) -> Path:
        namespace_uri(namespace)
        return self._root if namespace == self._only else self._root / namespace

    def _unchanged(self, namespace: str) -> StorageError:
        step = f"change them there, or take the folder away so that '{namespace}' is in the storage"
        return StorageError(f"the files of '{namespace}' are in {self.place(namespace)}, which no run changes; {step}")

    def _refused(self, file: NamespaceFile, what: str) -> StorageError:
        uri = namespace_uri(file.namespace, file.path)
        step = "put a copy in its place, remove it, or leave it out with 'exclude'"
        return StorageError(f"the file '{file.path}' in {self.place(file.namespace)} {what}; {step}", uri)

    def _translating(self, verb: str, file: NamespaceFile) -> AbstractContextManager[None]:
        uri = namespace_uri(file.namespace, file.path)
        return translating_os_errors(verb, uri, self._top(file.namespace) / file.path)


def _paths(top: Path) -> Iterator[str]:
    """The paths of all files and links below a folder."""
    for folder, folders, names in os.walk(top, onerror=_raise if top.exists() else None):
        folders[:] = [name for name in folders if not is_left_out(name)]
        links = [name for name in folders if Path(folder, name).is_symlink()]
        for name in [*names, *links]:
            path = os.path.relpath(f"{folder}/{name}", top)
            if not is_left_out(path):
                yield path


def _raise(error: OSError) -> None:
    # By default os.walk takes a folder that it may not read for an empty one.
    raise error


def _entry(namespace: str, path: str, real: Path) -> NamespaceFile | None:
    """What is said of a file or a link; None for a folder, a pipe, and the like."""
    status = real.lstat()
    if not stat.S_ISREG(status.st_mode) and not stat.S_ISLNK(status.st_mode):
        return None
    with suppress(OSError):
        status = real.stat()
    return NamespaceFile(namespace, path, status.st_size, datetime.fromtimestamp(status.st_mtime, timezone.utc))
