"""Filters of text. Null stays null unless said otherwise."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

from wdprefect.errors import ExpressionError
from wdprefect.expressions.arguments import integer, text
from wdprefect.expressions.limits import OUTPUT_CHARACTERS, too_much
from wdprefect.expressions.values import LISTS, to_java_text, to_text

# What Java's `String.trim` takes away.
_CONTROLS = "".join(map(chr, range(0x21)))
_LINE_ENDS = ("\r\n", "\n\r", "\n", "\r")
_DASHES = 3


def upper(value: Any) -> str | None:
    """The text in upper case."""
    return None if value is None else to_text(value).upper()


def lower(value: Any) -> str | None:
    """The text in lower case."""
    return None if value is None else to_text(value).lower()


def capitalize(value: Any) -> str | None:
    """The text with its first letter in upper case; the rest stays."""
    return None if value is None else re.sub(r"\S", lambda m: m[0].upper(), text(value), count=1)


def title(value: Any) -> str | None:
    """The text with the first letter of each word in upper case; the rest stays."""
    return None if value is None else re.sub(r"(^|\s)(\S)", lambda m: m[1] + m[2].upper(), text(value))


def trim(value: Any) -> str | None:
    """The text without blanks and control characters at its ends."""
    return None if value is None else text(value).strip(_CONTROLS)


def abbreviate(value: Any, length: Any) -> str | None:
    """The text cut to a length, with `...` at its end; one as long as the length is cut already."""
    limit = integer(length, "length")
    if value is None:
        return None
    source = text(value)
    if len(source) < limit or len(source) <= _DASHES:
        return source
    return source[: max(limit, 0)] if limit <= _DASHES else source[: limit - _DASHES] + "..."


def substring_before(value: Any, separator: Any) -> str | None:
    """The text before the first separator; all of it where there is none."""
    return _parted(value, separator, lambda source, mark: source.split(mark, 1)[0] if mark else "")


def substring_after(value: Any, separator: Any) -> str | None:
    """The text after the first separator; nothing where there is none."""
    return _parted(value, separator, lambda source, mark: source.partition(mark)[2] if mark else source)


def substring_before_last(value: Any, separator: Any) -> str | None:
    """The text before the last separator; all of it where there is none."""
    return _parted(value, separator, lambda source, mark: source.rsplit(mark, 1)[0] if mark else source)


def substring_after_last(value: Any, separator: Any) -> str | None:
    """The text after the last separator; nothing where there is none."""
    return _parted(value, separator, lambda source, mark: source.rpartition(mark)[2] if mark and mark in source else "")


def _parted(value: Any, separator: Any, cut: Callable[[str, str], str]) -> str | None:
    return None if value is None else cut(to_text(value), text(separator, "separator"))


def starts_with(value: Any, value_: Any) -> bool:
    """Whether the text starts with another one; null does not."""
    return value is not None and to_text(value).startswith(text(value_, "value"))


def ends_with(value: Any, value_: Any) -> bool:
    """Whether the text ends with another one; null does not."""
    return value is not None and to_text(value).endswith(text(value_, "value"))


def slugify(value: Any) -> str | None:
    """The text as part of a URL: letters without accents, digits and single dashes, in lower case.

    Source: Kestra's `Slugify`.
    """
    if value is None:
        return None
    dashed = unicodedata.normalize("NFD", re.sub(r"\s", "-", to_text(value)))
    kept = re.sub(r"[^A-Za-z0-9_-]", "", dashed).replace("_", "-")
    return re.sub(r"-+", "-", kept).removeprefix("-").removesuffix("-").lower()


def indent(value: Any, amount: Any, prefix: Any = " ") -> str | None:
    """Every line but the first moved to the right."""
    return _indented(value, amount, prefix, lambda source, margin, end: source.replace(end, end + margin))


def nindent(value: Any, amount: Any, prefix: Any = " ") -> str | None:
    """A new line, and every line moved to the right."""
    return _indented(value, amount, prefix, lambda s, margin, end: end + margin + s.replace(end, end + margin))


def _indented(value: Any, amount: Any, prefix: Any, move: Callable[[str, str, str], str]) -> str | None:
    count = integer(amount, "amount")
    if count < 0:
        raise ExpressionError("amount is negative")
    if value is None or value == "":
        return value  # type: ignore[no-any-return]  # null or the empty text
    source, unit = to_text(value), text(prefix, "prefix")
    end = next((each for each in _LINE_ENDS if each in source), "\n")
    if (source.count(end) + 1) * count * len(unit) > OUTPUT_CHARACTERS:
        raise too_much("the indented text is too long")
    return move(source, unit * count, end)


def escape_char(value: Any, type_: Any) -> Any:
    """The text with single or double quotes escaped, or single ones as a shell needs it; also inside of data."""
    escapes = {"single": ("'", "\\'"), "double": ('"', '\\"'), "shell": ("'", "'\\''")}
    kind = text(type_, "type").lower()
    if kind not in escapes:
        raise ExpressionError(f"unknown type '{kind}' (one of single, double, shell)")
    return _in_leaves(value, lambda leaf: leaf.replace(*escapes[kind]))


def _in_leaves(value: Any, change: Callable[[str], str]) -> Any:
    if value is None:
        return None
    if isinstance(value, Mapping):
        return {key: _in_leaves(item, change) for key, item in value.items()}
    if isinstance(value, LISTS):
        return [_in_leaves(item, change) for item in value]
    return change(to_text(value))


def string(value: Any) -> str | None:
    """The text form of any value."""
    return None if value is None else to_text(value)


def nl2br(value: Any) -> str | None:
    """The text with `<br />` for each line end."""
    return None if value is None else re.sub(r"\r\n|\n|\r", "<br />", to_text(value))


def condense(value: Any) -> str | None:
    """The text without line ends."""
    return None if value is None else re.sub(r"\r\n|\n|\r", "", text(value))


def format_(value: Any, *arguments: Any) -> str | None:
    """The text with each `%s`, `%d`, `%.2f` … replaced by the next argument.

    Source: Java's `String.format`, without its dates and its numbered arguments.
    """
    if value is None:
        return None
    rest = iter(arguments)
    return re.sub(r"%([-+ 0,(#]*)(\d{0,4})(\.\d{1,3})?([a-zA-Z%])", lambda match: _formatted(match, rest), text(value))


def _formatted(match: re.Match[str], rest: Any) -> str:
    flags, width, precision, kind = match[1], match[2], match[3] or "", match[4]
    if kind in "n%":
        return "\n" if kind == "n" else "%"
    argument = next(rest, rest)
    if argument is rest:
        raise ExpressionError(f"nothing is left for '{match[0]}'")
    if kind in "sSbB":
        shown = f"%{flags.replace('0', '')}{width}{precision}s" % to_java_text(argument)
        return shown.upper() if kind.isupper() else shown
    if kind not in "dxXofeEgGc":
        raise ExpressionError(f"'{match[0]}' is not understood")
    grouped = "," in flags
    number = f"%{flags.replace(',', '').replace('(', '')}{'' if grouped else width}{precision}{kind}" % argument
    return re.sub(r"(?<!\.)\B(?=(\d{3})+(?!\d))", ",", number).rjust(int(width or 0)) if grouped else number
