"""A small process that ends our programs when this process is killed and cannot do so itself.

It holds the read end of a pipe of which only we have the write end. It is told of process groups as they start and
end; when the pipe closes without a farewell, we were killed: it kills the groups that live and clears up behind us.
It is a shell, which starts in under a millisecond and needs little memory; Python is started only for the clearing up.
"""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache, partial
from pathlib import Path

# Its arguments are the command that clears up, to which the roots are added. It ignores what ends whole sessions,
# because it must be the last one. In some shells only `kill -9 -GROUP` works, not `kill -KILL -- -GROUP`.
SCRIPT = """
trap '' HUP INT QUIT TERM
cd /
groups=' '
farewell=
found=
while read -r verb what; do
  case $verb in
    +) groups="$groups$what " ;;
    -) case $groups in *" $what "*) groups="${groups%%" $what "*} ${groups#*" $what "}" ;; esac ;;
    root) set -- "$@" "$what"; found=1 ;;
    bye) farewell=1 ;;
  esac
done
for group in $groups; do kill -9 "-$group"; done
if [ "$found" ] && [ -z "$farewell" ]; then exec "$@"; fi
"""
SWEEP = (
    "import pathlib, sys; from wdprefect.workspace.sweep import sweep; [*map(sweep, map(pathlib.Path, sys.argv[1:]))]"
)


class Guard:
    """One guard process, started when the first group is to be watched. Safe to use from several threads.

    A forked child of this process starts a guard of its own when it needs one.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._groups: set[int] = set()
        self._roots: set[Path] = set()
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
        """End the guard; groups that it still watches are killed. It starts again when it is needed again."""
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
            if not self._tell(f"+ {group}\n"):
                # The program runs already: without a guard is better than not at all.
                with suppress(OSError):
                    self._start()

    def _tell(self, message: str) -> bool:
        """Whether the guard could be told; it is gone, or stopped and its pipe full, otherwise."""
        if self._pipe < 0:
            return False
        try:
            os.write(self._pipe, message.encode(errors="surrogateescape"))
        except OSError:
            self._drop()
            if self._process is not None:
                self._process.kill()
                self._process.wait()
            return False
        return True

    def _start(self) -> None:
        read, write = os.pipe()
        os.set_blocking(write, False)
        try:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", SCRIPT, "wdprefect-guard", sys.executable, "-c", SWEEP],
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
        self._groups, self._roots, self._process, self._pipe = set(), set(), None, -1


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
    return environment | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
