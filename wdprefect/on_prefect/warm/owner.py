"""Whose a warm run is, seen from its process: it ends when its owner dies, or does not show that it lives."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import prefect
from prefect import states

from wdprefect.on_prefect.flow import Alone
from wdprefect.on_prefect.states import prefect_state

LOOK_SECONDS = 1.0
# What a run may take to end itself; its guard does it then, and starts a Python for it.
END_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Lease:
    """A file that the owner touches as long as the run is its own; older than that, it may be another's already."""

    file: Path
    seconds: float

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Lease | None:
        """The lease that a template's settings name, if they do."""
        lease = settings["lease"]
        return cls(Path(lease["file"]), lease["seconds"]) if lease else None

    def is_over(self) -> bool:
        try:
            return time.time() - self.file.stat().st_mtime > self.seconds
        except OSError:
            return True


class Owner:
    """Ends the run of this process when its owner is gone, or when SIGTERM comes."""

    def __init__(self) -> None:
        self._run: tuple[asyncio.AbstractEventLoop, asyncio.Task[Any]] | None = None
        self.was_terminated = False
        self.loss: str | None = None

    def alone(self) -> Alone:
        """What the flow that runs here is told of it."""
        return Alone(self.on_sigterm, self.ended)

    def on_sigterm(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002  the signature of a handler
        """Cancel the run. The handler of the process for SIGTERM."""
        self.was_terminated = True
        self._cancel()

    def ended(self) -> prefect.State[Any]:
        """The state of a run that was ended from here: crashed, if it is to be started anew elsewhere."""
        if self.loss:
            return states.Crashed(message=self.loss)
        return prefect_state("KILLED", "the run was terminated")

    def begin(self, alive: int, lease: Lease | None) -> None:
        """Called where the run goes on, in its event loop. alive: a pipe that closes when the owner dies."""
        task = asyncio.current_task()
        assert task is not None
        self._run = asyncio.get_running_loop(), task
        if self.was_terminated:
            self._cancel()
        threading.Thread(target=self._watch, args=(alive, lease), name="wdprefect-owner", daemon=True).start()

    def _watch(self, alive: int, lease: Lease | None) -> None:
        # A thread: what blocks the event loop must not hide that the owner is gone.
        waiting = select.poll()
        waiting.register(alive, select.POLLIN)
        while self.loss is None:
            if waiting.poll(LOOK_SECONDS * 1000):
                self.loss = "the process that started it has died"
            elif lease and lease.is_over():
                self.loss = "the process that started it does not keep its lease"
        self._cancel()
        time.sleep(END_SECONDS)
        os.kill(os.getpid(), signal.SIGKILL)

    def _cancel(self) -> None:
        if self._run:
            loop, task = self._run
            # It has ended, and closed its loop.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(task.cancel)
