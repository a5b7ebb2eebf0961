"""`kestra:///…` URIs: what they name below a storage's prefix, and how those of a run are built."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from pathlib import PurePosixPath
from urllib.parse import quote, unquote

from wdprefect.errors import StorageError

SCHEME = "kestra:///"
NSFILE_SCHEME = "nsfile://"
# A path segment may hold these as they are; they keep names such as `date=2024-05-01` readable.
READABLE = "=@,"
# A file system allows 255 bytes, of which the short id takes thirteen.
LONGEST_NAME_BYTES = 200
LONGEST_SUFFIX_BYTES = 20
SHORT_ID_DIGITS = 12

_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_TASK_FILE = re.compile(rf"/executions/[^/]+/tasks/[^/]+/[^/]+(?:/[^/]+)?/[0-9a-f]{{{SHORT_ID_DIGITS}}}-([^/]+)\Z")
_NAMESPACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)*")
# No part of the path before `_files` may be that of an execution.
_NAMESPACE_FILE = re.compile(r"((?:(?!executions/|_files/)[A-Za-z0-9_-]+/)+)_files/(.+)", re.DOTALL)


def parse(uri: str) -> str:
    """The path that `uri` names below a storage's prefix, decoded, such as `company/team/my file.csv`.

    Raises StorageError for anything that could lead elsewhere: `..`, empty segments, NUL, a host, another scheme.
    """
    path = _decoded(uri)
    if (reason := _unusable(path)) is not None:
        raise StorageError(f"'{uri}' is no file of the internal storage: {reason}", uri)
    return path


def parse_folder(uri: str) -> str:
    """As `parse`, for a folder: a slash at the end changes nothing, and `kestra:///` is the empty path, the whole."""
    return "" if uri == SCHEME else parse(uri.removesuffix("/"))


def from_path(path: str) -> str:
    """The URI whose decoded path is `path`. Raises StorageError where no URI can name it."""
    uri = SCHEME + quote(path, safe="/" + READABLE, errors="replace")
    if (reason := _unusable(path)) is not None:
        raise StorageError(f"'{uri}' cannot name a file of the internal storage: {reason}", uri)
    return uri


def find_uri(path: str) -> str | None:
    """The URI of a path that was found in a store, or None for one that no URI can name: it is not ours."""
    return None if _unusable(path) is not None else from_path(path)


def slug(text: str) -> str:
    """The text as a part of storage paths: `My_Dir` gives `my-dir`, `été` gives `ete`.

    Source: Kestra Slugify.
    """
    ascii_letters = unicodedata.normalize("NFD", re.sub(r"\s", "-", text))
    kept = re.sub(r"[^A-Za-z0-9_-]", "", ascii_letters).replace("_", "-")
    return re.sub(r"-+", "-", kept).strip("-").lower()


def execution_uri(namespace: str, flow_id: str, execution_id: str) -> str:
    """The folder of one execution: `kestra:///company/team/<flow slug>/executions/<id>`."""
    return from_path("/".join([*namespace.split("."), slug(flow_id), "executions", execution_id]))


def task_file_uri(execution: str, task_id: str, task_run_id: str, name: str, attempt: int | None = None) -> str:
    """Where a file that a task delivers is kept, below the URI of its execution.

    name: the path relative to the working directory. Its last part stays readable in the URI; a short id made of
    the whole path before it keeps `a/x.csv` and `b/x.csv` apart. An attempt has a folder of its own when given.
    """
    normal = str(PurePosixPath(name))
    short_id = hashlib.sha256(normal.encode(errors="surrogateescape")).hexdigest()[:SHORT_ID_DIGITS]
    folders = ["tasks", slug(task_id), task_run_id, *([] if attempt is None else [str(attempt)])]
    return _below(execution, [*folders, f"{short_id}-{_fitting(PurePosixPath(normal).name)}"])


def input_uri(execution: str, input_id: str, name: str) -> str:
    """Where the file given for an input is kept, below the URI of its execution; `name` may be a path."""
    return _below(execution, ["inputs", input_id, _fitting(PurePosixPath(name).name)])


def namespace_uri(namespace: str, path: str | None = None) -> str:
    """The folder with the files of a namespace, `kestra:///company/team/_files`, or a file in it.

    Raises StorageError for what cannot be the name of a namespace.
    """
    if not _NAMESPACE.fullmatch(namespace):
        reason = "its parts are made of letters, digits, '_' and '-', with a '.' between them"
        raise StorageError(f"'{namespace}' is no name of a namespace: {reason}")
    return from_path("/".join([*namespace.split("."), "_files", *([] if path is None else [path])]))


def find_namespace_file(uri: str) -> tuple[str, str] | None:
    """The namespace and the path of a namespace's file; None for the URI of another file."""
    found = _NAMESPACE_FILE.fullmatch(parse(uri))
    return (found[1].rstrip("/").replace("/", "."), found[2]) if found else None


def from_nsfile(uri: str, home: str) -> str:
    """The storage's URI for `nsfile:///path`, a file of the namespace `home`, or `nsfile://other.namespace/path`."""
    namespace, _, raw = uri.removeprefix(NSFILE_SCHEME).partition("/")
    return f"{namespace_uri(namespace or home)}/{raw}"


def file_name(uri: str) -> str:
    """The name that a file had when it was stored: the last part of the path, without a task file's short id."""
    path = parse(uri)
    found = _TASK_FILE.search(path)
    return found[1] if found else path.rpartition("/")[2]


def _decoded(uri: str) -> str:
    raw = uri.removeprefix(SCHEME)
    if raw == uri:
        reason = f"it must begin with '{SCHEME}'"
    elif "?" in raw or "#" in raw:
        reason = "'?' and '#' in a name are written '%3F' and '%23'"
    elif _BAD_ESCAPE.search(raw):
        reason = "'%' in a name is written '%25'"
    elif "%2f" in raw.lower():
        reason = "a name cannot contain '/'"
    else:
        try:
            return unquote(raw, errors="strict")
        except UnicodeDecodeError:
            reason = "its escapes are not UTF-8"
    raise StorageError(f"'{uri}' is no file of the internal storage: {reason}", uri)


def _unusable(path: str) -> str | None:
    parts = path.split("/")
    if "" in parts:
        return "a part of the path is empty"
    if "." in parts or ".." in parts:
        return "'.' and '..' are not allowed in the path"
    if "\0" in path:
        return "a name cannot contain NUL"
    # Names of a Linux file system that are not UTF-8 arrive as lone surrogates.
    if any("\ud800" <= character <= "\udfff" for character in path):
        return "a name is not UTF-8"
    return None


def _below(folder: str, parts: list[str]) -> str:
    for part in parts:
        if "/" in part:
            raise StorageError(f"'{part}' cannot be a part of a path below '{folder}'", folder)
    return from_path("/".join([parse_folder(folder), *parts]))


def _fitting(name: str) -> str:
    """The name, with U+FFFD for bytes that are not UTF-8; a long one is cut, and a hash keeps it apart from others."""
    text = name.encode(errors="surrogateescape").decode(errors="replace")
    if len(text.encode()) <= LONGEST_NAME_BYTES:
        return text
    suffix = PurePosixPath(text).suffix
    if len(suffix.encode()) > LONGEST_SUFFIX_BYTES:
        suffix = ""
    end = f"-{hashlib.sha256(text.encode()).hexdigest()[:SHORT_ID_DIGITS]}{suffix}"
    head = text.encode()[: LONGEST_NAME_BYTES - len(end.encode())]
    return head.decode(errors="ignore") + end
