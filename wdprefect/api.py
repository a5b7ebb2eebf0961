"""The front door: load a flow, run it, or make a Prefect flow of it."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from wdprefect.errors import Abandoned, UsageError
from wdprefect.execution.engine import LocalEngine
from wdprefect.execution.execution import Execution
from wdprefect.execution.flow_run import Start, Surroundings, execute
from wdprefect.execution.folders import default_storage
from wdprefect.execution.logbook import Sink
from wdprefect.execution.run import Options, Watcher, new_id
from wdprefect.execution.runners import check_runners, choose_options
from wdprefect.loader import load_file
from wdprefect.model.flow import Flow
from wdprefect.model.ports import Storage
from wdprefect.model.stop import Stop
from wdprefect.storage import open_storage

if TYPE_CHECKING:  # importing Prefect takes a second; only what needs it pays
    import prefect

T = TypeVar("T")
EngineName = Literal["prefect", "local"]


def load(path: str | os.PathLike[str]) -> Flow:
    """The checked flow in a YAML file.

    Raises InvalidFlow with all problems, each with its place; a file that cannot be read is such a problem.
    """
    return load_file(path)


def run(  # noqa: PLR0913  what a run can be given; all by name
    flow: Flow,
    *,
    inputs: Mapping[str, Any] | None = None,
    engine: EngineName = "prefect",
    flows: Sequence[Flow] = (),  # noqa: ARG001  for tasks that start other flows
    trigger: Mapping[str, Any] | None = None,
    labels: Mapping[str, str] | None = None,
    namespace_files: str | os.PathLike[str] | None = None,
    secrets: Mapping[str, str] | None = None,
    storage: str | None = None,
    validate_inputs: bool = True,
    runner: str | None = None,
    execution_id: str | None = None,
    on_log: Sink | None = None,
    on_task: Watcher | None = None,
) -> Execution:
    """Run a flow to its end and return how it ended, also from inside a running event loop (a notebook, say).

    inputs: name to value; texts are converted as Kestra does, dotted names nest, a FILE input takes a local path or a
    storage URI. engine: `prefect` makes it a flow run of the Prefect API that is configured, `local` needs no server.
    trigger, labels: what `{{ trigger }}` and `{{ labels }}` show. namespace_files: a folder with `<namespace>/…` files,
    in place of the one that is configured. secrets: in place of Prefect's Secret blocks and SECRET_<NAME>. storage:
    `file:///…`, `s3://bucket/prefix` or `s3-bucket/<block>`, else Prefect's. validate_inputs: False starts without
    required inputs, as Kestra's triggers do. runner: `process` runs all commands on this machine, whatever their tasks
    ask for. on_log: gets each record as it arrives, from several threads. on_task: gets each task run when an attempt
    of it starts and when it has ended; a skipped one only then.

    Raises InvalidInput or InvalidFlow before anything runs, Unavailable when the API or the storage does not answer,
    StorageError when the storage refuses what is kept of the run itself.
    """
    if not isinstance(flow, Flow):
        raise UsageError("give a flow: wdprefect.run(wdprefect.load('flow.yaml'))")
    if engine not in ("prefect", "local"):
        raise UsageError(f"unknown engine '{engine}': it is 'prefect' or 'local'")
    start = Start(inputs or {}, trigger, labels, secrets, check_inputs=validate_inputs, take_paths=True)
    options = _with_folder(replace(choose_options(flow, runner), block=block_of_prefect), namespace_files)
    check_runners(flow, options)
    sinks, watchers = [on_log] if on_log else [], [on_task] if on_task else []
    identity = execution_id or new_id()
    if engine == "prefect":
        from wdprefect.on_prefect.local_api import use_api  # as above
        from wdprefect.on_prefect.run import run_on_prefect

        use_api()
        return _blocking(lambda: run_on_prefect(flow, start, options, storage, sinks, watchers))
    around = Surroundings(LocalEngine(), open_run_storage(storage), options, sinks, watchers)
    return _blocking(lambda: execute(flow, start, identity, around))


def to_prefect(flow: Flow, *, runner: str | None = None, storage: str | None = None) -> prefect.Flow[..., Any]:
    """The flow as a Prefect flow, with a typed parameter for each input: call it, serve it, deploy it.

    runner, storage: as in `run`. Raises InvalidFlow for a flow that asks for what the project does not allow.
    """
    from wdprefect.on_prefect.flow import make_prefect_flow  # as above

    options = replace(choose_options(flow, runner), block=block_of_prefect)
    return make_prefect_flow(flow, options, storage)


def _with_folder(options: Options, path: str | os.PathLike[str] | None) -> Options:
    """The options with this folder of namespace files in place of the one that is configured."""
    if path is None:
        return options
    folder = Path(path).expanduser().absolute()
    if not folder.is_dir():
        raise UsageError(f"the folder of namespace files '{path}' does not exist: make it, or name another one")
    return replace(options, configuration=replace(options.configuration, namespace_files=folder))


def open_run_storage(url: str | None) -> Storage:
    """The storage of a URL as `run` takes it, or the default one, outside of a run."""
    if url is not None and url.startswith("s3-bucket/"):
        from wdprefect.on_prefect.local_api import use_api  # as above
        from wdprefect.on_prefect.storage import load_bucket, storage_of_block

        use_api()
        return storage_of_block(_blocking(lambda: load_bucket(url)))
    return open_storage(url or default_storage())


def block_of_prefect(name: str) -> Any:
    """What the Prefect block `<type>/<name>` gives to a task. Raises TaskFailed where there is none, or Unavailable."""
    from wdprefect.on_prefect.blocks import prefect_block  # as above
    from wdprefect.on_prefect.local_api import use_api

    use_api()
    return prefect_block(name)


def _blocking(start: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """The result of a coroutine, in an event loop of its own: in this thread, or beside the loop that runs in it."""
    return _in_other_thread(start) if _is_in_loop() else _in_this_thread(start)


def _in_this_thread(start: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """The result of a coroutine in a loop of this thread. Raises Abandoned when Ctrl-C comes too often for an end."""
    has_ended = False

    async def work() -> T:
        nonlocal has_ended
        try:
            result = await start()
        except (asyncio.CancelledError, Exception):
            has_ended = True
            raise
        has_ended = True
        return result

    try:
        return asyncio.run(work())
    except KeyboardInterrupt as error:
        if has_ended:
            raise
        raise Abandoned from error


def _in_other_thread(start: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """The result of a coroutine in a loop of another thread; what interrupts this one cancels it and waits for it."""
    ended: Future[T] = Future()
    interrupted = Stop()

    async def work() -> T:
        task, loop = asyncio.ensure_future(start()), asyncio.get_running_loop()
        with interrupted.calling(lambda: _cancel(task, loop)):
            return await task

    def other_thread() -> None:
        try:
            ended.set_result(asyncio.run(work()))
        except BaseException as error:  # noqa: BLE001  it goes on in the caller's thread
            ended.set_exception(error)

    threading.Thread(target=other_thread, name="wdprefect-run").start()
    try:
        return ended.result()
    except KeyboardInterrupt:
        interrupted.request()
        wait({ended})
        raise


def _cancel(task: asyncio.Future[Any], loop: asyncio.AbstractEventLoop) -> None:
    # The loop is closed when the work ended at that very moment.
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(task.cancel)


def _is_in_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
