"""Ending a command in a container from outside: asked to first, killed later, and its container last."""

from __future__ import annotations

import threading
from datetime import timedelta

from wdprefect.workspace.containers.container import Container

# What was killed is gone within this, or its container is ended.
GONE_SECONDS = 2.0
# A command that was sent begins within this.
BEGIN_SECONDS = 5.0


class CommandEnding:
    """The ending of one command. `ask` may be called from any thread, and does not wait."""

    def __init__(self, container: Container, grace: timedelta) -> None:
        self._container, self._grace_seconds = container, grace.total_seconds()
        self._group: int | None = None
        self._begun, self._over = threading.Event(), threading.Event()
        self.was_asked = False

    def begins(self, group: int) -> None:
        """The command has begun, as this process group of its container."""
        self._group = group
        self._begun.set()

    def ends(self) -> None:
        """The command is over."""
        self._begun.set()
        self._over.set()

    def ask(self) -> None:
        """Ask the command to end, in a thread of its own: requests to the engine take their time."""
        self.was_asked = True
        threading.Thread(target=self._end, name="wdprefect-end", daemon=True).start()

    def _end(self) -> None:
        self._begun.wait(BEGIN_SECONDS)
        if self._group is not None:
            self._container.signal_group(self._group, "TERM")
            if self._over.wait(self._grace_seconds):
                return
            self._container.signal_group(self._group, "KILL")
        if not self._over.wait(GONE_SECONDS):
            self._container.signal("KILL")


class ContainerEnding:
    """The ending of a container that is one command."""

    def __init__(self, container: Container, grace: timedelta) -> None:
        self._container, self._grace_seconds = container, grace.total_seconds()
        self._over = threading.Event()
        self.was_asked = False

    def ends(self) -> None:
        """The container has ended."""
        self._over.set()

    def ask(self) -> None:
        """As of a command in a shared container."""
        self.was_asked = True
        threading.Thread(target=self._end, name="wdprefect-end", daemon=True).start()

    def _end(self) -> None:
        self._container.signal("TERM")
        if not self._over.wait(self._grace_seconds):
            self._container.signal("KILL")
