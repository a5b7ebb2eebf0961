"""Waiting for what does not answer: who is told of it, and who may end it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from wdprefect.model.stop import Stop


@dataclass(frozen=True, slots=True)
class Waiter:
    """Whose work waits: `tell` takes a line for its log, and a request of `stop` ends the waiting."""

    tell: Callable[[str], None]
    stop: Stop


# Work reaches a storage by many ways, expressions and other threads among them. None of them knows for whom it is.
_CURRENT: ContextVar[Waiter | None] = ContextVar("wdprefect_waiter", default=None)


@contextmanager
def waiting_for(waiter: Waiter) -> Iterator[None]:
    """What waits in the block, and in threads of `in_parallel` below it, waits for this one."""
    token = _CURRENT.set(waiter)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def current_waiter() -> Waiter:
    """For whom this thread works; without anybody the lines are Python's own warnings, and nobody ends the waiting."""
    return _CURRENT.get() or Waiter(logging.getLogger("wdprefect").warning, Stop())
