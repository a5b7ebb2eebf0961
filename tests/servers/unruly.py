"""A proxy in front of an HTTP server that misbehaves when it is told to, and passes on whatever else comes."""

from __future__ import annotations

import random
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import BinaryIO, Literal

CHUNK = 65536
DICE = random.Random()  # noqa: S311  no secret is made of it
# answer: says `status` and `code` instead of the server. hang: says nothing. reset up: breaks off after `after` bytes
# of what the caller sends. reset down: after as many of the answer. cut: ends the answer there, as if it were whole.
# flip up, flip down: changes the byte there. lose: lets the server do it, and breaks off. date: gives another Date.
How = Literal["answer", "hang", "reset up", "reset down", "cut", "flip up", "flip down", "lose", "date"]


@dataclass
class Fault:
    """What goes wrong with requests whose first line matches: the first `spared` go well, then `times` do not.

    share: how many of those in between do not, by chance. seconds: for how long, from the first that does not.
    """

    how: How
    request: str
    times: int = 1
    spared: int = 0
    share: float = 1.0
    seconds: float = float("inf")
    after: int = 0
    status: int = 503
    code: str = "SlowDown"
    date: str = ""
    _began: float | None = field(default=None, init=False)

    def wants(self, line: str) -> bool:
        """Whether the request whose line this is goes wrong; it counts as one that does."""
        if not re.search(self.request, line) or self.times <= 0:
            return False
        if self.spared > 0:
            self.spared -= 1
            return False
        if self.share < 1 and DICE.random() >= self.share:
            return False
        self._began = self._began or time.monotonic()
        if time.monotonic() >= self._began + self.seconds:
            return False
        self.times -= 1
        return True


@dataclass
class Unruly:
    """The proxy: at `endpoint`, until it is closed.

    seen: the first lines of all requests, without the version; passed: of those that went well. failed: how many did
    not.
    """

    host: str
    port: int
    seen: list[str] = field(default_factory=list)
    passed: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    failed: int = 0

    def __post_init__(self) -> None:
        self._lock, self._closed = threading.Lock(), threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._own_port = self._listener.getsockname()[1]
        self._threads: list[threading.Thread] = []
        self._open()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._own_port}"

    def seen_of(self, request: str) -> list[str]:
        """The requests that match."""
        return [line for line in self.seen if re.search(request, line)]

    def leave(self) -> None:
        """Refuse connections from now on."""
        # Closing alone would not wake who waits for a connection.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def come_back(self) -> None:
        """Be there again, at the same port."""
        self._listener = socket.create_server(("127.0.0.1", self._own_port))
        self._open()

    def close(self) -> None:
        """End everything."""
        self._closed.set()
        self.leave()
        for thread in self._threads:
            thread.join()

    def _open(self) -> None:
        self._start(self._accept, self._listener)

    def _start(self, work: Callable[[socket.socket], None], argument: socket.socket) -> None:
        thread = threading.Thread(target=work, args=(argument,), name="unruly")
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                caller, _ = listener.accept()
            except OSError:
                return
            self._start(self._serve, caller)

    def _serve(self, caller: socket.socket) -> None:
        with caller, suppress(OSError):
            # One request for each connection: the server is asked to close it.
            reader = caller.makefile("rb")
            line, headers = _head(reader)
            if not line:
                return
            with self._lock:
                self.seen.append(line.rpartition(" ")[0])
                fault = next((fault for fault in self.faults if fault.wants(line)), None)
                self.failed += fault is not None
                if fault is None:
                    self.passed.append(self.seen[-1])
            if any(header.lower().startswith("expect:") for header in headers):
                caller.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            self._obey(fault or Fault("answer", "", times=0, code=""), caller, reader, line, headers)

    def _obey(self, fault: Fault, caller: socket.socket, reader: BinaryIO, line: str, headers: list[str]) -> None:
        size = int(next((h.split(":")[1] for h in headers if h.lower().startswith("content-length:")), "0"))
        if fault.how == "hang":
            self._closed.wait(30)
            return
        if fault.how == "answer" and fault.code:
            _read(reader, size)
            caller.sendall(_refusal(fault))
            return
        if fault.how == "reset up":
            _read(reader, fault.after)
            _reset(caller)
            return
        kept = [h for h in headers if h.split(":")[0].lower() not in {"expect", "connection"}]
        with socket.create_connection((self.host, self.port)) as server:
            server.sendall("\r\n".join([line, *kept, "Connection: close", "", ""]).encode("latin-1"))
            position = 0
            while position < size and (data := _read(reader, min(CHUNK, size - position))):
                server.sendall(_flipped(data, fault, "flip up", position))
                position += len(data)
            _answer(fault, server, caller)


def _answer(fault: Fault, server: socket.socket, caller: socket.socket) -> None:
    reader = server.makefile("rb")
    line, headers = _head(reader)
    if fault.how == "date":
        headers = [h for h in headers if not h.lower().startswith("date:")] + [f"Date: {fault.date}"]
    if fault.how == "lose":
        reader.read()
        _reset(caller)
        return
    caller.sendall("\r\n".join([line, *headers, "", ""]).encode("latin-1"))
    position = 0
    while data := reader.read1(CHUNK):
        if fault.how in {"reset down", "cut"} and position + len(data) > fault.after:
            caller.sendall(data[: fault.after - position])
            if fault.how == "reset down":
                _reset(caller)
            return
        caller.sendall(_flipped(data, fault, "flip down", position))
        position += len(data)


def _head(reader: BinaryIO) -> tuple[str, list[str]]:
    lines = []
    while (line := reader.readline().decode("latin-1").rstrip("\r\n")) != "":
        lines.append(line)
    return (lines[0], lines[1:]) if lines else ("", [])


def _read(reader: BinaryIO, size: int) -> bytes:
    return reader.read(size)


def _flipped(data: bytes, fault: Fault, how: How, position: int) -> bytes:
    place = fault.after - position
    if fault.how != how or not 0 <= place < len(data):
        return data
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


def _refusal(fault: Fault) -> bytes:
    body = f"<?xml version='1.0'?><Error><Code>{fault.code}</Code><Message>by the test</Message></Error>"
    head = f"HTTP/1.1 {fault.status} Refused\r\nContent-Type: application/xml\r\nContent-Length: {len(body)}"
    return f"{head}\r\nConnection: close\r\n\r\n{body}".encode()


def _reset(caller: socket.socket) -> None:
    caller.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    caller.close()


@contextmanager
def unruly_in_front_of(endpoint: str) -> Iterator[Unruly]:
    """A proxy in front of the server at `http://host:port`."""
    host, _, port = endpoint.removeprefix("http://").partition(":")
    proxy = Unruly(host, int(port))
    try:
        yield proxy
    finally:
        proxy.close()
