"""Listening as a Prefect flow, for a deployment whose one run lasts until it is cancelled.

# prefect.yaml
- name: listen
  entrypoint: wdprefect.on_prefect.listen_flow.listen_flow
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import prefect
from prefect.logging import get_run_logger

from wdprefect.errors import WdprefectError
from wdprefect.intake.chosen import chosen_flows
from wdprefect.intake.health import Level
from wdprefect.intake.listen_options import RUNS, ListenOptions, RunnerName
from wdprefect.intake.listener import Begin
from wdprefect.model.stop import Stop
from wdprefect.on_prefect.listening import listen
from wdprefect.on_prefect.states import prefect_state

_LEVELS: dict[Level, int] = {"INFO": logging.INFO, "WARN": logging.WARNING, "ERROR": logging.ERROR}


# Its parameters are plain: the form in the UI shows them.
@prefect.flow(name="wdprefect-listen", validate_parameters=True)
async def listen_flow(  # noqa: PLR0913  the options of the command
    *,
    flows: list[str] | None = None,
    begin: Begin = "beginning",
    warm: bool = False,
    runs: int = RUNS,
    deployment: str | None = None,
    storage: str | None = None,
    runner: RunnerName | None = None,
    book: str | None = None,
    webhook: str | None = None,
    webhook_token_file: str | None = None,
    sns_topics: list[str] | None = None,
    health: str | None = None,
) -> Any:
    """Start flows with objects that arrive in buckets, until the run is cancelled.

    flows: YAML files and folders, by default deployments/flows. The others are the options of `wdprefect listen`:
    begin is --from, and sns_topics has one item for each --sns-topic. What is wrong fails the run with the words of the
    command. Parameters are seen by everybody: the token of the webhook is read from a file of the worker, or from its
    variable WDPREFECT_WEBHOOK_TOKEN, and a book with a password is for its variable WDPREFECT_BOOK.
    """
    logger = get_run_logger()
    stop = Stop()
    options = ListenOptions(
        begin=begin,
        warm=warm,
        runs=runs,
        deployment=deployment,
        storage=storage,
        runner=runner,
        book=book,
        webhook=webhook,
        webhook_token_file=webhook_token_file,
        sns_topics=sns_topics or [],
        health=health,
    )

    def say(level: Level, text: str) -> None:
        logger.log(_LEVELS[level], text)

    def work() -> None:
        how = options.listening()
        found = chosen_flows(flows or ["deployments/flows"])
        listen({flow.name: path for path, flow in found.items()}, list(found.values()), how, stop, say)

    working = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        await asyncio.shield(working)
    except asyncio.CancelledError:
        stop.request()
        await working
        # Prefect would call it a crash.
        ended = "its warm runs have ended, too" if warm else "runs that have begun go on"
        return prefect_state("KILLED", f"the listener was cancelled; {ended}")
    except WdprefectError as error:
        return prefect_state("FAILED", str(error))
    return prefect_state("SUCCESS", "it was asked to end")
