"""Java's regular expressions by the package `regex`, which has their syntax and a time limit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from wdprefect.errors import ExpressionError
from wdprefect.expressions.java_patterns import rewritten
from wdprefect.expressions.limits import MATCHING_SECONDS, OUTPUT_CHARACTERS, Budget, too_much

if TYPE_CHECKING:
    import regex

# Longer ones, or more of them, are no work of a person.
_PATTERN_CHARACTERS = 10_000
_REPLACEMENT = re.compile(r"\\(.)|\$([0-9]+)|\$\{([A-Za-z][A-Za-z0-9]*)\}|([^\\$]+)|(.)", re.DOTALL)


@lru_cache(maxsize=256)
def pattern(java: str) -> regex.Pattern[str]:
    """The compiled form. Raises ExpressionError where it is no regular expression."""
    # Deferred: costs 20 ms, and few templates match.
    import regex

    if len(java) > _PATTERN_CHARACTERS:
        raise too_much(f"the regular expression is longer than {_PATTERN_CHARACTERS:,} characters")
    try:
        return regex.compile(rewritten(java), regex.VERSION1)
    except (regex.error, OverflowError, ValueError) as error:
        raise ExpressionError(f"'{java[:80]}' is no regular expression: {error}") from error


def search(java: str, text: str, budget: Budget) -> regex.Match[str] | None:
    """The first match in a text; an error of kind `limit` where that takes longer than the budget has."""
    return next(_matches(java, text, budget), None)


def matches(java: str, text: str) -> bool:
    """Whether it matches the whole text, as Java's `String.matches`; an error of kind `limit` after a second."""
    try:
        return pattern(java).fullmatch(text, timeout=MATCHING_SECONDS) is not None
    except TimeoutError:
        raise too_much(f"the regular expression takes longer than {MATCHING_SECONDS:.0f} second") from None


def replaced(java: str, replacement: str, text: str, budget: Budget) -> str:
    """The text with every match replaced; `$1` and `${name}` in the replacement stand for groups."""
    template = _parsed(replacement, pattern(java))
    parts: list[str] = []
    at = size = 0
    for match in _matches(java, text, budget):
        new = "".join([part if isinstance(part, str) else match[part[0]] or "" for part in template])
        parts += text[at : match.start()], new
        at = match.end()
        size += len(new)
        if size > OUTPUT_CHARACTERS:
            raise too_much(f"the text is longer than {OUTPUT_CHARACTERS:,} characters")
    return "".join([*parts, text[at:]])


def split(java: str, text: str, limit: int, budget: Budget | None = None) -> list[str]:
    """The parts between matches, as Java's `String.split`: limit 0 drops empty parts at the end, below 0 keeps all."""
    parts: list[str] = []
    start = 0
    for match in _matches(java, text, budget or Budget(MATCHING_SECONDS)):
        if 0 < limit <= len(parts) + 1:
            break
        # An empty match splits between characters, but not before the first one.
        if match.end() == 0:
            continue
        parts.append(text[start : match.start()])
        start = match.end()
    if not parts and start == 0:
        return [text]
    parts.append(text[start:])
    while limit == 0 and parts and not parts[-1]:
        parts.pop()
    return parts


def _matches(java: str, text: str, budget: Budget) -> Iterator[regex.Match[str]]:
    """The matches one after the other, within what the budget has left."""
    compiled = pattern(java)
    with budget:
        try:
            if budget.is_spent():
                raise TimeoutError
            for match in compiled.finditer(text, timeout=budget.left):
                yield match
                if budget.is_spent():
                    raise TimeoutError
        except TimeoutError:
            raise too_much(f"regular expressions take longer than {MATCHING_SECONDS:.0f} second in all") from None


def _parsed(replacement: str, compiled: regex.Pattern[str]) -> list[str | tuple[int | str]]:
    """Texts, and groups as tuples of one."""
    parts: list[str | tuple[int | str]] = []
    for match in _REPLACEMENT.finditer(replacement):
        escaped, number, name, text, rest = match.groups()
        if rest is not None:
            what = "ends with a backslash" if rest == "\\" else "holds a '$' that names no group (write '\\$' for it)"
            raise ExpressionError(f"the replacement {what}")
        if name is not None and name not in compiled.groupindex:
            raise ExpressionError(f"the pattern has no group {name}")
        parts += _numbered(number, compiled.groups) if number else [(name,) if name else escaped or text]
    return parts


def _numbered(digits: str, groups: int) -> list[str | tuple[int | str]]:
    # As Java does: as many digits as make the number of a group, the first one in any case.
    length = next((n for n in range(len(digits), 1, -1) if n < len(str(groups)) + 1 and int(digits[:n]) <= groups), 1)
    group = int(digits[:length])
    if group > groups:
        raise ExpressionError(f"the pattern has no group {group}")
    return [(group,), *([digits[length:]] if digits[length:] else [])]
