"""Moments: what counts as one, moving them, and their text in the named formats of Kestra and Java.

Source: Kestra's `DateFilter`, `AbstractDate` and `java.time`. Where no zone is given it is UTC.
"""

from __future__ import annotations

import calendar
import datetime as dt
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from wdprefect.errors import ExpressionError
from wdprefect.expressions.date_patterns import DAYS, MONTHS, format_moment, zone_id
from wdprefect.expressions.date_reading import read_fields
from wdprefect.expressions.instants import moved, nanosecond_of, with_nanosecond
from wdprefect.expressions.locales import names_of
from wdprefect.expressions.numbers import is_number
from wdprefect.expressions.values import describe, to_text

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)

_ISO = re.compile(
    r"(?P<year>\d{4}|[+-]\d{4,9})-(?P<month>\d\d)-(?P<day>\d\d)"
    r"(?:T(?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.(?P<fraction>\d{1,9}))?)?"
    r"(?:(?P<offset>Z|[+-]\d\d(?::\d\d(?::\d\d)?)?)(?:\[(?P<zone>[^\]]+)\])?)?)?",
    re.IGNORECASE,
)
_ISO_WEEK = re.compile(r"(\d{4})-W(\d\d)-([1-7])(Z|[+-]\d\d:\d\d)?")
_OFFSET = re.compile(r"(GMT|UTC|UT)?([+-])(\d{1,2})(?::?(\d\d))?(?::?(\d\d))?")
_PATTERNS: Mapping[str, str] = MappingProxyType(
    {
        "iso": "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX",
        "iso_sec": "yyyy-MM-dd'T'HH:mm:ssXXX",
        "sql": "yyyy-MM-dd HH:mm:ss.SSSSSS",
        "sql_seq": "yyyy-MM-dd HH:mm:ss",
        "iso_date": "yyyy-MM-dd[XXX]",
        "iso_local_date": "yyyy-MM-dd",
        "basic_iso_date": "yyyyMMdd[XX]",
        "iso_ordinal_date": "yyyy-DDD[XXX]",
    }
)
# Of a day, and of all moments that there are.
_NANOSECONDS = 1_000_000_000


def to_moment(value: Any, zone: str | None = None, existing_format: str | None = None) -> dt.datetime:
    """The moment that a value stands for, in the zone.

    Without a zone of its own a value is taken in the given one. A date is noon, a date in text midnight, an integer
    seconds since the epoch, or what its number of digits says (13: milliseconds, 19: nanoseconds). existing_format: a
    named format or pattern in which text is read instead of ISO.
    """
    info = to_zone("UTC" if zone is None else zone)
    if isinstance(value, dt.datetime):
        moment = value
    elif isinstance(value, dt.date):
        moment = dt.datetime.combine(value, dt.time(12))
    elif isinstance(value, int) and not isinstance(value, bool):
        moment = _from_epoch(value)
    elif isinstance(value, str):
        moment = _read(value, existing_format)
    else:
        raise ExpressionError(f"{describe(value)} is no date")
    try:
        aware = moment if moment.tzinfo else with_nanosecond(moment.replace(tzinfo=info), nanosecond_of(moment))
        return moved(aware, info)
    except (OverflowError, ValueError) as error:
        raise ExpressionError("the date is out of range") from error


def to_zone(name: str) -> dt.tzinfo:
    """The zone of a name or an offset: `Europe/Paris`, `UTC`, `Z`, `+05:30`, `GMT+2`."""
    if name == "Z":
        return dt.timezone(dt.timedelta(0), "Z")
    if name == "UT":
        return dt.timezone(dt.timedelta(0), name)
    match = _OFFSET.fullmatch(name)
    if match:
        prefix, sign, hours, minutes, seconds = match.groups()
        delta = dt.timedelta(hours=int(hours), minutes=int(minutes or 0), seconds=int(seconds or 0))
        if delta <= dt.timedelta(hours=18):
            shown = f"{prefix or ''}{sign}{int(hours):02d}:{minutes or '00'}"
            return dt.timezone(-delta if sign == "-" else delta, shown)
    # Deferred: costs 10 ms, and most templates have no dates.
    import zoneinfo

    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ExpressionError(f"unknown time zone '{name}'") from error


def to_format(moment: dt.datetime, name: str, locale: str | None = None) -> str:
    """The moment's text in a named format or by a pattern, in a language such as `de_DE`; in English for None."""
    names = names_of(locale)
    if name in _PATTERNS:
        return format_moment(moment, _PATTERNS[name].replace("[", "").replace("]", ""), names)
    if name in names.styles:
        return format_moment(moment, names.styles[name], names)
    writer = _WRITERS.get(name)
    return writer(moment) if writer else format_moment(moment, name, names)


def nanoseconds(moment: dt.datetime) -> int:
    """Nanoseconds since the epoch."""
    return (moment - EPOCH) // dt.timedelta(seconds=1) * _NANOSECONDS + nanosecond_of(moment)


def shifted(moment: dt.datetime, amount: int, unit: str) -> dt.datetime:
    """The moment moved by whole units.

    unit: a `java.time.temporal.ChronoUnit`; months and years end on the last day of a shorter month.
    Source: Kestra filter `dateAdd` (DateAddFilter).
    """
    try:
        if unit in _NANOSECONDS_OF:
            return _shifted_time(moment, amount * _NANOSECONDS_OF[unit])
        if unit in _MONTHS_OF:
            there = _shifted_months(moment, amount * _MONTHS_OF[unit])
        elif unit in _DAYS_OF:
            there = moment + dt.timedelta(days=amount * _DAYS_OF[unit])
        else:
            units = ", ".join((*_NANOSECONDS_OF, *_DAYS_OF, *_MONTHS_OF))
            raise ExpressionError(f"unknown unit '{unit[:40]}' (one of {units})")
        there = with_nanosecond(there, nanosecond_of(moment))
        # Days keep the time of day, but the clocks may skip it.
        return moved(there, there.tzinfo) if there.tzinfo else there
    except (OverflowError, ValueError) as error:
        raise ExpressionError("the date is out of range") from error


def _shifted_time(moment: dt.datetime, nanoseconds_more: int) -> dt.datetime:
    """The moment after so much time, which also passes where the clocks are changed."""
    seconds, nanosecond = divmod(nanosecond_of(moment) + nanoseconds_more, _NANOSECONDS)
    start = moment.astimezone(dt.timezone.utc) if moment.tzinfo else moment
    there = start.replace(microsecond=0) + dt.timedelta(seconds=seconds)
    there = there.astimezone(moment.tzinfo) if moment.tzinfo else there
    return with_nanosecond(there, nanosecond)


_MONTHS_OF = MappingProxyType(
    {"MONTHS": 1, "YEARS": 12, "DECADES": 120, "CENTURIES": 1200, "MILLENNIA": 12_000, "ERAS": 12_000_000_000}
)
_DAYS_OF = MappingProxyType({"DAYS": 1, "WEEKS": 7})
_NANOSECONDS_OF = MappingProxyType(
    {
        "NANOS": 1,
        "MICROS": 1000,
        "MILLIS": 1_000_000,
        "SECONDS": _NANOSECONDS,
        "MINUTES": 60 * _NANOSECONDS,
        "HOURS": 3600 * _NANOSECONDS,
        "HALF_DAYS": 43_200 * _NANOSECONDS,
    }
)


def _shifted_months(moment: dt.datetime, months: int) -> dt.datetime:
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1] if 1 <= year <= dt.MAXYEAR else 1
    return moment.replace(year=year, month=month + 1, day=min(moment.day, last))


def _from_epoch(number: int) -> dt.datetime:
    digits = len(str(number)) if abs(number) < 2**63 else 0
    unit = {13: 1_000_000, 19: 1}.get(digits, _NANOSECONDS)
    try:
        return _shifted_time(EPOCH, number * unit)
    except OverflowError as error:
        raise ExpressionError("the date is out of range") from error


def _read(text: str, existing_format: str | None) -> dt.datetime:
    fields = _fields(text, existing_format)
    if fields is None:
        expected = f"has not the form '{existing_format[:80]}'" if existing_format else "is no ISO date"
        raise ExpressionError(f"the text '{text[:80]}' {expected}")
    try:
        return _from_fields(fields, strict=existing_format is None)
    except (ValueError, OverflowError) as error:
        raise ExpressionError(f"the text '{text[:80]}' is no date: {error}") from error


def _fields(text: str, existing_format: str | None) -> dict[str, str] | None:
    if existing_format == "rfc_1123_date_time":
        return read_fields(text.replace("GMT", "+0000"), "[EEE, ]d MMM yyyy HH:mm:ss Z")
    if existing_format == "iso_week_date":
        return _week_fields(text)
    if existing_format and (existing_format in _PATTERNS or not existing_format.startswith("iso")):
        return read_fields(text, _PATTERNS.get(existing_format, existing_format))
    match = _ISO.fullmatch(text)
    return {name: value for name, value in match.groupdict().items() if value} if match else None


def _week_fields(text: str) -> dict[str, str] | None:
    match = _ISO_WEEK.fullmatch(text)
    if not match:
        return None
    day = dt.date.fromisocalendar(int(match[1]), int(match[2]), int(match[3]))
    return {"year": str(day.year), "month": str(day.month), "day": str(day.day)}


def _from_fields(fields: Mapping[str, str], *, strict: bool) -> dt.datetime:
    """What Java makes of the parts: a moment of a zone, of none, or a day; without a time a zone is not looked at.

    strict: neither is midnight the 24th hour, nor the 31st of a shorter month its last day.
    """
    hour = _hour(fields)
    moment = dt.datetime.combine(_day(fields, strict=strict), dt.time())
    if hour is None:
        return moment
    minute, second = int(fields.get("minute", "0")), int(fields.get("second", "0"))
    nanosecond = int(fields.get("nano") or fields.get("fraction", "").ljust(9, "0"))
    midnight = not strict and hour == 24 and not (minute or second or nanosecond)  # noqa: PLR2004  # as it says
    moment += dt.timedelta(days=int(midnight))
    moment = moment.replace(hour=0 if midnight else hour, minute=minute, second=second)
    # Where an offset does not fit the named zone, the offset decides.
    zone = fields.get("offset") or fields.get("zone")
    if zone:
        moment = moment.replace(tzinfo=to_zone(zone.upper() if zone == "z" else zone))
    return with_nanosecond(moment, nanosecond)


def _hour(fields: Mapping[str, str]) -> int | None:
    """The hour of the day; None where the text does not say it, also where it lacks AM or PM."""
    if "hour24" in fields:
        return int(fields["hour24"]) % 24
    if "hour12" in fields:
        return int(fields["hour12"]) % 12 + (12 if fields["half"] == "PM" else 0) if "half" in fields else None
    return int(fields["hour"]) if "hour" in fields else None


def _day(fields: Mapping[str, str], *, strict: bool) -> dt.date:
    if "year" not in fields or not ("yday" in fields or {"month", "day"} <= fields.keys()):
        raise ValueError("it has no year, month and day")
    year = _full_year(fields["year"])
    if "yday" in fields:
        day = dt.date(year, 1, 1) + dt.timedelta(days=int(fields["yday"]) - 1)
        if day.year != year:
            raise ValueError(f"the year has no day {fields['yday']}")
        return day
    month, number = _month(fields["month"]), int(fields["day"])
    day = dt.date(year, month, 1)
    last = calendar.monthrange(year, month)[1]
    day = day.replace(day=number if strict or number > 31 else min(number, last))  # noqa: PLR2004  # days of the longest month
    if "weekday" in fields and DAYS[day.weekday()][:3] != fields["weekday"][:3]:
        raise ValueError(f"it is no {fields['weekday']}")
    return day


def _full_year(text: str) -> int:
    return 2000 + int(text) if len(text) == 2 else int(text)  # noqa: PLR2004  # two digits are of this century


def _month(text: str) -> int:
    return (
        int(text) if text.isdigit() else next(i for i, m in enumerate(MONTHS, 1) if m[:3].lower() == text[:3].lower())
    )


def _fraction(moment: dt.datetime) -> str:
    nanosecond = nanosecond_of(moment)
    return f".{nanosecond:09d}".rstrip("0") if nanosecond else ""


def _local_time(moment: dt.datetime) -> str:
    return moment.strftime("%H:%M:%S") + _fraction(moment)


def _local(moment: dt.datetime) -> str:
    return f"{moment.date().isoformat()}T{_local_time(moment)}"


def _offset(moment: dt.datetime) -> str:
    return format_moment(moment, "XXXXX")


def _zoned(moment: dt.datetime) -> str:
    zone = zone_id(moment)
    return _local(moment) + _offset(moment) + ("" if zone == _offset(moment) else f"[{zone}]")


def _instant(moment: dt.datetime) -> str:
    there = with_nanosecond(moment.astimezone(dt.timezone.utc), nanosecond_of(moment))
    nanosecond = nanosecond_of(there)
    fraction = f".{nanosecond:09d}".removesuffix("000").removesuffix("000") if nanosecond else ""
    return f"{there.date().isoformat()}T{there.strftime('%H:%M:%S')}{fraction}Z"


def _iso_week(moment: dt.datetime) -> str:
    year, week, day = moment.isocalendar()
    return f"{year:04d}-W{week:02d}-{day}{_offset(moment)}"


def _rfc_1123(moment: dt.datetime) -> str:
    offset = format_moment(moment, "Z")
    text = f"{DAYS[moment.weekday()][:3]}, {moment.day} {MONTHS[moment.month - 1][:3]} {moment.year:04d}"
    return f"{text} {moment.strftime('%H:%M:%S')} {'GMT' if offset == '+0000' else offset}"


_WRITERS: Mapping[str, Callable[[dt.datetime], str]] = MappingProxyType(
    {
        "iso_date_time": _zoned,
        "iso_zoned_date_time": _zoned,
        "iso_offset_date_time": lambda moment: _local(moment) + _offset(moment),
        "iso_local_date_time": _local,
        "iso_instant": _instant,
        "iso_time": lambda moment: _local_time(moment) + _offset(moment),
        "iso_local_time": _local_time,
        "iso_offset_time": lambda moment: _local_time(moment) + _offset(moment),
        "iso_offset_date": lambda moment: format_moment(moment, "yyyy-MM-ddXXX"),
        "iso_week_date": _iso_week,
        "rfc_1123_date_time": _rfc_1123,
    }
)


def whole(value: Any) -> int:
    """An amount: a number, or text that holds one, without its fraction."""
    try:
        number = float(value) if isinstance(value, str) and not value.strip().lstrip("+-").isdigit() else value
        if is_number(number) or isinstance(number, str):
            return int(number)
    except (ValueError, OverflowError):
        pass
    raise ExpressionError(f"'{to_text(value)[:40]}' is no number")
