"""Children of a WorkingDirectory as bars in the UI: those that last, or fail; the short ones stand in the page alone.

A nested task run costs the server 50 ms on SQLite, so the many short ones would cost more than they show. What is shown
is for display only: nothing is persisted under it, and no retry looks at it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from prefect import states
from prefect.client.schemas.objects import State, TaskRun, TaskRunResult
from prefect.context import TaskRunContext
from prefect.events import Event
from prefect.utilities.engine import emit_task_run_state_change_event

from wdprefect.execution.engine import Body, Call, Engine
from wdprefect.execution.records import Result, now
from wdprefect.on_prefect.artifacts import Step
from wdprefect.on_prefect.logs import LogPump
from wdprefect.on_prefect.states import state_of_result

AFTER_SECONDS = 0.5
MOST = 50


class BarEngine:
    """Executes children in this process and shows them below the task run that is running."""

    def __init__(self, pump: LogPump) -> None:
        self._pump, self._shown = pump, 0
        self.steps: list[Step] = []

    async def run(self, call: Call, body: Body) -> Result:
        context = TaskRunContext.get()
        assert context is not None
        bar = _Bar(call, context.task_run, now())
        self._pump.hold(call.run.id)
        timer = asyncio.get_running_loop().call_later(AFTER_SECONDS, self._begin, bar)
        try:
            result = await body()
        except asyncio.CancelledError:
            bar.end(Result("KILLED"))
            raise
        else:
            if result.error is not None:
                # It failed, be it allowed or not.
                self._begin(bar)
            bar.end(result)
            self.steps.append(Step(call, result, (now() - bar.started).total_seconds()))
            return result
        finally:
            timer.cancel()
            self._pump.show(call.run.id, bar.shown_id, bar.name)

    def inside(self, call: Call) -> Engine:  # noqa: ARG002  no directory stands in a directory
        return self

    def _begin(self, bar: _Bar) -> None:
        if self._shown < MOST and not bar.is_shown:
            self._shown += 1
            bar.begin()
        self._pump.show(bar.call.run.id, bar.shown_id, bar.name)


@dataclass(slots=True)
class _Bar:
    """One child as a Prefect task run."""

    call: Call
    unit: TaskRun
    started: datetime
    is_shown: bool = False
    _task_run: TaskRun | None = None
    _last: State[Any] | None = None
    _event: Event | None = None

    @property
    def name(self) -> str:
        return self.call.name if self.is_shown else self.unit.name

    @property
    def shown_id(self) -> UUID:
        """The task run under which its lines stand: its own, or the directory's."""
        return self._task_run.id if self._task_run else self.unit.id

    def begin(self) -> None:
        self.is_shown = True
        identity = uuid4()
        self._task_run = TaskRun(
            id=identity,
            name=self.call.name,
            flow_run_id=self.unit.flow_run_id,
            task_key=f"{self.call.run.task_id}-{self.call.run.type}",
            dynamic_key=str(identity),
            task_inputs={"__parents__": [TaskRunResult(id=self.unit.id)]},
            expected_start_time=self.started,
            tags=list(self.unit.tags),
        )
        self._emit(states.Pending(timestamp=self.started))
        # Times of states are told apart.
        self._emit(states.Running(timestamp=self.started + timedelta(microseconds=1)))

    def end(self, result: Result) -> None:
        if self.is_shown:
            self._emit(state_of_result(result))

    def _emit(self, state: State[Any]) -> None:
        """Tell the server of a state; it takes times and counts from the task run, not from the state."""
        shown: Any = self._task_run
        before = self._last
        assert shown is not None
        state.state_details.task_run_id, state.state_details.flow_run_id = shown.id, shown.flow_run_id
        shown.state, shown.state_id = state, state.id
        shown.state_type, shown.state_name = state.type, state.name
        if state.is_running():
            shown.start_time, shown.run_count = state.timestamp, 1
        if state.is_final() and shown.start_time:
            shown.end_time = state.timestamp
            shown.total_run_time = state.timestamp - shown.start_time
        self._event = emit_task_run_state_change_event(shown, before, state, follows=self._event)
        self._last = state
