"""Children of a WorkingDirectory as bars in the UI: those that last, or fail; the short ones stand in the page alone.

A nested task run costs the server 50 ms on SQLite, so the many short ones would cost more than they show. The property
`steps` of the WorkingDirectory asks for all of them, or for none.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from prefect.client.schemas.objects import RunInput, TaskRun, TaskRunResult
from prefect.context import TaskRunContext

from wdprefect.execution.engine import Body, Call, Engine
from wdprefect.execution.records import Result, now
from wdprefect.on_prefect.artifacts import Step
from wdprefect.on_prefect.emitted import EmittedRun
from wdprefect.on_prefect.logs import LogPump

AFTER_SECONDS = 0.5
MOST = 50


class BarEngine:
    """Executes children in this process and shows them below the task run that is running.

    wanted: `auto`, `bars` for each child, or `table` for none but in the page.
    """

    def __init__(self, pump: LogPump, wanted: str = "auto") -> None:
        self._pump, self._wanted, self._shown = pump, wanted, 0
        self.steps: list[Step] = []

    async def run(self, call: Call, body: Body) -> Result:
        bar = _Bar(call, _unit(), now())
        self._pump.hold(call.run.id)
        timer = asyncio.get_running_loop().call_later(self._after_seconds, self._begin, bar)
        try:
            result = await body()
        except BaseException:
            # It was cancelled, or what is kept of the run cannot be kept: no bar goes on for ever.
            bar.end(Result("KILLED"))
            raise
        else:
            self._ended(bar, result, (now() - bar.started).total_seconds())
            return result
        finally:
            timer.cancel()
            self._pump.show(call.run.id, bar.shown_id, bar.name)

    def show(self, call: Call, result: Result) -> None:
        self._ended(_Bar(call, _unit(), now()), result, 0.0)

    def inside(self, call: Call) -> Engine:  # noqa: ARG002  no directory stands in a directory
        return self

    @property
    def _after_seconds(self) -> float:
        return 0.0 if self._wanted == "bars" else AFTER_SECONDS

    def _ended(self, bar: _Bar, result: Result, seconds: float) -> None:
        # It failed, be it allowed or not.
        if self._wanted == "bars" or result.error is not None:
            self._begin(bar)
        bar.end(result)
        self.steps.append(Step(bar.call, result, seconds))

    def _begin(self, bar: _Bar) -> None:
        may_be_shown = self._wanted == "bars" or (self._wanted == "auto" and self._shown < MOST)
        if may_be_shown and bar.emitted is None:
            self._shown += 1
            bar.begin()
        self._pump.show(bar.call.run.id, bar.shown_id, bar.name)


@dataclass(slots=True)
class _Bar:
    """One child, and its task run once it is shown."""

    call: Call
    unit: TaskRun
    started: datetime
    emitted: EmittedRun | None = None

    @property
    def name(self) -> str:
        return self.call.name if self.emitted else self.unit.name

    @property
    def shown_id(self) -> UUID:
        """The task run under which its lines stand: its own, or the directory's."""
        return self.emitted.id if self.emitted else self.unit.id

    def begin(self) -> None:
        inside: dict[str, list[RunInput]] = {"__parents__": [TaskRunResult(id=self.unit.id)]}
        self.emitted = EmittedRun.of(self.call, self.unit.flow_run_id, inside, list(self.unit.tags))
        self.emitted.begin(self.started)

    def end(self, result: Result) -> None:
        if self.emitted:
            self.emitted.end(result)


def _unit() -> TaskRun:
    """The task run of the directory, in which this runs."""
    context = TaskRunContext.get()
    assert context is not None
    return context.task_run
