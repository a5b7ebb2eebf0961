"""The Prefect clients of a run, made at once where no certificates are needed.

Prefect makes a client for asynchronous and one for synchronous requests in each flow run, and loads all certificate
authorities for each: 18 ms, also where the API speaks plain http, as a local server does.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from prefect.context import AsyncClientContext, SyncClientContext
from prefect.settings import get_current_settings


@asynccontextmanager
async def shared_clients() -> AsyncIterator[None]:
    """While the block runs, Prefect's engine uses these clients; its own where the API is reached by https."""
    if not (get_current_settings().api.url or "").startswith("http://"):
        yield
        return
    # It trusts nobody: should the API redirect to https, the connection fails instead of going unchecked.
    settings = {"verify": ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)}
    async with _AsyncClients(settings):
        with _SyncClients(settings):
            yield


class _AsyncClients(AsyncClientContext):
    def __init__(self, httpx_settings: dict[str, Any]) -> None:
        super().__init__(httpx_settings)
        # Prefect hands a client on only to who asks for the same settings, and its engine asks for none.
        self._httpx_settings = None


class _SyncClients(SyncClientContext):
    def __init__(self, httpx_settings: dict[str, Any]) -> None:
        super().__init__(httpx_settings)
        # As above.
        self._httpx_settings = None
