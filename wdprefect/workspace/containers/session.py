"""Commands in containers: Kestra's Docker runner, for every engine with Docker's API.

Where the engine sees the directories of this machine they are mounted at their own paths, and the programs run as this
user, so that files are its own. Otherwise a volume carries what changes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace

from wdprefect.errors import TaskFailed
from wdprefect.model.ports import Command, OnLine, TaskLog, Workspace
from wdprefect.model.stop import Stop
from wdprefect.workspace.containers.alone import SingleContainer
from wdprefect.workspace.containers.container import NoShell
from wdprefect.workspace.containers.engine import Engine, explained
from wdprefect.workspace.containers.images import provide_image
from wdprefect.workspace.containers.settings import ContainerSettings
from wdprefect.workspace.containers.shared import SharedContainer
from wdprefect.workspace.containers.sweep import sweep_engine
from wdprefect.workspace.guard import guard_of_process
from wdprefect.workspace.under_way import STOPPED, UnderWay

# Another command may be pulling the image, for minutes.
POLL_SECONDS = 0.1


class ContainerRunner:
    """Runs commands in containers. Implements the port Runner.

    connect: gives the engine; called when the first command runs. log: where pulls are told.
    """

    def __init__(self, settings: ContainerSettings, connect: Callable[[], Engine], log: TaskLog) -> None:
        self._settings, self._connect, self._log = settings, connect, log

    def session(self, workspace: Workspace, run_id: str) -> ContainerSession:  # noqa: ARG002  the labels say the run
        return ContainerSession(self._settings, self._connect, workspace, self._log)


class ContainerSession:
    """Runs commands in containers of one kind. Implements the port Session; several threads may run commands."""

    def __init__(
        self, settings: ContainerSettings, connect: Callable[[], Engine], workspace: Workspace, log: TaskLog
    ) -> None:
        self._settings, self._connect, self._workspace, self._log = settings, connect, workspace, log
        self._engine: Engine | None = None
        self._shared: SharedContainer | None = None
        self._last_id = ""
        self._has_swept = False
        self._closing = Stop()
        self._opening = threading.Lock()
        self._under_way = UnderWay()

    @property
    def directory(self) -> str:
        return str(self._workspace.path)

    @property
    def image(self) -> str:
        return self._settings.image

    @property
    def details(self) -> Mapping[str, str]:
        """The id of the container that ran the last command."""
        return {"containerId": self._last_id} if self._last_id else {}

    def run(self, command: Command, on_line: OnLine, stop: Stop) -> int:
        """Run to the end, in the container that is there already where several may share one.

        Raises TaskFailed when there is no engine, image or program, and when the container ends before the command.
        """
        with self._under_way:
            if stop.requested or self._closing.requested:
                return STOPPED
            if not command.arguments:
                raise TaskFailed("no program is given")
            engine = self._ready(stop)
            if engine is None or stop.requested:
                return STOPPED
            if shared := self._open_shared(engine):
                self._last_id = shared.container.id
                self._sweep(engine)
                return shared.run(command, on_line, stop, self._closing)
            single = SingleContainer(engine, self._settings, self._workspace, self._log)
            self._sweep(engine)
            try:
                return single.run(command, on_line, stop, self._closing)
            finally:
                self._last_id = single.container.id if single.container else self._last_id

    def close(self) -> None:
        """End what still runs, and the container. May be called twice."""
        self._closing.request()
        self._under_way.wait()
        shared, self._shared = self._shared, None
        if shared:
            self._end(shared)

    def _end(self, shared: SharedContainer) -> None:
        try:
            shared.close()
        except TaskFailed as error:
            # It is written down still.
            self._log.write("WARN", f"{error}; the next run tries again")

    def _ready(self, stop: Stop) -> Engine | None:
        """The engine, with the image on it; None when it was stopped while another command saw to that."""
        while not self._opening.acquire(timeout=POLL_SECONDS):
            if stop.requested:
                return None
        try:
            self._engine = self._engine or self._started(stop)
            return self._engine
        finally:
            self._opening.release()

    def _started(self, stop: Stop) -> Engine:
        """The engine, with the image on it."""
        # It sweeps when this process is killed.
        guard_of_process().start(self._workspace.root)
        engine = self._connect()
        provide_image(engine, self._settings, self._log, stop)
        if self._settings.entrypoint is None and self._settings.is_shared:
            self._settings = replace(self._settings, is_shared=not _has_entrypoint(engine, self._settings.image))
        return engine

    def _open_shared(self, engine: Engine) -> SharedContainer | None:
        """The container that commands share; None where each has its own."""
        with self._opening:
            if self._shared and self._shared.is_lost:
                self._end(self._shared)
                self._shared = None
            if self._settings.is_shared and self._shared is None:
                try:
                    self._shared = SharedContainer(engine, self._settings, self._workspace, self._log)
                except NoShell:
                    self._settings = replace(self._settings, is_shared=False)
            return self._shared

    def _sweep(self, engine: Engine) -> None:
        """Once, beside the command, which need not wait for it."""
        if not self._has_swept:
            self._has_swept = True
            arguments = (engine, self._workspace.outer)
            threading.Thread(target=sweep_engine, args=arguments, name="wdprefect-sweep", daemon=True).start()


def _has_entrypoint(engine: Engine, image: str) -> bool:
    with explained(engine, f"the image '{image}' cannot be looked at"):
        return bool(engine.client.inspect_image(image)["Config"].get("Entrypoint"))
