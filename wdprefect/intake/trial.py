"""What a trigger would take now: its bucket is listed as a poll does, and nothing is written or started."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest

from wdprefect.intake.book import Book
from wdprefect.intake.book_sightings import lane_of
from wdprefect.intake.duty import Duty
from wdprefect.intake.listener import Begin
from wdprefect.intake.objects import Foretold, Observed, SeenObject
from wdprefect.intake.sources.outcomes import fault_of
from wdprefect.intake.sources.poll import PERMISSION, Poller
from wdprefect.intake.watch import Watched


@dataclass(frozen=True, slots=True)
class Tried:
    """An object that the listing shows, and what would become of it, as `observe` would say."""

    seen: SeenObject
    foretold: Foretold


@dataclass(frozen=True, slots=True)
class Trial:
    """What a poll would do. listed: all keys, also those that are not wanted. batches: the objects of each run.

    left: what is known already, or not wanted; `batches` has all others.
    """

    listed: int
    batches: Sequence[Sequence[Tried]]
    left: Sequence[Tried]


class CannotPoll(Exception):
    """The bucket cannot be listed; the text says why and what to do.

    is_passing: nobody answers, or who does is out of order: it may be listed another time although nobody does
    anything. Else it is refused.
    """

    def __init__(self, text: str, *, is_passing: bool) -> None:
        self.is_passing = is_passing
        super().__init__(text)


def try_out(duty: Duty, book: Book | None, begin: Begin) -> Trial:
    """Poll once without consequences.

    begin: as for a listener, where the trigger was never listened for. Raises CannotPoll, and what the book raises.
    """
    seen: list[SeenObject] = []

    def show(objects: Sequence[SeenObject]) -> list[Observed]:
        seen.extend(objects)
        return []

    watched = Watched(duty.watch, duty.client, show)
    try:
        listed = Poller(watched).poll().seen
    except Exception as error:
        doing = f"list the bucket '{duty.watch.bucket}' at {duty.client.meta.endpoint_url}"
        fault = fault_of(error, doing, PERMISSION, later="try again later")
        raise CannotPoll(fault.text, is_passing=fault.is_passing) from error
    tried = [Tried(one, foretold) for one, foretold in zip(seen, _foretold(duty, book, begin, seen), strict=True)]
    waiting = [one for one in tried if one.foretold.status == "seen"]
    return Trial(listed, _batches(duty, waiting), [one for one in tried if one.foretold.status != "seen"])


def _foretold(duty: Duty, book: Book | None, begin: Begin, seen: Sequence[SeenObject]) -> list[Foretold]:
    is_new = book is None or duty.state_key not in {one.state_key for one in book.triggers() if one.has_baseline}
    # As at a listener's first start: what is there is the baseline, and so is what was overwritten before.
    old = [is_new and (begin == "now" or not one.is_current) for one in seen]
    if book is None:
        return [Foretold(None, "ignored" if is_old else "seen", "CREATE") for is_old in old]
    answers = {
        is_old: iter(
            book.foretell(
                duty.state_key,
                duty.wanted,
                [one for one, has in zip(seen, old, strict=True) if has is is_old],
                baseline=is_old,
            )
        )
        for is_old in (True, False)
    }
    return [next(answers[is_old]) for is_old in old]


def _batches(duty: Duty, waiting: Sequence[Tried]) -> list[list[Tried]]:
    """Lanes take turns, the oldest object of each first, as the book does it."""
    lanes: dict[str, list[Tried]] = {}
    for one in sorted(waiting, key=lambda one: one.seen.modified):
        lanes.setdefault(lane_of(one.seen.key, duty.watch.prefix), []).append(one)
    rounds = chain.from_iterable(zip_longest(*(lanes[name] for name in sorted(lanes))))
    ordered = [one for one in rounds if one is not None]
    return [ordered[start : start + duty.size] for start in range(0, len(ordered), duty.size)]
