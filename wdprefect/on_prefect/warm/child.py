"""The process of one warm run, from the fork to its end."""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

import prefect

from wdprefect.errors import WdprefectError
from wdprefect.on_prefect.owned import owning
from wdprefect.on_prefect.warm.execution import LEFT_OPEN, execute
from wdprefect.on_prefect.warm.owner import Lease, Owner


@dataclass(frozen=True, slots=True)
class Job:
    """What a child has to do. alive: the pipe that closes when its owner dies."""

    flow_run_id: UUID
    flow: prefect.Flow[..., Any] | WdprefectError
    owner: Owner
    alive: int
    lease: Lease | None

    def run(self) -> int:
        """Execute the run in this process, which has nothing else to do; returns the exit code."""
        signal.signal(signal.SIGTERM, self.owner.on_sigterm)
        os.environ["PREFECT__FLOW_RUN_ID"] = str(self.flow_run_id)
        begin = partial(self.owner.begin, self.alive, self.lease)
        try:
            with owning(self.flow_run_id):
                return execute(self.flow, self.flow_run_id, self.owner, begin)
        except BaseException:  # noqa: BLE001  whoever reads our output is told, whatever it is
            traceback.print_exc()
            return LEFT_OPEN


def detach(output: int) -> None:
    """Make a process that was just forked one of its own: its session, its signals, its output."""
    os.setsid()
    signal.set_wakeup_fd(-1)
    for number, handler in _usual_signals().items():
        signal.signal(number, handler)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)


def _usual_signals() -> Mapping[signal.Signals, Any]:
    usual = signal.SIG_DFL
    return {signal.SIGCHLD: usual, signal.SIGTERM: usual, signal.SIGINT: signal.default_int_handler}
