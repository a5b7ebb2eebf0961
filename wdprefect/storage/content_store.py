"""Files on this machine by their SHA-256, found again by the version that a storage calls them.

<root>/files/<2 digits>/<SHA-256>           the content; nobody but the store ever gets this file itself
<root>/versions/<2 digits>/<short id>       the SHA-256 of the content of a version
<root>/drafts/                              what is being taken in, whose SHA-256 is not known yet

What is taken in is written beside its place and renamed. What is given out is a copy, which on some file systems shares
its blocks with the original until one of them is written; its SHA-256 is looked at again, since disks and people err.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import platformdirs

from wdprefect.errors import UsageError
from wdprefect.storage.atomic import make_folders, replacing
from wdprefect.storage.content import MIB, copy, copy_file

FILES, VERSIONS, DRAFTS = "files", "versions", "drafts"
DEFAULT_MIB = 1024
# Whoever trims leaves room, so that not every run has to.
_FULL = 0.9
# Nobody writes to a file for so long: it was a process that has been killed.
_ABANDONED_SECONDS = 24 * 60 * 60


@dataclass(frozen=True, slots=True)
class ContentStore:
    """A store in the folder `root`, which is made when the first file is taken in. Several processes may use it.

    limit: in bytes; beyond it `trim` removes what was not used for the longest time. Methods raise OSError where the
    disk refuses: whoever uses the store can do without.
    """

    root: Path
    limit: int

    def add(self, source: BinaryIO) -> str:
        """Take in what is left of `source`; its SHA-256."""
        draft = self.root / DRAFTS / secrets.token_hex(8)
        with replacing(draft, file_mode=0o400, folder_mode=0o700) as file:
            _, sha256 = copy(source, file)
        path = self._file(sha256)
        make_folders(path.parent, 0o700)
        draft.replace(path)
        return sha256

    def name(self, version: str, sha256: str) -> None:
        """Have the content be found under a version."""
        with replacing(self._version(version), file_mode=0o600, folder_mode=0o700) as file:
            file.write(sha256.encode())

    def find(self, version: str) -> str | None:
        """The SHA-256 of a version whose content is here."""
        try:
            sha256 = self._version(version).read_text(encoding="ascii")
        except (FileNotFoundError, UnicodeDecodeError):
            return None
        # What is no digest may have come there in any way; it leads nowhere.
        return sha256 if len(sha256) == hashlib.sha256().digest_size * 2 and sha256.isalnum() else None

    def get(self, sha256: str, target: Path) -> bool:
        """Write a copy of the content to `target`; False when it is not here, or no longer what came in."""
        path = self._file(sha256)
        try:
            source = path.open("rb")
        except FileNotFoundError:
            return False
        with source, suppress(_Changed):
            with replacing(target, file_mode=0o666, folder_mode=0o777) as file:
                if copy_file(source, file) != sha256:
                    raise _Changed
            # What was used lately is kept.
            with suppress(FileNotFoundError):
                os.utime(path)
            return True
        path.unlink(missing_ok=True)
        return False

    def trim(self) -> None:
        """Remove what makes the store larger than its limit, the longest unused first, and what is left of drafts."""
        for path in (self.root / DRAFTS).glob("*"):
            _remove_abandoned(path)
        kept = sorted(self._contents())
        size = sum(length for _, length, _ in kept)
        if size <= self.limit:
            return
        for _, length, path in kept:
            if size <= self.limit * _FULL:
                break
            path.unlink(missing_ok=True)
            size -= length
        for path in (self.root / VERSIONS).glob("*/*"):
            if path.name.startswith("."):
                # Another one is writing it, or was killed doing so.
                _remove_abandoned(path)
                continue
            with suppress(FileNotFoundError):
                if not self._file(path.read_text(encoding="ascii", errors="replace")).exists():
                    path.unlink()

    def _contents(self) -> list[tuple[float, int, Path]]:
        """When each file was used last, its size, and itself."""
        found = []
        for path in (self.root / FILES).glob("*/*"):
            with suppress(FileNotFoundError):
                status = path.stat()
                found.append((status.st_mtime, status.st_size, path))
        return found

    def _file(self, sha256: str) -> Path:
        return self.root / FILES / sha256[:2] / sha256

    def _version(self, version: str) -> Path:
        short = hashlib.sha256(version.encode(errors="surrogateescape")).hexdigest()[:32]
        return self.root / VERSIONS / short[:2] / short


class _Changed(Exception):
    pass


def _remove_abandoned(path: Path) -> None:
    with suppress(FileNotFoundError):
        if time.time() - path.stat().st_mtime > _ABANDONED_SECONDS:
            path.unlink()


def cache_folder() -> Path:
    """Where what can be made anew is kept: WDPREFECT_CACHE, else the user's folder for such things."""
    folder = os.environ.get("WDPREFECT_CACHE") or platformdirs.user_cache_dir("wdprefect")
    return Path(folder).expanduser().absolute()


def default_store() -> ContentStore | None:
    """The store of this user, in the cache folder; None where its limit is 0.

    Raises UsageError when WDPREFECT_CACHE_MIB is no whole number.
    """
    text = os.environ.get("WDPREFECT_CACHE_MIB") or str(DEFAULT_MIB)
    if not text.isdecimal():
        raise UsageError(f"WDPREFECT_CACHE_MIB is a whole number of MiB, 0 for no cache, not '{text}'")
    return ContentStore(cache_folder(), int(text) * MIB) if int(text) else None
