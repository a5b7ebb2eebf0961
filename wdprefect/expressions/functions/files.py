"""Functions of files: those of the internal storage by URI, and those of a namespace by path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wdprefect.errors import ExpressionError
from wdprefect.expressions.arguments import text

if TYPE_CHECKING:
    from wdprefect.expressions.runtime import Scope


def read(scope: Scope, path: Any, namespace: Any = None) -> str:
    """The text of a file."""
    content: bytes = scope.service("read")(_address(path, namespace))
    return content.decode("utf-8", "replace")


def file_size(scope: Scope, path: Any, namespace: Any = None) -> int:
    """The size of a file in bytes."""
    return int(scope.service("size")(_address(path, namespace)))


def file_exists(scope: Scope, path: Any, namespace: Any = None) -> bool:
    """Whether there is such a file."""
    return bool(scope.service("exists")(_address(path, namespace)))


def is_file_empty(scope: Scope, path: Any, namespace: Any = None) -> bool:
    """Whether a file has no content."""
    return file_size(scope, path, namespace) == 0


def file_uri(scope: Scope, path: Any, namespace: Any = None) -> str:
    """The URI of a namespace file."""
    home = scope.variable("flow", "namespace") if namespace is None else text(namespace, "namespace")
    return _uri(text(path, "path"), str(home))


def _address(path: Any, namespace: Any) -> str:
    address = text(path, "path")
    return address if namespace is None else _uri(address, text(namespace, "namespace"))


def _uri(path: str, namespace: str) -> str:
    if ".." in path.split("/"):
        raise ExpressionError(f"the path '{path}' leads out of the namespace")
    return f"kestra:///{namespace.replace('.', '/')}/_files/{path.lstrip('/')}"
