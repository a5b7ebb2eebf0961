"""The warm runner, as whoever wants runs uses it."""

from __future__ import annotations

import logging
import os
import select
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from wdprefect.errors import InvalidFlow, Position, Problem, Unavailable, UsageError
from wdprefect.execution.runners import choose_options
from wdprefect.loader import load_file
from wdprefect.on_prefect.warm.output import Output
from wdprefect.on_prefect.warm.owner import END_SECONDS
from wdprefect.on_prefect.warm.process import Settings, TemplateProcess
from wdprefect.on_prefect.warm.runs import MARGIN_SECONDS, AskedRun

# What a loaded machine may take to import Prefect.
START_SECONDS = 120.0
LOOK_SECONDS = 0.1
LAST_LINES = 20
MOST = 16
MOST_TRIES = 3
_log = logging.getLogger(__name__)

# Gets a run that has ended and its exit code: 0 when it is closed in the API, other numbers when its process died, None
# when the template died and nobody knows whether it began. Called in the runner's thread.
OnExit = Callable[[UUID, "int | None"], None]
# Gets what a run writes to its console beside its log, line by line; None stands for the template itself.
OnLine = Callable[["UUID | None", str], None]


@contextmanager
def warm_runner(settings: Settings, on_exit: OnExit, on_line: OnLine, most: int = MOST) -> Iterator[WarmRunner]:
    """A runner that is ready, and is stopped at once when the block ends: see `WarmRunner.start` and `stop`."""
    runner = WarmRunner(settings, on_exit, on_line, most)
    runner.start()
    try:
        yield runner
    finally:
        runner.stop(0)


class WarmRunner:
    """Executes flow runs that are pending, each in a process forked for it. Safe to use from several threads.

    with warm_runner(Settings({"company.team.pip": Path("pip.yaml")}), on_exit, on_line) as runner:
        runner.execute(flow_run_id, "company.team.pip")

    most: how many run at a time; others wait. on_broken: gets the mistake by which the runner's thread has ended.

    When this process dies, so do its runs, within two seconds or so; they are closed as Crashed.
    """

    def __init__(
        self,
        settings: Settings,
        on_exit: OnExit,
        on_line: OnLine,
        most: int = MOST,
        on_broken: Callable[[BaseException], None] | None = None,
    ) -> None:
        self._on_broken = on_broken
        self._settings, self._on_exit, self._on_line, self._most = settings, on_exit, on_line, most
        # Guards what follows; notified when a run has ended and when the template is ready or dead.
        self._changed = threading.Condition()
        self._runs: dict[UUID, AskedRun] = {}
        self._template: TemplateProcess | None = None
        self._is_ready = False
        self._is_stopping = False
        self._said: deque[str] = deque(maxlen=LAST_LINES)
        self._waking, self._wake = os.pipe()
        self._thread = threading.Thread(target=self._watch_to_the_end, name="wdprefect-warm", daemon=True)

    def start(self) -> None:
        """Start the template and wait until it is ready.

        Raises InvalidFlow for flows that do not load, Unavailable when the template does not start.
        """
        check(self._settings)
        with self._changed:
            self._open()
            self._thread.start()
            self._changed.wait_for(lambda: self._is_ready or self._template is None, START_SECONDS)
            if self._is_ready:
                return
        self.stop(0)
        raise Unavailable("\n  ".join(["the process that warm runs come from did not start", *self._said]))

    def execute(self, flow_run_id: UUID, flow: str) -> None:
        """Execute a flow run of the API that is pending: one of the flow `<namespace>.<id>`. Returns at once."""
        if flow not in self._settings.flows:
            raise UsageError(f"the warm runner has no flow '{flow}'; it has: {', '.join(self._settings.flows)}")
        with self._changed:
            if self._is_stopping:
                raise UsageError("the warm runner has been stopped")
            if flow_run_id in self._runs:
                raise UsageError(f"the flow run {flow_run_id} is executed already")
            if self._template is None:
                self._open()
            self._runs[flow_run_id] = AskedRun.make(flow_run_id, flow, self._on_line)
            self._ask_more()
        self._wake_up()

    def running(self) -> frozenset[UUID]:
        """The runs that were asked for and have not ended."""
        with self._changed:
            return frozenset(self._runs)

    def stop(self, grace_seconds: float) -> None:
        """Wait for the runs as long as the grace, then end them as Crashed; returns when all is gone.

        May be called twice. Not from the callbacks.
        """
        with self._changed:
            self._changed.wait_for(lambda: not self._runs, grace_seconds)
            self._is_stopping = True
            if self._template:
                self._template.finish()
        if self._thread.is_alive():
            self._wake_up()
            self._thread.join(END_SECONDS + 3 * MARGIN_SECONDS)
            if self._template:
                # It hangs.
                self._template.wait(0)

    def _open(self) -> None:
        self._is_ready, self._said = False, deque(maxlen=LAST_LINES)
        try:
            self._template = TemplateProcess(self._settings)
        except OSError as error:
            raise Unavailable(f"no process can be started for warm runs: {error.strerror}") from error
        self._template_output = Output(self._template.output, self._template_says)

    def _ask_more(self) -> None:
        under_way = sum(run.is_asked for run in self._runs.values())
        waiting = [run for run in self._runs.values() if not run.is_asked]
        for run in waiting[: max(0, self._most - under_way)]:
            if self._template is not None:
                run.ask(self._template)

    def _wake_up(self) -> None:
        os.write(self._wake, b"x")

    def _woken(self) -> None:
        os.read(self._waking, 4096)

    def _watch_to_the_end(self) -> None:
        try:
            self._watch()
        except BaseException as error:
            if self._on_broken is None:
                raise
            self._on_broken(error)

    def _watch(self) -> None:
        """Hear of all that happens, until all is gone."""
        while True:
            with self._changed:
                if self._is_stopping and self._template is None and not self._runs:
                    break
                heard = self._heard()
                timeout = LOOK_SECONDS * 1000 if any(run.is_orphan for run in self._runs.values()) else None
            poll = select.poll()
            for file in heard:
                poll.register(file, select.POLLIN)
            ready = {file for file, _ in poll.poll(timeout)}
            for file, hear in heard.items():
                if file in ready:
                    hear()
            if timeout is not None:
                self._bury()
        os.close(self._waking)
        os.close(self._wake)

    def _heard(self) -> dict[int, Callable[[], None]]:
        """What can be read from, and what then reads it; last what may close others of these."""
        outputs = [run.output for run in self._runs.values()]
        if self._template:
            outputs.append(self._template_output)
        found: dict[int, Callable[[], None]] = {each.fileno(): each.read for each in outputs if not each.has_ended}
        found[self._waking] = self._woken
        if self._template:
            found[self._template.messages.fileno()] = self._hear_template
        return found

    def _hear_template(self) -> None:
        assert self._template is not None
        messages = self._template.messages.receive()
        if messages is None:
            self._lose_template()
        for message in messages or ():
            self._hear(message)

    def _hear(self, message: Mapping[str, Any]) -> None:
        match message:
            case {"loaded": problems}:
                for problem in problems.values():
                    self._on_line(None, problem)
                with self._changed:
                    self._is_ready = True
                    self._changed.notify_all()
            case {"taken": flow_run_id}:
                self._runs[UUID(flow_run_id)].is_taken_over()
            case {"started": flow_run_id, "pid": pid}:
                self._runs[UUID(flow_run_id)].has_started(pid)
            case {"exited": flow_run_id, "code": code}:
                self._end([self._runs[UUID(flow_run_id)]], code)

    def _lose_template(self) -> None:
        """The template has died: start another one, which gets the runs that the dead one had not taken."""
        template = self._template
        assert template is not None
        template.wait(MARGIN_SECONDS)
        template.messages.close()
        self._template_output.close()
        with self._changed:
            was_ready, self._template = self._is_ready, None
            lost = [run for run in self._runs.values() if run.lose_template()]
            # One that does not even get ready would not the next time: its runs are given back.
            if was_ready and not self._is_stopping and self._reopen():
                # And a run of which templates die before they begin it.
                lost = [run for run in lost if run.tries >= MOST_TRIES]
        self._end(lost, None)

    def _reopen(self) -> bool:
        try:
            self._open()
        except Unavailable as error:
            _log.error("%s", error)
            return False
        return True

    def _bury(self) -> None:
        """Report runs whose template has died, as they end."""
        with self._changed:
            orphans = [run for run in self._runs.values() if run.is_orphan]
        self._end([run for run in orphans if run.is_over()], None)

    def _end(self, runs: Sequence[AskedRun], code: int | None) -> None:
        """These have ended: say so, and ask for others."""
        with self._changed:
            for run in runs:
                del self._runs[run.id]
            if not self._is_stopping:
                self._ask_more()
            self._changed.notify_all()
        for run in runs:
            run.close()
            try:
                self._on_exit(run.id, code)
            except Exception:  # noqa: BLE001  it is logged, and
                # Another run's end must still be heard.
                _log.exception("what was to happen at the end of the flow run %s has failed", run.id)

    def _template_says(self, line: str) -> None:
        self._said.append(line)
        self._on_line(None, line)


def check(settings: Settings) -> None:
    """Raises InvalidFlow when one of the flows cannot be run, or is another one than its name says."""
    problems: list[Problem] = []
    for name, file in settings.flows.items():
        try:
            flow = load_file(file)
            choose_options(flow, settings.runner)
        except InvalidFlow as error:
            problems += error.problems
            continue
        if flow.name != name:
            message = f"the file holds the flow '{flow.name}', not '{name}'"
            problems.append(Problem(Position(str(file), 1, 1), "WD422", message))
    if problems:
        raise InvalidFlow(problems)
