"""Whatever happens in whatever order: each version is in one run that succeeds, at most, and none is forgotten."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Literal

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from tests.intake.book.notebook import LEASE, Notebook, seen
from wdprefect.intake.book import LeaseLost
from wdprefect.intake.objects import Batch, SeenObject

OWNERS = st.sampled_from(["x", "y", "z"])
OBJECTS = [seen(f"{lane}/{n}", version) for lane in "ab" for n in range(2) for version in ("v1", "v2")]
NUMBERS = count()
Outcome = Literal["succeeded", "failed", "crashed"]


@dataclass
class Run:
    """A run as Prefect has it, whatever the book knows of it."""

    id: str
    objects: list[tuple[str, str]]
    state: Literal["running"] | Outcome = "running"


@dataclass
class Owner:
    """A process: what it works on. When it dies, all of that is gone, and another one has another name."""

    name: str
    batches: dict[str, Batch] = field(default_factory=dict)


class Intake(RuleBasedStateMachine):
    """Three processes, any of which may die between any two steps; runs that end anyhow; automations that come late."""

    def __init__(self, notebook: Notebook) -> None:
        super().__init__()
        self.book, self.clock = notebook.book, notebook.clock
        self.key = f"key {next(NUMBERS)}"
        self.book.enroll(self.key, "flow", "trigger")
        self.owners = {name: Owner(f"{name} {self.key}") for name in "xyz"}
        self.told: set[tuple[str, str]] = set()
        self.events: list[Batch] = []
        # By idempotency key, as in Prefect: a second one with the same key is the first.
        self.runs: dict[str, Run] = {}

    @initialize(is_automated=st.booleans())
    def start_by(self, is_automated: bool) -> None:  # noqa: FBT001  as hypothesis calls it
        self.is_automated = is_automated

    @rule(objects=st.lists(st.sampled_from(OBJECTS), min_size=1, max_size=4))
    def observe(self, objects: list[SeenObject]) -> None:
        self.book.observe(self.key, "CREATE_OR_UPDATE", objects, source="poll")
        self.told.update((told.key, told.version) for told in objects)

    @rule(name=OWNERS, size=st.integers(1, 3), limit=st.sampled_from([None, 2]))
    def claim(self, name: str, size: int, limit: int | None) -> None:
        self._keep(
            name,
            self.book.claim(self.key, self.owners[name].name, LEASE, runs=2, size=size, max_bytes=10_000, limit=limit),
        )

    @rule(name=OWNERS, which=st.integers(0, 5), fails=st.booleans())
    def stage(self, name: str, which: int, fails: bool) -> None:  # noqa: FBT001  as hypothesis calls it
        for owner, batch in self._one(name, which, "claimed"):
            with self._unless_lost(name, batch):
                if not fails:
                    self._keep(name, [self._stage(owner, batch)])
                    return
                later = self.clock.now + timedelta(seconds=5)
                ids = [batch.objects[0].id]
                left = self.book.postpone(batch, owner, ids, "403", not_before=later, max_tries=1_000)
                del self.owners[name].batches[batch.id]
                self._keep(name, [left] if left else [])

    @rule(name=OWNERS, which=st.integers(0, 5), dies=st.booleans())
    def start(self, name: str, which: int, dies: bool) -> None:  # noqa: FBT001  as above
        # Also one whose lease has ended without its knowing.
        for owner, batch in self._one(name, which, "staged"):
            if self.is_automated and not batch.is_direct:
                continue
            run = self._create_run(batch)
            if dies:
                self.die(name)
                continue
            with self._unless_lost(name, batch):
                self._keep(name, [self.book.started(batch, owner, run.id)])

    @rule(name=OWNERS, which=st.integers(0, 5))
    def announce(self, name: str, which: int) -> None:
        for owner, batch in self._one(name, which, "staged"):
            if not self.is_automated or batch.is_direct:
                continue
            with self._unless_lost(name, batch):
                self._keep(name, [self.book.announced(batch, owner)])
                self.events.append(batch)

    @rule(name=OWNERS, which=st.integers(0, 5))
    def withdraw(self, name: str, which: int) -> None:
        for owner, batch in self._one(name, which, "announced"):
            with self._unless_lost(name, batch):
                self._keep(name, [self.book.withdrawn(batch, owner)])

    @precondition(lambda self: self.events)
    @rule(which=st.integers(0, 5))
    def automation(self, which: int) -> None:
        batch, run_id = self.events[which % len(self.events)], f"automation {next(NUMBERS)}"
        if self.book.begin(batch.id, batch.attempt, run_id):
            self.runs[run_id] = Run(run_id, _versions(batch))

    @rule(told=st.sampled_from(OBJECTS))
    def foreign_run(self, told: SeenObject) -> None:
        run_id = f"foreign {next(NUMBERS)}"
        self.told.add((told.key, told.version))
        batch = self.book.begin_object(self.key, "CREATE_OR_UPDATE", told, run_id)
        if batch:
            self.runs[run_id] = Run(run_id, _versions(batch))

    @precondition(lambda self: any(run.state == "running" for run in self.runs.values()))
    @rule(which=st.integers(0, 5), outcome=st.sampled_from(["succeeded", "succeeded", "failed", "crashed"]))
    def run_ends(self, which: int, outcome: Outcome) -> None:
        running = [run for run in self.runs.values() if run.state == "running"]
        running[which % len(running)].state = outcome

    @rule(name=OWNERS)
    def follow(self, name: str) -> None:
        owner = self.owners[name]
        for batch in self.book.following(owner.name):
            with suppress(LeaseLost):
                self._follow(name, batch)

    @rule(name=OWNERS)
    def die(self, name: str) -> None:
        self.owners[name] = Owner(f"{name} {self.key} {next(NUMBERS)}")

    @rule(name=OWNERS)
    def stop(self, name: str) -> None:
        self.book.release(self.owners[name].name)

    @rule(seconds=st.sampled_from([6, 20, 31]))
    def wait(self, seconds: int) -> None:
        self.clock.advance(seconds)

    @rule(name=OWNERS)
    def renew(self, name: str) -> None:
        self.book.renew(self.owners[name].name, LEASE)

    @rule(name=OWNERS)
    def take_over(self, name: str) -> None:
        self._keep(name, self.book.take_over(self.owners[name].name, LEASE, [self.key]))

    def teardown(self) -> None:
        """Let the rest be done by one that does not die, and compare the book with what has really run."""
        self.owners = {"last": Owner(f"last {self.key}")}
        for _ in range(50):
            self.clock.advance(60)
            self.take_over("last")
            self.claim("last", 3, None)
            batches = self.book.following(self.owners["last"].name)
            if not batches:
                break
            for batch in batches:
                self._drive(batch)
        succeeded = Counter(
            version for run in self.runs.values() if run.state == "succeeded" for version in run.objects
        )
        booked = {(o.seen.key, o.seen.version): o.status for o in self.book.objects(self.key)}
        assert self.told == booked.keys()
        assert {version: succeeded[version] for version in self.told} == {
            version: {"succeeded": 1, "failed": 0}[status] for version, status in booked.items()
        }

    def _drive(self, batch: Batch) -> None:
        owner = self.owners["last"].name
        if batch.status == "announced":
            batch = self.book.withdrawn(batch, owner)
        if batch.status == "claimed":
            batch = self._stage(owner, batch)
        if batch.status == "staged" and self.is_automated and not batch.is_direct:
            batch = self.book.withdrawn(self.book.announced(batch, owner), owner)
        if batch.status == "staged":
            batch = self.book.started(batch, owner, self._create_run(batch).id)
        run = self._run_of(batch)
        run.state = "succeeded" if run.state == "running" else run.state
        self._follow("last", batch)

    def _follow(self, name: str, batch: Batch) -> None:
        if batch.status != "started":
            return
        owner, run = self.owners[name].name, self._run_of(batch)
        if run.state == "crashed":
            self._keep(name, [self.book.anew(batch, owner, "crashed")])
        elif run.state != "running":
            self.book.ended(batch, owner, succeeded=run.state == "succeeded")

    def _create_run(self, batch: Batch) -> Run:
        return self.runs.setdefault(batch.key, Run(batch.key, _versions(batch)))

    def _run_of(self, batch: Batch) -> Run:
        return next(run for run in self.runs.values() if run.id == batch.run_id)

    def _stage(self, owner: str, batch: Batch) -> Batch:
        return self.book.staged(batch, owner, {claimed.id: f"kestra:///{claimed.id}" for claimed in batch.objects})

    def _keep(self, name: str, batches: list[Batch]) -> None:
        self.owners[name].batches.update({batch.id: batch for batch in batches})

    @contextmanager
    def _unless_lost(self, name: str, batch: Batch) -> Iterator[None]:
        try:
            yield
        except LeaseLost:
            self.owners[name].batches.pop(batch.id)

    def _one(self, name: str, which: int, status: str) -> list[tuple[str, Batch]]:
        """One of the batches that have this status as far as the owner knows, with the owner's name."""
        found = [batch for batch in self.owners[name].batches.values() if batch.status == status]
        return [(self.owners[name].name, found[which % len(found)])] if found else []


def _versions(batch: Batch) -> list[tuple[str, str]]:
    return [(claimed.seen.key, claimed.seen.version) for claimed in batch.objects]


def test_any_interleaving(notebook: Notebook) -> None:
    """Every version that was told of ends in a run that succeeded, once, or in one that failed."""
    bounds = settings(
        max_examples=40, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )

    class OfThisBook(Intake):
        def __init__(self) -> None:
            super().__init__(notebook)

    run_state_machine_as_test(OfThisBook, settings=bounds)
