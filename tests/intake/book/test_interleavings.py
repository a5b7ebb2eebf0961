"""Whatever happens in whatever order: each version is in one run that succeeds, at most, and none is forgotten."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.intake.book.notebook import Notebook
from tests.intake.book.world import World

STEPS = [
    *[World.observe, World.claim, World.wait, World.take_over, World.automation] * 2,
    *[World.work, World.follow, World.run_ends] * 4,
    *[World.foreign_run, World.die, World.stop],
]


@pytest.mark.slow
@settings(
    max_examples=30,
    deadline=None,
    # A seed is not made smaller.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    # The book is one for all examples; each has a trigger of its own.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(seed=st.integers(0, 2**64))
def test_any_interleaving(notebook: Notebook, seed: int) -> None:
    """Each version that was told of ends in one run that succeeded or in none, as the book says, and none is left."""
    # Courses that hypothesis makes itself repeat one step for the most part.
    choice = Random(seed)  # noqa: S311  no secret
    world = World(notebook, is_automated=choice.random() < 0.7)
    for _ in range(100):
        choice.choice(STEPS)(world, choice.randrange(3), choice.randrange(60))
    world.finish()
    ends, successes = world.ends(), world.successes()
    assert world.told == ends.keys()
    assert {version: {"succeeded": 1, "failed": 0}.get(status) for version, status in ends.items()} == {
        version: successes[version] for version in ends
    }
