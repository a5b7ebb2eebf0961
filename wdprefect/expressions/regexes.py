"""Java's regular expressions by Python's `re`.

Named groups, POSIX classes and quotations are rewritten; what `re` has not (intersections of classes) is an error.
"""

from __future__ import annotations

import re
from functools import lru_cache

from wdprefect.errors import ExpressionError

_REWRITTEN = re.compile(r"\\Q(.*?)(?:\\E|$)|\\p\{(\w+)\}|\\([hRzZ])|\\.|\(\?<(?=[A-Za-z])", re.DOTALL)
_CLASSES = {
    "Alpha": "a-zA-Z",
    "Digit": "0-9",
    "Alnum": "a-zA-Z0-9",
    "Upper": "A-Z",
    "Lower": "a-z",
    "Space": r"\s",
    "Punct": r"!-/:-@\[-`{-~",
    "XDigit": "0-9a-fA-F",
    "ASCII": r"\x00-\x7f",
    "L": r"^\W\d_",
    "N": r"\d",
}
_ESCAPES = {"h": r"[ \t\xa0]", "R": r"(?:\r\n|[\n\r])", "z": r"\Z", "Z": r"(?=\n?\Z)"}
_GROUP = re.compile(r"\\(.)|\$(\d)|\$\{(\w+)\}|\$", re.DOTALL)


@lru_cache(maxsize=256)
def pattern(java: str) -> re.Pattern[str]:
    """The compiled form. Raises ExpressionError where it is no regular expression."""
    try:
        # Java's \d, \w and \b know ASCII only.
        return re.compile(_REWRITTEN.sub(_rewrite, java), re.ASCII)
    except (re.error, OverflowError) as error:
        raise ExpressionError(f"'{java[:80]}' is no regular expression: {error}") from error


def _rewrite(match: re.Match[str]) -> str:
    quoted, name, escape = match.groups()
    if quoted is not None:
        return re.escape(quoted)
    if name is not None:
        if name not in _CLASSES:
            raise ExpressionError(f"the character class '\\p{{{name}}}' is not supported")
        return f"[{_CLASSES[name]}]"
    if escape:
        return _ESCAPES[escape]
    return "(?P<" if match[0] == "(?<" else match[0]


def replaced(java: str, replacement: str, text: str) -> str:
    """The text with every match replaced; `$1` and `${name}` in the replacement stand for groups."""
    return pattern(java).sub(lambda match: _GROUP.sub(lambda group: _group(match, group), replacement), text)


def _group(match: re.Match[str], group: re.Match[str]) -> str:
    literal, number, name = group.groups()
    if literal is not None:
        return literal
    if number is None and name is None:
        raise ExpressionError("a '$' in the replacement names no group (write '\\$' for the character)")
    try:
        return match[int(number) if number else name] or ""
    except IndexError as error:
        raise ExpressionError(f"the pattern has no group {number or name}") from error


def split(java: str, text: str, limit: int) -> list[str]:
    """The parts between matches, as Java's `String.split`: limit 0 drops empty parts at the end, below 0 keeps all."""
    parts: list[str] = []
    start = 0
    for match in pattern(java).finditer(text):
        if 0 < limit <= len(parts) + 1:
            break
        # An empty match splits between characters, but not before the first one.
        if match.end() == 0 or (match.start() == match.end() == len(text)):
            continue
        parts.append(text[start : match.start()])
        start = match.end()
    if not parts and start == 0:
        return [text]
    parts.append(text[start:])
    while limit == 0 and parts and not parts[-1]:
        parts.pop()
    return parts
