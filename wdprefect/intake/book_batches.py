"""Rows of the book as batches and objects, and what has happened to them written down."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import BindParameter, Connection, Row, bindparam, insert, select

from wdprefect.intake.book_database import moment
from wdprefect.intake.book_schema import BATCHES, HISTORY, OBJECTS, STATES
from wdprefect.intake.objects import Batch, ClaimedObject, SeenObject, Status

# Statements are made once: for SQLAlchemy that takes longer than for SQLite to do what they say.
_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_BATCHES = (
    select(BATCHES, STATES.c.state_key).join(STATES, STATES.c.id == BATCHES.c.state).where(BATCHES.c.id.in_(_IDS))
)
_MEMBERS = select(OBJECTS).where(OBJECTS.c.batch.in_(_IDS)).order_by(OBJECTS.c.due, OBJECTS.c.id)
_RECORD = insert(HISTORY)
# SQLite takes 32,766 parameters in a statement, older ones 999.
_AT_ONCE = 900


def load_batches(connection: Connection, ids: Sequence[str]) -> list[Batch]:
    """These batches with their objects, in this order; one that is not there is left out."""
    rows: dict[str, Row[Any]] = {}
    objects: dict[str, list[ClaimedObject]] = {}
    for part in in_parts(ids):
        rows.update({row.id: row for row in connection.execute(_BATCHES, {"ids": part})})
        for row in connection.execute(_MEMBERS, {"ids": part}):
            objects.setdefault(row.batch, []).append(claimed_object(row))
    return [_batch(rows[id_], objects.get(id_, [])) for id_ in ids if id_ in rows]


def find_batch(connection: Connection, batch_id: str) -> Batch | None:
    """This batch with its objects, if there is one."""
    return next(iter(load_batches(connection, [batch_id])), None)


def in_parts(ids: Sequence[Any]) -> Iterable[Sequence[Any]]:
    """The ids in parts that fit into a statement."""
    return (ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE))


def claimed_object(row: Row[Any]) -> ClaimedObject:
    """A row of an object."""
    return ClaimedObject(row.id, seen_object(row), row.change, row.uri, row.tries, row.has_moved)


def seen_object(row: Row[Any]) -> SeenObject:
    """What a source has seen of it."""
    return SeenObject(
        bucket=row.bucket,
        key=row.key,
        version=row.version,
        etag=row.etag,
        size=row.size,
        modified=moment(row.modified),
        version_id=row.version_id,
        details=json.loads(row.details),
    )


def record(
    connection: Connection,
    at: int,
    status: Status,
    *,
    batch: str | None,
    who: str | None,
    reason: str | None = None,
    objects: Iterable[int] | None = None,
) -> None:
    """Write down what happened, to these objects or to all that are in the batch."""
    members = [(batch, id_) for id_ in ([None] if objects is None else objects)]
    record_members(connection, at, status, members, who=who, reason=reason)


def record_members(
    connection: Connection,
    at: int,
    status: Status,
    members: Sequence[tuple[str | None, int | None]],
    *,
    who: str | None,
    reason: str | None = None,
) -> None:
    """Write down what happened to objects, each with its batch, in one statement."""
    line = {"at": at, "status": status, "who": who, "note": reason}
    if members:
        connection.execute(_RECORD, [line | {"batch": batch, "object": id_} for batch, id_ in members])


def _batch(row: Row[Any], objects: Sequence[ClaimedObject]) -> Batch:
    return Batch(
        id=row.id,
        state_key=row.state_key,
        status=row.status,
        attempt=row.attempt,
        objects=tuple(objects),
        run_id=row.run_id,
        is_direct=row.is_direct,
        action_tries=row.action_tries,
    )
