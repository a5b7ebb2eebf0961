"""Runs that wait for their runner, and runs whose runner is gone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID, uuid4

import pytest
from prefect.client.orchestration import PrefectClient, get_client

from tests.on_prefect import stopping
from tests.on_prefect.seen import Api
from tests.on_prefect.warm.starting import create, deploy, warm
from wdprefect.on_prefect.warm.pending import accepted, admit, take_over

pytestmark = pytest.mark.server
T = TypeVar("T")


def test_taking_over(api: Api, tmp_path: Path) -> None:
    """A run that has not begun may be executed by whoever takes it over; one that has is closed as it should end."""
    (tmp_path / "slow.yaml").write_text(stopping.SLEEP)
    deployment = deploy(tmp_path / "slow.yaml")
    states = ["PENDING", "RUNNING", "CANCELLING", "COMPLETED"]
    runs = {state: create(deployment, {"folder": "taken"}) for state in states}
    waiting = create(deployment, {"folder": "taken"}, accepted())
    for state in states[1:]:
        api.set_state(str(runs[state]), {"type": state})
    found = {state: ask(take_over, flow_run_id) for state, flow_run_id in runs.items()}

    assert {"PENDING": "pending", "RUNNING": "ended", "CANCELLING": "ended", "COMPLETED": "ended"} == found
    ends = [api.state(str(flow_run_id)) for flow_run_id in runs.values()]
    assert ["PENDING", "CRASHED", "CANCELLED", "COMPLETED"] == ends
    assert ("waiting", "unknown") == (ask(take_over, waiting), ask(take_over, uuid4()))


def test_a_limited_deployment(api: Api, tmp_path: Path) -> None:
    """As many runs as the deployment allows are admitted; the next one when one of them has ended."""
    (tmp_path / "slow.yaml").write_text(stopping.SLEEP)
    deployment = deploy(tmp_path / "slow.yaml", "limited", concurrency_limit=1)
    first, second = (create(deployment, {"folder": "limited"}, accepted()) for _ in range(2))
    with warm(api, tmp_path / "slow.yaml") as found:
        assert ["pending", "waiting"] == [ask(admit, first), ask(admit, second)]
        found.runner.execute(first, stopping.FLOW)
        api.until(lambda: api.state(str(first)), lambda state: state == "RUNNING")
        assert "waiting" == ask(admit, second)
        api.cancel(str(first))
        assert 0 == found.ended.code(str(first))
        assert "pending" == ask(admit, second)
        api.cancel(str(second))
        assert "ended" == ask(admit, second)


def ask(question: Callable[[PrefectClient, UUID], Awaitable[T]], flow_run_id: UUID) -> T:
    """The answer of a client that is made for it."""

    async def asking() -> Any:
        async with get_client() as client:
            return await question(client, flow_run_id)

    answer: T = asyncio.run(asking())
    return answer
