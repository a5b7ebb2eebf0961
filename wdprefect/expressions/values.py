"""What a value is as text, as JSON and as a truth value, as Java and Kestra's JSON writer have it."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any, Final

from wdprefect.errors import ExpressionError
from wdprefect.expressions.instants import moved, nanosecond_of
from wdprefect.expressions.limits import DATA_ITEMS, OUTPUT_CHARACTERS, joined, too_much

LISTS: Final[tuple[type[Collection[Any]], ...]] = (list, tuple, set, frozenset, type({}.keys()), type({}.values()))
CONTAINERS: Final[Any] = (Mapping, *LISTS)
_FALSE_TEXTS = frozenset(("", "false", "0", "-0"))
_LEAVES = frozenset((str, int, float, bool, type(None)))
# Doubles from here on, or smaller than the second, print with an exponent.
_LARGE, _SMALL = 1e7, 1e-3
# What a piece of JSON weighs besides its characters: many small ones take memory too.
_PIECE = 10
# Of a decimal, with the zeros that its exponent stands for.
_DECIMAL_DIGITS = 10_000


class Entry(dict[str, Any]):
    """An entry of a map, as loops and `merge` give it: a map of `key` and `value` that prints as `key=value`."""


def entries(mapping: Mapping[Any, Any]) -> list[Entry]:
    """The entries of a map."""
    return [Entry(key=key, value=value) for key, value in mapping.items()]


def is_true(text: str | None) -> bool:
    """Whether a rendered condition holds: everything does but None, `""`, `false`, `0` and `-0`."""
    return text is not None and text not in _FALSE_TEXTS


def to_text(value: Any) -> str:
    """The text of a value where a template prints it: lists and maps as JSON, null as nothing, the rest as in Java."""
    if type(value) is int:  # the most frequent kind besides text, and the last to be found below
        return _integer_text(value)
    if isinstance(value, str):
        return value
    if isinstance(value, CONTAINERS):
        return to_java_text(value) if type(value) is Entry else to_json(value)
    return "" if value is None else _scalar_text(value)


def to_java_text(value: Any) -> str:
    """The text of a value inside of other text (`~`, `+`, `join`, macros): `[a, b]`, `{k=v}`, null as `null`."""
    if isinstance(value, str):
        return value
    if isinstance(value, CONTAINERS):
        return _java_text(checked_size(value))
    return "null" if value is None else _scalar_text(value)


def _java_text(value: Any) -> str:
    if type(value) is str:
        return value
    if type(value) is Entry:
        return f"{_java_text(value['key'])}={_java_text(value['value'])}"
    if isinstance(value, Mapping):
        return "{" + joined((f"{_java_text(k)}={_java_text(v)}" for k, v in value.items()), ", ") + "}"
    if isinstance(value, LISTS):
        return "[" + joined(map(_java_text, value), ", ") + "]"
    return value if isinstance(value, str) else "null" if value is None else _scalar_text(value)


def to_json(value: Any) -> str:
    """Compact JSON; null entries of maps are left out, null items of lists stay; text beyond ASCII stays as it is."""
    parts: list[str] = []
    size = 0

    def write(text: str) -> None:
        nonlocal size
        parts.append(text)
        size += len(text) + _PIECE
        if size > 2 * OUTPUT_CHARACTERS:
            raise too_much("the data is too large to be written as JSON")

    _write_json(value, write)
    return "".join(parts)


def _write_json(value: Any, write: Any) -> None:
    # `isinstance` of an abstract class costs more than all the rest, so the frequent kinds come before it.
    kind = type(value)
    if kind is str:
        write(encode_basestring(value))
    elif kind is int:
        write(_integer_text(value))
    elif kind is dict or isinstance(value, Mapping):
        separator = "{"
        for key, item in [tuple(value.values())] if kind is Entry else value.items():
            if key is None:
                raise ExpressionError("null cannot be a key in JSON")
            if item is not None:
                write(f"{separator}{encode_basestring(key if type(key) is str else to_java_text(key))}:")
                _write_json(item, write)
                separator = ","
        write("{}" if separator == "{" else "}")
    elif isinstance(value, LISTS):
        write("[")
        for index, item in enumerate(value):
            if index:
                write(",")
            _write_json(item, write)
        write("]")
    else:
        write("null" if value is None else _scalar_json(value))


def _scalar_json(value: Any) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return f'"{_double_text(value)}"'
    if isinstance(value, bool | int | float | Decimal):
        return _scalar_text(value)
    if isinstance(value, dt.timedelta):
        return f"{value // dt.timedelta(seconds=1)}.{value.microseconds:06d}000"
    if isinstance(value, dt.datetime):
        # Kestra 1.3 writes moments inside of JSON in UTC.
        value = moved(value, dt.timezone.utc) if value.tzinfo else value
        return f'"{_datetime_text(value, seconds_always=True)}"'
    return encode_basestring(_scalar_text(value))


def _scalar_text(value: Any) -> str:
    for kind, write in _WRITERS:
        if isinstance(value, kind):
            return write(value)
    return str(value)


def _integer_text(value: int) -> str:
    try:
        return str(value)
    except ValueError as error:  # Python refuses to print integers of thousands of digits
        raise ExpressionError("the number is too long to be printed") from error


def _decimal_text(value: Decimal) -> str:
    if value.is_finite() and abs(value.adjusted()) > _DECIMAL_DIGITS:
        raise too_much(f"the number has more than {_DECIMAL_DIGITS:,} digits")
    return f"{value:f}"


def _double_text(value: float) -> str:
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if value == 0 or _SMALL <= abs(value) < _LARGE:
        text = repr(value)
        return text if "e" not in text else f"{Decimal(text):f}"
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    fraction = "".join(map(str, digits[1:])) or "0"
    return f"{'-' if sign else ''}{digits[0]}.{fraction}E{len(digits) - 1 + int(exponent)}"


def _datetime_text(value: dt.datetime, *, seconds_always: bool) -> str:
    text = f"{value.date().isoformat()}T{_time_text(value, seconds_always=seconds_always)}"
    offset = value.utcoffset()
    if offset is None:
        return text
    return text + ("Z" if not offset else value.isoformat()[-6:])


def _time_text(value: dt.time | dt.datetime, *, seconds_always: bool) -> str:
    text = f"{value.hour:02d}:{value.minute:02d}"
    nanosecond = nanosecond_of(value)
    if value.second or nanosecond or seconds_always:
        text += f":{value.second:02d}"
    if nanosecond:
        text += f".{nanosecond:09d}".removesuffix("000").removesuffix("000")
    return text


def _duration_text(value: dt.timedelta) -> str:
    """ISO 8601 with hours as the largest unit, as `java.time.Duration` prints: PT26H3M4S."""
    sign = "-" if value < dt.timedelta(0) else ""
    seconds, microseconds = divmod(abs(value) // dt.timedelta(microseconds=1), 1_000_000)
    hours, minutes, seconds = seconds // 3600, seconds // 60 % 60, seconds % 60
    text = "".join(f"{sign}{n}{unit}" for n, unit in ((hours, "H"), (minutes, "M")) if n)
    if microseconds:
        text += f"{sign}{seconds}.{microseconds:06d}".rstrip("0") + "S"
    elif seconds or not text:
        text += f"{sign}{seconds}S"
    return "PT" + text


_WRITERS: tuple[tuple[type, Callable[[Any], str]], ...] = (
    (bool, lambda value: "true" if value else "false"),
    (int, _integer_text),
    (float, _double_text),
    (Decimal, _decimal_text),
    # A moment in UTC is an instant to Java, and these print their seconds also where they are zero.
    (dt.datetime, lambda value: _datetime_text(value, seconds_always=value.utcoffset() == dt.timedelta(0))),
    (dt.time, lambda value: _time_text(value, seconds_always=False)),
    (dt.timedelta, _duration_text),
    (bytes, lambda value: value.decode("utf-8", "replace")),
)


def is_empty(value: Any) -> bool:
    """Null, blank text, or a list or map without items."""
    if value is None:
        return True
    if isinstance(value, str):
        return not value.strip()
    return isinstance(value, CONTAINERS) and not value


def checked_size(value: Any) -> Any:
    """The same value, unless it has more items, with those of lists and maps in it, than may be walked through."""
    count, rest = 0, [value]
    while rest:
        each = rest.pop()
        if type(each) not in _LEAVES and isinstance(each, CONTAINERS):
            count += len(each)
            if count > DATA_ITEMS:
                raise too_much(f"the data has more than {DATA_ITEMS:,} items")
            rest += each.values() if isinstance(each, Mapping) else each
    return value


def in_leaves(value: Any, change: Callable[[str], str]) -> Any:
    """The same lists and maps with the text of each leaf changed; keys and nulls stay."""
    return _in_leaves(checked_size(value), change)


def _in_leaves(value: Any, change: Callable[[str], str]) -> Any:
    if value is None:
        return None
    if isinstance(value, Mapping):
        return {key: _in_leaves(item, change) for key, item in value.items()}
    if isinstance(value, LISTS):
        return [_in_leaves(item, change) for item in value]
    return change(to_java_text(value))


def truth(value: Any) -> bool:
    """The truth of a value that `if`, `and`, `or` and `not` accept: booleans, numbers and text; others are an error.

    Any text but the empty one is true, also `false` and a blank.
    """
    if value is True or value is False:
        return bool(value)
    if isinstance(value, int | float | Decimal):
        return value != 0 and value == value  # noqa: PLR0124  # NaN is false
    if isinstance(value, str):
        return value != ""
    raise ExpressionError(f"{describe(value)} is neither true nor false")


def describe(value: Any) -> str:
    """The kind of a value in the words of a message, such as `a list`."""
    if value is None:
        return "null"
    for kinds, words in _KINDS:
        if isinstance(value, kinds):
            return words
    return "a value of this kind"


_KINDS: tuple[tuple[Any, str], ...] = (
    (bool, "a boolean"),
    ((int, float, Decimal), "a number"),
    (str, "text"),
    (Mapping, "a map"),
    (LISTS, "a list"),
    ((dt.date, dt.time), "a date"),
)
