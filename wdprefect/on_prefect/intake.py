"""The Prefect API as the intake's port Runs: runs of deployments, made once for each claim."""

from __future__ import annotations

import asyncio
import contextvars
import json
import threading
from collections.abc import Callable, Coroutine, Sequence
from concurrent import futures
from functools import partial
from typing import Any, NamedTuple, Protocol, TypeVar
from uuid import UUID

import httpx
import prefect
from prefect import states
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import ArtifactCreate as ArtifactRequest
from prefect.client.schemas.filters import DeploymentFilter, FlowFilter, FlowRunFilter
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.responses import DeploymentResponse
from prefect.events import emit_event
from prefect.exceptions import ObjectNotFound, PrefectException, PrefectHTTPStatusError
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from wdprefect.errors import Unavailable, UsageError
from wdprefect.intake.runs import OVER, ObjectSeen, RunLook, RunOrder, RunRefused, RunState
from wdprefect.on_prefect.automations import EVENT, LABEL
from wdprefect.on_prefect.closing import close_flow_runs
from wdprefect.on_prefect.reaching import reaching_api
from wdprefect.on_prefect.signature import TRIGGER
from wdprefect.on_prefect.warm.pending import accepted, admit, take_over

T = TypeVar("T")


FAILING, RECOVERED = "wdprefect.trigger.failing", "wdprefect.trigger.recovered"
# A run that a listener executes itself; without it one cannot tell whose it is once that listener is gone.
TAG = "wdprefect-warm"
OWN_DEPLOYMENT = "listen"
WAIT_SECONDS = 30.0
# A server that may be asked again is asked as often as that allows.
MOST_RETRIES, FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS = 1000, 0.1, 1.0
MOST_LOOKS = 200
_REFUSALS = frozenset({400, 404, 409, 413, 422})
_STATES: dict[str, RunState] = {
    "COMPLETED": "succeeded",
    "FAILED": "failed",
    "CANCELLED": "cancelled",
    "CRASHED": "crashed",
    "SCHEDULED": "waiting",
    "PENDING": "waiting",
}


class _Deployment(NamedTuple):
    """A deployment, and whether it limits how many of its runs go on at a time."""

    id: UUID
    is_limited: bool


class Executor(Protocol):
    """Executes flow runs on this machine, beside this process."""

    def execute(self, flow_run_id: UUID, flow: str) -> None: ...
    def running(self) -> frozenset[UUID]: ...


class PrefectRuns:
    """Makes and looks at runs through the API that is configured, from any thread. Close it.

    executor: executes the runs that are made; None leaves them to the workers of their deployments.
    deployment: the deployment's name, where a flow has several.
    """

    def __init__(self, executor: Executor | None = None, deployment: str | None = None) -> None:
        self._executor, self._name = executor, deployment
        self._deployments: dict[str, _Deployment] = {}
        # By the names of their flows.
        self._executed: dict[UUID, str] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="wdprefect-prefect", daemon=True)
        self._thread.start()
        self._client: PrefectClient | None = None
        self._context = contextvars.copy_context()
        self._context.run(_be_patient)
        # A server on SQLite refuses most of those that make runs at the same time: 33 of 40, of eight at a time.
        self._starting = asyncio.Lock()

    def start(self, order: RunOrder) -> str:
        return str(self._wait(lambda client: self._start(client, order)).id)

    def carry_out(self, run_id: str, flow: str, *, is_orphan: bool) -> bool:
        identity = UUID(run_id)
        if self._executor is None or identity in self._executor.running():
            return True
        try:
            run = self._wait(lambda client: client.read_flow_run(identity))
        except ObjectNotFound:
            # Somebody has deleted it, which the next look says.
            return True
        if _look(run).state in OVER or TAG not in run.tags:
            return True
        if is_orphan and self._wait(lambda client: take_over(client, identity)) == "ended":
            return True
        return self._executed_here(run, flow)

    def _executed_here(self, run: FlowRun, flow: str) -> bool:
        """Execute a run that has not begun; False where its deployment has no place for it now."""
        if run.state is None or run.state.is_scheduled():
            standing = self._wait(lambda client: admit(client, run.id))
            if standing != "pending":
                return standing == "ended"
        assert self._executor is not None
        self._executor.execute(run.id, flow)
        self._executed[run.id] = flow
        return True

    def look(self, run_ids: Sequence[str]) -> dict[str, RunLook]:
        # Asked before: what had ended by then has told the API.
        alive = self._executor.running() if self._executor else frozenset()
        found = {run_id: RunLook("missing", "the run was deleted") for run_id in run_ids}
        for start in range(0, len(run_ids), MOST_LOOKS):
            chosen = FlowRunFilter.model_validate({"id": {"any_": run_ids[start : start + MOST_LOOKS]}})
            runs = self._wait(lambda client, f=chosen: client.read_flow_runs(flow_run_filter=f, limit=MOST_LOOKS))  # type: ignore[misc]  # a lambda's default
            found |= {str(run.id): self._closed_look(run, alive) for run in runs}
        for run_id, look in found.items():
            if look.state in OVER:
                self._executed.pop(UUID(run_id), None)
        return found

    def _closed_look(self, run: FlowRun, alive: frozenset[UUID]) -> RunLook:
        """How a run is; one that was executed here and has ended without the API's knowing is closed."""
        look = _look(run)
        if look.state in OVER or run.id in alive or run.id not in self._executed:
            return look
        if run.state and run.state.is_scheduled():
            # The API did not want it to run yet.
            self._executed_here(run, self._executed[run.id])
            return look
        self._wait(lambda client: close_flow_runs(client, {run.id}))
        self._executed.pop(run.id, None)
        # How it was closed is seen with the next look.
        return look

    def announce(self, objects: Sequence[ObjectSeen]) -> None:
        for one in objects:
            address = f"s3://{one.bucket}/{one.key}"
            resource = {
                "prefect.resource.id": address,
                "prefect.resource.name": one.key,
                "bucket": one.bucket,
                # Two triggers may watch the same bucket: each automation wants its own.
                LABEL: f"{one.payload.get('flow')}/{one.payload.get('trigger')}",
            }
            emit_event(EVENT, resource, payload=dict(one.payload), id=UUID(one.id))

    def alarm(self, trigger: str, code: str, text: str) -> None:
        emit_event(FAILING, _resource(trigger), payload={"code": code, "message": text})

    def recovered(self, trigger: str) -> None:
        emit_event(RECOVERED, _resource(trigger))

    def show(self, key: str, page: str, description: str) -> None:
        """Keep a page of Markdown as an artifact, the newest one with this key."""
        artifact = ArtifactRequest(type="markdown", key=key, data=page, description=description)
        self._wait(lambda client: client.create_artifact(artifact))

    def deployment_of(self, flow: str) -> UUID:
        """The deployment whose runs are made for a flow. Raises UsageError where there is none, or several."""
        return self._wait(lambda client: self._deployment(client, flow)).id

    def close(self) -> None:
        """Close the connection. May be called twice."""
        if self._loop.is_running():
            asyncio.run_coroutine_threadsafe(self._closed(), self._loop).result(WAIT_SECONDS)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(WAIT_SECONDS)
            self._loop.close()

    async def _start(self, client: PrefectClient, order: RunOrder) -> FlowRun:
        deployment = await self._deployment(client, order.flow)
        state: prefect.State[Any] | None = None
        if self._executor:
            # No worker takes either. One that is created pending counts for no limit of the deployment.
            state = accepted() if deployment.is_limited else states.Pending(message="a listener executes it")
        try:
            async with self._starting:
                return await client.create_flow_run_from_deployment(
                    deployment.id,
                    parameters={TRIGGER: json.dumps(order.trigger, ensure_ascii=False)},
                    state=state,
                    idempotency_key=order.key,
                    tags=[TAG] if self._executor else [],
                    labels=dict(order.labels) or None,
                )
        except PrefectHTTPStatusError as error:
            self._deployments.pop(order.flow, None)
            if error.response.status_code not in _REFUSALS or "json" not in error.response.headers.get(
                "content-type", ""
            ):
                # A proxy in front of the API has words of its own.
                raise
            raise RunRefused(f"the Prefect API refuses a run of '{order.flow}': {_words(error)}") from error

    async def _deployment(self, client: PrefectClient, flow: str) -> _Deployment:
        if flow not in self._deployments:
            found = await self._found(client, flow)
            if found is None and self._executor:
                self._deployments[flow] = _Deployment(await _own_deployment(client, flow), is_limited=False)
                return self._deployments[flow]
            if found is None:
                raise UsageError(
                    f"there is no deployment of '{flow}': run `prefect deploy --all`, or listen with --warm"
                )
            self._deployments[flow] = _Deployment(found.id, is_limited=found.global_concurrency_limit is not None)
        return self._deployments[flow]

    async def _found(self, client: PrefectClient, flow: str) -> DeploymentResponse | None:
        wanted = DeploymentFilter.model_validate({"name": {"any_": [self._name]}}) if self._name else None
        of_flow = FlowFilter.model_validate({"name": {"any_": [flow]}})
        found = await client.read_deployments(flow_filter=of_flow, deployment_filter=wanted)
        # One that was made here gives way to one that somebody has deployed, and no worker would take its runs.
        theirs = [one for one in found if one.name != OWN_DEPLOYMENT]
        found = theirs or (found if self._executor else [])
        if len(found) > 1:
            names = ", ".join(sorted(one.name for one in found))
            raise UsageError(f"'{flow}' has several deployments ({names}): choose one with --deployment NAME")
        return found[0] if found else None

    def _wait(self, work: Callable[[PrefectClient], Coroutine[Any, Any, T]]) -> T:
        # A copy: a context is entered by one thread at a time.
        submit = partial(asyncio.run_coroutine_threadsafe, self._reaching(work), self._loop)
        future: futures.Future[T] = self._context.copy().run(submit)
        try:
            return future.result(WAIT_SECONDS)
        except futures.TimeoutError:
            future.cancel()
            raise Unavailable(f"the Prefect API has not answered within {WAIT_SECONDS:g} seconds") from None

    async def _reaching(self, work: Callable[[PrefectClient], Coroutine[Any, Any, T]]) -> T:
        try:
            async with reaching_api():
                if self._client is None:
                    self._client = await get_client(httpx_settings=_HOOKS).__aenter__()
                return await work(self._client)
        except httpx.HTTPStatusError as error:
            raise Unavailable(f"the Prefect API cannot: {_words(error)}") from error
        except httpx.HTTPError as error:
            # It answers again by now.
            raise Unavailable(f"the Prefect API did not answer: {str(error) or type(error).__name__}") from error
        except ObjectNotFound:
            raise
        except (PrefectException, ValueError) as error:
            # What is no answer of the API: a page of a proxy, say.
            raise Unavailable(f"the Prefect API has not answered as it does: {type(error).__name__} {error}") from error

    async def _closed(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.__aexit__(None, None, None)


def _be_patient() -> None:
    """In this context, Prefect's client asks as often as the time allows. Once: to change settings takes 25 ms."""
    # Left by nobody: the context ends with its owner.
    temporary_settings({PREFECT_CLIENT_MAX_RETRIES: MOST_RETRIES}).__enter__()


async def _soon(response: httpx.Response) -> None:
    """Have Prefect's client try again soon where the server has said that it may, and not when."""
    # A server on SQLite answers so when another write came between, which is over by then; it would take 2 s, 4 s, …
    if response.status_code == httpx.codes.SERVICE_UNAVAILABLE:
        tries: int = response.request.extensions.get("tries", 0)
        response.request.extensions["tries"] = tries + 1
        seconds = min(FIRST_RETRY_SECONDS * 2.0 ** min(tries, 10), LONGEST_RETRY_SECONDS)
        response.headers.setdefault("Retry-After", str(seconds))


_HOOKS: dict[str, Any] = {"event_hooks": {"response": [_soon]}}


async def _own_deployment(client: PrefectClient, flow: str) -> UUID:
    """A deployment of a flow that has none, for runs that a listener executes: no worker could."""
    flow_id = await client.create_flow_from_name(flow)
    description = "Made by `wdprefect listen --warm`, which executes its runs."
    return await client.create_deployment(flow_id, OWN_DEPLOYMENT, description=description)


def _resource(trigger: str) -> dict[str, str]:
    return {"prefect.resource.id": f"wdprefect.trigger.{trigger}", "prefect.resource.name": trigger}


def _look(run: FlowRun) -> RunLook:
    state = run.state
    if state is None:
        return RunLook("waiting")
    return RunLook(_STATES.get(state.type.value, "running"), state.message or "")


def _words(error: httpx.HTTPStatusError) -> str:
    text = error.response.text[:500]
    return f"{error.response.status_code} {text}"
