"""Log lines on their way to Prefect: one by one while they are few, in batches under load; never lost, never cut."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from time import monotonic
from uuid import UUID

from prefect.logging import get_logger

from wdprefect.execution.records import LogRecord
from wdprefect.model.ports import Level

_LEVELS: Mapping[Level, int] = {
    "TRACE": logging.DEBUG,
    "DEBUG": logging.DEBUG,
    "INFO": logging.INFO,
    "WARN": logging.WARNING,
    "ERROR": logging.ERROR,
}
# Lines that may pass singly in a window: a record costs the server half a millisecond, of one line or of a hundred.
FEW = 20
WINDOW_SECONDS = 0.5
BATCH_LINES = 100
BATCH_CHARACTERS = 64_000
# Prefect drops a record of more than a million bytes; a character has up to four.
LONGEST = 200_000


class LogPump:
    """Sends the records of one flow run to Prefect's loggers; a Sink, safe to use from several threads.

    `shown_under` says which Prefect task run a task run of ours is shown as. Close it when the run has ended.
    """

    def __init__(self, flow_run_id: UUID, flow_run_name: str, flow_name: str) -> None:
        self._flow = {"flow_run_id": str(flow_run_id), "flow_run_name": flow_run_name, "flow_name": flow_name}
        self._shown_under: dict[str, tuple[str, str]] = {}
        self._held: dict[str, list[LogRecord]] = {}
        self._lock = threading.Lock()
        self._batch: list[LogRecord] = []
        self._size = 0
        self._window_start, self._passed = 0.0, 0
        self._timer: threading.Timer | None = None

    def hold(self, task_run_id: str) -> None:
        """Keep the lines of a task run of ours until it is known where they are shown."""
        with self._lock:
            self._held[task_run_id] = []

    def show(self, task_run_id: str, prefect_id: UUID, name: str) -> None:
        """From now on the lines of a task run of ours are shown under that Prefect task run."""
        with self._lock:
            self._shown_under[task_run_id] = (str(prefect_id), name)
            for record in self._held.pop(task_run_id, ()):
                self._take(record)

    def __call__(self, record: LogRecord) -> None:
        if record.to_file:
            return
        with self._lock:
            held = self._held.get(record.task_run_id or "")
            if held is None:
                self._take(record)
            else:
                held.append(record)

    def close(self) -> None:
        """Send what waits. May be called twice."""
        with self._lock:
            for held in self._held.values():
                for record in held:
                    self._take(record)
            self._held.clear()
            self._flush()
            if self._timer:
                self._timer.cancel()
                self._timer = None

    def _take(self, record: LogRecord) -> None:
        if self._batch or not self._may_pass():
            self._add(record)
        else:
            self._send([record])

    def _time_is_over(self) -> None:
        with self._lock:
            self._timer = None
            self._flush()

    def _may_pass(self) -> bool:
        time = monotonic()
        if time - self._window_start > WINDOW_SECONDS:
            self._window_start, self._passed = time, 0
        self._passed += 1
        return self._passed <= FEW

    def _add(self, record: LogRecord) -> None:
        last = self._batch[-1] if self._batch else record
        if (last.task_run_id, last.level) != (record.task_run_id, record.level):
            self._flush()
        self._batch.append(record)
        self._size += len(record.message)
        if len(self._batch) >= BATCH_LINES or self._size >= BATCH_CHARACTERS:
            self._flush()
        # One that runs already sends the batch sooner: to make one for each costs as much as the lines in it.
        elif self._timer is None:
            self._timer = threading.Timer(WINDOW_SECONDS, self._time_is_over)
            self._timer.daemon = True
            self._timer.start()

    def _flush(self) -> None:
        if self._batch:
            batch, self._batch, self._size = self._batch, [], 0
            self._send(batch)

    def _send(self, records: list[LogRecord]) -> None:
        first = records[0]
        message = "\n".join(record.message for record in records)
        shown = self._shown_under.get(first.task_run_id or "")
        extra = dict(self._flow)
        if shown:
            extra |= {"task_run_id": shown[0], "task_run_name": shown[1], "task_name": first.task_id or shown[1]}
        logger = get_logger("prefect.task_runs" if shown else "prefect.flow_runs")
        for start in range(0, max(len(message), 1), LONGEST):
            part = message[start : start + LONGEST]
            # The message is an argument: it is text, not a format.
            logger.log(_LEVELS[first.level], "%s", part, extra=extra)
