"""What a process writes into a pipe, read as it comes."""

from __future__ import annotations

import os
from collections.abc import Callable

from wdprefect.workspace.lines import Lines

_SIZE = 65_536


class Output:
    """The read end of a pipe, whose lines are passed on without waiting for more."""

    def __init__(self, pipe: int, emit: Callable[[str], None]) -> None:
        os.set_blocking(pipe, False)
        self._pipe, self._lines = pipe, Lines(emit)
        self.has_ended = False

    def fileno(self) -> int:
        return self._pipe

    def read(self) -> None:
        """Pass on what has come. `has_ended` says afterwards whether nobody can write any more."""
        try:
            data = os.read(self._pipe, _SIZE)
        except BlockingIOError:
            return
        if data:
            self._lines.feed(data)
        else:
            self.has_ended = True

    def close(self) -> None:
        """Pass on what is left and close the pipe, whoever may still write."""
        os.set_blocking(self._pipe, False)
        try:
            while data := os.read(self._pipe, _SIZE):
                self._lines.feed(data)
        except BlockingIOError:
            pass
        self._lines.end()
        os.close(self._pipe)
