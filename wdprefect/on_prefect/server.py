"""The Prefect server of this user: found or started in the background when no Prefect API is configured."""

from __future__ import annotations

import importlib.metadata
import shlex
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from wdprefect.on_prefect import server_process
from wdprefect.on_prefect.server_state import ServerState, forget, open_home, read_state, server_home, write_state


@dataclass(frozen=True, slots=True)
class Server:
    """A running local server.

    version: the Prefect release it runs, which stays the old one when the package is upgraded under a living server.
    started: true for the call that started it.
    """

    api_url: str
    ui_url: str
    pid: int
    home: Path
    version: str
    started: bool

    @property
    def is_outdated(self) -> bool:
        """Whether the Prefect that is installed by now is another one."""
        return self.version != installed_prefect()

    @property
    def log(self) -> Path:
        """The file that holds what the server had to say since its start."""
        return server_process.log_file(self.home)


def installed_prefect() -> str:
    """The release of Prefect that the next server would be."""
    return importlib.metadata.version("prefect")


def configured_api_url() -> str | None:
    """The Prefect API that the user configured, as Prefect resolves it: from environment, files and active profile."""
    # Costs 1.1 s where Prefect is not imported yet: `prefect.settings` cannot be had without all of it.
    from prefect.settings import get_current_settings

    return get_current_settings().api.url or None


def ensure_server() -> Server:
    """The user's local server, answering; starts one where none runs. Safe to call from several processes at once.

    A living server of another Prefect version is kept, because runs may be under way on it: see `Server.version`.
    Raises Unavailable, and leaves nothing running that it started, when the server does not answer within two minutes.
    """
    home = server_home()
    with open_home(home):
        state = _living(home)
        if state is None:
            return _start(home)
    # Not under the lock: a server that hangs can be stopped meanwhile.
    server_process.await_answer(state, home)
    return _server(state, home, started=False)


def find_server() -> Server | None:
    """The user's local server, or None when none runs. It may still be starting, or busy: ask `is_answering`."""
    home = server_home()
    state = _living(home)
    return None if state is None else _server(state, home, started=False)


def is_answering(server: Server) -> bool:
    """Whether the server says within two seconds that it is well."""
    return server_process.is_healthy(urlsplit(server.api_url).port or 0)


def stop_server() -> bool:
    """True after the user's local server has ended, with its whole process group; False when none ran."""
    home = server_home()
    if _living(home) is None:
        return False
    with open_home(home):
        state = _living(home)
        if state is not None:
            server_process.end(state.pid)
        forget(home)
    return state is not None


def exports(server: Server) -> str:
    """The shell line by which `prefect deploy`, workers and other commands of Prefect use the server."""
    return f"export PREFECT_API_URL={shlex.quote(server.api_url)}"


def _living(home: Path) -> ServerState | None:
    state = read_state(home)
    return state if state is not None and server_process.is_running(state.pid, home) else None


def _start(home: Path) -> Server:
    # The port of a server that died is asked for again: its address stands in open pages and in workers' settings.
    leftover = read_state(home)
    pid, port = server_process.launch(home, leftover.port if leftover else None)
    state = ServerState(pid, port, installed_prefect(), importlib.metadata.version("wdprefect"))
    try:
        write_state(home, state)
        server_process.await_answer(state, home)
    except BaseException:
        # Also when the user interrupts the wait: a server that nobody knows of must not stay behind.
        server_process.end(pid)
        forget(home)
        raise
    return _server(state, home, started=True)


def _server(state: ServerState, home: Path, *, started: bool) -> Server:
    origin = server_process.origin(state.port)
    return Server(f"{origin}/api", origin, state.pid, home, state.prefect, started)
