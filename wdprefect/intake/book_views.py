"""What people ask the book: how triggers do, what has become of an object; and to run with one again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, or_, select, update

from wdprefect.errors import UsageError
from wdprefect.intake.book_batches import find_batch, in_parts, record, seen_object
from wdprefect.intake.book_course import Course, settle
from wdprefect.intake.book_database import moment
from wdprefect.intake.book_schema import BATCHES, ENDED, HISTORY, OBJECTS, STATES
from wdprefect.intake.objects import Batch, ChangeType, SeenObject, Status


@dataclass(frozen=True, slots=True)
class Health:
    """Whether looking for objects works: errors in a row, and when it last worked and last failed, and how."""

    errors: int
    last_ok: datetime | None
    last_error: datetime | None
    code: str | None
    text: str | None


@dataclass(frozen=True, slots=True)
class TriggerSummary:
    """How a trigger does.

    has_baseline: what was there before its first start is known. counts: of its objects, by status. runs: how many go
    on. last_success, last_failure: when a batch ended so.
    """

    state_key: str
    flow: str
    trigger_id: str
    since: datetime
    has_baseline: bool
    counts: Mapping[Status, int]
    runs: int
    last_success: datetime | None
    last_failure: datetime | None
    health: Health


@dataclass(frozen=True, slots=True)
class BookedObject:
    """An object as the book has it. noted: when it was told of first. due: not before then is its turn."""

    id: int
    seen: SeenObject
    change: ChangeType
    status: Status
    source: str
    lane: str
    noted: datetime
    due: datetime
    tries: int
    uri: str | None
    has_moved: bool
    error: str | None
    batch_id: str | None
    run_id: str | None


@dataclass(frozen=True, slots=True)
class Happening:
    """A line of an object's history. batch_id: the batch that it was in, or left, then."""

    at: datetime
    status: Status
    who: str | None
    note: str | None
    batch_id: str | None = None


class Views(Course):
    """The part of the book for people."""

    def triggers(self) -> list[TriggerSummary]:
        """All triggers, by their state key."""
        with self.reading() as connection:
            counts: dict[int, dict[Status, int]] = {}
            objects = select(OBJECTS.c.state, OBJECTS.c.status, func.count()).group_by(
                OBJECTS.c.state, OBJECTS.c.status
            )
            for state, status, count in connection.execute(objects):
                counts.setdefault(state, {})[status] = count
            ends = select(BATCHES.c.state, BATCHES.c.status, func.max(BATCHES.c.since), func.count()).group_by(
                BATCHES.c.state, BATCHES.c.status
            )
            batches = {(row[0], row[1]): (row[2], row[3]) for row in connection.execute(ends)}
            rows = connection.execute(select(STATES).order_by(STATES.c.state_key)).all()
        return [_summary(row, counts.get(row.id, {}), batches) for row in rows]

    def objects(
        self,
        state_key: str,
        *,
        statuses: Sequence[Status] = (),
        prefix: str = "",
        key: str | None = None,
        ids: Sequence[int] = (),
        limit: int = 100,
        before_id: int | None = None,
    ) -> list[BookedObject]:
        """The trigger's objects, those that came last first. before_id: of the last one of the page before.

        key: all versions of this object alone. ids: these alone, some hundred at most.
        """
        with self.reading() as connection:
            found = _BOOKED.where(OBJECTS.c.state == self._state(connection, state_key))
            if statuses:
                found = found.where(OBJECTS.c.status.in_(statuses))
            if prefix:
                found = found.where(OBJECTS.c.key.startswith(prefix, autoescape=True))
            if key is not None:
                found = found.where(OBJECTS.c.key == key)
            if ids:
                found = found.where(OBJECTS.c.id.in_(ids))
            if before_id is not None:
                found = found.where(OBJECTS.c.id < before_id)
            rows = connection.execute(found.order_by(OBJECTS.c.id.desc()).limit(limit)).all()
        return [_booked(row) for row in rows]

    def find_object(self, object_id: int) -> BookedObject | None:
        """This object, if the book has it."""
        with self.reading() as connection:
            row = connection.execute(_BOOKED.where(OBJECTS.c.id == object_id)).one_or_none()
        return _booked(row) if row else None

    def find_batch(self, batch_id: str) -> Batch | None:
        """This batch, if the book has it."""
        with self.reading() as connection:
            return find_batch(connection, batch_id)

    def history(self, object_id: int) -> list[Happening]:
        """What has happened to the object, from its first sight on. Raises UsageError when there is none."""
        with self.reading() as connection:
            row = connection.execute(select(OBJECTS).where(OBJECTS.c.id == object_id)).one_or_none()
            if row is None:
                raise UsageError(f"there is no object {object_id} in the book {self.name}")
            own = select(HISTORY.c.batch).where(HISTORY.c.object == object_id, HISTORY.c.batch.is_not(None))
            of_batches = HISTORY.c.object.is_(None) & HISTORY.c.batch.in_(own)
            lines = select(HISTORY).where(or_(HISTORY.c.object == object_id, of_batches)).order_by(HISTORY.c.id)
            found = connection.execute(lines).all()
        return [Happening(moment(row.seen), row.first, row.source, None), *_in_its_batches(found)]

    def replay(self, object_ids: Sequence[int], who: str) -> None:
        """Let objects whose course has ended wait for a run again, in a batch of its own; all of them or none.

        What was staged stays so, and an action that is done is not done again. Raises UsageError for what is still in
        work.
        """
        with self.writing() as connection:
            now = self.now(connection)
            rows: list[Row[Any]] = []
            for part in in_parts(object_ids):
                rows += connection.execute(select(OBJECTS).where(OBJECTS.c.id.in_(part)).with_for_update())
            self._check_ended(rows, object_ids)
            for row in rows:
                waits = {"status": "seen", "batch": None, "due": now, "tries": 0, "error": None}
                connection.execute(update(OBJECTS).where(OBJECTS.c.id == row.id).values(waits))
                record(
                    connection, now, "seen", batch=None, who=who, reason=f"again, was {row.status}", objects=[row.id]
                )
            for batch_id in {row.batch for row in rows if row.batch}:
                settle(connection, batch_id)

    def _check_ended(self, rows: Sequence[Row[Any]], object_ids: Sequence[int]) -> None:
        for missing in set(object_ids) - {row.id for row in rows}:
            raise UsageError(f"there is no object {missing} in the book {self.name}")
        for row in rows:
            if row.status not in ENDED:
                raise UsageError(
                    f"the object {row.id} is '{row.status}': only one whose course has ended can run again"
                )


_BOOKED = select(OBJECTS, BATCHES.c.run_id).outerjoin(BATCHES, BATCHES.c.id == OBJECTS.c.batch)


def _in_its_batches(lines: Sequence[Row[Any]]) -> list[Happening]:
    # A batch's lines are an object's between its claim and the line by which it left.
    current: str | None = None
    found = []
    for line in lines:
        if line.object is None and line.batch != current:
            continue
        if line.object is not None and line.status != "moved":
            current = line.batch if line.status == "claimed" else None
        found.append(Happening(moment(line.at), line.status, line.who, line.note, line.batch))
    return found


def _summary(
    row: Row[Any], counts: Mapping[Status, int], batches: Mapping[tuple[int, str], tuple[int | None, int]]
) -> TriggerSummary:
    """batches: when the last one came to a status, and how many are there, by trigger and status."""
    ends = [batches.get((row.id, status), (None, 0))[0] for status in ("succeeded", "moved")]
    successes = [end for end in ends if end is not None]
    return TriggerSummary(
        state_key=row.state_key,
        flow=row.flow,
        trigger_id=row.trigger_id,
        since=moment(row.since),
        has_baseline=row.has_baseline,
        counts=counts,
        runs=batches.get((row.id, "started"), (0, 0))[1],
        last_success=_maybe(max(successes, default=None)),
        last_failure=_maybe(batches.get((row.id, "failed"), (None, 0))[0]),
        health=Health(row.errors, _maybe(row.last_ok), _maybe(row.last_error), row.error_code, row.error_text),
    )


def _booked(row: Row[Any]) -> BookedObject:
    return BookedObject(
        id=row.id,
        seen=seen_object(row),
        change=row.change,
        status=row.status,
        source=row.source,
        lane=row.lane,
        noted=moment(row.seen),
        due=moment(row.due),
        tries=row.tries,
        uri=row.uri,
        has_moved=row.has_moved,
        error=row.error,
        batch_id=row.batch,
        run_id=row.run_id,
    )


def _maybe(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else moment(microseconds)
