"""What states mean, and the state of several tasks together."""

from __future__ import annotations

from collections.abc import Iterable

from wdprefect.model.task import Settings, State


def combine(states: Iterable[State]) -> State:
    """The state of a list of tasks. Source: Kestra's Execution.guessFinalState."""
    found = set(states)
    order: tuple[State, ...] = ("KILLED", "FAILED", "WARNING")
    return next((state for state in order if state in found), "SUCCESS")


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
