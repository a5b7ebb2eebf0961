"""`java.time` patterns: texts read as `DateTimeFormatter` does, in English."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from wdprefect.errors import ExpressionError
from wdprefect.expressions.date_patterns import pieces
from wdprefect.expressions.locales import DAYS, MONTHS

_FIELDS: Mapping[str, str] = MappingProxyType(
    {
        "y": "year", "u": "year", "M": "month", "L": "month", "d": "day", "D": "yday", "H": "hour", "k": "hour24",
        "h": "hour12", "K": "hour12", "m": "minute", "s": "second", "S": "fraction", "n": "nano", "a": "half",
        "E": "weekday", "X": "offset_or_z", "x": "offset", "Z": "offset", "O": "offset", "z": "zone", "V": "zone",
        "G": "era",
    }
)  # fmt: skip
_OFFSET = r"(?:GMT|UTC)?[+-]\d{1,2}(?::?\d{2})?(?::?\d{2})?|GMT|UTC"
_SHAPES: Mapping[str, str] = MappingProxyType(
    {
        "offset": _OFFSET,
        "offset_or_z": rf"Z|{_OFFSET}",
        "zone": rf"[A-Za-z]+(?:[/_+-][A-Za-z0-9_+-]+)*|{_OFFSET}",
        "half": "AM|PM",
        "era": "AD|CE|Anno Domini",
        "weekday": "|".join((*DAYS, *(day[:3] for day in DAYS))),
    }
)


def read_fields(text: str, pattern: str) -> dict[str, str] | None:
    """The named parts (year, month, offset …) of a text by a pattern; None where the text does not have this form."""
    match = _reader(pattern).fullmatch(text)
    if not match:
        return None
    fields = {name: value for name, value in match.groupdict().items() if value}
    if "offset_or_z" in fields:
        fields["offset"] = fields.pop("offset_or_z")
    return fields


@lru_cache(maxsize=256)
def _reader(pattern: str) -> re.Pattern[str]:
    parts: list[str] = []
    seen: set[str] = set()
    depth = 0
    for letter, count, literal in pieces(pattern):
        if not letter:
            depth += count
            parts.append({1: "(?:", -1: ")?"}.get(count, re.escape(literal)))
            continue
        name = _FIELDS.get(letter)
        if name is None:
            raise ExpressionError(
                f"the date pattern '{pattern[:80]}' holds the letter '{letter}', which is not for reading"
            )
        parts.append(f"(?:{_shape(name, count)})" if name in seen else f"(?P<{name}>{_shape(name, count)})")
        seen.add(name)
    return re.compile("".join(parts) + ")?" * depth)


def _shape(name: str, count: int) -> str:
    if name in _SHAPES:
        return _SHAPES[name]
    if name == "month" and count > 2:  # noqa: PLR2004  # from three letters on a month is a name
        return "|".join(MONTHS if count == 4 else (month[:3] for month in MONTHS))  # noqa: PLR2004  # four are the full name
    if name == "nano":
        return r"\d{1,9}"
    if name == "fraction" or count > 1:
        return rf"\d{{{count}}}" if count != 4 else r"\d{4}|\+\d{5,9}"  # noqa: PLR2004  # a year may be longer
    return r"\d{1,9}"
