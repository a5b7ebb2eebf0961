"""A world in which processes die between any two steps, leases end unnoticed, and runs come as they like."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Literal

from tests.intake.book.notebook import LEASE, Notebook, seen
from wdprefect.intake.book import LeaseLost
from wdprefect.intake.objects import Batch

OBJECTS = [seen(f"{lane}/{n}", version) for lane in "ab" for n in range(3) for version in ("v1", "v2")]
NUMBERS = count()


@dataclass
class Run:
    """A run as Prefect has it, whatever the book knows of it."""

    id: str
    objects: list[tuple[str, str]]
    state: Literal["running", "succeeded", "failed", "crashed"] = "running"


@dataclass
class Owner:
    """A process and what it thinks that it works on. When it dies that is gone, and the next one has another name."""

    name: str
    batches: dict[str, Batch] = field(default_factory=dict)


class World:
    """Three processes that share the work of a trigger. `n` chooses among what there is to choose from."""

    def __init__(self, notebook: Notebook, *, is_automated: bool) -> None:
        self.book, self.clock, self.is_automated = notebook.book, notebook.clock, is_automated
        self.key = f"key {next(NUMBERS)}"
        self.book.enroll(self.key, "flow", "trigger")
        self.owners = [self._new_owner() for _ in range(3)]
        self.told: set[tuple[str, str]] = set()
        self.events: list[Batch] = []
        # By idempotency key, as in Prefect: a second one with the same key is the first.
        self.runs: dict[str, Run] = {}

    def observe(self, _: int, n: int) -> None:
        told = [OBJECTS[(n + i) % len(OBJECTS)] for i in range(1 + n % 3)]
        self.book.observe(self.key, "CREATE_OR_UPDATE", told, source="poll")
        self.told.update((one.key, one.version) for one in told)

    def claim(self, who: int, n: int) -> None:
        limit, owner = (None, 2)[n % 2], self.owners[who]
        self._keep(
            owner,
            *self.book.claim(self.key, owner.name, LEASE, runs=2, size=1 + n % 3, max_bytes=10_000, limit=limit),
        )

    def work(self, who: int, n: int) -> None:
        """Do what comes next with one of the batches, as far as this process knows."""
        owner = self.owners[who]
        if not owner.batches:
            return
        batch = list(owner.batches.values())[n % len(owner.batches)]
        if batch.status == "staged" and not self._is_announced_first(batch) and n % 4 == 0:
            self._create_run(batch)
            self.die(who, n)
        else:
            self._advance(owner, batch, n)

    def follow(self, who: int, _: int) -> None:
        """Note how runs have ended."""
        owner = self.owners[who]
        for batch in self.book.following(owner.name):
            self._keep(owner, batch)
            if batch.status != "started":
                continue
            run = next(run for run in self.runs.values() if run.id == batch.run_id)
            if run.state == "crashed":
                self._keep(owner, self.book.anew(batch, owner.name, "crashed"))
            elif run.state != "running":
                self.book.ended(batch, owner.name, succeeded=run.state == "succeeded")
                del owner.batches[batch.id]

    def automation(self, _: int, n: int) -> None:
        """A run of an automation begins, perhaps late, perhaps again."""
        if not self.events:
            return
        batch, run_id = self.events[-1 - n % len(self.events)], f"automation {next(NUMBERS)}"
        if self.book.begin(batch.id, batch.attempt, run_id):
            self.runs[run_id] = Run(run_id, _versions(batch))

    def foreign_run(self, _: int, n: int) -> None:
        """Something else starts a run with an object, which may be in work already."""
        told, run_id = OBJECTS[n % len(OBJECTS)], f"foreign {next(NUMBERS)}"
        self.told.add((told.key, told.version))
        if batch := self.book.begin_objects(self.key, "CREATE_OR_UPDATE", [told], run_id, size=1):
            self.runs[run_id] = Run(run_id, _versions(batch))

    def run_ends(self, _: int, n: int) -> None:
        running = [run for run in self.runs.values() if run.state == "running"]
        if running:
            running[n % len(running)].state = ("succeeded", "succeeded", "failed", "crashed")[n % 4]

    def die(self, who: int, _: int) -> None:
        self.owners[who] = self._new_owner()

    def stop(self, who: int, n: int) -> None:
        self.book.release(self.owners[who].name)
        if n % 2:
            self.die(who, n)

    def wait(self, who: int, n: int) -> None:
        self.clock.advance((6, 20, 31)[n % 3])
        self.book.renew(self.owners[who].name, LEASE)

    def take_over(self, who: int, _: int) -> None:
        owner = self.owners[who]
        self._keep(owner, *self.book.take_over(owner.name, LEASE, [self.key]))

    def finish(self) -> None:
        """Let one process that does not die do the rest; all runs that are still there succeed."""
        self.owners = [self._new_owner()]
        (owner,) = self.owners
        for _ in range(20):
            self.clock.advance(60)
            self.take_over(0, 0)
            self.claim(0, 2)
            for _ in range(4):
                for batch in list(owner.batches.values()):
                    self._advance(owner, batch, 3)
                for run in self.runs.values():
                    run.state = "succeeded" if run.state == "running" else run.state
                self.follow(0, 0)

    def ends(self) -> dict[tuple[str, str], str]:
        """How each version has ended, as the book says."""
        return {(found.seen.key, found.seen.version): found.status for found in self.book.objects(self.key)}

    def successes(self) -> Counter[tuple[str, str]]:
        """How many runs have succeeded with each version."""
        return Counter(version for run in self.runs.values() if run.state == "succeeded" for version in run.objects)

    def _advance(self, owner: Owner, batch: Batch, n: int) -> None:
        with self._unless_lost(owner, batch):
            match batch.status:
                case "claimed":
                    self._stage_or_postpone(owner, batch, n)
                case "staged" if self._is_announced_first(batch):
                    self._keep(owner, self.book.announced(batch, owner.name))
                    self.events.append(batch)
                case "announced" if n % 2:
                    self._keep(owner, self.book.withdrawn(batch, owner.name))
                case "staged":
                    run = self._create_run(batch)
                    self._keep(owner, self.book.started(batch, owner.name, run.id))

    def _is_announced_first(self, batch: Batch) -> bool:
        return self.is_automated and not batch.is_direct

    def _stage_or_postpone(self, owner: Owner, batch: Batch, n: int) -> None:
        if n % 5:
            self._keep(owner, self.book.staged(batch, owner.name, dict.fromkeys((o.id for o in batch.objects), "x")))
            return
        later = self.clock.now + timedelta(seconds=5)
        left = self.book.postpone(batch, owner.name, [batch.objects[0].id], "403", not_before=later, max_tries=1_000)
        del owner.batches[batch.id]
        self._keep(owner, *filter(None, [left]))

    def _create_run(self, batch: Batch) -> Run:
        return self.runs.setdefault(batch.key, Run(batch.key, _versions(batch)))

    def _new_owner(self) -> Owner:
        return Owner(f"owner {next(NUMBERS)}")

    def _keep(self, owner: Owner, *batches: Batch) -> None:
        owner.batches.update({batch.id: batch for batch in batches})

    @contextmanager
    def _unless_lost(self, owner: Owner, batch: Batch) -> Iterator[None]:
        try:
            yield
        except LeaseLost:
            owner.batches.pop(batch.id)


def _versions(batch: Batch) -> list[tuple[str, str]]:
    return [(claimed.seen.key, claimed.seen.version) for claimed in batch.objects]
