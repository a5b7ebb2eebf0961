"""`java.time` patterns: moments written as `DateTimeFormatter` does."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType

from wdprefect.errors import ExpressionError
from wdprefect.expressions.instants import nanosecond_of
from wdprefect.expressions.limits import joined
from wdprefect.expressions.locales import DAYS, ENGLISH, MONTHS, Names, day_period, zone_name

__all__ = ["DAYS", "MONTHS", "format_moment", "pieces", "zone_id"]

_PIECES = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']")
# How often a letter may stand; others are not bounded.
_COUNTS: Mapping[str, tuple[int, ...]] = MappingProxyType(
    {
        **dict.fromkeys("dHhKkmsw", (1, 2)),
        **dict.fromkeys("GMLEeQqXxZ", (1, 2, 3, 4, 5)),
        **dict.fromkeys("aFW", (1,)),
        "B": (1, 4, 5),
        "D": (1, 2, 3),
        "c": (1, 3, 4, 5),
        "z": (1, 2, 3, 4),
        "S": tuple(range(1, 10)),
        "V": (2,),
        "O": (1, 4),
        **dict.fromkeys("yuYgAnN", tuple(range(1, 20))),
    }
)
_FULL, _NARROW = 4, 5


def format_moment(moment: dt.datetime, pattern: str, names: Names = ENGLISH) -> str:
    """The moment by a pattern such as `yyyy-MM-dd'T'HH:mm`. Raises ExpressionError for a pattern that is none."""
    return joined(
        _WRITERS[letter](moment, count, names) if letter else literal for letter, count, literal in pieces(pattern)
    )


@lru_cache(maxsize=256)
def pieces(pattern: str) -> tuple[tuple[str, int, str], ...]:
    """(letter, how many of it, "") or ("", 0, text) for each piece of a pattern; `[` and `]` are ("", 1 or -1, "")."""
    found = tuple(_pieces(pattern))
    for letter, count, _ in found:
        if letter and (letter not in _WRITERS or count not in _COUNTS[letter]):
            what = "the unknown letter" if letter not in _WRITERS else f"{count} times the letter"
            raise ExpressionError(f"the date pattern '{pattern[:80]}' holds {what} '{letter}'")
    return found


def _pieces(pattern: str) -> Iterator[tuple[str, int, str]]:
    at = depth = 0
    while at < len(pattern):
        match = _PIECES.match(pattern, at)
        if not match:
            raise ExpressionError(f"the date pattern '{pattern[:80]}' holds a quote that is not closed")
        at = match.end()
        if match[2]:
            yield match[2], len(match[0]), ""
        elif match[1] is not None:
            yield "", 0, match[1].replace("''", "'") or "'"
        elif match[0] in "{}#":
            raise ExpressionError(f"the date pattern '{pattern[:80]}' holds the reserved character '{match[0]}'")
        elif match[0] in "[]":
            step = 1 if match[0] == "[" else -1
            depth += step
            if depth < 0:
                raise ExpressionError(f"the date pattern '{pattern[:80]}' holds a ']' that closes nothing")
            yield "", step, ""
        else:
            yield "", 0, match[0]


def _number(value: int, count: int) -> str:
    return f"{value:0{count}d}"


def _year(year: int, count: int) -> str:
    return f"{year % 100:02d}" if count == 2 else _number(year, count)  # noqa: PLR2004  # two letters cut the century


def _word(words: Mapping[str, tuple[str, ...]], index: int, count: int) -> str:
    return words[{_FULL: "full", _NARROW: "narrow"}.get(count, "short")][index]


def _month(moment: dt.datetime, count: int, words: Mapping[str, tuple[str, ...]]) -> str:
    return _number(moment.month, count) if count < 3 else _word(words, moment.month - 1, count)  # noqa: PLR2004  # three letters begin words


def _day_of_week(moment: dt.datetime, count: int, names: Names) -> str:
    if count < 3:  # noqa: PLR2004  # as above
        return _number((moment.weekday() - names.first_day) % 7 + 1, count)
    return _word(names.days, moment.weekday(), count)


def _quarter(moment: dt.datetime, count: int, names: Names) -> str:
    quarter = (moment.month + 2) // 3
    return _number(quarter, count) if count < 3 else _word(names.quarters, quarter - 1, count)  # noqa: PLR2004  # as above


def _week(moment: dt.datetime, names: Names) -> tuple[int, int]:
    """Year and number of the week, by where the locale lets weeks and years begin."""
    day = moment.date()
    for year in (day.year + 1, day.year, day.year - 1):
        if 1 <= year <= dt.MAXYEAR:
            days = (day - dt.date(year, 1, 1)).days - _week_one(dt.date(year, 1, 1), names)
            if days >= 0:
                return year, days // 7 + 1
    return day.year, 1


def _week_one(first: dt.date, names: Names) -> int:
    """Where the first week of a year or month begins, in days from its first one."""
    before = (first.weekday() - names.first_day) % 7
    return -before if 7 - before >= names.first_week else 7 - before


def _week_of_month(moment: dt.datetime, names: Names) -> int:
    return (moment.day - 1 - _week_one(moment.date().replace(day=1), names)) // 7 + 1


def _offset(moment: dt.datetime, form: str, zero: str) -> str:
    """form: `H` hours and minutes if any, `HM` both, `H:M` both with a colon; with `S` also seconds if any."""
    seconds = int((moment.utcoffset() or dt.timedelta(0)).total_seconds())
    if not seconds and zero:
        return zero
    hours, minutes, rest = abs(seconds) // 3600, abs(seconds) // 60 % 60, abs(seconds) % 60
    colon = ":" if ":" in form else ""
    text = f"{'-' if seconds < 0 else '+'}{hours:02d}"
    if form != "H" or minutes:
        text += f"{colon}{minutes:02d}"
    return text + (f"{colon}{rest:02d}" if "S" in form and rest else "")


def _iso_offset(zero: str) -> Callable[[dt.datetime, int, Names], str]:
    return lambda moment, count, _: _offset(moment, ("H", "HM", "H:M", "HMS", "H:M:S")[count - 1], zero)


def _rfc_offset(moment: dt.datetime, count: int, names: Names) -> str:
    if count < _FULL:
        return _offset(moment, "HM", "")
    return _localized_offset(moment, 4, names) if count == _FULL else _offset(moment, "H:M:S", "Z")


def _localized_offset(moment: dt.datetime, count: int, _: Names) -> str:
    text = _offset(moment, "H:M", "GMT")
    if text == "GMT":
        return text
    hours, minutes = text[1:].split(":")
    short = f"{int(hours)}" + (f":{minutes}" if minutes != "00" else "")
    return f"GMT{text[0]}{short if count == 1 else hours + ':' + minutes}"


def zone_id(moment: dt.datetime) -> str:
    """The id of the moment's zone: `Europe/Paris`, `UTC`, `GMT+02:00`, or its offset."""
    key = getattr(moment.tzinfo, "key", None)
    if isinstance(key, str):
        return key
    name = moment.tzname() or ""
    # What Python itself names `UTC+02:00` is an offset.
    return name if name.startswith("GMT") or name in ("UTC", "UT") else _offset(moment, "H:M:S", "Z")


def _zone_name(moment: dt.datetime, count: int, names: Names) -> str:
    if not getattr(moment.tzinfo, "key", None):
        return zone_id(moment)
    if count == _FULL:
        return zone_name(moment, names)
    name = moment.tzname() or ""
    return name if name[:1].isalpha() else _localized_offset(moment, 4, names)


def _second_of_day(moment: dt.datetime) -> int:
    return moment.hour * 3600 + moment.minute * 60 + moment.second


_WRITERS: Mapping[str, Callable[[dt.datetime, int, Names], str]] = MappingProxyType(
    {
        "y": lambda m, n, _: _year(m.year, n),
        "u": lambda m, n, _: _year(m.year, n),
        "Y": lambda m, n, names: _year(_week(m, names)[0], n),
        "M": lambda m, n, names: _month(m, n, names.months),
        "L": lambda m, n, names: _month(m, n, names.months_alone),
        "d": lambda m, n, _: _number(m.day, n),
        "D": lambda m, n, _: _number(m.timetuple().tm_yday, n),
        "E": lambda m, n, names: _word(names.days, m.weekday(), n),
        "e": _day_of_week,
        "c": _day_of_week,
        "Q": _quarter,
        "q": _quarter,
        "w": lambda m, n, names: _number(_week(m, names)[1], n),
        "W": lambda m, n, names: _number(_week_of_month(m, names), n),
        "F": lambda m, n, _: _number((m.day - 1) // 7 + 1, n),
        "g": lambda m, n, _: _number(m.toordinal() - 678_576, n),  # the modified Julian day 0 is 1858-11-17
        "G": lambda _, n, names: names.eras[{_FULL: "full", _NARROW: "narrow"}.get(n, "short")],
        "H": lambda m, n, _: _number(m.hour, n),
        "k": lambda m, n, _: _number(m.hour or 24, n),
        "K": lambda m, n, _: _number(m.hour % 12, n),
        "h": lambda m, n, _: _number(m.hour % 12 or 12, n),
        "m": lambda m, n, _: _number(m.minute, n),
        "s": lambda m, n, _: _number(m.second, n),
        "S": lambda m, n, _: f"{nanosecond_of(m):09d}"[:n],
        "n": lambda m, n, _: _number(nanosecond_of(m), n),
        "N": lambda m, n, _: _number(_second_of_day(m) * 1_000_000_000 + nanosecond_of(m), n),
        "A": lambda m, n, _: _number(_second_of_day(m) * 1000 + m.microsecond // 1000, n),
        "a": lambda m, _, names: names.halves[m.hour >= 12],  # noqa: PLR2004  # noon
        "B": lambda m, _, names: day_period(m, names),
        "X": _iso_offset("Z"),
        "x": _iso_offset(""),
        "Z": _rfc_offset,
        "O": _localized_offset,
        "z": _zone_name,
        "V": lambda m, _, __: zone_id(m),
    }
)
