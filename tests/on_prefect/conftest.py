from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.on_prefect.seen import Api


def pytest_configure(config: pytest.Config) -> None:
    # Prefect asks for the server's default result storage at each run, with a client that it does not close.
    config.addinivalue_line("filterwarnings", "ignore:unclosed <socket.socket:ResourceWarning")


@pytest.fixture(scope="session")
def api(prefect_api: str) -> Iterator[Api]:
    """Questions to the server of the tests."""
    found = Api(prefect_api)
    yield found
    found.close()
