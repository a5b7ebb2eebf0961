"""One run of a flow from its inputs to its Execution."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from wdprefect.errors import ExpressionError, InvalidInput, Unavailable
from wdprefect.execution.blocks import Blocks
from wdprefect.execution.engine import Engine
from wdprefect.execution.execution import Execution
from wdprefect.execution.folders import is_below_roots
from wdprefect.execution.frame import Frame
from wdprefect.execution.inputs import resolve_inputs, unchecked_inputs
from wdprefect.execution.ledger import Ledger
from wdprefect.execution.logbook import LogBook, Sink
from wdprefect.execution.records import LogRecord, RunState, TaskRun, now
from wdprefect.execution.rendering import Rendering
from wdprefect.execution.run import Options, Run, Watcher, visible_environment
from wdprefect.execution.services import FindSecret, RunServices, folders_of, secret_of_environment, stored_files
from wdprefect.execution.states import combine
from wdprefect.execution.threads import Threads
from wdprefect.execution.walk import Walk
from wdprefect.masking import Masker, unguarded, without_secrets
from wdprefect.model.conversions import expected
from wdprefect.model.flow import Flow, Output
from wdprefect.model.inputs import convert_as, is_kind
from wdprefect.model.ports import Storage
from wdprefect.model.stop import Stop
from wdprefect.model.task import State
from wdprefect.model.waiting import Waiter, waiting_for
from wdprefect.storage.namespaces import open_namespaces
from wdprefect.storage.reader import Reader
from wdprefect.storage.uris import execution_uri, input_uri

SCHEME = "kestra://"


@dataclass(frozen=True, slots=True)
class Start:
    """What a run starts with.

    inputs: as the caller gives them. take_paths: whether a FILE input may name a file of this machine, which is then
    copied into the storage. check_inputs: False lets a trigger start a flow without its required inputs.
    secrets: in place of every other source of secrets.
    """

    inputs: Mapping[str, Any]
    trigger: Mapping[str, Any] | None = None
    labels: Mapping[str, str] | None = None
    secrets: Mapping[str, str] | None = None
    check_inputs: bool = True
    take_paths: bool = False


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a run works with: who executes, where files are kept, who sees the log, where secrets come from.

    on_killed: gets the execution of a run that is cancelled, before the cancellation goes on.
    """

    engine: Engine
    storage: Storage
    options: Options
    sinks: Sequence[Sink] = ()
    watchers: Sequence[Watcher] = ()
    find_secret: FindSecret = secret_of_environment
    masker: Masker = field(default_factory=Masker)
    on_killed: Callable[[Execution], None] | None = None


async def execute(flow: Flow, start: Start, execution_id: str, around: Surroundings) -> Execution:
    """Run the flow and return how it ended. Raises InvalidInput before anything runs.

    When it is cancelled, what runs is ended first; the entries of the ledger are written, then the error goes on.
    """
    logs, stop = LogBook(around.masker, around.sinks), Stop()
    with waiting_for(Waiter(lambda line: logs.write(LogRecord(now(), "WARN", line)), stop)):
        run = _new_run(flow, start, execution_id, around, logs)
        try:
            return await _Course(run, around, stop).complete()
        finally:
            run.threads.close()


def _new_run(flow: Flow, start: Start, execution_id: str, around: Surroundings, logs: LogBook) -> Run:
    masker, storage = around.masker, around.storage
    uri = execution_uri(flow.namespace, flow.id, execution_id)
    namespaces = open_namespaces(around.options.configuration.namespace_files, storage)
    reader = Reader(storage, namespaces, flow.namespace)
    run = Run(
        id=execution_id,
        flow=flow,
        options=around.options,
        inputs={},
        labels={**flow.labels, **(start.labels or {})},
        trigger=start.trigger,
        storage=storage,
        reader=reader,
        masker=masker,
        logs=logs,
        ledger=Ledger(storage, uri, masker),
        services=RunServices(
            masker,
            reader,
            logs,
            start.secrets,
            around.find_secret,
            folders_of(uri, start.trigger),
            frozenset(stored_files([start.inputs, start.trigger, *(item.defaults for item in flow.inputs)])),
            {"namespace": flow.namespace, "flowId": flow.id, "executionId": execution_id},
        ),
        blocks=Blocks(around.options.block, masker),
        uri=uri,
        threads=Threads(around.options.threads),
        environment=visible_environment(os.environ),
        watchers=around.watchers,
    )
    run.inputs = _inputs(run, start)
    return run


def check_start(flow: Flow, start: Start) -> None:
    """Raises InvalidInput when a run with these inputs would be refused; nothing is stored."""
    if start.check_inputs:

        def look(name: str, value: Any) -> str:
            _file(name, str(value), take_paths=start.take_paths)
            return str(value)

        resolve_inputs(flow, start.inputs, take_file=look, masker=Masker())


def _inputs(run: Run, start: Start) -> Mapping[str, Any]:
    if not start.check_inputs:
        return unchecked_inputs(run.flow, start.inputs, run.masker)

    def take_file(name: str, value: Any) -> str:
        path = _file(name, str(value), take_paths=start.take_paths)
        return run.storage.put(input_uri(run.uri, name, run.masker.hide(path.name)), path).uri if path else str(value)

    return resolve_inputs(run.flow, start.inputs, take_file=take_file, masker=run.masker)


def _file(name: str, value: str, *, take_paths: bool) -> Path | None:
    """The file of this machine that a FILE input names; None when it is in the storage already."""
    if value.startswith(SCHEME):
        return None
    path = Path(unquote(urlsplit(value).path)) if value.startswith("file://") else Path(value).expanduser()
    if not take_paths and not (value.startswith("file://") and is_below_roots(path)):
        reason = f"a deployment takes the URI of a stored file (kestra:///…), not '{value}'"
        raise InvalidInput(name, f"{reason}, or file:///… below a folder that WDPREFECT_FILE_ROOTS names")
    if not path.is_file():
        raise InvalidInput(name, f"there is no file '{value}'")
    return path


class _Course:
    """The course of one run: tasks, handlers, outputs, what comes after.

    stop: ends what the run itself waits for; a task has a stop of its own.
    """

    def __init__(self, run: Run, around: Surroundings, stop: Stop) -> None:
        self._run, self._walk, self._around, self._stop = run, Walk(run), around, stop
        self._error: str | None = None

    async def complete(self) -> Execution:
        run, flow = self._run, self._run.flow
        frame = Frame(self._around.engine, retry=flow.retry)
        # Beside the event loop, which hears of a cancel while the storage is waited for.
        await run.threads.run(run.ledger.open, self._stop, run.options.grace)
        try:
            state = await self._state(frame)
        except Exception as error:  # noqa: BLE001  it goes on
            # What a task cannot do fails the task. This is the run itself: its ledger cannot be kept, say.
            run.state, self._error = "FAILED", run.masker.hide(str(error))
            self._save(self._execution("FAILED", None))
            raise without_secrets(error, run.masker)  # noqa: B904  itself, or one that hides its causes
        except BaseException:
            self._stop.request()
            run.state = "KILLED"
            killed = self._execution("KILLED", None)
            self._save(killed)
            if self._around.on_killed:
                self._around.on_killed(killed)
            raise
        outputs = run.flow_outputs = self._outputs(state)
        run.state = state = "FAILED" if outputs is None and self._error else state
        await self._walk.handlers(flow.after_execution, frame)
        execution = self._execution(state, outputs)
        self._save(execution)
        return execution

    async def _state(self, frame: Frame) -> State:
        flow = self._run.flow
        state = combine(await self._walk.sequence(flow.tasks, frame))
        if state == "FAILED":
            await self._walk.handlers(flow.errors, frame)
        if "FAILED" in await self._walk.handlers(flow.finally_, frame):
            state = "FAILED"
        return state

    def _outputs(self, state: State) -> dict[str, Any] | None:
        """The flow's outputs, computed in every final state. One that fails makes the run FAILED and takes them all."""
        run = self._run
        if not run.flow.outputs:
            return None
        render = Rendering(run.expressions, run.scope(), run.services)
        found: dict[str, Any] = {}
        for number, output in enumerate(run.flow.outputs):
            try:
                found[output.id] = _output(output, render)
            except (ExpressionError, Unavailable, ValueError) as error:
                place = run.flow.at_error(("outputs", number), error)
                message = run.masker.hide(f"{place}: the outputs of the flow cannot be computed: {error}")
                run.logs.write(LogRecord(now(), "ERROR", message))
                # A run that has failed says why: its outputs mostly lack what the failed task would have delivered.
                self._error = (self._first_error() if state == "FAILED" else None) or message
                return None
        return found

    def _execution(self, state: RunState, outputs: Mapping[str, Any] | None) -> Execution:
        run = self._run
        return Execution(
            id=run.id,
            flow=run.flow.name,
            state=state,
            # Their names are the flow's own, be they the words of a secret or not.
            inputs={name: run.masker.hide_in(value) for name, value in run.inputs.items()},
            outputs=unguarded(outputs),
            task_outputs=unguarded(run.outputs),
            labels=run.labels,
            logs=run.logs,
            task_runs=run.task_runs,
            started=run.started,
            ended=now(),
            error=self._error or (self._first_error() if state == "FAILED" else None),
            uri=run.uri,
            storage=run.storage,
            masker=run.masker,
        )

    def _first_error(self) -> str | None:
        """What the first task had to say whose failure nothing above it forgave."""
        found = (task_run.error for task_run in self._run.task_runs if task_run.error and _is_blamed(task_run))
        return next(found, None)

    def _save(self, execution: Execution) -> None:
        """Keep the whole log and, last of all, the summary of the run."""
        run = self._run
        with tempfile.TemporaryDirectory(prefix="wdprefect-log-") as folder:
            path = Path(folder, "log.jsonl")
            run.logs.save(path)
            run.storage.put(f"{run.uri}/log.jsonl", path)
        run.ledger.close(execution.summary())


def _is_blamed(task_run: TaskRun | None) -> bool:
    while task_run is not None and task_run.state == "FAILED":
        task_run = task_run.parent
    return task_run is None


def _output(output: Output, render: Rendering) -> Any:
    value = output.value
    rendered = render.value(value) if isinstance(value, str) else render.data(value)
    if output.type is None or rendered is None:
        if rendered is None and output.type is not None and output.required:
            raise ValueError(expected(output.type, None))
        return rendered
    if not is_kind(output.type):
        msg = f"'{output.id}': unknown type '{output.type}'"
        raise ValueError(msg)
    return convert_as(output.type, rendered, output.item_type)
