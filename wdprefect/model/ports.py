"""What the model needs from the rooms around it, as protocols."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Literal, Protocol

from wdprefect.model.stop import Stop

Level = Literal["TRACE", "DEBUG", "INFO", "WARN", "ERROR"]
Stream = Literal["stdout", "stderr"]
OnLine = Callable[[Stream, str], None]


class TaskLog(Protocol):
    """Where the lines of one task run go; secrets are hidden on the way. Safe to use from several threads."""

    def write(self, level: Level, message: str) -> None: ...


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file of the internal storage: its `kestra:///…` URI, size in bytes and SHA-256 as hexadecimal digits."""

    uri: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """What a listing tells of a stored file: its URI, size in bytes, and when it was last written.

    version: means the same bytes wherever it is seen again; None where getting a file costs as little as looking at it.
    """

    uri: str
    size: int
    modified: datetime
    version: str | None = None


class Readable(Protocol):
    """What has files by URI: the internal storage, or more than that."""

    def get(self, uri: str, target: Path) -> None: ...
    def read(self, uri: str) -> bytes: ...
    def exists(self, uri: str) -> bool: ...
    def size(self, uri: str) -> int: ...


class Storage(Protocol):
    """The internal storage: files by `kestra:///…` URI.

    Raises StorageError, or Unavailable where trying again may help. All methods may be called from several threads.
    A write is atomic for readers: the old content or the new.
    """

    def put(self, uri: str, source: Path | bytes) -> StoredFile: ...
    def get(self, uri: str, target: Path) -> None: ...
    def open(self, uri: str) -> BinaryIO: ...
    def read(self, uri: str) -> bytes: ...
    def exists(self, uri: str) -> bool: ...
    def size(self, uri: str) -> int: ...
    def find(self, uri: str) -> StoredEntry | None: ...
    def entries(self, prefix: str) -> list[StoredEntry]: ...
    def list(self, prefix: str) -> list[str]: ...
    def delete(self, uri: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class NamespaceFile:
    """A file of a namespace: its path in it, such as `scripts/a.py`, its size in bytes, when it was last written.

    version: as of a StoredEntry.
    """

    namespace: str
    path: str
    size: int
    modified: datetime
    version: str | None = None


class NamespaceFiles(Protocol):
    """The files of namespaces, wherever they are kept. All methods may be called from several threads.

    Raises StorageError, also for what cannot be the name of a namespace, or Unavailable where trying again may help.
    """

    def place(self, namespace: str) -> str:
        """Where the files of a namespace are looked for, in words."""

    def entries(self, namespace: str) -> list[NamespaceFile]:
        """All files of a namespace, by path; none for an unknown namespace."""

    def find(self, namespace: str, path: str) -> NamespaceFile | None:
        """One file of a namespace, if it is there."""

    def read(self, file: NamespaceFile) -> bytes: ...

    def get(self, wanted: Sequence[tuple[NamespaceFile, Path]]) -> None:
        """Write each file to its target, replacing what is there; missing folders are made."""

    def put(self, namespace: str, files: Sequence[tuple[str, Path]]) -> None:
        """Store files under their paths, replacing what is there. StorageError where nobody may."""

    def delete(self, files: Sequence[NamespaceFile]) -> None:
        """Remove files; those that are gone are no error. StorageError where nobody may."""


class Workspace(Protocol):
    """The directory of a task, or the one that the children of a WorkingDirectory share."""

    @property
    def path(self) -> Path: ...

    @property
    def root(self) -> Path:
        """Where such directories are made."""

    @property
    def outer(self) -> Path:
        """The private directory in which it lies, with `scratch` and what the sweep has to know."""

    @property
    def run_id(self) -> str:
        """The run whose directory it is."""

    def resolve(self, name: str) -> Path:
        """The absolute path of a file name given by a person; UnsafePath when it leads out of the directory."""

    @property
    def scratch(self) -> Path:
        """A private directory beside it, for files that commands need and nobody captures. Removed with it."""


@dataclass(frozen=True, slots=True)
class Command:
    """A program to run: `arguments` as given to the operating system, `environment` on top of the runner's own.

    grace: how long a program may take to end after it was asked to, before it is killed.
    """

    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    grace: timedelta = timedelta(seconds=5)


class Session(Protocol):
    """An open place to run commands, one at a time, in the directory of a workspace. Close it with the directory."""

    @property
    def directory(self) -> str:
        """The directory's path as the commands see it."""

    @property
    def image(self) -> str | None:
        """The container image in which the commands run; None for processes of this machine."""

    @property
    def details(self) -> Mapping[str, str]:
        """What `outputs.<id>.taskRunner` shows of it."""

    def run(self, command: Command, on_line: OnLine, stop: Stop) -> int:
        """Run to the end and return the exit status; each line of output is passed on without its line end.

        A signal's number n gives 128 + n. When `stop` is requested the program and all it started is ended.
        Raises TaskFailed when the program cannot be started.
        """

    def close(self) -> None:
        """End what still runs. May be called twice."""


class Runner(Protocol):
    """Opens sessions: a process on this machine, a container …"""

    def session(self, workspace: Workspace, run_id: str) -> Session:
        """A session in the workspace's directory; its programs carry `run_id` as their marker."""
