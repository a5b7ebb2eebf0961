"""Functions of files: those of the internal storage by URI, and those of a namespace by path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from wdprefect.errors import ExpressionError
from wdprefect.expressions.arguments import text

if TYPE_CHECKING:
    from wdprefect.expressions.runtime import Scope

_STORAGE = "kestra:///"
_NAMESPACE_FILE = "nsfile://"
# What would end the path of a URI.
_ESCAPES = str.maketrans({"%": "%25", "?": "%3F", "#": "%23"})


def read(scope: Scope, path: Any, namespace: Any = None) -> str:
    """The text of a file: one of the namespace by its path, or one of this run by its URI.

    namespace: another than the flow's, for a path. `nsfile:///path` and `nsfile://other.namespace/path` are paths too.

    {{ read('notes.txt') }} → hello
    {{ read('nsfile:///notes.txt') }} → hello
    {{ read('notes.txt', namespace='company') }} → hello
    """
    content: bytes = scope.service("read")(_address(scope, path, namespace))
    return content.decode("utf-8", "replace")


def file_size(scope: Scope, path: Any, namespace: Any = None) -> int:
    """The size of a file in bytes.

    {{ fileSize('notes.txt') }} → 5
    """
    return int(scope.service("size")(_address(scope, path, namespace)))


def file_exists(scope: Scope, path: Any, namespace: Any = None) -> bool:
    """Whether there is such a file.

    {{ fileExists('gone.txt') }} → false
    """
    return bool(scope.service("exists")(_address(scope, path, namespace)))


def is_file_empty(scope: Scope, path: Any, namespace: Any = None) -> bool:
    """Whether a file has no content.

    {{ isFileEmpty('notes.txt') }} → false
    """
    return file_size(scope, path, namespace) == 0


def file_uri(scope: Scope, path: Any, namespace: Any = None) -> str:
    """The URI of a namespace file.

    {{ fileURI('data/in.csv') }} → kestra:///company/team/_files/data/in.csv
    """
    return _uri(scope, *_without_scheme(text(path, "path"), namespace))


def _address(scope: Scope, path: Any, namespace: Any) -> str:
    """The URI of a file, which may be given as one; a path is that of a namespace file."""
    address = text(path, "path")
    return address if address.startswith(_STORAGE) else _uri(scope, *_without_scheme(address, namespace))


def _without_scheme(address: str, namespace: Any) -> tuple[str, Any]:
    """The path of a namespace file, and its namespace where that is said."""
    if not address.startswith(_NAMESPACE_FILE):
        return address, namespace
    named, _, path = address.removeprefix(_NAMESPACE_FILE).partition("/")
    # As in `inputFiles`, where it can only be a URI.
    return unquote(path), named or namespace


def _uri(scope: Scope, path: str, namespace: Any) -> str:
    home = scope.variable("flow", "namespace") if namespace is None else text(namespace, "namespace")
    if not home:
        raise ExpressionError(f"there is no namespace here in which '{path}' could be")
    if ".." in path.split("/"):
        raise ExpressionError(f"the path '{path}' leads out of the namespace")
    return f"{_STORAGE}{home.replace('.', '/')}/_files/{path.lstrip('/').translate(_ESCAPES)}"
