"""What the model needs from the rooms around it, as protocols."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
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
    def list(self, prefix: str) -> list[str]: ...
    def delete(self, uri: str) -> bool: ...


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
