"""Synchronous work beside the event loop, ended in time."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from time import monotonic
from typing import Any, TypeVar

from wdprefect.errors import TaskFailed
from wdprefect.model.conversions import clock_duration
from wdprefect.model.stop import Stop

T = TypeVar("T")

# A program is killed after its grace; this is what its runner may take on top of that.
MARGIN_SECONDS = 2.0


class Threads:
    """Runs tasks in threads, at most `limit` at a time."""

    def __init__(self, limit: int) -> None:
        self._pool = ThreadPoolExecutor(limit, thread_name_prefix="wdprefect-task")

    async def run(self, work: Callable[[], T], stop: Stop, grace: timedelta, timeout: timedelta | None = None) -> T:
        """The result of `work`, which listens to `stop`.

        When the time is over, or this coroutine is cancelled, the work is asked to end and is waited for, no longer
        than its grace and two seconds. Raises TaskFailed when the time is over.
        """
        context = contextvars.copy_context()
        future = asyncio.get_running_loop().run_in_executor(self._pool, lambda: context.run(work))
        try:
            await asyncio.wait({future}, timeout=timeout.total_seconds() if timeout else None)
        except asyncio.CancelledError:
            stop.request()
            await _ended(future, grace)
            raise
        if future.done():
            return future.result()
        stop.request()
        await _ended(future, grace)
        assert timeout is not None
        raise timed_out(timeout)

    def close(self) -> None:
        """Let the threads end; what does not listen to its stop is not waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def timed_out(timeout: timedelta) -> TaskFailed:
    """The failure of a task whose time is over, in Kestra's words: `Timeout after 00:00:30.000`."""
    return TaskFailed(f"Timeout after {clock_duration(timeout)}")


async def end(work: asyncio.Future[Any]) -> None:
    """Cancel work that may still run, and wait until it has ended, however often that is asked for meanwhile."""
    work.cancel()
    await finished(work)


async def finished(work: asyncio.Future[Any]) -> bool:
    """Wait until work has ended, however often this is cancelled meanwhile; whether it was."""
    was_cancelled = False
    while not work.done():
        try:
            await asyncio.wait({work})
        except asyncio.CancelledError:
            was_cancelled = True
    return was_cancelled


async def _ended(future: asyncio.Future[T], grace: timedelta) -> None:
    end = monotonic() + grace.total_seconds() + MARGIN_SECONDS
    while not future.done() and (left := end - monotonic()) > 0:
        try:
            await asyncio.wait({future}, timeout=left)
        except asyncio.CancelledError:
            # Asked again: the work is already being ended, and leaving now would orphan its processes.
            continue
    if future.done() and not future.cancelled():
        future.exception()  # fetched, so that asyncio does not complain about an error that is no longer news
