"""One container for all commands of a directory that ask for the same: a shell that waits for the next one."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress

from wdprefect.model.ports import Command, OnLine, TaskLog, Workspace
from wdprefect.model.stop import Stop
from wdprefect.workspace.containers.container import Container, NotSeen, create, is_left_to_engine
from wdprefect.workspace.containers.ending import CommandEnding
from wdprefect.workspace.containers.engine import Engine
from wdprefect.workspace.containers.lane import KILL_REST, OOM, SHELL, Lane, LaneLost
from wdprefect.workspace.containers.making import KILLED, environment_of, fall_back, grace_of, lost, out_of_memory
from wdprefect.workspace.containers.owners import Owners
from wdprefect.workspace.containers.settings import ContainerSettings
from wdprefect.workspace.containers.volume import Volume


class SharedContainer:
    """A running container. Several threads may run commands: each has a shell of its own inside."""

    def __init__(self, engine: Engine, settings: ContainerSettings, workspace: Workspace, log: TaskLog) -> None:
        """Make and start it. Raises NoShell where the image has none, and TaskFailed."""
        self._engine, self._settings, self._workspace, self._log = engine, settings, workspace, log
        self._lock = threading.Lock()
        self._running = 0
        self._memory_kills = "0"
        self._owners = Owners(settings, workspace, log, self._run_as_root)
        # Another user does not see what is not lent.
        self._owners.lend()
        # The first shell is the container's first process: when it ends, everything does.
        self.container, self._first, self._volume = self._opened()
        self._idle = [self._first] if self._first.own_session else []

    @property
    def is_lost(self) -> bool:
        """Whether no command can be run in it any more."""
        return self._first.is_closed

    def run(self, command: Command, on_line: OnLine, stop: Stop, closing: Stop) -> int:
        """Run a command to its end, as a session does.

        Raises TaskFailed when the container ends before it, and when it was killed for memory.
        """
        lane = self._take()
        ending = CommandEnding(self.container, grace_of(self._settings, command), lane.close)
        try:
            with stop.calling(ending.ask), closing.calling(ending.ask):
                self._owners.lend()
                if self._volume:
                    self._volume.push()
                status = lane.run(command.arguments, self._environment(command), on_line, ending.begins)
                ending.ends()
                is_for_memory = status == KILLED and self._was_for_memory(lane)
            self._owners.take_back()
            if self._volume:
                self._volume.pull()
        except LaneLost as error:
            lane.close()
            if ending.was_asked:
                return KILLED
            raise lost(self.container, self._settings) from error
        except BaseException:
            # What it is in the middle of, nobody knows.
            ending.kill()
            lane.close()
            raise
        else:
            self._give_back(lane)
        finally:
            ending.ends()
            with self._lock:
                self._running -= 1
        if is_for_memory and not ending.was_asked:
            raise out_of_memory(self._settings)
        return status

    def close(self) -> None:
        """End it, with all that runs in it."""
        is_idle = self._first in self._idle and not self._running
        has_left = is_idle and is_left_to_engine(self._settings, self.container.volume) and self._first.leave()
        for lane in (self._first, *self._idle):
            lane.close()
        if has_left:
            self.container.forget()
        elif is_left_to_engine(self._settings, self.container.volume):
            self.container.end()
        elif self._settings.is_removed:
            self.container.remove()
        else:
            self.container.forget()
            self._log.write("INFO", f"the container '{self.container.name}' is kept")

    def _opened(self) -> tuple[Container, Lane, Volume | None]:
        token = self._workspace.scratch / f".seen-{secrets.token_hex(4)}"
        token.touch()
        try:
            made = self._try(str(token)) or self._try(str(token))
        finally:
            token.unlink()
        assert made is not None, "a volume is always seen"
        return made

    def _try(self, token: str) -> tuple[Container, Lane, Volume | None] | None:
        """The container, its shell and its volume; None when the engine does not see the directory.

        Whether it does is known from then on.
        """
        settings, engine = self._settings, self._engine
        environment = environment_of(settings, engine, self._workspace)
        try:
            container = create(engine, settings, self._workspace, [SHELL, "-s"], environment)
        except NotSeen:
            fall_back(engine, settings, self._log)
            return None
        volume = Volume(container, self._workspace, self._log) if container.volume else None
        try:
            if volume:
                volume.push()
            lane = Lane(container.attach(stdin=True))
            container.start()
            sees = lane.open(token)
        except LaneLost as error:
            reason = lost(container, settings)
            container.remove()
            raise reason from error
        except BaseException:
            container.remove()
            raise
        if sees and volume is None:
            engine.sees_directories = True
        if sees or volume:
            return container, lane, volume
        container.remove()
        fall_back(engine, settings, self._log)
        return None

    def _run_as_root(self, arguments: Sequence[str]) -> None:
        self.container.execute(arguments)

    def _environment(self, command: Command) -> Mapping[str, str]:
        return {**command.environment, "WORKING_DIR": str(self._workspace.path)}

    def _take(self) -> Lane:
        """A shell that nobody uses, a new one where all are busy. Raises TaskFailed."""
        with self._lock:
            self._running += 1
            if self._idle:
                return self._idle.pop()
        try:
            lane = Lane(self.container.lane(SHELL))
            lane.open("/")
        except BaseException as error:
            with self._lock:
                self._running -= 1
            if isinstance(error, LaneLost):
                raise lost(self.container, self._settings) from error
            raise
        return lane

    def _give_back(self, lane: Lane) -> None:
        """Keep the shell for the next command; behind the last one, end what commands left outside of their groups."""
        with self._lock:
            # Without sessions of their own, commands need one shell each, whose group they are in.
            if lane.own_session:
                self._idle.append(lane)
            else:
                lane.close()
            if self._running > 1:
                return
            # It kills the other shells too, which are all idle.
            for other in self._idle:
                if other is not self._first:
                    other.close()
            self._idle = [each for each in self._idle if each is self._first]
            with suppress(LaneLost):
                self._first.tell(KILL_REST, "rest")

    def _was_for_memory(self, lane: Lane) -> bool:
        """Whether the kernel has killed something for memory since it was asked last."""
        count = lane.tell(OOM, "oom")[1]
        changed, self._memory_kills = count != self._memory_kills, count
        return changed
