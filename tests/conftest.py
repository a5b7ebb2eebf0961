"""What all tests share: a world of their own, and a Prefect server where one is asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

# Before anything imports Prefect: neither the person's profile nor their results are touched, and nothing is reported.
for _name in [
    name for name in os.environ if name.startswith(("PREFECT_", "WDPREFECT_")) and name != "WDPREFECT_GOLDEN"
]:
    if _name != "WDPREFECT_REQUIRE_SERVERS":
        del os.environ[_name]
os.environ["DO_NOT_TRACK"] = "1"


@pytest.fixture(scope="session", autouse=True)
def _own_homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Prefect's home, our home, our cache and the working directories lie in the tests' own folder."""
    root = tmp_path_factory.mktemp("world")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_HOME", str(root / "prefect"))
        patch.setenv("WDPREFECT_HOME", str(root / "wdprefect"))
        patch.setenv("WDPREFECT_CACHE", str(root / "cache"))
        patch.setenv("WDPREFECT_DIRECTORY", str(root / "directories"))
        patch.setenv("WDPREFECT_CACHE", str(root / "cache"))
        yield


@pytest.fixture(scope="session")
def prefect_api(_own_homes: None) -> Iterator[str]:
    """The URL of a real Prefect server with a database of its own, which this process uses."""
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogWorker

    from wdprefect.on_prefect.local_api import quiet_console, use_api
    from wdprefect.on_prefect.server import stop_server

    quiet_console()
    server = use_api()
    assert server is not None
    yield server.api_url
    # Prefect's threads would go on sending to a server that is gone, for a minute.
    EventsWorker.drain_all()
    APILogWorker.drain_all(timeout=5)
    stop_server()


@pytest.fixture
def flow_file(tmp_path: Path) -> Path:
    """A path for a flow's YAML."""
    return tmp_path / "flow.yaml"
