"""A shell inside a container that runs our commands, one at a time: its input are the commands, as shell code.

It is attached once, so that a command costs a fork and not a request to the engine. Each command is a session and
process group of its own (`setsid`), with closed input; its output is the container's, in which marks with a word that
only we know say where it begins and ends. POSIX shells do: dash, bash and busybox are tested.
"""

from __future__ import annotations

import re
import secrets
import shlex
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from wdprefect.errors import TaskFailed
from wdprefect.model.ports import OnLine, Stream
from wdprefect.workspace.containers.streams import Connection, Marked
from wdprefect.workspace.lines import Lines

SHELL = "/bin/sh"
# How long what a command left in its group may hold the output, in twentieths of a second; as with processes.
DRAIN = 20
# `m WORDS`: a mark on both streams. `d GROUP`: wait for the rest of a group, then kill it. What the shell itself says,
# such as how a command was killed and what it was, goes nowhere.
PRELUDE = r"""
exec 3>&2 2>/dev/null
m() { printf '\000%(secret)s %%s\000' "$*"; printf '\000%(secret)s %%s\000' "$*" >&3; }
d() {
  kill -0 "-$1" || return 0
  n=0
  while kill -0 "-$1" && [ $n -lt %(drain)s ]; do sleep 0.05 || sleep 1; n=$((n+1)); done
  kill -9 "-$1"
  return 0
}
"""
OPEN = """
command -v setsid >/dev/null && s=1 || { s=0; trap '' TERM; }
[ -e %(token)s ] && t=1 || t=0; m ready $s $t
"""
# In the file are the numbers of the process, which `setsid` makes that of its group, and of its group before that.
COMMAND = r"""
( read -r p c s q g r </proc/self/stat; %(group)s; %(exports)sexec %(program)s ) </dev/null 2>&3 3>&-
m end $?
"""
# The mark at the end tells when all output of the command has been read.
REST = "d {group}; m done\n"
OOM = r"""
o=; for f in /sys/fs/cgroup/memory.events /sys/fs/cgroup/memory/memory.oom_control; do
  [ -r $f ] && while read -r k v; do [ "$k" = oom_kill ] && o=$v; done <$f
done; m oom ${o:-0}
"""
# Kills everything in the container but its first process and this shell.
KILL_REST = "kill -9 -1; m rest\n"
KILL_ALL = "m bye; kill -9 -1; exit 0\n"
LEAVE_SECONDS = 1.0
# What a shell can set; not what bash keeps for itself.
NAME = re.compile(r"(?!(?:UID|EUID|PPID|BASHOPTS|SHELLOPTS|BASH_VERSINFO)\Z)[A-Za-z_]\w*", re.ASCII)


class LaneLost(Exception):
    """The shell is gone: its container has ended, or the engine."""


class Lane:
    """An attached shell. own_session: whether `setsid` is there; without it the group is the shell's own."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._secret = secrets.token_hex(16)
        self._emit: dict[Stream, Callable[[bytes], None]] = {}
        self._marks: dict[Stream, list[list[str]]] = {"stdout": [], "stderr": []}
        self._streams = {
            name: Marked(self._secret, partial(self._data, name), self._marks[name].append) for name in self._marks
        }
        self._frames = connection.frames()
        self.own_session = True
        self.is_closed = False

    def open(self, token: str) -> bool:
        """Wait until the shell answers; whether the file at `token` can be seen. Raises LaneLost."""
        self._send(PRELUDE % {"secret": self._secret, "drain": DRAIN})
        self._send(OPEN % {"token": shlex.quote(token)})
        _, has_setsid, sees = self._until("ready")
        self.own_session = has_setsid == "1"
        return sees == "1"

    def run(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        on_line: OnLine,
        on_start: Callable[[int], None],
    ) -> int:
        """Run a command to its end; its exit status, or 128 + the signal. on_start: gets the number of its group.

        Raises LaneLost when the shell is gone before the command has ended, after all output that came.
        """
        lines = {name: Lines(partial(on_line, name)) for name in self._marks}
        self._emit = {name: taker.feed for name, taker in lines.items()}
        try:
            self._send(self._command(arguments, environment))
            group = self._group()
            if group is not None:
                on_start(group)
                self._send(REST.format(group=group) if self.own_session else "m done\n")
            status = int(self._until("end")[1])
            if group is not None:
                self._until("done")
        finally:
            self._emit = {}
            for taker in lines.values():
                taker.end()
        return status

    def tell(self, code: str, word: str) -> list[str]:
        """Run shell code that ends with the mark `word`; the words of that mark. Raises LaneLost."""
        self._send(code)
        return self._until(word)

    def leave(self) -> bool:
        """End the shell, and with it its container where it is the first process; whether it has heard."""
        # One that does not answer is ended from outside.
        self._connection.limit(LEAVE_SECONDS)
        try:
            # Without its word it may be the engine that has gone. What follows that word nothing can keep from it.
            self.tell(KILL_ALL, "bye")
        except LaneLost:
            return False
        return True

    def close(self) -> None:
        self.is_closed = True
        self._connection.close()

    def _command(self, arguments: Sequence[str], environment: Mapping[str, str]) -> str:
        words = [*arguments, *environment, *environment.values()]
        if any("\0" in word for word in words):
            raise TaskFailed(f"cannot start '{arguments[0]}': embedded null byte")
        plain = {name: value for name, value in environment.items() if NAME.fullmatch(name)}
        odd = [f"{name}={value}" for name, value in environment.items() if name not in plain]
        program = [*(["env", *odd] if odd else []), *(["setsid"] if self.own_session else []), *arguments]
        exports = "".join(f"export {name}={shlex.quote(value)} && " for name, value in plain.items())
        start = rf"printf '\000{self._secret} start %s\000'"
        group = f'{start} "$p"' if self.own_session else f'trap - TERM; {start} "$g"'
        return COMMAND % {"group": group, "exports": exports, "program": shlex.join(program)}

    def _group(self) -> int | None:
        """The group of the command that was sent; None when it ended before it had one."""
        while not self._marks["stdout"]:
            self._read()
        word, *rest = self._marks["stdout"][0]
        if word != "start":
            return None
        self._marks["stdout"].pop(0)
        return int(rest[0])

    def _until(self, word: str) -> list[str]:
        """Read until both streams have come to the mark; its words, of standard output."""
        found: dict[Stream, list[str]] = {}
        for name, marks in self._marks.items():
            while not marks:
                self._read()
            found[name] = marks.pop(0)
            if found[name][0] != word:
                raise LaneLost(f"the shell said '{found[name][0]}' where '{word}' was expected")
        return found["stdout"]

    def _read(self) -> None:
        for name, data in self._frames:
            self._streams[name].feed(data)
            return
        for stream in self._streams.values():
            stream.end()
        raise LaneLost

    def _data(self, name: Stream, data: bytes) -> None:
        # What the shell itself says between commands is nobody's.
        if name in self._emit:
            self._emit[name](data)

    def _send(self, code: str) -> None:
        try:
            self._connection.send(code.encode(errors="surrogateescape"))
        except OSError as error:
            raise LaneLost from error
