"""A run that no worker owns watches its own state: nobody else ends it when somebody cancels it in the UI."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar
from uuid import UUID

from prefect.client.orchestration import PrefectClient

from wdprefect.execution.threads import end

T = TypeVar("T")
POLL_SECONDS = 2.0


class CancelledByApi(Exception):
    """Somebody asked the API to cancel the run; its work has been cancelled and has ended."""


async def watched(work: Coroutine[Any, Any, T], client: PrefectClient, flow_run_id: UUID) -> T:
    """The result of `work`, which is cancelled when the flow run is cancelled through the API.

    Raises CancelledByApi then, when the work has ended. When this coroutine itself is cancelled, so is the work.
    """
    running = asyncio.ensure_future(work)
    watch = asyncio.ensure_future(_cancelled(client, flow_run_id))
    try:
        await asyncio.wait({running, watch}, return_when=asyncio.FIRST_COMPLETED)
        if not running.done():
            await end(running)
            if running.cancelled():
                raise CancelledByApi
        return running.result()
    except asyncio.CancelledError:
        await end(running)
        raise
    finally:
        await end(watch)


async def _cancelled(client: PrefectClient, flow_run_id: UUID) -> None:
    """Return when the flow run is being cancelled, or is said to be."""
    while True:
        await asyncio.sleep(POLL_SECONDS)
        try:
            state = (await client.read_flow_run(flow_run_id)).state
        except Exception:  # noqa: BLE001, S112  an API that does not answer now is no reason to end a run
            continue
        # One that is closed although it runs has been given to another process.
        if state and (state.is_cancelling() or state.is_final()):
            return
