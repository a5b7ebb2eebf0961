"""What is known of the local server between two commands: its directory, who may change it, and its state file."""

from __future__ import annotations

import dataclasses
import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from wdprefect.errors import Unavailable
from wdprefect.execution.folders import user_home

# Longer than a start may take: whoever waits for the lock mostly waits for another command that starts the server.
LOCK_SECONDS = 150.0
POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class ServerState:
    """The contents of the state file; `prefect` and `wdprefect` are the releases that started the server."""

    pid: int
    port: int
    prefect: str
    wdprefect: str


def server_home() -> Path:
    """Where the local server keeps its database, log and state: in `$WDPREFECT_HOME` or the user's state directory."""
    return user_home() / "server"


@contextmanager
def open_home(home: Path) -> Iterator[None]:
    """The directory, made where it is missing and closed to other users, held against other commands meanwhile.

    Raises Unavailable when it cannot be made, or when another command holds it for too long.
    """
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        # It may have been made by hand, with the usual permissions.
        home.chmod(0o700)
        lock = os.open(home / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Unavailable(f"the local server has no directory '{home}': {error.strerror}") from error
    try:
        _acquire(lock, home)
        yield
    finally:
        os.close(lock)


def _acquire(lock: int, home: Path) -> None:
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise Unavailable(f"another command holds the local server's directory '{home}'") from None
            time.sleep(POLL_SECONDS)


def read_state(home: Path) -> ServerState | None:
    """The state that was written last; None where there is none, or none that can be read."""
    try:
        data = json.loads((home / "state.json").read_bytes())
        return ServerState(int(data["pid"]), int(data["port"]), str(data["prefect"]), str(data["wdprefect"]))
    # A file that a person or another release left there is as good as none.
    except (OSError, ValueError, LookupError, TypeError):
        return None


def write_state(home: Path, state: ServerState) -> None:
    """Replace the state; a reader sees the old one or the new one, whole."""
    draft = home / "state.json.new"
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(dataclasses.asdict(state), file)
    draft.replace(home / "state.json")


def forget(home: Path) -> None:
    """Remove the state; nothing happens where there is none."""
    (home / "state.json").unlink(missing_ok=True)
