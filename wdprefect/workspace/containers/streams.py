"""The streams of a container: Docker's frames, and in them the marks by which a shell says where a command ends."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from wdprefect.model.ports import Stream

# Each frame begins with the stream's number, three zeros, and the length of what follows.
HEAD_BYTES = 8
STREAMS: dict[int, Stream] = {1: "stdout", 2: "stderr"}
READ_BYTES = 262_144
# A lost connection to another machine says nothing; the system asks after so many seconds.
KEEP_ALIVE_SECONDS = 30


class Connection:
    """An attached stream, as the SDK hands it out: what is sent becomes input, what comes are frames."""

    def __init__(self, attached: Any) -> None:
        # Kept: when the SDK's object is collected the socket is closed.
        self._attached = attached
        self._socket = getattr(attached, "_sock", attached)
        self._rest = b""
        self.is_closed = False
        with suppress(OSError, AttributeError):
            # A command may say nothing for hours.
            self._socket.settimeout(None)
            if self._socket.family in (socket.AF_INET, socket.AF_INET6):
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEP_ALIVE_SECONDS)

    def send(self, data: bytes) -> None:
        """Raises OSError when the other end is gone."""
        self._socket.sendall(data)

    def frames(self) -> Iterator[tuple[Stream, bytes]]:
        """What comes, until the other end is gone or the connection is closed."""
        while data := self._received():
            yield from self._parsed(self._rest + data if self._rest else data)

    def limit(self, seconds: float) -> None:
        """Wait no longer than this for what comes from here on: it ends then."""
        with suppress(OSError, AttributeError):
            self._socket.settimeout(seconds)

    def close(self) -> None:
        """End the connection; whoever reads from it sees its end. May be called twice."""
        self.is_closed = True
        with suppress(OSError, AttributeError):
            self._socket.shutdown(socket.SHUT_RDWR)
        for part in (getattr(self._attached, "_response", None), self._attached, self._socket):
            # They are of one another, and say so when one was closed before.
            with suppress(OSError, ValueError, AttributeError):
                part.close()  # type: ignore[union-attr]  # where there is none

    def _received(self) -> bytes:
        # A time that is over ends it as well.
        with suppress(OSError):
            data: bytes = self._socket.recv(READ_BYTES)
            return data
        return b""

    def _parsed(self, data: bytes) -> Iterator[tuple[Stream, bytes]]:
        place, size = 0, len(data)
        # Programs that flush each line make a frame of each; neighbours of one stream are put together.
        joined: list[bytes] = []
        current: Stream = "stdout"
        while size - place >= HEAD_BYTES:
            end = place + HEAD_BYTES + int.from_bytes(data[place + 4 : place + HEAD_BYTES], "big")
            if end > size:
                break
            stream = STREAMS.get(data[place], "stdout")
            if stream != current and joined:
                yield current, b"".join(joined)
                joined = []
            current = stream
            joined.append(data[place + HEAD_BYTES : end])
            place = end
        self._rest = data[place:]
        if joined:
            yield current, b"".join(joined)


class Marked:
    r"""Takes marks out of a stream: `\0<secret> <words>\0`. All else is passed on, byte for byte.

    secret: known to nobody who writes to the stream by itself.
    """

    def __init__(self, secret: str, on_data: Callable[[bytes], None], on_mark: Callable[[list[str]], None]) -> None:
        self._start = b"\0" + secret.encode()
        self._on_data, self._on_mark = on_data, on_mark
        self._held = b""

    def feed(self, data: bytes) -> None:
        """Take what was read; all but the beginning of a mark is passed on before this returns."""
        data = self._held + data if self._held else data
        place = 0
        while (at := data.find(self._start, place)) >= 0 and (end := data.find(b"\0", at + 1)) >= 0:
            self._pass_on(data[place:at])
            self._on_mark(data[at + len(self._start) : end].decode("ascii", "replace").split())
            place = end + 1
        keep = at if at >= 0 else self._begun(data, place)
        self._held = data[keep:]
        self._pass_on(data[place:keep])

    def end(self) -> None:
        """The stream has ended: what looked like the beginning of a mark was none."""
        data, self._held = self._held, b""
        self._pass_on(data)

    def _begun(self, data: bytes, place: int) -> int:
        """Where a mark may have begun at the end of the data, else its length."""
        at = data.find(b"\0", max(place, len(data) - len(self._start) + 1))
        while at >= 0 and not self._start.startswith(data[at:]):
            at = data.find(b"\0", at + 1)
        return at if at >= 0 else len(data)

    def _pass_on(self, data: bytes) -> None:
        if data:
            self._on_data(data)
