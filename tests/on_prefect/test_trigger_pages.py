"""The page of a trigger in Prefect's UI: when it is written, and what it shows of foreign text."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.fakes import MemoryStorage
from tests.running import flow_of
from tests.workspace.watching import wait_until
from wdprefect.intake.book import open_book
from wdprefect.intake.book_views import TriggerSummary
from wdprefect.intake.duty import Duty
from wdprefect.intake.watch import Watch
from wdprefect.model.stop import Stop
from wdprefect.on_prefect.trigger_pages import TriggerPages, page_key

LOG = "- {id: say, type: io.kestra.plugin.core.log.Log, message: hello}"


class Kept:
    """Pages by key, every version of them."""

    def __init__(self) -> None:
        self.pages: list[tuple[str, str]] = []

    def show(self, key: str, page: str, description: str) -> None:
        self.pages.append((key, page))


def duty() -> Duty:
    none: Any = None
    return Duty(
        flow=flow_of(LOG),
        trigger_id="t",
        state_key="team_made_t",
        watch=Watch("inbox", prefix="raw/"),
        wanted="CREATE",
        client=none,
        storage=MemoryStorage(),
        action="NONE",
        archive=None,
        failures=None,
        size=1,
        limit=1,
        interval=timedelta(seconds=1),
    )


@contextmanager
def at_work(pages: TriggerPages) -> Iterator[None]:
    stop = Stop()
    thread = threading.Thread(target=pages.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.request()
        thread.join(30)


def test_written_when_something_has_changed(tmp_path: Path) -> None:
    """The page is written at once, again when the trigger fails, and not when all is as it was."""
    book, kept = open_book(f"sqlite:///{tmp_path / 'book.db'}"), Kept()
    book.enroll("team_made_t", "team.made", "t")
    looks: list[int] = []
    triggers = book.triggers

    def counted() -> list[TriggerSummary]:
        looks.append(1)
        return triggers()

    book.triggers = counted  # type: ignore[method-assign]  # it is asked all the same
    with at_work(TriggerPages([duty()], book, kept, 0.01)):
        wait_until(lambda: len(looks) > 3)
        assert 1 == len(kept.pages)
        book.report("team_made_t", "AccessDenied", "cannot list <b>``` the bucket")
        wait_until(lambda: len(kept.pages) == 2)
    (first, before), (second, after) = kept.pages
    assert (first, second) == (page_key(duty()),) * 2
    assert ("# ok", "# FAILING") == (before.partition("\n")[0], after.partition("\n")[0])
    assert "````\ncannot list <b>``` the bucket\n````" in after
    book.close()
