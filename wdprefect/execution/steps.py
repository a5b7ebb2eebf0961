"""By what means a flowable runs its children."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from wdprefect.execution.attempt import Trial
from wdprefect.execution.frame import Frame
from wdprefect.execution.states import stops
from wdprefect.model.context import Branch, RunContext
from wdprefect.model.task import State, TaskSpec

if TYPE_CHECKING:  # the walk makes the steps
    from wdprefect.execution.walk import Walk

T = TypeVar("T")


class Steps:
    """The FlowableContext of one task run. `states` are those of the children that ran."""

    def __init__(self, walk: Walk, frame: Frame, trial: Trial) -> None:
        self._walk, self._frame, self._trial = walk, frame, trial
        self._leaf = trial.context()
        self.states: list[State] = []

    @property
    def leaf(self) -> RunContext:
        return self._leaf

    async def sequence(self, tasks: Sequence[TaskSpec]) -> None:
        self.states += await self._walk.sequence(tasks, self._frame)

    async def branches(self, branches: Sequence[Branch], limit: int = 0) -> None:
        if limit == 1 and not any(branch.after for branch in branches):
            for branch in branches:
                await self._branch(branch)
        else:
            await self._side_by_side(branches, limit or len(branches))

    async def thread(self, work: Callable[[], T]) -> T:
        trial = self._trial
        return await trial.run.threads.run(lambda: trial.waited_for(work), trial.stop, self._leaf.grace)

    async def _side_by_side(self, branches: Sequence[Branch], limit: int) -> None:
        gate = asyncio.Semaphore(max(limit, 1))
        ended = {branch.name: asyncio.Event() for branch in branches}

        async def one(branch: Branch) -> None:
            for name in branch.after:
                await ended[name].wait()
            try:
                async with gate:
                    await self._branch(branch)
            finally:
                ended[branch.name].set()

        results = await asyncio.gather(*map(one, branches), return_exceptions=True)
        for error in results:
            if error is not None:
                raise error

    async def _branch(self, branch: Branch) -> None:
        if not any(stops(state) for state in self.states):
            frame = self._frame.round(branch.item) if branch.item else self._frame
            self.states += await self._walk.sequence(branch.tasks, frame)
