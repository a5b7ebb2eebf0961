"""Filters of numbers."""

from __future__ import annotations

import math
import re
from decimal import ROUND_HALF_EVEN, Decimal, DecimalException
from typing import Any

from wdprefect.errors import ExpressionError
from wdprefect.expressions.arguments import text
from wdprefect.expressions.numbers import is_number
from wdprefect.expressions.values import describe, to_text

_DECIMAL_PATTERN = re.compile(r"((?:'[^']*'|[^#0,.'])*)([#0,]*(?:\.[0#]*)?)((?:'[^']*'|[^#0,.'])*)")
_NUMBER = re.compile(r"([+-]?)(?:0[xX]([0-9a-fA-F]+)|(\d+)[lL]?|((?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)[fFdD]?)")
_WHOLE = ("INT", "LONG", "BIGINTEGER")
# As Java's parser of numbers: more digits are no number that anybody wrote.
_LONGEST = 400


def abs_(value: Any) -> Any:
    """The number without its sign."""
    return abs(_checked(value))


def number(value: Any, type_: Any = None) -> Any:
    """The number that a text holds: `12`, `0x1F`, `010` (octal), `1e3`, `12L`.

    type: INT, LONG, BIGINTEGER read whole numbers, FLOAT, DOUBLE, BIGDECIMAL others; anything else is as without.
    """
    if value is None:
        return None
    source = text(value)
    kind = str(type_).upper() if type_ is not None else ""
    match = _NUMBER.fullmatch(source) if len(source) <= _LONGEST else None
    if not match:
        raise ExpressionError(f"'{source[:40]}' is no number")
    if kind in _WHOLE:
        return _whole(source)
    if kind in ("FLOAT", "DOUBLE"):
        return float(source.rstrip("fFdDlL"))
    return Decimal(source) if kind == "BIGDECIMAL" else _guessed(match)


def _whole(source: str) -> int:
    try:
        return int(source)
    except ValueError as error:
        raise ExpressionError(f"'{source}' is no whole number") from error


def _guessed(match: re.Match[str]) -> int | float:
    sign, hexadecimal, digits, decimal = match.groups()
    if decimal:
        return float(sign + decimal)
    if hexadecimal:
        return int(sign + hexadecimal, 16)
    octal = len(digits) > 1 and digits[0] == "0"
    try:
        return int(sign + digits, 8 if octal else 10)
    except ValueError as error:
        raise ExpressionError(f"'{match[0]}' is no octal number") from error


def number_format(value: Any, format_: Any = None) -> str | None:
    """The number by a pattern such as `#,##0.00`, rounded half to even; without one grouped, with up to three decimals.

    Source: Java's `DecimalFormat` in English: `0 # , . %` and, after `;`, the form of negative numbers.
    """
    if value is None:
        return None
    found = _checked(value)
    if isinstance(found, float) and not math.isfinite(found):
        return to_text(found)
    positive, _, negative = ("#,##0.###" if format_ is None else text(format_, "format")).partition(";")
    match = _DECIMAL_PATTERN.fullmatch(positive)
    if not match:
        raise ExpressionError(f"'{positive}' is no pattern of a number")
    prefix, digits, suffix = match.groups()
    try:
        body = _digits(abs(Decimal(str(found))) * _scale(prefix + suffix), digits)
    except DecimalException as error:
        raise ExpressionError("the number cannot be formatted") from error
    if found < 0 and any(c in "123456789" for c in body):
        other = _DECIMAL_PATTERN.fullmatch(negative) if negative else None
        prefix, suffix = (other[1], other[3]) if other else ("-" + prefix, suffix)
    return prefix.replace("'", "") + body + suffix.replace("'", "")


def _scale(affixes: str) -> int:
    return 100 if "%" in affixes else 1000 if "‰" in affixes else 1


def _digits(amount: Decimal, pattern: str) -> str:
    whole, _, fraction = pattern.partition(".")
    rounded = amount.quantize(Decimal(1).scaleb(-len(fraction)), ROUND_HALF_EVEN)
    left, _, right = f"{rounded:f}".partition(".")
    right = right[: fraction.count("0")] + right[fraction.count("0") :].rstrip("0")
    left = left.lstrip("0").rjust(whole.count("0"), "0")
    if "," in whole:
        size = len(whole) - whole.rindex(",") - 1
        left = re.sub(rf"\B(?=(?:\d{{{size}}})+$)", ",", left) if size else left
    # `#.##` shows zero as 0, but a half as .5 only where the pattern asks for no whole digit at all.
    return (left or ("0" if "#" in whole or not right else "")) + (f".{right}" if right else "")


def _checked(value: Any) -> Any:
    if is_number(value):
        return value
    raise ExpressionError(f"the value is {describe(value)}, not a number")
