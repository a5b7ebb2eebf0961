"""The record of task runs in the storage: one JSON object for each that has finished, written before it is reported.

It is the only truth about what has been done. Secrets are hidden in it.
"""

from __future__ import annotations

import asyncio
import contextvars
import json
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import asdict
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from wdprefect.execution.records import Attempt, Metric, TaskRun
from wdprefect.masking import Masker
from wdprefect.model.conversions import iso_duration
from wdprefect.model.ports import Storage, StoredFile

# Entries that come so close after one another are written together: to wake the writer for each would cost the run
# three times what the writing does. A killed run loses no more than the entries of its last children.
TOGETHER_SECONDS = 0.02


class Ledger:
    """The entries of one execution, below `<execution>/ledger/` of the storage.

    They are made and written in a thread of their own, in order, so that the next child of a WorkingDirectory need not
    wait; `flushed` waits for them, before a state is reported. Close it when the run has ended.
    """

    def __init__(self, storage: Storage, execution_uri: str, masker: Masker) -> None:
        self._storage, self._uri, self._masker = storage, execution_uri, masker
        self._changed = threading.Condition()
        self._entries: list[tuple[TaskRun, int]] = []
        self._waiting: list[Future[None]] = []
        self._closed = False
        self._failure: Exception | None = None
        # For whom the storage is waited for there is known to the context of whoever makes this.
        work = contextvars.copy_context().run
        self._writer = threading.Thread(target=work, args=(self._work,), name="wdprefect-ledger", daemon=True)

    def open(self) -> None:
        """Write where the execution is kept, so that it can be found by its id alone."""
        execution_id = self._uri.rpartition("/")[2]
        self._write(pointer_uri(execution_id), {"uri": self._uri})
        self._writer.start()

    def record(self, run: TaskRun, number: int) -> None:
        """Write the entry of a finished task run; `number` is its place in the order of creation."""
        with self._changed:
            self._entries.append((run, number))
            if len(self._entries) == 1:
                self._changed.notify()

    async def flushed(self) -> None:
        """Return when all that was recorded is written. Raises what went wrong with it, once."""
        written: Future[None] = Future()
        with self._changed:
            self._waiting.append(written)
            self._changed.notify()
        await asyncio.wrap_future(written)

    def close(self, facts: Mapping[str, Any] | None) -> None:
        """Wait for the entries, then write what the execution came to: the last object of a run."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._writer.join()
        if failure := self._taken_failure():
            raise failure
        if facts is not None:
            self._write(f"{self._uri}/execution.json", facts)

    def _work(self) -> None:
        is_open = True
        while is_open:
            with self._changed:
                self._changed.wait_for(lambda: self._entries or self._is_urgent())
                self._changed.wait_for(self._is_urgent, TOGETHER_SECONDS)
                entries, self._entries = self._entries, []
                waiting, self._waiting = self._waiting, []
                is_open = not self._closed
            for run, number in entries:
                self._write_entry(run, number)
            for written in waiting:
                self._answer(written)

    def _is_urgent(self) -> bool:
        return bool(self._waiting) or self._closed

    def _answer(self, written: Future[None]) -> None:
        if not written.set_running_or_notify_cancel():
            return
        if failure := self._taken_failure():
            written.set_exception(failure)
        else:
            written.set_result(None)

    def _write_entry(self, run: TaskRun, number: int) -> None:
        try:
            facts = entry(run, self._masker)
            self._write(f"{self._uri}/ledger/{number:05}-{run.id}.json", facts)
        except Exception as error:  # noqa: BLE001  it goes on where somebody waits for it
            self._failure = self._failure or error

    def _taken_failure(self) -> Exception | None:
        failure, self._failure = self._failure, None
        return failure

    def _write(self, uri: str, facts: Mapping[str, Any]) -> None:
        self._storage.put(uri, to_json(facts).encode("utf-8", "surrogatepass"))


def pointer_uri(execution_id: str) -> str:
    """Where it is kept where an execution is kept."""
    return f"kestra:///_runs/{execution_id}.json"


def entry(run: TaskRun, masker: Masker) -> dict[str, Any]:
    """A task run as plain data, secrets hidden in all that does not come from the flow's file or from us.

    So a secret such as `2026` does not spoil dates, or ids by which the entry is found.
    """
    foreign = {"value": run.value, "values": run.values, "outputs": run.outputs, "error": run.error}
    own: dict[str, Any] = {
        "id": run.id,
        "taskId": run.task_id,
        "type": run.type,
        "parentId": run.parent_id,
        "iteration": run.iteration,
        "state": run.state,
        "attempts": [_attempt(attempt) for attempt in run.attempts],
        "files": [_file(name, file, masker) for name, file in run.files.items()],
        "metrics": [_metric(metric, masker) for metric in run.metrics],
        "at": str(run.at),
        "started": run.started,
        "ended": run.ended,
    }
    return {**plain(own), **masker.hide_in(plain(foreign))}


def _file(name: str, file: StoredFile, masker: Masker) -> dict[str, Any]:
    return {"name": masker.hide(name), **asdict(file), "uri": masker.hide(file.uri)}


def _metric(metric: Metric, masker: Masker) -> dict[str, Any]:
    return {**asdict(metric), "name": masker.hide(metric.name), "tags": masker.hide_in(metric.tags)}


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return {"state": attempt.state, "started": attempt.started, "ended": attempt.ended}


def plain(value: Any) -> Any:
    """The value with nothing in it but what JSON has: moments and lengths of time in ISO 8601."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return iso_duration(value)
    if isinstance(value, Decimal):
        return float(value)
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def to_json(value: Any) -> str:
    """Compact JSON of plain data."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
