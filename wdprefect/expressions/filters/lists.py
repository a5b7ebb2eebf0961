"""Filters of lists and maps. Null stays null unless said otherwise; the input itself is never changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wdprefect.errors import ExpressionError
from wdprefect.expressions.arguments import integer, items, text
from wdprefect.expressions.limits import checked_text
from wdprefect.expressions.numbers import equal, is_number
from wdprefect.expressions.values import CONTAINERS, LISTS, describe, is_empty, to_java_text


def default_(value: Any, default: Any = None) -> Any:
    """The value, or another where it is missing, null, blank text, or an empty list or map."""
    return default if is_empty(value) else value


def first(value: Any) -> Any:
    """The first item of a list, null where it is empty; or the first letter of a text."""
    return _end(value, 0)


def last(value: Any) -> Any:
    """The last item of a list, null where it is empty; or the last letter of a text."""
    return _end(value, -1)


def _end(value: Any, index: int) -> Any:
    if value is None:
        return None
    if isinstance(value, str):
        if not value:
            raise ExpressionError("the text is empty")
        return value[index]
    found = items(value)
    return found[index] if found else None


def length(value: Any) -> int:
    """The number of items, entries, or UTF-16 units of a text; 0 for null and anything else."""
    if isinstance(value, str):
        return len(value.encode("utf-16-le", "surrogatepass")) // 2
    return len(value) if isinstance(value, CONTAINERS) else 0


def join(value: Any, separator: Any = "") -> str | None:
    """The items of a list as one text."""
    if value is None:
        return None
    mark = "" if separator is None else text(separator, "separator")
    return checked_text(mark.join(map(to_java_text, items(value))))


def merge(value: Any, items_: Any) -> Any:
    """Two maps or lists as one; in a map the right one wins, and a list adds its items as keys."""
    left, right = (items_, None) if value is None else (value, items_)
    if not isinstance(left, CONTAINERS) or not (right is None or isinstance(right, CONTAINERS)):
        raise ExpressionError(f"{describe(value)} and {describe(items_)} cannot be merged")
    if right is None:
        return left
    if isinstance(left, Mapping):
        return {**left, **(right if isinstance(right, Mapping) else {item: item for item in right})}
    return [*left, *([{key: item} for key, item in right.items()] if isinstance(right, Mapping) else right)]


def sort(value: Any) -> list[Any] | None:
    """The items in rising order; they must be comparable."""
    return None if value is None else sorted(_comparable(value), key=_sort_key)


def rsort(value: Any) -> list[Any] | None:
    """The items in falling order; they must be comparable."""
    return None if value is None else sorted(_comparable(value), key=_sort_key, reverse=True)


def _comparable(value: Any) -> list[Any]:
    found = items(value)
    if len({"number" if is_number(item) else type(item) for item in found}) > 1:
        raise ExpressionError("the items are of different kinds")
    return found


def _sort_key(item: Any) -> Any:
    # By UTF-16 units, as Java compares.
    return item.encode("utf-16-be", "surrogatepass") if isinstance(item, str) else item


def reverse(value: Any) -> list[Any] | None:
    """The items in the opposite order."""
    return None if value is None else items(value)[::-1]


def distinct(value: Any) -> Any:
    """The items without repetitions, in their order; the text `null` for null."""
    if value is None:
        return "null"
    kept: list[Any] = []
    seen: set[Any] = set()
    for item in items(value):
        try:
            known = item in seen and any(equal(item, other) for other in kept)
            seen.add(item)
        except TypeError:  # a list or a map cannot be in a set
            known = any(equal(item, other) for other in kept)
        if not known:
            kept.append(item)
    return kept


def flatten(value: Any) -> list[Any] | None:
    """The items, with those of lists among them in their place; one level only."""
    if value is None:
        return None
    return [inner for item in items(value) for inner in (item if isinstance(item, LISTS) else [item])]


def chunk(value: Any, size: Any) -> list[list[Any]] | None:
    """The items in lists of a size; the last may be shorter."""
    step = integer(size, "size")
    if step < 1:
        raise ExpressionError("size is less than 1")
    if value is None:
        return None
    found = items(value)
    return [found[at : at + step] for at in range(0, len(found), step)]


def keys(value: Any) -> list[Any] | None:
    """The keys of a map, or the indexes of a list."""
    if value is None:
        return None
    if isinstance(value, Mapping):
        return list(value)
    return list(range(len(items(value))))


def values(value: Any) -> list[Any] | None:
    """The values of a map."""
    if value is None:
        return None
    if isinstance(value, Mapping):
        return list(value.values())
    raise ExpressionError(f"the value is {describe(value)}, not a map")


def slice_(value: Any, from_index: Any = 0, to_index: Any = None) -> Any:
    """A part of a text or list, from an index up to but not including another."""
    if value is None:
        return None
    whole = value if isinstance(value, str) else items(value)
    start = integer(from_index, "fromIndex")
    end = len(whole) if to_index is None else integer(to_index, "toIndex")
    if not 0 <= start < end <= len(whole):
        raise ExpressionError(f"there is nothing from {start} to {end} in a length of {len(whole)}")
    return whole[start:end]
