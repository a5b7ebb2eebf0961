"""The directory for a container whose user is not ours: lent before a command, taken back behind it.

Nobody else on this machine gets in meanwhile: the private directory around it stays closed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from wdprefect.errors import TaskFailed
from wdprefect.model.ports import TaskLog, Workspace
from wdprefect.workspace.containers.settings import ContainerSettings


class Owners:
    """Of one directory. run_as_root: runs a program in a container with the directory; raises TaskFailed."""

    def __init__(
        self,
        settings: ContainerSettings,
        workspace: Workspace,
        log: TaskLog,
        run_as_root: Callable[[Sequence[str]], object],
    ) -> None:
        self._places, self._log, self._run_as_root = (workspace.path, workspace.scratch), log, run_as_root
        self._is_foreign = settings.user is not None

    def lend(self) -> None:
        """Let everybody who gets there read and write all of it."""
        if self._is_foreign:
            for path in self._ours():
                mode = path.stat().st_mode
                path.chmod(mode | (0o777 if path.is_dir() or mode & 0o100 else 0o666))

    def take_back(self) -> None:
        """Make ours what the container's user has made, where only root can."""
        if self._is_foreign and os.getuid() != 0 and any(self._not_ours()):
            owner = f"{os.getuid()}:{os.getgid()}"
            try:
                self._run_as_root(["chown", "-R", "-h", owner, *map(str, self._places)])
            except TaskFailed as error:
                self._log.write("WARN", f"files of the container's user stay its own: {error}")

    def _ours(self) -> Iterator[Path]:
        return (path for path in self._all() if _owner(path) == os.getuid() and not path.is_symlink())

    def _not_ours(self) -> Iterator[Path]:
        return (path for path in self._all() if _owner(path) not in (os.getuid(), None))

    def _all(self) -> Iterator[Path]:
        for place in self._places:
            yield place
            for parent, folders, files in os.walk(place):
                yield from (Path(parent, name) for name in (*folders, *files))


def _owner(path: Path) -> int | None:
    with suppress(OSError):
        return path.lstat().st_uid
    return None
