"""Tasks that run or do not."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from wdprefect.errors import TaskFailed
from wdprefect.expressions import is_true
from wdprefect.model.context import FlowableContext
from wdprefect.model.node import CHILDREN, Text
from wdprefect.model.task import Flowable, TaskOutputs, Tasks, TaskSpec


class If(Flowable):
    """Run `then` when the condition holds, else `else`.

    False are the empty text, `false`, `0` and `-0`; all other texts are true.

    ```yaml
    id: choice
    namespace: company.team
    tasks:
      - id: weekend
        type: io.kestra.plugin.core.flow.If
        condition: "{{ flow.id == 'choice' }}"
        then:
          - id: "yes"
            type: io.kestra.plugin.core.log.Log
            message: it holds
    ```
    """

    condition: Text
    then: Tasks = Field(min_length=1)
    else_: Tasks = Field(default=[])

    class Outputs(TaskOutputs):
        """What the condition came to."""

        evaluation_result: bool

    async def run(self, ctx: FlowableContext) -> TaskOutputs:
        holds = is_true(self.condition)
        await ctx.sequence(self.then if holds else self.else_)
        return self.Outputs(evaluationResult=holds)


class Switch(Flowable):
    """Run the tasks of the case that equals the value, else `defaults`.

    ```yaml
    id: cases
    namespace: company.team
    tasks:
      - id: which
        type: io.kestra.plugin.core.flow.Switch
        value: "{{ flow.id }}"
        cases:
          cases:
            - id: matched
              type: io.kestra.plugin.core.log.Log
              message: this one
        defaults:
          - id: other
            type: io.kestra.plugin.core.log.Log
            message: another
    ```
    """

    value: Text
    cases: Annotated[dict[str, list[TaskSpec]], CHILDREN] = Field(default={})
    defaults: Tasks = Field(default=[])

    class Outputs(TaskOutputs):
        """The rendered value, and whether no case equals it."""

        value: str
        defaults: bool

    @model_validator(mode="after")
    def _has_tasks(self) -> Switch:
        if not self.cases and not self.defaults:
            msg = "No task defined, neither cases or default have any tasks"
            raise ValueError(msg)
        return self

    async def run(self, ctx: FlowableContext) -> TaskOutputs:
        tasks = self.cases.get(self.value, self.defaults)
        if not tasks:
            raise TaskFailed(f"no case equals '{self.value}', and there are no 'defaults'")
        await ctx.sequence(tasks)
        return self.Outputs(value=self.value, defaults=self.value not in self.cases)
