"""When a failed task is tried again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from wdprefect.model.retry import Retry

CONSTANT = {"type": "constant", "interval": "PT5S"}
EXPONENTIAL = {"type": "exponential", "interval": "PT2S", "maxInterval": "PT20S"}
RANDOM = {"type": "random", "minInterval": "PT1S", "maxInterval": "PT3S"}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        pytest.param(CONSTANT, [5, 5, 5, 5, 5], id="constant"),
        pytest.param(EXPONENTIAL, [0, 4, 8, 12, 16, 20, 20], id="exponential grows up to its limit"),
        pytest.param(EXPONENTIAL | {"delayFactor": 3}, [0, 6, 12, 18, 20], id="exponential with a factor"),
        pytest.param(EXPONENTIAL | {"delayFactor": 1.5}, [0, 2, 4], id="a factor is cut to a whole number"),
        pytest.param(RANDOM, [2, 2, 2], id="random, in the middle"),
    ],
)
def test_delays(settings: dict[str, Any], expected: list[float]) -> None:
    """The delay before each further attempt."""
    retry = Retry.model_validate(settings)
    actual = [retry.delay(n + 1, lambda low, high: (low + high) / 2).total_seconds() for n in range(len(expected))]
    assert expected == actual


def test_random_lies_between() -> None:
    """A random delay lies between its limits."""
    retry = Retry.model_validate(RANDOM)
    assert all(1 <= retry.delay(n).total_seconds() <= 3 for n in range(1, 50))


@pytest.mark.parametrize(
    ("settings", "made", "elapsed", "delay", "expected"),
    [
        pytest.param({}, 10_000, 10_000, 5, False, id="without an end"),
        pytest.param({"maxAttempts": 3}, 2, 0, 5, False, id="attempts are left"),
        pytest.param({"maxAttempts": 3}, 3, 0, 5, True, id="no attempt is left"),
        pytest.param({"maxAttempts": 1}, 1, 0, 5, True, id="the first attempt counts"),
        pytest.param({"maxDuration": "PT1M"}, 9, 55, 5, False, id="just in time"),
        pytest.param({"maxDuration": "PT1M"}, 1, 56, 5, True, id="the next one would be too late"),
        pytest.param({"maxDuration": "PT1M", "maxAttempts": 2}, 2, 0, 5, True, id="whichever comes first"),
    ],
)
def test_end(settings: dict[str, Any], made: int, elapsed: int, delay: int, expected: bool) -> None:  # noqa: FBT001  a column
    """Attempts end by their number or by the time."""
    retry = Retry.model_validate(CONSTANT | settings)
    assert expected is retry.is_over(made, timedelta(seconds=elapsed), timedelta(seconds=delay))


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"type": "constant"}, "needs 'interval'"),
        ({"type": "exponential", "interval": "PT1S"}, "needs 'maxInterval'"),
        ({"type": "random", "maxInterval": "PT1S"}, "needs 'minInterval'"),
        (EXPONENTIAL | {"interval": "PT20S"}, "'interval' must be less than 'maxInterval'"),
        (RANDOM | {"minInterval": "PT9S"}, "'minInterval' must be less than 'maxInterval'"),
        (RANDOM | {"maxDuration": "PT2S"}, "'maxInterval' must be less than 'maxDuration'"),
        (CONSTANT | {"maxDuration": "PT5S"}, "'interval' must be less than 'maxDuration'"),
        (CONSTANT | {"maxAttempts": 0}, "greater than or equal to 1"),
        (CONSTANT | {"behavior": "CREATE_NEW_EXECUTION"}, "RETRY_FAILED_TASK"),
        ({"type": "sometimes", "interval": "PT1S"}, "constant"),
    ],
)
def test_refused(settings: dict[str, Any], reason: str) -> None:
    """A retry that cannot be meant so is refused."""
    with pytest.raises(ValidationError, match=reason):
        Retry.model_validate(settings)
