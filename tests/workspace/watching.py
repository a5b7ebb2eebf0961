"""Running shell text in a session, and waiting for what happens outside of this process, with a bound."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import psutil

from wdprefect.model.ports import Command, Session, Stream
from wdprefect.model.stop import Stop
from wdprefect.workspace.directory import Directory

BOUND_SECONDS = 10.0


class Shell:
    """Runs shell text in a session and keeps what it printed."""

    def __init__(self, session: Session, directory: Directory) -> None:
        self.session, self.directory = session, directory
        self.lines: list[tuple[Stream, str]] = []

    @property
    def stdout(self) -> list[str]:
        return [line for stream, line in self.lines if stream == "stdout"]

    @property
    def stderr(self) -> list[str]:
        return [line for stream, line in self.lines if stream == "stderr"]

    def run(
        self,
        text: str,
        environment: Mapping[str, str] | None = None,
        *,
        stop: Stop | None = None,
        grace_seconds: float = 5,
    ) -> int:
        grace = timedelta(seconds=grace_seconds)
        return self.vector("/bin/sh", "-c", text, environment=environment or {}, stop=stop, grace=grace)

    def vector(
        self,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        stop: Stop | None = None,
        grace: timedelta = timedelta(seconds=5),
    ) -> int:
        command = Command(arguments, environment or {}, grace)
        return self.session.run(command, lambda stream, line: self.lines.append((stream, line)), stop or Stop())

    def pid_in(self, name: str) -> int:
        """The process id that a command writes into a file, as soon as it is there."""
        path = self.directory.path / name
        wait_until(lambda: path.exists() and path.read_text().endswith("\n"))
        return int(path.read_text())


def wait_until(condition: Callable[[], bool], seconds: float = BOUND_SECONDS) -> None:
    """Return as soon as the condition holds; fail when it does not in time."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


def is_dead(pid: int) -> bool:
    """Whether a process has ended; one that only waits to be reaped has."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@contextmanager
def stopping_when(condition: Callable[[], bool], stop: Stop) -> Iterator[None]:
    """Request the stop from another thread once the condition holds, while the block runs."""

    def request() -> None:
        wait_until(condition)
        stop.request()

    thread = threading.Thread(target=request)
    thread.start()
    try:
        yield
    finally:
        thread.join(BOUND_SECONDS)


def written(path: Path) -> Callable[[], bool]:
    """A condition: a file has a complete line."""
    return lambda: path.exists() and path.read_text().endswith("\n")
