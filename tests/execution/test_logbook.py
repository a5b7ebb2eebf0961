"""The log of a run."""

from __future__ import annotations

import gc
import json
import threading
import warnings
from pathlib import Path

from wdprefect.errors import Position
from wdprefect.execution.logbook import LogBook
from wdprefect.execution.records import LogRecord, TaskRun, now
from wdprefect.masking import Masker


def a_run(value: str | None = None) -> TaskRun:
    return TaskRun(id="r1", task_id="say", type="t", at=Position("f", 1, 1), value=value)


def test_order_and_sequence() -> None:
    """The log is a sequence of its records in the order in which they came, whole and unchanged."""
    book = LogBook(Masker())
    records = [
        LogRecord(now(), "INFO", text, "say", "r1", "v", to_file=True) for text in ("one", "two\nlines", "é\u2028")
    ]
    for record in records:
        book.write(record)
    assert records == list(book)
    assert (3, records[1], records[1:]) == (len(book), book[1], book[1:])
    book.write(records[0])
    assert [*records, records[0]] == list(book)


def test_half_a_character() -> None:
    """A line of a program whose bytes are no UTF-8 is kept."""
    book = LogBook(Masker())
    book.task(a_run()).write("INFO", "caf\udce9")
    assert "caf\udce9" == book[0].message


def test_secrets() -> None:
    """Secrets are hidden from the file, from who watches and from the list of errors."""
    masker, seen = Masker(), list[LogRecord]()
    masker.register("correct-horse")
    book = LogBook(masker, [seen.append])
    book.task(a_run("v")).write("ERROR", "with correct-horse\nand more")
    expected = "with ********\nand more"
    assert [expected] * 3 == [seen[0].message, book[0].message, book.errors[0].message]
    assert ("say", "r1", "v") == (seen[0].task_id, seen[0].task_run_id, seen[0].value)


def test_threshold() -> None:
    """What lies below the level of a task is not kept."""
    book = LogBook(Masker())
    log = book.task(a_run(), "WARN")
    for level in ("TRACE", "DEBUG", "INFO", "WARN", "ERROR"):
        log.write(level, level)
    assert ["WARN", "ERROR"] == [record.message for record in book]


def test_threads(tmp_path: Path) -> None:
    """Several threads may write while others read and save: no line is lost or torn, each thread's stay in order."""
    book = LogBook(Masker())

    def write(name: str) -> None:
        for i in range(200):
            book.task(a_run(name)).write("INFO", f"{i} " + "x" * 50)

    threads = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        assert len(list(book)) <= 800
        book.save(tmp_path / "log.jsonl")
    for thread in threads:
        thread.join()
    for name in "abcd":
        assert list(range(200)) == [int(r.message.split()[0]) for r in book if r.value == name]
    book.save(tmp_path / "log.jsonl")
    assert 800 == len([json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()])


def test_goes_without_a_word() -> None:
    """A log that nobody holds any more closes its file."""
    # Garbage of other tests goes first: sockets that Prefect's clients left open, processes.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gc.collect()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        book = LogBook(Masker())
        book.task(a_run()).write("INFO", "x")
        del book
        gc.collect()
    texts = [str(warning.message) for warning in told]
    assert [] == [text for text in texts if not text.startswith("unclosed <socket")]
