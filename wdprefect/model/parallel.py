"""Work on many things at a time, for what waits for disks and networks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TypeVar

# Most of the time is the way to a server and back.
WORKERS = 16

T = TypeVar("T")
R = TypeVar("R")


def in_parallel(work: Callable[[T], R], items: Sequence[T], workers: int = WORKERS) -> list[R]:
    """The results in the order of the items; with the first failure, which is raised, what has not begun is given up.

    Ctrl-C ends it as well, once what has begun is over.
    """
    if len(items) < 2 or workers < 2:  # noqa: PLR2004  one at a time needs no threads
        return [work(item) for item in items]
    with ThreadPoolExecutor(min(workers, len(items)), "wdprefect-parallel") as pool:
        futures = [pool.submit(work, item) for item in items]
        try:
            done, _ = wait(futures, return_when=FIRST_EXCEPTION)
            for future in done:
                future.result()
            return [future.result() for future in futures]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
