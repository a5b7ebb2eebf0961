"""The course of a batch, step by step. A step that comes from who has the batch no more changes nothing."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Update,
    and_,
    bindparam,
    case,
    delete,
    insert,
    select,
    update,
)

from wdprefect.errors import WdprefectError
from wdprefect.intake.book_batches import find_batch, in_parts, load_batches, record
from wdprefect.intake.book_claims import Claims
from wdprefect.intake.book_database import microseconds
from wdprefect.intake.book_schema import AT_WORK, BATCHES, OBJECTS
from wdprefect.intake.objects import Batch, SeenObject, Status, Wanted

_IS_CLAIMED = BATCHES.c.status == "claimed"
_HAS_ENDED = BATCHES.c.status.in_(("succeeded", "failed"))
# An action that failed is tried again after this time, then after twice of it, and so on.
_FIRST_WAIT = timedelta(seconds=5)
_LONGEST_WAIT = timedelta(minutes=15)


class LeaseLost(WdprefectError):
    """The batch is another one's by now, or further than the caller knows: whoever gets this leaves it alone."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        super().__init__(f"the batch '{batch.id}' has been taken over, or is further by now")

    def __reduce__(self) -> tuple[type[LeaseLost], tuple[Batch]]:
        return type(self), (self.batch,)


class Course(Claims):
    """The part of the book that is written while a batch is worked on.

    Every step raises LeaseLost, and changes nothing, when the batch has another owner or is not where the step begins.
    """

    def staged(self, batch: Batch, owner: str, uris: Mapping[int, str]) -> Batch:
        """The objects lie in the internal storage, each at the URI of its id. May be repeated with other URIs."""
        with self.writing() as connection:
            now = self._step(connection, batch, owner, ("claimed", "staged"), "staged")
            rows = [{"row": id_, "in_batch": batch.id, "at_uri": uri} for id_, uri in uris.items()]
            if rows:
                connection.execute(_STAGE, rows)
            record(connection, now, "staged", batch=batch.id, who=owner)
            # As it is in the book: what has left the batch meanwhile must not come into its run.
            return _loaded(connection, batch)

    def announced(self, batch: Batch, owner: str) -> Batch:
        """An event is about to be sent, by which an automation may start the run. To be written before it is sent."""
        # Final: an event that was sent cannot be taken back.
        with self.writing(is_final=True) as connection:
            self._hold(connection, batch, owner, BATCHES.c.is_direct.is_(False))
            self._advance(connection, batch, owner, ("staged", "announced"), "announced")
        return replace(batch, status="announced")

    def withdrawn(self, batch: Batch, owner: str) -> Batch:
        """The announced run is not waited for any more: from now on `begin` says no, and the batch may be started."""
        with self.writing(is_final=True) as connection:
            reason = "no automation has started it"
            self._advance(connection, batch, owner, ("announced",), "staged", reason=reason, is_direct=True)
        return replace(batch, status="staged", is_direct=True)

    def started(self, batch: Batch, owner: str, run_id: str) -> Batch:
        """There is a run. May be repeated for the same run."""
        with self.writing() as connection:
            if connection.execute(_SAME_RUN, _given(batch, owner) | {"of_run": run_id}).first() is None:
                self._advance(connection, batch, owner, ("staged",), "started", reason=_run(run_id), run_id=run_id)
        return replace(batch, status="started", run_id=run_id)

    def anew(self, batch: Batch, owner: str, reason: str) -> Batch:
        """The run has crashed and another one is to take its place: the batch as it is now, before that is started."""
        with self.writing() as connection:
            unstaged = select(OBJECTS.c.id).where(OBJECTS.c.batch == batch.id, OBJECTS.c.uri.is_(None)).limit(1)
            # A run that something else has started has copied its objects itself, if at all.
            status: Status = "staged" if connection.execute(unstaged).first() is None else "claimed"
            again = {"attempt": batch.attempt + 1, "run_id": None}
            self._advance(connection, batch, owner, ("started",), status, reason=reason, **again)
            return _loaded(connection, batch)

    def ended(
        self, batch: Batch, owner: str, *, succeeded: bool, error: str | None = None, has_action: bool = False
    ) -> Batch:
        """The run has ended, or none could be started: the batch as it is now.

        has_action: there is something to do with the objects now. The owner keeps the batch for that, until `moved` or
        `action_failed`; when it dies meanwhile, `unfinished_actions` gives it to others.
        """
        before: Sequence[Status] = ("started",) if succeeded else AT_WORK
        status: Status = "succeeded" if succeeded else "failed"
        with self.writing() as connection:
            now = self._step(connection, batch, owner, before, status, error=error, action_due=self.now(connection))
            _set_objects(connection, batch.id, status, error)
            record(connection, now, status, batch=batch.id, who=owner, reason=error)
            if succeeded:
                # Those whose action was done before the run.
                moved = update(OBJECTS).where(OBJECTS.c.batch == batch.id, OBJECTS.c.has_moved)
                connection.execute(moved.values(status="moved"))
            settle(connection, batch.id)
            if not has_action:
                nothing = update(BATCHES).where(BATCHES.c.id == batch.id)
                connection.execute(nothing.values(action_due=None, owner=None, lease=0))
            return _loaded(connection, batch)

    def moved(self, batch: Batch, owner: str, objects: Iterable[int], reason: str | None = None) -> Batch:
        """The action of these objects is done, before the run or after it: the batch as it is now."""
        with self.writing() as connection:
            now = self._hold(connection, batch, owner)
            ids = list(objects)
            for part in in_parts(ids):
                mine = OBJECTS.c.id.in_(part) & (OBJECTS.c.batch == batch.id)
                connection.execute(update(OBJECTS).where(mine).values(has_moved=True))
                connection.execute(
                    update(OBJECTS).where(mine, OBJECTS.c.status == "succeeded").values(status="moved", error=None)
                )
            record(connection, now, "moved", batch=batch.id, who=owner, reason=reason, objects=ids)
            settle(connection, batch.id)
            return _loaded(connection, batch)

    def action_failed(self, batch: Batch, owner: str, error: str) -> None:
        """The action after the run could not be done with all objects: it is due again, each time after a longer while.

        Where it comes before the run it is for its owner to try again, or to end the batch as failed.
        """
        with self.writing() as connection:
            now = self._hold(connection, batch, owner, _HAS_ENDED)
            tries = connection.execute(select(BATCHES.c.action_tries).where(BATCHES.c.id == batch.id)).scalar_one()
            wait = min(_FIRST_WAIT * 2 ** min(tries, 20), _LONGEST_WAIT) // timedelta(microseconds=1)
            again = {"action_tries": tries + 1, "action_due": now + wait, "owner": None, "lease": 0, "error": error}
            connection.execute(update(BATCHES).where(BATCHES.c.id == batch.id).values(again))
            record(connection, now, batch.status, batch=batch.id, who=owner, reason=f"its action failed: {error}")

    def drop(self, batch: Batch, owner: str, object_id: int, reason: str) -> Batch | None:
        """The object cannot be had any more and is lost: what is left of the batch, None where that is nothing.

        As `postpone` only before it is staged: from then on an owner that died may have started the run.
        """
        with self.writing() as connection:
            now = self._hold(connection, batch, owner, _IS_CLAIMED)
            _leave(connection, batch.id, [object_id], {"status": "lost", "error": reason})
            record(connection, now, "lost", batch=batch.id, who=owner, reason=reason, objects=[object_id])
            return _left(connection, batch)

    def postpone(
        self,
        batch: Batch,
        owner: str,
        objects: Sequence[int],
        error: str,
        *,
        not_before: datetime,
        max_tries: int,
    ) -> Batch | None:
        """The objects could not be staged and wait again; those that failed so often have failed for good.

        What is left of the batch, None where that is nothing.
        """
        tries = {claimed.id: claimed.tries + 1 for claimed in batch.objects if claimed.id in set(objects)}
        again = [id_ for id_, count in tries.items() if count < max_tries]
        failed = [id_ for id_, count in tries.items() if count >= max_tries]
        with self.writing() as connection:
            now = self._hold(connection, batch, owner, _IS_CLAIMED)
            waits = {"status": "seen", "due": microseconds(not_before), "tries": OBJECTS.c.tries + 1, "error": error}
            _leave(connection, batch.id, again, waits)
            record(connection, now, "seen", batch=batch.id, who=owner, reason=error, objects=again)
            _leave(connection, batch.id, failed, {"status": "failed", "tries": OBJECTS.c.tries + 1, "error": error})
            record(connection, now, "failed", batch=batch.id, who=owner, reason=error, objects=failed)
            return _left(connection, batch)

    def begin(self, batch_id: str, attempt: int, run_id: str) -> bool:
        """Whether this run, which an automation started, is the one that has the batch; one too many gets False."""
        with self.writing(is_final=True) as connection:
            batch = connection.execute(select(BATCHES).where(BATCHES.c.id == batch_id).with_for_update()).one_or_none()
            if batch is None or batch.attempt != attempt:
                return False
            if batch.status != "announced":
                return bool(batch.status == "started" and batch.run_id == run_id)
            now = self.now(connection)
            started = {"status": "started", "run_id": run_id, "since": now}
            connection.execute(update(BATCHES).where(BATCHES.c.id == batch_id).values(started))
            _set_objects(connection, batch_id, "started")
            record(connection, now, "started", batch=batch_id, who="an automation", reason=_run(run_id))
            return True

    def begin_objects(
        self,
        state_key: str,
        wanted: Wanted,
        objects: Sequence[SeenObject],
        run_id: str,
        *,
        size: int,
        prefix: str = "",
    ) -> Batch | None:
        """The batch of a run that something else started with these objects; None where all are or were other runs'.

        size: the most objects of a run; what is left waits for its turn.
        """
        observed = self.observe(state_key, wanted, objects, source="an automation", prefix=prefix)
        with self.writing(is_final=True) as connection:
            state = self._locked(connection, state_key)
            ids = sorted({one.id for one in observed})
            found = select(OBJECTS.c.id, OBJECTS.c.status, OBJECTS.c.batch).order_by(OBJECTS.c.id)
            rows = [row for part in in_parts(ids) for row in connection.execute(found.where(OBJECTS.c.id.in_(part)))]
            started = load_batches(connection, sorted({row.batch for row in rows if row.status == "started"}))
            if mine := next((batch for batch in started if batch.run_id == run_id), None):
                # The run asks again.
                return mine
            free = [row.id for row in rows if row.status == "seen"][:size]
            if not free:
                return None
            now, batch_id = self.now(connection), uuid.uuid4().hex
            values = {"id": batch_id, "state": state, "status": "started", "since": now, "run_id": run_id}
            connection.execute(insert(BATCHES).values(values))
            taken = update(OBJECTS).values(status="started", batch=batch_id)
            for part in in_parts(free):
                connection.execute(taken.where(OBJECTS.c.id.in_(part)))
            record(connection, now, "claimed", batch=batch_id, who="an automation", objects=free)
            record(connection, now, "started", batch=batch_id, who="an automation", reason=_run(run_id))
            return find_batch(connection, batch_id)

    def _advance(
        self,
        connection: Connection,
        batch: Batch,
        owner: str,
        before: Sequence[Status],
        status: Status,
        *,
        reason: str | None = None,
        **values: Any,
    ) -> None:
        now = self._step(connection, batch, owner, before, status, **values)
        _set_objects(connection, batch.id, status)
        record(connection, now, status, batch=batch.id, who=owner, reason=reason)

    def _step(
        self,
        connection: Connection,
        batch: Batch,
        owner: str,
        before: Sequence[Status],
        status: Status,
        **values: Any,
    ) -> int:
        """The batch gets this status, if it is the owner's and has one of these; the time."""
        now = self.now(connection)
        given = _given(batch, owner) | {"before": before}
        to = {"status": status, "since": now} | values
        statement = _step_to(tuple(to))
        if connection.execute(statement, given | {f"to_{name}": value for name, value in to.items()}).rowcount != 1:
            raise LeaseLost(batch)
        return now

    def _hold(self, connection: Connection, batch: Batch, owner: str, *which: ColumnElement[bool]) -> int:
        """The time, if the batch is the owner's and such a one, and it stays so meanwhile."""
        mine = _MINE.where(*which) if which else _MINE
        if connection.execute(mine, _given(batch, owner)).one_or_none() is None:
            raise LeaseLost(batch)
        return self.now(connection)


def _leave(connection: Connection, batch_id: str, objects: Sequence[int], values: dict[str, Any]) -> None:
    for part in in_parts(objects):
        mine = update(OBJECTS).where(OBJECTS.c.id.in_(part), OBJECTS.c.batch == batch_id)
        connection.execute(mine.values(batch=None, **values))


def _left(connection: Connection, batch: Batch) -> Batch | None:
    """The batch; None, and it is gone, when it has no objects any more."""
    left = _loaded(connection, batch)
    if left.objects:
        return left
    connection.execute(delete(BATCHES).where(BATCHES.c.id == batch.id))
    return None


def _set_objects(connection: Connection, batch_id: str, status: Status, error: str | None = None) -> None:
    connection.execute(_SET_OBJECTS, {"in_batch": batch_id, "to_status": status, "with_error": error})


def settle(connection: Connection, batch_id: str) -> None:
    """End an ended batch whose objects have all moved."""
    if connection.execute(_NOT_MOVED, {"in_batch": batch_id}).first() is None:
        connection.execute(_SETTLE, {"in_batch": batch_id})


def _given(batch: Batch, owner: str) -> dict[str, Any]:
    return {"of_id": batch.id, "of_owner": owner, "of_attempt": batch.attempt}


# Statements are made once: for SQLAlchemy that takes longer than for SQLite to do what they say.
_IS_MINE = and_(
    BATCHES.c.id == bindparam("of_id"),
    BATCHES.c.owner == bindparam("of_owner"),
    BATCHES.c.attempt == bindparam("of_attempt"),
)
_MINE = select(BATCHES.c.id).where(_IS_MINE).with_for_update()
_SAME_RUN = select(BATCHES.c.id).where(_IS_MINE, BATCHES.c.status == "started", BATCHES.c.run_id == bindparam("of_run"))
_MEMBERS = OBJECTS.c.batch == bindparam("in_batch")
_STAGE = (
    update(OBJECTS).where(OBJECTS.c.id == bindparam("row"), _MEMBERS).values(status="staged", uri=bindparam("at_uri"))
)
_SET_OBJECTS = update(OBJECTS).where(_MEMBERS).values(status=bindparam("to_status"), error=bindparam("with_error"))
_NOT_MOVED = select(OBJECTS.c.id).where(_MEMBERS, OBJECTS.c.has_moved.is_(False)).limit(1)
_SETTLE = (
    update(BATCHES)
    .where(BATCHES.c.id == bindparam("in_batch"), BATCHES.c.action_due.is_not(None))
    .values(
        action_due=None,
        owner=None,
        lease=0,
        status=case((BATCHES.c.status == "succeeded", "moved"), else_=BATCHES.c.status),
    )
)


@cache
def _step_to(columns: tuple[str, ...]) -> Update:
    """The step of a batch that sets these columns; there are a handful of them."""
    mine = update(BATCHES).where(_IS_MINE, BATCHES.c.status.in_(bindparam("before", expanding=True)))
    return mine.values({name: bindparam(f"to_{name}") for name in columns})


def _loaded(connection: Connection, batch: Batch) -> Batch:
    found = find_batch(connection, batch.id)
    assert found is not None, "it was changed in this transaction"
    return found


def _run(run_id: str) -> str:
    return f"run {run_id}"
