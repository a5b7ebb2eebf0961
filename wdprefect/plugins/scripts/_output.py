"""The output of a program while it runs: lines to the log, values and metrics out of it."""

from __future__ import annotations

import secrets
from collections import deque
from typing import Any

from wdprefect.model.context import RunContext
from wdprefect.model.ports import Level, Stream
from wdprefect.workspace.protocol import Collector, parse

# How many of the last lines on standard error an error repeats.
LAST_LINES = 5


class ScriptOutput:
    """Takes the lines of one program.

    stderr_level: of the lines on standard error. has_preparation: the program prints `mark` when its preparation, whose
    output is of interest to few, is over; the mark itself is not passed on.
    """

    def __init__(self, ctx: RunContext, stderr_level: Level = "ERROR", *, has_preparation: bool = False) -> None:
        self._ctx, self._collector = ctx, Collector()
        self._levels: dict[Stream, Level] = {"stdout": "DEBUG" if has_preparation else "INFO", "stderr": stderr_level}
        self.mark = f"wdprefect:prepared:{secrets.token_hex(8)}" if has_preparation else None
        self.last_lines: deque[str] = deque(maxlen=LAST_LINES)
        self.wrote_to_stderr = False

    def line(self, stream: Stream, line: str) -> None:
        """Log a line, or take what it says in the protocol `::{…}::`."""
        if self.mark is not None and self.mark in line:
            return self._prepared(stream, line)
        if stream == "stderr":
            self.wrote_to_stderr = True
        message = parse(line) if line.startswith("::{") else None
        if message is None:
            if stream == "stderr":
                self.last_lines.append(line)
            self._ctx.log.write(self._levels[stream], line)
            return None
        for problem in message.problems:
            self._ctx.log.write("WARN", f"Invalid outputs '{problem}'")
        for level, text in message.logs:
            self._ctx.log.write(level, text)
        self._collector.add(message)
        return None

    def values(self) -> dict[str, Any]:
        """The values that the program sent; its metrics are handed on with them."""
        for metric in self._collector.metrics:
            self._ctx.metrics.add(metric.type, metric.name, metric.value, metric.tags)
        return self._collector.outputs

    def _prepared(self, stream: Stream, line: str) -> None:
        # On standard error it is what `set -x` says of the command that prints the mark.
        if stream == "stdout":
            # A preparation may end without a line end.
            if rest := line.partition(self.mark or "")[0]:
                self._ctx.log.write("DEBUG", rest)
            self._levels["stdout"] = "INFO"
