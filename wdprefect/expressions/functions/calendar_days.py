"""Functions of days, given as ISO date or date-time text and taken as written, without a change of zone."""

from __future__ import annotations

import calendar
import datetime as dt
import re
from typing import Any

from wdprefect.errors import ExpressionError
from wdprefect.expressions.arguments import items, text
from wdprefect.expressions.date_patterns import DAYS
from wdprefect.expressions.dates import to_moment

_WEEKDAYS = tuple(day.upper() for day in DAYS)
_POSITIONS = ("FIRST", "SECOND", "THIRD", "FOURTH")
_OFFSET = re.compile(r"(?:Z|[+-]\d\d(?::?\d\d)?)(?:\[.*\])?$", re.IGNORECASE)


def is_weekend(date: Any) -> bool:
    """Whether the day is a Saturday or Sunday."""
    return _day(date).weekday() in (calendar.SATURDAY, calendar.SUNDAY)


def is_day_week_in_month(date: Any, day_of_week: Any, position: Any) -> bool:
    """Whether the day is, for example, the FIRST MONDAY of its month; positions are FIRST to FOURTH and LAST."""
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
    """Whether the day is the last working day of its month; these are Monday to Friday unless given."""
    day = _day(date)
    working = range(5) if working_days is None else [_weekday(each) for each in items(working_days, "workingDays")]
    rest = calendar.monthrange(day.year, day.month)[1] - day.day
    later = (day.weekday() + ahead for ahead in range(1, rest + 1))
    return day.weekday() in working and not any(each % 7 in working for each in later)


def day_of_week(date: Any) -> str:
    """The name of the day, such as MONDAY."""
    return _WEEKDAYS[_day(date).weekday()]


def day_of_month(date: Any) -> int:
    """The day's number in its month."""
    return _day(date).day


def month_of_year(date: Any) -> int:
    """The month's number."""
    return _day(date).month


def hour_of_day(date: Any) -> int:
    """The hour of a date-time."""
    if isinstance(date, str) and "T" not in date.upper():
        raise ExpressionError(f"'{date}' has no time")
    return _day(date).hour


def _day(date: Any) -> dt.datetime:
    if isinstance(date, dt.datetime):
        return date
    return to_moment(_OFFSET.sub("", date) if isinstance(date, str) and "T" in date.upper() else date)


def _weekday(name: Any) -> int:
    wanted = text(name, "dayOfWeek").upper()
    if wanted not in _WEEKDAYS:
        raise ExpressionError(f"unknown day '{wanted}'")
    return _WEEKDAYS.index(wanted)
