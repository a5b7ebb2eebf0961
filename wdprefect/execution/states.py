"""What states mean, and the state of several tasks together."""

from __future__ import annotations

from collections.abc import Iterable

from wdprefect.model.context import State
from wdprefect.model.task import Settings


def combine(states: Iterable[State]) -> State:
    """The state of a list of tasks. Source: Kestra's Execution.guessFinalState."""
    found = set(states)
    for state in ("KILLED", "FAILED", "WARNING"):
        if state in found:
            return state  # type: ignore[return-value]  # a literal of the tuple
    return "SUCCESS"


def softened(state: State, settings: Settings) -> State:
    """The state after `allowFailure` (a failure is a warning) and `allowWarning` (a warning is a success)."""
    if state == "FAILED" and settings.allow_failure:
        state = "WARNING"
    if state == "WARNING" and settings.allow_warning:
        state = "SUCCESS"
    return state


def stops(state: State) -> bool:
    """Whether what follows in a list does not run."""
    return state in {"FAILED", "KILLED"}
