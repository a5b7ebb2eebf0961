"""What shared containers and those of one command have in common: what they see, and how they go wrong."""

from __future__ import annotations

import os
from datetime import timedelta

from wdprefect.errors import TaskFailed
from wdprefect.model.ports import Command, TaskLog, Workspace
from wdprefect.workspace.containers.container import Container, user_of
from wdprefect.workspace.containers.engine import Engine
from wdprefect.workspace.containers.settings import ContainerSettings

KILLED = 128 + 9


def environment_of(settings: ContainerSettings, engine: Engine, workspace: Workspace) -> dict[str, str]:
    """What every program of the container sees on top of the image's own variables.

    A user whom the image does not know has no home: a private folder of the run's is one.
    """
    environment = {"WORKING_DIR": str(workspace.path)}
    user = user_of(settings, engine)
    if settings.user is None and user == f"{os.getuid()}:{os.getgid()}" and os.getuid() != 0:
        home = workspace.scratch / "home"
        home.mkdir(mode=0o700, exist_ok=True)
        environment |= {"HOME": str(home), "USER": "wdprefect", "LOGNAME": "wdprefect"}
    return environment


def grace_of(settings: ContainerSettings, command: Command) -> timedelta:
    """How long a command may take to end after it was asked to."""
    return command.grace if settings.kill_grace is None else settings.kill_grace


def fall_back(engine: Engine, settings: ContainerSettings, log: TaskLog) -> None:
    """Use volumes from now on. Raises TaskFailed where the flow asks for a mount."""
    blind = f"the engine at '{engine.shown}' does not see the directories of this machine"
    if settings.files == "MOUNT":
        hint = "'fileHandlingStrategy' is MOUNT: leave it out, and a volume carries the files"
        raise TaskFailed(f"{blind} ({hint})")
    engine.sees_directories = False
    log.write("INFO", f"{blind}: a volume carries the files")


def lost(container: Container, settings: ContainerSettings) -> TaskFailed:
    """Why a container ended before its command."""
    state = container.state()
    if not state:
        reason = f"the engine at '{container.engine.shown}' is gone, or its container is (was it restarted?)"
        return TaskFailed(f"the container was lost while the command ran: {reason}", exit_status=KILLED)
    if state.get("OOMKilled"):
        return out_of_memory(settings)
    status = int(state.get("ExitCode") or KILLED)
    words = str(state.get("Error") or "it was killed from outside, or its engine was restarted")
    ended = f"the container ended while the command ran, with exit code {status}"
    return TaskFailed(f"{ended}: {words}", exit_status=status)


def out_of_memory(settings: ContainerSettings) -> TaskFailed:
    """The failure of a command that was killed for memory."""
    if settings.memory:
        reason = f"it used more memory than its limit of {settings.memory} ('memory.memory' of the task runner)"
    else:
        reason = "the machine of the container engine has no memory left"
    return TaskFailed(f"Command failed with exit code {KILLED}: {reason}", exit_status=KILLED)
