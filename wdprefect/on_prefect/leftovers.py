"""Clearing up after runs that died: task runs that look as if they still ran, and directories."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import FlowFilter, FlowRunFilter, TaskRunFilter
from prefect.logging import get_run_logger
from prefect.states import Crashed

from wdprefect.workspace.sweep import sweep

DEAD = ["CRASHED", "CANCELLED", "FAILED"]
MOST = 200
# What a run may wait for it at its end; what is left then is the next run's.
BOUND_SECONDS = 2.0


@asynccontextmanager
async def clearing_up(client: PrefectClient, flow_id: UUID, directory: Path) -> AsyncIterator[None]:
    """While the block runs, clear up behind earlier runs of the flow, and once per process in the directory."""
    _start_sweep(directory)
    closing = asyncio.ensure_future(_close_task_runs(client, flow_id))
    try:
        yield
    finally:
        await asyncio.wait({closing}, timeout=BOUND_SECONDS)
        closing.cancel()


@cache
def _start_sweep(directory: Path) -> None:
    """Sweep the directory beside the run, which may end before the sweep does."""
    threading.Thread(target=sweep, args=(directory,), name="wdprefect-sweep", daemon=True).start()


async def _close_task_runs(client: PrefectClient, flow_id: UUID) -> None:
    """Set task runs to Crashed that still run in flow runs that have ended badly."""
    try:
        left = await client.read_task_runs(
            flow_filter=FlowFilter.model_validate({"id": {"any_": [flow_id]}}),
            flow_run_filter=FlowRunFilter.model_validate({"state": {"type": {"any_": DEAD}}}),
            task_run_filter=TaskRunFilter.model_validate({"state": {"type": {"any_": ["PENDING", "RUNNING"]}}}),
            limit=MOST,
        )
        for task_run in left:
            await client.set_task_run_state(task_run.id, Crashed(message="its flow run ended without it"), force=True)
    except Exception as error:  # noqa: BLE001  what is only cleared up does not fail a run
        get_run_logger().debug("the task runs of dead runs could not be closed: %s", error)
