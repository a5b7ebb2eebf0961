"""Arithmetic and comparison, as Kestra's operators do them on 64-bit integers, doubles, text and lists."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Hashable, Mapping
from decimal import Context, Decimal, DecimalException
from typing import Any

from wdprefect.errors import ExpressionError
from wdprefect.expressions.limits import RANGE_ITEMS, checked_text, too_much
from wdprefect.expressions.values import CONTAINERS, LISTS, checked_size, describe, to_java_text, to_text

_NUMBER_TEXT = re.compile(r"[+-]?[0-9]+|[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


def is_number(value: Any) -> bool:
    """Whether the value is a number; booleans, which Python counts among these, are none."""
    return type(value) is int or (isinstance(value, int | float | Decimal) and not isinstance(value, bool))


def add(left: Any, right: Any) -> Any:
    """The sum of numbers; text where either side is text; a list with an item or the items of a list added."""
    if isinstance(left, str) or isinstance(right, str):
        return checked_text(to_java_text(left) + to_java_text(right))
    if isinstance(left, LISTS):
        result = [*left, *right] if isinstance(right, LISTS) else [*left, right]
        if len(result) > RANGE_ITEMS:
            raise too_much(f"the list has more than {RANGE_ITEMS:,} items")
        return result
    if not (is_number(left) and is_number(right)):
        raise ExpressionError(f"{describe(left)} and {describe(right)} cannot be added")
    return _calculate(operator.add, left, right)


def subtract(left: Any, right: Any) -> Any:
    """The difference of numbers; a list without the first of an item, or without all items of a list."""
    if isinstance(left, LISTS) and isinstance(right, LISTS):
        gone = set(map(frozen, right))
        return [item for item in left if frozen(item) not in gone]
    if isinstance(left, LISTS):
        items = list(left)
        at = next((at for at, item in enumerate(items) if equal(item, right)), len(items))
        return items[:at] + items[at + 1 :]
    return _calculate(operator.sub, _number(left), _number(right))


def multiply(left: Any, right: Any) -> Any:
    """The product of two numbers, or texts that hold numbers."""
    return _calculate(operator.mul, _number(left), _number(right))


def divide(left: Any, right: Any) -> Any:
    """The quotient; that of integers is cut towards zero, and their division by zero is an error."""
    return _calculate(_quotient, _number(left), _number(right))


def remainder(left: Any, right: Any) -> Any:
    """The remainder, with the sign of the dividend."""
    return _calculate(_rest, _number(left), _number(right))


def negative(value: Any) -> Any:
    """The number with the other sign."""
    return -value if isinstance(value, float | Decimal) else _calculate(operator.sub, 0, _number(value))


def positive(value: Any) -> Any:
    """The number itself, or that which a text holds."""
    return _number(value)


def _number(value: Any) -> int | float | Decimal:
    if is_number(value):
        return value  # type: ignore[no-any-return]  # is_number is no type guard: its answer depends on bool
    if isinstance(value, str) and _NUMBER_TEXT.fullmatch(value):
        if any(c in value for c in ".eE"):
            return float(value)
        if len(value) <= _LONGEST and int(value) == _wrap(int(value)):
            return int(value)
    raise ExpressionError(f"{describe(value)} is no number")


# Digits of a text that may be a 64-bit integer, with room for leading zeros.
_LONGEST = 40


def _wrap(value: int) -> int:
    # Java's 64-bit integers start again at the other end.
    return value if -(2**63) <= value < 2**63 else (value + 2**63) % 2**64 - 2**63


def _calculate(operation: Callable[[Any, Any], Any], left: Any, right: Any) -> Any:
    if isinstance(left, int) and isinstance(right, int):
        return _wrap(operation(left, right))
    try:
        if isinstance(left, Decimal) or isinstance(right, Decimal):
            return _DECIMAL_OPERATIONS[operation](_decimal(left), _decimal(right))
        return operation(float(left), float(right))
    except OverflowError:
        return math.inf
    except DecimalException as error:
        raise ExpressionError("the result is no number") from error


def _decimal(value: float | Decimal) -> Decimal:
    # As Kestra does: decimals are calculated with exactly, but they come through doubles.
    return Decimal(to_text(float(value)))


def _quotient(left: Any, right: Any) -> Any:
    if isinstance(left, int):
        if not right:
            raise ExpressionError("division by zero")
        quotient = abs(left) // abs(right)
        return quotient if (left < 0) == (right < 0) else -quotient
    if right:
        return left / right
    return math.nan if not left or math.isnan(left) else math.copysign(math.inf, left) * math.copysign(1, right)


def _rest(left: Any, right: Any) -> Any:
    if isinstance(left, int):
        if not right:
            raise ExpressionError("division by zero")
        return left - right * _quotient(left, right)
    return math.fmod(left, right) if right and math.isfinite(left) else math.nan


# Java's DECIMAL128; sums and products of doubles fit into twice its digits.
_DECIMAL128, _EXACT = Context(prec=34), Context(prec=700)
_DECIMAL_OPERATIONS: Mapping[Any, Callable[[Decimal, Decimal], Decimal]] = {
    operator.add: _EXACT.add,
    operator.sub: _EXACT.subtract,
    operator.mul: _EXACT.multiply,
    _quotient: _DECIMAL128.divide,
    _rest: _EXACT.remainder,
}


def equal(left: Any, right: Any) -> bool:
    """Whether two values are equal: numbers by value across kinds; text never equals a number or a boolean."""
    if type(left) is str and type(right) is str:  # most comparisons; the kinds below are slow to tell apart
        return left == right
    if isinstance(left, CONTAINERS) and isinstance(right, CONTAINERS):
        checked_size(left)
    return _equal(left, right)


def _equal(left: Any, right: Any) -> bool:
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(_equal(item, right[key]) for key, item in left.items())
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(map(_equal, left, right))
    return bool(left == right)


def frozen(value: Any) -> Hashable:
    """Something to be kept in sets: that of two values is equal where they are equal."""
    return _frozen(checked_size(value) if isinstance(value, CONTAINERS) else value)


def _frozen(value: Any) -> Hashable:
    if isinstance(value, bool):
        return "boolean", value
    if isinstance(value, Mapping):
        return "map", frozenset((_frozen(key), _frozen(item)) for key, item in value.items())
    if isinstance(value, list | tuple):
        return "list", *map(_frozen, value)
    if isinstance(value, LISTS):
        return "set", frozenset(map(_frozen, value))
    return value  # type: ignore[no-any-return]  # what is left are scalars


def compare(name: str, left: Any, right: Any) -> bool:
    """The answer of `<`, `<=`, `>` or `>=` for two numbers or two texts; null on either side is false."""
    if left is None or right is None:
        return False
    if isinstance(left, str) and isinstance(right, str):
        # By UTF-16 units, as Java compares.
        return _COMPARISONS[name](left.encode("utf-16-be", "surrogatepass"), right.encode("utf-16-be", "surrogatepass"))
    if is_number(left) and is_number(right):
        return _COMPARISONS[name](left, right)
    raise ExpressionError(f"{describe(left)} and {describe(right)} cannot be compared with '{name}'")


_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def contains(container: Any, item: Any) -> bool:
    """Whether a list has an item, a map a key, or a text a part; for a list of items, whether it has all."""
    if container is None:
        return False
    if isinstance(container, str):
        return item is not None and to_java_text(item) in container
    if isinstance(container, Mapping):
        return any(equal(key, item) for key in container)
    if isinstance(container, LISTS):
        if isinstance(item, LISTS):
            return set(map(frozen, container)) >= set(map(frozen, item))
        return any(equal(one, item) for one in container)
    raise ExpressionError(f"{describe(container)} contains nothing")


def is_in(item: Any, container: Any) -> bool:
    """Whether a list has an item, or a map it as a key or value; compared as texts."""
    if item is None or not isinstance(container, CONTAINERS):
        return False
    members = [*container, *container.values()] if isinstance(container, Mapping) else container
    wanted = to_text(item)
    return any(one is not None and to_text(one) == wanted for one in members)


def span(start: Any, end: Any, step: Any = 1) -> list[Any]:
    """The list from one number, or letter, to another, both included."""
    by = int(_number(step))
    if not by:
        raise ExpressionError("the increment of a range is zero")
    letters = isinstance(start, str) and isinstance(end, str) and len(start) == len(end) == 1
    first, last = (ord(start), ord(end)) if letters else (_whole(start), _whole(end))
    # Counted before it is made: a range of Python's may be longer than it can say.
    if (last - first) // by >= RANGE_ITEMS:
        raise ExpressionError(f"the range has more than {RANGE_ITEMS:,} items")
    numbers = range(first, last + (1 if by > 0 else -1), by)
    return [chr(n) for n in numbers] if letters else list(numbers)


def _whole(value: Any) -> int:
    if not is_number(value):
        raise ExpressionError(f"{describe(value)} cannot be in a range of numbers")
    if not math.isfinite(value):
        raise ExpressionError("a range needs finite numbers")
    return int(value)
