"""What filters and functions accept as an argument, and what they say about the rest."""

from __future__ import annotations

import math
from typing import Any

from wdprefect.errors import ExpressionError
from wdprefect.expressions.values import LISTS, describe


def text(value: Any, what: str = "the value") -> str:
    """The value, which must be text."""
    if isinstance(value, str):
        return value
    raise ExpressionError(f"{what} is {describe(value)}, not text")


def given(value: Any, what: str) -> Any:
    """The value, which must not be null."""
    if value is None:
        raise ExpressionError(f"{what} is null")
    return value


def integer(value: Any, what: str) -> int:
    """The value, which must be a whole number."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise ExpressionError(f"{what} is {describe(value)}, not a whole number")


def truncated(value: Any, what: str) -> int:
    """The value, which must be a number, without its fraction."""
    return int(value) if isinstance(value, float) and math.isfinite(value) else integer(value, what)


def items(value: Any, what: str = "the value") -> list[Any]:
    """The items of a list or set, as a new list."""
    if isinstance(value, LISTS):
        return list(value)
    raise ExpressionError(f"{what} is {describe(value)}, not a list")
