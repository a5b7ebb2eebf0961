"""A process that listens: the sources of its triggers, the desks that work on what they show, and its leases."""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timezone
from functools import partial
from typing import Literal, overload

from wdprefect.errors import UsageError, WdprefectError
from wdprefect.intake.book import Book
from wdprefect.intake.desk import LEASE, Desk
from wdprefect.intake.duty import Duty
from wdprefect.intake.guarded import Guarded, Work
from wdprefect.intake.health import Health
from wdprefect.intake.objects import Observed, SeenObject
from wdprefect.intake.runs import Runs
from wdprefect.intake.sources.outcomes import Outcome
from wdprefect.intake.sources.poll import Polling
from wdprefect.intake.sources.sqs import Queue
from wdprefect.intake.sources.webhook import Webhook, WebhookSettings
from wdprefect.intake.watch import Watched
from wdprefect.model.stop import Stop

Begin = Literal["now", "beginning"]
RENEW_SECONDS = LEASE.total_seconds() / 3


class Listener:
    """Listens for the triggers of its duties.

    begin: whether a trigger that was never listened for takes what is there already. on_renewed: called whenever the
    book has confirmed that what this process works on is its own. webhook: where stores may post, if anywhere; its
    `/health` answers as `troubles` says.
    """

    def __init__(
        self,
        duties: Sequence[Duty],
        book: Book,
        runs: Runs,
        health: Health,
        begin: Begin,
        on_renewed: Callable[[], None],
        webhook: WebhookSettings | None = None,
    ) -> None:
        self.owner = f"{socket.gethostname()}/{os.getpid()}/{secrets.token_hex(4)}"
        self._book, self._health, self._on_renewed = book, health, on_renewed
        self._guarded, self._renewed = Guarded(), time.monotonic()
        self._intakes = [_Intake(self._desk(duty, runs), book, begin) for duty in duties]
        self._queues = list(self._make_queues())
        report = partial(self._report, duties)
        watches = _Watches(self._intakes, "webhook")
        self._webhook = Webhook(watches, report, self._with_health(webhook)) if webhook else None

    @property
    def troubles(self) -> list[str]:
        """What is wrong now, in words; nothing where the leases were renewed lately and no trigger fails."""
        late = time.monotonic() - self._renewed > LEASE.total_seconds()
        return [*(["the leases are not renewed"] if late else []), *self._health.failing]

    @contextmanager
    def leasing(self) -> Iterator[None]:
        """While the block runs, what this process works on is its own; afterwards others may take it over."""
        over = Stop()
        thread = self._guarded.start("lease", self._renew, over)
        try:
            yield
        finally:
            over.request()
            thread.join()
            with suppress(WdprefectError):
                # Without it others wait for the leases to end.
                self._book.release(self.owner)

    def open(self) -> str | None:
        """Make the triggers known to the book, and take the webhook's port: its address, if there is one."""
        for what, names in {
            "the name": [intake.duty.name for intake in self._intakes],
            "the state key": [intake.duty.state_key for intake in self._intakes],
        }.items():
            if twice := [name for name, count in Counter(names).items() if count > 1]:
                raise UsageError(
                    f"several triggers have {what} '{twice[0]}': give each a 'stateKey' and a name of its own"
                )
        for intake in self._intakes:
            intake.enroll()
        return self._webhook.listen() if self._webhook else None

    def listen(self, stop: Stop, beside: Mapping[str, Work] | None = None) -> None:
        """Until the request to stop; then what is half done is finished. Runs go on. Once it is open, and `leasing`.

        beside: what else is to be done meanwhile. Raises Broken when something of all this has ended by a mistake.
        """
        works: dict[str, Work] = dict(beside or {})
        for intake in self._intakes:
            works[f"poll-{intake.duty.name}"] = self._polling(intake).run
            works[f"desk-{intake.duty.name}"] = intake.desk.work
        works |= {f"queue-{number}": queue.run for number, queue in enumerate(self._queues)}
        if self._webhook:
            works["webhook"] = self._webhook.run
        self._guarded.run(works, stop)

    def broken(self, name: str, error: BaseException) -> None:
        """Something else, on which this depends, has ended by a mistake: end with it."""
        self._guarded.broken(name, error)

    @property
    def duties(self) -> list[Duty]:
        """What it has to do, as its triggers say now."""
        return [intake.duty for intake in self._intakes]

    def hurry(self) -> None:
        """A run has ended: look at them."""
        for intake in self._intakes:
            intake.desk.hurry()

    def _with_health(self, webhook: WebhookSettings) -> WebhookSettings:
        return replace(webhook, is_healthy=lambda: not self.troubles)

    def _desk(self, duty: Duty, runs: Runs) -> Desk:
        return Desk(duty, self._book, runs, self.owner, self._health, self._settled)

    def _settled(self, ids: Sequence[int]) -> None:
        """What queues need not tell of again."""
        for queue in self._queues:
            queue.settled(ids)

    def _polling(self, intake: _Intake) -> Polling:
        def renewed() -> Watched:
            intake.renew()
            return intake.watched("poll")

        return Polling(renewed, intake.duty.interval, partial(self._polled, intake))

    def _make_queues(self) -> Iterator[Queue]:
        """One for each queue, whoever of the triggers it tells of objects."""
        by_url: dict[str, list[_Intake]] = {}
        for intake in self._intakes:
            if intake.duty.queue_url:
                by_url.setdefault(intake.duty.queue_url, []).append(intake)
        for url, intakes in by_url.items():
            client = intakes[0].duty.queue_client
            assert client is not None, "whoever names a queue has a client for it"
            report = partial(self._report, [intake.duty for intake in intakes])
            yield Queue(client, url, _Watches(intakes, "queue"), report)

    def _report(self, duties: Sequence[Duty], outcome: Outcome) -> None:
        for duty in duties:
            self._health.source(duty, outcome)

    def _polled(self, intake: _Intake, outcome: Outcome) -> None:
        if outcome.fault is None:
            try:
                if intake.is_first:
                    self._health.line(intake.duty, intake.first_round_done())
                if intake.duty.state_ttl:
                    self._book.forget(intake.duty.state_key, intake.duty.state_ttl)
                self._health.well(intake.duty, "book")
            except WdprefectError as error:
                # The next round does it again.
                self._health.trouble(intake.duty, error, "book")
        self._health.source(intake.duty, outcome)

    def _renew(self, stop: Stop) -> None:
        while True:
            try:
                asked = time.monotonic()
                self._book.renew(self.owner, LEASE)
                # After a pause longer than the lease others have what runs here, and it has to end.
                if asked - self._renewed < LEASE.total_seconds():
                    self._on_renewed()
                self._renewed = asked
            except WdprefectError as error:
                # Without its leases nothing here can be written down any more, and others take over.
                self._health.everywhere(f"the leases cannot be renewed: {error}")
            if stop.wait(RENEW_SECONDS):
                return


class _Intake:
    """Where the sources of one trigger bring what they have seen."""

    def __init__(self, desk: Desk, book: Book, begin: Begin) -> None:
        self.desk = desk
        self.is_first = False
        self._watched: dict[str, Watched] = {}
        self._book, self._begin = book, begin
        self._since = datetime.max.replace(tzinfo=timezone.utc)
        self._there = 0

    @property
    def duty(self) -> Duty:
        return self.desk.duty

    def renew(self) -> None:
        """Have what the trigger's templates say now."""
        if self.duty.renew:
            self.desk.duty = self.duty.renew()

    def watched(self, source: str) -> Watched:
        """What a source is to look for now, and where it brings that."""
        known = self._watched.get(source)
        if known is None or known.watch != self.duty.watch:
            show = known.show if known else partial(self.show, source)
            known = self._watched[source] = Watched(self.duty.watch, self.duty.client, show)
        return known

    def enroll(self) -> None:
        """Make the trigger known to the book."""
        enrolled = self._book.enroll(self.duty.state_key, self.duty.flow.name, self.duty.trigger_id)
        # S3 tells whole seconds.
        self.is_first, self._since = enrolled.is_new, enrolled.since.replace(microsecond=0)

    def show(self, source: str, objects: Sequence[SeenObject]) -> list[Observed]:
        """Bring objects; what the book says of each. At the first start, what was there before is set apart."""
        if not self.is_first:
            return self.desk.show(objects, source)
        old = [self._is_old(one) for one in objects]
        if source == "poll":
            self._there += sum(one.modified < self._since and one.is_current for one in objects)
        shown: dict[bool, list[Observed]] = {}
        for baseline in (True, False):
            chosen = [one for one, is_old in zip(objects, old, strict=True) if is_old is baseline]
            shown[baseline] = self.desk.show(chosen, source, baseline=baseline) if chosen else []
        answers = {baseline: iter(observed) for baseline, observed in shown.items()}
        return [next(answers[is_old]) for is_old in old]

    def first_round_done(self) -> str:
        """All that was there before is known now; how much there was, in words."""
        self._book.baseline_taken(self.duty.state_key)
        self.is_first = False
        count = f"{self._there:,} object{'' if self._there == 1 else 's'}"
        if self._begin == "now":
            return f"{count} there already, left alone (--from beginning takes them)"
        return f"{count} there already, taken in (--from now leaves them alone)"

    def _is_old(self, one: SeenObject) -> bool:
        # What was overwritten before the first start was never asked for.
        return one.modified < self._since and (self._begin == "now" or not one.is_current)


class _Watches(Sequence[Watched]):
    """What triggers watch, each time as it is now."""

    def __init__(self, intakes: Sequence[_Intake], source: str) -> None:
        self._intakes, self._source = intakes, source

    def __len__(self) -> int:
        return len(self._intakes)

    @overload
    def __getitem__(self, index: int) -> Watched: ...
    @overload
    def __getitem__(self, index: slice) -> list[Watched]: ...
    def __getitem__(self, index: int | slice) -> Watched | list[Watched]:
        if isinstance(index, slice):
            return [intake.watched(self._source) for intake in self._intakes[index]]
        return self._intakes[index].watched(self._source)
