"""What the operating system refuses, as errors of the storage that name the file and the next step."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wdprefect.errors import StorageError, Unavailable, WdprefectError
from wdprefect.storage.atomic import is_unfinished

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_REFUSED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
# A folder of another machine that went away, or every file handle in use: both may pass.
_PASSING = frozenset({errno.ESTALE, errno.ETIMEDOUT, errno.EMFILE, errno.ENFILE})
_SHAPE = frozenset({errno.ENOTDIR, errno.EISDIR, errno.ENOTEMPTY})


@contextmanager
def translating_os_errors(verb: str, uri: str, place: Path) -> Iterator[None]:
    """Raise what the operating system refuses in the block as StorageError, or Unavailable where it may pass.

    verb: `store`, `read` … `place` is named where the system itself does not say which file it means.
    """
    try:
        yield
    except OSError as error:
        raise _failure(error, f"cannot {verb} '{uri}'", _named(error) or str(place), uri) from error


def _named(error: OSError) -> str | None:
    # A rename names both; the second is the file that people know.
    name = str(error.filename2 or error.filename or "")
    return None if is_unfinished(Path(name).name) else name


def _failure(error: OSError, what: str, place: str, uri: str) -> WdprefectError:
    reason = (error.strerror or str(error)).lower()
    if error.errno in _PASSING:
        return Unavailable(f"{what}: {reason}: '{place}'")
    return StorageError(f"{what}: {reason}: '{place}' ({_next_step(error)})", uri)


def _next_step(error: OSError) -> str:
    if error.errno in _FULL:
        return "free some space there, or keep files elsewhere with --storage"
    if error.errno in _REFUSED:
        return "let this user read and write there, or keep files elsewhere with --storage"
    if error.errno in _SHAPE:
        return "a folder cannot have the name of a file beside it; choose another name"
    if error.errno == errno.ENAMETOOLONG:
        return "choose a shorter name"
    return "check the folder of the storage and its disk"
