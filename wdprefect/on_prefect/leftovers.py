"""Clearing up after runs that died: runs and task runs that look as if they still ran, and directories."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from functools import cache
from pathlib import Path

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import FlowRun, TaskRun
from prefect.logging import get_run_logger

from wdprefect.on_prefect.closing import close_flow_runs, close_task_run, open_task_runs
from wdprefect.on_prefect.owned import dead_owners
from wdprefect.workspace.sweep import sweep

DEAD = ["CRASHED", "CANCELLED", "FAILED"]
# What a run may wait for it at its end; what is left then is the next run's.
BOUND_SECONDS = 2.0
# A run that this API does not know is another one's, which may be used again.
KEPT_SECONDS = 30 * 24 * 3600.0


@asynccontextmanager
async def clearing_up(client: PrefectClient, flow_run: FlowRun, directory: Path) -> AsyncIterator[None]:
    """While the block runs, clear up behind earlier runs, and once per process in the directory.

    Closed are the runs of dead processes of this host, the task runs of runs of this flow that ended badly, and those
    of earlier attempts at this very run.
    """
    _start_sweep(directory)
    closing = asyncio.ensure_future(_close(client, flow_run))
    try:
        yield
    finally:
        await asyncio.wait({closing}, timeout=BOUND_SECONDS)
        closing.cancel()


@cache
def _start_sweep(directory: Path) -> None:
    """Sweep the directory beside the run, which may end before the sweep does."""
    threading.Thread(target=sweep, args=(directory,), name="wdprefect-sweep", daemon=True).start()


async def _close(client: PrefectClient, flow_run: FlowRun) -> None:
    try:
        await _close_dead_runs(client)
        ended_badly = {"state": {"type": {"any_": DEAD}}}
        left = await open_task_runs(client, ended_badly, flow_id=flow_run.flow_id)
        for task_run in [*left, *await _of_earlier_attempts(client, flow_run)]:
            await close_task_run(client, task_run)
    except Exception as error:  # noqa: BLE001  what is only cleared up does not fail a run
        get_run_logger().debug("what dead runs left could not be closed: %s", error)


async def _close_dead_runs(client: PrefectClient) -> None:
    with dead_owners() as owners:
        if not owners:
            return
        known = await close_flow_runs(client, owners.keys())
        _forget(file for flow_run_id, file in owners.items() if flow_run_id in known or _is_old(file))


async def _of_earlier_attempts(client: PrefectClient, flow_run: FlowRun) -> list[TaskRun]:
    """The open task runs of a run that crashed and is tried again: it has the same id, and runs."""
    if flow_run.run_count < 2 or flow_run.state is None:  # noqa: PLR2004  a second attempt is the first that has an earlier one
        return []
    since = flow_run.state.timestamp
    found = await open_task_runs(client, {"id": {"any_": [str(flow_run.id)]}})
    return [task_run for task_run in found if (task_run.start_time or task_run.expected_start_time or since) < since]


def _forget(files: Iterable[Path]) -> None:
    for file in files:
        with suppress(OSError):
            file.unlink()


def _is_old(file: Path) -> bool:
    with suppress(OSError):
        return time.time() - file.stat().st_mtime > KEPT_SECONDS
    return False
