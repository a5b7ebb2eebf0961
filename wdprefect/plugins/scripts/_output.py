"""The output of a program while it runs: lines to the log, values and metrics out of it."""

from __future__ import annotations

from collections import deque
from typing import Any

from wdprefect.model.context import RunContext
from wdprefect.model.ports import Stream
from wdprefect.workspace.protocol import Collector, parse

# How many of the last lines on standard error an error repeats.
LAST_LINES = 5


class ScriptOutput:
    """Takes the lines of one program."""

    def __init__(self, ctx: RunContext) -> None:
        self._ctx, self._collector = ctx, Collector()
        self.last_lines: deque[str] = deque(maxlen=LAST_LINES)
        self.wrote_to_stderr = False

    def line(self, stream: Stream, line: str) -> None:
        """Log a line, or take what it says in the protocol `::{…}::`."""
        if stream == "stderr":
            self.wrote_to_stderr = True
        message = parse(line) if line.startswith("::{") else None
        if message is None:
            if stream == "stderr":
                self.last_lines.append(line)
            self._ctx.log.write("ERROR" if stream == "stderr" else "INFO", line)
            return
        for problem in message.problems:
            self._ctx.log.write("WARN", f"Invalid outputs '{problem}'")
        for level, text in message.logs:
            self._ctx.log.write(level, text)
        self._collector.add(message)

    def values(self) -> dict[str, Any]:
        """The values that the program sent; its metrics are handed on with them."""
        for metric in self._collector.metrics:
            self._ctx.metrics.add(metric.type, metric.name, metric.value, metric.tags)
        return self._collector.outputs
