"""The book: which versions of which objects were seen, what has become of each, and who works on what.

It lies in a file (SQLite) that the processes of one machine share, or in a PostgreSQL that those of many do. Every
method is one transaction, or several that may be repeated; two callers at once, wherever they are, never get the same
object. Threads may share a book; a process that was forked opens its own.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from wdprefect.execution.configuration import read_configuration
from wdprefect.execution.folders import user_home
from wdprefect.intake.book_course import LeaseLost
from wdprefect.intake.book_views import Views

__all__ = ["Book", "LeaseLost", "book_url", "find_book", "open_book"]


class Book(Views):
    """An open book; `close` it in the end.

    Sources write it as `Sightings` says, who works on batches as `Claims` and `Course`, people read it as `Views`.
    """


def open_book(url: str | None = None) -> Book:
    """The book at this URL, by default where `book_url` says; made where there is none.

    Raises UsageError for a URL that is none, a missing driver, a wrong password or a newer book; Unavailable when it
    cannot be reached or written.
    """
    return Book(url or book_url())


def find_book(url: str | None = None) -> Book | None:
    """As `open_book`; None where its file is not there, which is not made then."""
    with suppress(ArgumentError, ValueError):  # `open_book` says what is wrong with it
        path = make_url(url or book_url())
        if path.drivername == "sqlite" and path.database and not Path(path.database).expanduser().exists():
            return None
    return open_book(url)


def book_url() -> str:
    """Where the book is: WDPREFECT_BOOK, else `book` of the project's configuration, else a file of this user's."""
    configured = os.environ.get("WDPREFECT_BOOK") or read_configuration().book
    return configured or f"sqlite:///{user_home() / 'intake.db'}"
