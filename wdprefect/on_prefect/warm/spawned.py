"""Runs where a process must not be forked: a new Python for each, `python -m wdprefect.on_prefect.warm.spawned`.

On macOS the system's own libraries may end a forked process, or hang in it. Such a run starts as late as a worker's;
all else is as with forked ones.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from wdprefect.on_prefect.local_api import quiet_console
from wdprefect.on_prefect.owned import CLOSING, owner_files
from wdprefect.on_prefect.warm.child import Job
from wdprefect.on_prefect.warm.flows import WarmFlows
from wdprefect.on_prefect.warm.owner import Lease, Owner


def spawn_run(settings: Mapping[str, Any], request: Mapping[str, Any], output: int, alive: int) -> int:
    """Start the process of a run; returns its id. The arguments are as the template has them."""
    process = subprocess.Popen(
        [sys.executable, "-m", "wdprefect.on_prefect.warm.spawned", str(alive)],
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=output,
        pass_fds=[alive],
        start_new_session=True,
        text=True,
    )
    assert process.stdin is not None
    with process.stdin as stdin:
        json.dump({"settings": settings, "run": request["run"], "flow": request["flow"]}, stdin)
    return _left_to_others(process)


def spawn_closing(flow_run_id: str) -> int:
    """Start a process that closes a run; returns its id."""
    return _left_to_others(subprocess.Popen([sys.executable, "-m", CLOSING, str(owner_files() / flow_run_id)]))


def _left_to_others(process: subprocess.Popen[Any]) -> int:
    # The template waits for all its children itself.
    process.returncode = 0
    return process.pid


def main() -> int:
    """Execute a run; returns the exit code."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    given = json.load(sys.stdin)
    quiet_console()
    owner = Owner()
    flow = WarmFlows.of(given["settings"], owner).find(given["flow"])
    return Job(UUID(given["run"]), flow, owner, int(sys.argv[1]), Lease.of(given["settings"])).run()


if __name__ == "__main__":
    sys.exit(main())
