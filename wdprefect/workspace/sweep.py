"""Clearing up after runs that died: their directories, and the processes that outlived them."""

from __future__ import annotations

import json
import os
import stat
import time
from contextlib import suppress
from pathlib import Path

from wdprefect.workspace.containers.sweep import sweep_notes
from wdprefect.workspace.directory import OWNER, PREFIX, WORK, remove_tree
from wdprefect.workspace.ending import kill_all, marked_processes
from wdprefect.workspace.ownership import abandoned

# Between the making of a directory and its owner file pass microseconds; a stopped process may take longer.
OLD_SECONDS = 10.0


def sweep(root: Path) -> list[Path]:
    """Remove the directories below `root` whose process has died, and end what still runs for them.

    Returns the directories that are gone. A directory is left alone when its owner lives, on this machine or in
    another container; when it belongs to another user; and when it has no owner file of ours and anything in it: the
    name may be somebody else's too.
    """
    if not root.is_dir():
        return []
    return [path for path in sorted(root.resolve().glob(f"{PREFIX}*")) if _is_ours(path) and _sweep_one(path)]


def _is_ours(path: Path) -> bool:
    with suppress(OSError):
        found = path.lstat()
        return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
    return False


def _sweep_one(path: Path) -> bool:
    with abandoned(path / OWNER) as content:
        run_id = None if content is None else _run_id(content)
        if run_id is None:
            return _is_old(path) and _removed_if_empty(path)
        kill_all(marked_processes(f"{path / WORK}#", run_id))
        # As long as an engine cannot be asked to remove a container, the directory says which it is.
        return sweep_notes(path) and not remove_tree(path)


def _removed_if_empty(path: Path) -> bool:
    """Remove what a process left that died before it wrote its owner file."""
    with suppress(OSError):
        path.rmdir()
        return True
    return False


def _is_old(path: Path) -> bool:
    try:
        return time.time() - path.stat().st_mtime > OLD_SECONDS
    except OSError:
        # Another sweep was faster.
        return False


def _run_id(text: bytes) -> str | None:
    try:
        return str(json.loads(text)["run"])
    except (ValueError, KeyError, TypeError):
        # Not written by us.
        return None
