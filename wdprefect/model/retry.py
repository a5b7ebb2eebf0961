"""When a failed task is tried again."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Literal

from pydantic import Field, model_validator

from wdprefect.model.node import Bool, Duration, Int, Node

_NEEDED = {
    "constant": ["interval"],
    "exponential": ["interval", "max_interval"],
    "random": ["min_interval", "max_interval"],
}
Uniform = Callable[[float, float], float]


class Retry(Node):
    """How often and how late a failed task is tried again.

    maxAttempts counts all attempts, the first included; with neither it nor maxDuration there is no end.
    Source: Kestra's ConstantRetry, ExponentialRetry and RandomRetry.
    """

    type: Literal["constant", "exponential", "random"]
    interval: Duration | None = None
    max_interval: Duration | None = None
    min_interval: Duration | None = None
    delay_factor: float | None = None
    max_attempts: Int | None = Field(default=None, ge=1)
    max_duration: Duration | None = None
    warning_on_retry: Bool = False
    behavior: Literal["RETRY_FAILED_TASK"] = "RETRY_FAILED_TASK"

    @model_validator(mode="after")
    def _intervals_fit(self) -> Retry:
        for name in _NEEDED[self.type]:
            if getattr(self, name) is None:
                msg = f"a retry of type '{self.type}' needs '{_alias(name)}'"
                raise ValueError(msg)
        pairs = [("interval", "max_interval"), ("min_interval", "max_interval"), ("interval", "max_duration")]
        pairs += [("min_interval", "max_duration"), ("max_interval", "max_duration")] if self.type == "random" else []
        for low, high in pairs:
            a, b = getattr(self, low), getattr(self, high)
            if a is not None and b is not None and a >= b:
                msg = f"'{_alias(low)}' must be less than '{_alias(high)}'"
                raise ValueError(msg)
        return self

    def delay(self, made: int, uniform: Uniform = random.uniform) -> timedelta:
        """How long to wait after the `made`-th attempt before the next one.

        The exponential kind grows as Kestra's does: interval x factor x (made - 1), so the first retry is immediate.
        """
        zero = timedelta()
        if self.type == "constant":
            return self.interval or zero
        if self.type == "random":
            low, high = self.min_interval or zero, self.max_interval or zero
            return timedelta(seconds=uniform(low.total_seconds(), high.total_seconds()))
        factor = int(self.delay_factor) if self.delay_factor else 2
        return min((self.interval or zero) * factor * (made - 1), self.max_interval or zero)

    def is_over(self, made: int, elapsed: timedelta, delay: timedelta) -> bool:
        """Whether no further attempt follows the `made`-th, `elapsed` after the start of the first."""
        if self.max_attempts is not None and made >= self.max_attempts:
            return True
        return self.max_duration is not None and elapsed + delay > self.max_duration


def _alias(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)
