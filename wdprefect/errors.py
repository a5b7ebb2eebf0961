"""What can go wrong, each with its facts as attributes and the exit code of the command line.

A `Problem` is a finding with a place in a file; an error is a raised exception. Whether a retry helps is decided
by the exception's type: an `ExpressionError` never, a `TaskFailed` as the task's `retry` says, `Unavailable` always.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_SURROUNDINGS = 3
EXIT_INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a file; `line` and `column` count from 1, columns in characters."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Problem:
    """A finding in a flow: where, which code, what, and what to do about it.

    hint: the next step, printed in parentheses, such as `did you mean 'commands'?`.
    severity: an `error` keeps the flow from loading, a `warning` or a `note` does not.
    """

    at: Position
    code: str
    message: str
    hint: str | None = None
    severity: Literal["error", "warning", "note"] = "error"

    def __str__(self) -> str:
        kind = "" if self.severity == "error" else f" {self.severity}:"
        hint = f" ({self.hint})" if self.hint else ""
        return f"{self.at}: {self.code}{kind} {self.message}{hint}"


class WdprefectError(Exception):
    """Base of every error that this package raises on purpose."""

    exit_code: ClassVar[int] = EXIT_FAILED


class InvalidFlow(WdprefectError):
    """The text is no flow that can run; `problems` holds all findings of severity error, sorted by place."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = sorted(problems, key=lambda p: (p.at.file, p.at.line, p.at.column, p.code))
        super().__init__("\n".join(map(str, self.problems)))

    def __reduce__(self) -> tuple[type[InvalidFlow], tuple[list[Problem]]]:
        return type(self), (self.problems,)


class InvalidInput(WdprefectError):
    """A run was not started because an input is missing or wrong; `name` is the input's id."""

    def __init__(self, name: str, reason: str) -> None:
        self.name, self.reason = name, reason
        super().__init__(f"invalid input '{name}': {reason}")

    def __reduce__(self) -> tuple[type[InvalidInput], tuple[str, str]]:
        return type(self), (self.name, self.reason)


class InvalidTrigger(WdprefectError):
    """A trigger cannot be followed: a template in it cannot be rendered, or gives what does not fit.

    at: the place in the flow's file. name: the trigger's id.
    """

    def __init__(self, at: Position, name: str, reason: str) -> None:
        self.at, self.name, self.reason = at, name, reason
        super().__init__(f"{at}: trigger '{name}': {reason}")

    def __reduce__(self) -> tuple[type[InvalidTrigger], tuple[Position, str, str]]:
        return type(self), (self.at, self.name, self.reason)


@dataclass(eq=False)
class ExpressionError(WdprefectError):
    """A template does not parse or cannot be rendered.

    kind: `syntax`, `undefined` (a missing name, which is in `name`), `evaluation` or `limit`.
    line, column: the place inside the template, from 1, which is the text `template` where that is known; `at` is the
    place in the flow's file where that is known.
    """

    message: str
    kind: Literal["undefined", "syntax", "evaluation", "limit"] = "evaluation"
    name: str | None = None
    line: int = 1
    column: int = 1
    at: Position | None = field(default=None)
    template: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return self.message


class TaskFailed(WdprefectError):
    """A task could not do its work.

    exit_status: the exit code of the command, where one ran. outputs: what the task delivers although it failed.
    last_lines: what the command said last; it stands below the message, and in the log already.
    """

    def __init__(
        self, message: str, *, exit_status: int | None = None, outputs: object = None, last_lines: Sequence[str] = ()
    ) -> None:
        self.exit_status, self.outputs, self.headline = exit_status, outputs, message
        super().__init__("\n    ".join([message, *last_lines]))


class Abandoned(KeyboardInterrupt):
    """Ctrl-C came again while a run was being ended: what it left is ended as this process ends, and not sooner."""


class Unavailable(WdprefectError):
    """Something around us does not answer: the Prefect API, a storage, a container engine. Trying again may help."""

    exit_code = EXIT_SURROUNDINGS


class UsageError(WdprefectError):
    """The command or the call was put wrongly."""

    exit_code = EXIT_USAGE


class StorageError(WdprefectError):
    """A file of the internal storage cannot be read or written; `uri` names it."""

    def __init__(self, message: str, uri: str | None = None) -> None:
        self.uri = uri
        super().__init__(message)


class UnsafePath(WdprefectError):
    """A file name leads out of the working directory; `path` is the name as it was given."""

    def __init__(self, path: str, reason: str = "leads out of the working directory") -> None:
        self.path = path
        super().__init__(f"the path '{path}' {reason}")
