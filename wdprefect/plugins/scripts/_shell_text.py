"""What a task gives to its shell: the program's arguments, out of commands and what has to stand before them."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath

_SHELLS = frozenset({"ash", "bash", "busybox", "dash", "ksh", "mksh", "sh", "zsh"})


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a language brings to its programs.

    variables: those of the task's `env` win. first, last: what stands before and behind the value of variables that are
    lists of folders, whoever set it.
    """

    variables: Mapping[str, str] = field(default_factory=dict)
    first: Mapping[str, str] = field(default_factory=dict)
    last: Mapping[str, str] = field(default_factory=dict)

    def folder_lines(self) -> list[str]:
        """The lines by which a shell adds the folders."""
        before = [f'export {name}={shlex.quote(path)}"${{{name}:+:${name}}}"' for name, path in self.first.items()]
        after = [f'export {name}="${{{name}:+${name}:}}"{shlex.quote(path)}' for name, path in self.last.items()]
        return before + after

    def folder_variables(self, environment: Mapping[str, str]) -> dict[str, str]:
        """The folders added to those of an environment, for programs that no shell starts."""
        found = {}
        for name in {**self.first, **self.last}:
            parts = [self.first.get(name), environment.get(name), self.last.get(name)]
            found[name] = os.pathsep.join(part for part in parts if part)
        return found


def is_shell(interpreter: Sequence[str]) -> bool:
    """Whether the interpreter understands the lines that we add."""
    return any(PurePath(part).name in _SHELLS for part in interpreter)


def arguments(interpreter: Sequence[str], before: Sequence[str], lines: Sequence[str], mark: str | None) -> list[str]:
    """The program and its arguments: the interpreter with all lines as one text, or the lines where there is none.

    mark: what the shell prints between `before` and `lines`.
    """
    if not interpreter:
        return list(lines)
    between = [f"echo {mark}"] if mark else []
    return [*interpreter, "\n".join([*before, *between, *lines])]
