"""Filters that match: `replace` by plain text or regular expression, `split`, and the regular expressions' own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wdprefect.errors import ExpressionError
from wdprefect.expressions import regexes
from wdprefect.expressions.arguments import integer, text
from wdprefect.expressions.limits import checked_text
from wdprefect.expressions.values import LISTS, describe, to_text


def replace(value: Any, replace__pairs: Any, regexp: Any = None) -> Any:
    """The text with each key of a map replaced by its value, one after the other; also inside of lists and maps.

    regexp: whether the keys are regular expressions.
    """
    if not isinstance(replace__pairs, Mapping):
        raise ExpressionError(f"replace_pairs is {describe(replace__pairs)}, not a map")
    if isinstance(value, Mapping):
        return {key: replace(item, replace__pairs, regexp) for key, item in value.items()}
    if isinstance(value, LISTS):
        return [replace(item, replace__pairs, regexp) for item in value]
    if value is None:
        return None
    result = to_text(value)
    for old, new in replace__pairs.items():
        if regexp is True:
            result = checked_text(regexes.replaced(to_text(old), to_text(new), result))
        else:
            result = checked_text(result.replace(to_text(old), to_text(new)))
    return result


def split(value: Any, delimiter: Any, limit: Any = 0) -> list[str] | None:
    """The parts of a text between matches of a regular expression.

    limit: 0 drops empty parts at the end, more than 0 is the largest number of parts, less than 0 keeps all.
    """
    if value is None:
        return None
    return regexes.split(text(delimiter, "delimiter"), text(value), integer(limit, "limit"))


def regex_match(value: Any, regex: Any) -> bool:
    """Whether a regular expression matches anywhere; null does not."""
    return value is not None and regexes.pattern(text(regex, "regex")).search(to_text(value)) is not None


def regex_replace(value: Any, regex: Any, replacement: Any) -> str | None:
    """The text with every match replaced; `$1` stands for a group."""
    if value is None:
        return None
    return regexes.replaced(text(regex, "regex"), text(replacement, "replacement"), to_text(value))


def regex_extract(value: Any, regex: Any, group: Any = 0) -> str | None:
    """The first match, or a group of it; null where nothing matches."""
    match = None if value is None else regexes.pattern(text(regex, "regex")).search(to_text(value))
    number = integer(group, "group")
    if match and not 0 <= number <= match.re.groups:
        raise ExpressionError(f"the pattern has no group {number}")
    return match[number] if match else None
