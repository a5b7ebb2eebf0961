"""What the runner and its template tell each other: JSON objects, one a line, each with at most one open file."""

from __future__ import annotations

import json
import os
import socket
from collections import deque
from collections.abc import Mapping
from typing import Any

_SIZE = 65_536
_MOST_FILES = 64


class Messages:
    """One end of a pair of connected Unix sockets."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._text = b""
        self._files: deque[int] = deque()

    def fileno(self) -> int:
        return self._connection.fileno()

    def send(self, message: Mapping[str, Any], file: int | None = None) -> None:
        """Send a message, with an open file if it has one. Raises OSError when nobody is there to read it."""
        data = json.dumps(message).encode() + b"\n"
        sent = socket.send_fds(self._connection, [data], [] if file is None else [file])
        self._connection.sendall(data[sent:])

    def receive(self) -> list[dict[str, Any]] | None:
        """The messages that have come, after waiting for something to come; None when the other end has closed.

        A message with a file has its descriptor under `file`, which is the receiver's to close.
        """
        try:
            data, files, _, _ = socket.recv_fds(self._connection, _SIZE, _MOST_FILES)
        except ConnectionError:
            data, files = b"", []
        # Of the other end's messages those with a file are told by themselves; files come in the order of these.
        self._files.extend(files)
        if not data:
            return None
        *lines, self._text = (self._text + data).split(b"\n")
        return [self._with_file(json.loads(line)) for line in lines]

    def finish(self) -> None:
        """Send no more; what the other end still sends can be received."""
        self._connection.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        for file in self._files:
            os.close(file)
        self._files.clear()
        self._connection.close()

    def _with_file(self, message: dict[str, Any]) -> dict[str, Any]:
        return {**message, "file": self._files.popleft()} if message.get("file") else message
