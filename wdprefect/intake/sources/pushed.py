"""Events that others send: each object is looked at before anybody is told of it, many at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from wdprefect.intake.events import ObjectEvent
from wdprefect.intake.objects import Observed, SeenObject
from wdprefect.intake.sources.outcomes import Fault, fault_of
from wdprefect.intake.versions import look
from wdprefect.intake.watch import Shown, Watched

WORKERS = 16
_PERMISSION = "s3:GetObject, s3:GetObjectVersion and s3:ListBucket; without the last a missing object looks like this"


@dataclass(slots=True)
class Taken:
    """What became of events that came together.

    entries: what was shown, by whose watch, and what the book says of it. Objects that nobody watches, and those that
    are gone, are not among them. faults: why some could not be looked at or shown; those events are to come again.
    """

    entries: list[tuple[Watched, SeenObject, Observed]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    seen: int = 0

    @property
    def shown(self) -> Shown:
        return Shown(self.seen, len(self.entries), sum(observed.is_new for _, _, observed in self.entries))

    @property
    def is_passing(self) -> bool:
        """Whether all that is wrong may pass by itself."""
        return all(fault.is_passing for fault in self.faults)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """An event that somebody watches for. keys: those of the event's that he wants."""

    group: int
    watch: int
    event: ObjectEvent
    keys: tuple[str, ...]

    @property
    def place(self) -> tuple[int, tuple[str, ...], str | None]:
        """What is looked at: the same for several events of one object."""
        return self.watch, self.keys, self.event.version_id


class Pushes:
    """Shows the objects of events to whoever watches them. Safe to use from several threads; to be closed."""

    def __init__(self, watches: Sequence[Watched]) -> None:
        self._watches = watches
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="look")

    def close(self) -> None:
        """What is under way ends by itself."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def take(self, groups: Sequence[Sequence[ObjectEvent]]) -> list[Taken]:
        """What became of each group of events, in their order. Returns when `show` has; raises nothing of theirs."""
        taken = [Taken(seen=len(group)) for group in groups]
        wanted = [one for number, group in enumerate(groups) for event in group for one in self._wanted(number, event)]
        found = self._look_at_all(wanted)
        for number, watched in enumerate(self._watches):
            self._show(watched, [one for one in wanted if one.watch == number], found, taken)
        return taken

    def _wanted(self, group: int, event: ObjectEvent) -> Iterable[_Wanted]:
        for number, watched in enumerate(self._watches):
            watch = watched.watch
            keys = tuple(key for key in event.keys if watch.wants(key)) if watch.bucket == event.bucket else ()
            if keys:
                yield _Wanted(group, number, event, keys)

    def _look_at_all(self, wanted: Sequence[_Wanted]) -> dict[object, SeenObject | Fault | None]:
        places = {one.place: one for one in wanted}
        return dict(zip(places, self._pool.map(self._look_at, places.values()), strict=True))

    def _look_at(self, wanted: _Wanted) -> SeenObject | Fault | None:
        watched = self._watches[wanted.watch]
        bucket, terms = watched.watch.bucket, watched.watch.terms
        try:
            looks = (look(watched.client, bucket, key, wanted.event.version_id, terms=terms) for key in wanted.keys)
            return next(filter(None, looks), None)
        except Exception as error:  # noqa: BLE001  # whatever it is, the event comes again
            endpoint = watched.client.meta.endpoint_url
            return fault_of(error, f"look at {wanted.keys[0]!r} in the bucket '{bucket}' at {endpoint}", _PERMISSION)

    def _show(
        self,
        watched: Watched,
        wanted: Sequence[_Wanted],
        found: dict[object, SeenObject | Fault | None],
        taken: Sequence[Taken],
    ) -> None:
        there: dict[object, SeenObject] = {}
        for one in sorted(wanted, key=_order(found)):
            result = found[one.place]
            if isinstance(result, Fault):
                taken[one.group].faults.append(result)
            elif result:
                there[one.place] = result
        # Events may name one version in several ways; each is shown once.
        objects = {_identity(one): one for one in there.values()}
        shown = self._shown(watched, list(objects.values()))
        observed = shown if isinstance(shown, Fault) else dict(zip(objects, shown, strict=True))
        for one in wanted:
            if one.place not in there:
                continue
            if isinstance(observed, Fault):
                taken[one.group].faults.append(observed)
            else:
                seen = there[one.place]
                taken[one.group].entries.append((watched, seen, observed[_identity(seen)]))

    def _shown(self, watched: Watched, objects: Sequence[SeenObject]) -> Sequence[Observed] | Fault:
        try:
            return watched.show(objects) if objects else ()
        except Exception as error:  # noqa: BLE001  # as above
            return fault_of(error, f"take in what lies in the bucket '{watched.watch.bucket}'", "")


def _identity(seen: SeenObject) -> tuple[str, str]:
    return seen.key, seen.version


def _order(found: dict[object, SeenObject | Fault | None]) -> Callable[[_Wanted], tuple[float, str]]:
    """Older ones first. Sequencers are hexadecimal numbers that the shorter one's missing end makes no smaller."""

    def of(one: _Wanted) -> tuple[float, str]:
        result = found[one.place]
        seconds = result.modified.timestamp() if isinstance(result, SeenObject) else 0.0
        return seconds, (one.event.sequencer or "").upper()

    return of
