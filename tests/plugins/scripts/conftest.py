"""What tests of scripts share: packages to install, and a runner that is taken for a container."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from tests.servers.wheels import copy_pip, make_wheel
from wdprefect.loader import types


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the only packages that there are, and an empty cache: acme-one, and acme-two, which needs it."""
    folder = tmp_path / "wheels"
    make_wheel(folder, "acme-one", "1.0", {"acme_one.py": "VERSION = '1.0'"})
    make_wheel(folder, "acme-two", "2.0", {"acme_two.py": "import acme_one"}, ["acme-one"])
    copy_pip(folder)
    for name in [name for name in os.environ if name.startswith(("UV_", "PIP_"))]:
        monkeypatch.delenv(name)
    # As pip is told, so that what uv makes of it is seen, too.
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("WDPREFECT_CACHE", str(tmp_path / "cache"))
    return folder


@pytest.fixture
def _contained(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The task runner of `contained.py` is installed."""
    point = EntryPoint("org.tests", "tests.plugins", "wdprefect.plugins")
    # What is installed is known to Python's metadata alone.
    monkeypatch.setattr(types, "entry_points", lambda group: [point] if group == point.group else [])
    types._installed.cache_clear()
    yield
    types._installed.cache_clear()
