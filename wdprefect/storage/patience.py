"""How long a server that is out of order is waited for."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from time import monotonic
from typing import TypeVar

from wdprefect.errors import Unavailable, UsageError
from wdprefect.model.waiting import current_waiter

WAIT_VARIABLE = "WDPREFECT_STORAGE_WAIT"
# Long enough for a restart and for the minutes in which a crowded server sends everybody away.
DEFAULT_WAIT_SECONDS = 300.0
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 15.0

T = TypeVar("T")


class Damaged(Unavailable):
    """Bytes did not arrive as they were sent. Sending them again helps at once or never."""


class Silent(Unavailable):
    """Nobody answers at that address."""


# A fourth try of what was damaged three times would not arrive either.
TRIES_OF_DAMAGED = 3


class Patience:
    """Tries again what Unavailable says may pass, for `seconds` in all for one request; with pauses that grow.

    A server that is silent and has never answered is not waited for: its address is wrong. Whoever waits is told once
    for each request. May be used from several threads.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._has_answered = False

    def run(self, work: Callable[[], T]) -> T:
        """What `work` gives in the end. Raises its last error when the time is over."""
        end, tries = monotonic() + self._seconds, 0
        while True:
            tries += 1
            try:
                found = work()
            except Unavailable as error:
                self._has_answered = self._has_answered or not isinstance(error, Silent)
                if self._is_final(error, tries) or not self._paused(error, tries, end):
                    raise
            else:
                self._has_answered = True
                return found

    def _is_final(self, error: Unavailable, tries: int) -> bool:
        return not self._has_answered or (isinstance(error, Damaged) and tries >= TRIES_OF_DAMAGED)

    def _paused(self, error: Unavailable, tries: int, end: float) -> bool:
        """Wait for the next try; False when there is none."""
        longest = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** (tries - 1))
        # Half of it by chance: those whom the server sends away together must not come back together.
        pause = longest * (0.5 + random.random() / 2)  # noqa: S311
        left = end - monotonic()
        if left <= 0:
            return False
        waiter = current_waiter()
        if tries == 1:
            waiter.tell(f"waiting for the storage, for up to {left:.0f} seconds: {error}")
        return not waiter.stop.wait(min(pause, left))


def wait_seconds() -> float:
    """How long to wait for a storage: WDPREFECT_STORAGE_WAIT, or five minutes."""
    text = os.environ.get(WAIT_VARIABLE, "")
    try:
        seconds = float(text or DEFAULT_WAIT_SECONDS)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise UsageError(f"{WAIT_VARIABLE} is '{text}': give a number of seconds, 0 for not waiting")
    return seconds
