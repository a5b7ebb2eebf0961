"""A container for one command, which is its first process: for those that ask for it, and images without a shell."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

from wdprefect.errors import TaskFailed
from wdprefect.model.ports import Command, OnLine, Stream, TaskLog, Workspace
from wdprefect.model.stop import Stop
from wdprefect.workspace.containers.container import Container, NotSeen, create
from wdprefect.workspace.containers.ending import ContainerEnding
from wdprefect.workspace.containers.engine import Engine
from wdprefect.workspace.containers.making import KILLED, environment_of, fall_back, grace_of, lost, out_of_memory
from wdprefect.workspace.containers.owners import Owners
from wdprefect.workspace.containers.settings import ContainerSettings
from wdprefect.workspace.containers.volume import Volume
from wdprefect.workspace.lines import Lines


class SingleContainer:
    """Runs one command in a container of its own. `container` is there once it has been made."""

    def __init__(self, engine: Engine, settings: ContainerSettings, workspace: Workspace, log: TaskLog) -> None:
        self._engine, self._settings, self._workspace, self._log = engine, settings, workspace, log
        self.container: Container | None = None

    def run(self, command: Command, on_line: OnLine, stop: Stop, closing: Stop) -> int:
        """Run the command to its end; its exit status. With `wait: false`: start it, and 0. Raises TaskFailed."""
        owners = Owners(self._settings, self._workspace, self._log, self._run_as_root)
        owners.lend()
        container = self._made(command)
        volume = Volume(container, self._workspace, self._log) if container.volume else None
        is_left = False
        try:
            if volume:
                volume.push()
            if not self._settings.is_awaited:
                container.start()
                is_left = True
                container.forget()
                self._log.write("INFO", f"the container '{container.name}' goes on, and nobody waits for it")
                return 0
            status = self._followed(container, command, on_line, stop, closing)
            if volume:
                volume.pull()
            owners.take_back()
            return status
        finally:
            if not is_left:
                self._end(container)

    def _made(self, command: Command) -> Container:
        environment = {
            **environment_of(self._settings, self._engine, self._workspace),
            **command.environment,
            "WORKING_DIR": str(self._workspace.path),
        }
        for _ in range(2):
            with suppress(NotSeen):
                container = create(self._engine, self._settings, self._workspace, command.arguments, environment)
                is_seen = False
                try:
                    is_seen = bool(container.volume) or container.sees(self._workspace)
                finally:
                    if not is_seen:
                        container.remove()
                if is_seen:
                    self.container = container
                    return container
            fall_back(self._engine, self._settings, self._log)
        raise AssertionError("a volume is always seen")

    def _followed(self, container: Container, command: Command, on_line: OnLine, stop: Stop, closing: Stop) -> int:
        connection = container.attach(stdin=False)
        ending = ContainerEnding(container, grace_of(self._settings, command), connection.close)
        names: tuple[Stream, Stream] = ("stdout", "stderr")
        lines = {name: Lines(partial(on_line, name)) for name in names}
        try:
            container.start()
            with stop.calling(ending.ask), closing.calling(ending.ask):
                for name, data in connection.frames():
                    lines[name].feed(data)
                for taker in lines.values():
                    taker.end()
                # Where it was given up, nobody answers.
                state = {} if connection.is_closed else container.state()
                status = container.wait() if state else None
        finally:
            ending.ends()
            connection.close()
        if status is None:
            if ending.was_asked:
                return KILLED
            raise lost(container, self._settings)
        if status == KILLED and not ending.was_asked and (state.get("OOMKilled") or self._settings.memory):
            raise out_of_memory(self._settings)
        return status

    def _run_as_root(self, arguments: Sequence[str]) -> None:
        """Run a program of the image as root in another container: the one of the command has ended."""
        settings = replace(self._settings, user="0:0", entrypoint=(), is_removed=True, files="MOUNT")
        other = SingleContainer(self._engine, settings, self._workspace, self._log)
        said: list[str] = []
        status = other.run(Command(tuple(arguments), {}), lambda _, line: said.append(line), Stop(), Stop())
        if status:
            raise TaskFailed(f"'{arguments[0]}' failed: {' '.join(said)}")

    def _end(self, container: Container) -> None:
        if self._settings.is_removed:
            try:
                container.remove()
            except TaskFailed as error:
                # It is written down still.
                self._log.write("WARN", f"{error}; the next run tries again")
        else:
            container.forget()
            self._log.write("INFO", f"the container '{container.name}' is kept")
