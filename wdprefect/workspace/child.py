"""One running program: its output line by line, its end, and the end of all it started.

One thread waits for everything at once: two pipes, the program's end, and the wish that it be stopped.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import IO

from wdprefect.model.ports import OnLine, Stream
from wdprefect.workspace.ending import Ending, signal_group
from wdprefect.workspace.lines import Lines

# How long something in the background may hold the pipes of a program that has ended.
DRAIN_SECONDS = 1.0
# A program that runs so long is worth a word to the guard.
LASTING_SECONDS = 0.2
# How often is looked at what the system does not tell: the end of a whole group.
POLL_SECONDS = 0.05
# What was in the pipes when everything was killed is read at most this long.
REST_SECONDS = 0.25
# The kernel cannot end a program that waits for a dead disk.
REAP_SECONDS = 1.0
READ_BYTES = 65_536


class Child:
    """A program that was started in a session of its own, with pipes for its output.

    on_lasting: called once, in the thread that follows it, when it has run for a while.
    """

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        marker: str,
        on_line: OnLine,
        grace: timedelta,
        on_lasting: Callable[[], object],
    ) -> None:
        self._process, self._marker, self._on_line = process, marker, on_line
        self._grace_seconds = grace.total_seconds()
        self._on_lasting: Callable[[], object] | None = on_lasting
        self._lasting_at = time.monotonic() + LASTING_SECONDS
        self._selector = selectors.PollSelector()
        self._wake = _Wake()
        self._exit = _open_pidfd(process.pid)
        self._open: dict[IO[bytes], Lines] = {}
        self._exited = False
        self._ending: Ending | None = None
        self._deadline: float | None = None

    def stop(self) -> None:
        """Ask that the program be ended; from any thread, at any time, and does not wait."""
        self._wake.call()

    def follow(self) -> int:
        """Pass the output on until all is over; the exit status, or 128 + the signal that ended the program.

        When it ends, what it left running in its group has a second to close the output, and is killed then. After
        `stop` all of it has its grace. An exception out of `on_line` or a signal handler kills all of it at once.
        """
        try:
            self._watch()
            while not self._is_over():
                for key, _ in self._selector.select(self._timeout()):
                    key.data()
                self._see_lasting()
            self._kill_rest(thorough=self._ending is not None)
            status = self._reap()
            self._read_rest()
        except BaseException:
            # Whatever it is: the program must not survive it. Once it is reaped its number may be another's.
            if self._process.returncode is None:
                self._kill_rest(thorough=True)
                self._reap()
            raise
        finally:
            self._close()
        return status

    def _watch(self) -> None:
        self._watch_stream("stdout", self._process.stdout)
        self._watch_stream("stderr", self._process.stderr)
        self._selector.register(self._wake.descriptor, selectors.EVENT_READ, self._begin_ending)
        if self._exit is not None:
            self._selector.register(self._exit, selectors.EVENT_READ, self._see_exit)

    def _watch_stream(self, name: Stream, pipe: IO[bytes] | None) -> None:
        assert pipe is not None  # the session asks for pipes
        self._open[pipe] = Lines(partial(self._on_line, name))
        self._selector.register(pipe, selectors.EVENT_READ, partial(self._read, pipe))

    def _read(self, pipe: IO[bytes]) -> None:
        if data := os.read(pipe.fileno(), READ_BYTES):
            self._open[pipe].feed(data)
            return
        self._selector.unregister(pipe)
        self._open.pop(pipe).end()

    def _see_exit(self) -> None:
        self._exited = True
        if self._exit is not None:
            self._selector.unregister(self._exit)
        if self._deadline is None:
            self._deadline = time.monotonic() + DRAIN_SECONDS

    def _see_lasting(self) -> None:
        if self._on_lasting and time.monotonic() >= self._lasting_at:
            call, self._on_lasting = self._on_lasting, None
            call()

    def _begin_ending(self) -> None:
        self._selector.unregister(self._wake.descriptor)
        self._deadline = time.monotonic() + self._grace_seconds
        self._ending = Ending(self._process.pid, self._marker)
        self._ending.ask()

    def _is_over(self) -> bool:
        if self._exit is None and not self._exited and _has_ended(self._process):
            self._see_exit()
        if self._deadline is not None and time.monotonic() >= self._deadline:
            return True
        if not self._exited:
            return False
        # A shell ends at once when it is asked to; what it started may still be tidying up.
        return self._ending.is_over() if self._ending else not self._open

    def _timeout(self) -> float | None:
        polls = self._ending is not None if self._exited else self._exit is None
        waits = [POLL_SECONDS] if polls else []
        moments = [self._deadline, self._lasting_at if self._on_lasting else None]
        waits += [max(0.0, moment - time.monotonic()) for moment in moments if moment is not None]
        return min(waits, default=None)

    def _kill_rest(self, *, thorough: bool) -> None:
        # The program has not been waited for: its number is still its own, and its group's.
        if thorough:
            (self._ending or Ending(self._process.pid, self._marker)).kill()
        else:
            signal_group(self._process.pid, signal.SIGKILL)

    def _reap(self) -> int:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(REAP_SECONDS)
        code = self._process.returncode
        if code is None:
            return 128 + signal.SIGKILL
        return code if code >= 0 else 128 - code

    def _read_rest(self) -> None:
        end = time.monotonic() + REST_SECONDS
        for descriptor in [key.fileobj for key in self._selector.get_map().values()]:
            if descriptor not in self._open:
                self._selector.unregister(descriptor)
        while self._open and time.monotonic() < end and (ready := self._selector.select(0)):
            for key, _ in ready:
                key.data()
        for lines in self._open.values():
            lines.end()

    def _close(self) -> None:
        self._selector.close()
        self._wake.close()
        if self._exit is not None:
            os.close(self._exit)
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()


class _Wake:
    """Wakes a selector from another thread; a call after the end does nothing."""

    def __init__(self) -> None:
        self.descriptor, self._write = os.pipe()
        self._lock = threading.Lock()
        self._closed = False

    def call(self) -> None:
        with self._lock:
            if not self._closed:
                os.write(self._write, b"!")

    def close(self) -> None:
        with self._lock:
            self._closed = True
            os.close(self.descriptor)
            os.close(self._write)


def _open_pidfd(pid: int) -> int | None:
    """A descriptor that becomes readable when the process ends; None where the system has none."""
    if hasattr(os, "pidfd_open"):
        # Old kernels and some container engines refuse it.
        with suppress(OSError):
            return os.pidfd_open(pid)
    return None


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether it has ended, without waiting for it where the system can tell so."""
    if hasattr(os, "waitid"):
        return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    return process.poll() is not None
