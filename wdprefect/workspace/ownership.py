"""Files that say whose something is: each is locked as long as the process lives that wrote it.

The system drops the lock when the process ends, however it ends. Unlike a process id it cannot be taken for another
process's, and it holds between containers that share the folder.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

_LONGEST = 65_536


def own(file: Path, content: Mapping[str, object]) -> int:
    """Write an owner file, readable by this user only; returns its open lock, which the end of this process drops.

    Under its name the file is complete and locked from the first moment on.
    """
    draft = file.with_name(f".{file.name}")
    lock = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    # A file system without locks: nobody takes anything over there, because nobody gets the lock.
    with suppress(OSError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.write(lock, json.dumps(content).encode())
    draft.rename(file)
    return lock


@contextmanager
def abandoned(file: Path) -> Iterator[bytes | None]:
    """The content of an owner file whose process has died; None while it lives, and where there is no such file.

    Nobody else gets it while the block runs.
    """
    try:
        lock = os.open(file, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        yield None
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        yield None
    else:
        yield os.read(lock, _LONGEST)
    finally:
        os.close(lock)
