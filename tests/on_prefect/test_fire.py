"""Listeners that are killed while objects arrive: each object has one run that succeeded."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fire import Scenario, under_fire
from tests.servers.ministack import Ministack, ministack

__all__ = ["ministack"]
SCENARIOS = [
    pytest.param(Scenario("one each", 12, kills=2, seconds=300), id="a run for each"),
    pytest.param(
        Scenario("batches of versions", 10, batch=5, overwrites=3, kills=1, seconds=300), id="batches of versions"
    ),
    pytest.param(
        Scenario("by an automation", 6, start_by="automation", listeners=2, kills=1, seconds=400), id="by an automation"
    ),
]


@pytest.mark.slow
@pytest.mark.timeout(500)
@pytest.mark.server
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_exactly_once(scenario: Scenario, ministack: Ministack, tmp_path: Path) -> None:
    """Whatever is killed, and whatever the queue tells twice and late, no object is lost and none is taken twice."""
    outcome = under_fire(scenario, ministack, tmp_path, f"sqlite:///{tmp_path / 'book.db'}")
    assert (0, 0) == (outcome.lost, outcome.doubled), outcome.said[-40:]
    assert (scenario.start_by == "automation") == bool(outcome.automated)
    assert (scenario.kills, scenario.server_kills) == (outcome.kills, outcome.server_kills)
