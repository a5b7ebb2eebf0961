"""The bytes of a file on their way: opened, hashed, copied; never whole in memory."""

from __future__ import annotations

import fcntl
import hashlib
import os
import sys
from pathlib import Path
from typing import BinaryIO

from wdprefect.errors import StorageError

MIB = 1024 * 1024
# Larger ones gain nothing (256 MiB: 0.8 s with any from 64 KiB to 1 MiB).
CHUNK_BYTES = 128 * 1024


def open_source(uri: str, source: Path) -> BinaryIO:
    """A file to be stored, open for reading. Raises StorageError for a missing one, a folder or a pipe."""
    # Not by opening first: opening a named pipe waits for somebody who writes.
    if not source.is_file():
        reason = "is not a regular file" if source.exists() else "does not exist"
        raise StorageError(f"cannot store '{uri}': '{source}' {reason}", uri)
    return source.open("rb")


def copy(source: BinaryIO, target: BinaryIO | None) -> tuple[int, str]:
    """Copy what is left of `source`, or only read it: its size in bytes and the SHA-256 of what was written."""
    # Not by copy_file_range: the bytes have to be read for the hash, and what is hashed must be what is written.
    digest, size = hashlib.sha256(), 0
    while chunk := source.read(CHUNK_BYTES):
        digest.update(chunk)
        size += len(chunk)
        if target is not None:
            target.write(chunk)
    return size, digest.hexdigest()


def copy_file(source: BinaryIO, target: BinaryIO) -> str:
    """Copy a whole file of this machine to a new one; the SHA-256 of the new one.

    Where the file system can, both share what they hold until one of them is written to. A small file is copied.
    """
    if os.fstat(source.fileno()).st_size > CHUNK_BYTES and _clone(source, target):
        return copy(target, None)[1]
    return copy(source, target)[1]


# The number of the request on all machines that Python runs on but MIPS, POWER and SPARC, where it is refused.
_FICLONE = 0x40049409


def _clone(source: BinaryIO, target: BinaryIO) -> bool:
    if sys.platform != "linux":
        return False
    try:
        fcntl.ioctl(target.fileno(), _FICLONE, source.fileno())
    except OSError:
        # Another file system, or one that cannot: nothing was written.
        return False
    return True
