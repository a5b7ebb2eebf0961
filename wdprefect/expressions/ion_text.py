"""Ion text, as Kestra reads and writes it: date-times are texts with the name of their class before them."""

from __future__ import annotations

import base64
import datetime as dt
import math
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any

from wdprefect.errors import ExpressionError
from wdprefect.expressions.dates import to_moment
from wdprefect.expressions.values import LISTS, checked_size, to_java_text, to_text

_SYMBOL = re.compile(r"(?!(?:null|true|false|nan)$|\$\d+$)[A-Za-z_$][A-Za-z0-9_$]*")
_CLASSES = frozenset(("ZonedDateTime", "OffsetDateTime", "LocalDateTime"))
_OFFSET = re.compile(r"([+-]\d\d:\d\d)(?:\[.*\])?$")
# What has a short escape; other control characters have their number.
_ESCAPES: Mapping[int, str] = MappingProxyType(
    {
        **{code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))},
        **{ord(c): f"\\{short}" for c, short in zip("\0\a\b\t\n\f\r\v\\", "0abtnfrv\\", strict=True)},
    }
)


def dump(value: Any) -> str:
    """The value as one line of Ion text; null entries of maps stay."""
    parts: list[str] = []
    _write(checked_size(value), parts.append)
    return "".join(parts)


def _write(value: Any, write: Callable[[str], Any]) -> None:
    if isinstance(value, Mapping):
        write("{")
        for index, (key, item) in enumerate(value.items()):
            write(f"{',' if index else ''}{_symbol(to_java_text(key))}:")
            _write(item, write)
        write("}")
    elif isinstance(value, LISTS):
        write("[")
        for index, item in enumerate(value):
            write("," if index else "")
            _write(item, write)
        write("]")
    else:
        write(_scalar(value))


def _symbol(name: str) -> str:
    return name if _SYMBOL.fullmatch(name) else f"'{_escaped(name, chr(39))}'"


def _escaped(text: str, quote: str) -> str:
    return text.translate({**_ESCAPES, ord(quote): f"\\{quote}"})


def _scalar(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool | int):
        return to_text(value)
    if isinstance(value, float):
        return _double(value)
    if isinstance(value, Decimal):
        return _decimal(value)
    if isinstance(value, dt.datetime):
        return f'{"ZonedDateTime" if value.tzinfo else "LocalDateTime"}::"{_moment(value)}"'
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, dt.timedelta):
        return f"{value // dt.timedelta(seconds=1)}.{value.microseconds:06d}000"
    return f'"{_escaped(to_text(value), chr(34))}"'


def _double(value: float) -> str:
    if not math.isfinite(value):
        return "nan" if math.isnan(value) else "+inf" if value > 0 else "-inf"
    text = to_text(value)
    return text.replace("E", "e") if "E" in text else text.removesuffix(".0") + "e0"


def _decimal(value: Decimal) -> str:
    _, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        raise ExpressionError(f"the number {value} cannot be written as Ion")
    if exponent == 0:
        return f"{value:f}."
    if exponent < 0 and exponent + len(digits) > -6:  # noqa: PLR2004  # from here on zeros are counted, as in Java
        return f"{value:f}"
    return f"{int(value.scaleb(-exponent))}d{exponent}"


def _moment(value: dt.datetime) -> str:
    text = value.replace(tzinfo=None, microsecond=0).isoformat()
    text += f".{value.microsecond:06d}".rstrip("0") if value.microsecond else ""
    offset = value.utcoffset()
    return text if offset is None else text + (value.isoformat()[-6:] if offset else "Z")


def load(text: str) -> list[Any]:
    """The values in a text, one after the other. Raises ExpressionError where it is no Ion."""
    # Deferred: 60 ms, and few flows use Ion.
    from amazon.ion import simpleion  # type: ignore[import-untyped]  # it has no types
    from amazon.ion.exceptions import IonException  # type: ignore[import-untyped]  # as above

    try:
        return [_plain(value) for value in simpleion.loads(text, single_value=False)]
    except (IonException, ValueError, OverflowError, InvalidOperation) as error:
        raise ExpressionError(f"Invalid ion: {error}".strip()) from error


def _plain(value: Any) -> Any:
    """A value of the Ion library as one of Python's own."""
    # Loaded by now.
    from amazon.ion.simple_types import IonPyNull  # type: ignore[import-untyped]  # it has no types

    kind = value.ion_type.name
    if isinstance(value, IonPyNull):
        return None
    if kind == "STRUCT":
        # Of equal names the last counts.
        return {str(name): _plain(item) for name, item in value.items()}
    if kind in ("LIST", "SEXP"):
        return [_plain(item) for item in value]
    return _annotated(_PLAIN[kind](value), [each.text for each in value.ion_annotations])


def _from_timestamp(value: Any) -> dt.datetime | dt.date:
    if value.precision is not None and value.precision.includes_minute:
        moment = dt.datetime.combine(value.date(), value.time(), value.tzinfo or dt.timezone.utc)
        return moment.astimezone(dt.timezone.utc)
    return dt.date(value.year, value.month, value.day)


_PLAIN: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {
        "BOOL": bool,
        "INT": int,
        "FLOAT": float,
        "DECIMAL": Decimal,
        "TIMESTAMP": _from_timestamp,
        "SYMBOL": lambda value: value.text,
        "STRING": str,
        "CLOB": lambda value: bytes(value).decode("utf-8", "replace"),
        # As Kestra prints it.
        "BLOB": lambda value: base64.b64encode(value).decode(),
    }
)


def _annotated(value: Any, classes: Sequence[str]) -> Any:
    """What a text stands for when it has the name of a class of moments before it."""
    if not isinstance(value, str) or not _CLASSES.intersection(classes):
        return value
    if "LocalDateTime" in classes:
        return to_moment(value).replace(tzinfo=None)
    offset = _OFFSET.search(value)
    return to_moment(value, offset[1] if offset else None)
