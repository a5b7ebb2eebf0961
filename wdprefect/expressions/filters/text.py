"""Filters of text. Null stays null unless said otherwise."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Any

from wdprefect.errors import ExpressionError
from wdprefect.expressions import java_format
from wdprefect.expressions.arguments import given, integer, text
from wdprefect.expressions.limits import OUTPUT_CHARACTERS, too_much
from wdprefect.expressions.values import in_leaves, to_java_text

# What Java's `String.trim` takes away.
_CONTROLS = "".join(map(chr, range(0x21)))
_LINE_ENDS = ("\r\n", "\n\r", "\n", "\r")
_DASHES = 3


def upper(value: Any) -> str | None:
    """The text in upper case.

    {{ 'abc' | upper }} → ABC
    """
    return None if value is None else to_java_text(value).upper()


def lower(value: Any) -> str | None:
    """The text in lower case.

    {{ 'ABC' | lower }} → abc
    """
    return None if value is None else to_java_text(value).lower()


def capitalize(value: Any) -> str | None:
    """The text with its first letter in upper case; the rest stays.

    {{ 'hello WORLD' | capitalize }} → Hello WORLD
    """
    return None if value is None else re.sub(r"\S", lambda m: _title_case(m[0]), text(value), count=1)


def title(value: Any) -> str | None:
    """The text with the first letter of each word in upper case; the rest stays.

    {{ 'hello world' | title }} → Hello World
    """
    return None if value is None else re.sub(r"(^|\s)(\S)", lambda m: m[1] + _title_case(m[2]), text(value))


def _title_case(letter: str) -> str:
    # As Java does: a letter stays one, so `ß` has no other form.
    changed = letter.title()
    return changed if len(changed) == 1 else letter


def trim(value: Any) -> str | None:
    """The text without blanks and control characters at its ends.

    {{ '  abc  ' | trim }} → abc
    """
    return None if value is None else text(value).strip(_CONTROLS)


def abbreviate(value: Any, length: Any) -> str | None:
    """The text cut to a length, with `...` at its end; one as long as the length is cut already.

    {{ 'a long sentence' | abbreviate(9) }} → a long...
    """
    limit = integer(length, "length")
    if limit < 0:
        raise ExpressionError("length is negative")
    if value is None:
        return None
    source = text(value)
    if len(source) < limit or len(source) <= _DASHES:
        return source
    return source[:limit] if limit <= _DASHES else source[: limit - _DASHES] + "..."


def substring_before(value: Any, separator: Any) -> str | None:
    """The text before the first separator; all of it where there is none.

    {{ 'a.b.c' | substringBefore('.') }} → a
    {{ 'abc' | substringBefore('.') }} → abc
    """
    return _parted(
        value, separator, lambda source, mark: source if mark is None else source.split(mark, 1)[0] if mark else ""
    )


def substring_after(value: Any, separator: Any) -> str | None:
    """The text after the first separator; nothing where there is none.

    {{ 'a.b.c' | substringAfter('.') }} → b.c
    """
    return _parted(
        value, separator, lambda source, mark: "" if mark is None else source.partition(mark)[2] if mark else source
    )


def substring_before_last(value: Any, separator: Any) -> str | None:
    """The text before the last separator; all of it where there is none.

    {{ 'a.b.c' | substringBeforeLast('.') }} → a.b
    """
    return _parted(value, separator, lambda source, mark: source.rsplit(mark, 1)[0] if mark else source)


def substring_after_last(value: Any, separator: Any) -> str | None:
    """The text after the last separator; nothing where there is none.

    {{ 'a.b.c' | substringAfterLast('.') }} → c
    {{ 'abc' | substringAfterLast('.') }} →
    """
    return _parted(value, separator, lambda source, mark: source.rpartition(mark)[2] if mark and mark in source else "")


def _parted(value: Any, separator: Any, cut: Callable[[str, str | None], str]) -> str | None:
    mark = None if separator is None else text(separator, "separator")
    return None if value is None else cut(to_java_text(value), mark)


def starts_with(value: Any, value_: Any) -> bool:
    """Whether the text starts with another one; null does not.

    {{ 'abc' | startsWith('ab') }} → true
    """
    part = to_java_text(given(value_, "value"))
    return value is not None and to_java_text(value).startswith(part)


def ends_with(value: Any, value_: Any) -> bool:
    """Whether the text ends with another one; null does not.

    {{ 'abc' | endsWith('ab') }} → false
    """
    part = to_java_text(given(value_, "value"))
    return value is not None and to_java_text(value).endswith(part)


def slugify(value: Any) -> str | None:
    """The text as part of a URL: letters without accents, digits and single dashes, in lower case.

    Source: Kestra's `Slugify`.

    {{ 'Crème brûlée, for 2' | slugify }} → creme-brulee-for-2
    """
    if value is None:
        return None
    dashed = unicodedata.normalize("NFD", re.sub(r"\s", "-", to_java_text(value)))
    kept = re.sub(r"[^A-Za-z0-9_-]", "", dashed).replace("_", "-")
    return re.sub(r"-+", "-", kept).removeprefix("-").removesuffix("-").lower()


def indent(value: Any, amount: Any, prefix: Any = " ") -> str | None:
    r"""Every line but the first moved to the right.

    with: {"lines": "one\ntwo"}
    {{ lines | indent(2) }} → one\n  two
    {{ lines | indent(1, '> ') }} → one\n> two
    """
    return _indented(value, amount, prefix, lambda source, margin, end: source.replace(end, end + margin))


def nindent(value: Any, amount: Any, prefix: Any = " ") -> str | None:
    r"""A new line, and every line moved to the right.

    with: {"lines": "one\ntwo"}
    {{ lines | nindent(2) }} → \n  one\n  two
    """
    return _indented(value, amount, prefix, lambda s, margin, end: end + margin + s.replace(end, end + margin))


def _indented(value: Any, amount: Any, prefix: Any, move: Callable[[str, str, str], str]) -> str | None:
    count = integer(amount, "amount")
    if count < 0:
        raise ExpressionError("amount is negative")
    if value is None or value == "":
        return value  # type: ignore[no-any-return]  # null or the empty text
    source, unit = to_java_text(value), text(prefix, "prefix")
    end = next((each for each in _LINE_ENDS if each in source), "\n")
    if (source.count(end) + 1) * count * len(unit) > OUTPUT_CHARACTERS:
        raise too_much("the indented text is too long")
    return move(source, unit * count, end)


def escape_char(value: Any, type_: Any) -> Any:
    r"""The text with single or double quotes escaped, or single ones as a shell needs it; also inside of data.

    {{ "it's" | escapeChar('shell') }} → it'\''s
    {{ ['say "hi"'] | escapeChar('double') | first }} → say \"hi\"
    """
    escapes = {"single": ("'", "\\'"), "double": ('"', '\\"'), "shell": ("'", "'\\''")}
    kind = text(type_, "type").lower()
    if kind not in escapes:
        raise ExpressionError(f"unknown type '{kind}' (one of single, double, shell)")
    return in_leaves(value, lambda leaf: leaf.replace(*escapes[kind]))


def string(value: Any) -> str | None:
    """The text form of any value, as `~` has it.

    {{ [1, 'a', null] | string }} → [1, a, null]
    """
    return None if value is None else to_java_text(value)


def nl2br(value: Any) -> str | None:
    r"""The text with `<br />` for each line end.

    with: {"lines": "one\ntwo"}
    {{ lines | nl2br }} → one<br />two
    """
    return None if value is None else re.sub(r"\r\n|\n|\r", "<br />", text(value))


def condense(value: Any) -> str | None:
    r"""The text without line ends.

    with: {"lines": "one\ntwo"}
    {{ lines | condense }} → onetwo
    """
    return None if value is None else re.sub(r"\r\n|\n|\r", "", text(value))


def format_(value: Any, *arguments: Any) -> str | None:
    """The text with each `%s`, `%d`, `%.2f`, `%2$s`, `%tF` … replaced by an argument, the next one or the numbered one.

    Source: Java's `String.format`, in English.

    {{ '%s is %d, %.2f m' | format('Ada', 36, 1.7) }} → Ada is 36, 1.70 m
    {{ '%2$s %1$s' | format('Ada', 'Lovelace') }} → Lovelace Ada
    """
    return None if value is None else java_format.formatted(to_java_text(value), arguments)
