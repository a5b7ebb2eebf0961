"""Taking what waits: which objects are next, and who works on which batch for how long."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, bindparam, func, insert, select, update

from wdprefect.intake.book_batches import load_batches, record, record_members
from wdprefect.intake.book_queue import grouped, has_due, next_objects
from wdprefect.intake.book_schema import AT_WORK, BATCHES, OBJECTS, STATES, literally
from wdprefect.intake.book_sightings import Sightings
from wdprefect.intake.objects import Batch

# Made once, as those of book_batches are.
_NEW_BATCH = insert(BATCHES)
_CLAIMED = (
    update(OBJECTS)
    .where(OBJECTS.c.id == bindparam("row"), OBJECTS.c.status == literally("seen"))
    .values(status="claimed", batch=bindparam("in_batch"))
)


class Claims(Sightings):
    """The part of the book that says who works on what."""

    def claim(
        self,
        state_key: str,
        owner: str,
        lease: timedelta,
        *,
        runs: int,
        size: int,
        max_bytes: int,
        limit: int | None = None,
    ) -> list[Batch]:
        """Up to `runs` new batches of up to `size` objects that wait, each object in one batch alone.

        Lanes take turns, the oldest object of each first. max_bytes: of a batch's objects as JSON, about; one object
        that is larger has a batch of its own. limit: how many batches of the trigger may be at work, with the new ones.
        """
        with self.reading() as connection:
            # Asked again and again, mostly for nothing: whoever writes keeps others out.
            if not has_due(connection, self._state(connection, state_key), self.now(connection)):
                return []
        # A batch's id must hold: by it one run is told from a second.
        with self.writing(is_final=True) as connection:
            state = self._locked(connection, state_key)
            if limit is not None:
                runs = min(runs, limit - _at_work(connection, state))
            if runs <= 0 or size <= 0:
                return []
            now = self.now(connection)
            groups = grouped(next_objects(connection, state, now, runs * size), runs, size, max_bytes)
            if not groups:
                return []
            last = groups[-1][-1].lane
            connection.execute(update(STATES).where(STATES.c.id == state).values(lane=last))
            ids = self._make_batches(
                connection, state, groups, {"owner": owner, "since": now, "lease": now + _us(lease)}
            )
            return load_batches(connection, ids)

    def running(self, state_key: str) -> int:
        """How many batches of the trigger are at work, from claimed to started."""
        with self.reading() as connection:
            return _at_work(connection, self._state(connection, state_key))

    def following(self, owner: str) -> list[Batch]:
        """The batches that this owner works on, oldest first."""
        mine = select(BATCHES.c.id).where(BATCHES.c.owner == owner).order_by(BATCHES.c.since)
        with self.reading() as connection:
            return load_batches(connection, list(connection.scalars(mine)))

    def unstarted(self, owner: str, after: timedelta) -> list[Batch]:
        """The owner's batches that have been announced for so long and have no run yet."""
        with self.reading() as connection:
            late = (BATCHES.c.status == "announced") & (BATCHES.c.since <= self.now(connection) - _us(after))
            return load_batches(
                connection, list(connection.scalars(select(BATCHES.c.id).where(BATCHES.c.owner == owner, late)))
            )

    def renew(self, owner: str, lease: timedelta) -> int:
        """Make the leases of all batches of this owner last until then; how many it has."""
        with self.writing() as connection:
            until = self.now(connection) + _us(lease)
            return connection.execute(update(BATCHES).where(BATCHES.c.owner == owner).values(lease=until)).rowcount

    def release(self, owner: str) -> int:
        """Let go of all batches of this owner, which stops: others may take them over at once; how many."""
        with self.writing() as connection:
            mine = update(BATCHES).where(BATCHES.c.owner == owner)
            return connection.execute(mine.values(owner=None, lease=0)).rowcount

    def take_over(self, owner: str, lease: timedelta, state_keys: Sequence[str]) -> list[Batch]:
        """The batches at work that nobody works on any more, which are this owner's now.

        They are as their owner left them: what it did last may have been done without having been noted.
        """
        return self._take(owner, lease, state_keys, BATCHES.c.status.in_(AT_WORK))

    def unfinished_actions(self, owner: str, lease: timedelta, state_keys: Sequence[str]) -> list[Batch]:
        """The ended batches whose action is still to be done, is due, and that nobody works on; this owner's now."""
        with self.reading() as connection:
            now = self.now(connection)
        return self._take(owner, lease, state_keys, BATCHES.c.action_due <= now)

    def _take(self, owner: str, lease: timedelta, state_keys: Sequence[str], which: ColumnElement[bool]) -> list[Batch]:
        with self.reading() as connection:
            free = self._free(connection, owner, state_keys, which)
            if connection.execute(free.limit(1)).first() is None:
                return []
        with self.writing() as connection:
            # Another one may be taking the same at this moment; those are its.
            free = self._free(connection, owner, state_keys, which).with_for_update(skip_locked=True)
            ids = list(connection.scalars(free))
            now = self.now(connection)
            if ids:
                statement = update(BATCHES).where(BATCHES.c.id == bindparam("row"))
                taken = statement.values(owner=owner, lease=now + _us(lease))
                connection.execute(taken, [{"row": id_} for id_ in ids])
            batches = load_batches(connection, ids)
            for batch in batches:
                record(connection, now, batch.status, batch=batch.id, who=owner, reason="taken over")
            return batches

    def _free(self, connection: Connection, owner: str, state_keys: Sequence[str], which: ColumnElement[bool]) -> Any:
        states = [self._state(connection, state_key) for state_key in state_keys]
        expired = (BATCHES.c.lease < self.now(connection)) & (BATCHES.c.owner != owner)
        nobodys = BATCHES.c.owner.is_(None) | expired
        ids = select(BATCHES.c.id).where(BATCHES.c.state.in_(states), which, nobodys)
        return ids.order_by(BATCHES.c.since, BATCHES.c.id)

    def _make_batches(
        self, connection: Connection, state: int, groups: Sequence[Sequence[Row[Any]]], values: dict[str, Any]
    ) -> list[str]:
        ids = [uuid.uuid4().hex for _ in groups]
        rows = [{"id": id_, "state": state, "status": "claimed"} | values for id_ in ids]
        connection.execute(_NEW_BATCH, rows)
        members = [(id_, row.id) for id_, group in zip(ids, groups, strict=True) for row in group]
        connection.execute(_CLAIMED, [{"row": row, "in_batch": id_} for id_, row in members])
        record_members(connection, values["since"], "claimed", members, who=values["owner"])
        return ids


def _us(duration: timedelta) -> int:
    return duration // timedelta(microseconds=1)


def _at_work(connection: Connection, state: int) -> int:
    mine = (BATCHES.c.state == state) & BATCHES.c.status.in_(AT_WORK)
    return connection.execute(select(func.count()).select_from(BATCHES).where(mine)).scalar_one()
