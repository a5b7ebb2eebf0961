"""The order of tasks: which runs next, when it is tried again, what a failure stops. Nothing else knows order."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

from wdprefect.errors import ExpressionError, Unavailable
from wdprefect.execution.attempt import MetricsBook, TaskFiles, Trial
from wdprefect.execution.engine import Call
from wdprefect.execution.frame import Frame
from wdprefect.execution.place import Place
from wdprefect.execution.records import Attempt, Result, TaskRun, now
from wdprefect.execution.rendering import Rendering, typed_task
from wdprefect.execution.run import Run, new_id
from wdprefect.execution.states import combine, softened, stops
from wdprefect.execution.steps import Steps
from wdprefect.execution.threads import end, finished, timed_out
from wdprefect.expressions import is_true
from wdprefect.model.retry import Retry
from wdprefect.model.stop import Stop
from wdprefect.model.task import Flowable, State, TaskSpec

T = TypeVar("T")


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
        try:
            await self._outcome(spec, task_run, frame)
        finally:
            if task_run.ended is None:
                self._close(task_run, Result("KILLED"))
        return task_run.final_state

    async def _outcome(self, spec: TaskSpec, task_run: TaskRun, frame: Frame) -> None:
        try:
            is_wanted = spec.settings.run_if == "true" or self._holds(spec.settings.run_if, task_run, frame)
        except (ExpressionError, Unavailable) as error:
            await self._unexecuted(spec, task_run, frame, self._trial(spec, task_run, frame, 1).failed(error))
            return
        if not is_wanted:
            await self._unexecuted(spec, task_run, frame, Result("SKIPPED"))
        elif issubclass(spec.kind, Flowable) and not spec.kind.unit:
            self._run.start(task_run)
            trial = self._trial(spec, task_run, frame, 1)
            result = await self._control(trial, frame.below(task_run, spec.settings.retry))
            self._close(task_run, replace(result, state=softened(result.state, spec.settings)))
        else:
            await self._attempts(spec, task_run, frame)

    async def _unexecuted(self, spec: TaskSpec, task_run: TaskRun, frame: Frame, result: Result) -> None:
        """Close a task run that does not start, and show it where it would have been seen."""
        self._close(task_run, result)
        if issubclass(spec.kind, Flowable) and not spec.kind.unit:
            return
        if frame.place is None:
            await self._run.ledger.flushed()
        frame.engine.show(Call(task_run, 1, spec), result)

    async def _attempts(self, spec: TaskSpec, task_run: TaskRun, frame: Frame) -> None:
        """Try until it succeeds or its retry is exhausted."""
        while task_run.ended is None:
            call = Call(task_run, len(task_run.attempts) + 1, spec)
            trial = self._trial(spec, task_run, frame, call.attempt)
            self._run.start(task_run)
            await frame.engine.run(call, partial(self._attempt, call, trial, frame))
            if task_run.ended is None:
                await asyncio.sleep(_delay(spec.settings.retry or frame.retry, task_run).total_seconds())

    async def _attempt(self, call: Call, trial: Trial, frame: Frame) -> Result:
        """One attempt. When it is the last, the task run is closed and written down before anyone reports its state."""
        spec, task_run, started = trial.spec, trial.task_run, now()
        if call.is_unit:
            result = await self._unit(trial, frame.inside(task_run, frame.engine.inside(call), trial.place))
        else:
            result = await self._leaf(trial, frame)
        task_run.attempts.append(Attempt(result.state, started, now()))
        retry = spec.settings.retry or frame.retry
        if _is_retried(retry, task_run, result):
            return result
        result = _warned(result, retry, call.attempt)
        result = replace(result, state=softened(result.state, spec.settings))
        self._close(task_run, result)
        if frame.place is None:
            await self._run.ledger.flushed()
        return result

    def _close(self, task_run: TaskRun, result: Result) -> None:
        task_run.state, task_run.outputs, task_run.error = result.state, result.outputs, result.error
        task_run.metrics, task_run.files = result.metrics, result.files
        self._run.end(task_run)

    async def _leaf(self, trial: Trial, frame: Frame) -> Result:
        try:
            return await trial.leaf()
        finally:
            if trial.place is not frame.place:
                await _closed(trial.place)

    async def _unit(self, trial: Trial, inner: Frame) -> Result:
        """A WorkingDirectory: control flow in a directory."""
        try:
            return await self._control(trial, inner)
        finally:
            await _closed(trial.place)

    async def _control(self, trial: Trial, inner: Frame) -> Result:
        """Run a flowable, then its `errors` and `finally`, then what it concludes with."""
        steps, earlier = Steps(self, inner, trial), len(self._run.task_runs)
        task: Flowable | None = None
        try:
            typed = typed_task(trial.spec, trial.render)
            assert isinstance(typed, Flowable)
            task = typed
            outputs = await self._in_time(task.run(steps), trial)
            result = replace(trial.result("SUCCESS", outputs), state=combine(steps.states))
            if result.state == "FAILED":
                result = replace(result, error=self._error_below(trial.task_run, earlier))
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
        delivered = {**(result.outputs or {}), **(concluded.dump() if concluded else {})}
        return replace(result, outputs=delivered or None, files=trial.files.saved())

    async def _in_time(self, children: Coroutine[Any, Any, T], trial: Trial) -> T:
        """What the children of a flowable come to. Raises TaskFailed when its timeout is over, and they have ended."""
        work = asyncio.ensure_future(children)
        try:
            timeout = trial.timeout()
            done, _ = await asyncio.wait({work}, timeout=timeout.total_seconds() if timeout else None)
            if not done and timeout:
                raise timed_out(timeout)
            return work.result()
        finally:
            await end(work)

    def _error_below(self, parent: TaskRun, earlier: int) -> str | None:
        """What the first child of this attempt that failed had to say; `earlier` task runs were there before it."""
        runs = self._run.task_runs[earlier:]
        failed = (run.error for run in runs if run.parent is parent and run.state == "FAILED")
        return next(failed, None)

    def _trial(self, spec: TaskSpec, task_run: TaskRun, frame: Frame, number: int) -> Trial:
        options = self._run.options
        shared = None if issubclass(spec.kind, Flowable) and spec.kind.unit else frame.place
        place = shared or Place(options, self._run.id, self._run.container_labels)
        render = self._rendering(task_run, frame)
        files = TaskFiles(self._run, task_run, number)
        return Trial(self._run, spec, task_run, render, place, number, Stop(), MetricsBook(), files)

    def _rendering(self, task_run: TaskRun, frame: Frame) -> Rendering:
        run = self._run
        seen = {name: run.masker.guarded(value) for name, value in frame.seen(task_run).items()}
        return Rendering(run.expressions, run.scope() | seen, run.services)

    def _is_disabled(self, spec: TaskSpec, task_run: TaskRun, frame: Frame) -> bool:
        disabled = spec.settings.disabled
        return disabled if isinstance(disabled, bool) else self._holds(disabled, task_run, frame)

    def _holds(self, condition: str, task_run: TaskRun, frame: Frame) -> bool:
        return is_true(self._rendering(task_run, frame).text(condition))

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
            hide=self._run.masker.hide,
        )


async def _closed(place: Place) -> None:
    """Close a place; beside the event loop where it takes long, also when it is cancelled meanwhile."""
    if not place.has_containers:
        place.close()
    elif await finished(asyncio.get_running_loop().run_in_executor(None, place.close)):
        raise asyncio.CancelledError


def _is_retried(retry: Retry | None, task_run: TaskRun, result: Result) -> bool:
    """Whether another attempt follows the one that has just ended."""
    if result.state != "FAILED" or retry is None or result.is_final:
        return False
    elapsed = now() - task_run.attempts[0].started
    return not retry.is_over(len(task_run.attempts), elapsed, retry.delay(len(task_run.attempts)))


def _delay(retry: Retry | None, task_run: TaskRun) -> timedelta:
    return retry.delay(len(task_run.attempts)) if retry else timedelta()


def _warned(result: Result, retry: Retry | None, number: int) -> Result:
    is_warning = retry is not None and retry.warning_on_retry and number > 1 and result.state == "SUCCESS"
    return replace(result, state="WARNING") if is_warning else result
