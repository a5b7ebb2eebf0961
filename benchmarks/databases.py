"""The databases of a Prefect server and of the book, of either kind."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from tests.servers.postgres import find_programs, running_postgres

Database = Literal["sqlite", "postgresql"]
DATABASES: tuple[Database, ...] = get_args(Database)


class Urls(NamedTuple):
    """Where they are. prefect: None is the file that a server makes by itself."""

    prefect: str | None
    book: str


def installed() -> list[Database]:
    """The kinds that this machine has."""
    return ["sqlite", *(("postgresql",) if find_programs() else ())]


@contextmanager
def databases(kind: Database, folder: Path) -> Iterator[Urls]:
    """New ones, which are there while the block runs. Ends the program where they cannot be made."""
    if kind == "sqlite":
        yield Urls(None, f"sqlite:///{folder / 'book.db'}")
        return
    programs = find_programs()
    if programs is None:
        sys.exit("PostgreSQL is not installed")
    with running_postgres(programs) as server:
        if server is None:
            sys.exit("PostgreSQL does not start")
        server.execute("CREATE DATABASE prefect")
        yield Urls(server.url("prefect").replace("postgresql:", "postgresql+asyncpg:"), server.url())
