"""Folders that take time to make, and are kept in the user's cache for the next who needs the same.

<root>/<key>/
    lock            locked by whoever makes one; its time says when the key was last used
    current         the name of the folder that holds
    x8k2q1m4/       the folder itself, complete since `current` names it

A folder stays where it was made: environments of Python hold their own paths. One that has become too old is replaced
by a new one beside it, because a running program may still use it.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from wdprefect.errors import TaskFailed
from wdprefect.model.stop import Stop
from wdprefect.workspace.directory import remove_tree

# What nobody has used for so long is removed when another folder is made.
UNUSED = timedelta(days=30)
# A folder that was replaced is used by programs that started before.
REPLACED = timedelta(days=1)
# Where a folder could not be made anew, this long nobody tries again: it may take time to find out.
FAILED = timedelta(hours=1)
_POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Recipe:
    """What the folder of a key is.

    make: fills a new, empty folder. proof: what must exist in it. lifetime: how long it holds; None is for good.
    """

    key: str
    make: Callable[[Path], None]
    proof: str
    lifetime: timedelta | None


@dataclass(frozen=True, slots=True)
class Kept:
    """A folder, and how it came about. failure: why one that is too old could not be made anew."""

    path: Path
    is_new: bool = False
    failure: TaskFailed | None = None


def keep(root: Path, recipe: Recipe, stop: Stop) -> Kept:
    """The folder of the recipe, made if there is none yet. Two who ask at once get the same.

    Raises what making it raises, if there is none of before, and TaskFailed when `stop` was requested meanwhile.
    """
    home = root / recipe.key
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            os.utime(home / "lock")
        if found := _holding(home, recipe):
            return Kept(found)
        with _locked(home, stop):
            if found := _holding(home, recipe):
                return Kept(found)
            kept = _made(home, recipe, stop)
    except OSError as error:
        step = "WDPREFECT_CACHE names another place"
        raise TaskFailed(f"cannot keep anything in '{home}': {error.strerror} ({step})") from error
    _clean_up(root)
    return kept


def _holding(home: Path, recipe: Recipe) -> Path | None:
    found = _current(home, recipe)
    if found is None or recipe.lifetime is None:
        return found
    age = time.time() - (home / "current").stat().st_mtime
    return found if age < recipe.lifetime.total_seconds() else None


def _current(home: Path, recipe: Recipe) -> Path | None:
    with suppress(OSError):
        folder = home / (home / "current").read_text(encoding="utf-8")
        return folder if (folder / recipe.proof).exists() else None
    return None


def _made(home: Path, recipe: Recipe, stop: Stop) -> Kept:
    folder, before = home / secrets.token_hex(4), _current(home, recipe)
    folder.mkdir()
    try:
        recipe.make(folder)
    except BaseException as error:
        # Whatever it was: half a folder is worse than none.
        remove_tree(folder)
        if isinstance(error, TaskFailed) and before is not None and recipe.lifetime and not stop.requested:
            _let_hold(home / "current", recipe.lifetime)
            return Kept(before, failure=error)
        raise
    draft = home / ".current"
    draft.write_text(folder.name, encoding="utf-8")
    draft.rename(home / "current")
    if before is not None:
        os.utime(before)
    return Kept(folder, is_new=True)


def _let_hold(current: Path, lifetime: timedelta) -> None:
    moment = time.time() - (lifetime - FAILED).total_seconds()
    os.utime(current, (moment, moment))


@contextmanager
def _locked(home: Path, stop: Stop) -> Iterator[None]:
    lock = os.open(home / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        while not _has_locked(lock):
            if stop.wait(_POLL_SECONDS):
                raise TaskFailed("stopped while another run made the same")
        yield
    finally:
        os.close(lock)


def _has_locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _clean_up(root: Path) -> None:
    """Remove the folders of keys that nobody uses, and those that were replaced."""
    for home in root.iterdir():
        with suppress(OSError):
            lock = os.open(home / "lock", os.O_RDWR)
            try:
                if _has_locked(lock):
                    _clean_up_one(home, time.time() - os.fstat(lock).st_mtime)
            finally:
                os.close(lock)


def _clean_up_one(home: Path, unused_seconds: float) -> None:
    if unused_seconds > UNUSED.total_seconds():
        # From here on it is nobody's: who waits for the lock makes it anew.
        (home / "current").unlink(missing_ok=True)
    current = home / "current"
    name = current.read_text(encoding="utf-8") if current.exists() else ""
    for folder in home.iterdir():
        if folder.is_dir() and folder.name != name:
            age = time.time() - folder.stat().st_mtime
            if age > REPLACED.total_seconds() or not name:
                remove_tree(folder)
