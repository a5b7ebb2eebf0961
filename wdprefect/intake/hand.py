"""A batch that a desk has in hand, and when it goes on with it."""

from __future__ import annotations

import time
from dataclasses import dataclass

from wdprefect.intake.objects import Batch
from wdprefect.intake.runs import RunLook

FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.5, 60.0


@dataclass(slots=True, eq=False)
class Hand:
    """A batch that this process has.

    is_orphan: another process had it, and is gone. is_inherited: that process made its run. look: how its run has
    ended. is_carried_out: whether its run has been seen to. due: what comes next is not tried before; tries: how often
    it has failed.
    """

    batch: Batch
    is_orphan: bool = False
    is_inherited: bool = False
    look: RunLook | None = None
    is_busy: bool = False
    is_carried_out: bool = False
    is_done: bool = False
    tries: int = 0
    refusals: int = 0
    due: float = 0.0

    def postpone(self) -> None:
        """Wait before what comes next is tried again, longer each time."""
        self.tries += 1
        self.due = time.monotonic() + wait_seconds(self.tries)


def wait_seconds(tries: int) -> float:
    """How long to wait before what has failed so often is tried again."""
    return min(FIRST_WAIT_SECONDS * 2.0 ** (tries - 1), LONGEST_WAIT_SECONDS)
