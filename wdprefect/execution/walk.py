"""The order of tasks: which runs next, when it is tried again, what a failure stops. Nothing else knows order."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta

from wdprefect.errors import ExpressionError, TaskFailed
from wdprefect.execution.attempt import MetricsBook, TaskFiles, Trial
from wdprefect.execution.engine import Call
from wdprefect.execution.frame import Frame
from wdprefect.execution.place import Place
from wdprefect.execution.records import Attempt, Result, TaskRun, now
from wdprefect.execution.rendering import Rendering, typed_task
from wdprefect.execution.run import Run, new_id
from wdprefect.execution.states import combine, softened, stops
from wdprefect.execution.steps import Steps
from wdprefect.expressions import is_true
from wdprefect.model.retry import Retry
from wdprefect.model.stop import Stop
from wdprefect.model.task import Flowable, State, TaskSpec


class Walk:
    """Walks the tasks of one run."""

    def __init__(self, run: Run) -> None:
        self._run = run

    async def sequence(self, specs: Sequence[TaskSpec], frame: Frame) -> list[State]:
        """Run tasks one after the other, until one fails; the states of those that ran."""
        states: list[State] = []
        for spec in specs:
            state = await self.task(spec, frame)
            if state is not None:
                states.append(state)
                if stops(state):
                    break
        return states

    async def handlers(self, specs: Sequence[TaskSpec], frame: Frame) -> list[State]:
        """Run the tasks of `errors`, `finally` …: a failure does not keep the next one from running."""
        states = [await self.task(spec, frame) for spec in specs]
        return [state for state in states if state is not None]

    async def task(self, spec: TaskSpec, frame: Frame) -> State | None:
        """Run one task; its state, or None when it is disabled."""
        task_run = self._created(spec, frame)
        if self._is_disabled(spec, task_run, frame):
            return None
        self._run.begin(task_run)
        result = Result("KILLED")
        try:
            result = await self._outcome(spec, task_run, frame)
        finally:
            task_run.state, task_run.outputs = result.state, result.outputs
            task_run.error, task_run.metrics, task_run.files = result.error, result.metrics, result.files
            self._run.end(task_run)
        return result.state

    async def _outcome(self, spec: TaskSpec, task_run: TaskRun, frame: Frame) -> Result:
        try:
            is_wanted = is_true(self._rendering(task_run, frame).text(spec.settings.run_if))
        except ExpressionError as error:
            return self._trial(spec, task_run, frame, 1).failed(error)
        if not is_wanted:
            return Result("SKIPPED")
        if issubclass(spec.kind, Flowable) and not spec.kind.unit:
            trial = self._trial(spec, task_run, frame, 1)
            result = await self._control(trial, frame.below(task_run, spec.settings.retry))
        else:
            result = await self._attempts(spec, task_run, frame)
        return replace(result, state=softened(result.state, spec.settings))

    async def _attempts(self, spec: TaskSpec, task_run: TaskRun, frame: Frame) -> Result:
        """Try until it succeeds or its retry is exhausted; the last result."""
        retry = spec.settings.retry or frame.retry
        while True:
            number, started = len(task_run.attempts) + 1, now()
            call = Call(task_run, number, spec)
            trial = self._trial(spec, task_run, frame, number)
            result = await frame.engine.run(call, self._body(trial, frame, call))
            task_run.attempts.append(Attempt(result.state, started, now()))
            delay = _delay(retry, task_run, result)
            if delay is None:
                return _warned(result, retry, number)
            await asyncio.sleep(delay.total_seconds())

    def _body(self, trial: Trial, frame: Frame, call: Call) -> Callable[[], Awaitable[Result]]:
        if not call.is_unit:
            return lambda: self._leaf(trial, frame)
        return lambda: self._unit(trial, frame.inside(trial.task_run, frame.engine.inside(call), trial.place))

    async def _leaf(self, trial: Trial, frame: Frame) -> Result:
        try:
            return await trial.leaf()
        finally:
            if trial.place is not frame.place:
                trial.place.close()

    async def _unit(self, trial: Trial, inner: Frame) -> Result:
        """A WorkingDirectory: control flow in a directory, with a timeout over all of it."""
        work = asyncio.ensure_future(self._control(trial, inner))
        try:
            timeout = trial.timeout()
            done, _ = await asyncio.wait({work}, timeout=timeout.total_seconds() if timeout else None)
            if done:
                return work.result()
            return trial.failed(TaskFailed(f"Timeout after {timeout}"))
        except ExpressionError as error:
            return trial.failed(error)
        finally:
            await _cancelled(work)
            trial.place.close()

    async def _control(self, trial: Trial, inner: Frame) -> Result:
        """Run a flowable, then its `errors` and `finally`, then what it concludes with."""
        steps = Steps(self, inner, trial)
        task: Flowable | None = None
        try:
            typed = typed_task(trial.spec, trial.render)
            assert isinstance(typed, Flowable)
            task = typed
            result = replace(trial.result("SUCCESS", await task.run(steps)), state=combine(steps.states))
            result = replace(result, error=self._error_below(trial.task_run) if result.state == "FAILED" else None)
        except Exception as error:  # noqa: BLE001  as in a leaf
            result = trial.failed(error)
        if result.state == "FAILED":
            await self.handlers(trial.spec.data.get("errors", ()), inner)
        if "FAILED" in await self.handlers(trial.spec.data.get("finally", ()), inner):
            result = replace(result, state="FAILED")
        if result.state == "FAILED" and task is not None and task.forgives:
            result = replace(result, state="WARNING")
        try:
            concluded = await task.conclude(steps) if task else None
        except Exception as error:  # noqa: BLE001  as in a leaf
            return trial.failed(error)
        more = concluded.dump() if concluded else {}
        outputs = {**(result.outputs or {}), **more}
        return replace(result, outputs=outputs or None, files=trial.files.saved())

    def _error_below(self, parent: TaskRun) -> str | None:
        """What the first child that failed had to say."""
        failed = (run.error for run in self._run.task_runs if run.parent is parent and run.state == "FAILED")
        return next(failed, None)

    def _trial(self, spec: TaskSpec, task_run: TaskRun, frame: Frame, number: int) -> Trial:
        options = self._run.options
        shared = None if issubclass(spec.kind, Flowable) and spec.kind.unit else frame.place
        place = shared or Place(options.directory, self._run.id, options.runner)
        render = self._rendering(task_run, frame)
        files = TaskFiles(self._run.storage, self._run.uri, task_run, number)
        return Trial(self._run, spec, task_run, render, place, number, Stop(), MetricsBook(), files)

    def _rendering(self, task_run: TaskRun, frame: Frame) -> Rendering:
        run = self._run
        return Rendering(run.expressions, run.scope() | frame.seen(task_run), run.services)

    def _is_disabled(self, spec: TaskSpec, task_run: TaskRun, frame: Frame) -> bool:
        disabled = spec.settings.disabled
        return disabled if isinstance(disabled, bool) else is_true(self._rendering(task_run, frame).text(disabled))

    def _created(self, spec: TaskSpec, frame: Frame) -> TaskRun:
        item = frame.item
        return TaskRun(
            id=new_id(),
            task_id=spec.id,
            type=spec.type,
            at=self._run.flow.at(spec.path),
            parent=frame.parent,
            value=item.value if item else None,
            iteration=item.iteration if item else None,
            values=(*frame.values, item.value) if item else frame.values,
        )


def _delay(retry: Retry | None, task_run: TaskRun, result: Result) -> timedelta | None:
    """How long to wait before the next attempt; None when there is none."""
    if result.state != "FAILED" or retry is None or result.is_final:
        return None
    made = len(task_run.attempts)
    delay = retry.delay(made)
    return None if retry.is_over(made, now() - task_run.attempts[0].started, delay) else delay


def _warned(result: Result, retry: Retry | None, number: int) -> Result:
    is_warning = retry is not None and retry.warning_on_retry and number > 1 and result.state == "SUCCESS"
    return replace(result, state="WARNING") if is_warning else result


async def _cancelled(work: asyncio.Future[Result]) -> None:
    """Cancel work that may still run, and wait until its children have been ended."""
    work.cancel()
    while not work.done():
        try:
            await asyncio.wait({work})
        except asyncio.CancelledError:
            continue
