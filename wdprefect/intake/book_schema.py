"""The tables of the book.

Times are whole microseconds since 1970, UTC.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Dialect,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    TypeDecorator,
    literal_column,
)

from wdprefect.intake.objects import Status

# Raised with each change of the tables; a book of a newer one is refused.
SCHEMA = 1

# A batch in one of these holds a place under the limit of its trigger.
AT_WORK: Sequence[Status] = ("claimed", "staged", "announced", "started")
ENDED: Sequence[Status] = ("succeeded", "failed", "moved", "ignored", "lost")

_ESCAPE = "\x1a"
# What a database refuses, or cuts off at: PostgreSQL takes no NUL, neither takes half a surrogate pair.
_REFUSED = re.compile(f"[\x00{_ESCAPE}\ud800-\udfff]")
_ESCAPED = re.compile(f"{_ESCAPE}([0-9a-f]{{4}})")


def storable(text: str) -> str:
    """The text as it is stored: any object's key can be, and no two become the same."""
    # Keys are other people's, and nearly all are printable, which is known at once.
    return text if text.isprintable() else _REFUSED.sub(lambda found: f"{_ESCAPE}{ord(found[0]):04x}", text)


def original(stored: str) -> str:
    """What `storable` was given."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), stored) if _ESCAPE in stored else stored


class AnyText(TypeDecorator[str]):
    """Text with any characters, compared and sorted by its bytes."""

    impl = String
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        return dialect.type_descriptor(String(collation="C") if dialect.name == "postgresql" else String())

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002  as SQLAlchemy calls it
        return None if value is None else storable(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002  as above
        return None if value is None else original(value)


def literally(status: Status) -> ColumnElement[str]:
    """The status in the statement's text, which is what makes it use an index of these rows alone."""
    return literal_column(f"'{status}'", String)


# SQLite counts rows up by itself in an INTEGER alone.
_Number = BigInteger().with_variant(Integer(), "sqlite")

METADATA = MetaData()

SCHEMAS = Table("intake_schema", METADATA, Column("number", Integer, nullable=False))

STATES = Table(
    "intake_states",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("state_key", AnyText, nullable=False, unique=True),
    Column("flow", AnyText, nullable=False),
    Column("trigger_id", AnyText, nullable=False),
    Column("since", BigInteger, nullable=False),
    # Whether what was there before the first start is known.
    Column("has_baseline", Boolean, nullable=False, default=False),
    # The lane that was served last: the next one's turn it is.
    Column("lane", AnyText, nullable=False, default=""),
    Column("errors", Integer, nullable=False, default=0),
    Column("last_ok", BigInteger),
    Column("last_error", BigInteger),
    Column("error_code", AnyText),
    Column("error_text", AnyText),
)

BATCHES = Table(
    "intake_batches",
    METADATA,
    Column("id", String, primary_key=True),
    Column("state", Integer, nullable=False),
    Column("status", String, nullable=False),
    # When it got this status.
    Column("since", BigInteger, nullable=False),
    Column("attempt", Integer, nullable=False, default=1),
    Column("run_id", AnyText),
    # Whether it was announced in vain.
    Column("is_direct", Boolean, nullable=False, default=False),
    # Who works on it, and until when that is to be believed.
    Column("owner", AnyText),
    Column("lease", BigInteger, nullable=False, default=0),
    Column("error", AnyText),
    # When its action is to be tried (again); nothing where there is none left to do.
    Column("action_due", BigInteger),
    Column("action_tries", Integer, nullable=False, default=0),
)
Index("intake_batches_status", BATCHES.c.state, BATCHES.c.status, BATCHES.c.since)
_IS_OWNED = BATCHES.c.owner.is_not(None)
Index("intake_batches_owner", BATCHES.c.owner, sqlite_where=_IS_OWNED, postgresql_where=_IS_OWNED)
_HAS_ACTION = BATCHES.c.action_due.is_not(None)
Index("intake_batches_action", BATCHES.c.action_due, sqlite_where=_HAS_ACTION, postgresql_where=_HAS_ACTION)

OBJECTS = Table(
    "intake_objects",
    METADATA,
    Column("id", _Number, primary_key=True),
    Column("state", Integer, nullable=False),
    Column("bucket", AnyText, nullable=False),
    Column("key", AnyText, nullable=False),
    Column("version", AnyText, nullable=False),
    Column("version_id", AnyText),
    Column("etag", AnyText, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("modified", BigInteger, nullable=False),
    Column("details", String, nullable=False),  # JSON
    Column("change", String, nullable=False),
    Column("lane", AnyText, nullable=False),
    Column("source", AnyText, nullable=False),
    Column("status", String, nullable=False),
    # How it began: seen or ignored.
    Column("first", String, nullable=False),
    Column("seen", BigInteger, nullable=False),
    Column("sighted", BigInteger, nullable=False),
    # Its turn comes then; before, by its age.
    Column("due", BigInteger, nullable=False),
    Column("tries", Integer, nullable=False, default=0),
    Column("batch", String),
    Column("uri", AnyText),
    Column("has_moved", Boolean, nullable=False, default=False),
    Column("error", AnyText),
    # An id is never given twice: what a person has read of an object must not become another one's.
    sqlite_autoincrement=True,
)
Index("intake_objects_version", *(OBJECTS.c[name] for name in ("state", "bucket", "key", "version")), unique=True)
Index("intake_objects_status", OBJECTS.c.state, OBJECTS.c.status, OBJECTS.c.id)
_WAITS = OBJECTS.c.status == literally("seen")
Index(
    "intake_objects_waiting",
    *(OBJECTS.c.state, OBJECTS.c.lane, OBJECTS.c.due, OBJECTS.c.id),
    sqlite_where=_WAITS,
    postgresql_where=_WAITS,
)
_IN_BATCH = OBJECTS.c.batch.is_not(None)
Index("intake_objects_batch", OBJECTS.c.batch, sqlite_where=_IN_BATCH, postgresql_where=_IN_BATCH)

# What happened, in order. With an object: to it alone. Without: to all that were in the batch then.
HISTORY = Table(
    "intake_history",
    METADATA,
    Column("id", _Number, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("object", BigInteger),
    Column("batch", String),
    Column("status", String, nullable=False),
    Column("who", AnyText),
    Column("note", AnyText),
)
_OF_OBJECT = HISTORY.c.object.is_not(None)
Index("intake_history_object", HISTORY.c.object, sqlite_where=_OF_OBJECT, postgresql_where=_OF_OBJECT)
_OF_BATCH = HISTORY.c.object.is_(None)
Index("intake_history_batch", HISTORY.c.batch, sqlite_where=_OF_BATCH, postgresql_where=_OF_BATCH)
