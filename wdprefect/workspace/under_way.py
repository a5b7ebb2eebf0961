"""What is under way in a session, whose end waits for it."""

from __future__ import annotations

import signal
import threading
from types import TracebackType

# Stopped before it began: what a program gives that SIGTERM ended.
STOPPED = 128 + signal.SIGTERM
# A command that is asked to end because its session closes has its own grace on top.
CLOSE_SECONDS = 30.0


class UnderWay:
    """A context for each command of a session, in any thread."""

    def __init__(self) -> None:
        self._count = 0
        self._changed = threading.Condition()

    def __enter__(self) -> None:
        with self._changed:
            self._count += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with self._changed:
            self._count -= 1
            self._changed.notify_all()

    def wait(self) -> None:
        """Until no command is under way, CLOSE_SECONDS at most."""
        with self._changed:
            self._changed.wait_for(lambda: not self._count, CLOSE_SECONDS)
