"""A loaded flow as a Prefect flow."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import prefect
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import FlowRun
from prefect.context import FlowRunContext
from pydantic import SecretStr

from wdprefect.errors import UsageError, WdprefectError
from wdprefect.execution.blocks import Blocks
from wdprefect.execution.execution import Execution
from wdprefect.execution.flow_run import Start, Surroundings, execute
from wdprefect.execution.logbook import Sink
from wdprefect.execution.run import Options, Watcher
from wdprefect.execution.runners import check_runners
from wdprefect.intake.means import Means
from wdprefect.intake.objects import Taken
from wdprefect.masking import Masker, without_secrets
from wdprefect.model.flow import Flow
from wdprefect.on_prefect.artifacts import Artifacts
from wdprefect.on_prefect.claiming import claimed
from wdprefect.on_prefect.engine import PrefectEngine
from wdprefect.on_prefect.leftovers import clearing_up
from wdprefect.on_prefect.logs import LogPump
from wdprefect.on_prefect.names import entrypoint_name
from wdprefect.on_prefect.quiet import quiet_console_without_reader
from wdprefect.on_prefect.secrets import secrets_of_blocks
from wdprefect.on_prefect.signature import TRIGGER, Parameters, open_signature, parameters_of
from wdprefect.on_prefect.sigterm import sigterm_going_to
from wdprefect.on_prefect.states import prefect_state
from wdprefect.on_prefect.storage import BLOCK, storage_of_run
from wdprefect.on_prefect.watch import CancelledByApi, watched


def _killed() -> prefect.State[Any]:
    return prefect_state("KILLED", "the run was cancelled")


@dataclass(frozen=True, slots=True)
class Alone:
    """What ends a run that no worker owns, beside the API.

    sigterm: the handler that the process has for it, as the module signal says. ended: the state of a run that this
    process itself has ended.
    """

    sigterm: Any
    ended: Callable[[], prefect.State[Any]] = _killed


@dataclass(frozen=True, slots=True)
class Caller:
    """Who runs a flow in this process: what it starts with, who else sees the log, who gets the execution.

    on_begin: gets the id of the flow run before anything of the flow runs. on_error: gets why there is no execution.
    sigterm: as in `Alone`.
    """

    start: Start
    sinks: tuple[Sink, ...]
    watchers: tuple[Watcher, ...]
    on_begin: Callable[[UUID], None]
    on_end: Callable[[Execution], None]
    on_error: Callable[[Exception], None]
    sigterm: Any


class SecretsFlow(prefect.Flow[..., Any]):
    """A Prefect flow that hides the secrets with which it is called: parameters are shown to everybody.

    secret: the names of parameters that hold one.
    """

    secret: frozenset[str] = frozenset()

    def __call__(self, *args: Any, **values: Any) -> Any:
        hidden = {name: SecretStr(values[name]) for name in self.secret if isinstance(values.get(name), str)}
        return super().__call__(*args, **{**values, **hidden})


def make_prefect_flow(
    flow: Flow, options: Options, storage: str | None, caller: Caller | None = None, alone: Alone | None = None
) -> prefect.Flow[..., Any]:
    """An async Prefect flow named `<namespace>.<id>` whose version is the digest of the loaded flow.

    alone: no worker will own its runs; a caller's never are.
    """
    parameters = parameters_of(flow)
    if caller:
        alone = Alone(caller.sigterm)

    async def body(**values: Any) -> Any:
        start = _start(parameters, values) if caller is None else caller.start
        return await _run(flow, options, storage, caller, alone, start)

    body.__name__ = body.__qualname__ = entrypoint_name(flow.namespace, flow.id)
    body.__signature__ = open_signature(flow) if caller else parameters.run  # type: ignore[attr-defined]  # inspect reads it
    made = SecretsFlow(
        body,
        name=flow.name,
        version=flow.digest,
        description=flow.description or flow.id,
        persist_result=True,
        result_serializer="json",
        result_storage=storage if storage and storage.startswith(BLOCK) else None,
        # The inputs are checked by our own rules before a caller's run starts.
        validate_parameters=caller is None,
    )
    # A caller shows a mask in their place already.
    made.secret = parameters.secret if caller is None else frozenset()
    made.__signature__ = parameters.form  # type: ignore[attr-defined]  # as above
    return made


async def _run(
    flow: Flow, options: Options, storage: str | None, caller: Caller | None, alone: Alone | None, start: Start
) -> Any:
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        raise UsageError("a flow runs inside a Prefect flow run: call the flow, not its function")
    quiet_console_without_reader()
    flow_run, client = context.flow_run, context.client
    # A sync flow would have the other client.
    assert isinstance(client, PrefectClient)
    if caller:
        caller.on_begin(flow_run.id)
    pump = LogPump(flow_run.id, flow_run.name, flow.name)
    execution_id = str(flow_run.id)
    masker = Masker()
    killed: list[Execution] = []
    try:
        await _check(flow, options, caller)
        kept = await storage_of_run(storage)
        means = Means(kept, masker, secrets_of_blocks(), Blocks(options.block, masker))
        start = await _claimed(start, flow, flow_run, means, caller)
        around = Surroundings(
            PrefectEngine(pump, Artifacts(flow.name, execution_id, kept, masker), masker, execution_id),
            kept,
            options,
            (pump, *(caller.sinks if caller else ())),
            caller.watchers if caller else (),
            means.find_secret,
            masker,
            killed.append,
        )
        work = execute(flow, start, execution_id, around)
        async with clearing_up(client, flow_run, options.directory):
            if alone is None:
                execution = await work
            else:
                with sigterm_going_to(alone.sigterm):
                    execution = await watched(work, client, flow_run.id)
    except asyncio.CancelledError:
        # What ran has been ended. Prefect would call it a crash.
        return alone.ended() if alone else _killed()
    except CancelledByApi:
        execution = killed[0]
    except Exception as error:  # noqa: BLE001  it goes on
        if caller:
            caller.on_error(error)
        if isinstance(error, WdprefectError):
            return _failed(error, masker)
        # Prefect shows where such a mistake was made, with all that caused it.
        raise without_secrets(error, masker)  # noqa: B904  itself, or one that hides its causes
    finally:
        pump.close()
    if caller:
        caller.on_end(execution)
    return prefect_state(execution.state, execution.error, _result(execution))


async def _check(flow: Flow, options: Options, caller: Caller | None) -> None:
    """Raises InvalidFlow when commands could not run here; who calls has asked before there was a run."""
    if caller is None:
        # An engine that is gone may say so only after seconds.
        await asyncio.to_thread(check_runners, flow, options)


async def _claimed(start: Start, flow: Flow, flow_run: FlowRun, means: Means, caller: Caller | None) -> Start:
    """The start with what its trigger knows, whose objects are this run's. Raises Taken where they are another's."""
    if start.trigger is None or caller:
        return start
    return await asyncio.to_thread(claimed, start, flow, flow_run, means)


def _failed(error: WdprefectError, masker: Masker) -> prefect.State[Any]:
    """The state of a run that could not go on; whoever called the flow gets the error itself."""
    if isinstance(error, Taken):
        return prefect_state("SKIPPED", str(error))
    words = masker.hide(str(error))
    return prefect_state("FAILED", words, error if words == str(error) else None)


def _start(parameters: Parameters, values: Mapping[str, Any]) -> Start:
    trigger = values.get(TRIGGER)
    return Start(parameters.given(values), json.loads(trigger) if trigger else None)


def _result(execution: Execution) -> dict[str, Any] | None:
    """What Prefect persists of a run: outputs and where files lie, never their content; nothing of one that failed."""
    if execution.state in {"FAILED", "KILLED"}:
        # Prefect raises it for whoever calls the flow, and a TypeError where it is no exception.
        return None
    summary = execution.summary()
    return {name: summary[name] for name in ("id", "flow", "state", "outputs", "taskOutputs", "uri", "error")}
