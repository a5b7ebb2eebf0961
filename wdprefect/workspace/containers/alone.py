"""A container for one command, which is its first process: for those that ask for it, and images without a shell."""

from __future__ import annotations

from functools import partial

from wdprefect.errors import TaskFailed
from wdprefect.model.ports import Command, OnLine, Stream, TaskLog, Workspace
from wdprefect.model.stop import Stop
from wdprefect.workspace.containers.container import Container, NotSeen, create
from wdprefect.workspace.containers.ending import ContainerEnding
from wdprefect.workspace.containers.engine import Engine
from wdprefect.workspace.containers.making import KILLED, environment_of, fall_back, grace_of, lost, out_of_memory
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
            try:
                self.container = create(self._engine, self._settings, self._workspace, command.arguments, environment)
                if self.container.volume or self.container.sees(self._workspace):
                    return self.container
            except NotSeen:
                pass
            if self.container:
                self.container.remove()
            fall_back(self._engine, self._settings, self._log)
        raise AssertionError("a volume is always seen")

    def _followed(self, container: Container, command: Command, on_line: OnLine, stop: Stop, closing: Stop) -> int:
        ending = ContainerEnding(container, grace_of(self._settings, command))
        connection = container.attach(stdin=False)
        names: tuple[Stream, Stream] = ("stdout", "stderr")
        lines = {name: Lines(partial(on_line, name)) for name in names}
        try:
            container.start()
            with stop.calling(ending.ask), closing.calling(ending.ask):
                for name, data in connection.frames():
                    lines[name].feed(data)
                for taker in lines.values():
                    taker.end()
                state = container.state()
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
