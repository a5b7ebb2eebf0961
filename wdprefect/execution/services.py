"""What functions of the expression language reach: secrets, files, the clock, the errors so far."""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from wdprefect.errors import ExpressionError
from wdprefect.execution.logbook import LogBook
from wdprefect.masking import Masker
from wdprefect.model.ports import Storage

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
    """The Services of one run. What `secret` gives is hidden from then on."""

    masker: Masker
    storage: Storage
    logs: LogBook
    secrets: Mapping[str, str] | None = None
    find_secret: FindSecret = secret_of_environment

    def secret(self, name: str, namespace: str | None = None) -> str:  # noqa: ARG002  secrets belong to no namespace here
        """The secret of that name. Raises KeyError where there is none."""
        value = self.secrets.get(name) if self.secrets is not None else self.find_secret(name)
        if value is None:
            raise KeyError(name)
        self.masker.register(value)
        return value

    def kv(self, key: str, namespace: str) -> Any:
        """No key-value store exists yet. Raises ExpressionError."""
        msg = f"cannot read the key '{key}' of '{namespace}': there is no key-value store yet"
        raise ExpressionError(msg)

    def read(self, uri: str) -> bytes:
        return self.storage.read(uri)

    def exists(self, uri: str) -> bool:
        return self.storage.exists(uri)

    def size(self, uri: str) -> int:
        return self.storage.size(uri)

    def now(self) -> datetime:
        return datetime.now(timezone.utc)

    def error_logs(self) -> list[Any]:
        return [
            {
                "taskId": r.task_id,
                "taskRunId": r.task_run_id,
                "level": r.level,
                "message": r.message,
                "timestamp": r.time,
            }
            for r in self.logs.errors
        ]
