"""A process that takes objects in and runs with them, until it is killed or nothing is left."""

from __future__ import annotations

import os
import time
from contextlib import closing, suppress
from datetime import timedelta
from pathlib import Path
from random import Random

from tests.intake.book.notebook import KEY, seen
from wdprefect.intake.book import Book, LeaseLost
from wdprefect.intake.objects import Batch

LEASE = timedelta(seconds=1)
OBJECTS = [seen(f"{n % 7}/{n:04}") for n in range(240)]
PAGE = 50


def work(url: str, runs: Path, seed: int) -> None:
    """Tell of all objects, page by page, and meanwhile do what there is to do. A run is a file with its key as name."""
    with closing(Book(url)) as book:
        worker, pages = _Worker(book, runs, Random(seed)), list(range(0, len(OBJECTS), PAGE))  # noqa: S311  no secret
        worker.choice.shuffle(pages)
        for start in pages:
            book.observe(KEY, "CREATE", OBJECTS[start : start + PAGE], source="poll")
            worker.turn()
        while not worker.is_done():
            worker.turn()


class _Worker:
    def __init__(self, book: Book, runs: Path, choice: Random) -> None:
        self.book, self.runs, self.choice = book, runs, choice
        self.owner = f"{os.getpid()} {choice.random()}"

    def turn(self) -> None:
        self.book.renew(self.owner, LEASE)
        for batch in self.book.take_over(self.owner, LEASE, [KEY]):
            self.go_on(batch)
        for batch in self.book.claim(KEY, self.owner, LEASE, runs=3, size=2, max_bytes=10_000):
            self.go_on(batch)

    def go_on(self, batch: Batch) -> None:
        with suppress(LeaseLost):
            if batch.status == "claimed":
                uris = {claimed.id: f"kestra:///{claimed.seen.key}" for claimed in batch.objects}
                batch = self.book.staged(batch, self.owner, uris)
            self.breathe()
            if batch.status == "staged":
                self.create_run(batch)
                self.breathe()
                batch = self.book.started(batch, self.owner, batch.key)
            self.breathe()
            batch = self.book.ended(batch, self.owner, succeeded=True, has_action=True)
            self.book.moved(batch, self.owner, [claimed.id for claimed in batch.objects])

    def breathe(self) -> None:
        # Here, too, one may be killed.
        time.sleep(self.choice.random() * 0.004)

    def create_run(self, batch: Batch) -> None:
        # Whole or not at all, and once for each key, as Prefect's API does it.
        draft = self.runs / f"draft {self.owner}"
        draft.write_text("\n".join(claimed.seen.key for claimed in batch.objects))
        with suppress(FileExistsError):
            os.link(draft, self.runs / f"run {batch.key.replace('/', ' ')}")
        draft.unlink()

    def is_done(self) -> bool:
        for batch in self.book.unfinished_actions(self.owner, LEASE, [KEY]):
            self.book.moved(batch, self.owner, [claimed.id for claimed in batch.objects])
        return {"moved": len(OBJECTS)} == self.book.triggers()[0].counts
