"""Where a task works: its directory and the sessions in it, both made when they are first needed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wdprefect.errors import TaskFailed
from wdprefect.loader.types import find_type
from wdprefect.model.ports import Session
from wdprefect.model.task_runner import TaskRunner
from wdprefect.workspace.directory import Directory

PROCESS = "io.kestra.plugin.core.runner.Process"


class Place:
    """A Workspace and the Sessions of it: of one leaf, or of all children of a WorkingDirectory.

    runner: the type of the runner that replaces whatever tasks ask for; None leaves the choice to them.
    Close it when the work is done: the sessions end, then the directory goes.
    """

    def __init__(self, root: Path, run_id: str, runner: str | None) -> None:
        self._root, self._run_id, self._runner = root, run_id, runner
        self._directory: Directory | None = None
        self._sessions: dict[str, Session] = {}

    @property
    def path(self) -> Path:
        return self._made().path

    @property
    def root(self) -> Path:
        return self._made().root

    @property
    def run_id(self) -> str:
        return self._run_id

    @property
    def scratch(self) -> Path:
        return self._made().scratch

    def resolve(self, name: str) -> Path:
        return self._made().resolve(name)

    def open(self, task_runner: Mapping[str, Any] | None) -> Session:
        settings = {"type": self._runner} if self._runner else dict(task_runner or {"type": PROCESS})
        key = json.dumps(settings, sort_keys=True, default=str)
        if key not in self._sessions:
            self._sessions[key] = find_task_runner(settings).open().session(self._made(), self._run_id)
        return self._sessions[key]

    def close(self) -> None:
        for session in self._sessions.values():
            session.close()
        self._sessions.clear()
        if self._directory:
            self._directory.remove()
            self._directory = None

    def _made(self) -> Directory:
        if self._directory is None:
            try:
                self._directory = Directory.create(self._root, self._run_id)
            except OSError as error:
                step = "WDPREFECT_DIRECTORY names another place"
                msg = f"cannot make a working directory in '{self._root}': {error.strerror} ({step})"
                raise TaskFailed(msg) from error
        return self._directory


def find_task_runner(settings: Mapping[str, Any]) -> TaskRunner:
    """The task runner that the settings describe. Raises TaskFailed for a type that does not exist."""
    kind = find_type(str(settings["type"]), TaskRunner)  # type: ignore[type-abstract]  # the base of what is looked for
    if kind is None:
        raise TaskFailed(f"unknown task runner '{settings['type']}'")
    return kind.model_validate(settings)
