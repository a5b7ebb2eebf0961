"""SIGTERM as Ctrl-C: what runs is ended and the run is recorded as cancelled."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def terminating() -> Iterator[None]:
    """While the block runs, SIGTERM does what SIGINT does, or would do where it is ignored."""

    def interrupt(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  the signature of a handler
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
            # As in what a script starts in the background.
            raise KeyboardInterrupt
        signal.raise_signal(signal.SIGINT)

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
