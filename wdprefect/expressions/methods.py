"""The methods and properties of values that templates may use: a fixed table of functions, never Python attributes."""

# ruff: noqa: PLW0108  # a lambda tells how many arguments it takes, a builtin does not

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NoReturn

from wdprefect.expressions import regexes
from wdprefect.expressions.date_patterns import DAYS, MONTHS, format_moment, zone_id
from wdprefect.expressions.dates import nanoseconds, shifted
from wdprefect.expressions.instants import nanosecond_of, with_nanosecond
from wdprefect.expressions.limits import checked_text, replaced
from wdprefect.expressions.numbers import equal, frozen
from wdprefect.expressions.values import CONTAINERS, LISTS, Entry, entries, to_java_text

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

_CONTROLS = "".join(map(chr, range(33)))

_TEXT: Mapping[str, Callable[..., Any]] = {
    "length": lambda text: len(text.encode("utf-16-le", "surrogatepass")) // 2,
    "isEmpty": lambda text: not text,
    "empty": lambda text: not text,
    "isBlank": lambda text: not text.strip(),
    "blank": lambda text: not text.strip(),
    "toUpperCase": lambda text: text.upper(),
    "toLowerCase": lambda text: text.lower(),
    "trim": lambda text: text.strip(_CONTROLS),
    "strip": lambda text: text.strip(),
    "concat": lambda text, other: checked_text(text + _text(other)),
    "replace": lambda text, old, new: replaced(text, _text(old), _text(new)),
    "split": lambda text, pattern: regexes.split(_text(pattern), text, 0),
    "startsWith": lambda text, part: text.startswith(_text(part)),
    "endsWith": lambda text, part: text.endswith(_text(part)),
    "indexOf": lambda text, part: text.find(_text(part)),
    "lastIndexOf": lambda text, part: text.rfind(_text(part)),
    "toString": lambda text: text,
}
_LIST: Mapping[str, Callable[..., Any]] = {
    "size": lambda items: len(items),
    "isEmpty": lambda items: not items,
    "empty": lambda items: not items,
    "indexOf": lambda items, item: next((at for at, each in enumerate(items) if equal(each, item)), -1),
    "toString": to_java_text,
}
_MAP: Mapping[str, Callable[..., Any]] = {
    "size": lambda entries: len(entries),
    "isEmpty": lambda entries: not entries,
    "empty": lambda entries: not entries,
    "get": lambda entries, key: entries.get(_hashable(key)),
    "getOrDefault": lambda entries, key, default: entries.get(_hashable(key), default),
    "containsKey": lambda entries, key: _hashable(key) in entries,
    "containsValue": lambda entries, value: frozen(value) in map(frozen, entries.values()),
    "keySet": lambda entries: list(entries),
    "values": lambda entries: list(entries.values()),
    "entrySet": entries,
    "toString": to_java_text,
}
_DATE: Mapping[str, Callable[..., Any]] = {
    "year": lambda day: day.year,
    "month": lambda day: MONTHS[day.month - 1].upper(),
    "monthValue": lambda day: day.month,
    "dayOfMonth": lambda day: day.day,
    "dayOfYear": lambda day: day.timetuple().tm_yday,
    "dayOfWeek": lambda day: DAYS[day.weekday()].upper(),
    "lengthOfMonth": lambda day: calendar.monthrange(day.year, day.month)[1],
    "lengthOfYear": lambda day: 365 + calendar.isleap(day.year),
    "isLeapYear": lambda day: calendar.isleap(day.year),
    "leapYear": lambda day: calendar.isleap(day.year),
    "isBefore": lambda day, other: day < other,
    "isAfter": lambda day, other: day > other,
    "plusDays": lambda day, days: _shifted(day, days, "DAYS"),
    "minusDays": lambda day, days: _shifted(day, -days, "DAYS"),
    "plusWeeks": lambda day, weeks: _shifted(day, weeks, "WEEKS"),
    "minusWeeks": lambda day, weeks: _shifted(day, -weeks, "WEEKS"),
    "plusMonths": lambda day, months: _shifted(day, months, "MONTHS"),
    "minusMonths": lambda day, months: _shifted(day, -months, "MONTHS"),
    "plusYears": lambda day, years: _shifted(day, years, "YEARS"),
    "minusYears": lambda day, years: _shifted(day, -years, "YEARS"),
    "toString": to_java_text,
}
_MOMENT: Mapping[str, Callable[..., Any]] = {
    **_DATE,
    "hour": lambda moment: moment.hour,
    "minute": lambda moment: moment.minute,
    "second": lambda moment: moment.second,
    "nano": lambda moment: nanosecond_of(moment),
    "offset": lambda moment: format_moment(moment, "XXX") if moment.tzinfo else _missing("offset"),
    "zone": lambda moment: zone_id(moment) if moment.tzinfo else _missing("zone"),
    "plusHours": lambda moment, hours: _shifted(moment, hours, "HOURS"),
    "minusHours": lambda moment, hours: _shifted(moment, -hours, "HOURS"),
    "plusMinutes": lambda moment, minutes: _shifted(moment, minutes, "MINUTES"),
    "minusMinutes": lambda moment, minutes: _shifted(moment, -minutes, "MINUTES"),
    "plusSeconds": lambda moment, seconds: _shifted(moment, seconds, "SECONDS"),
    "minusSeconds": lambda moment, seconds: _shifted(moment, -seconds, "SECONDS"),
    "plusNanos": lambda moment, nanos: _shifted(moment, nanos, "NANOS"),
    "minusNanos": lambda moment, nanos: _shifted(moment, -nanos, "NANOS"),
    "toLocalDate": lambda moment: moment.date(),
    "toInstant": lambda moment: with_nanosecond(_aware(moment).astimezone(dt.timezone.utc), nanosecond_of(moment)),
    "toEpochSecond": lambda moment: nanoseconds(_aware(moment)) // 1_000_000_000,
    "epochSecond": lambda moment: nanoseconds(_aware(moment)) // 1_000_000_000,
    "toEpochMilli": lambda moment: nanoseconds(_aware(moment)) // 1_000_000,
}
_DURATION: Mapping[str, Callable[..., Any]] = {
    "seconds": lambda span: span // dt.timedelta(seconds=1),
    "nano": lambda span: span.microseconds * 1000,
    "isZero": lambda span: not span,
    "isNegative": lambda span: span < dt.timedelta(0),
    "toDays": lambda span: _whole_units(span, "days"),
    "toHours": lambda span: _whole_units(span, "hours"),
    "toMinutes": lambda span: _whole_units(span, "minutes"),
    "toSeconds": lambda span: span // dt.timedelta(seconds=1),
    "toMillis": lambda span: span // dt.timedelta(milliseconds=1),
    "toString": to_java_text,
}


def _text(value: Any) -> str:
    if not isinstance(value, str):
        # As Java's reflection does: there is no such method for other arguments.
        raise LookupError("a text")  # noqa: TRY004  # what `call_method` promises
    return value


def _hashable(key: Any) -> Any:
    return None if isinstance(key, CONTAINERS) else key


def _aware(moment: dt.datetime) -> dt.datetime:
    return moment if moment.tzinfo else _missing("an offset")


def _missing(what: str) -> NoReturn:
    raise LookupError(what)


def _shifted(day: Any, amount: Any, unit: str) -> Any:
    if not isinstance(amount, int) or isinstance(amount, bool):
        raise LookupError("a whole number")  # noqa: TRY004  # as above
    if isinstance(day, dt.datetime):
        return shifted(day, amount, unit)
    return shifted(dt.datetime.combine(day, dt.time()), amount, unit).date()


def _whole_units(span: dt.timedelta, unit: str) -> int:
    # Java cuts towards zero.
    count = abs(span) // dt.timedelta(**{unit: 1})
    return count if span >= dt.timedelta(0) else -count


# The first kind that fits counts.
METHODS: tuple[tuple[str, Any, Mapping[str, Callable[..., Any]]], ...] = (
    ("text", str, MappingProxyType(_TEXT)),
    ("map", Mapping, MappingProxyType(_MAP)),
    ("list", LISTS, MappingProxyType(_LIST)),
    ("date-time", dt.datetime, MappingProxyType(_MOMENT)),
    ("date", dt.date, MappingProxyType(_DATE)),
    ("duration", dt.timedelta, MappingProxyType(_DURATION)),
)


def call_method(value: Any, name: str, args: Sequence[Any]) -> Any:
    """The result of one of the methods above, a getter also by its long name.

    Raises LookupError where there is none of this name that takes so many arguments.
    """
    methods = next((methods for _, kind, methods in METHODS if isinstance(value, kind)), {})
    if name.startswith("get") and not args and name not in methods:
        name = name[3:4].lower() + name[4:]
        if isinstance(value, Entry):
            return value[name]
    method = methods[name]
    if method.__code__.co_argcount != len(args) + 1:
        raise LookupError(name)
    return method(value, *args)
