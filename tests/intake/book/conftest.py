"""A new and empty book in each database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.intake.book.notebook import KEY, HandClock, Notebook
from tests.servers.postgres import PostgresServer, postgres_server
from wdprefect.intake.book import Book

__all__ = ["postgres_server"]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def book_address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a new book in each database in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/intake.db"
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.new_schema()


@pytest.fixture
def open_notebook(book_address: str) -> Iterator[Callable[[], Notebook]]:
    """Opens a notebook in the one database, as many times as it is called; all have one clock."""
    clock = HandClock()
    with ExitStack() as stack:

        def opened() -> Notebook:
            book = Book(book_address, clock=clock)
            stack.callback(book.close)
            book.enroll(KEY, "company.team.flow", "trigger")
            return Notebook(book, clock, book_address)

        yield opened


@pytest.fixture
def notebook(open_notebook: Callable[[], Notebook]) -> Notebook:
    return open_notebook()
