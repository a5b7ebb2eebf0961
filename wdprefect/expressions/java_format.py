"""Java's `String.format` in English."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from types import MappingProxyType
from typing import Any, NoReturn

from wdprefect.errors import ExpressionError
from wdprefect.expressions import dates
from wdprefect.expressions.date_patterns import zone_id
from wdprefect.expressions.limits import joined
from wdprefect.expressions.numbers import is_number
from wdprefect.expressions.values import describe, to_java_text

_SPECIFIER = re.compile(
    r"(?P<text>[^%]+)|(?P<all>%(?:(?P<index>\d{1,4})\$|(?P<again><))?(?P<flags>[-#+ 0,(]*)(?P<width>[1-9]\d{0,4})?"
    r"(?:\.(?P<precision>\d{1,3}))?(?P<date>[tT])?(?P<kind>[a-zA-Z%]))|(?P<wrong>%)"
)
# Which flags a conversion may have.
_FLAGS: Mapping[str, str] = MappingProxyType(
    {"s": "-", "b": "-", "h": "-", "c": "-", "t": "-", "%": "-", "n": "", "d": "-+ 0,(", "o": "-#0", "x": "-#0",
     "e": "-#+ 0(", "f": "-#+ 0,(", "g": "-+ 0,("}
)  # fmt: skip
_LARGEST = 2**64


@dataclass(frozen=True, slots=True)
class _Specifier:
    all: str
    kind: str
    flags: str
    width: int
    precision: int | None
    date: bool

    def fail(self, why: str) -> NoReturn:
        raise ExpressionError(f"'{self.all}' {why}")


def formatted(template: str, arguments: Sequence[Any]) -> str:
    """The template with its specifiers replaced. Raises ExpressionError where one and its argument do not fit."""
    return joined(_parts(template, arguments))


def _parts(template: str, arguments: Sequence[Any]) -> Any:
    ordinary = last = 0
    for match in _SPECIFIER.finditer(template):
        if match["text"] is not None:
            yield match["text"]
            continue
        if match["wrong"]:
            raise ExpressionError("a '%' begins nothing that is known (write '%%' for the character)")
        specifier = _specifier(match)
        if specifier.kind in "%n":
            yield _padded("%" if specifier.kind == "%" else "\n", specifier)
            continue
        if match["index"]:
            last = int(match["index"])
        elif not match["again"]:
            ordinary += 1
            last = ordinary
        if not 0 < last <= len(arguments):
            specifier.fail("has no argument")
        text = _converted(specifier, arguments[last - 1])
        yield text.upper() if (match["date"] or match["kind"]) in "SBHCXEGT" else text


def _specifier(match: re.Match[str]) -> _Specifier:
    kind = match["kind"] if match["date"] else match["kind"].lower()
    precision = None if match["precision"] is None else int(match["precision"])
    found = _Specifier(match["all"], kind, match["flags"], int(match["width"] or 0), precision, bool(match["date"]))
    allowed = _FLAGS.get("t" if found.date else kind)
    if allowed is None or (match["kind"].isupper() and not found.date and match["kind"] not in "SBHCXEG"):
        found.fail("is not understood")
    flags = found.flags
    wrong = set(flags) - set(allowed) or ("+" in flags and " " in flags) or ("-" in flags and "0" in flags)
    if wrong or (set("-0") & set(flags) and not found.width):
        found.fail("has flags that do not go with it")
    if precision is not None and kind in "dxoc%n":
        found.fail("takes no precision")
    return found


def _converted(specifier: _Specifier, value: Any) -> str:
    if specifier.date:
        return _padded(_moment(specifier, value), specifier)
    if specifier.kind in "sbh":
        text = {"s": to_java_text, "b": _boolean, "h": _hash}[specifier.kind](value)
        return _padded(text[: specifier.precision], specifier)
    if value is None:
        return _padded("null", specifier)
    if specifier.kind == "c":
        if not isinstance(value, str) or len(value) != 1:
            specifier.fail(f"needs a character, not {describe(value)}")
        return _padded(value, specifier)
    whole = specifier.kind in "dxo"
    if not is_number(value) or isinstance(value, int) != whole:
        specifier.fail(f"needs a {'whole' if whole else 'decimal'} number, not '{to_java_text(value)[:40]}'")
    return _signed(specifier, *(_whole if whole else _decimal)(specifier, value))


def _padded(text: str, specifier: _Specifier) -> str:
    return text.ljust(specifier.width) if "-" in specifier.flags else text.rjust(specifier.width)


def _boolean(value: Any) -> str:
    return "false" if value is None or value is False else "true"


def _hash(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, int):
        return f"{(value ^ (value >> 32)) & 0xFFFFFFFF:x}" if not isinstance(value, bool) else "4cf" if value else "4d5"
    code = 0
    for unit in memoryview(to_java_text(value).encode("utf-16-le", "surrogatepass")).cast("H"):
        code = (code * 31 + unit) & 0xFFFFFFFF
    return f"{code:x}"


def _whole(specifier: _Specifier, value: int) -> tuple[bool, str]:
    """Whether the number is negative, and its digits."""
    if specifier.kind == "d":
        return value < 0, str(abs(value))
    mark = {"x": "0x", "o": "0"}[specifier.kind] if "#" in specifier.flags else ""
    return False, mark + format(value % _LARGEST, specifier.kind)


def _decimal(specifier: _Specifier, value: float | Decimal) -> tuple[bool, str]:
    exact = value if isinstance(value, Decimal) else Decimal(repr(value))
    if not exact.is_finite():
        return exact.is_signed() and not exact.is_nan(), "NaN" if exact.is_nan() else "Infinity"
    digits = 6 if specifier.precision is None else specifier.precision
    size = abs(exact)
    kind = specifier.kind
    if kind == "g":
        digits = max(digits, 1)
        size = Context(prec=digits, rounding=ROUND_HALF_UP).plus(size)
        kind = "f" if not size or Decimal("0.0001") <= size < Decimal(10) ** digits else "e"
        digits -= 1 if kind == "e" or not size else size.adjusted() + 1
    if kind == "f":
        text = f"{size.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP, Context(prec=2000)):f}"
    else:
        text = f"{Context(prec=digits + 1, rounding=ROUND_HALF_UP).plus(size):.{digits}e}"
        mantissa, _, exponent = text.partition("e")
        text = f"{mantissa}e{int(exponent) if size else 0:+03d}"
    return exact.is_signed(), text + ("." if "#" in specifier.flags and "." not in text else "")


def _signed(specifier: _Specifier, negative: bool, digits: str) -> str:  # noqa: FBT001  # a part of the number
    flags, width = specifier.flags, specifier.width
    if "," in flags and digits[0].isdigit():
        digits = re.sub(r"^\d+", lambda match: f"{int(match[0]):,}", digits)
    before, after = ("(", ")") if negative and "(" in flags else ("-", "") if negative else ("", "")
    if not negative:
        before = "+" if "+" in flags else " " if " " in flags else ""
    if "0" in flags and digits[0] not in "NI":  # NaN and Infinity
        mark = 2 if digits.startswith("0x") else 0
        digits = digits[:mark] + digits[mark:].rjust(width - len(before) - len(after) - mark, "0")
    return _padded(before + digits + after, specifier)


# The letters after `%t` as patterns of `java.time`; the others are computed.
_MOMENTS: Mapping[str, str] = MappingProxyType(
    {"Y": "uuuu", "y": "uu", "m": "MM", "d": "dd", "e": "d", "B": "MMMM", "b": "MMM", "h": "MMM", "A": "EEEE",
     "a": "EEE", "j": "DDD", "H": "HH", "k": "H", "I": "hh", "l": "h", "M": "mm", "S": "ss", "L": "SSS",
     "N": "SSSSSSSSS", "z": "xx", "F": "uuuu-MM-dd", "D": "MM/dd/uu", "T": "HH:mm:ss", "R": "HH:mm", "r": "hh:mm:ss a",
     "c": "EEE MMM dd HH:mm:ss z uuuu"}
)  # fmt: skip
_COMPUTED: Mapping[str, Callable[[dt.datetime], str]] = MappingProxyType(
    {
        "p": lambda moment: "am" if moment.hour < 12 else "pm",  # noqa: PLR2004  # noon
        "C": lambda moment: f"{moment.year // 100:02d}",
        "Z": zone_id,
        "s": lambda moment: str(dates.nanoseconds(moment) // 1_000_000_000),
        "Q": lambda moment: str(dates.nanoseconds(moment) // 1_000_000),
    }
)


def _moment(specifier: _Specifier, value: Any) -> str:
    if value is None:
        return "null"
    if is_number(value):
        value = dates.EPOCH + dt.timedelta(milliseconds=int(value))
    if not isinstance(value, dt.datetime):
        specifier.fail(f"needs a date, not {describe(value)}")
    moment = value if value.tzinfo else value.replace(tzinfo=dt.timezone.utc)
    if specifier.kind in _COMPUTED:
        return _COMPUTED[specifier.kind](moment)
    if specifier.kind not in _MOMENTS:
        specifier.fail("is not understood")
    return dates.to_format(moment, _MOMENTS[specifier.kind])
