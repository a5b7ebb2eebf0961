"""Whose turn it is: the waiting objects of a trigger in a fair order, and how they are put together."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, zip_longest
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, func, literal, or_, select

from wdprefect.intake.book_schema import OBJECTS, STATES, AnyText, literally

# What a batch's data has of an object beside its key, ETag and details: the URI, the time, names and quotes.
_BYTES_FOR_THE_REST = 500

_IS_DUE = and_(
    OBJECTS.c.state == bindparam("state"), OBJECTS.c.status == literally("seen"), OBJECTS.c.due <= bindparam("now")
)

_ANY_DUE = select(OBJECTS.c.id).where(_IS_DUE).limit(1)


def has_due(connection: Connection, state: int, now: int) -> bool:
    """Whether any object of the trigger is due."""
    return connection.execute(_ANY_DUE, {"state": state, "now": now}).first() is not None


def next_objects(connection: Connection, state: int, now: int, count: int) -> list[Row[Any]]:
    """Up to so many due objects: the oldest of each lane, then the second of each, and so on.

    The first lane is the one after the lane that was served last.
    """
    taken: dict[str, list[Row[Any]]] = {lane: [] for lane in _lanes(connection, state, now, count)}
    active, missing = list(taken), count
    while active and missing > 0:
        share = -(-missing // len(active))
        full = []
        for lane in active:
            last = taken[lane][-1] if taken[lane] else None
            after = {"due_after": last.due if last else -1, "id_after": last.id if last else -1}
            where = {"state": state, "now": now, "of_lane": lane, "share": share}
            more = connection.execute(_OF_LANE, where | after).all()
            taken[lane] += more
            missing -= len(more)
            if len(more) == share:
                full.append(lane)
        active = full
    rounds = chain.from_iterable(zip_longest(*taken.values()))
    return [row for row in rounds if row is not None][:count]


def grouped(rows: Sequence[Row[Any]], groups: int, size: int, max_bytes: int) -> list[list[Row[Any]]]:
    """The rows in order, in at most so many groups, none with more rows or bytes than that."""
    found: list[list[Row[Any]]] = []
    free = 0
    for row in rows:
        needed = _json_bytes(row)
        if not found or len(found[-1]) >= size or needed > free:
            if len(found) == groups:
                break
            found.append([])
            free = max_bytes
        found[-1].append(row)
        free -= needed
    return found


# The rows of a lane after the last one that was taken, by an index that has them in this order.
_OF_LANE = (
    select(OBJECTS.c.id, OBJECTS.c.lane, OBJECTS.c.due, OBJECTS.c.key, OBJECTS.c.etag, OBJECTS.c.details)
    .where(_IS_DUE, OBJECTS.c.lane == bindparam("of_lane"))
    .where(
        or_(
            OBJECTS.c.due > bindparam("due_after"),
            and_(OBJECTS.c.due == bindparam("due_after"), OBJECTS.c.id > bindparam("id_after")),
        )
    )
    .order_by(OBJECTS.c.due, OBJECTS.c.id)
    .limit(bindparam("share"))
)


def _lanes_after(lane: Any) -> Any:
    """The lanes with due objects that come after this one, by one probe of the index for each."""
    first = select(func.min(OBJECTS.c.lane, type_=AnyText).label("lane")).where(_IS_DUE, OBJECTS.c.lane > lane)
    found = first.cte("lanes", recursive=True)
    following = select(func.min(OBJECTS.c.lane, type_=AnyText)).where(_IS_DUE, OBJECTS.c.lane > found.c.lane)
    lanes = found.union_all(select(following.scalar_subquery()).where(found.c.lane.is_not(None)))
    return select(lanes.c.lane).where(lanes.c.lane.is_not(None)).limit(bindparam("count"))


_LAST_SERVED = select(STATES.c.lane).where(STATES.c.id == bindparam("state"))
_LANES_AFTER = _lanes_after(bindparam("after", type_=AnyText))


def _lanes(connection: Connection, state: int, now: int, count: int) -> list[str]:
    last = connection.execute(_LAST_SERVED, {"state": state}).scalar_one()
    values = {"state": state, "now": now, "count": count}
    after = list(connection.scalars(_LANES_AFTER, values | {"after": last}))
    if len(after) == count:
        return after
    # From the first one on again. The lane of what lies in no folder is the empty one, which is after nothing.
    is_due = connection.execute(_EMPTY_LANE, {"state": state, "now": now}).first() is not None
    before = [""] if is_due else []
    before += connection.scalars(_LANES_AFTER, values | {"after": ""})
    return list(dict.fromkeys([*after, *before]))[:count]


_EMPTY_LANE = select(literal(1)).where(_IS_DUE, OBJECTS.c.lane == "").limit(1)


def _json_bytes(row: Row[Any]) -> int:
    # A character takes up to six bytes in JSON. Keys are mostly ASCII, which takes one.
    key = len(row.key) if row.key.isascii() and row.key.isprintable() else 6 * len(row.key)
    return key + len(row.etag) + len(row.details) + _BYTES_FOR_THE_REST
