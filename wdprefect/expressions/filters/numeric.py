"""Filters of numbers."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Mapping
from decimal import Decimal, DecimalException
from types import MappingProxyType
from typing import Any

from wdprefect.errors import ExpressionError
from wdprefect.expressions import decimal_format
from wdprefect.expressions.arguments import text
from wdprefect.expressions.numbers import is_number
from wdprefect.expressions.values import describe

_NUMBER = re.compile(r"([+-]?)(?:(?:0[xX]|#)([0-9a-fA-F]+)|(\d+)[lL]?|((?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)[fFdD]?)")
_DOUBLE = re.compile(r"([+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|Infinity)|NaN)[fFdD]?")
# The kinds of whole numbers with their bits.
_WHOLE: Mapping[str, int | None] = MappingProxyType({"INT": 32, "LONG": 64, "BIGINTEGER": None})
# As Java's parser of numbers: more digits are no number that anybody wrote.
_LONGEST = 400


def abs_(value: Any) -> Any:
    """The number without its sign.

    {{ -5 | abs }} → 5
    """
    return abs(_checked(value))


def number(value: Any, type_: Any = None) -> Any:
    """The number that a text holds: `12`, `0x1F`, `010` (octal), `1e3`, `12L`.

    type: INT, LONG, BIGINTEGER read whole numbers, FLOAT, DOUBLE, BIGDECIMAL others; anything else is as without.

    {{ ('12' | number) + 1 }} → 13
    {{ '0x1F' | number }} → 31
    {{ '12' | number('DOUBLE') }} → 12.0
    """
    if value is None:
        return None
    source = text(value)
    kind = "" if type_ is None else text(type_, "type").upper()
    if len(source) > _LONGEST:
        raise _no_number(source)
    if kind in ("FLOAT", "DOUBLE"):
        found = _double(source.strip())
        return _single(found) if kind == "FLOAT" else found
    if kind == "BIGDECIMAL":
        return _decimal(source)
    match = _NUMBER.fullmatch(source)
    if not match:
        raise _no_number(source)
    return _whole(match, _WHOLE[kind]) if kind in _WHOLE else _guessed(match)


def _no_number(source: str) -> ExpressionError:
    return ExpressionError(f"'{source[:40]}' is no number")


def _double(source: str) -> float:
    match = _DOUBLE.fullmatch(source)
    if not match:
        raise _no_number(source)
    return float(match[1])


def _single(number: float) -> float:
    """The number nearest to it of those with 32 bits, by the shortest text for it."""
    if not math.isfinite(number):
        return number
    try:
        (nearest,) = struct.unpack("f", struct.pack("f", number))
    except OverflowError:
        return math.copysign(math.inf, number)
    texts = (f"{nearest:.{digits}g}" for digits in range(1, 10))
    return float(next(text for text in texts if struct.pack("f", float(text)) == struct.pack("f", nearest)))


def _decimal(source: str) -> Decimal:
    try:
        return Decimal(source)
    except DecimalException as error:
        raise _no_number(source) from error


def _whole(match: re.Match[str], bits: int | None) -> int:
    found = None if match[0].endswith(("L", "l")) else _guessed(match)
    if not isinstance(found, int) or (bits and not -(2 ** (bits - 1)) <= found < 2 ** (bits - 1)):
        raise ExpressionError(f"'{match[0][:40]}' is no whole number" + (f" of {bits} bits" if bits else ""))
    return found


def _guessed(match: re.Match[str]) -> int | float | Decimal:
    sign, hexadecimal, digits, decimal = match.groups()
    if decimal:
        number, exact = float(sign + decimal), Decimal(sign + decimal)
        return exact if math.isinf(number) or (exact and not number) else number
    if hexadecimal:
        return int(sign + hexadecimal, 16)
    octal = len(digits) > 1 and digits[0] == "0"
    try:
        return int(sign + digits, 8 if octal else 10)
    except ValueError as error:
        raise ExpressionError(f"'{match[0][:40]}' is no octal number") from error


def number_format(value: Any, format_: Any = None) -> str | None:
    """The number by a pattern such as `#,##0.00`, rounded half to even; without one grouped, with up to three decimals.

    Source: Java's `DecimalFormat` in English: `0 # , . % E ¤` and, after `;`, what stands around negative numbers.

    {{ 1234.5 | numberFormat('#,##0.00') }} → 1,234.50
    {{ 0.256 | numberFormat('0.0%') }} → 25.6%
    {{ 7 | numberFormat('000') }} → 007
    {{ 123456 | numberFormat('0.##E0') }} → 1.23E5
    """
    if value is None:
        return None
    pattern = "" if format_ is None else text(format_, "format")
    return decimal_format.formatted(_checked(value), pattern)


def _checked(value: Any) -> Any:
    if is_number(value):
        return value
    raise ExpressionError(f"the value is {describe(value)}, not a number")
