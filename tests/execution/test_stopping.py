"""Work in threads, and asking it to end."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta
from time import monotonic

import pytest

from wdprefect.errors import TaskFailed
from wdprefect.execution.threads import Threads
from wdprefect.model.stop import Stop

GRACE = timedelta(seconds=5)


def test_stop_calls_once() -> None:
    """Each callback is called once, at the first request; one that comes later is called at once."""
    stop, called = Stop(), list[str]()
    with stop.calling(lambda: called.append("early")):
        assert (False, False) == (stop.requested, stop.wait(0))
        stop.request()
        stop.request()
    with stop.calling(lambda: called.append("late")):
        assert ["early", "late"] == called
    assert (True, True) == (stop.requested, stop.wait(60))


def test_stop_forgets() -> None:
    """What has ended is not called any more."""
    stop, called = Stop(), list[str]()
    with stop.calling(lambda: called.append("over")):
        pass
    stop.request()
    assert [] == called


def test_stop_wakes_a_waiter() -> None:
    """A request wakes who waits in another thread."""
    stop, woken = Stop(), list[bool]()
    thread = threading.Thread(target=lambda: woken.append(stop.wait(60)))
    thread.start()
    stop.request()
    thread.join(30)
    assert [True] == woken


def test_result_and_error() -> None:
    """The result of the work comes back, and so does its error."""

    async def run() -> tuple[int, str]:
        threads = Threads(2)
        result = await threads.run(lambda: 7, Stop(), GRACE)
        try:
            await threads.run(lambda: 1 // 0, Stop(), GRACE)
        except ZeroDivisionError as error:
            return result, str(error)
        finally:
            threads.close()
        return result, ""

    assert (7, "integer division or modulo by zero") == asyncio.run(run())


def test_timeout() -> None:
    """Work that takes too long is asked to end and has ended when TaskFailed is raised."""
    stop, ended = Stop(), list[bool]()

    async def run() -> None:
        threads = Threads(1)
        try:
            await threads.run(lambda: ended.append(stop.wait(60)), stop, GRACE, timedelta(seconds=0.1))
        finally:
            threads.close()

    with pytest.raises(TaskFailed, match=r"^Timeout after 00:00:00\.100$"):
        asyncio.run(run())
    assert [True] == ended


def test_cancel() -> None:
    """When the coroutine is cancelled, once or twice, the work has ended before the cancellation goes on."""
    stop, ended, begun = Stop(), list[bool](), threading.Event()

    def work() -> None:
        begun.set()
        ended.append(stop.wait(60))

    async def run() -> bool:
        threads = Threads(1)
        task = asyncio.ensure_future(threads.run(work, stop, GRACE))
        await asyncio.to_thread(begun.wait, 30)
        task.cancel()
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})
        threads.close()
        return task.cancelled()

    assert asyncio.run(run())
    assert [True] == ended


def test_deaf_work() -> None:
    """Work that does not listen is left behind after its grace."""
    release = threading.Event()

    async def run() -> None:
        threads = Threads(1)
        try:
            await threads.run(lambda: release.wait(60), Stop(), timedelta(seconds=-1.9), timedelta(seconds=0.05))
        finally:
            threads.close()
            release.set()

    begun = monotonic()
    with pytest.raises(TaskFailed, match="Timeout"):
        asyncio.run(run())
    assert monotonic() - begun < 30
