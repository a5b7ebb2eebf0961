"""Where runs are made and looked at, as the intake needs it: the port that the Prefect API stands behind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from wdprefect.errors import WdprefectError

# waiting: nobody has begun it. running: somebody has. crashed: it was ended from outside, its work says nothing.
# missing: it was deleted.
RunState = Literal["waiting", "running", "succeeded", "failed", "cancelled", "crashed", "missing"]
OVER = frozenset({"succeeded", "failed", "cancelled", "crashed", "missing"})


@dataclass(frozen=True, slots=True)
class RunOrder:
    """A run that is to be made. key: makes it unique. trigger: what `{{ trigger }}` shows, and its claim."""

    key: str
    flow: str
    trigger: Mapping[str, Any]
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class RunLook:
    """How a run is: its state and, when it is over, why."""

    state: RunState
    message: str = ""


@dataclass(frozen=True, slots=True)
class ObjectSeen:
    """What is told to everybody about an object: `id` is the same whenever it is told again."""

    id: str
    bucket: str
    key: str
    payload: Mapping[str, Any]


class RunRefused(WdprefectError):
    """The API takes all but this run, such as one whose parameters do not fit the deployment."""


class Runs(Protocol):
    """Makes runs and knows how they are. Raises Unavailable where trying again may help, else UsageError."""

    def start(self, order: RunOrder) -> str:
        """The id of the run with this key; it is made when there is none yet. Raises RunRefused as well."""

    def carry_out(self, run_id: str, flow: str, *, is_orphan: bool) -> bool:
        """Have a run executed here, where that is how runs are executed; False where it has to wait for its turn.

        is_orphan: another process had it, which is gone. What had begun there has crashed.
        """

    def look(self, run_ids: Sequence[str]) -> dict[str, RunLook]:
        """How these runs are, each."""

    def announce(self, objects: Sequence[ObjectSeen]) -> None:
        """Send an event for each object. Lost when nobody listens."""

    def alarm(self, trigger: str, code: str, text: str) -> None:
        """Send an event that says that a trigger does not work."""

    def recovered(self, trigger: str) -> None:
        """Send an event that says that a trigger works again which did not."""
