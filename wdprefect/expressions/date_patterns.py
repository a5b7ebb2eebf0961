"""`java.time` patterns: moments written and read as `DateTimeFormatter` does, in English."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType

from wdprefect.errors import ExpressionError

MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

_PIECES = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']")


def format_moment(moment: dt.datetime, pattern: str) -> str:
    """The moment by a pattern such as `yyyy-MM-dd'T'HH:mm`. Raises ExpressionError for letters without a meaning."""
    parts = []
    for letter, count, literal in _parsed(pattern):
        if not letter:
            parts.append(literal)
        elif letter in _WRITERS:
            parts.append(_WRITERS[letter](moment, count))
        else:
            raise ExpressionError(f"the date pattern '{pattern}' holds the unknown letter '{letter}'")
    return "".join(parts)


@lru_cache(maxsize=256)
def _parsed(pattern: str) -> tuple[tuple[str, int, str], ...]:
    """(letter, how many of it, "") or ("", 0, text) for each piece of a pattern."""
    return tuple(_pieces(pattern))


def _pieces(pattern: str) -> Iterator[tuple[str, int, str]]:
    at = 0
    while at < len(pattern):
        match = _PIECES.match(pattern, at)
        if not match:
            raise ExpressionError(f"the date pattern '{pattern}' holds a quote that is not closed")
        at = match.end()
        if match[2]:
            yield match[2], len(match[0]), ""
        elif match[1] is not None:
            yield "", 0, match[1].replace("''", "'") or "'"
        elif match[0] in "{}#":
            raise ExpressionError(f"the date pattern '{pattern}' holds the reserved character '{match[0]}'")
        elif match[0] not in "[]":
            yield "", 0, match[0]


def _number(value: int, count: int) -> str:
    return f"{value:0{count}d}"


def _year(year: int, count: int) -> str:
    return f"{year % 100:02d}" if count == 2 else _number(year, count)  # noqa: PLR2004  # two letters cut the century


def _named(names: tuple[str, ...], index: int, count: int) -> str:
    name = names[index]
    # Three letters are the short form, five the initial.
    return {4: name, 5: name[0]}.get(count, name[:3])


def _month(moment: dt.datetime, count: int) -> str:
    return _number(moment.month, count) if count < 3 else _named(MONTHS, moment.month - 1, count)  # noqa: PLR2004  # as above


def _day_of_week(moment: dt.datetime, count: int) -> str:
    # English weeks start on Sunday.
    return _number(moment.isoweekday() % 7 + 1, count) if count < 3 else _weekday_name(moment, count)  # noqa: PLR2004  # as above


def _weekday_name(moment: dt.datetime, count: int) -> str:
    return _named(DAYS, moment.weekday(), count)


def _quarter(moment: dt.datetime, count: int) -> str:
    quarter = (moment.month + 2) // 3
    ordinal = ("1st", "2nd", "3rd", "4th")[quarter - 1]
    return {3: f"Q{quarter}", 4: f"{ordinal} quarter"}.get(count, _number(quarter, count if count < 3 else 1))  # noqa: PLR2004  # as above


def _week(moment: dt.datetime) -> tuple[int, int]:
    """Year and number of the English week: it starts on Sunday, and the first one holds 1 January."""
    day = moment.date()
    for year in (day.year + 1, day.year, day.year - 1):
        if 1 <= year <= dt.MAXYEAR:
            new_year = dt.date(year, 1, 1)
            days = (day - new_year).days + new_year.isoweekday() % 7
            if days >= 0:
                return year, days // 7 + 1
    return day.year, 1


def _week_of_month(moment: dt.datetime) -> int:
    return (moment.day - 1 + moment.replace(day=1).isoweekday() % 7) // 7 + 1


def _offset(moment: dt.datetime, form: str, zero: str) -> str:
    """form: `H` hours and minutes if any, `HM` both, `H:M` both with a colon; seconds are never shown."""
    seconds = int((moment.utcoffset() or dt.timedelta(0)).total_seconds())
    if not seconds and zero:
        return zero
    hours, minutes = divmod(abs(seconds) // 60, 60)
    sign = "-" if seconds < 0 else "+"
    if form == "H":
        return f"{sign}{hours:02d}" + (f"{minutes:02d}" if minutes else "")
    return f"{sign}{hours:02d}{':' if form == 'H:M' else ''}{minutes:02d}"


def _iso_offset(zero: str) -> Callable[[dt.datetime, int], str]:
    return lambda moment, count: _offset(moment, ("H", "HM", "H:M", "HM", "H:M")[min(count, 5) - 1], zero)


def _rfc_offset(moment: dt.datetime, count: int) -> str:
    if count < 4:  # noqa: PLR2004  # up to three letters are +0000
        return _offset(moment, "HM", "")
    return _localized_offset(moment, 4) if count == 4 else _offset(moment, "H:M", "Z")  # noqa: PLR2004  # four are GMT+01:00


def _localized_offset(moment: dt.datetime, count: int) -> str:
    text = _offset(moment, "H:M", "GMT")
    if text == "GMT":
        return text
    hours, minutes = text[1:].split(":")
    short = f"{int(hours)}" + (f":{minutes}" if minutes != "00" else "")
    return f"GMT{text[0]}{short if count == 1 else hours + ':' + minutes}"


def zone_id(moment: dt.datetime) -> str:
    """The id of the moment's zone: `Europe/Paris`, `UTC`, or its offset."""
    key = getattr(moment.tzinfo, "key", None)
    return key if isinstance(key, str) else _offset(moment, "H:M", "Z")


def _zone_name(moment: dt.datetime, count: int) -> str:
    if zone_id(moment) in ("UTC", "Etc/UTC") and count == 4:  # noqa: PLR2004  # four letters are the long form
        return "Coordinated Universal Time"
    key = getattr(moment.tzinfo, "key", None)
    return (moment.tzname() or "") if key else zone_id(moment)


_WRITERS: Mapping[str, Callable[[dt.datetime, int], str]] = MappingProxyType(
    {
        "y": lambda m, n: _year(m.year, n),
        "u": lambda m, n: _year(m.year, n),
        "Y": lambda m, n: _year(_week(m)[0], n),
        "M": _month,
        "L": _month,
        "d": lambda m, n: _number(m.day, n),
        "D": lambda m, n: _number(m.timetuple().tm_yday, n),
        "E": _weekday_name,
        "e": _day_of_week,
        "c": _day_of_week,
        "Q": _quarter,
        "q": _quarter,
        "w": lambda m, n: _number(_week(m)[1], n),
        "W": lambda m, n: _number(_week_of_month(m), n),
        "F": lambda m, n: _number((m.day - 1) % 7 + 1, n),
        "G": lambda _, n: {4: "Anno Domini", 5: "A"}.get(n, "AD"),
        "H": lambda m, n: _number(m.hour, n),
        "k": lambda m, n: _number(m.hour or 24, n),
        "K": lambda m, n: _number(m.hour % 12, n),
        "h": lambda m, n: _number(m.hour % 12 or 12, n),
        "m": lambda m, n: _number(m.minute, n),
        "s": lambda m, n: _number(m.second, n),
        "S": lambda m, n: f"{m.microsecond:06d}000"[:n],
        "n": lambda m, n: _number(m.microsecond * 1000, n),
        "N": lambda m, n: _number(_second_of_day(m) * 1_000_000_000 + m.microsecond * 1000, n),
        "A": lambda m, n: _number(_second_of_day(m) * 1000 + m.microsecond // 1000, n),
        "a": lambda m, _: "AM" if m.hour < 12 else "PM",  # noqa: PLR2004  # noon
        "X": _iso_offset("Z"),
        "x": _iso_offset(""),
        "Z": _rfc_offset,
        "O": _localized_offset,
        "z": _zone_name,
        "V": lambda m, _: zone_id(m),
    }
)


def _second_of_day(moment: dt.datetime) -> int:
    return moment.hour * 3600 + moment.minute * 60 + moment.second


_READERS: Mapping[str, str] = MappingProxyType(
    {
        "y": "year", "u": "year", "M": "month", "L": "month", "d": "day", "D": "yday", "H": "hour", "k": "hour24",
        "h": "hour12", "K": "hour", "m": "minute", "s": "second", "S": "fraction", "n": "nano", "a": "half",
        "E": "weekday", "X": "offset", "x": "offset", "Z": "offset", "O": "offset", "z": "zone", "V": "zone",
    }
)  # fmt: skip
_OFFSET = r"Z|GMT|UTC|(?:GMT|UTC)?[+-]\d{1,2}(?::?\d{2})?(?::?\d{2})?"
_SHAPES: Mapping[str, str] = MappingProxyType(
    {
        "offset": _OFFSET,
        "zone": rf"[A-Za-z]+(?:[/_+-][A-Za-z0-9_+-]+)*|{_OFFSET}",
        "half": "AM|PM",
        "weekday": "|".join((*DAYS, *(day[:3] for day in DAYS))),
    }
)


def read_fields(text: str, pattern: str) -> dict[str, str] | None:
    """The named parts (year, month, offset …) of a text by a pattern; None where the text does not have this form."""
    match = _reader(pattern).fullmatch(text)
    return {name: value for name, value in match.groupdict().items() if value} if match else None


@lru_cache(maxsize=256)
def _reader(pattern: str) -> re.Pattern[str]:
    parts: list[str] = []
    seen: set[str] = set()
    for letter, count, literal in _parsed(pattern):
        if not letter:
            parts.append(re.escape(literal))
            continue
        name = _READERS.get(letter)
        if name is None:
            raise ExpressionError(f"the date pattern '{pattern}' holds the letter '{letter}', which is not for reading")
        parts.append(f"(?:{_shape(name, count)})" if name in seen else f"(?P<{name}>{_shape(name, count)})")
        seen.add(name)
    return re.compile("".join(parts), re.IGNORECASE)


def _shape(name: str, count: int) -> str:
    if name in _SHAPES:
        return _SHAPES[name]
    if name == "month" and count > 2:  # noqa: PLR2004  # from three letters on a month is a name
        return "|".join(MONTHS if count == 4 else (month[:3] for month in MONTHS))  # noqa: PLR2004  # four are the full name
    if name in ("fraction", "nano") or count > 1:
        return rf"\d{{{count}}}" if count != 4 else r"\d{4,9}"  # noqa: PLR2004  # a year may be longer
    return r"\d{1,9}"
