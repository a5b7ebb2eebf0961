"""Listening as a Prefect flow, for a deployment whose one run lasts until it is cancelled.

# prefect.yaml
- name: listen
  entrypoint: wdprefect.on_prefect.listen_flow.listen_flow
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Literal

import prefect
from prefect.logging import get_run_logger

from wdprefect.errors import WdprefectError
from wdprefect.intake.chosen import chosen_flows
from wdprefect.intake.health import Level
from wdprefect.model.stop import Stop
from wdprefect.on_prefect.listening import RUNS, Listening, listen
from wdprefect.on_prefect.states import prefect_state

_LEVELS: dict[Level, int] = {"INFO": logging.INFO, "WARN": logging.WARNING, "ERROR": logging.ERROR}


# Its parameters are few and plain: the form in the UI shows them.
@prefect.flow(name="wdprefect-listen", validate_parameters=True)
async def listen_flow(
    flows: list[str] | None = None,
    begin: Literal["beginning", "now"] = "beginning",
    warm: bool = False,  # noqa: FBT001, FBT002  as above
    runs: int = RUNS,
    deployment: str | None = None,
    storage: str | None = None,
    book: str | None = None,
) -> Any:
    """Start flows with objects that arrive in buckets, until the run is cancelled.

    flows: YAML files and folders, by default deployments/flows. The others are the options of `wdprefect listen`.
    """
    logger = get_run_logger()
    stop = Stop()

    def say(level: Level, text: str) -> None:
        logger.log(_LEVELS[level], text)

    def work() -> None:
        found = chosen_flows(flows or ["deployments/flows"])
        how = Listening(begin=begin, is_warm=warm, runs=runs, deployment=deployment, storage=storage, book=book)
        listen({flow.name: path for path, flow in found.items()}, list(found.values()), how, stop, say)

    working = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        await asyncio.shield(working)
    except asyncio.CancelledError:
        stop.request()
        await working
        # Prefect would call it a crash.
        return prefect_state("KILLED", "the listener was cancelled; runs that have begun go on")
    except WdprefectError as error:
        return prefect_state("FAILED", str(error))
    return prefect_state("SUCCESS", "it was asked to end")
