"""Finding many versions of objects at once: one statement, one index probe for each, whatever else is in the book."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, TextClause, text

from wdprefect.intake.book_schema import storable
from wdprefect.intake.objects import SeenObject, Status

# As JSON, because SQLite has no arrays, and a statement of a thousand parameters takes longer than its answer.
_SQLITE = "json_each(:page) AS j CROSS JOIN intake_objects AS o ON o.state = :state"
_SQLITE_KEY = "o.bucket = json_extract(j.value, '$[0]') AND o.key = json_extract(j.value, '$[1]')"
_SQLITE_VERSION = "o.version = json_extract(j.value, '$[2]')"
_POSTGRESQL = (
    "unnest(CAST(:buckets AS text[]), CAST(:keys AS text[]), CAST(:versions AS text[])) "
    "WITH ORDINALITY AS j(bucket, key, version, n) JOIN intake_objects AS o ON o.state = :state"
)
_POSTGRESQL_KEY = "o.bucket = j.bucket AND o.key = j.key"


class Known(NamedTuple):
    """A row of an object. sighted: when it was last seen, as far as that was written down."""

    id: int
    status: Status
    sighted: int


def _statements(*, is_postgresql: bool) -> tuple[TextClause, TextClause]:
    if is_postgresql:
        tables, key, version, n = _POSTGRESQL, _POSTGRESQL_KEY, "o.version = j.version", "j.n - 1"
    else:
        tables, key, version, n = _SQLITE, _SQLITE_KEY, _SQLITE_VERSION, "j.key"
    return (
        text(f"SELECT {n}, o.id, o.status, o.sighted FROM {tables} AND {key} AND {version}"),  # noqa: S608  of constants
        text(f"SELECT DISTINCT {n} FROM {tables} AND {key}"),  # noqa: S608  as above
    )


_STATEMENTS = {kind: _statements(is_postgresql=kind) for kind in (False, True)}


def find_known(connection: Connection, state: int, objects: Sequence[SeenObject]) -> dict[int, Known]:
    """The rows of those versions that are in the book, by their place in `objects`."""
    statement = _STATEMENTS[connection.dialect.name == "postgresql"][0]
    rows = connection.execute(statement, _parameters(connection, state, objects))
    return {n: Known(id_, status, sighted) for n, id_, status, sighted in rows}


def with_known_keys(connection: Connection, state: int, objects: Sequence[SeenObject]) -> set[int]:
    """The places of those objects of which any version is in the book."""
    statement = _STATEMENTS[connection.dialect.name == "postgresql"][1]
    return {n for (n,) in connection.execute(statement, _parameters(connection, state, objects))}


def _parameters(connection: Connection, state: int, objects: Sequence[SeenObject]) -> dict[str, object]:
    parts = [(storable(seen.bucket), storable(seen.key), storable(seen.version)) for seen in objects]
    if connection.dialect.name != "postgresql":
        return {"state": state, "page": json.dumps(parts, separators=(",", ":"))}
    buckets, keys, versions = (list(column) for column in zip(*parts, strict=True)) if parts else ([], [], [])
    return {"state": state, "buckets": buckets, "keys": keys, "versions": versions}
