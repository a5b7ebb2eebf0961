"""An HTTP server in a thread of ours, with little patience for those who open connections and say nothing."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from wdprefect.errors import UsageError
from wdprefect.model.stop import Stop

MOST_CONNECTIONS = 200
# Within which a request must have arrived as a whole.
PATIENCE_SECONDS = 10.0
_KEEP_ALIVE_SECONDS = 5
_ENDING_SECONDS = 3
_LONGEST_HEAD_BYTES = 16 * 1024


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what listens there."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def bind(host: str, port: int) -> socket.socket:
    """A socket that listens there. Raises UsageError where that is not possible."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise UsageError(f"cannot listen on '{host}': {error.strerror or error}; name an address of ours") from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise UsageError(f"cannot listen on '{host}' port {port}: {error.strerror}; name another port") from error
    return listener


def serve(app: Any, listener: socket.socket, stop: Stop, *, patience_seconds: float = PATIENCE_SECONDS) -> None:
    """Serve an ASGI app until the stop; requests that are under way then have a few seconds. Closes the socket."""
    config = _Config(
        app,
        http=_Protocol,
        ws="none",
        lifespan="off",
        loop="asyncio",
        log_config=None,
        # It would show tokens that stand in URLs.
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=MOST_CONNECTIONS,
        h11_max_incomplete_event_size=_LONGEST_HEAD_BYTES,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_ENDING_SECONDS,
    )
    config.patience_seconds = patience_seconds
    server = _Server(config)

    def end() -> None:
        server.should_exit = True

    try:
        with stop.calling(end):
            server.run(sockets=[listener])
    finally:
        listener.close()


class _Config(uvicorn.Config):
    patience_seconds = PATIENCE_SECONDS


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        # Signals are the owner's.
        yield


class _Protocol(H11Protocol):
    """uvicorn waits for ever for the rest of a request, and for the first byte of one."""

    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        self._watch()
        super().data_received(data)

    def on_response_complete(self) -> None:
        # From here on uvicorn itself waits for a few seconds, until there is data again.
        if not self.cycle.more_body:
            self._unwatch()
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._unwatch()
        super().connection_lost(exc)

    def _watch(self) -> None:
        if self._timer is None:
            patience = getattr(self.config, "patience_seconds", PATIENCE_SECONDS)
            self._timer = self.loop.call_later(patience, self._end_if_late)

    def _unwatch(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _end_if_late(self) -> None:
        self._timer = None
        # uvicorn says that there always is one; there is none before the head of the first request has arrived.
        cycle: RequestResponseCycle | None = getattr(self, "cycle", None)
        # A request that has arrived may take its time; who sent it waits for the answer.
        if cycle is None or cycle.more_body or cycle.response_complete:
            self.transport.close()
