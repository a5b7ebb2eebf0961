"""From what a person gives to what an input holds; every failure is a ValueError whose text is the reason."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

T = TypeVar("T")

# Lower and upper limit, as Kestra words them.
NUMBERS = ("it must be more than", "it must be less than")
LENGTHS = ("It must be more than", "It must be less than")
MOMENTS = ("it must be after", "it must be before")


def iso_duration(length: timedelta) -> str:
    """A length of time as Java prints it: hours are the largest unit, `PT26H3M4S`."""
    micros = length // timedelta(microseconds=1)
    seconds, fraction = divmod(abs(micros), 1_000_000)
    hours, rest = divmod(seconds, 3600)
    minutes, rest = divmod(rest, 60)
    sign = "-" if micros < 0 else ""
    parts = [(str(hours), "H"), (str(minutes), "M"), (f"{rest}.{fraction:06}".rstrip("0").rstrip("."), "S")]
    return "PT" + ("".join(f"{sign}{n}{unit}" for n, unit in parts if n != "0") or "0S")


def clock_duration(length: timedelta) -> str:
    """A length of time as Kestra's messages have it: `00:00:30.000`."""
    seconds, milliseconds = divmod(length // timedelta(milliseconds=1), 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}.{milliseconds:03}"


def matching(text: str, pattern: str | None) -> str:
    """The text, when the pattern matches the whole of it."""
    if pattern is not None and not re.fullmatch(pattern, text):
        msg = f"it must match the pattern `{pattern}`"
        raise ValueError(msg)
    return text


def checked_pattern(pattern: str | None) -> str | None:
    """The regular expression, when it is one."""
    try:
        re.compile(pattern or "")
    except re.error:
        msg = f"invalid pattern [{pattern}]"
        raise ValueError(msg) from None
    return pattern


def between(value: T, limits: tuple[Any, Any], words: tuple[str, str], show: Callable[[Any], str] = str) -> T:
    """The value, when it lies within the limits (None: no limit); ValueError says which it breaks in those words."""
    low, high = limits
    more, less = words
    if low is not None and value < low:
        msg = f"{more} `{show(low)}`"
        raise ValueError(msg)
    if high is not None and value > high:
        msg = f"{less} `{show(high)}`"
        raise ValueError(msg)
    return value


def parsed(kind: type[T], name: str, value: Any) -> T:
    """A date, time or duration from its ISO 8601 text."""
    if isinstance(value, kind):
        return value
    try:
        text = value.upper() if kind is timedelta and isinstance(value, str) else value
        return TypeAdapter(kind).validate_python(text, strict=False)
    except ValidationError:
        raise ValueError(expected(name, value)) from None


def as_list(value: Any) -> list[Any]:
    """A list, also from its JSON."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise ValueError(expected("ARRAY", value)) from None
    if not isinstance(value, list):
        raise ValueError(expected("ARRAY", value))  # noqa: TRY004  pydantic and callers know reasons as ValueError
    return value


def expected(kind: str, value: Any, why: str | None = None) -> str:
    """The reason for a value of the wrong kind."""
    return f"Expected `{kind}` but received `{value}`" + (f" with errors: {why}" if why else "")


def one_of(choices: list[str]) -> str:
    """The reason for a value that is none of the choices."""
    return f"it must match the values `[{', '.join(choices)}]`"


def iso_moment(moment: datetime) -> str:
    """A moment as ISO 8601, `Z` for UTC."""
    return moment.isoformat().replace("+00:00", "Z")


def short_time(value: time) -> str:
    """A time of day without seconds that are zero."""
    return value.isoformat(timespec="minutes" if value.second == 0 else "auto")
