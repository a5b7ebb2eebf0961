"""The tests after `is`. `defined` is not here: it must see what is missing, so the compiler makes it.

Source: Pebble's core extension, and Kestra's `json`.
"""

from __future__ import annotations

import json as json_library
import sys
from collections.abc import Mapping
from typing import Any

from wdprefect.errors import ExpressionError
from wdprefect.expressions.binding import table
from wdprefect.expressions.values import LISTS, describe, is_empty


def null(value: Any) -> bool:
    """Whether the value is null."""
    return value is None


def empty(value: Any) -> bool:
    """Whether the value is null, blank text, or a list or map without items."""
    return is_empty(value)


def even(value: Any) -> bool:
    """Whether an integer is even."""
    return _integer(value) % 2 == 0


def odd(value: Any) -> bool:
    """Whether an integer is odd."""
    return _integer(value) % 2 == 1


def iterable(value: Any) -> bool:
    """Whether a loop takes the value as a list; a map is not one."""
    return isinstance(value, LISTS)


def map_(value: Any) -> bool:
    """Whether the value is a map."""
    return isinstance(value, Mapping)


def json(value: Any) -> bool:
    """Whether a text starts with valid JSON; what follows is not looked at, and nothing at all is valid."""
    if not isinstance(value, str):
        return False
    text = value.lstrip()
    try:
        json_library.JSONDecoder().raw_decode(text)
    except ValueError:
        return not text
    return True


def _integer(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise ExpressionError(f"{describe(value)} is no integer")


TESTS = table(sys.modules[__name__])
