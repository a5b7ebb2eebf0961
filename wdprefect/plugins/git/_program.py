"""Running git by GitPython: what it may do, what it sees, and how it ends."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import ModuleType

from wdprefect.errors import TaskFailed
from wdprefect.model.ports import Workspace
from wdprefect.model.stop import Stop
from wdprefect.plugins.git._explain import explain
from wdprefect.plugins.git._remote import Credentials, Remote
from wdprefect.plugins.git._ssh import SshAccess
from wdprefect.workspace.ending import COMMAND_MARKER, RUN_MARKER, Ending
from wdprefect.workspace.guard import guard_of_process

_POLL_SECONDS = 0.05
_GRACE_SECONDS = 1.0

# What the worker's user says about connections stays; every other GIT_… could lead git to another repository,
# configuration or program.
_HIDDEN = ("PREFECT_", "SECRET_", "WDPREFECT_", "GIT_", "SSH_ASKPASS")
_KEPT = ("GIT_SSH", "GIT_SSL_", "GIT_PROXY_SSL_", "GIT_HTTP_", "GIT_EXEC_PATH")

_SETTINGS = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "core.attributesFile": os.devnull,
    "core.askPass": "",
    # A renamed repository redirects the first request; credentials are bound to the host all the same.
    "http.followRedirects": "initial",
    "http.lowSpeedLimit": "1",
    "submodule.recurse": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    # The owner of the directory may be another user, as with mounted volumes.
    "safe.directory": "*",
    # `transfer.fsckObjects` stays off: it refuses old, harmless repositories, and git checks dangerous names of files
    # itself when it writes them.
}


@dataclass(frozen=True, slots=True)
class Finished:
    """How a git command ended; stdout is bytes because names of files are."""

    status: int
    stdout: bytes
    stderr: str


@dataclass(frozen=True, slots=True)
class GitProgram:
    """Git as it talks to one remote. Commands run one after another and end when `stop` is requested.

    Like all commands they are ended, too, when this process is killed: by the guard, and by the marker of `workspace`.
    """

    remote: Remote
    credentials: Credentials | None
    ssh: SshAccess
    environment: Mapping[str, str] = field(repr=False)
    stop: Stop
    workspace: Workspace

    def run(self, directory: Path, *arguments: str, limit: timedelta | None = None) -> bytes:
        """The standard output of a command that succeeds; TaskFailed says why it did not."""
        finished = self.attempt(directory, *arguments, limit=limit)
        if finished.status:
            raise self.failure(finished)
        return finished.stdout

    def attempt(self, directory: Path, *arguments: str, limit: timedelta | None = None) -> Finished:
        """How the command ended. Raises TaskFailed when it was stopped, or took longer than `limit`."""
        if self.stop.requested:
            raise TaskFailed(f"the clone of '{self.remote.url}' was stopped")
        marker = f"{self.workspace.path}#git.{uuid.uuid4().hex[:12]}"
        markers = {RUN_MARKER: self.workspace.run_id, COMMAND_MARKER: marker}
        guard = guard_of_process()
        guard.start(self.workspace.root)
        with (
            _start(directory, arguments, {**self.environment, **self.ssh.environment, **markers}) as process,
            guard.watching(process.pid),
        ):
            try:
                stdout, stderr = self._wait(process, limit)
            except BaseException:
                # Whatever ends the wait, KeyboardInterrupt included, must end git, too.
                _end(process, marker)
                raise
        return Finished(process.returncode, stdout, stderr.decode(errors="replace"))

    def failure(self, finished: Finished) -> TaskFailed:
        """The error that says why a command failed."""
        return TaskFailed(
            explain(finished.stderr, self.remote, self.credentials, self.ssh), exit_status=finished.status
        )

    def _wait(self, process: subprocess.Popen[bytes], limit: timedelta | None) -> tuple[bytes, bytes]:
        deadline = time.monotonic() + limit.total_seconds() if limit else float("inf")
        while True:
            with suppress(subprocess.TimeoutExpired):
                return process.communicate(timeout=_POLL_SECONDS)
            if self.stop.requested:
                raise TaskFailed(f"the clone of '{self.remote.url}' was stopped")
            if time.monotonic() > deadline:
                raise TaskFailed(f"'{self.remote.url}' does not answer in time")


def git_environment(remote: Remote, settings: Mapping[str, str], read: timedelta) -> dict[str, str]:
    """What git gets on top of the worker's own environment: no prompts, no settings but ours, few protocols."""
    every = {**_SETTINGS, "http.lowSpeedTime": str(max(1, round(read.total_seconds()))), **settings}
    return {
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_ALLOW_PROTOCOL": "http:https:ssh:file" if remote.protocol == "file" else "http:https:ssh",
        "GIT_CONFIG_COUNT": str(len(every)),
        **{f"GIT_CONFIG_KEY_{number}": key for number, key in enumerate(every)},
        **{f"GIT_CONFIG_VALUE_{number}": value for number, value in enumerate(every.values())},
    }


def _start(directory: Path, arguments: tuple[str, ...], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    executable = shutil.which("git")
    if executable is None:
        raise TaskFailed("git is not installed on the worker (install git, or put it on the PATH)")
    git = _git_python()
    # GitPython hands on all of os.environ and can only add to it: `env -u` takes out what git must not see.
    hidden = [name for name in os.environ if name.startswith(_HIDDEN) and not name.startswith(_KEPT)]
    without = [part for name in hidden if name not in environment for part in ("-u", name)]
    command = ["env", *without, executable, *arguments]
    started = git.Git(directory).execute(command, as_process=True, env=environment, start_new_session=True)
    # GitPython ends the process when its wrapper is collected; from here on it is ours to end.
    process: subprocess.Popen[bytes] | None
    process, started.proc = started.proc, None
    assert process is not None
    return process


def _git_python() -> ModuleType:
    try:
        # Deferred: costs 140 ms.
        import git
    except ImportError as error:
        # GitPython runs git when it is imported, by default the one on the PATH.
        raise TaskFailed("GitPython cannot run git (is GIT_PYTHON_GIT_EXECUTABLE set to a git program?)") from error
    return git


def _end(process: subprocess.Popen[bytes], marker: str) -> None:
    # Once it has been waited for, its number may be another's.
    if process.returncode is None:
        ending = Ending(process.pid, marker)
        ending.ask()
        deadline = time.monotonic() + _GRACE_SECONDS
        while not ending.is_over() and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        # The helpers of git may outlive it.
        ending.kill()
    process.wait()
