"""Who runs a flow run that no worker owns."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest
from prefect.settings import PREFECT_API_KEY, PREFECT_API_URL, PREFECT_CLIENT_CUSTOM_HEADERS, temporary_settings

from wdprefect.on_prefect.owned import api_environment, dead_owners, owner_files, owning


def test_api_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever closes a run reaches the API as its process did, wherever that process's settings came from."""
    monkeypatch.setenv("PREFECT_PROFILE", "mine")
    monkeypatch.setenv("PREFECT_API_URL", "http://of.environment/api")
    headers = {"X-Proxy": 'says "hello"'}
    with temporary_settings(
        {PREFECT_API_URL: "http://in.force/api", PREFECT_API_KEY: "a-key", PREFECT_CLIENT_CUSTOM_HEADERS: headers}
    ):
        found = api_environment()

    expected = {"PREFECT_PROFILE": "mine", "PREFECT_API_URL": "http://in.force/api", "PREFECT_API_KEY": "a-key"}
    assert expected.items() <= found.items()
    assert '{"X-Proxy": "says \\"hello\\""}' == found["PREFECT_CLIENT_CUSTOM_HEADERS"]


def test_owning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run has a file of its own as long as it is somebody's; its owner lives, also for this very process."""
    monkeypatch.setenv("WDPREFECT_HOME", str(tmp_path))
    first, second = uuid4(), uuid4()
    with owning(first), owning(second):
        assert {str(first), str(second)} == {file.name for file in owner_files().iterdir()}
        assert 0o600 == (owner_files() / str(first)).stat().st_mode & 0o777
        with dead_owners() as found:
            assert {} == found

    assert [] == list(owner_files().iterdir())


def test_a_home_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run goes on where its owner file cannot be written."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("WDPREFECT_HOME", str(tmp_path / "file"))
    with owning(uuid4()), dead_owners() as found:
        assert {} == found
