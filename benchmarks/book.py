"""What the book of the intake costs: objects told of, known ones, and the course of batches.

    python benchmarks/book.py [URL]

By default in a file in a temporary folder.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path

from wdprefect.intake.book import Book
from wdprefect.intake.objects import SeenObject

KEY, OWNER, LEASE = "benchmark", "me", timedelta(seconds=30)
PAGE = 1000
LANDED = datetime(2026, 1, 1, tzinfo=timezone.utc)
ETAG = "d41d8cd98f00b204e9800998ecf8427e"


def main(url: str, objects: int) -> None:
    """Print what is measured, one line each."""
    told = [
        SeenObject("bucket", f"raw/{n % 7}/export-{n:07}.csv", f"{ETAG}@1767225600", ETAG, 123, LANDED)
        for n in range(objects)
    ]
    pages = [told[start : start + PAGE] for start in range(0, objects, PAGE)]
    with closing(Book(url)) as book:
        book.enroll(KEY, "flow", "trigger")

        def observe(page: list[SeenObject]) -> object:
            return book.observe(KEY, "CREATE_OR_UPDATE", page, source="poll", prefix="raw/")

        started = time.perf_counter()
        for page in pages:
            observe(page)
        print(f"{PAGE} new objects: {(time.perf_counter() - started) / len(pages) * 1000:.1f} ms")
        known = [measured(lambda page=page: observe(page)) for _ in range(5) for page in pages]  # type: ignore[misc]
        print(f"{PAGE} known objects: {min(known) * 1000:.2f} ms, the fastest of {len(known)}")
        print(f"{objects} known objects: {measured(lambda: [observe(page) for page in pages]):.2f} s")
        for size in (20, 1):
            course(book, size)


def measured(what: Callable[[], object]) -> float:
    """How many seconds it takes."""
    started = time.perf_counter()
    what()
    return time.perf_counter() - started


def course(book: Book, size: int) -> None:
    """A thousand objects from claimed to moved, in batches of that size."""
    processor = time.process_time()
    clock = [time.perf_counter()]
    batches = book.claim(KEY, OWNER, LEASE, runs=PAGE // size, size=size, max_bytes=400_000)
    clock.append(time.perf_counter())
    batches = [
        book.staged(batch, OWNER, {claimed.id: f"kestra:///{claimed.id}.csv" for claimed in batch.objects})
        for batch in batches
    ]
    clock.append(time.perf_counter())
    batches = [book.started(batch, OWNER, batch.key) for batch in batches]
    clock.append(time.perf_counter())
    batches = [book.ended(batch, OWNER, succeeded=True, has_action=True) for batch in batches]
    clock.append(time.perf_counter())
    for batch in batches:
        book.moved(batch, OWNER, [claimed.id for claimed in batch.objects])
    clock.append(time.perf_counter())
    steps = [f"{(after - before) * 1000:.0f}" for before, after in pairwise(clock)]
    print(
        f"batches of {size}: {PAGE / (clock[3] - clock[0]):.0f} objects/s from claimed to started; "
        f"claim, stage, start, end, move: {', '.join(steps)} ms for {PAGE}, "
        f"{(time.process_time() - processor) * 1000:.0f} ms of them on the processor"
    )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        main(sys.argv[1] if len(sys.argv) > 1 else f"sqlite:///{Path(folder) / 'book.db'}", 20_000)
