"""Files into the working directory (`inputFiles`) and out of it (`outputFiles`)."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from wdprefect.errors import StorageError, TaskFailed
from wdprefect.model.parallel import in_parallel
from wdprefect.model.ports import Readable, StoredFile, Workspace
from wdprefect.workspace.globs import find_files

READ_SCHEMES = ("kestra://", "nsfile://")
REFUSED_SCHEME = "file://"


def write_files(workspace: Workspace, files: object, reader: Readable) -> list[Path]:
    """Write rendered `inputFiles` into the working directory; returns the paths of the files, in the given order.

    files: relative name to value. A text that starts with `kestra://` or `nsfile://`, spaces around it aside, is read
    from there; any other text is written as it is, in UTF-8. Numbers and booleans become their text, lists and maps
    JSON; an entry without a value is left out. A text in place of the map is a map in JSON, in which null is an empty
    file.

    Parent folders are made, existing files overwritten. Nothing is written when a name or a value is refused. Raises
    UnsafePath, StorageError and TaskFailed, each with the file's name in it.
    """
    incoming = [
        _prepare(workspace, str(name), value) for name, value in _as_mapping(files).items() if value is not None
    ]
    _refuse_twins(incoming)
    in_parallel(lambda file: _write(file, reader), [file for file in incoming if file.uri])
    for file in incoming:
        if not file.uri:
            _write(file, reader)
    return [file.path for file in incoming]


def capture_files(
    workspace: Workspace,
    patterns: Sequence[str],
    put: Callable[[str, Path], StoredFile],
    on_unmatched: Callable[[str], None] | None = None,
) -> dict[str, StoredFile]:
    """Store the files that the patterns match; they stay where they are. Relative name to stored file, sorted.

    put: stores one file, given its relative name; called from several threads. on_unmatched: called with each
    pattern that matched nothing, which is no error. Raises TaskFailed when a file changes or vanishes meanwhile.
    """
    found = find_files(workspace.path, patterns)
    for pattern in found.unmatched:
        if on_unmatched is not None:
            on_unmatched(pattern)
    stored = in_parallel(lambda item: _capture(*item, put), list(found.files.items()))
    return dict(zip(found.files, stored, strict=True))


class _Incoming(NamedTuple):
    name: str
    path: Path
    text: bytes
    uri: str | None


def _as_mapping(files: object) -> Mapping[str, object]:
    if isinstance(files, Mapping):
        return files
    try:
        parsed = json.loads(files) if isinstance(files, str) else None
    except ValueError as error:
        raise TaskFailed(f"inputFiles is a text that is not JSON: {error}") from error
    if not isinstance(parsed, dict):
        raise TaskFailed("inputFiles must be a map of file names to contents, or such a map as JSON text")
    return {name: "" if value is None else value for name, value in parsed.items()}


def _prepare(workspace: Workspace, name: str, value: object) -> _Incoming:
    path = workspace.resolve(name)
    text = _text(value)
    uri = text.strip()
    if uri.startswith(READ_SCHEMES):
        return _Incoming(name, path, b"", uri)
    if uri.startswith(REFUSED_SCHEME):
        raise TaskFailed(f"inputFiles '{name}': '{uri}' cannot be read here, only 'kestra:///…' and 'nsfile:///…' can")
    try:
        return _Incoming(name, path, text.encode(), None)
    except UnicodeEncodeError as error:
        raise TaskFailed(f"inputFiles '{name}': the text cannot be written as UTF-8: {error.reason}") from error


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool | Mapping | list | tuple):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    return str(value)


def _refuse_twins(files: Iterable[_Incoming]) -> None:
    names: dict[Path, str] = {}
    for file in files:
        if (first := names.setdefault(file.path, file.name)) != file.name:
            raise TaskFailed(f"inputFiles '{first}' and '{file.name}' are the same file")


def _write(file: _Incoming, reader: Readable) -> None:
    try:
        file.path.parent.mkdir(parents=True, exist_ok=True)
        if file.uri:
            reader.get(file.uri, file.path)
        else:
            file.path.write_bytes(file.text)
    except StorageError as error:
        raise StorageError(f"inputFiles '{file.name}': {error}", error.uri) from error
    except OSError as error:
        raise TaskFailed(f"inputFiles '{file.name}' cannot be written: {error.strerror}") from error


def _capture(name: str, path: Path, put: Callable[[str, Path], StoredFile]) -> StoredFile:
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise TaskFailed(f"the name of the output file {os.fsencode(name)!r} is not UTF-8") from error
    try:
        before = _fingerprint(path)
        # Nothing is read through a link that has taken the file's place.
        stored = put(name, path) if before is not None else None
        unchanged = _fingerprint(path) == before
    except (OSError, StorageError) as error:
        if not os.path.lexists(path):
            raise TaskFailed(f"the output file '{name}' vanished while it was captured") from error
        if isinstance(error, StorageError):
            raise StorageError(f"the output file '{name}' cannot be stored: {error}", error.uri) from error
        raise TaskFailed(f"the output file '{name}' cannot be captured: {error.strerror}") from error
    if stored is None or not unchanged:
        raise TaskFailed(f"the output file '{name}' changed while it was captured")
    return stored


def _fingerprint(path: Path) -> tuple[int, ...] | None:
    """What changes when the file does; None for what is no regular file."""
    found = path.lstat()
    if not stat.S_ISREG(found.st_mode):
        return None
    return found.st_mode, found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
