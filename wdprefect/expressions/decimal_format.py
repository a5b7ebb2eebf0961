"""Java's `DecimalFormat` in English: numbers by patterns such as `#,##0.00`, `0.0%` or `##0.##E0`."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal, DecimalException
from functools import lru_cache

from wdprefect.errors import ExpressionError

_DEFAULT = "#,##0.###"
_SYMBOLS = re.compile(r"'(?:[^']|'')*'|.", re.DOTALL)
_BODY = re.compile(r"(?P<optional>#*)(?P<whole>0*)(?:(?P<point>\.)(?P<fraction>0*)(?P<more>#*))?(?:E(?P<exponent>0+))?")
# Java writes no more digits before the point; the rest of a number is far shorter.
_EXACT = Context(prec=1200)
_CURRENCY = {1: "$", 2: "USD"}


@dataclass(frozen=True, slots=True)
class _Format:
    positive: tuple[str, str]
    negative: tuple[str, str]
    # Powers of ten that a sign of percent stands for.
    shift: int
    # The digits before the point and after it, at least and at most.
    whole: int
    largest_whole: int
    fraction: int
    largest_fraction: int
    group: int
    always_point: bool
    exponent: int


def formatted(number: float | Decimal, pattern: str) -> str:
    """The number by the pattern, rounded half to even. Raises ExpressionError where it is none."""
    form = _format(pattern or _DEFAULT)
    if isinstance(number, float) and math.isnan(number):
        return "NaN"
    before, after = form.negative if math.copysign(1, number) < 0 else form.positive
    if isinstance(number, float) and math.isinf(number):
        return f"{before}∞{after}"
    try:
        amount = _EXACT.abs(Decimal(repr(number) if isinstance(number, float) else number)).scaleb(form.shift, _EXACT)
        return before + (_scientific if form.exponent else _plain)(amount, form) + after
    except DecimalException as error:
        raise ExpressionError("the number has too many digits to be formatted") from error


def _plain(amount: Decimal, form: _Format) -> str:
    rounded = amount.quantize(Decimal(1).scaleb(-form.largest_fraction), ROUND_HALF_EVEN, _EXACT)
    whole, _, fraction = f"{rounded:f}".partition(".")
    fraction = fraction[: form.fraction] + fraction[form.fraction :].rstrip("0")
    whole = whole.lstrip("0").rjust(form.whole, "0")
    # A number without any digit would be no number.
    whole = whole or ("" if fraction else "0")
    if form.group:
        whole = re.sub(rf"\B(?=(?:\d{{{form.group}}})+$)", ",", whole)
    return whole + ("." if fraction or form.always_point else "") + fraction


def _scientific(amount: Decimal, form: _Format) -> str:
    """A mantissa and an exponent; where some digits before the point are optional it is a multiple of their number."""
    rounded = Context(prec=max(form.largest_whole + form.largest_fraction, 1), rounding=ROUND_HALF_EVEN).plus(amount)
    digits = "".join(map(str, rounded.as_tuple().digits)).rstrip("0")
    # The point stands before the first digit here.
    size, step = rounded.adjusted() + 1, form.largest_whole
    multiple = step > 1 and step > form.whole
    before = 1 if multiple else form.whole
    exponent = 0
    if digits:
        exponent = (size - 1) // step * step if multiple else size - form.whole
        before = size - exponent
    digits = digits.ljust(max(form.whole + form.fraction, before), "0")
    point = "." if len(digits) > before or form.always_point else ""
    sign = "-" if exponent < 0 else ""
    return f"{digits[:before]}{point}{digits[before:]}E{sign}{str(abs(exponent)).rjust(form.exponent, '0')}"


@lru_cache(maxsize=64)
def _format(pattern: str) -> _Format:
    positive, negative = _halves(pattern)
    prefix, body, suffix = _parts(positive, pattern)
    match = _BODY.fullmatch(body.replace(",", ""))
    grouped = body.partition(".")[0]
    if not match or "," in body.removeprefix(grouped) or grouped.endswith(","):
        raise ExpressionError(f"'{pattern}' is no pattern of a number")
    around = _affix(prefix), _affix(suffix)
    other = ("-" + around[0], around[1])
    if negative is not None and any(symbol in "#0,." for symbol in negative):
        before, _, after = _parts(negative, pattern)
        other = _affix(before), _affix(after)
        other = other if other != around else ("-" + other[0], other[1])
    special = [symbol for symbol in (*prefix, *suffix) if symbol in ("%", "‰")]
    if len(special) > 1:
        raise ExpressionError(f"'{pattern}' has more than one sign of percent")
    left, zeros, right, at = _counts(match)
    return _Format(
        around,
        other,
        shift=0 if not special else 2 if special[0] == "%" else 3,
        whole=at - left,
        largest_whole=at,
        fraction=left + zeros - at,
        largest_fraction=left + zeros + right - at,
        group=len(grouped) - grouped.rindex(",") - 1 if "," in grouped and not match["exponent"] else 0,
        always_point=bool(match["point"]) and at in (0, left + zeros + right),
        exponent=len(match["exponent"] or ""),
    )


def _counts(match: re.Match[str]) -> tuple[int, int, int, int]:
    """How many `#`, `0`, and `#` again, and how many of them stand before the point. As Java counts them."""
    before, zeros, more_zeros, after = (len(match[name] or "") for name in ("optional", "whole", "fraction", "more"))
    at = before + zeros
    if zeros or more_zeros or not match["point"] or not before + after:
        return before, zeros + more_zeros, after, at
    # Without any zero the last `#` before the point counts as one, or the first after it.
    first = max(at, 1)
    return first - 1, 1, before + after - first, at


def _halves(pattern: str) -> tuple[list[str], list[str] | None]:
    symbols = _SYMBOLS.findall(pattern)
    if "'" in symbols or symbols.count(";") > 1:
        raise ExpressionError(f"'{pattern}' is no pattern of a number")
    if ";" not in symbols:
        return symbols, None
    at = symbols.index(";")
    return symbols[:at], symbols[at + 1 :]


def _parts(symbols: Sequence[str], pattern: str) -> tuple[list[str], str, list[str]]:
    """What stands before the digits, these, and what stands after them."""
    start = next((at for at, symbol in enumerate(symbols) if symbol in "#0,."), len(symbols))
    end = start
    while end < len(symbols) and symbols[end] in "#0,.":
        end += 1
    if symbols[end : end + 2] == ["E", "0"]:
        end += 1
        while end < len(symbols) and symbols[end] == "0":
            end += 1
    if any(symbol in "#0,." for symbol in symbols[end:]):
        raise ExpressionError(f"'{pattern}' is no pattern of a number")
    return list(symbols[:start]), "".join(symbols[start:end]), list(symbols[end:])


def _affix(symbols: Sequence[str]) -> str:
    text = "".join(
        "'" if symbol == "''" else symbol[1:-1].replace("''", "'") if symbol[0] == "'" else symbol for symbol in symbols
    )
    return re.sub("¤+", lambda match: _CURRENCY.get(len(match[0]), match[0]), text)
