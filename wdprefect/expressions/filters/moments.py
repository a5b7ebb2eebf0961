"""Filters of dates and times. Null stays null; the result is text unless said otherwise."""

from __future__ import annotations

import datetime as dt
from typing import Any

from wdprefect.expressions import dates
from wdprefect.expressions.arguments import text


def date(
    value: Any, format_: Any = "iso", time_zone: Any = None, existing_format: Any = None, locale: Any = None
) -> str | None:
    """The moment in a named format or by a `java.time` pattern, in a time zone and a language.

    {{ '2026-11-23T10:30:00Z' | date('yyyy-MM-dd') }} → 2026-11-23
    {{ '2026-11-23T10:30:00Z' | date('EEE, d MMM HH:mm', timeZone='Europe/Paris') }} → Mon, 23 Nov 11:30
    {{ '23/11/2026 10:30' | date('yyyy-MM-dd', existingFormat='dd/MM/yyyy HH:mm') }} → 2026-11-23
    {{ '2026-11-23T10:30:00Z' | date('EEEE d MMMM', locale='fr') }} → lundi 23 novembre
    """
    moment = _moment(value, time_zone, existing_format)
    return None if moment is None else dates.to_format(moment, text(format_, "format"), _language(locale))


def date_add(
    value: Any,
    amount: Any,
    unit: Any,
    format_: Any = "iso",
    time_zone: Any = None,
    existing_format: Any = None,
    locale: Any = None,
) -> str | None:
    """The moment moved by an amount of a unit such as DAYS, then as `date` gives it.

    {{ '2026-01-31T00:00:00Z' | dateAdd(1, 'MONTHS') }} → 2026-02-28T00:00:00.000000Z
    {{ '2026-11-23T10:30:00Z' | dateAdd(-90, 'MINUTES', 'HH:mm') }} → 09:00
    """
    moment = _moment(value, time_zone, existing_format)
    if moment is None:
        return None
    there = dates.shifted(moment, dates.whole(amount), text(unit, "unit"))
    return dates.to_format(there, text(format_, "format"), _language(locale))


def _language(locale: Any) -> str | None:
    return None if locale is None else text(locale, "locale")


def timestamp(value: Any, time_zone: Any = None, existing_format: Any = None) -> int | None:
    """Seconds since the epoch, a number.

    {{ '2026-11-23T10:30:00Z' | timestamp }} → 1795429800
    """
    return _since_epoch(value, time_zone, existing_format, 1_000_000_000)


def timestamp_milli(value: Any, time_zone: Any = None, existing_format: Any = None) -> int | None:
    """Milliseconds since the epoch, a number.

    {{ '2026-11-23T10:30:00Z' | timestampMilli }} → 1795429800000
    """
    return _since_epoch(value, time_zone, existing_format, 1_000_000)


def timestamp_micro(value: Any, time_zone: Any = None, existing_format: Any = None) -> str | None:
    """Microseconds since the epoch, as text.

    {{ '2026-11-23T10:30:00Z' | timestampMicro }} → 1795429800000000
    """
    count = _since_epoch(value, time_zone, existing_format, 1000)
    return None if count is None else str(count)


def timestamp_nano(value: Any, time_zone: Any = None, existing_format: Any = None) -> str | None:
    """Nanoseconds since the epoch, as text.

    {{ '2026-11-23T10:30:00Z' | timestampNano }} → 1795429800000000000
    """
    count = _since_epoch(value, time_zone, existing_format, 1)
    return None if count is None else str(count)


def _since_epoch(value: Any, time_zone: Any, existing_format: Any, nanoseconds: int) -> int | None:
    moment = _moment(value, time_zone, existing_format)
    return None if moment is None else dates.nanoseconds(moment) // nanoseconds


def _moment(value: Any, time_zone: Any, existing_format: Any) -> dt.datetime | None:
    if value is None:
        return None
    zone = None if time_zone is None else text(time_zone, "timeZone")
    return dates.to_moment(value, zone, None if existing_format is None else text(existing_format, "existingFormat"))
