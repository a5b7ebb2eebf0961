"""One task after the other."""

from __future__ import annotations

from pydantic import Field

from wdprefect.model.context import FlowableContext
from wdprefect.model.task import Flowable, TaskOutputs, Tasks


class Sequential(Flowable):
    """Run tasks one after the other, with `errors` and `finally` of their own.

    ```yaml
    id: grouped
    namespace: company.team
    tasks:
      - id: group
        type: io.kestra.plugin.core.flow.Sequential
        tasks:
          - id: one
            type: io.kestra.plugin.core.log.Log
            message: one
    ```
    """

    tasks: Tasks = Field(min_length=1)

    async def run(self, ctx: FlowableContext) -> TaskOutputs | None:
        await ctx.sequence(self.tasks)
        return None


class AllowFailure(Sequential):
    """Run tasks one after the other; a failure among them is a warning, and what follows runs.

    ```yaml
    id: lenient
    namespace: company.team
    tasks:
      - id: try
        type: io.kestra.plugin.core.flow.AllowFailure
        tasks:
          - id: wrong
            type: io.kestra.plugin.core.execution.Fail
      - id: next
        type: io.kestra.plugin.core.log.Log
        message: still here
    ```
    """

    forgives = True
