"""A small process that ends our programs when this process is killed and cannot do so itself.

It holds the read end of a pipe of which only we have the write end. It is told of process groups as they start and
end, and of commands that have something to do if we die meanwhile. When the pipe closes without a farewell, we were
killed: it kills the groups that live, starts those commands, and clears up behind us.
It is a shell, which starts in under a millisecond and needs little memory; Python is started only after our death.
"""

from __future__ import annotations

import atexit
import base64
import itertools
import json
import os
import select
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache, partial
from pathlib import Path

# Its arguments are Python, the program that starts a command, and the one that clears up, to which the roots are added.
# It ignores what ends whole sessions, because it must be the last one. In some shells only `kill -9 -GROUP` works, not
# `kill -KILL -- -GROUP`. What a command is and sees is told through the pipe and handed on in a variable, never as an
# argument, which every user of the machine could read.
SCRIPT = """
trap '' HUP INT QUIT TERM
cd /
python=$1 start=$2 sweep=$3
shift 3
groups=' '
calls=
farewell=
while read -r verb what; do
  case $verb in
    +) groups="$groups$what " ;;
    -) case $groups in *" $what "*) groups="${groups%%" $what "*} ${groups#*" $what "}" ;; esac ;;
    call) calls="$calls ${what%% *}:${what#* }" ;;
    done)
      kept=
      for call in $calls; do case $call in "$what":*) ;; *) kept="$kept $call" ;; esac; done
      calls=$kept ;;
    root) set -- "$@" "$what" ;;
    bye) farewell=1 ;;
  esac
done
for group in $groups; do kill -9 "-$group"; done
for call in $calls; do WDPREFECT_CALL=${call#*:} "$python" -c "$start" & done
if [ $# -gt 0 ] && [ -z "$farewell" ]; then exec "$python" -c "$sweep" "$@"; fi
"""
START = (
    "import base64, json, os; call = json.loads(base64.b64decode(os.environ.pop('WDPREFECT_CALL'))); "
    "os.environ.update(call['environment']); os.execvp(call['arguments'][0], call['arguments'])"
)
SWEEP = (
    "import pathlib, sys; from wdprefect.workspace.sweep import sweep; [*map(sweep, map(pathlib.Path, sys.argv[1:]))]"
)


# How long a guard may take to read what fills its pipe; one that does not is taken for stopped.
FULL_SECONDS = 1.0


class Guard:
    """One guard process, started when there is something to watch. Safe to use from several threads.

    A forked child of this process starts a guard of its own when it needs one.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._groups: set[int] = set()
        self._roots: set[Path] = set()
        self._calls: dict[int, str] = {}
        self._numbers = itertools.count(1)
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe = -1
        os.register_at_fork(after_in_child=partial(_call_if_alive, weakref.WeakMethod(self._forget_in_child)))

    @contextmanager
    def watching(self, group: int) -> Iterator[None]:
        """While the block runs, the process group is killed if this process dies."""
        self._add(group)
        try:
            yield
        finally:
            with self._lock:
                self._groups.discard(group)
                self._tell(f"- {group}\n")

    @contextmanager
    def calling_on_death(self, arguments: Sequence[str], environment: Mapping[str, str]) -> Iterator[None]:
        """While the block runs, the command is started if this process dies, however it dies.

        environment: on top of what this process's was when the guard started. Nobody sees it in an argument.
        """
        number = next(self._numbers)
        call = json.dumps({"arguments": list(arguments), "environment": dict(environment)})
        with self._lock:
            self._calls[number] = base64.b64encode(call.encode()).decode()
            self._tell_surely(f"call {number} {self._calls[number]}\n")
        try:
            yield
        finally:
            with self._lock:
                self._calls.pop(number, None)
                self._tell(f"done {number}\n")

    def start(self, root: Path | None = None) -> None:
        """Start the guard if it does not run.

        root: where directories lie that are to be removed if this process dies.
        """
        with self._lock:
            if root is not None and root not in self._roots and "\n" not in str(root):
                self._roots.add(root)
                self._tell(f"root {root}\n")
            if self._pipe < 0:
                self._start()

    def close(self) -> None:
        """End the guard as at the end of this process; groups that it still watches are killed.

        It starts again when it is needed again.
        """
        with self._lock:
            if self._pipe < 0:
                return
            self._tell("bye\n")
            process = self._process
            self._drop()
        if process is not None:
            # A guard that hangs must not keep this process from ending.
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=2)

    def _add(self, group: int) -> None:
        with self._lock:
            self._groups.add(group)
            self._tell_surely(f"+ {group}\n")

    def _tell_surely(self, message: str) -> None:
        """Tell the guard, or a new one, which is told of everything."""
        if not self._tell(message):
            # What is to be guarded goes on already: without a guard is better than not at all.
            with suppress(OSError):
                self._start()

    def _tell(self, message: str) -> bool:
        """Whether the guard could be told; it is gone, or stopped and its pipe full, otherwise."""
        if self._pipe < 0:
            return False
        with suppress(OSError):
            if _write(self._pipe, message.encode(errors="surrogateescape")):
                return True
        # It must be dead before the pipe closes, which it would take for our death.
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._drop()
        return False

    def _start(self) -> None:
        read, write = os.pipe()
        os.set_blocking(write, False)
        try:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", SCRIPT, "wdprefect-guard", sys.executable, START, SWEEP],
                stdin=read,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                env=_environment(),
            )
        except OSError:
            os.close(write)
            raise
        finally:
            os.close(read)
        self._pipe = write
        atexit.register(self.close)
        for group in self._groups:
            self._tell(f"+ {group}\n")
        for root in self._roots:
            self._tell(f"root {root}\n")
        for number, call in self._calls.items():
            self._tell(f"call {number} {call}\n")

    def _drop(self) -> None:
        os.close(self._pipe)
        self._pipe = -1
        atexit.unregister(self.close)

    def _forget_in_child(self) -> None:
        # The guard waits for the last write end to close: a child must not keep it.
        if self._pipe >= 0:
            os.close(self._pipe)
            atexit.unregister(self.close)
        if self._process is not None:
            # It is the parent's to wait for.
            self._process.returncode = 0
        # Another thread of the parent may have held the lock.
        self._lock = threading.Lock()
        self._groups, self._roots, self._calls, self._process, self._pipe = set(), set(), {}, None, -1


def _write(pipe: int, data: bytes) -> bool:
    """Whether all of it could be written to a pipe that does not block, whose reader is given a second."""
    waiting = select.poll()
    waiting.register(pipe, select.POLLOUT)
    while data:
        try:
            data = data[os.write(pipe, data) :]
        except BlockingIOError:
            if not waiting.poll(FULL_SECONDS * 1000):
                return False
    return True


def _call_if_alive(reference: weakref.WeakMethod[Callable[[], None]]) -> None:
    if method := reference():
        method()


@cache
def guard_of_process() -> Guard:
    """The one guard that all runners of this process share."""
    return Guard()


def _environment() -> dict[str, str]:
    # Not marked as a command's: an outer run that ends this one would end the guard before its work is done.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("WDPREFECT_")}
    # It works in another directory, and an interactive Python's path begins with "".
    return environment | {"PYTHONPATH": os.pathsep.join(str(Path(part).absolute()) for part in sys.path)}
