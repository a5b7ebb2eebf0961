"""Cancelling, in the UI, a run that no worker owns."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

import wdprefect
from tests.on_prefect import stopping
from tests.on_prefect.seen import Api
from wdprefect.loader import load_text
from wdprefect.on_prefect import watch


@pytest.mark.server
def test_cancelling_in_the_ui(api: Api, tmp_path: Path) -> None:
    """The run ends soon with its commands, is Cancelled with its tasks, and is returned as killed, its record kept."""
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(wdprefect.run, load_text(stopping.COMMAND), inputs={"folder": str(tmp_path)})
        children = stopping.children_of_run(tmp_path)
        flow_run_id = stopping.run_of(api, tmp_path)
        api.cancel(flow_run_id)
        execution = running.result(timeout=30)

    stopping.assert_gone(children)
    assert (flow_run_id, "KILLED") == (execution.id, execution.state)
    assert ["KILLED", "KILLED"] == [run.state for run in execution.task_runs]
    assert "CANCELLED" == api.state(flow_run_id)
    assert {"CANCELLED"} == {run["state_type"] for run in api.task_runs(flow_run_id).values()}
    assert "KILLED" == json.loads(execution.read(f"{execution.uri}/execution.json"))["state"]


class FakeClient:
    """A client of the API that gives one answer after the other, and the last one for ever."""

    def __init__(self, *answers: object) -> None:
        self._answers = list(answers)

    async def read_flow_run(self, flow_run_id: object) -> object:
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def in_state(name: str) -> SimpleNamespace:
    """A flow run of which only the state is known."""
    state = {kind: lambda kind=kind: kind == f"is_{name}" for kind in ("is_cancelling", "is_final")}
    return SimpleNamespace(state=SimpleNamespace(**state))


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param([in_state("cancelling")], id="being cancelled"),
        pytest.param([in_state("running"), in_state("final")], id="cancelled already, or closed"),
        pytest.param([ConnectionError(), SimpleNamespace(state=None), in_state("cancelling")], id="no answer"),
    ],
)
def test_work_is_cancelled(answers: list[object], monkeypatch: pytest.MonkeyPatch) -> None:
    """Work ends when the API says that its run is cancelled, whatever the API said before."""
    monkeypatch.setattr(watch, "POLL_SECONDS", 0.01)
    ended = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    with pytest.raises(watch.CancelledByApi):
        asyncio.run(watched(work(), FakeClient(*answers)))
    assert [True] == ended


@pytest.mark.parametrize("answer", [in_state("running"), ConnectionError()], ids=["running", "no answer"])
def test_work_that_is_not_cancelled(answer: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work goes on to its result while nobody cancels its run, also when the API never answers."""
    monkeypatch.setattr(watch, "POLL_SECONDS", 0.001)

    async def work() -> str:
        await asyncio.sleep(0.05)
        return "done"

    assert "done" == asyncio.run(watched(work(), FakeClient(answer)))


def test_a_caller_that_is_cancelled() -> None:
    """Cancelling the caller cancels the work, and ends when the work has ended."""
    ended = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.01)
            ended.append(True)

    async def caller() -> None:
        task = asyncio.ensure_future(watched(work(), FakeClient(in_state("running"))))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(caller())
    assert [True] == ended


async def watched(work: Any, client: Any) -> Any:
    return await watch.watched(work, client, uuid4())
