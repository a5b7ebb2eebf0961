"""A flow run of the Prefect API, executed in this process as `python -m prefect.engine` does for a worker."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID

import prefect
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import FlowRun
from prefect.context import AsyncClientContext
from prefect.exceptions import Abort, Pause, TerminationSignal
from prefect.flow_engine import run_flow
from prefect.logging.loggers import flow_run_logger
from prefect.states import Cancelled, Failed

from wdprefect.errors import WdprefectError
from wdprefect.on_prefect.clients import shared_clients
from wdprefect.on_prefect.warm.owner import Owner

# Exit codes of a run's process. After the second one somebody has to look whether the run is closed.
ENDED = 0
LEFT_OPEN = 1


def execute(
    flow: prefect.Flow[..., Any] | WdprefectError, flow_run_id: UUID, owner: Owner, begin: Callable[[], None]
) -> int:
    """Execute a flow run that is pending, or fail it for why its flow cannot run; returns the exit code.

    begin: called in the event loop before anything else.
    """
    try:
        state = asyncio.run(_execute(flow, flow_run_id, begin))
    except (Abort, Pause):
        # The API does not want it to run, or not now.
        return ENDED
    except (TerminationSignal, asyncio.CancelledError):
        # Before anything of the flow ran, or when all had. Prefect calls it a crash.
        if not owner.was_terminated or owner.loss:
            return LEFT_OPEN
        asyncio.run(_cancel(flow_run_id))
        return ENDED
    # One that is scheduled or paused waits for somebody else.
    return ENDED if state.is_final() or state.is_scheduled() or state.is_paused() else LEFT_OPEN


async def _execute(
    flow: prefect.Flow[..., Any] | WdprefectError, flow_run_id: UUID, begin: Callable[[], None]
) -> prefect.State[Any]:
    begin()
    async with shared_clients(), AsyncClientContext.get_or_create() as context:
        flow_run = await context.client.read_flow_run(flow_run_id)
        if isinstance(flow, WdprefectError):
            return await _fail(context.client, flow_run, flow)
        # For a deployment's run Prefect would open one more connection, to hear when it is suspended: 0.1 to 0.2 s.
        # Whatever runs sees the deployment all the same, because Prefect reads the run again.
        flow_run.deployment_id = None
        logger: Any = flow_run_logger(flow_run)
        running: Any = run_flow(flow, flow_run=flow_run, return_type="state", error_logger=logger)
        state: prefect.State[Any] = await running
        return state


async def _fail(client: PrefectClient, flow_run: FlowRun, error: WdprefectError) -> prefect.State[Any]:
    """Say in the run's log and state why there is nothing to run: another try would find the same."""
    flow_run_logger(flow_run).error("%s", error)
    failed: prefect.State[Any] = Failed(message=f"the flow does not load: {error}")
    await client.set_flow_run_state(flow_run.id, failed)
    return failed


async def _cancel(flow_run_id: UUID) -> None:
    async with shared_clients(), AsyncClientContext.get_or_create() as context:
        state: prefect.State[Any] = Cancelled(message="the run was terminated")
        await context.client.set_flow_run_state(flow_run_id, state, force=True)
