"""A Prefect API that does not answer, or refuses us, in words that say what to do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from prefect.client.orchestration import get_client
from prefect.exceptions import PrefectHTTPStatusError
from prefect.settings import get_current_settings

from wdprefect.errors import Unavailable, WdprefectError

ANSWER_SECONDS = 5.0
_REFUSALS = frozenset({401, 403})


_START = "start it, correct PREFECT_API_URL, or do without a server: --engine local"


@asynccontextmanager
async def reaching_api(start: str = _START) -> AsyncIterator[None]:
    """Raise Unavailable for an error in the block whose cause is that the Prefect API is not there for us.

    start: what to do where it does not answer.
    """
    try:
        yield
    except PrefectHTTPStatusError as error:
        if error.response.status_code not in _REFUSALS:
            raise
        reason = f"{error.response.status_code} {error.response.reason_phrase}"
        step = "set PREFECT_API_KEY, or PREFECT_API_AUTH_STRING for a server of your own"
        raise Unavailable(f"the Prefect API at {_address()} refuses us: {reason} ({step})") from error
    except WdprefectError:
        # It says already what is wrong.
        raise
    except Exception as error:
        # Prefect raises such errors as types that say nothing: asking is the only way to tell.
        silence = await _silence()
        if silence is None:
            raise
        raise Unavailable(f"the Prefect API at {_address()} does not answer: {silence} ({start})") from error


async def _silence() -> str | None:
    """Why the API does not answer; None when it does."""
    async with get_client() as client:
        try:
            found = await asyncio.wait_for(client.api_healthcheck(), ANSWER_SECONDS)
        except asyncio.TimeoutError:
            return f"nothing within {ANSWER_SECONDS:g} seconds"
    return None if found is None else str(found) or type(found).__name__


def _address() -> str:
    """The API's URL without a password in it."""
    parts = urlsplit(get_current_settings().api.url or "")
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
