"""Where a run keeps its things when nothing is configured."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import platformdirs


def default_storage() -> str:
    """The folder of results that Prefect uses by default, as the URL of a storage: `file:///…/storage/wdprefect`."""
    home = os.environ.get("PREFECT_HOME") or "~/.prefect"
    folder = os.environ.get("PREFECT_LOCAL_STORAGE_PATH") or f"{home}/storage"
    return Path(folder).expanduser().absolute().joinpath("wdprefect").as_uri()


def user_home() -> Path:
    """Where what is known between two commands lies: WDPREFECT_HOME, else the user's state directory."""
    root = os.environ.get("WDPREFECT_HOME") or platformdirs.user_state_dir("wdprefect")
    return Path(root).expanduser().resolve()


def working_directories() -> Path:
    """Where working directories are made: WDPREFECT_DIRECTORY, else the system's folder for temporary files."""
    return Path(os.environ.get("WDPREFECT_DIRECTORY") or tempfile.gettempdir()).absolute()


def is_below_roots(path: Path) -> bool:
    """Whether a deployment may take this file of its worker: it lies below a folder of WDPREFECT_FILE_ROOTS."""
    roots = [Path(root) for root in os.environ.get("WDPREFECT_FILE_ROOTS", "").split(os.pathsep) if root]
    return any(path.resolve().is_relative_to(root.resolve()) for root in roots)
