"""The runs that a runner has asked for, until they have ended."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

import psutil

from wdprefect.on_prefect.warm.output import Output
from wdprefect.on_prefect.warm.owner import END_SECONDS
from wdprefect.on_prefect.warm.process import TemplateProcess

# Beyond the time in which a run ends itself.
MARGIN_SECONDS = 2.0


@dataclass(slots=True)
class AskedRun:
    """One run.

    output: what it writes, to `write` until a template has taken that over. tries: how many templates were asked.
    process: the run's, once that is known. deadline: set when its template has died, and the time until which it may
    end by itself.
    """

    id: UUID
    flow: str
    output: Output
    write: int | None
    is_asked: bool = False
    tries: int = 0
    process: psutil.Process | None = None
    deadline: float | None = None

    @classmethod
    def make(cls, flow_run_id: UUID, flow: str, on_line: Callable[[UUID | None, str], None]) -> AskedRun:
        """A run that nobody was asked for yet."""
        read, write = os.pipe()
        return cls(flow_run_id, flow, Output(read, lambda line: on_line(flow_run_id, line)), write)

    def ask(self, template: TemplateProcess) -> None:
        """Ask the template for the run."""
        assert self.write is not None
        self.is_asked = True
        self.tries += 1
        # It has died, of which others hear; the next one is asked again.
        with suppress(OSError):
            template.ask(self.id, self.flow, self.write)

    def is_taken_over(self) -> None:
        """The template has the end to write to; it is closed here, so that the run's end can be seen."""
        if self.write is not None:
            os.close(self.write)
            self.write = None

    def has_started(self, pid: int) -> None:
        """Know the run's process."""
        # One that has ended already is reported next.
        with suppress(psutil.NoSuchProcess):
            self.process = psutil.Process(pid)

    def lose_template(self) -> bool:
        """The template has died, and the run will; whether it had not begun and another one can be asked."""
        if self.write is None and self.deadline is None:
            self.deadline = time.monotonic() + END_SECONDS + MARGIN_SECONDS
        self.is_asked = self.write is None
        return not self.is_asked

    @property
    def is_orphan(self) -> bool:
        return self.deadline is not None

    def is_over(self) -> bool:
        """Whether a run without a template has ended; one that takes too long is killed."""
        assert self.deadline is not None
        if self.output.has_ended or (self.process is not None and _is_dead(self.process)):
            return True
        if time.monotonic() < self.deadline:
            return False
        if self.process is not None:
            with suppress(psutil.NoSuchProcess):
                self.process.kill()
        return True

    def close(self) -> None:
        """Pass on what it wrote last."""
        self.is_taken_over()
        self.output.close()


def _is_dead(process: psutil.Process) -> bool:
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
