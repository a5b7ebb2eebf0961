from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.on_prefect.seen import Api


@pytest.fixture(scope="session")
def api(prefect_api: str) -> Iterator[Api]:
    """Questions to the server of the tests."""
    found = Api(prefect_api)
    yield found
    found.close()
