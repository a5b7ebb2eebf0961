"""Commands as processes of this machine: Kestra's Process runner.

Each command is a session and process group of its own, with closed input and pipes of ours for its output, so that
nothing of it survives its end or ours.

Its environment is that of this process, without what may hold our secrets (`PREFECT_*`, `SECRET_*`, `WDPREFECT_*`;
Kestra passes all), then the command's own, then `WORKING_DIR` and the markers `WDPREFECT_RUN` and `WDPREFECT_COMMAND`.

`python` means what the PATH says. Only where it says nothing, the folder of the Python that runs us comes first in it.
"""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path

from wdprefect.errors import TaskFailed
from wdprefect.model.ports import Command, OnLine, Workspace
from wdprefect.model.stop import Stop
from wdprefect.workspace.child import Child
from wdprefect.workspace.ending import COMMAND_MARKER, RUN_MARKER, kill_all, marked_processes
from wdprefect.workspace.guard import Guard, guard_of_process
from wdprefect.workspace.under_way import STOPPED, UnderWay

WITHHELD = ("PREFECT_*", "SECRET_*", "WDPREFECT_*")


class ProcessRunner:
    """Runs commands as processes of this machine. Implements the port Runner.

    allowed: names or patterns (`SECRET_DB_*`) of variables that commands see although they are withheld.
    guard: what ends them when this process is killed; one for the whole process by default.
    """

    def __init__(self, allowed: Sequence[str] = (), guard: Guard | None = None) -> None:
        self._allowed = tuple(allowed)
        self._guard = guard or guard_of_process()

    def session(self, workspace: Workspace, run_id: str) -> ProcessSession:
        """A session whose commands run in the workspace's directory, with this process's environment as of now."""
        environment = inherited_environment(os.environ, self._allowed)
        environment |= {"WORKING_DIR": str(workspace.path), RUN_MARKER: run_id}
        return ProcessSession(workspace, environment, self._guard)


class ProcessSession:
    """Runs commands in one directory. Implements the port Session; several threads may run commands at a time."""

    def __init__(self, workspace: Workspace, environment: Mapping[str, str], guard: Guard) -> None:
        self._workspace, self._environment, self._guard = workspace, environment, guard
        self._marker = f"{workspace.path}#{uuid.uuid4().hex[:12]}."
        self._numbers = itertools.count(1)
        self._closing = Stop()
        # Opened once: each opening costs as much as a pipe.
        self._no_input = os.open(os.devnull, os.O_RDONLY)
        self._under_way = UnderWay()

    @property
    def directory(self) -> str:
        return str(self._workspace.path)

    @property
    def image(self) -> None:
        """None: there is no container."""

    @property
    def details(self) -> Mapping[str, str]:
        """Nothing."""
        return {}

    def run(self, command: Command, on_line: OnLine, stop: Stop) -> int:
        """Run to the end; the exit status, or 128 + the number of the signal that ended the program.

        Output is passed on in this thread; the order between stdout and stderr is not kept. What the program leaves
        in its process group is killed with its end, or a second later if it holds the output; what left the group
        (`setsid`) lives until the session closes. A request to stop ends it all, within the grace and two seconds.
        Raises TaskFailed when the program cannot be started.
        """
        with self._under_way:
            if stop.requested or self._closing.requested:
                return STOPPED
            marker = f"{self._marker}{next(self._numbers)}"
            process = self._start(command, marker)
            with ExitStack() as watched:
                # The guard finds what has just begun by its marker, which takes it longer; to be told of each of many
                # short commands would cost more than they do.
                on_lasting = partial(watched.enter_context, self._guard.watching(process.pid))
                child = Child(process, marker, on_line, command.grace, on_lasting)
                with stop.calling(child.stop), self._closing.calling(child.stop):
                    return child.follow()

    def close(self) -> None:
        """End what still runs, what left its group included. May be called twice."""
        was_used = next(self._numbers) > 1
        self._closing.request()
        self._under_way.wait()
        if was_used:
            kill_all(marked_processes(self._marker))

    def _start(self, command: Command, marker: str) -> subprocess.Popen[bytes]:
        if not command.arguments:
            raise TaskFailed("no program is given")
        own = {name: self._environment[name] for name in ("WORKING_DIR", RUN_MARKER)} | {COMMAND_MARKER: marker}
        try:
            self._guard.start(self._workspace.root)
            # No preexec_fn: without one the system starts the program by vfork, and no Python runs in between.
            return subprocess.Popen(
                command.arguments,
                stdin=self._no_input,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                cwd=self._workspace.path,
                env={**self._environment, **command.environment, **own},
                start_new_session=True,
            )
        except OSError as error:
            # It may be the directory that is missing, not the program.
            what = "" if error.filename in (None, command.arguments[0]) else f" ('{error.filename}')"
            raise TaskFailed(f"cannot start '{command.arguments[0]}': {error.strerror}{what}") from error
        except ValueError as error:
            raise TaskFailed(f"cannot start '{command.arguments[0]}': {error}") from error


def inherited_environment(environment: Mapping[str, str], allowed: Sequence[str] = ()) -> dict[str, str]:
    """What a command gets of an environment: all that is not withheld, and a PATH on which there is a `python`."""
    kept = {
        name: value for name, value in environment.items() if not _matches(name, WITHHELD) or _matches(name, allowed)
    }
    path = kept.get("PATH", os.defpath)
    if shutil.which("python", path=path) is None:
        kept["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{path}"
    return kept


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
