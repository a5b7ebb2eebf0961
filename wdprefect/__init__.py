"""Kestra-style YAML flows on Prefect 3.

    import wdprefect

    flow = wdprefect.load("flow.yaml")
    execution = wdprefect.run(flow, inputs={"name": "Ada"})

Names are imported when they are first used, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wdprefect.api import load, run, to_prefect
    from wdprefect.execution.execution import Execution
    from wdprefect.model.flow import Flow

__version__ = "0.1.0"
__all__ = ["Execution", "Flow", "load", "run", "to_prefect"]

_HOMES = {
    "Execution": "wdprefect.execution.execution",
    "Flow": "wdprefect.model.flow",
    "load": "wdprefect.api",
    "run": "wdprefect.api",
    "to_prefect": "wdprefect.api",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
