"""What functions of the expression language reach: secrets, files, the clock, the errors so far."""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from wdprefect.errors import ExpressionError, StorageError
from wdprefect.execution.logbook import LogBook
from wdprefect.execution.web import ask
from wdprefect.expressions.services import HttpRequest, HttpResponse
from wdprefect.masking import Masker, notice
from wdprefect.model.ports import Readable
from wdprefect.storage.uris import SCHEME, execution_uri, find_namespace_file, parse

# What a template reads becomes a text in memory.
READ_BYTES = 50 * 2**20
FindSecret = Callable[[str], "str | None"]


def secret_of_environment(name: str) -> str | None:
    """The secret `NAME` from `SECRET_NAME`, which holds it in base64, as Kestra has it.

    A value that is no base64 is taken as it is.
    """
    value = os.environ.get(f"SECRET_{name.upper()}")
    if value is None:
        return None
    try:
        return base64.b64decode(value, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return value


@dataclass(frozen=True, slots=True)
class RunServices:
    """The Services of one run. What `secret` gives is hidden from then on, and so is what templates make of it.

    folders: where in the storage the files lie that may be read, as URIs: those of this run, and of the one that
    started it. files: the URIs of further ones, which the run was given. Files of namespaces may always be read.
    names: what each entry of `errorLogs()` says of the run.
    """

    masker: Masker
    storage: Readable
    logs: LogBook
    secrets: Mapping[str, str] | None = None
    find_secret: FindSecret = secret_of_environment
    folders: Sequence[str] = ()
    files: Collection[str] = ()
    names: Mapping[str, str] = field(default_factory=dict)

    def secret(self, name: str, namespace: str | None = None) -> str:  # noqa: ARG002  secrets belong to no namespace here
        """The secret of that name. Raises KeyError where there is none."""
        value = self.secrets.get(name) if self.secrets is not None else self.find_secret(name)
        if value is None:
            raise KeyError(name)
        self.masker.register(value)
        notice()
        return value

    def kv(self, key: str, namespace: str) -> Any:
        """No key-value store exists yet. Raises ExpressionError."""
        msg = f"cannot read the key '{key}' of '{namespace}': there is no key-value store yet"
        raise ExpressionError(msg)

    def read(self, uri: str) -> bytes:
        """The content of a file. Raises StorageError, also for a file of another run, and for a very long one."""
        size = self.size(uri)
        if size > READ_BYTES:
            raise ExpressionError(f"the file '{uri}' is longer than {READ_BYTES // 2**20} MB", "limit")
        return self.storage.read(uri)

    def exists(self, uri: str) -> bool:
        """Whether there is such a file. Raises StorageError for a file of another run."""
        return self.storage.exists(self._own(uri))

    def size(self, uri: str) -> int:
        """The size of a file in bytes. Raises StorageError, also for a file of another run."""
        return self.storage.size(self._own(uri))

    def _own(self, uri: str) -> str:
        path = parse(uri)
        is_below = any(path.startswith(f"{parse(folder)}/") for folder in self.folders)
        if not is_below and uri not in self.files and not find_namespace_file(uri):
            raise StorageError(f"Unable to read the file '{uri}' as it didn't belong to the current execution", uri)
        return uri

    def http(self, request: HttpRequest) -> HttpResponse:
        """The answer of a web server."""
        return ask(request)

    def now(self) -> datetime:
        return datetime.now(timezone.utc)

    def error_logs(self) -> list[Any]:
        return [
            {
                **self.names,
                "taskId": r.task_id,
                "taskRunId": r.task_run_id,
                "level": r.level,
                "message": r.message,
                "timestamp": r.time,
            }
            for r in self.logs.errors
        ]


def folders_of(uri: str, trigger: Mapping[str, Any] | None) -> list[str]:
    """The folders of the run at this URI, and of the run that its trigger names, if that is another run's end."""
    names = [(trigger or {}).get(name) for name in ("namespace", "flowId", "executionId")]
    if None in names:
        return [uri]
    namespace, flow_id, execution_id = map(str, names)
    try:
        return [uri, execution_uri(namespace, flow_id, execution_id)]
    except StorageError:  # names that no run can have
        return [uri]


def stored_files(given: Any) -> Iterator[str]:
    """The URIs of the storage in what a run was given."""
    if isinstance(given, str):
        if given.startswith(SCHEME):
            yield given
    elif isinstance(given, Mapping):
        yield from stored_files(list(given.values()))
    elif isinstance(given, list | tuple):
        for item in given:
            yield from stored_files(item)
