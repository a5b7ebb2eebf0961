"""What tests need beside Python: where it is missing they skip and say why, and fail where everything must be there."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def is_missing(reason: str) -> NoReturn:
    """Skip what asked, or fail it where WDPREFECT_REQUIRE_SERVERS=1."""
    if os.environ.get("WDPREFECT_REQUIRE_SERVERS") == "1":
        pytest.fail(reason)
    pytest.skip(reason)
