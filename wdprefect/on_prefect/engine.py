"""The engine of the product: an attempt is a Prefect task run, and a WorkingDirectory is one with all its children."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any
from uuid import UUID

import prefect
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import RunInput, TaskRunResult
from prefect.context import TagsContext, TaskRunContext
from prefect.logging import get_run_logger
from prefect.task_engine import run_task_async

from wdprefect.errors import WdprefectError
from wdprefect.execution.engine import Body, Call, Engine
from wdprefect.execution.ledger import plain
from wdprefect.execution.records import Result
from wdprefect.execution.sources import sources_of
from wdprefect.masking import Masker, without_secrets
from wdprefect.on_prefect.artifacts import Artifacts
from wdprefect.on_prefect.bars import BarEngine
from wdprefect.on_prefect.emitted import EmittedRun
from wdprefect.on_prefect.logs import LogPump
from wdprefect.on_prefect.quiet import AttemptTask, quiet_attempts
from wdprefect.on_prefect.states import prefect_state, state_of_result


class PrefectEngine:
    """Executes attempts as task runs of the flow run that is running."""

    def __init__(self, pump: LogPump, artifacts: Artifacts, masker: Masker, execution_id: str) -> None:
        self._pump, self._artifacts, self._masker, self._execution_id = pump, artifacts, masker, execution_id
        self._last: dict[str, UUID] = {}
        self._bars: dict[str, BarEngine] = {}
        quiet_attempts()

    async def run(self, call: Call, body: Body) -> Result:
        found: list[Result] = []
        broken: list[Exception] = []

        async def attempt(sources: None = None) -> prefect.State[Any]:  # noqa: ARG001  what its edges are named after
            context = TaskRunContext.get()
            assert context is not None
            self._last[call.run.task_id] = context.task_run.id
            self._pump.show(call.run.id, context.task_run.id, call.name)
            try:
                result = await body()
            except asyncio.CancelledError:
                # Prefect would call it a crash. The walk hears of it below, when the state is set.
                return prefect_state("KILLED")
            except Exception as error:  # noqa: BLE001  it goes on
                # No task's failure, which would be a result: the run itself cannot go on.
                broken.append(error)
                if isinstance(error, WdprefectError):
                    return prefect_state("FAILED", self._masker.hide(str(error)))
                # Prefect shows it with all that caused it.
                raise without_secrets(error, self._masker)  # noqa: B904  itself, or one that hides its causes
            found.append(result)
            await self._show(call, result)
            return state_of_result(result, self._masker.hide_in(plain(result.outputs)) if call.is_unit else None)

        task = self._task(call, attempt)
        dependencies = {name: set(ends) for name, ends in self._edges(call).items()}
        await run_task_async(task, parameters={"sources": None}, return_type="state", dependencies=dependencies)
        if broken:
            raise broken[0]
        if not found:
            raise asyncio.CancelledError
        return found[0]

    def show(self, call: Call, result: Result) -> None:
        shown = EmittedRun.of(call, UUID(self._execution_id), self._edges(call), sorted(TagsContext.get().current_tags))
        self._last[call.run.task_id] = shown.id
        shown.end(result)

    def inside(self, call: Call) -> Engine:
        self._bars[call.run.id] = bars = BarEngine(self._pump, call.spec.data.get("steps", "auto"))
        return bars

    async def _show(self, call: Call, result: Result) -> None:
        bars = self._bars.pop(call.run.id, None)
        try:
            await self._artifacts.write(call, result, bars.steps if bars else ())
        except Exception as error:  # noqa: BLE001  what is only shown does not fail a task
            reason = self._masker.hide(str(error))
            get_run_logger().warning("the artifacts of '%s' could not be written: %s", call.name, reason)

    def _task(self, call: Call, attempt: Any) -> AttemptTask:
        options: dict[str, Any] = {"persist_result": False, "cache_policy": NO_CACHE}
        if call.is_unit:
            # The key is what Prefect looks results up by: no other attempt may have the same.
            key = f"wdprefect/results/{self._execution_id}/{call.run.id}-{call.attempt}.json"
            options = {"persist_result": True, "result_serializer": "json", "result_storage_key": key}
        return AttemptTask(attempt, name=call.run.task_id, task_run_name=_template(call.name), retries=0, **options)

    def _edges(self, call: Call) -> dict[str, list[RunInput]]:
        sources: Iterable[str] = sources_of(call.spec)
        found = {TaskRunResult(id=self._last[name]) for name in sources if name in self._last}
        return {"sources": list(found)} if found else {}


def _template(name: str) -> str:
    """A name as it is: Prefect formats names with the parameters of the task."""
    return name.replace("{", "{{").replace("}", "}}")
