"""Tasks side by side."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from wdprefect.model.context import Branch, FlowableContext
from wdprefect.model.node import CHILDREN, Int, Node
from wdprefect.model.task import Flowable, TaskOutputs, Tasks, TaskSpec


class Parallel(Flowable):
    """Run tasks side by side, at most `concurrent` at a time (0: all).

    ```yaml
    id: beside
    namespace: company.team
    tasks:
      - id: both
        type: io.kestra.plugin.core.flow.Parallel
        tasks:
          - id: one
            type: io.kestra.plugin.core.log.Log
            message: one
          - id: two
            type: io.kestra.plugin.core.log.Log
            message: two
    ```
    """

    tasks: Tasks = Field(min_length=1)
    concurrent: Int = Field(default=0, ge=0)

    async def run(self, ctx: FlowableContext) -> TaskOutputs | None:
        await ctx.branches([Branch([task], name=task.id) for task in self.tasks], self.concurrent)
        return None


class DagTask(Node):
    """A task of a Dag, and the ids of those that end before it starts."""

    task: Annotated[TaskSpec, CHILDREN]
    depends_on: list[str] = Field(default=[])


class Dag(Flowable):
    """Run each task as soon as those that it depends on have ended.

    ```yaml
    id: ordered
    namespace: company.team
    tasks:
      - id: dag
        type: io.kestra.plugin.core.flow.Dag
        tasks:
          - task:
              id: first
              type: io.kestra.plugin.core.log.Log
              message: first
          - task:
              id: second
              type: io.kestra.plugin.core.log.Log
              message: second
            dependsOn:
              - first
    ```
    """

    tasks: Annotated[list[DagTask], CHILDREN] = Field(min_length=1)
    concurrent: Int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _dependencies_exist(self) -> Dag:
        after = {item.task.id: set(item.depends_on) for item in self.tasks}
        unknown = sorted({name for names in after.values() for name in names if name not in after})
        if unknown:
            msg = f"Not existing task id in dependency: {', '.join(unknown)}"
            raise ValueError(msg)
        while ready := [name for name, names in after.items() if not names]:
            after = {name: names - set(ready) for name, names in after.items() if name not in ready}
        if after:
            msg = f"Cyclic dependency detected: {', '.join(sorted(after))}"
            raise ValueError(msg)
        return self

    async def run(self, ctx: FlowableContext) -> TaskOutputs | None:
        branches = [Branch([i.task], name=i.task.id, after=frozenset(i.depends_on)) for i in self.tasks]
        await ctx.branches(branches, self.concurrent)
        return None
