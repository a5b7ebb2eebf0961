"""How triggers do, as pages in the Prefect UI: one artifact for each, which has its history there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Protocol

from wdprefect.errors import WdprefectError
from wdprefect.intake.book import Book
from wdprefect.intake.book_views import TriggerSummary
from wdprefect.intake.duty import Duty
from wdprefect.model.conversions import iso_moment
from wdprefect.model.stop import Stop
from wdprefect.on_prefect.artifacts import artifact_key
from wdprefect.on_prefect.markdown import block, code

EVERY_SECONDS = 30.0


class Shows(Protocol):
    """Keeps pages under keys."""

    def show(self, key: str, page: str, description: str) -> None: ...


class TriggerPages:
    """Keeps the page of each trigger new: written when something has changed, and not more often than every period."""

    def __init__(self, duties: Sequence[Duty], book: Book, shows: Shows, period_seconds: float = EVERY_SECONDS) -> None:
        self._duties, self._book, self._shows, self._period = duties, book, shows, period_seconds
        self._written: dict[str, str] = {}

    def run(self, stop: Stop) -> None:
        """Until the stop."""
        while not stop.requested:
            # Where the API or the book is away others speak of it; the next time comes.
            with suppress(WdprefectError):
                self._write()
            stop.wait(self._period)

    def _write(self) -> None:
        found = {summary.state_key: summary for summary in self._book.triggers()}
        for duty in self._duties:
            page = page_of(duty, found)
            if page and self._written.get(duty.name) != page:
                self._shows.show(page_key(duty), page, f"S3 trigger {code(duty.name)}")
                self._written[duty.name] = page


def page_key(duty: Duty) -> str:
    """The key of a trigger's artifact."""
    return artifact_key(duty.flow.name, f"trigger.{duty.trigger_id}")


def page_of(duty: Duty, found: Mapping[str, TriggerSummary]) -> str | None:
    """How a trigger does, without times that change although nothing happens."""
    summary = found.get(duty.state_key)
    if summary is None:
        return None
    counts = ", ".join(f"{count:,} {status}" for status, count in sorted(summary.counts.items())) or "none yet"
    lines = [
        f"# {'FAILING' if summary.health.errors else 'ok'}",
        "",
        f"- watches {code(f's3://{duty.watch.bucket}/{duty.watch.prefix}')} since {iso_moment(summary.since)}",
        f"- objects: {counts}",
        f"- runs going on: {summary.runs}",
        f"- last success: {_when(summary.last_success)}",
        f"- last failure: {_when(summary.last_failure)}",
    ]
    if summary.health.errors:
        lines += [
            "",
            f"{summary.health.errors} errors in a row, the last one at {_when(summary.health.last_error)}:",
            "",
        ]
        lines += block(summary.health.text or summary.health.code or "")
    look = f"wdprefect trigger show {duty.name}"
    return "\n".join([*lines, "", f"See each object: {code(look)}", ""])


def _when(moment: datetime | None) -> str:
    return iso_moment(moment.replace(microsecond=0)) if moment else "never"
