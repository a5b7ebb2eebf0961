"""Work on many things at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from wdprefect.model.parallel import in_parallel
from wdprefect.model.stop import Stop
from wdprefect.model.waiting import Waiter, current_waiter, waiting_for


@pytest.mark.parametrize("count", [0, 1, 2, 500])
def test_order(count: int) -> None:
    """Results come in the order of the items, however many there are."""
    assert [2 * number for number in range(count)] == in_parallel(lambda number: 2 * number, range(count))


def test_no_more_is_taken_than_is_needed() -> None:
    """Of an iterator no more is taken than is under way or comes next, so that many items need no memory."""
    taken = ended = most = 0
    lock = threading.Lock()

    def items() -> Iterator[int]:
        nonlocal taken, most
        for number in range(1000):
            with lock:
                taken += 1
                most = max(most, taken - ended)
            yield number

    def work(number: int) -> None:
        nonlocal ended
        with lock:
            ended += 1

    in_parallel(work, items(), workers=4)
    assert 10 >= most


def test_the_first_failure() -> None:
    """A failure is raised, and what has not begun by then is not begun."""
    begun: list[int] = []

    def work(number: int) -> None:
        begun.append(number)
        if number == 3:
            msg = "three"
            raise ValueError(msg)

    with pytest.raises(ValueError, match="three"):
        in_parallel(work, range(10_000), workers=4)
    assert 100 > len(begun)


def test_items_that_fail() -> None:
    """What the iterator raises is raised."""

    def items() -> Iterator[int]:
        yield from range(10)
        msg = "no more"
        raise ValueError(msg)

    with pytest.raises(ValueError, match="no more"):
        in_parallel(lambda number: number, items())


def test_for_whom() -> None:
    """Work in other threads is done for whom the caller works."""
    waiter = Waiter(print, Stop())
    with waiting_for(waiter):
        found = in_parallel(lambda _: current_waiter(), range(4))
    assert [waiter] * 4 == found
    assert waiter is not current_waiter()
