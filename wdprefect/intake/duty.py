"""What a desk has to do for one trigger: what it watches, and what becomes of the objects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from wdprefect.intake.objects import Wanted
from wdprefect.intake.watch import Watch
from wdprefect.model.flow import Flow
from wdprefect.model.ports import Storage
from wdprefect.plugins.aws._moves import Action, MoveTo

if TYPE_CHECKING:
    from botocore.client import BaseClient

StartBy = Literal["direct", "automation"]


@dataclass(frozen=True, slots=True)
class Duty:
    """One rendered trigger of one flow, with what it works with.

    archive, failures: where the objects of runs go that succeeded or failed. size: the most objects of a run.
    limit: the most runs at a time. start_by: who makes the runs. queue_url: an SQS queue that tells of objects, beside
    the poll. is_flat, acts_first: Kestra's names in archives, and its order of action and run. labels: of the runs.
    renew: renders the trigger anew, where it has templates: they may speak of the time.
    """

    flow: Flow
    trigger_id: str
    state_key: str
    watch: Watch
    wanted: Wanted
    client: BaseClient
    storage: Storage
    action: Action
    archive: MoveTo | None
    failures: MoveTo | None
    size: int
    limit: int
    interval: timedelta
    start_by: StartBy = "direct"
    queue_url: str | None = None
    queue_client: BaseClient | None = None
    state_ttl: timedelta | None = None
    is_flat: bool = False
    acts_first: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    renew: Callable[[], Duty] | None = field(default=None, compare=False)

    @property
    def name(self) -> str:
        """How the trigger is called among all: `<namespace>.<flow>/<trigger>`."""
        return f"{self.flow.namespace}.{self.flow.id}/{self.trigger_id}"
