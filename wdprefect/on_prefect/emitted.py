"""Task runs that are shown by their events alone: Prefect does not execute them, and no client is made for them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from prefect import states
from prefect.client.schemas.objects import RunInput, State, TaskRun
from prefect.events import Event
from prefect.utilities.engine import emit_task_run_state_change_event

from wdprefect.execution.engine import Call
from wdprefect.execution.records import Result
from wdprefect.on_prefect.states import state_of_result


@dataclass(slots=True)
class EmittedRun:
    """One task run, for display only: nothing is persisted under it, and no retry looks at it.

    It is there once it has begun, or at its end where it never began.
    """

    # A TaskRun; Prefect declares its times as what pydantic takes, not as what they are.
    _task_run: Any
    _last: State[Any] | None = None
    _event: Event | None = None

    @classmethod
    def of(cls, call: Call, flow_run_id: UUID | None, inputs: dict[str, list[RunInput]], tags: list[str]) -> EmittedRun:
        """The task run of a call. inputs: what it is connected with, by the names of the edges."""
        identity = uuid4()
        task_run = TaskRun(
            id=identity,
            name=call.name,
            flow_run_id=flow_run_id,
            task_key=f"{call.run.task_id}-{call.run.type}",
            dynamic_key=str(identity),
            task_inputs=inputs,
            tags=tags,
        )
        return cls(task_run)

    @property
    def id(self) -> UUID:
        found: UUID = self._task_run.id
        return found

    def begin(self, started: datetime) -> None:
        """Show it as running since then."""
        self._emit(states.Pending(timestamp=started))
        # Times of states are told apart.
        self._emit(states.Running(timestamp=started + timedelta(microseconds=1)))

    def end(self, result: Result) -> None:
        """Show how it ended, now."""
        self._emit(state_of_result(result))

    def _emit(self, state: State[Any]) -> None:
        """Tell the server of a state; it takes times and counts from the task run, not from the state."""
        shown, before = self._task_run, self._last
        state.state_details.task_run_id, state.state_details.flow_run_id = shown.id, shown.flow_run_id
        shown.state, shown.state_id = state, state.id
        shown.state_type, shown.state_name = state.type, state.name
        shown.expected_start_time = shown.expected_start_time or state.timestamp
        if state.is_running():
            shown.start_time, shown.run_count = state.timestamp, 1
        if state.is_final():
            # One that never began is a moment: without an end the UI would draw it as if it still ran.
            shown.start_time = shown.start_time or state.timestamp
            shown.end_time = state.timestamp
            shown.total_run_time = state.timestamp - shown.start_time
        self._event = emit_task_run_state_change_event(shown, before, state, follows=self._event)
        self._last = state
