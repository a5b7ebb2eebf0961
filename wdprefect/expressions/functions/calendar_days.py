"""Functions of days, given as ISO date or date-time text and taken as written, without a change of zone."""

from __future__ import annotations

import calendar
import datetime as dt
import re
from collections.abc import Collection
from typing import Any

from wdprefect.errors import ExpressionError
from wdprefect.expressions.arguments import items, text
from wdprefect.expressions.date_patterns import DAYS
from wdprefect.expressions.dates import to_moment
from wdprefect.expressions.values import describe

_WEEKDAYS = tuple(day.upper() for day in DAYS)
_POSITIONS = ("FIRST", "SECOND", "THIRD", "FOURTH")
_SEPARATORS = re.compile(r"[,\s]+")
_OFFSET = re.compile(r"(?:Z|[+-]\d\d(?::?\d\d)?)(?:\[.*\])?$", re.IGNORECASE)


def is_weekend(date: Any) -> bool:
    """Whether the day is a Saturday or Sunday.

    {{ isWeekend('2026-11-22') }} → true
    """
    return _day(date).weekday() in (calendar.SATURDAY, calendar.SUNDAY)


def is_day_week_in_month(date: Any, day_of_week: Any, position: Any) -> bool:
    """Whether the day is, for example, the FIRST MONDAY of its month; positions are FIRST to FOURTH and LAST.

    {{ isDayWeekInMonth('2026-11-02', 'MONDAY', 'FIRST') }} → true
    """
    day, weekday = _day(date), _weekday(day_of_week)
    place = text(position, "position").upper()
    if place not in (*_POSITIONS, "LAST"):
        raise ExpressionError(f"unknown position '{place}' (one of {', '.join((*_POSITIONS, 'LAST'))})")
    if day.weekday() != weekday:
        return False
    if place == "LAST":
        return (day + dt.timedelta(days=7)).month != day.month
    return (day.day - 1) // 7 == _POSITIONS.index(place)


def is_last_working_day(date: Any, working_days: Any = None) -> bool:
    """Whether the day is the last working day of its month; these are Monday to Friday unless given.

    workingDays: names of days, as a list or in one text.

    {{ isLastWorkingDay('2026-10-30') }} → true
    """
    day, working = _day(date), _working(working_days)
    rest = calendar.monthrange(day.year, day.month)[1] - day.day
    later = (day.weekday() + ahead for ahead in range(1, rest + 1))
    return day.weekday() in working and not any(each % 7 in working for each in later)


def is_public_holiday(date: Any, country_code: Any, sub_division: Any = None) -> bool:
    """Whether the day is a public holiday.

    countryCode: two letters, such as FR. subDivision: a part of the country, such as BY for Bavaria in DE.

    {{ isPublicHoliday('2026-12-25', 'FR') }} → true
    {{ isPublicHoliday('2026-01-06', 'DE') }} → false
    {{ isPublicHoliday('2026-01-06', 'DE', subDivision='BY') }} → true
    """
    # Deferred: 60 ms, for the few flows that ask.
    from holidays import country_holidays

    day, country = _day(date), text(country_code, "countryCode").upper()
    part = None if sub_division is None else text(sub_division, "subDivision").strip().upper() or None
    try:
        return day.date() in country_holidays(country, subdiv=part, years=day.year)
    except NotImplementedError:
        where = f"'{country}'" if part is None else f"'{part}' of '{country}'"
        raise ExpressionError(f"the holidays of {where} are not known") from None


def is_date_after(date: Any, reference: Any) -> bool:
    """Whether a moment is after another; where one has no offset it is in UTC.

    {{ isDateAfter('2026-11-23', '2026-11-22T23:00:00-02:00') }} → false
    """
    return _instant(date) > _instant(reference)


def is_date_before(date: Any, reference: Any) -> bool:
    """Whether a moment is before another; where one has no offset it is in UTC.

    {{ isDateBefore('2026-11-23', '2026-11-22T23:00:00-02:00') }} → true
    """
    return _instant(date) < _instant(reference)


def is_date_between(date: Any, after: Any, before: Any) -> bool:
    """Whether a moment is after one and before another.

    {{ isDateBetween('2026-11-23T12:00:00Z', after='2026-11-23T00:00:00Z', before='2026-11-24T00:00:00Z') }} → true
    """
    return _instant(after) < _instant(date) < _instant(before)


def day_of_week(date: Any) -> str:
    """The name of the day, such as MONDAY.

    {{ dayOfWeek('2026-11-23') }} → MONDAY
    """
    return _WEEKDAYS[_day(date).weekday()]


def day_of_month(date: Any) -> int:
    """The day's number in its month.

    {{ dayOfMonth('2026-11-23') }} → 23
    """
    return _day(date).day


def month_of_year(date: Any) -> int:
    """The month's number.

    {{ monthOfYear('2026-11-23') }} → 11
    """
    return _day(date).month


def hour_of_day(date: Any) -> int:
    """The hour of a date-time.

    {{ hourOfDay('2026-11-23T10:30:00Z') }} → 10
    """
    if isinstance(date, str) and "T" not in date.upper():
        raise ExpressionError(f"'{date}' has no time")
    return _day(date).hour


def _day(date: Any) -> dt.datetime:
    if isinstance(date, dt.datetime):
        return date
    return to_moment(_OFFSET.sub("", date) if isinstance(date, str) and "T" in date.upper() else date)


def _instant(date: Any) -> dt.datetime:
    if date is None or isinstance(date, int):
        raise ExpressionError(f"{describe(date)} is no date")
    return to_moment(date)


def _working(days: Any) -> Collection[int]:
    if days is None or days == "":
        return range(5)
    names = _SEPARATORS.split(days.strip(" ,")) if isinstance(days, str) else items(days, "workingDays")
    return {_weekday(each) for each in names}


def _weekday(name: Any) -> int:
    wanted = text(name, "dayOfWeek").upper()
    if wanted not in _WEEKDAYS:
        raise ExpressionError(f"unknown day '{wanted}'")
    return _WEEKDAYS.index(wanted)
