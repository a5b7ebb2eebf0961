"""The local server's process, seen from outside: launched, recognised, awaited, ended."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import psutil

from wdprefect.errors import Unavailable
from wdprefect.on_prefect.server_state import POLL_SECONDS, ServerState

HOST = "127.0.0.1"
MODULE = "wdprefect.on_prefect.server_app"
# A first start, which makes the database, took 27 s on a loaded machine.
START_SECONDS = 120.0
STOP_SECONDS = 10.0
LOG_LINES = 20


def origin(port: int) -> str:
    """Where the server's pages are found."""
    return f"http://{HOST}:{port}"


def log_file(home: Path) -> Path:
    """The log of the server that was launched last."""
    return home / "server.log"


def launch(home: Path, preferred_port: int | None) -> tuple[int, int]:
    """Start a server in the background and return its pid and its port, which is the preferred one if that is free.

    The server does not answer yet. It belongs to no terminal and is no child of the caller.
    """
    with _bound_socket(preferred_port) as listener, _new_log(home) as log:
        port: int = listener.getsockname()[1]
        # Handing over the bound socket leaves no moment in which another program could take the port.
        try:
            done = subprocess.run(
                [sys.executable, "-m", MODULE, str(home), str(listener.fileno())],
                cwd=home,
                env=child_environment(os.environ, home, port),
                pass_fds=[listener.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                # What the server writes, the database and its -wal and -shm first, is for its user alone.
                umask=0o077,
                check=True,
            )
        except subprocess.CalledProcessError as error:
            raise Unavailable(_with_log("the local Prefect server cannot be started", home)) from error
    return int(done.stdout), port


def child_environment(caller: Mapping[str, str], home: Path, port: int) -> dict[str, str]:
    """The server's environment: its own settings, and the caller's variables but for Prefect settings and secrets."""
    inherited = {k: v for k, v in caller.items() if not k.startswith(("PREFECT_", "SECRET_", "WDPREFECT_"))}
    return inherited | {
        "DO_NOT_TRACK": "1",
        "PREFECT_HOME": str(home),
        # With the umask above, copying the pages into the installed package would hide them from its other users.
        "PREFECT_SERVER_UI_STATIC_DIRECTORY": str(home / "ui"),
        # A relative address makes the pages work under every name the guard admits, also through a tunnel.
        "PREFECT_SERVER_UI_API_URL": "/api",
        "PREFECT_UI_URL": origin(port),
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": origin(port),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        # It marks runs as late in transactions that fight over SQLite: 200 events at once gave 2,400 errors
        # "database is locked" with it and none without. What is lost is the word Late beside a waiting run.
        "PREFECT_SERVER_SERVICES_LATE_RUNS_ENABLED": "false",
    }


def is_running(pid: int, home: Path) -> bool:
    """Whether the process lives and is the server of this directory, rather than another one that got its pid.

    Told by the command line. The start time would not do: it moves with the clock of a machine that was asleep, and
    taking a living server for a dead one would put two on one database.
    """
    try:
        arguments = psutil.Process(pid).cmdline()
    # A zombie is among these.
    except psutil.Error:
        return False
    return MODULE in arguments and str(home) in arguments


def await_answer(state: ServerState, home: Path) -> None:
    """Return when the server answers; raises Unavailable with the end of its log when it has died or takes too long."""
    deadline = time.monotonic() + START_SECONDS
    while not is_healthy(state.port):
        if not is_running(state.pid, home):
            raise Unavailable(_with_log("the local Prefect server ended before it answered", home))
        if time.monotonic() > deadline:
            raise Unavailable(_with_log(f"the local Prefect server, pid {state.pid}, does not answer", home))
        time.sleep(POLL_SECONDS)


def is_healthy(port: int) -> bool:
    """Whether a Prefect API on this port says within two seconds that it is well."""
    # Plain http.client asks no proxy, whatever the environment says.
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", "/api/health")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def end(pid: int) -> None:
    """End the server and its whole group, by SIGTERM and after ten seconds by SIGKILL; returns when they are gone."""
    for signum in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(pid, signum)
        # macOS refuses to signal a group of zombies.
        except (ProcessLookupError, PermissionError):
            return
        if _is_gone(pid):
            return


def _is_gone(group: int) -> bool:
    deadline = time.monotonic() + STOP_SECONDS
    while any(_belongs(process, group) for process in psutil.process_iter()):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def _belongs(process: psutil.Process, group: int) -> bool:
    try:
        # Some containers' first process reaps orphans only every few seconds.
        return os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE
    except (OSError, psutil.Error):
        return False


def _bound_socket(preferred_port: int | None) -> socket.socket:
    if preferred_port:
        try:
            return _bound_to(preferred_port)
        except OSError:
            # Someone else has it by now.
            pass
    return _bound_to(0)


def _bound_to(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        # Connections of the server before may still be closing on this port.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
    except OSError:
        listener.close()
        raise
    return listener


def _new_log(home: Path) -> BinaryIO:
    log = log_file(home)
    # The log of a server that died is what its user will want to read.
    if log.exists():
        log.replace(log.with_suffix(".log.1"))
    return os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "wb")


def _with_log(message: str, home: Path) -> str:
    log = log_file(home)
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES:] if log.exists() else []
    return "\n".join([f"{message}; its log is '{log}'", *(f"  {line}" for line in lines)])
