"""Where a run keeps its things when nothing is configured."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def default_storage() -> str:
    """The folder of results that Prefect uses by default, as the URL of a storage: `file:///…/storage/wdprefect`."""
    home = os.environ.get("PREFECT_HOME") or "~/.prefect"
    folder = os.environ.get("PREFECT_LOCAL_STORAGE_PATH") or f"{home}/storage"
    return Path(folder).expanduser().absolute().joinpath("wdprefect").as_uri()


def working_directories() -> Path:
    """Where working directories are made: WDPREFECT_DIRECTORY, else the system's folder for temporary files."""
    return Path(os.environ.get("WDPREFECT_DIRECTORY") or tempfile.gettempdir()).absolute()
