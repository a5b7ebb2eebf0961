"""A book with a clock that the test moves, and one trigger in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from wdprefect.intake.book import Book
from wdprefect.intake.objects import Batch, Observed, SeenObject, Wanted

KEY = "company.team_flow_trigger"
START = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
LEASE = timedelta(seconds=30)


@dataclass
class HandClock:
    """A clock that moves when it is told to."""

    now: datetime = START

    def __call__(self, _: object) -> int:
        return int(self.now.timestamp()) * 1_000_000 + self.now.microsecond

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def seen(key: str, version: str = "v1", *, minutes: float = -60) -> SeenObject:
    """A version of an object, which landed at that time from the start on."""
    return SeenObject("bucket", key, version, f"etag-{version}", 10, START + timedelta(minutes=minutes))


@dataclass
class Notebook:
    """A book with its clock, and one trigger in it."""

    book: Book
    clock: HandClock
    url: str

    def observe(self, *objects: SeenObject, wanted: Wanted = "CREATE_OR_UPDATE", prefix: str = "") -> list[Observed]:
        return self.book.observe(KEY, wanted, objects, source="poll", prefix=prefix)

    def claim(
        self,
        owner: str = "me",
        *,
        runs: int = 100,
        size: int = 100,
        max_bytes: int = 1_000_000,
        limit: int | None = None,
    ) -> list[Batch]:
        return self.book.claim(KEY, owner, LEASE, runs=runs, size=size, max_bytes=max_bytes, limit=limit)

    def claimed(self, *keys: str, owner: str = "me") -> Batch:
        """A batch with these objects, which are new."""
        self.observe(*map(seen, keys))
        (batch,) = self.claim(owner)
        return batch

    def staged(self, *keys: str, owner: str = "me") -> Batch:
        return self.stage(self.claimed(*keys, owner=owner), owner)

    def started(self, *keys: str, owner: str = "me") -> Batch:
        return self.book.started(self.staged(*keys, owner=owner), owner, "run-1")

    def stage(self, batch: Batch, owner: str = "me") -> Batch:
        return self.book.staged(batch, owner, {claimed.id: f"kestra:///{claimed.id}" for claimed in batch.objects})

    def statuses(self) -> dict[str, str]:
        """What has become of each key."""
        return {booked.seen.key: booked.status for booked in self.book.objects(KEY, limit=10_000)}


def keys(batches: Sequence[Batch]) -> list[list[str]]:
    """The keys of each batch."""
    return [[claimed.seen.key for claimed in batch.objects] for batch in batches]
