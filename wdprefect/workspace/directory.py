"""The directory on this machine in which a task works, or which the children of a WorkingDirectory share.

<root>/wdprefect-x8k2q1m/     private to this user
    owner                     which run; locked as long as its process lives
    containers/               those that run for it, if any
    work/                     the working directory: nothing of ours is in it
    scratch/                  what commands need and nobody captures
"""

from __future__ import annotations

import logging
import os
import posixpath
import shutil
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import final

from wdprefect.errors import UnsafePath
from wdprefect.workspace.containers.sweep import has_notes
from wdprefect.workspace.ownership import own

PREFIX = "wdprefect-"
OWNER, WORK, SCRATCH = "owner", "work", "scratch"


@final
class Directory:
    """A private directory; a context manager that removes it, whatever happened. Implements the port Workspace."""

    def __init__(self, outer: Path, run_id: str, lock: int) -> None:
        self._outer, self._run_id, self._lock = outer, run_id, lock

    @classmethod
    def create(cls, root: Path, run_id: str) -> Directory:
        """A new, empty directory below `root`, which is made if it does not exist."""
        root.mkdir(parents=True, exist_ok=True)
        # The path has no symbolic link in it, so that "below it" can be decided by comparing.
        outer = Path(tempfile.mkdtemp(prefix=PREFIX, dir=root.resolve()))
        lock = own(outer / OWNER, {"run": run_id, "pid": os.getpid()})
        (outer / WORK).mkdir()
        (outer / SCRATCH).mkdir(mode=0o700)
        return cls(outer, run_id, lock)

    @property
    def root(self) -> Path:
        """The directory in which this one was created."""
        return self._outer.parent

    @property
    def outer(self) -> Path:
        """The private directory around it."""
        return self._outer

    @property
    def run_id(self) -> str:
        return self._run_id

    @property
    def path(self) -> Path:
        return self._outer / WORK

    @property
    def scratch(self) -> Path:
        return self._outer / SCRATCH

    def resolve(self, name: str) -> Path:
        """The absolute path of a file name given by a person, free of `..`; the file need not exist.

        Raises UnsafePath for a name that is empty or absolute, or that leads out of the directory, by itself or by a
        symbolic link on its way.
        """
        if not name or "\0" in name:
            raise UnsafePath(name, "is no file name")
        normal = posixpath.normpath(name)
        if normal == ".." or normal.startswith(("/", "../")):
            raise UnsafePath(name, "must be a relative path inside the current working directory")
        path = self.path / normal
        if not Path(os.path.realpath(path)).is_relative_to(self.path):
            raise UnsafePath(name, "leads out of the working directory by a symbolic link")
        return path

    def remove(self) -> list[Path]:
        """Delete the tree, and say what could not be deleted: usually nothing. May be called twice.

        Where a container is left, what says so stays for the sweep.
        """
        places = [self._outer] if not has_notes(self._outer) else [self.path, self.scratch]
        left = [path for place in places for path in remove_tree(place)]
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1
        return left

    def __enter__(self) -> Directory:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for path in self.remove():
            logging.getLogger(__name__).warning("could not delete '%s' of the working directory", path)


def remove_tree(path: Path) -> list[Path]:
    """Delete a tree although parts of it are read-only or very deep; returns the files and folders that stayed."""
    with suppress(OSError, RecursionError):
        shutil.rmtree(path)
    if not path.exists():
        return []
    # Only folders are made writable: a file may be a hard link to one of somebody's cache.
    find = ["find", str(path), "-type", "d", "!", "-perm", "-700", "-exec", "chmod", "u+rwx", "{}", ";"]
    # The system's tool has no limit of depth.
    for tool in (find, ["rm", "-rf", "--", str(path)]):
        subprocess.run(tool, check=False, stdin=subprocess.DEVNULL, capture_output=True)
    return _everything(path) if path.exists() else []


def _everything(path: Path) -> list[Path]:
    try:
        return sorted(path.rglob("*")) or [path]
    except (OSError, RecursionError):
        return [path]
