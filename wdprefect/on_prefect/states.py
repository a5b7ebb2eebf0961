"""Our states as Prefect's: the type is one of Prefect's, the name says what is ours."""

from __future__ import annotations

from typing import Any

import prefect
from prefect import states

from wdprefect.execution.records import Result


def prefect_state(state: str, message: str | None = None, data: Any = None) -> prefect.State[Any]:
    """The Prefect state that stands for one of ours. `Warning` and `Skipped` are kinds of Completed."""
    match state:
        case "SUCCESS":
            return states.Completed(message=message, data=data)
        case "WARNING":
            return states.Completed(name="Warning", message=message, data=data)
        case "SKIPPED":
            return states.Completed(name="Skipped", message=message or "runIf is false", data=data)
        case "KILLED":
            return states.Cancelled(message=message, data=data)
        case _:
            return states.Failed(message=message, data=data)


def state_of_result(result: Result, data: Any = None) -> prefect.State[Any]:
    """The Prefect state of an attempt."""
    return prefect_state(result.state, result.error, data)
