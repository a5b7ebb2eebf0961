"""What the book hears from its sources: triggers, objects, and whether looking for them works."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from wdprefect.errors import UsageError
from wdprefect.intake.book_batches import in_parts
from wdprefect.intake.book_database import PATIENCE_SECONDS, Clock, Database, microseconds, moment
from wdprefect.intake.book_lookup import Known, find_known, with_known_keys
from wdprefect.intake.book_schema import BATCHES, ENDED, HISTORY, OBJECTS, STATES
from wdprefect.intake.objects import ChangeType, Enrolled, Foretold, Observed, SeenObject, Status, Wanted

# A sighting is written down when the last one that was is older than this part of the time to live.
_SIGHTINGS_IN_TTL = 10
# That all goes well is written down no more often.
_OK_EVERY = 60_000_000
_FORGET_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class _Observation:
    state: int
    wanted: Wanted
    baseline: bool
    source: str
    prefix: str
    # Sightings before are written anew.
    stale: int


class Sightings(Database):
    """The part of the book that sources write."""

    def __init__(self, url: str, *, clock: Clock | None = None, patience_seconds: float = PATIENCE_SECONDS) -> None:
        super().__init__(url, clock=clock, patience_seconds=patience_seconds)
        self._states: dict[str, int] = {}

    def enroll(self, state_key: str, flow: str, trigger_id: str) -> Enrolled:
        """Make a trigger known, before anything else is told of it; may be repeated.

        It is new until `baseline_taken`: what there was before is then to be observed as the baseline.
        """
        names = {"flow": flow, "trigger_id": trigger_id}
        known = select(STATES).where(STATES.c.state_key == state_key)
        with self.reading() as connection:
            row = connection.execute(known).one_or_none()
        if row is None or (row.flow, row.trigger_id) != (flow, trigger_id):
            with self.writing() as connection:
                new = self._insert_if_new(STATES)
                connection.execute(new.values(state_key=state_key, since=self.now(connection), **names))
                connection.execute(update(STATES).where(STATES.c.state_key == state_key).values(names))
                row = connection.execute(known).one()
        return Enrolled(not row.has_baseline, moment(row.since))

    def baseline_taken(self, state_key: str) -> None:
        """Note that what was there before the first start is known; the trigger is not new any more."""
        with self.writing() as connection:
            connection.execute(update(STATES).where(STATES.c.state_key == state_key).values(has_baseline=True))

    def observe(
        self,
        state_key: str,
        wanted: Wanted,
        objects: Sequence[SeenObject],
        *,
        source: str,
        baseline: bool = False,
        prefix: str = "",
        ttl: timedelta | None = None,
    ) -> list[Observed]:
        """Tell of objects, in any order and any number of times; what the book says of each.

        An unknown version becomes `seen`, or `ignored` when it belongs to the baseline or the trigger wants no such
        change. prefix: what the trigger watches; the first folder below it is the object's lane. ttl: how long entries
        are remembered that are not seen any more, if not for ever. Where all are known nothing is written.
        """
        if not objects:
            return []
        with self.reading() as connection:
            state = self._state(connection, state_key)
            known = find_known(connection, state, objects)
            now = self.now(connection) if ttl else 0
        stale = now - ttl // timedelta(microseconds=_SIGHTINGS_IN_TTL) if ttl else 0
        if len(known) < len(objects) or any(row.sighted < stale for row in known.values()):
            # Who told of the objects may not tell again.
            with self.writing(is_final=len(known) < len(objects)) as connection:
                observation = _Observation(state, wanted, baseline, source, prefix, stale)
                return self._observe(connection, observation, objects)
        return [_observed(known[n]) for n in range(len(objects))]

    def foretell(
        self, state_key: str, wanted: Wanted, objects: Sequence[SeenObject], *, baseline: bool = False
    ) -> list[Foretold]:
        """What `observe` would say of objects, in their order, without writing anything."""
        if not objects:
            return []
        with self.reading() as connection:
            found = connection.execute(select(STATES.c.id).where(STATES.c.state_key == state_key)).scalar()
            # No trigger has this number: what was never listened for knows no objects.
            state = -1 if found is None else int(found)
            known = find_known(connection, state, objects)
            new = [seen for n, seen in enumerate(objects) if n not in known]
            changes = {_identity(seen): change for seen, change in _changes(connection, state, new)}
        return [
            Foretold(known[n].id, known[n].status)
            if n in known
            else Foretold(
                None, _first_status(wanted, changes[_identity(seen)], baseline=baseline), changes[_identity(seen)]
            )
            for n, seen in enumerate(objects)
        ]

    def forget(self, state_key: str, ttl: timedelta) -> int:
        """Forget what was not sighted for so long, except what is in work; how many.

        Only after a look at everything there is: what was not looked at would be forgotten, too, and fire again.
        """
        forgotten = 0
        while True:
            with self.writing() as connection:
                state = self._locked(connection, state_key)
                old = OBJECTS.c.sighted < self.now(connection) - ttl // timedelta(microseconds=1)
                busy = select(BATCHES.c.id).where(BATCHES.c.state == state, BATCHES.c.action_due.is_not(None))
                free = OBJECTS.c.batch.is_(None) | OBJECTS.c.batch.not_in(busy)
                gone = (OBJECTS.c.state == state) & OBJECTS.c.status.in_(ENDED) & old & free
                ids = list(connection.scalars(select(OBJECTS.c.id).where(gone).limit(_FORGET_AT_ONCE)))
                of_these = HISTORY.c.object.in_(ids)
                were_in = set(connection.scalars(select(HISTORY.c.batch).where(of_these, HISTORY.c.batch.is_not(None))))
                connection.execute(delete(HISTORY).where(of_these))
                connection.execute(delete(OBJECTS).where(OBJECTS.c.id.in_(ids)))
                _forget_empty(connection, were_in)
            forgotten += len(ids)
            if len(ids) < _FORGET_AT_ONCE:
                return forgotten

    def report(self, state_key: str, code: str | None = None, text: str = "") -> int:
        """Note that looking for objects works (no code), or that it failed and how; the number of errors in a row."""
        with self.reading() as connection:
            row = connection.execute(select(STATES).where(STATES.c.state_key == state_key)).one_or_none()
            now = self.now(connection)
        if row and not code and not row.errors and (row.last_ok or 0) > now - _OK_EVERY:
            return 0
        with self.writing() as connection:
            state = self._locked(connection, state_key)
            change: dict[str, Any] = {"errors": 0, "last_ok": now}
            if code:
                errors = STATES.c.errors + 1
                change = {"errors": errors, "last_error": now, "error_code": code, "error_text": text}
            connection.execute(update(STATES).where(STATES.c.id == state).values(change))
            return int(connection.execute(select(STATES.c.errors).where(STATES.c.id == state)).scalar_one())

    def _state(self, connection: Connection, state_key: str) -> int:
        # Triggers are never removed from the book, so what was read once holds.
        if state_key not in self._states:
            found = connection.execute(select(STATES.c.id).where(STATES.c.state_key == state_key)).scalar()
            if found is None:
                raise UsageError(f"no trigger with the state key '{state_key}' is in the book {self.name}")
            self._states[state_key] = found
        return self._states[state_key]

    def _locked(self, connection: Connection, state_key: str) -> int:
        """The trigger's row, held until the transaction ends: its claims and new objects come one after another."""
        state = self._state(connection, state_key)
        connection.execute(select(STATES.c.id).where(STATES.c.id == state).with_for_update())
        return state

    def _insert_if_new(self, table: Any) -> Any:
        from sqlalchemy.dialects import postgresql, sqlite

        dialect = postgresql if self.is_postgresql else sqlite
        return dialect.insert(table).on_conflict_do_nothing()

    def _observe(
        self, connection: Connection, observation: _Observation, objects: Sequence[SeenObject]
    ) -> list[Observed]:
        # Others that observe the same trigger wait here, so an object has one first version, and each version one row.
        connection.execute(select(STATES.c.id).where(STATES.c.id == observation.state).with_for_update())
        known = find_known(connection, observation.state, objects)
        if rows := self._rows(connection, observation, objects, known):
            connection.execute(insert(OBJECTS), rows)
        stale = [{"row": row.id, "now": 0} for row in known.values() if row.sighted < observation.stale]
        if stale:
            now = self.now(connection)
            sighted = update(OBJECTS).where(OBJECTS.c.id == bindparam("row")).values(sighted=bindparam("now"))
            connection.execute(sighted, [row | {"now": now} for row in stale])
        if not rows:
            return [_observed(known[n]) for n in range(len(objects))]
        after = find_known(connection, observation.state, objects)
        first: dict[int, int] = {}
        return [
            _observed(after[n], is_new=n not in known and first.setdefault(after[n].id, n) == n)
            for n in range(len(objects))
        ]

    def _rows(
        self,
        connection: Connection,
        observation: _Observation,
        objects: Sequence[SeenObject],
        known: dict[int, Known],
    ) -> list[dict[str, object]]:
        new = [seen for n, seen in enumerate(objects) if n not in known]
        now = self.now(connection)
        return [_row(observation, seen, change, now) for seen, change in _changes(connection, observation.state, new)]


def _changes(
    connection: Connection, state: int, objects: Sequence[SeenObject]
) -> Iterator[tuple[SeenObject, ChangeType]]:
    """Each version that the book has not, once, and what it is to its key."""
    # Oldest first: of two versions of a key that are both new the older one is the creation.
    ordered = sorted({_identity(seen): seen for seen in objects}.values(), key=lambda seen: seen.modified)
    known_keys = with_known_keys(connection, state, ordered) if ordered else ()
    had_key = {(ordered[n].bucket, ordered[n].key) for n in known_keys}
    for seen in ordered:
        yield seen, "UPDATE" if (seen.bucket, seen.key) in had_key else "CREATE"
        had_key.add((seen.bucket, seen.key))


def _identity(seen: SeenObject) -> tuple[str, str, str]:
    return seen.bucket, seen.key, seen.version


def _first_status(wanted: Wanted, change: ChangeType, *, baseline: bool) -> Status:
    return "seen" if not baseline and change in wanted.split("_OR_") else "ignored"


def _row(observation: _Observation, seen: SeenObject, change: ChangeType, now: int) -> dict[str, object]:
    status = _first_status(observation.wanted, change, baseline=observation.baseline)
    modified = microseconds(seen.modified)
    return {
        "state": observation.state,
        "bucket": seen.bucket,
        "key": seen.key,
        "version": seen.version,
        "version_id": seen.version_id,
        "etag": seen.etag,
        "size": seen.size,
        "modified": modified,
        "details": json.dumps(dict(seen.details), default=str) if seen.details else "{}",
        "change": change,
        "lane": lane_of(seen.key, observation.prefix),
        "source": observation.source,
        "status": status,
        "first": status,
        "seen": now,
        "sighted": now,
        # A clock of the bucket that is ahead must not hold an object back.
        "due": min(modified, now),
    }


def lane_of(key: str, prefix: str) -> str:
    """The first folder below what is watched; empty for objects that lie in none."""
    folder, slash, _ = key.removeprefix(prefix).partition("/")
    return folder if slash else ""


def _observed(row: Known, *, is_new: bool = False) -> Observed:
    return Observed(row.id, row.status, is_new)


def _forget_empty(connection: Connection, batches: Collection[str]) -> None:
    """Forget those of these ended batches that have no objects any more."""
    for part in in_parts(list(batches)):
        left = set(connection.scalars(select(OBJECTS.c.batch).where(OBJECTS.c.batch.in_(part))))
        empty = [id_ for id_ in part if id_ not in left]
        connection.execute(delete(HISTORY).where(HISTORY.c.object.is_(None), HISTORY.c.batch.in_(empty)))
        connection.execute(delete(BATCHES).where(BATCHES.c.id.in_(empty)))
