"""Asking work in a thread to end: the one way in which a timeout, a cancel and Ctrl-C reach a running task."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Stop:
    """A request to end, made at most once, from any thread. Whoever waits or runs a process listens to it."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._callbacks: list[Callable[[], None]] = []
        self._lock = threading.Lock()

    @property
    def requested(self) -> bool:
        return self._event.is_set()

    def request(self) -> None:
        """Ask everyone who listens to end; the callbacks run in this thread. The second call does nothing."""
        with self._lock:
            if self._event.is_set():
                return
            self._event.set()
            callbacks = list(self._callbacks)
        for callback in callbacks:
            callback()

    @contextmanager
    def calling(self, callback: Callable[[], None]) -> Iterator[None]:
        """Call `callback` when the request comes while the block runs, or at once when it has come before.

        The callback must not block: it runs in the thread of whoever asks.
        """
        with self._lock:
            late = self._event.is_set()
            if not late:
                self._callbacks.append(callback)
        if late:
            callback()
        try:
            yield
        finally:
            with self._lock:
                if not late:
                    self._callbacks.remove(callback)

    def wait(self, seconds: float) -> bool:
        """Sleep until the time is over or the request comes; whether it came."""
        return self._event.wait(seconds)
