"""The process from which warm runs are forked.

It has one thread, no event loop and no connection to the API: all that a fork would leave half a copy of.
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import socket
import sys
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from types import FrameType
from typing import Any
from uuid import UUID

from wdprefect.on_prefect.closing import close_flow_run
from wdprefect.on_prefect.local_api import quiet_console
from wdprefect.on_prefect.warm.child import Job, detach
from wdprefect.on_prefect.warm.execution import ENDED
from wdprefect.on_prefect.warm.flows import WarmFlows
from wdprefect.on_prefect.warm.messages import Messages
from wdprefect.on_prefect.warm.owner import END_SECONDS, Lease, Owner
from wdprefect.on_prefect.warm.preloading import preload
from wdprefect.on_prefect.warm.spawned import spawn_closing, spawn_run

# What children get, when the owner is gone, beyond the time in which they end themselves.
MARGIN_SECONDS = 2.0


class Template:
    """Waits for requests and forks."""

    def __init__(self, messages: Messages, settings: Mapping[str, Any]) -> None:
        self._messages, self._settings = messages, settings
        self._owner, self._lease = Owner(), Lease.of(settings)
        self._flows = WarmFlows.of(settings, self._owner)
        self._requests: deque[dict[str, Any]] = deque()
        # Who runs, and for whom: children that execute a run, and those that close one.
        self._runs: dict[int, str] = {}
        self._closers: dict[int, tuple[str, int]] = {}
        self._alive, self._keep = os.pipe()
        self._waking, self._wake = os.pipe()
        # What a child must not have: it would live on in it.
        self._own = [self._keep, self._waking, self._wake]

    def load(self) -> None:
        """Get ready, and say so."""
        self._tell({"loaded": self._flows.load()})
        preload()

    def serve(self) -> Job | None:
        """Fork as asked, until the owner is gone and all children have ended.

        Returns None then; in each child what that child has to do.
        """
        os.set_blocking(self._waking, False)
        os.set_blocking(self._wake, False)
        signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, _ignore)
        # Objects that were made so far are neither looked at by the collector nor copied therefore.
        gc.collect()
        waiting = select.poll()
        waiting.register(self._messages, select.POLLIN)
        waiting.register(self._waking, select.POLLIN)
        while True:
            waiting.poll()
            self._reap()
            if select.select([self._messages], [], [], 0)[0]:
                requests = self._messages.receive()
                if requests is None:
                    break
                self._requests.extend(requests)
            while self._requests:
                if job := self._start(self._requests.popleft()):
                    return job
        self._end()
        return None

    def _start(self, request: Mapping[str, Any]) -> Job | None:
        flow_run_id, output = request["run"], request["file"]
        flow = self._flows.find(request["flow"])
        # Should this process die now, its owner knows that there may be a child.
        self._tell({"taken": flow_run_id})
        if self._settings["forks"]:
            pid = self._fork()
            if pid == 0:
                detach(output)
                return Job(UUID(flow_run_id), flow, self._owner, self._alive, self._lease)
        else:
            pid = spawn_run(self._settings, request, output, self._alive)
        os.close(output)
        self._runs[pid] = flow_run_id
        self._tell({"started": flow_run_id, "pid": pid})
        return None

    def _fork(self) -> int:
        sys.stdout.flush()
        sys.stderr.flush()
        gc.freeze()
        pid = os.fork()
        if pid == 0:
            self._messages.close()
            for file in [*self._own, *(request["file"] for request in self._requests)]:
                os.close(file)
        return pid

    def _reap(self) -> None:
        with suppress(BlockingIOError):
            os.read(self._waking, 4096)
        while self._runs or self._closers:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            code = os.waitstatus_to_exitcode(status)
            if pid in self._closers:
                self._exited(*self._closers.pop(pid))
            elif (flow_run_id := self._runs.pop(pid, None)) is not None:
                self._ended(flow_run_id, code)

    def _ended(self, flow_run_id: str, code: int) -> None:
        if code == ENDED:
            self._exited(flow_run_id, code)
            return
        pid = self._fork() if self._settings["forks"] else spawn_closing(flow_run_id)
        if pid == 0:
            os._exit(_close(UUID(flow_run_id)))
        self._closers[pid] = flow_run_id, code

    def _exited(self, flow_run_id: str, code: int) -> None:
        self._tell({"exited": flow_run_id, "code": code})

    def _end(self) -> None:
        """Let the children end, who see that their owner is gone, and kill the others."""
        self._own.remove(self._keep)
        os.close(self._keep)
        deadline = time.monotonic() + END_SECONDS + MARGIN_SECONDS
        while self._runs or self._closers:
            if time.monotonic() > deadline:
                for pid in [*self._runs, *self._closers]:
                    os.kill(pid, signal.SIGKILL)
                return
            select.select([self._waking], [], [], 0.1)
            self._reap()

    def _tell(self, message: Mapping[str, Any]) -> None:
        # Nobody is there any more: the next message that is not received says so.
        with suppress(OSError):
            self._messages.send(message)


def _close(flow_run_id: UUID) -> int:
    """Close a run that may be open, in a process that was just forked for it."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        close_flow_run(flow_run_id)
    except Exception as error:  # noqa: BLE001  its guard, or the next start, closes it
        print(f"the flow run {flow_run_id} could not be closed: {error}", file=sys.stderr, flush=True)  # noqa: T201
        return 1
    return 0


def _ignore(number: int, frame: FrameType | None) -> None:
    """A handler that does nothing: the signal wakes up whoever waits."""


def serve(connection: int) -> int:
    """Be a template, or in a child execute a run; returns the exit code of the process.

    connection: the descriptor of the socket to the runner. What to load stands on standard input, as JSON.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    settings = json.load(sys.stdin)
    quiet_console()
    template = Template(Messages(socket.socket(fileno=connection)), settings)
    template.load()
    job = template.serve()
    return job.run() if job else ENDED
