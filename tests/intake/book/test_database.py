"""Where the book is, and what is said when it cannot be reached."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, select, update

from tests.intake.book.notebook import KEY, Notebook, seen
from tests.servers.postgres import PostgresServer
from wdprefect.errors import Unavailable, UsageError
from wdprefect.intake.book import Book, book_url, open_book
from wdprefect.intake.book_schema import SCHEMAS

EXAMPLES = "write sqlite:///path or postgresql://user@host/database"


def test_default_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The book is a file in this user's home; else where the project, or before it the environment, says."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WDPREFECT_HOME", str(tmp_path / "home"))
    assert f"sqlite:///{tmp_path}/home/intake.db" == book_url()
    (tmp_path / "pyproject.toml").write_text('[tool.wdprefect]\nbook = "sqlite:///ours.db"\n')
    assert f"sqlite:///{tmp_path}/ours.db" == book_url()
    monkeypatch.setenv("WDPREFECT_BOOK", "postgresql://db/x")
    assert "postgresql://db/x" == book_url()


def test_open_book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The book is made where there is none, with its folder; and it is there the next time."""
    monkeypatch.setenv("WDPREFECT_BOOK", f"sqlite:///{tmp_path}/a/b/intake.db")
    with closing(open_book()) as book:
        book.enroll(KEY, "flow", "trigger")
    with closing(open_book()) as book:
        assert [KEY] == [trigger.state_key for trigger in book.triggers()]


@pytest.mark.parametrize(
    ("url", "message"),
    [
        pytest.param("mysql://u:hunter2@h/d", f"the book cannot be kept in 'mysql': {EXAMPLES}", id="another database"),
        pytest.param(
            "sqlite+aiosqlite:///x", f"the book cannot be kept in 'sqlite+aiosqlite': {EXAMPLES}", id="driver"
        ),
        pytest.param("u:hunter2@h/d", f"the URL of the book cannot be read: {EXAMPLES}", id="no scheme"),
        pytest.param("postgresql://u:hunter2@h:x/d", f"the URL of the book cannot be read: {EXAMPLES}", id="no port"),
        pytest.param("sqlite://", f"the URL of the book names no file: {EXAMPLES}", id="nothing"),
        pytest.param("sqlite:///:memory:", f"the URL of the book names no file: {EXAMPLES}", id="memory"),
        pytest.param("sqlite://relative/x.db", f"the URL of the book names no file: {EXAMPLES}", id="two slashes"),
    ],
)
def test_no_such_url(url: str, message: str) -> None:
    """Only files and PostgreSQL; the password in a URL is not shown."""
    with pytest.raises(UsageError, match=f"^{re.escape(message)}$"):
        Book(url)


def test_no_driver(tmp_path: Path) -> None:
    """Without the driver it is said how to get it."""
    (tmp_path / "psycopg.py").write_text("raise ImportError('none')")
    program = "from wdprefect.intake.book import Book; Book('postgresql://u:hunter2@127.0.0.1/x')"
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    found = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False
    )
    expected = "a book in PostgreSQL needs a driver that is not installed: pip install 'wdprefect[postgresql]'"
    assert f"wdprefect.errors.UsageError: {expected}" == found.stderr.splitlines()[-1]
    assert "hunter2" not in found.stderr


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    """A folder that cannot be made is named."""
    (tmp_path / "file").touch()
    with pytest.raises(Unavailable, match=f"^the book '{tmp_path}/file/x.db' cannot be made: File exists$"):
        Book(f"sqlite:///{tmp_path}/file/x.db")


def test_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    """A file that cannot be made or opened is named."""
    (tmp_path / "x.db").mkdir()
    expected = f"^the book '{tmp_path}/x.db' cannot be used: unable to open database file$"
    with pytest.raises(Unavailable, match=expected):
        Book(f"sqlite:///{tmp_path}/x.db")


def test_a_file_that_is_no_book(tmp_path: Path) -> None:
    """Another file is left as it is."""
    (tmp_path / "x.db").write_text("Dear diary, " * 100)
    with pytest.raises(Unavailable, match=f"^the book '{tmp_path}/x.db' cannot be used: file is not a database$"):
        Book(f"sqlite:///{tmp_path}/x.db")
    assert (tmp_path / "x.db").read_text().startswith("Dear diary")


def test_a_read_only_book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What may not be written is said when it is written."""
    with closing(Book(f"sqlite:///{tmp_path}/x.db")) as book:
        with book.reading() as connection:
            connection.exec_driver_sql("PRAGMA query_only = on")
        with pytest.raises(
            Unavailable, match=f"^the book '{tmp_path}/x.db' cannot be used: attempt to write a readonly"
        ):
            book.enroll(KEY, "flow", "trigger")


def test_a_held_book(tmp_path: Path) -> None:
    """Another process may hold the book for a while, and not for ever."""
    path = tmp_path / "x.db"
    with (
        closing(Book(f"sqlite:///{path}", patience_seconds=0.1)) as book,
        closing(sqlite3.connect(path, isolation_level=None)) as other,
    ):
        book.enroll(KEY, "flow", "trigger")
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable, match=f"^the book '{path}' is held by another process for too long$"):
            book.baseline_taken(KEY)
        # Reading goes on.
        assert 1 == len(book.triggers())
        other.execute("ROLLBACK")
        book.baseline_taken(KEY)


def test_a_newer_book(notebook: Notebook) -> None:
    """A book of a newer release is not touched."""
    with notebook.book.writing() as connection:
        connection.execute(update(SCHEMAS).values(number=2))
    expected = r"^the book '.*' is of a newer wdprefect \(its schema is 2, this one knows 1\): update wdprefect here$"
    with pytest.raises(UsageError, match=expected) as caught:
        Book(notebook.url)
    assert "wrong-horse" not in str(caught.value)


@pytest.mark.postgresql
@pytest.mark.parametrize("where", ["password", "query"])
def test_a_wrong_password(postgres_server: PostgresServer, where: str) -> None:
    """A wrong password is said so, and not shown."""
    url = postgres_server.url(password="hunter2")
    if where == "query":
        url = url.replace(":hunter2@", "@") + "?password=hunter2"
    expected = (
        f"the book 'postgresql://127.0.0.1:{postgres_server.port}/postgres' does not let us in: "
        'password authentication failed for user "tester"'
    )
    with pytest.raises(UsageError, match=f"^{re.escape(expected)}$") as caught:
        Book(url)
    assert "hunter2" not in f"{caught.value.__cause__}"


@pytest.mark.postgresql
def test_no_such_database(postgres_server: PostgresServer) -> None:
    """A database that is not there is said so: we make tables, not databases."""
    expected = (
        f"the book 'postgresql://127.0.0.1:{postgres_server.port}/nowhere' does not let us in: "
        'database "nowhere" does not exist'
    )
    with pytest.raises(UsageError, match=f"^{re.escape(expected)}$"):
        Book(postgres_server.url("nowhere"))


@pytest.mark.postgresql
def test_an_unreachable_server() -> None:
    """A server that does not answer may do so later."""
    expected = "the book 'postgresql://127.0.0.1:9/x' cannot be used: connection refused"
    with pytest.raises(Unavailable, match=f"^{re.escape(expected)}"):
        Book("postgresql://u:hunter2@127.0.0.1:9/x")
    with pytest.raises(Unavailable, match=r"^the book 'postgresql://nowhere\.invalid/x' cannot be used: ") as caught:
        Book("postgresql://u:hunter2@nowhere.invalid/x")
    assert "hunter2" not in str(caught.value)


@pytest.mark.postgresql
def test_a_lost_connection(postgres_server: PostgresServer) -> None:
    """A connection that was cut in between is made anew."""
    with closing(Book(postgres_server.new_schema())) as book:
        book.enroll(KEY, "flow", "trigger")
        others = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND usename = user"
        )
        postgres_server.execute(others)
        assert 1 == len(book.triggers())


@pytest.mark.postgresql
def test_the_servers_clock(postgres_server: PostgresServer) -> None:
    """In PostgreSQL the time is the server's, so that leases mean the same on every host."""
    with closing(Book(postgres_server.new_schema())) as book, book.reading() as connection:
        before = book.now(connection)
        server = connection.exec_driver_sql("SELECT extract(epoch FROM clock_timestamp())::float8").scalar_one()
        assert before <= server * 1e6 + 1 <= book.now(connection) + 2


def test_made_at_once(book_address: str) -> None:
    """Several processes may make the book at once."""
    program = f"from wdprefect.intake.book import Book; Book({book_address!r}).enroll('k', 'f', 't')"
    running = [subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE) for _ in range(4)]
    ends = [(process.communicate()[1].decode()[-500:], process.returncode) for process in running]
    assert [("", 0)] * 4 == ends
    with closing(Book(book_address)) as book:
        assert 1 == len(book.triggers())


def test_an_exception_undoes(notebook: Notebook) -> None:
    """What a transaction has written is undone when it ends in an exception."""
    with pytest.raises(LookupError, match="on purpose"), notebook.book.writing() as connection:
        _write_and_fail(connection)
    notebook.observe(seen("a"))
    with notebook.book.reading() as connection:
        assert [1] == list(connection.scalars(select(SCHEMAS.c.number)))


def _write_and_fail(connection: Connection) -> None:
    connection.execute(insert(SCHEMAS).values(number=9))
    raise LookupError("on purpose")
