"""The states in which a run waits for its runner, and runs that are taken over from one that is gone."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any, Literal
from uuid import UUID

import prefect
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import FlowRun, StateDetails
from prefect.exceptions import ObjectNotFound
from prefect.states import Pending, Scheduled

from wdprefect.on_prefect.closing import close_flow_runs

# No worker takes a run that is not due.
_FAR = timedelta(days=36_500)

Standing = Literal["pending", "waiting", "ended", "unknown"]


def accepted() -> prefect.State[Any]:
    """The state in which to create a run of a deployment that limits how many run: nobody starts it, until `admit`.

    A run that is created pending counts for no limit.
    """
    return Scheduled(name="Accepted", scheduled_time=datetime.now(timezone.utc) + _FAR)


async def admit(client: PrefectClient, flow_run_id: UUID) -> Standing:
    """Ask for one of the places of the run's deployment.

    `pending`: it has one, and is to be executed now; `waiting`: there is none, ask again later; `ended`: it was
    cancelled, by somebody or because the deployment wants nothing to wait.
    """
    # Else the time for which it was created would be waited for.
    now: prefect.State[Any] = Pending(state_details=StateDetails(scheduled_time=datetime.now(timezone.utc)))
    result = await client.set_flow_run_state(flow_run_id, now)
    return _standing(result.state)


async def take_over(client: PrefectClient, flow_run_id: UUID) -> Standing:
    """Take a run over from an owner that has died or no longer has it, and that cannot go on with it either.

    `pending`: it has not begun, and may be executed; `waiting`: it needs `admit` first; `ended`: it has ended, or was
    running and has been closed, as Crashed or Cancelled, its task runs too; `unknown`: the API has no such run.
    """
    try:
        flow_run: FlowRun = await client.read_flow_run(flow_run_id)
    except ObjectNotFound:
        return "unknown"
    standing = _standing(flow_run.state)
    if standing == "ended":
        await close_flow_runs(client, {flow_run_id})
    return standing


def _standing(state: prefect.State[Any] | None) -> Standing:
    """What a state means to who would execute the run; one that runs has ended as far as that goes."""
    if state is None or state.is_scheduled():
        return "waiting"
    return "pending" if state.is_pending() else "ended"
