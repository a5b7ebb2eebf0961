"""The directory in a volume, where the engine cannot mount it: what changes on one side is carried to the other.

Sent is what changed here since the last time, fetched is what a command changed there, deletions in both directions.
Images without `find`, `stat` and `tar`, and containers that have ended, are read as a whole instead. What comes back is
taken with `tarfile`'s filter for data: a link that leads out of the directory stays in the volume.
"""

from __future__ import annotations

import io
import os
import shutil
import stat
import tarfile
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from wdprefect.errors import TaskFailed
from wdprefect.model.ports import TaskLog, Workspace
from wdprefect.workspace.containers.container import Container
from wdprefect.workspace.containers.engine import explained

# What tells one state of a file from another. Nobody can set the time of its last change of status.
Stamp = tuple[str, ...]
FORMAT = "%f %s %Y %Z %i"
FIELDS = len(FORMAT.split())
# An engine may lose what a command says (Podman does, rarely), and what is not listed would be removed here.
END = "end of the list"
LIST = f'cd "$1" && shift && find "$@" -exec stat -c \'{FORMAT} %n\' {{}} + && echo "{END}"'
# Of one request's arguments.
NAMES_AT_A_TIME = 200
MEMORY_BYTES = 16 * 2**20


class Volume:
    """The volume of one container, and what both sides had when they were alike."""

    def __init__(self, container: Container, workspace: Workspace, log: TaskLog) -> None:
        self._container, self._outer, self._log = container, workspace.outer, log
        self._folders = (workspace.path.name, workspace.scratch.name)
        # None before the volume has anything.
        self._here: dict[str, Stamp] | None = None
        # None where it is not known: what there is must be looked at then.
        self._there: dict[str, Stamp] | None = None
        # Commands may run side by side.
        self._lock = threading.Lock()

    def push(self) -> None:
        """Carry over what changed here since the last time. Raises TaskFailed."""
        with self._lock:
            self._push()

    def pull(self) -> None:
        """Carry back what changed there since the last time. Raises TaskFailed."""
        with self._lock:
            self._pull()

    def _push(self) -> None:
        before, now = self._here or {}, self._list_here()
        changed = [name for name, stamp in now.items() if before.get(name) != stamp]
        gone = [name for name in before if name not in now]
        for first in range(0, len(gone), NAMES_AT_A_TIME):
            paths = [str(self._outer / name) for name in gone[first : first + NAMES_AT_A_TIME]]
            self._container.execute(["rm", "-rf", "--", *paths])
        if changed or self._here is None:
            self._send(changed)
        self._here = now
        if gone or changed:
            self._there = None
        if self._there is None:
            self._there = self._list_there()

    def _pull(self) -> None:
        before, now = self._there, self._list_there()
        if before is None or now is None:
            self._take_all()
        else:
            for name in sorted(set(before) - set(now), reverse=True):
                _remove(self._outer / name)
            changed = [name for name, stamp in now.items() if before.get(name) != stamp]
            folders = [name for name in changed if _is_folder(now[name])]
            for name in folders:
                self._make_folder(name)
            files = [name for name in changed if name not in set(folders)]
            for first in range(0, len(files), NAMES_AT_A_TIME):
                self._fetch(files[first : first + NAMES_AT_A_TIME])
        self._there, self._here = now, self._list_here()

    def _list_here(self) -> dict[str, Stamp]:
        found: dict[str, Stamp] = {}
        for folder in self._folders:
            for parent, folders, files in os.walk(self._outer / folder):
                for name in [*folders, *files]:
                    path = Path(parent, name)
                    with suppress(OSError):
                        seen = path.lstat()
                        stamp = (seen.st_mode, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns, seen.st_ino)
                        found[str(path.relative_to(self._outer))] = tuple(map(str, stamp))
        return found

    def _list_there(self) -> dict[str, Stamp] | None:
        """What the volume holds; None where the container cannot say."""
        try:
            said = self._container.execute(["/bin/sh", "-c", LIST, "sh", str(self._outer), *self._folders])
        except TaskFailed:
            return None
        *lines, end = said.decode(errors="surrogateescape").splitlines() or [""]
        if end != END:
            return None
        found: dict[str, Stamp] = {}
        name = ""
        for line in lines:
            *stamp, rest = line.split(" ", FIELDS)
            if len(stamp) == FIELDS and rest.partition("/")[0] in self._folders:
                name = rest
                found[name] = tuple(stamp)
            elif name:
                # A name with a line end in it.
                found[f"{name}\n{line}"] = found.pop(name)
                name = f"{name}\n{line}"
        return {name: stamp for name, stamp in found.items() if name not in self._folders}

    def _send(self, names: Sequence[str]) -> None:
        with tempfile.SpooledTemporaryFile(MEMORY_BYTES) as file:
            with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
                for folder in self._folders:
                    archive.add(self._outer / folder, folder, recursive=False)
                for name in sorted(names):
                    with suppress(FileNotFoundError):
                        archive.add(self._outer / name, name, recursive=False)
            file.seek(0)
            with explained(self._container.engine, "the files cannot be carried into the container"):
                self._container.engine.client.put_archive(self._container.id, str(self._outer), file)

    def _fetch(self, names: Sequence[str]) -> None:
        try:
            content = self._container.execute(["tar", "-C", str(self._outer), "-cf", "-", "--", *names])
            taken = self._extract(io.BytesIO(content))
        except (TaskFailed, tarfile.ReadError):
            taken = set()
        # The engine may have lost some of it, as above.
        if not taken.issuperset(names):
            self._take_all()

    def _take_all(self) -> None:
        """Read all of the volume; what is here already is passed over, what is not there any more is removed."""
        for folder in self._folders:
            with explained(self._container.engine, "the files cannot be carried out of the container"):
                chunks, _ = self._container.engine.client.get_archive(self._container.id, str(self._outer / folder))
                names = self._extract(io.BufferedReader(_Stream(chunks)))
            for name in sorted(self._list_here(), reverse=True):
                if name.startswith(f"{folder}/") and name not in names:
                    _remove(self._outer / name)

    def _extract(self, stream: IO[bytes]) -> set[str]:
        """Take the members of an archive; the names that it had."""
        names: set[str] = set()
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            for member in archive:
                name = member.name.rstrip("/")
                names.add(name)
                if name.partition("/")[0] in self._folders and name not in self._folders:
                    self._take(archive, member)
        return names

    def _take(self, archive: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        path = self._outer / member.name
        if _is_same(path, member):
            return
        try:
            checked = tarfile.data_filter(member, str(self._outer))
        except tarfile.FilterError as error:
            self._log.write("WARN", f"'{member.name}' stays in the container: {error}")
            return
        if os.path.lexists(path) and not (checked.isdir() and path.is_dir() and not path.is_symlink()):
            _remove(path)
        archive.extract(checked, self._outer, filter="data")

    def _make_folder(self, name: str) -> None:
        path = self._outer / name
        if not Path(os.path.realpath(path.parent)).is_relative_to(self._outer):
            self._log.write("WARN", f"'{name}' stays in the container: a link on its way leads out of the directory")
            return
        if os.path.lexists(path) and (path.is_symlink() or not path.is_dir()):
            _remove(path)
        path.mkdir(exist_ok=True, parents=True)


class _Stream(io.RawIOBase):
    """Chunks as a file to read from."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks, self._rest = iter(chunks), b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._rest = chunk
        part, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(part)] = part
        return len(part)


def _is_folder(stamp: Stamp) -> bool:
    return stat.S_ISDIR(int(stamp[0], 16))


def _is_same(path: Path, member: tarfile.TarInfo) -> bool:
    """Whether a file is here already as the archive has it."""
    with suppress(OSError):
        seen = path.lstat()
        if stat.S_ISREG(seen.st_mode) and member.isreg():
            alike = seen.st_mode & 0o777 == member.mode & 0o777 and int(seen.st_mtime) == int(member.mtime)
            return alike and seen.st_size == member.size
        if stat.S_ISLNK(seen.st_mode) and member.issym():
            return str(path.readlink()) == member.linkname
        return stat.S_ISDIR(seen.st_mode) and member.isdir()
    return False


def _remove(path: Path) -> None:
    with suppress(FileNotFoundError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
