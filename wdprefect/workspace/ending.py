"""Ending a program together with everything it started.

A program's children are in its process group, unless they asked for a session of their own. Those are found as
descendants, while the family still hangs together, and by the marker in their environment, which they inherit.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psutil

RUN_MARKER = "WDPREFECT_RUN"
COMMAND_MARKER = "WDPREFECT_COMMAND"

# How long a killed process may take to be gone; usually a millisecond.
GONE_SECONDS = 1.0
POLL_SECONDS = 0.02


class Ending:
    """The ending of one command: asked to first, killed later.

    group: the program's process id, which is its group's too. It must not have been waited for, so that the number
    cannot belong to anybody else. marker: the value of WDPREFECT_COMMAND that it was started with.
    """

    def __init__(self, group: int, marker: str) -> None:
        self._group, self._marker = group, marker
        self._family: list[psutil.Process] = []

    def ask(self) -> None:
        """Send SIGTERM to the group and to what left it."""
        import psutil  # 13 ms, and most runs end nothing

        with suppress(psutil.Error):
            self._family = psutil.Process(self._group).children(recursive=True)
        self._family += marked_processes(self._marker)
        strays = [process for process in set(self._family) if _group_of(process.pid) != self._group]
        signal_group(self._group, signal.SIGTERM)
        for process in strays:
            with suppress(psutil.Error):
                process.terminate()

    def is_over(self) -> bool:
        """Whether nothing of it lives any more."""
        return not _living_of_group(self._group) and not any(map(_is_living, self._family))

    def kill(self) -> None:
        """Send SIGKILL to all of it, and wait until it is gone or a second is over."""
        signal_group(self._group, signal.SIGKILL)
        kill_all([*self._family, *marked_processes(self._marker)])
        end = time.monotonic() + GONE_SECONDS
        while _living_of_group(self._group) and time.monotonic() < end:
            time.sleep(POLL_SECONDS)


def signal_group(group: int, number: signal.Signals) -> None:
    """Send a signal to a process group; nothing happens when it has ended."""
    # macOS says "not permitted" of a group that holds only the dead.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def marked_processes(marker: str, run_id: str | None = None) -> list[psutil.Process]:
    """The processes whose WDPREFECT_COMMAND starts with `marker`, except this one.

    run_id: what their WDPREFECT_RUN must be. Processes whose environment this user may not read are passed over.
    """
    found = [pid for pid in _candidates(f"{COMMAND_MARKER}={marker}".encode()) if pid != os.getpid()]
    if not found:
        return []
    import psutil  # 13 ms, and most runs end nothing

    processes = []
    for pid in found:
        with suppress(psutil.Error):
            process = psutil.Process(pid)
            environment = process.environ()
            if environment.get(COMMAND_MARKER, "").startswith(marker) and run_id in (None, environment.get(RUN_MARKER)):
                processes.append(process)
    return processes


def _candidates(text: bytes) -> list[int]:
    """Processes that may have `text` in their environment: on Linux those which have, elsewhere all."""
    if not Path("/proc/self/environ").exists():
        import psutil  # 13 ms, and Linux does without it

        return psutil.pids()
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):  # noqa: PTH208 (a hot loop: no Path is needed)
        with suppress(OSError):
            descriptor = os.open(f"/proc/{name}/environ", os.O_RDONLY)
            try:
                if text in os.read(descriptor, 1 << 20):
                    found.append(int(name))
            finally:
                os.close(descriptor)
    return found


def kill_all(processes: Iterable[psutil.Process]) -> None:
    """Send SIGKILL to each process and wait until they are gone or a second is over."""
    doomed = list(processes)
    if not doomed:
        return
    import psutil  # loaded already: somebody made the processes

    for process in doomed:
        with suppress(psutil.Error):
            process.kill()
    end = time.monotonic() + GONE_SECONDS
    while any(map(_is_living, doomed)) and time.monotonic() < end:
        time.sleep(POLL_SECONDS)


def _living_of_group(group: int) -> list[psutil.Process]:
    import psutil  # loaded already by whoever asks for an ending

    members = []
    for pid in psutil.pids():
        with suppress(psutil.Error):
            if _group_of(pid) == group and _is_living(process := psutil.Process(pid)):
                members.append(process)
    return members


def _is_living(process: psutil.Process) -> bool:
    import psutil  # loaded already: somebody made the process

    try:
        # One that nobody has waited for yet is dead all the same.
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _group_of(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except OSError:
        return -1
