"""What functions such as `secret`, `kv` and `read` reach outside of the template."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """What to ask a web server. Seconds that are None are up to the service; `verify` is about its certificate."""

    method: str
    uri: str
    headers: Sequence[tuple[str, str]]
    body: bytes | None
    connect_seconds: float | None = None
    read_seconds: float | None = None
    follow_redirects: bool = True
    verify: bool = True


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """What it answered."""

    status: int
    reason: str
    content_type: str
    body: bytes


class Services(Protocol):
    """The outside of a run. An object may lack methods: to call a function whose service is absent is an error.

    An attribute `masker` may hold the Masker that hides what `secret` gives and what templates make of it.
    A LookupError of `secret` and `kv` means that there is no such thing; `read` and `size` raise for a missing file.
    """

    def secret(self, name: str, namespace: str | None = None) -> str:
        """The secret's value."""

    def kv(self, key: str, namespace: str) -> Any:
        """The value stored in exactly this namespace."""

    def read(self, uri: str) -> bytes:
        """The content of a file: a storage URI, or the path of a namespace file."""

    def exists(self, uri: str) -> bool:
        """Whether there is such a file."""

    def size(self, uri: str) -> int:
        """The size of a file in bytes."""

    def now(self) -> datetime:
        """The current time, with its zone."""

    def error_logs(self) -> list[Any]:
        """The error messages of this run so far."""

    def http(self, request: HttpRequest) -> HttpResponse:
        """The answer of a web server, whatever its status; what takes too long or is too much raises."""
