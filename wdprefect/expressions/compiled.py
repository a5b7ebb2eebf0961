"""What a template is compiled to: functions that a Scope runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wdprefect.expressions.runtime import Scope

Body = Callable[["Scope"], Iterable[Any]]


@dataclass(frozen=True, slots=True)
class Macro:
    """A macro: its parameters with what gives their defaults, and its body."""

    parameters: Mapping[str, Callable[[Scope], Any] | None]
    body: Body


@dataclass(frozen=True, slots=True)
class Compiled:
    """A template that can be run any number of times, also at the same time."""

    source: str
    root: Body
    macros: Mapping[str, Macro]
    blocks: Mapping[str, Body]
