"""Where a task works: its directory and the sessions in it, both made when they are first needed."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from wdprefect.errors import TaskFailed
from wdprefect.execution.run import Options
from wdprefect.loader.shape import reasons
from wdprefect.loader.types import find_type
from wdprefect.model.context import Wanted
from wdprefect.model.ports import Session, TaskLog
from wdprefect.model.task_runner import NoLog, RunnerScene, TaskRunner
from wdprefect.workspace.directory import Directory

PROCESS = "io.kestra.plugin.core.runner.Process"
DOCKER = "io.kestra.plugin.scripts.runner.docker.Docker"
# How the command line and the configuration call them.
RUNNERS = {"process": PROCESS, "docker": DOCKER}


class Place:
    """A Workspace and the Sessions of it: of one leaf, or of all children of a WorkingDirectory.

    labels: what tells whose the containers are that run here. Close it when the work is done: the sessions end, then
    the directory goes.
    """

    def __init__(self, options: Options, run_id: str, labels: Mapping[str, str]) -> None:
        self._options, self._run_id, self._labels = options, run_id, labels
        self._directory: Directory | None = None
        self._sessions: dict[str, Session] = {}
        self._lock = threading.RLock()

    @property
    def path(self) -> Path:
        return self._made().path

    @property
    def root(self) -> Path:
        return self._made().root

    @property
    def outer(self) -> Path:
        return self._made().outer

    @property
    def run_id(self) -> str:
        return self._run_id

    @property
    def scratch(self) -> Path:
        return self._made().scratch

    def resolve(self, name: str) -> Path:
        return self._made().resolve(name)

    def open(self, wanted: Wanted) -> Session:
        settings = chosen_runner(wanted, self._options)
        image = None if settings["type"] == PROCESS else wanted.image or wanted.default_image
        key = json.dumps([settings, image], sort_keys=True, default=str)
        with self._lock:
            if key not in self._sessions:
                self._sessions[key] = self._opened(settings, image, wanted)
            return self._sessions[key]

    def _opened(self, settings: Mapping[str, Any], image: str | None, wanted: Wanted) -> Session:
        scene = scene_of(self._options, image, {**self._labels, "task": wanted.task_id}, wanted.log)
        return find_task_runner(settings).open(scene).session(self._made(), self._run_id)

    @property
    def has_containers(self) -> bool:
        """Whether its end takes requests to an engine."""
        return any(session.image for session in self._sessions.values())

    def close(self) -> None:
        for session in self._sessions.values():
            session.close()
        self._sessions.clear()
        if self._directory:
            self._directory.remove()
            self._directory = None

    def _made(self) -> Directory:
        with self._lock:
            if self._directory is None:
                root = self._options.directory
                try:
                    self._directory = Directory.create(root, self._run_id)
                except OSError as error:
                    step = "WDPREFECT_DIRECTORY names another place"
                    msg = f"cannot make a working directory in '{root}': {error.strerror} ({step})"
                    raise TaskFailed(msg) from error
            return self._directory


def chosen_runner(wanted: Wanted, options: Options) -> dict[str, Any]:
    """The settings of the runner for a task: of the one that all must use, else its own, else what is configured.

    A task that names an image and no runner means a container, which is Kestra's default.
    """
    own = dict(wanted.task_runner or {})
    if options.runner:
        return own if own.get("type") == options.runner else {"type": options.runner}
    default = DOCKER if wanted.image else RUNNERS[options.configuration.runner]
    return own or {"type": default}


def find_task_runner(settings: Mapping[str, Any]) -> TaskRunner:
    """The task runner that the settings describe. Raises TaskFailed for a type that does not exist."""
    kind = find_type(str(settings["type"]), TaskRunner)  # type: ignore[type-abstract]  # the base of what is looked for
    if kind is None:
        raise TaskFailed(f"unknown task runner '{settings['type']}'")
    try:
        return kind.model_validate(settings)
    except ValidationError as error:
        raise TaskFailed("; ".join(f"'taskRunner': {reason}" for reason in reasons(error, settings))) from None


def scene_of(
    options: Options, image: str | None = None, labels: Mapping[str, str] | None = None, log: TaskLog | None = None
) -> RunnerScene:
    """What task runners of a run are opened with."""
    docker = options.configuration.docker
    return RunnerScene(
        image=image,
        labels=labels or {},
        allowed=docker.allow,
        host=docker.host,
        registries=docker.credentials,
        block=options.block,
        log=log or NoLog(),
    )
