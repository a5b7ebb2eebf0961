"""The book: which versions of which objects were seen, what has become of each, and who works on what.

It lies in a file (SQLite) that the processes of one machine share, or in a PostgreSQL that those of many do. Every
method is one transaction, or several that may be repeated; two callers at once, wherever they are, never get the same
object. Threads may share a book; a process that was forked opens its own.
"""

from __future__ import annotations

import os

from wdprefect.execution.configuration import read_configuration
from wdprefect.execution.folders import user_home
from wdprefect.intake.book_course import LeaseLost
from wdprefect.intake.book_views import Views

__all__ = ["Book", "LeaseLost", "book_url", "open_book"]


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


def book_url() -> str:
    """Where the book is: WDPREFECT_BOOK, else `book` of the project's configuration, else a file of this user's."""
    configured = os.environ.get("WDPREFECT_BOOK") or read_configuration().book
    return configured or f"sqlite:///{user_home() / 'intake.db'}"
