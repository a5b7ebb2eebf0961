"""SIGTERM while a run of ours goes on in its caller's process."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def sigterm_going_to(handler: Any) -> Iterator[None]:
    """While the block runs, SIGTERM goes to the caller's handler; nothing changes where the caller has none.

    Prefect replaces it during a run by one that raises an error out of the event loop, past everybody who clears up.
    """
    if not callable(handler) or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
