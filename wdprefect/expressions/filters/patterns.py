"""Filters that match: `replace` by plain text or regular expression, `split`, and the regular expressions' own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from wdprefect.errors import ExpressionError
from wdprefect.expressions import regexes
from wdprefect.expressions.arguments import integer, text, truncated
from wdprefect.expressions.limits import replaced
from wdprefect.expressions.values import describe, in_leaves, to_java_text

if TYPE_CHECKING:
    from wdprefect.expressions.runtime import Scope


def replace(scope: Scope, value: Any, replace__pairs: Any, regexp: Any = None) -> Any:
    """The text with each key of a map replaced by its value, one after the other; also inside of lists and maps.

    regexp: whether the keys are regular expressions.

    {{ 'a-b-c' | replace({'-': '+', 'c': 'd'}) }} → a+b+d
    {{ 'a1b22' | replace({'[0-9]+': '#'}, regexp=true) }} → a#b#
    """
    if not isinstance(replace__pairs, Mapping):
        raise ExpressionError(f"replace_pairs is {describe(replace__pairs)}, not a map")
    if regexp is not None and not isinstance(regexp, bool):
        raise ExpressionError(f"regexp is {describe(regexp)}, not a boolean")
    pairs = [(to_java_text(old), "" if new is None else to_java_text(new)) for old, new in replace__pairs.items()]

    def changed(leaf: str) -> str:
        for old, new in pairs:
            leaf = regexes.replaced(old, new, leaf, scope.matching) if regexp else replaced(leaf, old, new)
        return leaf

    return in_leaves(value, changed)


def split(scope: Scope, value: Any, delimiter: Any, limit: Any = 0) -> list[str] | None:
    """The parts of a text between matches of a regular expression.

    limit: 0 drops empty parts at the end, more than 0 is the largest number of parts, less than 0 keeps all.

    {{ 'a,b,,c' | split(',') }} → ["a","b","","c"]
    {{ 'a,b,,c' | split(',', 2) }} → ["a","b,,c"]
    """
    if value is None:
        return None
    return regexes.split(text(delimiter, "delimiter"), text(value), truncated(limit, "limit"), scope.matching)


def regex_match(scope: Scope, value: Any, regex: Any) -> bool:
    """Whether a regular expression matches anywhere; null does not.

    {{ 'order 12' | regexMatch('[0-9]+') }} → true
    """
    pattern = text(regex, "regex")
    return value is not None and regexes.search(pattern, to_java_text(value), scope.matching) is not None


def regex_replace(scope: Scope, value: Any, regex: Any, replacement: Any) -> str | None:
    """The text with every match replaced; `$1` stands for a group.

    {{ 'Lovelace, Ada' | regexReplace('([a-zA-Z]+), ([a-zA-Z]+)', '$2 $1') }} → Ada Lovelace
    """
    pattern, new = text(regex, "regex"), text(replacement, "replacement")
    return None if value is None else regexes.replaced(pattern, new, to_java_text(value), scope.matching)


def regex_extract(scope: Scope, value: Any, regex: Any, group: Any = 0) -> str | None:
    """The first match, or a group of it; null where nothing matches.

    {{ 'order 12 of 15' | regexExtract('[0-9]+') }} → 12
    {{ 'order 12 of 15' | regexExtract('of ([0-9]+)', 1) }} → 15
    """
    match = None if value is None else regexes.search(text(regex, "regex"), to_java_text(value), scope.matching)
    number = integer(group, "group")
    if match and not 0 <= number <= match.re.groups:
        raise ExpressionError(f"the pattern has no group {number}")
    return match[number] if match else None
