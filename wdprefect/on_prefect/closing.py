"""Closing, through the Prefect API, what a process left open that has died.

As a program, `python -m wdprefect.on_prefect.closing FILE`, it closes the flow run that the owner file is named by. The
guard of the dead process starts it.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any
from uuid import UUID

import prefect
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.objects import StateType, TaskRun
from prefect.states import Cancelled, Crashed

MOST = 200
# What the API may take to answer. Whatever stays open is closed by the next start.
BOUND_SECONDS = 60.0
OPEN = {StateType.PENDING, StateType.RUNNING, StateType.CANCELLING}
DIED = "the process that ran it has died"


async def close_flow_runs(client: PrefectClient, flow_run_ids: Collection[UUID]) -> set[UUID]:
    """Close flow runs whose process has died, and their task runs; returns those that this API knows.

    A run ends Crashed, or Cancelled if that was asked for before. One that has ended stays as it is.
    """
    these = {"any_": [str(flow_run_id) for flow_run_id in flow_run_ids]}
    found = await client.read_flow_runs(flow_run_filter=FlowRunFilter.model_validate({"id": these}), limit=MOST)
    for flow_run in found:
        if flow_run.state is not None and flow_run.state.type in OPEN:
            await client.set_flow_run_state(flow_run.id, _last_state(flow_run.state))
    ended_badly = {"type": {"any_": ["CRASHED", "CANCELLED"]}}
    for task_run in await open_task_runs(client, {"id": these, "state": ended_badly}):
        await close_task_run(client, task_run)
    return {flow_run.id for flow_run in found}


async def open_task_runs(
    client: PrefectClient, flow_runs: dict[str, Any], flow_id: UUID | None = None
) -> list[TaskRun]:
    """The task runs that look as if they still ran, of the flow runs that the filter names, and of one flow if any."""
    # As plain JSON: to build the models of Prefect's filters costs each run 20 ms, and mostly nothing is found.
    asked = {
        "flows": {"id": {"any_": [str(flow_id)]}} if flow_id else None,
        "flow_runs": flow_runs,
        "task_runs": {"state": {"type": {"any_": ["PENDING", "RUNNING"]}}},
        "limit": MOST,
    }
    answer = await client.request("POST", "/task_runs/filter", json=asked)
    return [TaskRun.model_validate(found) for found in answer.json()]


async def close_task_run(client: PrefectClient, task_run: TaskRun) -> None:
    """Set a task run to Crashed that nobody runs any more."""
    await client.set_task_run_state(task_run.id, Crashed(message="its flow run ended without it"), force=True)


def _last_state(state: prefect.State[Any]) -> prefect.State[Any]:
    return Cancelled(message=DIED) if state.is_cancelling() else Crashed(message=DIED)


def close_flow_run(flow_run_id: UUID) -> None:
    """Close one flow run, as `close_flow_runs` does."""
    asyncio.run(asyncio.wait_for(_close(flow_run_id), BOUND_SECONDS))


def main(file: Path) -> None:
    """Close the run of an owner file, which goes when that is done."""
    close_flow_run(UUID(file.name))
    file.unlink(missing_ok=True)


async def _close(flow_run_id: UUID) -> None:
    async with get_client() as client:
        await close_flow_runs(client, {flow_run_id})


if __name__ == "__main__":
    main(Path(sys.argv[1]))
