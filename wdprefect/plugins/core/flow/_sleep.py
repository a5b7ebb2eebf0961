"""Waiting."""

from __future__ import annotations

from wdprefect.model.context import RunContext
from wdprefect.model.node import Duration
from wdprefect.model.task import Leaf, TaskOutputs


class Sleep(Leaf):
    """Wait.

    ```yaml
    id: wait
    namespace: company.team
    tasks:
      - id: a-moment
        type: io.kestra.plugin.core.flow.Sleep
        duration: PT0.01S
    ```
    """

    duration: Duration

    def run(self, ctx: RunContext) -> TaskOutputs | None:
        ctx.stop.wait(self.duration.total_seconds())
        return None
