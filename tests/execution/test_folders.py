"""Where a run keeps its things."""

from __future__ import annotations

from pathlib import Path

import platformdirs
import pytest

from wdprefect.execution.folders import cache_folder


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param({"WDPREFECT_CACHE": "/c/d"}, "/c/d", id="the folder that is named"),
        pytest.param({"WDPREFECT_CACHE": "~/d", "HOME": "/home/ada"}, "/home/ada/d", id="below the home"),
    ],
)
def test_cache(monkeypatch: pytest.MonkeyPatch, given: dict[str, str], expected: str) -> None:
    """What can be made anew is kept in the folder that WDPREFECT_CACHE names."""
    for name, value in given.items():
        monkeypatch.setenv(name, value)

    assert Path(expected) == cache_folder()


def test_cache_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the variable, or where it is empty, it is the user's folder for such things."""
    monkeypatch.setenv("WDPREFECT_CACHE", "")
    assert platformdirs.user_cache_path("wdprefect") == cache_folder()
