"""The work on what one trigger has: objects are claimed, staged and started, runs are followed, actions are done.

Everything that happened is in the book: what a desk leaves when it dies, another one takes over where it was. A batch
that takes long, or cannot go on, holds nobody up but itself.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta, timezone

from wdprefect.errors import StorageError, TaskFailed, Unavailable, WdprefectError
from wdprefect.intake.book import Book, LeaseLost
from wdprefect.intake.concluding import conclude
from wdprefect.intake.duty import Duty
from wdprefect.intake.hand import Hand, wait_seconds
from wdprefect.intake.objects import Batch, ClaimedObject, Observed, SeenObject
from wdprefect.intake.reports import Reports
from wdprefect.intake.runs import OVER, RunLook, RunRefused, Runs
from wdprefect.intake.staging import Overwritten, stage, staged_uri
from wdprefect.intake.starting import announcement, order_of
from wdprefect.model.parallel import in_parallel
from wdprefect.model.stop import Stop
from wdprefect.plugins.aws._failures import failing

LEASE = timedelta(seconds=30)
# What others have seen or left is looked for so often; what this process knows of is worked on at once.
IDLE_SECONDS = 1.0
# A deployment that has no place for a run is asked again so often.
TURN_SECONDS = 1.0
ADOPT_SECONDS = 5.0
LOOK_SECONDS = 0.5
WORKERS = 8
# A run that was ended from outside, and an object that cannot be read, are tried so often.
MOST_RUNS, MOST_TRIES = 3, 5
# A run that has died with the listener that started it is hardly to blame.
MOST_INHERITED_RUNS = 10
# Nor does asking the API again and again help where it refuses a run.
MOST_REFUSALS = 3
AUTOMATION_GRACE = timedelta(seconds=60)
# The API takes parameters of half a MiB.
MOST_TRIGGER_BYTES = 400_000


class Desk:
    """Works for one trigger, with a thread of its own and a few that wait for S3 and the API.

    owner: the name under which this process holds its leases. reports: who is told what happens. on_settled: gets the
    ids of objects that a source need not tell of again.
    """

    def __init__(
        self,
        duty: Duty,
        book: Book,
        runs: Runs,
        owner: str,
        reports: Reports,
        on_settled: Callable[[Sequence[int]], None],
    ) -> None:
        self.duty = duty
        self._on_settled = on_settled
        self._book, self._runs, self._owner, self._reports = book, runs, owner, reports
        self._pool = ThreadPoolExecutor(WORKERS, f"wdprefect-{duty.trigger_id}")
        self._changed = threading.Condition()
        self._is_woken = False
        self._in_hand: dict[str, Hand] = {}
        self._adopt_at = self._look_at = 0.0
        # What no step may raise ends all of it.
        self._broken: BaseException | None = None
        self._troubles = 0

    def show(self, objects: Sequence[SeenObject], source: str, *, baseline: bool = False) -> list[Observed]:
        """Write down what a source has seen, and have it worked on.

        baseline: it was there before the first start, and is not wanted.
        """
        duty = self.duty
        observed = self._book.observe(
            duty.state_key,
            duty.wanted,
            objects,
            source=source,
            baseline=baseline,
            prefix=duty.watch.prefix,
            ttl=duty.state_ttl,
        )
        if any(one.is_new for one in observed):
            self.wake()
        return observed

    def wake(self) -> None:
        """Have it look at once for what there is to do."""
        with self._changed:
            self._is_woken = True
            self._changed.notify_all()

    def hurry(self) -> None:
        """Have it look at once at how its runs are: one has ended."""
        self._look_at = 0.0
        self.wake()

    def work(self, stop: Stop) -> None:
        """Work until the request to stop, and wait for what is half done. Runs go on."""
        with stop.calling(self.wake):
            while not stop.requested:
                if self._broken:
                    raise self._broken
                try:
                    self._turn()
                    self._reports.well(self.duty, "look")
                except WdprefectError as error:
                    self._reports.trouble(self.duty, error, "look")
                self._pause()
        self._pool.shutdown(wait=True)

    def _turn(self) -> None:
        self._adopt()
        if time.monotonic() >= self._look_at:
            self._look_at = time.monotonic() + LOOK_SECONDS
            hands = [hand for hand in self._hands() if not hand.is_busy]
            self._look_at_announced([hand for hand in hands if hand.batch.status == "announced"])
            self._look_at_runs([hand for hand in hands if hand.batch.status == "started" and hand.is_carried_out])
        self._claim()
        for hand in self._hands():
            if not hand.is_busy and time.monotonic() >= hand.due and self._step_of(hand):
                hand.is_busy = True
                self._pool.submit(self._advance, hand)

    def _adopt(self) -> None:
        """What others have left, and actions that are to be tried again."""
        if time.monotonic() < self._adopt_at:
            return
        self._adopt_at = time.monotonic() + ADOPT_SECONDS
        mine = [self.duty.state_key]
        # Its own that it does not know of: the answer was lost by which it got them.
        self._take([batch for batch in self._book.following(self._owner) if batch.state_key == self.duty.state_key])
        orphans = self._book.take_over(self._owner, LEASE, mine)
        self._take(orphans, are_orphans=True)
        for batch in orphans:
            if batch.status in ("announced", "started"):
                # Whoever had it may have died before its events were out. The server knows them again by their ids.
                self._runs.announce(announcement(self.duty, batch))
        self._take(self._book.unfinished_actions(self._owner, LEASE, mine))

    def _claim(self) -> None:
        duty = self.duty
        room = {"runs": duty.limit, "limit": duty.limit, "size": duty.size, "max_bytes": MOST_TRIGGER_BYTES}
        self._take(self._book.claim(duty.state_key, self._owner, LEASE, **room))

    def _look_at_runs(self, hands: Sequence[Hand]) -> None:
        if not hands:
            return
        looks = self._runs.look([_run_of(hand.batch) for hand in hands])
        for hand in hands:
            look = looks[_run_of(hand.batch)]
            hand.look = look if look.state in OVER else None

    def _look_at_announced(self, hands: Sequence[Hand]) -> None:
        """An automation's run takes its batch by itself; what none has taken after a while is started from here."""
        if not hands:
            return
        now = {batch.id: batch for batch in self._book.following(self._owner)}
        late = {batch.id for batch in self._book.unstarted(self._owner, AUTOMATION_GRACE)}
        for hand in hands:
            if hand.batch.id not in late:
                hand.batch = now.get(hand.batch.id, hand.batch)
                continue
            # An automation may do it at this very moment.
            with suppress(LeaseLost):
                hand.batch = self._book.withdrawn(hand.batch, self._owner)
                self._lines(hand.batch.objects, "no automation has started a run, so this does")

    def _advance(self, hand: Hand) -> None:
        """Take a batch as far as it goes now."""
        part = ""
        try:
            while time.monotonic() >= hand.due and (step := self._step_of(hand)):
                part = step.__name__.strip("_")
                troubles = self._troubles
                hand.batch = step(hand)
                hand.tries = 0
                if self._troubles == troubles:
                    self._reports.well(self.duty, part)
        except LeaseLost:
            self._drop(hand)
        except WdprefectError as error:
            self._trouble(error, part)
            hand.postpone()
        except BaseException as error:  # noqa: BLE001  it goes on in `work`: here nobody would hear of it
            hand.postpone()
            self._broken = error
        finally:
            hand.is_busy = False
            self.wake()

    def _step_of(self, hand: Hand) -> Callable[[Hand], Batch] | None:
        """What is to be done with a batch; None where it waits for its run, or all is done."""
        batch = hand.batch
        if not batch.objects or hand.is_done:
            self._drop(hand)
            return None
        match batch.status:
            case "claimed":
                return self._stage
            case "staged":
                is_first = self.duty.acts_first and not all(one.has_moved for one in batch.objects)
                return self._act_first if is_first else self._start
            case "started" if not hand.is_carried_out:
                return self._carry_out
            case "announced" | "started":
                return self._end if hand.look else None
            case _:
                return self._conclude

    def _stage(self, hand: Hand) -> Batch:
        batch: Batch | None = hand.batch
        assert batch is not None
        found = dict(in_parallel(lambda one: (one.id, self._staged(hand.batch.id, one)), batch.objects))
        for one in hand.batch.objects:
            if batch is not None and not isinstance(outcome := found[one.id], str):
                batch = self._leave_out(batch, one, outcome)
                hand.batch = batch or replace(hand.batch, objects=())
        if batch is None:
            return replace(hand.batch, objects=())
        return self._book.staged(batch, self._owner, {one.id: str(found[one.id]) for one in batch.objects})

    def _staged(self, batch_id: str, one: ClaimedObject) -> str | WdprefectError:
        """The URI of an object in the storage, or why it cannot be had. Raises Unavailable where none can be."""
        duty, seen = self.duty, one.seen
        if one.uri and duty.storage.exists(one.uri):
            # It is replayed, and may be gone from its bucket.
            return one.uri
        uri = staged_uri(duty.flow.namespace, duty.flow.id, duty.trigger_id, batch_id, seen)
        try:
            with failing(duty.client, "download", seen.bucket, seen.key):
                stage(duty.client, duty.storage, seen, uri, duty.watch.terms)
        except Unavailable:
            raise
        except WdprefectError as error:
            return error
        return uri

    def _leave_out(self, batch: Batch, one: ClaimedObject, error: WdprefectError) -> Batch | None:
        """What is left of a batch without an object that cannot be had: the others go on without it."""
        if isinstance(error, Overwritten):
            self._reports.line(self.duty, f"{one.seen.key}: {error}")
            left = self._book.drop(batch, self._owner, one.id, str(error))
        else:
            self._trouble(error, "stage")
            again = datetime.now(timezone.utc) + timedelta(seconds=wait_seconds(one.tries + 1))
            left = self._book.postpone(batch, self._owner, [one.id], str(error), not_before=again, max_tries=MOST_TRIES)
            if one.tries + 1 >= MOST_TRIES:
                self._lines([one], f"failed, it could not be copied {MOST_TRIES} times: {error}")
                self._reports.given_up(self.duty, "stage")
        self._on_settled([one.id])
        return left

    def _act_first(self, hand: Hand) -> Batch:
        return self._acted(hand.batch, succeeded=True)

    def _start(self, hand: Hand) -> Batch:
        duty, batch = self.duty, hand.batch
        if duty.start_by == "automation" and batch.attempt == 1 and not batch.is_direct:
            batch = self._book.announced(batch, self._owner)
            self._runs.announce(announcement(duty, batch))
            return batch
        try:
            run_id = self._runs.start(order_of(duty, batch))
        except RunRefused as error:
            hand.refusals += 1
            if hand.refusals < MOST_REFUSALS:
                raise
            self._trouble(error, "start")
            self._reports.given_up(duty, "start")
            return self._ended(hand, RunLook("failed", str(error)))
        if duty.start_by == "direct":
            # Before the book says that it is done: whoever takes over would not do it again.
            self._runs.announce(announcement(duty, batch))
        batch = self._book.started(batch, self._owner, run_id)
        self._lines(batch.objects, f"run {run_id}")
        self._on_settled([one.id for one in batch.objects])
        return batch

    def _carry_out(self, hand: Hand) -> Batch:
        """Not before the book says that the run is ours."""
        is_seen_to = self._runs.carry_out(_run_of(hand.batch), self.duty.flow.name, is_orphan=hand.is_orphan)
        hand.is_carried_out, hand.is_orphan = is_seen_to, False
        if not is_seen_to:
            hand.due = time.monotonic() + TURN_SECONDS
        return hand.batch

    def _end(self, hand: Hand) -> Batch:
        batch, look = hand.batch, hand.look
        hand.look = None
        assert look is not None, "this step is for runs that are over"
        if look.state == "crashed" and batch.attempt < (MOST_INHERITED_RUNS if hand.is_inherited else MOST_RUNS):
            self._lines(batch.objects, f"run {batch.run_id} crashed, another one is made")
            hand.is_carried_out = hand.is_inherited = False
            return self._book.anew(batch, self._owner, f"run {batch.run_id} crashed: {look.message}")
        return self._ended(hand, look)

    def _ended(self, hand: Hand, look: RunLook) -> Batch:
        succeeded, duty = look.state == "succeeded", self.duty
        error = None if succeeded else look.message or f"the run was {look.state}"
        has_action = bool(duty.failures) if not succeeded else duty.action != "NONE" and not duty.acts_first
        self._lines(hand.batch.objects, look.state + (f", {error}" if error else ""))
        batch = self._book.ended(hand.batch, self._owner, succeeded=succeeded, error=error, has_action=has_action)
        hand.is_done = not has_action
        self._on_settled([one.id for one in batch.objects])
        return batch

    def _conclude(self, hand: Hand) -> Batch:
        batch = hand.batch
        try:
            batch = self._acted(batch, succeeded=batch.status == "succeeded")
        except (StorageError, TaskFailed, Unavailable) as error:
            self._trouble(error, "conclude")
            self._book.action_failed(batch, self._owner, str(error))
        hand.is_done = True
        return batch

    def _acted(self, batch: Batch, *, succeeded: bool) -> Batch:
        """The batch when its objects have been moved or deleted; what worked is kept when another one does not."""
        left = [one for one in batch.objects if not one.has_moved]
        outcomes = in_parallel(lambda one: self._concluded(one, succeeded=succeeded), left)
        done = [one.id for one, outcome in zip(left, outcomes, strict=True) if not isinstance(outcome, WdprefectError)]
        for one, outcome in zip(left, outcomes, strict=True):
            if isinstance(outcome, str):
                self._reports.line(self.duty, f"{one.seen.key}: {outcome}")
        batch = self._book.moved(batch, self._owner, done)
        for outcome in outcomes:
            if isinstance(outcome, WdprefectError):
                raise outcome
        return batch

    def _concluded(self, one: ClaimedObject, *, succeeded: bool) -> str | WdprefectError | None:
        try:
            return conclude(self.duty, one, succeeded=succeeded)
        except WdprefectError as error:
            return error

    def _lines(self, objects: Sequence[ClaimedObject], text: str) -> None:
        """The same of each object: whoever looks for one finds it by its key."""
        for one in objects:
            self._reports.line(self.duty, f"{one.seen.key}: {text}")

    def _trouble(self, error: WdprefectError, part: str) -> None:
        self._troubles += 1
        self._reports.trouble(self.duty, error, part)

    def _take(self, batches: Sequence[Batch], *, are_orphans: bool = False) -> None:
        with self._changed:
            for batch in batches:
                known = self._in_hand.get(batch.id)
                if known is None or (not known.is_busy and known.batch.attempt < batch.attempt):
                    # One that had no run yet gets it from here.
                    is_inherited = are_orphans and batch.status == "started"
                    self._in_hand[batch.id] = Hand(batch, is_orphan=are_orphans, is_inherited=is_inherited)

    def _hands(self) -> list[Hand]:
        with self._changed:
            return list(self._in_hand.values())

    def _drop(self, hand: Hand) -> None:
        with self._changed:
            self._in_hand.pop(hand.batch.id, None)

    def _pause(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._is_woken, LOOK_SECONDS if self._in_hand else IDLE_SECONDS)
            self._is_woken = False


def _run_of(batch: Batch) -> str:
    assert batch.run_id is not None, "a started batch has a run"
    return batch.run_id
