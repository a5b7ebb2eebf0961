"""The bytes of a stream as lines of text."""

from __future__ import annotations

import codecs
from collections.abc import Callable

# A program that never ends its line must not fill the memory; the protocol's longest payloads stay whole below this.
LONGEST_LINE_BYTES = 8 * 1024 * 1024


class Lines:
    r"""Passes on each line without its line end (`\n` or `\r\n`), in order, none lost.

    What is not UTF-8 becomes U+FFFD. A line over 8 MiB is passed on in pieces.
    """

    def __init__(self, emit: Callable[[str], None]) -> None:
        self._emit = emit
        self._parts: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> None:
        """Take what was read; lines that are complete now are passed on before this returns."""
        complete, newline, rest = data.rpartition(b"\n")
        if newline:
            text = b"".join([*self._parts, complete]).decode("utf-8", "replace")
            self._keep(rest)
            for line in text.split("\n"):
                self._emit(line.removesuffix("\r"))
        else:
            self._parts.append(rest)
            self._size += len(rest)
        if self._size > LONGEST_LINE_BYTES:
            # A character whose bytes have not all come yet waits for the next piece.
            text, used = codecs.utf_8_decode(joined := b"".join(self._parts), "replace", False)
            self._keep(joined[used:])
            self._emit(text)

    def end(self) -> None:
        """The stream has ended: pass on a last line that has no line end."""
        if self._parts:
            text = b"".join(self._parts).decode("utf-8", "replace")
            self._keep(b"")
            self._emit(text)

    def _keep(self, rest: bytes) -> None:
        self._parts, self._size = [rest] if rest else [], len(rest)
