"""Every line that a run logs: kept whole in a file, and passed on to whoever shows it."""

from __future__ import annotations

import json
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import overload

from wdprefect.execution.records import LogRecord, TaskRun, now
from wdprefect.masking import Masker
from wdprefect.model.ports import Level

Sink = Callable[[LogRecord], None]
# `json.dumps` makes an encoder for each call.
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_ORDER: dict[Level, int] = {"TRACE": 0, "DEBUG": 1, "INFO": 2, "WARN": 3, "ERROR": 4}


class LogBook(Sequence[LogRecord]):
    """The log of one run, in order of arrival. Records live in a temporary file, not in memory."""

    def __init__(self, masker: Masker, sinks: Sequence[Sink] = ()) -> None:
        self._masker, self._sinks = masker, tuple(sinks)
        # Open as long as somebody holds the log; its name is gone from the start.
        self._file = tempfile.TemporaryFile("w+", encoding="utf-8", errors="surrogatepass")  # noqa: SIM115
        # Not left to the file itself: one that is collected while it is open warns.
        weakref.finalize(self, self._file.close)
        self._count = 0
        self._errors: list[LogRecord] = []
        self._lock = threading.Lock()

    def write(self, record: LogRecord) -> None:
        """Keep a record and pass it on, its secrets hidden."""
        message, value = self._masker.hide(record.message), record.value and self._masker.hide(record.value)
        if message is not record.message or value is not record.value:
            record = replace(record, message=message, value=value)
        with self._lock:
            self._file.write(_line(record))
            self._count += 1
            if record.level == "ERROR":
                self._errors.append(record)
        for sink in self._sinks:
            sink(record)

    def task(self, run: TaskRun, threshold: Level | None = None, *, to_file: bool = False) -> TaskLogBook:
        """The log of one task run. Lines below the threshold are not kept."""
        return TaskLogBook(self, run, _ORDER[threshold or "TRACE"], to_file)

    @property
    def errors(self) -> list[LogRecord]:
        """The records of level ERROR so far."""
        return list(self._errors)

    def save(self, path: Path) -> None:
        """Write the whole log to a file, one JSON object a line."""
        with self._lock:
            self._file.seek(0)
            with path.open("w", encoding="utf-8", errors="surrogatepass") as target:
                target.writelines(self._file)
            self._file.seek(0, 2)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[LogRecord]:
        with self._lock:
            self._file.seek(0)
            lines = self._file.readlines()
            self._file.seek(0, 2)
        return map(_record, lines)

    @overload
    def __getitem__(self, index: int) -> LogRecord: ...
    @overload
    def __getitem__(self, index: slice) -> list[LogRecord]: ...
    def __getitem__(self, index: int | slice) -> LogRecord | list[LogRecord]:
        return list(self)[index]


class TaskLogBook:
    """The TaskLog of one task run."""

    def __init__(self, book: LogBook, run: TaskRun, threshold: int, to_file: bool) -> None:  # noqa: FBT001  made in one place
        self._book, self._run, self._threshold, self._to_file = book, run, threshold, to_file

    def write(self, level: Level, message: str) -> None:
        if _ORDER[level] >= self._threshold:
            run = self._run
            self._book.write(LogRecord(now(), level, message, run.task_id, run.id, run.shown_value, self._to_file))


def _line(record: LogRecord) -> str:
    fields = [
        record.time.isoformat(),
        record.level,
        record.task_id,
        record.task_run_id,
        record.value,
        record.message,
        record.to_file,
    ]
    return _encode(fields) + "\n"


def _record(line: str) -> LogRecord:
    time, level, task_id, task_run_id, value, message, to_file = json.loads(line)
    return LogRecord(datetime.fromisoformat(time), level, message, task_id, task_run_id, value, to_file)
