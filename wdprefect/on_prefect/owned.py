"""Runs that no worker owns: who runs them, known in two ways, so that they are closed when that process dies.

At once by the guard, which starts `closing` for each run that the dead process had. Where the guard died too, with the
machine or a container, by the next start of any run, which finds an owner file that nobody locks any more.

The files lie beside the local server's home and not on the flow run: a lock needs no comparing of hosts, boots, process
ids and start times, a start that finds no file asks the API nothing, and the UI shows nothing that is ours alone.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from uuid import UUID

from prefect.settings import get_current_settings

from wdprefect.execution.folders import user_home
from wdprefect.workspace.guard import guard_of_process
from wdprefect.workspace.ownership import abandoned, own

CLOSING = "wdprefect.on_prefect.closing"
MOST = 50


@contextmanager
def owning(flow_run_id: UUID) -> Iterator[None]:
    """While the block runs, the flow run is this process's, and is closed when this process dies."""
    file = owner_files() / str(flow_run_id)
    with guard_of_process().calling_on_death([sys.executable, "-m", CLOSING, str(file)], api_environment()):
        lock = _own(file)
        try:
            yield
        finally:
            with suppress(OSError):
                file.unlink(missing_ok=True)
            if lock is not None:
                os.close(lock)


@contextmanager
def dead_owners() -> Iterator[dict[UUID, Path]]:
    """The owner files of runs of this host whose process has died, by flow run. Nobody else gets them meanwhile."""
    found: dict[UUID, Path] = {}
    with ExitStack() as locks:
        for file in _files():
            if (
                len(found) < MOST
                and (content := locks.enter_context(abandoned(file))) is not None
                and _is_ours(content)
            ):
                found[UUID(file.name)] = file
        yield found


def owner_files() -> Path:
    """The folder of this user's owner files, of which each is named by a flow run."""
    return user_home() / "runs"


def api_environment() -> dict[str, str]:
    """The variables by which another process reaches the Prefect API that this one uses, keys included."""
    settings = get_current_settings()
    # All settings would take 25 ms. What a profile says is among these, and wins over it.
    used = [part.to_environment_variables(exclude_unset=True) for part in (settings.api, settings.client)]
    return {name: value for name, value in os.environ.items() if name.startswith("PREFECT_")} | used[0] | used[1]


def _own(file: Path) -> int | None:
    # A home that cannot be written: the guard alone has to do.
    with suppress(OSError):
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return own(file, {"host": socket.gethostname(), "boot": _boot(), "pid": os.getpid()})
    return None


def _files() -> list[Path]:
    with suppress(OSError):
        return [file for file in sorted(owner_files().iterdir()) if _is_id(file.name)]
    return []


def _is_id(name: str) -> bool:
    try:
        return str(UUID(name)) == name
    except ValueError:
        return False


def _is_ours(content: bytes) -> bool:
    """Whether a free lock means that the owner has died: a folder of the network may hold other hosts' files."""
    try:
        owner = json.loads(content)
        host, boot = owner["host"], owner["boot"]
    except (ValueError, LookupError, TypeError):
        # The content is lost when the power goes. The network's files have theirs.
        return True
    # Containers of one host have names of their own, and one kernel, which keeps the locks.
    return bool(host == socket.gethostname() or (boot and boot == _boot()))


def _boot() -> str:
    """What this start of the machine is called; empty where the system does not say."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return ""
