"""One container: made for a directory, started, attached to, ended and removed."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from wdprefect.errors import TaskFailed
from wdprefect.model.ports import Workspace
from wdprefect.workspace.containers.engine import WRONG_STATE, Engine, explained, in_time, is_gone
from wdprefect.workspace.containers.settings import ContainerSettings
from wdprefect.workspace.containers.streams import Connection
from wdprefect.workspace.containers.sweep import (
    DIRECTORY_LABEL,
    LASTS_LABEL,
    ROOT_LABEL,
    note,
    remove_container,
    root_of,
)

LABEL = "wdprefect."
# Of a healthy engine it takes a tenth of a second.
REMOVE_SECONDS = 20.0


class NotSeen(Exception):
    """The engine does not see the directories of this machine."""


class NoShell(Exception):
    """The image has no /bin/sh."""


@dataclass(frozen=True, slots=True)
class Container:
    """A container on an engine.

    volume: the name of the one that holds the directory, where it cannot be mounted. note: by which the sweep finds it.
    """

    engine: Engine
    id: str
    name: str
    volume: str | None
    note: Path

    def attach(self, *, stdin: bool) -> Connection:
        """Its streams. Before it is started, so that nothing is missed.

        Raises as `start` does: for Podman this is half of the start.
        """
        with explained(self.engine, "the container cannot be started", _look_for_ways):
            parameters = {"stdin": int(stdin), "stdout": 1, "stderr": 1, "stream": 1}
            return Connection(self.engine.client.attach_socket(self.id, params=parameters))

    def start(self) -> None:
        """Raises NoShell, NotSeen, and TaskFailed for everything else."""
        with explained(self.engine, "the container cannot be started", _look_for_ways):
            self.engine.client.start(self.id)

    def state(self) -> dict[str, Any]:
        """How it is, or how it ended, as the engine says; empty where the engine is gone, and knows nothing."""
        import docker  # loaded already by who made the engine

        with suppress(TaskFailed), explained(self.engine, "the container cannot be asked"):
            try:
                found: dict[str, Any] = self.engine.client.inspect_container(self.id)["State"]
            except docker.errors.APIError as error:
                if not is_gone(error):
                    raise
                return self._remembered()
            return found
        return {}

    def _remembered(self) -> dict[str, Any]:
        """What the engine remembers of a container that it has removed: its last events."""
        # Not by the names of events: Podman knows others than it says.
        filters = {"container": self.id}
        events = self.engine.client.events(since=0, until=int(time.time()) + 1, filters=filters, decode=True)
        found: dict[str, Any] = {}
        for event in events:
            if event["Action"] == "die":
                found["ExitCode"] = int(event["Actor"]["Attributes"]["exitCode"])
            elif event["Action"] == "oom":
                found["OOMKilled"] = True
        return found

    def wait(self) -> int:
        """Wait for its end; its exit status."""
        with explained(self.engine, "the container cannot be waited for"):
            return int(self.engine.client.wait(self.id, timeout=None)["StatusCode"])

    def signal(self, name: str) -> None:
        """Send a signal to its first process; nothing happens when it has ended."""
        with suppress(TaskFailed), explained(self.engine, "the container cannot be ended"):
            self.engine.client.kill(self.id, name)

    def signal_group(self, group: int, name: str) -> None:
        """Send a signal to a process group inside."""
        with suppress(TaskFailed):
            self.execute(["/bin/sh", "-c", f"kill -{name} -{group}"])

    def execute(self, command: Sequence[str]) -> bytes:
        """The standard output of a command inside, run as root to its end. Raises TaskFailed when it fails."""
        client = self.engine.client
        with explained(self.engine, f"'{command[0]}' cannot be run in the container"):
            made = client.exec_create(self.id, list(command), user="0:0")
            stdout, stderr = client.exec_start(made["Id"], demux=True)
            status = client.exec_inspect(made["Id"])["ExitCode"]
        if status:
            raise TaskFailed(
                f"'{command[0]}' failed in the container: {(stderr or b'').decode(errors='replace').strip()}"
            )
        return stdout or b""

    def lane(self, shell: str) -> Connection:
        """Another shell inside, attached to."""
        client = self.engine.client
        with explained(self.engine, "no shell can be started in the container"):
            made = client.exec_create(self.id, [shell, "-s"], stdin=True)
            return Connection(client.exec_start(made["Id"], socket=True))

    def end(self) -> None:
        """Kill it, and leave its removal to the engine. Raises TaskFailed when that does not answer in time."""
        in_time(self._kill, REMOVE_SECONDS, f"the container '{self.name}' cannot be ended")

    def _kill(self) -> None:
        import docker  # loaded already by who made the engine

        with explained(self.engine, f"the container '{self.name}' cannot be ended"):
            try:
                self.engine.client.kill(self.id, "KILL")
            except docker.errors.APIError as error:
                has_ended = error.status_code == HTTPStatus.CONFLICT or WRONG_STATE in str(error.explanation)
                if not has_ended and not is_gone(error):
                    raise
        self.forget()

    def sees(self, workspace: Workspace) -> bool:
        """Whether a file of the directory is there; it need not run."""
        import docker  # loaded already by who made the engine

        if self.engine.sees_directories:
            return True
        token = workspace.scratch / f".seen-{secrets.token_hex(4)}"
        token.touch()
        try:
            with explained(self.engine, "the container cannot be looked into"):
                try:
                    self.engine.client.get_archive(self.id, str(token))[0].close()
                except docker.errors.NotFound:
                    return False
        finally:
            token.unlink()
        self.engine.sees_directories = True
        return True

    def remove(self) -> None:
        """End and remove it, with its volume. Raises TaskFailed when the engine cannot in time: the sweep will."""

        def work() -> None:
            remove_container(self.engine, self.name, self.volume)
            self.forget()

        in_time(work, REMOVE_SECONDS, f"the container '{self.name}' cannot be removed")

    def forget(self) -> None:
        """Leave it to itself: no sweep removes it."""
        self.note.unlink(missing_ok=True)


def create(
    engine: Engine,
    settings: ContainerSettings,
    workspace: Workspace,
    command: Sequence[str],
    environment: Mapping[str, str],
) -> Container:
    """Make a container in which the directory of the workspace lies at its own path; it does not run yet.

    Raises NotSeen when the directory cannot be mounted, and TaskFailed.
    """
    # What a mapped user makes in a mounted directory would be nobody's here.
    mounts = settings.files != "VOLUME" and engine.sees_directories is not False and engine.users != "remapped"
    name = f"wdprefect-{secrets.token_hex(8)}"
    volume = None if mounts else name
    # Written down first: whatever happens from here on, the sweep finds it.
    file = note(workspace.outer, engine, name, volume)
    labels = _labels(settings, workspace)
    client = engine.client
    host = _host(engine, settings, workspace, volume)
    try:
        with explained(engine, f"no container can be made of the image '{settings.image}'", _look_for_ways):
            if volume:
                client.create_volume(volume, labels=labels)
            made = client.create_container(
                settings.image,
                list(command),
                name=name,
                entrypoint=None if settings.entrypoint is None else list(settings.entrypoint) or [""],
                environment=dict(environment),
                user=user_of(settings, engine),
                working_dir=str(workspace.path),
                labels=labels,
                ports=list(settings.ports) or None,
                stdin_open=settings.is_shared,
                host_config=host,
            )
    except BaseException:
        # Perhaps it was made, and only the answer was lost; what cannot be removed now stays written down.
        with suppress(TaskFailed):
            remove_container(engine, name, volume)
            file.unlink()
        raise
    return Container(engine, made["Id"], name, volume, file)


def is_left_to_engine(settings: ContainerSettings, volume: str | None) -> bool:
    """Whether the engine removes a container by itself: not where its end is asked for, or a volume goes with it."""
    return settings.is_shared and settings.is_removed and volume is None


def user_of(settings: ContainerSettings, engine: Engine) -> str | None:
    """The user of the container: the flow's word, else whoever owns the directory outside; None is the image's."""
    if settings.user is not None:
        return settings.user
    return {"same": f"{os.getuid()}:{os.getgid()}", "rootless": "0:0", "remapped": None}[engine.users]


def _labels(settings: ContainerSettings, workspace: Workspace) -> dict[str, str]:
    ours = {f"{LABEL}{name}": value for name, value in settings.labels.items()}
    lasts = {} if settings.is_awaited and settings.is_removed else {LASTS_LABEL: "true"}
    return {**ours, ROOT_LABEL: root_of(workspace.outer), DIRECTORY_LABEL: str(workspace.outer), **lasts}


def _host(engine: Engine, settings: ContainerSettings, workspace: Workspace, volume: str | None) -> Any:
    from docker.types import Mount  # loaded already by who made the engine

    places = [str(workspace.path), str(workspace.scratch)]
    binds: list[str] = list(settings.host.get("binds", ()))
    mounts = []
    if volume:
        mounts = [Mount(str(workspace.outer), volume, type="volume", no_copy=True)]
    elif engine.relabels:
        binds += [f"{place}:{place}:z" for place in places]
    else:
        mounts = [Mount(place, place, type="bind") for place in places]
    return engine.client.create_host_config(
        # Nobody reads it: what is attached gets all, and a file of it would grow without end.
        log_config={"Type": "none"},
        mounts=mounts,
        # Removing what a container has written takes the engine up to seconds, for which nobody need wait.
        auto_remove=is_left_to_engine(settings, volume),
        # A shell reaps what it is left with; other first processes do not, nor do they end when they are asked to.
        init=None if settings.is_shared else True,
        **{**settings.host, "binds": binds},
    )


def _look_for_ways(words: str) -> None:
    """Raises NotSeen and NoShell where the engine's words mean that: there is another way then.

    And TaskFailed where they do not say what to do.
    """
    if "bind source path does not exist" in words or "mounts denied" in words or "is not shared from the host" in words:
        raise NotSeen
    # The two programs that start containers quote differently.
    if "no such file or directory" in words.lower() and ('"/bin/sh"' in words or "`/bin/sh`" in words):
        raise NoShell
    if "container-init binary not found" in words:
        raise TaskFailed(f"the container cannot be started: {words} (install catatonit on the machine of the engine)")
