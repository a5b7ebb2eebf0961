"""A run of a flow in this process, as a flow run of the Prefect API."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any
from uuid import UUID

from wdprefect.errors import Unavailable
from wdprefect.execution.execution import Execution
from wdprefect.execution.flow_run import Start, check_start
from wdprefect.execution.logbook import Sink
from wdprefect.execution.run import Options, Watcher
from wdprefect.masking import MASK, Masker
from wdprefect.model.flow import Flow
from wdprefect.on_prefect.clients import shared_clients
from wdprefect.on_prefect.flow import Caller, make_prefect_flow
from wdprefect.on_prefect.names import parameter_name
from wdprefect.on_prefect.owned import owning
from wdprefect.on_prefect.reaching import reaching_api
from wdprefect.on_prefect.storage import BLOCK, load_bucket
from wdprefect.storage import open_storage


async def run_on_prefect(
    flow: Flow, start: Start, options: Options, storage: str | None, sinks: Sequence[Sink], watchers: Sequence[Watcher]
) -> Execution:
    """Run the flow in this process as a flow run of its own, and return its execution.

    Raises InvalidInput and UsageError before there is a flow run, Unavailable when the API does not answer, and what
    kept the run from going on, such as a StorageError: the flow run has failed with its words then.
    """
    check_start(flow, start)
    found: list[Execution] = []
    broken: list[Exception] = []
    owned = ExitStack()

    def own(flow_run_id: UUID) -> None:
        owned.enter_context(owning(flow_run_id))

    sigterm = signal.getsignal(signal.SIGTERM)
    caller = Caller(start, tuple(sinks), tuple(watchers), own, found.append, broken.append, sigterm)
    prefect_flow = make_prefect_flow(flow, options, storage, caller)
    call: Any = prefect_flow
    async with reaching_api():
        if storage and storage.startswith(BLOCK):
            # What is none is found here: the flow run would fail with it.
            await load_bucket(storage)
        elif storage:
            open_storage(storage)
        # Until the API has been told how the run ended, which is after the flow's own code.
        async with shared_clients():
            with owned:
                state = await call(**_shown(flow, start), return_state=True)
        if broken:
            raise broken[0]
    if not found and state.is_cancelled():
        # It was this call that was cancelled: Ctrl-C.
        raise asyncio.CancelledError
    if not found:
        raise Unavailable(f"the run did not end by itself: {state.name} {state.message or ''}".rstrip())
    return found[0]


def _shown(flow: Flow, start: Start) -> dict[str, Any]:
    """The inputs as parameters of the flow run, which the UI shows. Secrets are not among them, nor in them."""
    secret = {item.id for item in flow.inputs if getattr(item, "type", "") == "SECRET"}
    known = {item.id for item in flow.inputs}
    masker = Masker()
    for name in secret & start.inputs.keys():
        masker.register(str(start.inputs[name]))
    return {
        parameter_name(name): MASK if name in secret else masker.hide_in(value)
        for name, value in start.inputs.items()
        if name in known
    }
