"""Removing the containers of runs that died.

Where a directory has containers, each is written down beside it before it is made. Whoever sweeps the directory removes
them; what nobody could remove is written down still, and found by the next sweep.
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from wdprefect.errors import TaskFailed
from wdprefect.workspace.containers.engine import WRONG_STATE, Engine, engine_at, explained, is_gone

NOTES = "containers"
# Podman cannot kill a container that ends at that moment, and so does not remove it; a moment later it does.
REMOVE_TRIES, PAUSE_SECONDS = 10, 0.2
# Whose directory a container has: the machine, and the folder in which its directories are made.
ROOT_LABEL, DIRECTORY_LABEL, LASTS_LABEL = "wdprefect.root", "wdprefect.directory", "wdprefect.lasts"


def note(outer: Path, engine: Engine, name: str, volume: str | None) -> Path:
    """Write down that a container is about to be made for the directory; the note goes when the container has gone."""
    file = outer / NOTES / f"{name}.json"
    try:
        file.parent.mkdir(mode=0o700, exist_ok=True)
        file.write_text(json.dumps({"engine": engine.shown, "name": name, "volume": volume}), encoding="utf-8")
    except OSError as error:
        raise TaskFailed(f"the container cannot be written down in '{outer}': {error.strerror}") from error
    return file


def has_notes(outer: Path) -> bool:
    """Whether a directory has containers that nobody has removed."""
    return any((outer / NOTES).glob("*.json"))


def root_of(outer: Path) -> str:
    """What the folder of a directory is called on labels: two machines, or two containers, have others of that path."""
    found = outer.parent.stat()
    return f"{socket.gethostname()}:{found.st_dev}:{found.st_ino}"


def sweep_notes(outer: Path) -> bool:
    """Remove the containers that are written down beside a directory; whether all are gone."""
    for file in sorted((outer / NOTES).glob("*.json")):
        with suppress(TaskFailed, OSError, ValueError, LookupError):
            said = json.loads(file.read_text(encoding="utf-8"))
            remove_container(engine_at(said["engine"]), said["name"], said["volume"])
            file.unlink()
    return not has_notes(outer)


def sweep_engine(engine: Engine, outer: Path) -> None:
    """Remove what an engine has for directories that were made beside this one and are gone. Never fails."""
    filters = {"label": f"{ROOT_LABEL}={root_of(outer)}"}
    with suppress(TaskFailed), explained(engine, "the engine cannot be asked"):
        for found in engine.client.containers(all=True, filters=filters):
            if _is_left(found["Labels"]):
                remove_container(engine, found["Id"], None)
        for found in engine.client.volumes(filters=filters)["Volumes"] or ():
            if _is_left(found["Labels"]):
                engine.client.remove_volume(found["Name"])


def remove_container(engine: Engine, name: str, volume: str | None) -> None:
    """End and remove a container, and its volume; nothing happens where there is none. Raises TaskFailed."""
    import docker  # loaded already by who made the engine

    with explained(engine, f"the container '{name}' cannot be removed"):
        for left in reversed(range(REMOVE_TRIES)):
            try:
                engine.client.remove_container(name, force=True, v=True)
                break
            except docker.errors.APIError as error:
                words = str(error.explanation)
                # Or somebody else is removing it at this moment.
                if is_gone(error) or "in progress" in words:
                    break
                # Podman's words, and Docker's, for one that ends by itself while it is removed.
                if not left or not any(state in words for state in (WRONG_STATE, "is not running")):
                    raise
                time.sleep(PAUSE_SECONDS)
        if volume:
            with suppress(docker.errors.NotFound):
                engine.client.remove_volume(volume)


def _is_left(labels: Mapping[str, Any]) -> bool:
    return LASTS_LABEL not in labels and not os.path.lexists(labels.get(DIRECTORY_LABEL, "/"))
