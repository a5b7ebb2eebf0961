"""The tests after `is`.

Source: Pebble's core extension, and Kestra's `json`.
"""

from __future__ import annotations

import json as json_library
import sys
from collections.abc import Mapping
from typing import Any

from wdprefect.errors import ExpressionError
from wdprefect.expressions.arguments import text
from wdprefect.expressions.binding import table
from wdprefect.expressions.values import LISTS, Entry, describe, is_empty


# What is missing comes as null: the compiler catches it, as for the filter `default`.
def defined(value: Any) -> bool:
    """Whether the value is neither missing nor null.

    with: {"nothing": null}
    {{ missing is defined }} → false
    {{ nothing is defined }} → false
    {{ '' is defined }} → true
    """
    return value is not None


def null(value: Any) -> bool:
    """Whether the value is null.

    {{ null is null }} → true
    """
    return value is None


def empty(value: Any) -> bool:
    """Whether the value is null, blank text, or a list or map without items.

    {{ ' ' is empty }} → true
    {{ [] is empty }} → true
    {{ 0 is empty }} → false
    """
    return is_empty(value)


def even(value: Any) -> bool:
    """Whether an integer is even.

    {{ 4 is even }} → true
    """
    return _integer(value) % 2 == 0


def odd(value: Any) -> bool:
    """Whether an integer is odd.

    {{ 4 is odd }} → false
    """
    return _integer(value) % 2 == 1


def iterable(value: Any) -> bool:
    """Whether a loop takes the value as a list; a map is not one.

    {{ [1] is iterable }} → true
    {{ {'a': 1} is iterable }} → false
    """
    return isinstance(value, LISTS)


def map_(value: Any) -> bool:
    """Whether the value is a map.

    {{ {'a': 1} is map }} → true
    """
    return isinstance(value, Mapping) and not isinstance(value, Entry)


def json(value: Any) -> bool:
    """Whether a text starts with valid JSON; what follows is not looked at, and nothing at all is valid.

    {{ '[1, 2]' is json }} → true
    {{ '{a' is json }} → false
    """
    source = text(value).lstrip(" \t\n\r")
    try:
        _, end = json_library.JSONDecoder(parse_constant=_no_constant).raw_decode(source)
    except ValueError:
        return not source
    # A number or word goes on as far as its letters do: `01` is none.
    return not (source[end - 1].isalnum() and source[end : end + 1].isalnum())


def _no_constant(name: str) -> None:
    # Python reads NaN and Infinity, JSON has them not.
    raise ValueError(name)


def _integer(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise ExpressionError(f"{describe(value)} is no integer")


TESTS = table(sys.modules[__name__])
