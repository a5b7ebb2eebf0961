"""Finding many versions of objects at once: one index probe for each, whatever else is in the book."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, Literal, NamedTuple

from sqlalchemy import Connection, text

from wdprefect.intake.book_schema import storable
from wdprefect.intake.objects import SeenObject, Status

# SQLite has no arrays, and some builds of it take 999 parameters. Statements are by far faster than JSON there.
_SQLITE_AT_ONCE = 330
_ARRAYS = "unnest(CAST(:buckets AS text[]), CAST(:keys AS text[]), CAST(:versions AS text[])) WITH ORDINALITY"

_What = Literal["version", "key"]
_COLUMNS: dict[_What, str] = {"version": "o.id, o.status, o.sighted", "key": "1"}
_CONDITIONS: dict[_What, str] = {
    "version": "o.bucket = j.bucket AND o.key = j.key AND o.version = j.version",
    "key": "o.bucket = j.bucket AND o.key = j.key",
}


class Known(NamedTuple):
    """A row of an object. sighted: when it was last seen, as far as that was written down."""

    id: int
    status: Status
    sighted: int


def find_known(connection: Connection, state: int, objects: Sequence[SeenObject]) -> dict[int, Known]:
    """The rows of those versions that are in the book, by their place in `objects`."""
    return {row[0]: Known(row[1], row[2], row[3]) for row in _find(connection, "version", state, objects)}


def with_known_keys(connection: Connection, state: int, objects: Sequence[SeenObject]) -> set[int]:
    """The places of those objects of which any version is in the book."""
    return {row[0] for row in _find(connection, "key", state, objects)}


def _find(connection: Connection, what: _What, state: int, objects: Sequence[SeenObject]) -> list[Any]:
    parts = [(storable(seen.bucket), storable(seen.key), storable(seen.version)) for seen in objects]
    if connection.dialect.name == "postgresql":
        buckets, keys, versions = (list(column) for column in zip(*parts, strict=True))
        given = {"state": state, "buckets": buckets, "keys": keys, "versions": versions}
        return list(connection.execute(_POSTGRESQL[what], given).all())
    found: list[Any] = []
    for start in range(0, len(parts), _SQLITE_AT_ONCE):
        some = parts[start : start + _SQLITE_AT_ONCE]
        given_ = (*chain.from_iterable(some), state)
        rows = connection.exec_driver_sql(_sqlite(what, len(some)), given_).all()
        found += [(start + row[0], *row[1:]) for row in rows] if start else rows
    return found


_POSTGRESQL = {
    what: text(
        f"SELECT j.n - 1, {_COLUMNS[what]} FROM {_ARRAYS} AS j(bucket, key, version, n) "  # noqa: S608  of constants
        f"JOIN intake_objects AS o ON o.state = :state AND {_CONDITIONS[what]}"
    )
    for what in _COLUMNS
}


@lru_cache(maxsize=2 * _SQLITE_AT_ONCE)
def _sqlite(what: _What, count: int) -> str:
    values = ",".join(f"({n},?,?,?)" for n in range(count))
    return (
        f"WITH j(n, bucket, key, version) AS (VALUES {values}) SELECT j.n, {_COLUMNS[what]} "  # noqa: S608  as above
        f"FROM j CROSS JOIN intake_objects AS o ON o.state = ? AND {_CONDITIONS[what]}"
    )
