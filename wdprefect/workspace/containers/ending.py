"""Ending a command in a container from outside: asked to first, killed later, and given up last."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Callable
from datetime import timedelta
from functools import partial

from wdprefect.workspace.containers.container import Container

# What was killed is gone within this, or its container is ended; and then within this again, or it is given up.
GONE_SECONDS = 2.0
# A command that was sent begins within this.
BEGIN_SECONDS = 5.0


class Ending:
    """The ending of what runs in a container. `ask` may be called from any thread, and does not wait.

    give_up: called when all of it takes too long, because the engine does not answer. It ends the waiting.
    """

    def __init__(self, container: Container, grace: timedelta, give_up: Callable[[], object]) -> None:
        self._container, self._grace_seconds, self._give_up = container, grace.total_seconds(), give_up
        self._over = threading.Event()
        self.was_asked = False

    def ends(self) -> None:
        """What runs is over."""
        self._over.set()

    def ask(self) -> None:
        """Ask what runs to end, in threads of their own: requests to the engine take their time, or never end."""
        self.was_asked = True
        for work in (self._end, self._watch):
            threading.Thread(target=work, name="wdprefect-end", daemon=True).start()

    @abstractmethod
    def _end(self) -> None:
        """Ask, wait, kill."""

    def _watch(self) -> None:
        if not self._over.wait(self._grace_seconds + 2 * GONE_SECONDS):
            self._give_up()


class CommandEnding(Ending):
    """The ending of one command of several."""

    def __init__(self, container: Container, grace: timedelta, give_up: Callable[[], object]) -> None:
        super().__init__(container, grace, give_up)
        self._group: int | None = None
        self._begun = threading.Event()

    def begins(self, group: int) -> None:
        """The command has begun, as this process group of its container."""
        self._group = group
        self._begun.set()

    def ends(self) -> None:
        self._begun.set()
        super().ends()

    def kill(self) -> None:
        """Kill the command at once; does not wait for that."""
        group = self._group
        if group is not None:
            call = partial(self._container.signal_group, group, "KILL")
            threading.Thread(target=call, name="wdprefect-end", daemon=True).start()

    def _end(self) -> None:
        self._begun.wait(BEGIN_SECONDS)
        if self._over.is_set():
            # Its number may be another's by now.
            return
        if self._group is not None:
            self._container.signal_group(self._group, "TERM")
            if self._over.wait(self._grace_seconds):
                return
            self._container.signal_group(self._group, "KILL")
        if not self._over.wait(GONE_SECONDS):
            self._container.signal("KILL")


class ContainerEnding(Ending):
    """The ending of a container that is one command."""

    def _end(self) -> None:
        self._container.signal("TERM")
        if not self._over.wait(self._grace_seconds):
            self._container.signal("KILL")
