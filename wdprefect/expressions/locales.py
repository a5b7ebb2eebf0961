"""The words and habits of a language that dates are written with."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from wdprefect.errors import ExpressionError

if TYPE_CHECKING:
    from babel import Locale

MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
# Java's names for the widths of words.
_WIDTHS = {"short": "abbreviated", "full": "wide", "narrow": "narrow"}


@dataclass(frozen=True, slots=True)
class Names:
    """What is said by number: each list of words under `short`, `full` and `narrow`, months and days from 0.

    first_day: the day that weeks start on, from Monday, which is 0; first_week: how many days the first week of a year
    has at least. styles: the patterns of whole dates with times, `full` to `short`. tag: the locale for names of zones.
    """

    months: Mapping[str, tuple[str, ...]]
    months_alone: Mapping[str, tuple[str, ...]]
    days: Mapping[str, tuple[str, ...]]
    quarters: Mapping[str, tuple[str, ...]]
    eras: Mapping[str, str]
    halves: tuple[str, str]
    first_day: int
    first_week: int
    styles: Mapping[str, str]
    tag: str


def _widths(words: tuple[str, ...]) -> Mapping[str, tuple[str, ...]]:
    return MappingProxyType({"short": tuple(w[:3] for w in words), "full": words, "narrow": tuple(w[0] for w in words)})


ENGLISH = Names(
    months=_widths(MONTHS),
    months_alone=_widths(MONTHS),
    days=_widths(DAYS),
    quarters=MappingProxyType(
        {
            "short": ("Q1", "Q2", "Q3", "Q4"),
            "full": ("1st quarter", "2nd quarter", "3rd quarter", "4th quarter"),
            "narrow": ("1", "2", "3", "4"),
        }
    ),
    eras=MappingProxyType({"short": "AD", "full": "Anno Domini", "narrow": "A"}),
    halves=("AM", "PM"),
    first_day=6,
    first_week=1,
    styles=MappingProxyType(
        {
            "full": "EEEE, MMMM d, yyyy 'at' h:mm:ss a zzzz",
            "long": "MMMM d, yyyy 'at' h:mm:ss a z",
            "medium": "MMM d, yyyy, h:mm:ss a",
            "short": "M/d/yy, h:mm a",
        }
    ),
    tag="en_US",
)


def names_of(tag: str | None) -> Names:
    """The names of a locale such as `de`, `de_DE` or `pt-BR`; English ones for None. Raises ExpressionError."""
    return ENGLISH if tag is None or tag.replace("-", "_") in ("en", "en_US") else _names(tag)


@lru_cache(maxsize=32)
def _names(tag: str) -> Names:
    locale = _locale(tag)
    return Names(
        months=_words(locale.months["format"], range(1, 13)),
        months_alone=_words(locale.months["stand-alone"], range(1, 13)),
        days=_words(locale.days["format"], range(7)),
        quarters=_words(locale.quarters["format"], range(1, 5)),
        eras=MappingProxyType({width: locale.eras[theirs][1] for width, theirs in _WIDTHS.items()}),
        halves=(_half(locale, "am"), _half(locale, "pm")),
        # As Java does: where no country is named weeks are those of the United States.
        first_day=locale.first_week_day if locale.territory else ENGLISH.first_day,
        first_week=locale.min_week_days if locale.territory else ENGLISH.first_week,
        styles=MappingProxyType({style: _style(locale, style) for style in ENGLISH.styles}),
        tag=str(locale),
    )


def _locale(tag: str) -> Locale:
    # Deferred: costs 50 ms, and most dates are written in English.
    from babel import Locale, UnknownLocaleError

    try:
        return Locale.parse(tag.replace("-", "_"))
    except (UnknownLocaleError, ValueError) as error:
        raise ExpressionError(f"unknown locale '{tag[:40]}'") from error


def _words(found: Mapping[str, Mapping[int, str]], numbers: range) -> Mapping[str, tuple[str, ...]]:
    return MappingProxyType({w: tuple(found[theirs][number] for number in numbers) for w, theirs in _WIDTHS.items()})


def _half(locale: Locale, name: str) -> str:
    return str(locale.day_periods["format"]["abbreviated"][name])


def _style(locale: Locale, style: str) -> str:
    date, time = locale.date_formats[style].pattern, locale.time_formats[style].pattern
    both: Any = locale.datetime_formats[style]
    # Quotes that hold no letters are not needed, and the pattern of both may have them around its own words.
    return str(both).replace("{1}", date).replace("{0}", time)


def day_period(moment: dt.datetime, names: Names) -> str:
    """The part of the day, such as `in the morning`."""
    # Deferred as above.
    from babel.dates import format_time

    return format_time(moment.time(), "BBBB", locale=names.tag)


def zone_name(moment: dt.datetime, names: Names) -> str:
    """The name of a moment's zone in full, such as `Central European Standard Time`."""
    # Deferred as above.
    from babel.dates import get_timezone_name

    return get_timezone_name(moment, "long", locale=names.tag)
