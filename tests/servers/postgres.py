"""A PostgreSQL server on the loopback: a cluster of the tests' own, which would not outlast a crash of the machine."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest

from tests.servers.needed import is_missing

USER, PASSWORD = "tester", "wrong-horse-battery"
STARTS = 3
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "100",
    # Their words are tested.
    "lc_messages": "C",
}
# Ends the server with the tests, even with killed ones: then, too, the end of the pipe is read.
GUARD = '"$@" </dev/null & server=$!; read -r _; kill -INT "$server"; wait "$server"'
_numbers = count()


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A running server, which asks for a password."""

    port: int
    programs: Path

    def url(self, database: str = "postgres", password: str = PASSWORD) -> str:
        return f"postgresql://{USER}:{password}@127.0.0.1:{self.port}/{database}"

    def new_schema(self) -> str:
        """The URL of an empty schema, which is by far sooner made than a database and serves as one."""
        name = f"test_{next(_numbers)}"
        self.execute(f"CREATE SCHEMA {name}")
        return f"{self.url()}?options=-csearch_path%3D{name}"

    def execute(self, statement: str) -> None:
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(statement.encode())


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A running server: one for each process of the tests, ready after about a second."""
    programs = find_programs()
    if programs is None:
        is_missing("PostgreSQL is not installed: run scripts/system-packages.sh, or install postgresql")
    for _ in range(STARTS):
        # Between the choice of the port and the start somebody else may take it.
        with running_postgres(programs) as server:
            if server is not None:
                yield server
                return
    pytest.fail("PostgreSQL does not start")


@contextmanager
def running_postgres(programs: Path) -> Iterator[PostgresServer | None]:
    """A server of a new cluster, which is removed at the end; None when it did not get ready."""
    # Not below the tests' own folder, which is closed to the user that it runs as.
    with tempfile.TemporaryDirectory(prefix="wdprefect-postgres-") as name:
        folder, user = Path(name), _user()
        (folder / "password").write_text(PASSWORD)
        user.give(folder, folder / "password")
        server = PostgresServer(_free_port(), programs)
        subprocess.run(
            [str(programs / "initdb"), *_arguments(folder)],
            check=True,
            capture_output=True,
            cwd="/",
            user=user.uid,
            group=user.gid,
            extra_groups=user.groups,
            env=os.environ | {"LC_ALL": "C.UTF-8"},
        )
        settings = SETTINGS | {"port": str(server.port), "unix_socket_directories": str(folder)}
        options = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
        command = ["sh", "-c", GUARD, "guard", str(programs / "postgres"), "-D", str(folder / "data"), *options]
        with (folder / "log").open("wb") as log:
            guard = subprocess.Popen(
                command,
                cwd="/",
                user=user.uid,
                group=user.gid,
                extra_groups=user.groups,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                # Ctrl-C is for the tests; they end the server.
                start_new_session=True,
            )
        with guard:  # closes the pipe, which is what the guard waits for, and waits for the guard
            yield server if _is_ready(server, guard) else None


def find_programs() -> Path | None:
    """Where PostgreSQL's programs lie, if it is installed."""
    found = shutil.which("postgres")
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), reverse=True)
    program = next((path for path in [Path(found) if found else None, *debian] if path), None)
    # All of them lie where the real file is; Debian's wrappers lie elsewhere.
    return program.resolve().parent if program else None


class _User(NamedTuple):
    """Whom PostgreSQL runs as: it refuses to run as root."""

    uid: int | None = None
    gid: int | None = None
    groups: Sequence[int] | None = None

    def give(self, *paths: Path) -> None:
        for path in paths if self.uid is not None else ():
            os.chown(path, self.uid or -1, self.gid or -1)


def _user() -> _User:
    if os.geteuid() != 0:
        return _User()
    user = pwd.getpwnam("postgres")
    return _User(user.pw_uid, user.pw_gid, ())


def _arguments(folder: Path) -> list[str]:
    password = f"--pwfile={folder / 'password'}"
    return ["-D", str(folder / "data"), "-U", USER, "-A", "scram-sha-256", password, "-E", "UTF8", "--no-sync"]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_ready(server: PostgresServer, guard: subprocess.Popen[bytes]) -> bool:
    command = [str(server.programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(server.port), "-t", "1"]
    for _ in range(100):
        if guard.poll() is not None:
            return False
        if subprocess.run(command, check=False).returncode == 0:
            return True
        try:
            guard.wait(0.1)
        except subprocess.TimeoutExpired:
            continue
    return False
