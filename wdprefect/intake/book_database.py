"""The database of the book: how it is reached, its tables made, its transactions, its clock, its errors in words."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from threading import Lock

from sqlalchemy import Connection, Engine, create_engine, event, func, insert, inspect, select, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from wdprefect.errors import Unavailable, UsageError, WdprefectError
from wdprefect.intake.book_schema import METADATA, SCHEMA, SCHEMAS

# How long another process may hold the book before that is an error. A transaction takes milliseconds.
PATIENCE_SECONDS = 30.0
CONNECT_SECONDS = 10
EXAMPLES = "sqlite:///path or postgresql://user@host/database"
# Any number that other programs in the same database do not use for such a lock.
_MAKING_TABLES = 7_302_114_991
_REFUSED = re.compile(r"authentication failed|no password supplied|does not exist|pg_hba\.conf|permission denied")
_NO_CONNECTION = re.compile(r"connection to server .* failed: (?:FATAL: +)?(.+)")
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)

Clock = Callable[[Connection], int]


def microseconds(moment: datetime) -> int:
    """A moment as the book keeps it."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def moment(microseconds: int) -> datetime:
    """What the book keeps, as a moment in UTC."""
    return _EPOCH + timedelta(microseconds=microseconds)


class Database:
    """A connection pool with the tables made.

    url: `sqlite:///path` or `postgresql://…`. clock: tells the time in microseconds; by default PostgreSQL's own, which
    is one for all hosts, and for a file this machine's.
    Raises UsageError for another URL, a missing driver, a wrong password, a newer book; Unavailable when it cannot be
    reached.
    """

    def __init__(self, url: str, *, clock: Clock | None = None, patience_seconds: float = PATIENCE_SECONDS) -> None:
        parsed = _parsed(url)
        self.is_postgresql = parsed.get_backend_name() == "postgresql"
        self.name = _name(parsed)
        self._secrets = _secrets(parsed)
        self._clock = clock or (_server_time if self.is_postgresql else _own_time)
        # SQLite lets one write at a time; threads of one process wait here, which wakes them sooner than its polling.
        self._turn: Lock | None = None if self.is_postgresql else Lock()
        self._engine = _postgresql(parsed) if self.is_postgresql else _sqlite(parsed, patience_seconds)
        try:
            with self._in_words():
                self._make_tables()
        except WdprefectError:
            self.close()
            raise

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that reads."""
        with self._in_words(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self, *, is_final: bool = False) -> Iterator[Connection]:
        """A transaction that writes, kept when the block ends without an exception.

        is_final: doing it again would not lead to the same, so it is on the disk before this returns. What else is
        written is, in a file, lost when the machine loses its power within seconds, and found as it was before. It is
        there whatever happens to processes.
        """
        with ExitStack() as stack:
            stack.enter_context(self._in_words())
            if self._turn:
                stack.enter_context(self._turn)
            connection = stack.enter_context(
                self._engine.connect().execution_options(writes="final" if is_final else "soon")
            )
            stack.enter_context(connection.begin())
            yield connection

    def now(self, connection: Connection) -> int:
        """The time by which leases are counted, in microseconds."""
        return self._clock(connection)

    def _make_tables(self) -> None:
        with self._engine.connect() as connection:
            if inspect(connection).has_table(SCHEMAS.name) and self._has_known_schema(connection):
                return
        with self._engine.connect().execution_options(writes="final") as connection, connection.begin():
            if self.is_postgresql:
                # Others that make them at this moment would fail, even with IF NOT EXISTS.
                connection.execute(select(func.pg_advisory_xact_lock(_MAKING_TABLES)))
            METADATA.create_all(connection)
            if not self._has_known_schema(connection):
                connection.execute(insert(SCHEMAS).values(number=SCHEMA))

    def _has_known_schema(self, connection: Connection) -> bool:
        number = connection.execute(select(SCHEMAS.c.number)).scalar()
        if number is not None and number > SCHEMA:
            raise UsageError(
                f"the book {self.name} is of a newer wdprefect (its schema is {number}, this one knows {SCHEMA}): "
                "update wdprefect here"
            )
        return number is not None

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        try:
            yield
        except PoolTimeout:
            raise Unavailable(f"the book {self.name} cannot be used: all its connections are in use") from None
        except (DatabaseError, InterfaceError) as error:
            reason = self._reason(error)
            if "database is locked" in reason:
                raise Unavailable(f"the book {self.name} is held by another process for too long") from None
            if _REFUSED.search(reason):
                raise UsageError(f"the book {self.name} does not let us in: {reason}") from None
            if not _is_fault_of_ours(error):
                raise Unavailable(f"the book {self.name} cannot be used: {reason}") from None
            raise

    def _reason(self, error: DatabaseError | InterfaceError) -> str:
        # The driver's words, without the statement and its values, nor the addresses that were tried.
        said = str(error.orig).strip() or type(error.orig).__name__
        refused = _NO_CONNECTION.search(said)
        reason = refused[1] if refused else said.splitlines()[0]
        for secret in self._secrets:
            reason = reason.replace(secret, "***")
        return reason[0].lower() + reason[1:]


def _is_fault_of_ours(error: DatabaseError | InterfaceError) -> bool:
    # A statement that is wrong, a value that does not fit: neither waiting nor another address helps.
    return type(error).__name__ in {"ProgrammingError", "IntegrityError", "DataError", "NotSupportedError"}


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        # Its own words may show the URL, and a password in it.
        raise UsageError(f"the URL of the book cannot be read: write {EXAMPLES}") from None
    if parsed.drivername == "sqlite":
        if parsed.host or not parsed.database or ":memory:" in parsed.database:
            raise UsageError(f"the URL of the book names no file: write {EXAMPLES}")
        return parsed
    if parsed.drivername == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    raise UsageError(f"the book cannot be kept in '{parsed.drivername}': write {EXAMPLES}")


def _name(url: URL) -> str:
    if url.get_backend_name() == "sqlite":
        return f"'{url.database}'"
    port = f":{url.port}" if url.port else ""
    return f"'postgresql://{url.host or url.query.get('host', 'localhost')}{port}/{url.database or ''}'"


def _secrets(url: URL) -> list[str]:
    found = [url.password, *(value for key, value in url.query.items() if "password" in key)]
    return [value for value in found if isinstance(value, str) and value]


def _own_time(_: Connection) -> int:
    return time.time_ns() // 1000


def _server_time(connection: Connection) -> int:
    now = "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)"
    return int(connection.execute(text(now)).scalar_one())


def _postgresql(url: URL) -> Engine:
    given = {} if "connect_timeout" in url.query else {"connect_timeout": CONNECT_SECONDS}
    try:
        # A server that was restarted is not noticed by the pool before.
        return create_engine(url, pool_pre_ping=True, connect_args=given)
    except ImportError:
        raise UsageError(
            "a book in PostgreSQL needs a driver that is not installed: pip install 'wdprefect[postgresql]'"
        ) from None


def _sqlite(url: URL, patience_seconds: float) -> Engine:
    path = Path(str(url.database)).expanduser()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Unavailable(f"the book '{path}' cannot be made: {error.strerror}") from None
    engine = create_engine(url.set(database=str(path)), connect_args={"timeout": patience_seconds})

    @event.listens_for(engine, "connect")
    def _(connection: sqlite3.Connection, _: object) -> None:
        # Transactions are begun below, not by the driver.
        connection.isolation_level = None
        connection.execute("PRAGMA cache_size = -16000")
        _write_ahead(connection, patience_seconds)

    @event.listens_for(engine, "begin")
    def _(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes")
        if writes:
            # With a write-ahead log a commit in FULL waits for the disk, with all commits before it: 2 to 10 ms.
            connection.exec_driver_sql(f"PRAGMA synchronous = {'FULL' if writes == 'final' else 'NORMAL'}")
        # A transaction that writes later would fail where another one has written meanwhile.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _write_ahead(connection: sqlite3.Connection, patience_seconds: float) -> None:
    # Readers then do not wait for who writes. It stays in the file; where several processes make that at once, SQLite
    # does not wait but says that it is locked.
    deadline = time.monotonic() + patience_seconds
    while connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            connection.execute("PRAGMA journal_mode = wal")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
