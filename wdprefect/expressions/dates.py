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
from wdprefect.expressions.date_patterns import DAYS, MONTHS, format_moment, read_fields, zone_id
from wdprefect.expressions.numbers import is_number
from wdprefect.expressions.values import describe

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)

_ISO = re.compile(
    r"(?P<year>[+-]?\d{4,9})-(?P<month>\d\d)-(?P<day>\d\d)"
    r"(?:T(?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,9}))?)?"
    r"(?P<offset>Z|[+-]\d\d(?::?\d\d)?(?::?\d\d)?)?(?:\[(?P<zone>[^\]]+)\])?)?",
    re.IGNORECASE,
)
_OFFSET = re.compile(r"(?:GMT|UTC|UT)?([+-])(\d{1,2})(?::?(\d\d))?(?::?(\d\d))?")
_PATTERNS: Mapping[str, str] = MappingProxyType(
    {
        "iso": "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX",
        "iso_sec": "yyyy-MM-dd'T'HH:mm:ssXXX",
        "sql": "yyyy-MM-dd HH:mm:ss.SSSSSS",
        "sql_seq": "yyyy-MM-dd HH:mm:ss",
        "iso_date": "yyyy-MM-ddXXX",
        "iso_local_date": "yyyy-MM-dd",
        "basic_iso_date": "yyyyMMddXX",
        "iso_ordinal_date": "yyyy-DDDXXX",
        "full": "EEEE, MMMM d, yyyy 'at' h:mm:ss a zzzz",
        "long": "MMMM d, yyyy 'at' h:mm:ss a z",
        "medium": "MMM d, yyyy, h:mm:ss a",
        "short": "M/d/yy, h:mm a",
    }
)


def to_moment(value: Any, zone: str | None = None, existing_format: str | None = None) -> dt.datetime:
    """The moment that a value stands for, in the zone.

    Without a zone of its own a value is taken in the given one. A date is noon, a date in text midnight, an integer
    seconds since the epoch. existing_format: a named format or pattern in which text is read instead of ISO.
    """
    info = to_zone(zone) if zone else dt.timezone.utc
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
        return (moment if moment.tzinfo else moment.replace(tzinfo=info)).astimezone(_utc_by_name(info))
    except OverflowError as error:
        raise ExpressionError("the date is out of range") from error


def _utc_by_name(info: dt.tzinfo) -> dt.tzinfo:
    return to_zone("UTC") if info is dt.timezone.utc else info


def to_zone(name: str) -> dt.tzinfo:
    """The zone of a name or an offset: `Europe/Paris`, `UTC`, `Z`, `+05:30`, `GMT+2`."""
    if name.upper() == "Z":
        return dt.timezone.utc
    match = _OFFSET.fullmatch(name.upper())
    if match:
        sign, hours, minutes, seconds = match.groups()
        delta = dt.timedelta(hours=int(hours), minutes=int(minutes or 0), seconds=int(seconds or 0))
        if delta <= dt.timedelta(hours=18):
            return dt.timezone(-delta if sign == "-" else delta)
    # Deferred: costs 10 ms, and most templates have no dates.
    import zoneinfo

    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ExpressionError(f"unknown time zone '{name}'") from error


def to_format(moment: dt.datetime, name: str) -> str:
    """The moment's text in a named format or by a pattern."""
    if name in _PATTERNS:
        return format_moment(moment, _PATTERNS[name])
    writer = _WRITERS.get(name)
    return writer(moment) if writer else format_moment(moment, name)


def nanoseconds(moment: dt.datetime) -> int:
    """Nanoseconds since the epoch."""
    return (moment - EPOCH) // dt.timedelta(microseconds=1) * 1000


def shifted(moment: dt.datetime, amount: int, unit: str) -> dt.datetime:
    """The moment moved by whole units.

    unit: a `java.time.temporal.ChronoUnit`; months and years end on the last day of a shorter month.
    Source: Kestra filter `dateAdd` (DateAddFilter).
    """
    try:
        if unit in _MONTHS_OF:
            return _shifted_months(moment, amount * _MONTHS_OF[unit])
        if unit in _DAYS_OF:
            return moment + dt.timedelta(days=amount * _DAYS_OF[unit])
        if unit in _MICROSECONDS_OF:
            # Hours pass in real time, also where the clocks are changed; days keep the time of day.
            moved = moment.astimezone(dt.timezone.utc) + dt.timedelta(microseconds=int(amount * _MICROSECONDS_OF[unit]))
            return moved.astimezone(moment.tzinfo)
    except (OverflowError, ValueError) as error:
        raise ExpressionError("the date is out of range") from error
    raise ExpressionError(f"unknown unit '{unit}' (one of {', '.join((*_MICROSECONDS_OF, *_DAYS_OF, *_MONTHS_OF))})")


_MONTHS_OF = MappingProxyType(
    {"MONTHS": 1, "YEARS": 12, "DECADES": 120, "CENTURIES": 1200, "MILLENNIA": 12_000, "ERAS": 12_000_000_000}
)
_DAYS_OF = MappingProxyType({"DAYS": 1, "WEEKS": 7})
_MICROSECONDS_OF = MappingProxyType(
    {
        "NANOS": 0.001,
        "MICROS": 1,
        "MILLIS": 1000,
        "SECONDS": 1_000_000,
        "MINUTES": 60_000_000,
        "HOURS": 3_600_000_000,
        "HALF_DAYS": 43_200_000_000,
    }
)


def _shifted_months(moment: dt.datetime, months: int) -> dt.datetime:
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1] if 1 <= year <= dt.MAXYEAR else 1
    return moment.replace(year=year, month=month + 1, day=min(moment.day, last))


def _from_epoch(seconds: int) -> dt.datetime:
    try:
        return EPOCH + dt.timedelta(seconds=seconds)
    except OverflowError as error:
        raise ExpressionError("the date is out of range") from error


def _read(text: str, existing_format: str | None) -> dt.datetime:
    fields = _fields(text, existing_format)
    if fields is None:
        expected = f"has not the form '{existing_format}'" if existing_format else "is no ISO date"
        raise ExpressionError(f"the text '{text[:80]}' {expected}")
    try:
        return _from_fields(fields)
    except (ValueError, OverflowError) as error:
        raise ExpressionError(f"the text '{text[:80]}' is no date: {error}") from error


def _fields(text: str, existing_format: str | None) -> dict[str, str] | None:
    if existing_format == "rfc_1123_date_time":
        return read_fields(text, "EEE, d MMM yyyy HH:mm:ss Z")
    if existing_format and not existing_format.startswith("iso"):
        return read_fields(text, _PATTERNS.get(existing_format, existing_format))
    match = _ISO.fullmatch(text)
    return {name: value for name, value in match.groupdict().items() if value} if match else None


def _from_fields(fields: Mapping[str, str]) -> dt.datetime:
    hour = int(fields.get("hour") or 0)
    if "hour24" in fields:
        hour = int(fields["hour24"]) % 24
    elif "hour12" in fields:
        hour = int(fields["hour12"]) % 12
    if fields.get("half", "").upper() == "PM":
        hour += 12
    moment = dt.datetime(  # noqa: DTZ001  # its zone, if it has one, follows
        _full_year(fields["year"]) if "year" in fields else 1970,
        _month(fields.get("month", "1")),
        int(fields.get("day", "1")),
        hour,
        int(fields.get("minute", "0")),
        int(fields.get("second", "0")),
        int((fields.get("fraction", "") + "000000")[:6]),
    )
    if "yday" in fields:
        moment += dt.timedelta(days=int(fields["yday"]) - 1)
    # Where an offset does not fit the named zone, the offset decides.
    zone = fields.get("offset") or fields.get("zone")
    return moment.replace(tzinfo=to_zone(zone)) if zone else moment


def _full_year(text: str) -> int:
    return 2000 + int(text) if len(text) == 2 else int(text)  # noqa: PLR2004  # two digits are of this century


def _month(text: str) -> int:
    return (
        int(text) if text.isdigit() else next(i for i, m in enumerate(MONTHS, 1) if m[:3].lower() == text[:3].lower())
    )


def _fraction(moment: dt.datetime) -> str:
    return f".{moment.microsecond:06d}".rstrip("0") if moment.microsecond else ""


def _local_time(moment: dt.datetime) -> str:
    return moment.strftime("%H:%M:%S") + _fraction(moment)


def _local(moment: dt.datetime) -> str:
    return f"{moment.date().isoformat()}T{_local_time(moment)}"


def _offset(moment: dt.datetime) -> str:
    return format_moment(moment, "XXX")


def _zoned(moment: dt.datetime) -> str:
    zone = zone_id(moment)
    return _local(moment) + _offset(moment) + ("" if zone == _offset(moment) else f"[{zone}]")


def _instant(moment: dt.datetime) -> str:
    moment = moment.astimezone(dt.timezone.utc)
    fraction = f".{moment.microsecond:06d}".removesuffix("000") if moment.microsecond else ""
    return f"{moment.date().isoformat()}T{moment.strftime('%H:%M:%S')}{fraction}Z"


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


def english(locale: Any) -> None:
    """Nothing for no locale or an English one; other languages are an error rather than English text."""
    if locale is not None and not str(locale).lower().startswith("en"):
        raise ExpressionError(f"the locale '{locale}' is not supported (only English is)")


def whole(value: Any) -> int:
    """An amount: a whole number, or text that holds one."""
    if is_number(value) and value == int(value):
        return int(value)
    try:
        return int(str(value)) if isinstance(value, str) else _not_whole(value)
    except ValueError:
        return _not_whole(value)


def _not_whole(value: Any) -> int:
    raise ExpressionError(f"'{value}' is no whole number")
