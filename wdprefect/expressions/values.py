"""What a value is as text, as JSON and as a truth value, as Java and Kestra's JSON writer have it."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any, Final

from wdprefect.errors import ExpressionError

LISTS: Final[tuple[type[Collection[Any]], ...]] = (list, tuple, set, frozenset, type({}.keys()), type({}.values()))
CONTAINERS: Final[Any] = (Mapping, *LISTS)
_FALSE_TEXTS = frozenset(("", "false", "0", "-0"))
# Doubles from here on, or smaller than the second, print with an exponent.
_LARGE, _SMALL = 1e7, 1e-3


def is_true(text: str | None) -> bool:
    """Whether a rendered condition holds: everything does but None, `""`, `false`, `0` and `-0`."""
    return text is not None and text not in _FALSE_TEXTS


def to_text(value: Any) -> str:
    """The text of a value where a template prints it: lists and maps as JSON, null as nothing, the rest as in Java."""
    if isinstance(value, str):
        return value
    if isinstance(value, CONTAINERS):
        return to_json(value)
    return "" if value is None else _scalar_text(value)


def to_java_text(value: Any) -> str:
    """The text of a value inside of other text (`~`, `+`, `join`, macros): `[a, b]`, `{k=v}`, null as `null`."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{to_java_text(k)}={to_java_text(v)}" for k, v in value.items()) + "}"
    if isinstance(value, LISTS):
        return "[" + ", ".join(map(to_java_text, value)) + "]"
    return "null" if value is None else _scalar_text(value)


def to_json(value: Any) -> str:
    """Compact JSON; null entries of maps are left out, null items of lists stay; text beyond ASCII stays as it is."""
    parts: list[str] = []
    _write_json(value, parts.append)
    return "".join(parts)


def _write_json(value: Any, write: Any) -> None:
    if isinstance(value, str):
        write(encode_basestring(value))
    elif isinstance(value, Mapping):
        separator = "{"
        for key, item in value.items():
            if item is not None:
                write(f"{separator}{encode_basestring(to_java_text(key))}:")
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
        value = value.astimezone(dt.timezone.utc) if value.tzinfo else value
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
    text = f"{value.date().isoformat()}T{_time_text(value.time(), seconds_always=seconds_always)}"
    offset = value.utcoffset()
    if offset is None:
        return text
    return text + ("Z" if not offset else value.isoformat()[-6:])


def _time_text(value: dt.time, *, seconds_always: bool) -> str:
    text = f"{value.hour:02d}:{value.minute:02d}"
    if value.second or value.microsecond or seconds_always:
        text += f":{value.second:02d}"
    if value.microsecond:
        text += f".{value.microsecond:06d}".removesuffix("000")
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
    (Decimal, lambda value: f"{value:f}"),
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
