"""Three processes on one book, killed again and again."""

from __future__ import annotations

import multiprocessing
import time
from collections import Counter
from contextlib import closing
from multiprocessing.process import BaseProcess
from pathlib import Path
from random import Random

import pytest

from tests.intake.book.notebook import KEY
from tests.intake.book.worker import OBJECTS, work
from wdprefect.intake.book import Book

KILLS = 12
RUNS_BETWEEN = 8


@pytest.mark.slow
def test_under_fire(book_address: str, tmp_path: Path) -> None:
    """However often processes are killed, each object has one run, and the book knows how it ended."""
    runs = tmp_path / "runs"
    runs.mkdir()
    with closing(Book(book_address)) as book:
        book.enroll(KEY, "flow", "trigger")
    context, choice = multiprocessing.get_context("forkserver"), Random(7)  # noqa: S311  no secret
    context.set_forkserver_preload([work.__module__])

    def started(seed: int) -> BaseProcess:
        process = context.Process(target=work, args=(book_address, runs, seed))
        process.start()
        return process

    processes = [started(seed) for seed in range(3)]
    for kill in range(1, KILLS + 1):
        while len(list(runs.glob("run *"))) < kill * RUNS_BETWEEN:
            time.sleep(choice.uniform(0.001, 0.02))
        # The one that is at work for the longest time.
        victim = processes.pop(0)
        victim.kill()
        victim.join()
        processes.append(started(3 + kill))
    for process in processes:
        process.join()
    assert [0, 0, 0] == [process.exitcode for process in processes]

    ran = Counter(key for run in runs.glob("run *") for key in run.read_text().splitlines())
    assert {told.key: 1 for told in OBJECTS} == ran
    with closing(Book(book_address)) as book:
        assert {"moved": len(OBJECTS)} == book.triggers()[0].counts
        assert 0 == book.running(KEY)
