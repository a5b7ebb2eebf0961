"""From listed to claimed: what the book takes, and apart from it a HEAD of each object and its staging."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.event_sides import load
from tests.servers.ministack import Ministack, NotifiedBucket
from tests.servers.postgres import find_programs, running_postgres
from wdprefect.intake.book import Book, open_book
from wdprefect.intake.desk import LEASE
from wdprefect.intake.objects import SeenObject
from wdprefect.intake.sources.pushed import WORKERS
from wdprefect.intake.staging import stage
from wdprefect.intake.versions import look
from wdprefect.model.parallel import in_parallel
from wdprefect.storage import open_storage

OBJECTS, PAGE, REAL = 10_000, 1000, 500
STATE_KEY, OWNER, RUNS = "benchmark", "benchmark/1", 16
MOST_BYTES = 400_000


def print_claims(folder: Path, store: Ministack) -> None:
    """Print objects a second."""
    folder.mkdir()
    _print_book("SQLite", f"sqlite:///{folder}/book.db", f"sqlite:///{folder}/book-2.db")
    programs = find_programs()
    if programs:
        with running_postgres(programs) as server:
            if server:
                _print_book("PostgreSQL", server.new_schema(), server.new_schema())
    with store.notified() as bucket:
        _print_real(folder, bucket)


def _print_book(name: str, *urls: str) -> None:
    for size, url in zip((1, 100), urls, strict=True):
        with closing(open_book(url)) as book:
            book.enroll(STATE_KEY, "benchmark", "arrived")
            observing = _timed(lambda: _observe(book))
            claiming = _timed(lambda: _claim(book, size))  # noqa: B023  as above
        both = OBJECTS / (observing + claiming)
        parts = f"observed {OBJECTS / observing:.0f}/s, claimed {OBJECTS / claiming:.0f}/s"
        print(
            f"{f'listed to claimed, {name}, batches of {size}':42} {both:.0f} objects/s ({parts}), {load()}", flush=True
        )


def _observe(book: Book) -> None:
    modified = datetime.now(timezone.utc).replace(microsecond=0) - timedelta(minutes=1)
    objects = [_seen(number, modified) for number in range(OBJECTS)]
    for start in range(0, OBJECTS, PAGE):
        book.observe(STATE_KEY, "CREATE_OR_UPDATE", objects[start : start + PAGE], source="poll")


def _claim(book: Book, size: int) -> None:
    claimed = 0
    while batches := book.claim(STATE_KEY, OWNER, LEASE, runs=RUNS, size=size, max_bytes=MOST_BYTES):
        claimed += sum(len(batch.objects) for batch in batches)
    assert claimed == OBJECTS, claimed


def _seen(number: int, modified: datetime) -> SeenObject:
    etag = f"{number:032x}"
    return SeenObject("bucket", f"raw/{number % 10}/{number}.csv", f"{etag}@{number}", etag, number, modified)


def _print_real(folder: Path, bucket: NotifiedBucket) -> None:
    keys = [f"raw/{number}" for number in range(REAL)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(bucket.put, keys))
        found: list[Any] = []
    with ThreadPoolExecutor(WORKERS) as pool:
        heads = _timed(lambda: found.extend(pool.map(lambda key: look(bucket.s3, bucket.name, key), keys)))
    storage = open_storage(f"file://{folder}/storage")
    staging = _timed(
        lambda: in_parallel(lambda one: stage(bucket.s3, storage, one, f"kestra:///staged/{one.key}", {}), found)
    )
    print(f"{'a HEAD of each, ministack':42} {REAL / heads:.0f} objects/s, {load()}")
    print(f"{'staging each into a folder, ministack':42} {REAL / staging:.0f} objects/s, {load()}", flush=True)


def _timed(work: Any) -> float:
    began = perf_counter()
    work()
    return perf_counter() - began
