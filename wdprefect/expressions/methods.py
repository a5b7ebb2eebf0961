"""The methods and properties of values that templates may use: a fixed table of functions, never Python attributes."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from wdprefect.expressions.values import LISTS

# Java's ways into reflection, which Kestra refuses rather than not finding them.
FORBIDDEN = frozenset(
    (
        "class",
        "getClass",
        "forName",
        "wait",
        "notify",
        "notifyAll",
        "getClassLoader",
        "classLoader",
        "getProtectionDomain",
    )
)

_TEXT: Mapping[str, Callable[..., Any]] = {
    "length": len,
    "isEmpty": lambda text: not text,
    "empty": lambda text: not text,
    "toUpperCase": str.upper,
    "toLowerCase": str.lower,
    "trim": lambda text: text.strip("".join(map(chr, range(33)))),
    "replace": lambda text, old, new: str(text).replace(old, new),
    "split": lambda text, pattern: re.split(pattern, text),
    "startsWith": lambda text, part: str(text).startswith(part),
    "endsWith": lambda text, part: str(text).endswith(part),
    "indexOf": lambda text, part: str(text).find(part),
}
_LIST: Mapping[str, Callable[..., Any]] = {
    "size": len,
    "isEmpty": lambda items: not items,
    "empty": lambda items: not items,
    "indexOf": lambda items, item: items.index(item) if item in items else -1,
}
_MAP: Mapping[str, Callable[..., Any]] = {
    "size": len,
    "isEmpty": lambda entries: not entries,
    "get": lambda entries, key: entries.get(key),
    "getOrDefault": lambda entries, key, default: entries.get(key, default),
    "containsKey": lambda entries, key: key in entries,
    "keySet": list,
    "values": lambda entries: list(entries.values()),
    "entrySet": lambda entries: [{"key": key, "value": value} for key, value in entries.items()],
}
_DATE: Mapping[str, Callable[..., Any]] = {
    "year": lambda day: day.year,
    "monthValue": lambda day: day.month,
    "dayOfMonth": lambda day: day.day,
    "dayOfYear": lambda day: day.timetuple().tm_yday,
    "dayOfWeek": lambda day: day.strftime("%A").upper(),
    "plusDays": lambda day, days: day + dt.timedelta(days=days),
    "minusDays": lambda day, days: day - dt.timedelta(days=days),
}
_MOMENT: Mapping[str, Callable[..., Any]] = {
    **_DATE,
    "hour": lambda moment: moment.hour,
    "minute": lambda moment: moment.minute,
    "second": lambda moment: moment.second,
    "toLocalDate": lambda moment: moment.date(),
    "toInstant": lambda moment: moment.astimezone(dt.timezone.utc),
    "toEpochSecond": lambda moment: int(moment.timestamp()),
    "toEpochMilli": lambda moment: (
        (moment - dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)) // dt.timedelta(milliseconds=1)
    ),
}
_BY_KIND: tuple[tuple[Any, Mapping[str, Callable[..., Any]]], ...] = (
    (str, MappingProxyType(_TEXT)),
    (Mapping, MappingProxyType(_MAP)),
    (LISTS, MappingProxyType(_LIST)),
    (dt.datetime, MappingProxyType(_MOMENT)),
    (dt.date, MappingProxyType(_DATE)),
)


def call_method(value: Any, name: str, args: Sequence[Any]) -> Any:
    """The result of one of the methods above, a getter also by its long name; LookupError where there is none."""
    for kind, methods in _BY_KIND:
        if isinstance(value, kind):
            short = (
                name[3:4].lower() + name[4:] if name.startswith("get") and not args and name not in methods else name
            )
            return methods[short](value, *args)
    raise LookupError(name)
