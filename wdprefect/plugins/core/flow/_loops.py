"""Tasks for each value of a list."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import Field

from wdprefect.errors import TaskFailed
from wdprefect.expressions import to_json
from wdprefect.model.context import Branch, FlowableContext, Item
from wdprefect.model.node import Int, Late
from wdprefect.model.task import Flowable, TaskOutputs, Tasks


class ForEach(Flowable):
    """Run tasks for each value of a list, which they see as `{{ taskrun.value }}`.

    values: a list, or a text that renders to one as JSON. Equal values run once. concurrencyLimit: how many values at a
    time, 0 for all; the tasks of one value run one after the other.

    ```yaml
    id: each
    namespace: company.team
    tasks:
      - id: loop
        type: io.kestra.plugin.core.flow.ForEach
        values: ["a", "b"]
        tasks:
          - id: say
            type: io.kestra.plugin.core.log.Log
            message: "{{ taskrun.iteration }}: {{ taskrun.value }}"
    ```
    """

    values: Late[Any]
    tasks: Tasks = Field(min_length=1)
    concurrency_limit: Int = Field(default=1, ge=0)

    async def run(self, ctx: FlowableContext) -> TaskOutputs | None:
        items = list(loop_items(self.values, ctx))
        await ctx.branches([Branch(self.tasks, item, item.value) for item in items], self.concurrency_limit)
        return None


class EachSequential(Flowable):
    """Run tasks for each value of a list, one value after the other. `ForEach` does the same and more.

    ```yaml
    id: each-sequential
    namespace: company.team
    tasks:
      - id: loop
        type: io.kestra.plugin.core.flow.EachSequential
        value: '["a", "b"]'
        tasks:
          - id: say
            type: io.kestra.plugin.core.log.Log
            message: "{{ taskrun.value }}"
    ```
    """

    value: Late[Any]
    tasks: Tasks = Field(min_length=1)

    async def run(self, ctx: FlowableContext) -> TaskOutputs | None:
        await ctx.branches([Branch(self.tasks, item, item.value) for item in loop_items(self.value, ctx)], 1)
        return None


class EachParallel(Flowable):
    """Run every task for every value, all side by side. `ForEach` keeps the tasks of a value in order.

    ```yaml
    id: each-parallel
    namespace: company.team
    tasks:
      - id: loop
        type: io.kestra.plugin.core.flow.EachParallel
        value: '["a", "b"]'
        tasks:
          - id: say
            type: io.kestra.plugin.core.log.Log
            message: "{{ taskrun.value }}"
    ```
    """

    value: Late[Any]
    tasks: Tasks = Field(min_length=1)
    concurrent: Int = Field(default=0, ge=0)

    async def run(self, ctx: FlowableContext) -> TaskOutputs | None:
        items = list(loop_items(self.value, ctx))
        branches = [Branch([task], item, f"{task.id} {item.value}") for item in items for task in self.tasks]
        await ctx.branches(branches, self.concurrent)
        return None


def loop_items(values: Any, ctx: FlowableContext) -> Iterator[Item]:
    """The rounds of a loop: texts as they are, other values as JSON, equal ones once.

    Raises TaskFailed for what is no list, for null and for items that are neither text, whole number nor map.
    Source: Kestra's FlowableUtils.resolveEachTasks.
    """
    found = _list(values, ctx)
    nulls = sum(item is None for item in found)
    if nulls:
        raise TaskFailed(f"Found '{nulls}' null values on Each, with values={to_json(found)}")
    seen: set[str] = set()
    for item in found:
        if isinstance(item, bool) or not isinstance(item, str | int | Mapping):
            raise TaskFailed(f"Unknown value element type: {type(item).__name__}")
        text = item if isinstance(item, str) else to_json(item)
        if text not in seen:
            yield Item(text, len(seen))
            seen.add(text)


def _list(values: Any, ctx: FlowableContext) -> list[Any]:
    render = ctx.leaf.render
    if isinstance(values, list):
        return [render.text(item) if isinstance(item, str) else render.data(item) for item in values]
    try:
        found = json.loads(render.text(values)) if isinstance(values, str) else None
    except ValueError:
        found = None
    if not isinstance(found, list):
        raise TaskFailed("the values of a loop must be a list, or a text that renders to one as JSON")
    return found
