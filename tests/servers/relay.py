"""A relay on the loopback in front of a server, which keeps what callers say to it."""

from __future__ import annotations

import base64
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

import pytest

from tests.servers.s3 import S3Server

Target = tuple[str, int] | str


class Relay:
    """Passes connections on, byte for byte. `heard` is what callers said, of all connections, in pieces.

    pause: seconds after each piece of 64 KiB, in both directions. passed: how many bytes there were so far.
    """

    def __init__(self, target: Target, pause: float = 0.0) -> None:
        self._target, self._pause = target, pause
        self.passed = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.heard: list[bytes] = []
        self.port = int(self._listener.getsockname()[1])
        self._thread = threading.Thread(target=self._accept, name="relay")
        self._thread.start()

    def headers(self, name: str) -> list[str]:
        """The values of a header in the order in which they came."""
        said = b"".join(self.heard).decode("latin-1")
        return re.findall(rf"^{name}: *(.*?)\r$", said, re.MULTILINE | re.IGNORECASE)

    def registry_auths(self) -> list[dict[str, str]]:
        """Of a relay in front of an engine: the credentials that it was given for registries."""
        return [json.loads(base64.urlsafe_b64decode(value)) for value in self.headers("X-Registry-Auth")]

    def close(self) -> None:
        """End all connections."""
        # Closing alone would not wake who waits for a connection.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        for end in self._open:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        for thread in threading.enumerate():
            if thread.name == f"relay-{self.port}":
                thread.join()
        for end in self._open:
            end.close()

    def _accept(self) -> None:
        while True:
            try:
                caller, _ = self._listener.accept()
            except OSError:
                return
            server = _connected(self._target)
            self._open += [caller, server]
            for source, sink, heard in ((caller, server, self.heard), (server, caller, None)):
                arguments = (source, sink, heard)
                threading.Thread(target=self._pass_on, args=arguments, name=f"relay-{self.port}").start()

    def _pass_on(self, source: socket.socket, sink: socket.socket, heard: list[bytes] | None) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if heard is not None:
                    heard.append(data)
                sink.sendall(data)
                self.passed += len(data)
                time.sleep(self._pause)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_WR)


def _connected(target: Target) -> socket.socket:
    if isinstance(target, tuple):
        return socket.create_connection(target)
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(target)
    return connection


@contextmanager
def relay_to(target: Target, pause: float = 0.0) -> Iterator[Relay]:
    """A relay in front of a server: its host and port, or the path of its socket."""
    relay = Relay(target, pause)
    try:
        yield relay
    finally:
        relay.close()


@pytest.fixture
def s3_relay(s3_server: S3Server) -> Iterator[Relay]:
    """In front of the S3 server, which knows no roles: what is sent is what counts."""
    address = urlsplit(s3_server.endpoint)
    with relay_to((str(address.hostname), int(address.port or 0))) as found:
        yield found
