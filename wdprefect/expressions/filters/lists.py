"""Filters of lists and maps. Null stays null unless said otherwise; no list that others may hold is ever changed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from wdprefect.errors import ExpressionError
from wdprefect.expressions.arguments import items, text, truncated
from wdprefect.expressions.limits import RANGE_ITEMS, joined, too_much
from wdprefect.expressions.numbers import frozen
from wdprefect.expressions.values import CONTAINERS, LISTS, describe, entries, is_empty, to_java_text

if TYPE_CHECKING:  # the runtime imports the filters
    from wdprefect.expressions.runtime import Scope


def default_(value: Any, default: Any = None) -> Any:
    """The value, or another where it is missing, null, blank text, or an empty list or map.

    {{ missing | default('none') }} → none
    {{ '' | default('none') }} → none
    {{ 0 | default('none') }} → 0
    """
    return default if is_empty(value) else value


def first(value: Any) -> Any:
    """The first item of a list, null where it is empty; or the first letter of a text.

    {{ [3, 1, 2] | first }} → 3
    {{ 'abc' | first }} → a
    """
    return _end(value, 0)


def last(value: Any) -> Any:
    """The last item of a list, null where it is empty; or the last letter of a text.

    {{ [3, 1, 2] | last }} → 2
    {{ 'abc' | last }} → c
    """
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
    """The number of items, entries, or UTF-16 units of a text; 0 for null and anything else.

    {{ 'abc' | length }} → 3
    {{ [1, 2] | length }} → 2
    {{ {'a': 1} | length }} → 1
    """
    if isinstance(value, str):
        return len(value.encode("utf-16-le", "surrogatepass")) // 2
    return len(value) if isinstance(value, CONTAINERS) else 0


def join(value: Any, separator: Any = "") -> str | None:
    """The items of a list as one text.

    {{ ['a', 'b', 3] | join(', ') }} → a, b, 3
    """
    if value is None:
        return None
    mark = "" if separator is None else text(separator, "separator")
    return joined(map(to_java_text, items(value)), mark)


def merge(value: Any, items_: Any = None) -> Any:
    """Two maps or lists as one; in a map the right one wins, and a list adds its items as keys.

    {{ {'a': 1, 'b': 2} | merge({'b': 3}) }} → {"a":1,"b":3}
    {{ [1, 2] | merge([3]) }} → [1,2,3]
    """
    left, right = (items_, None) if value is None else (value, items_)
    if isinstance(left, CONTAINERS) and isinstance(right, CONTAINERS):
        _checked(len(left) + len(right))
    if not isinstance(left, CONTAINERS) or not (right is None or isinstance(right, CONTAINERS)):
        raise ExpressionError(f"{describe(value)} and {describe(items_)} cannot be merged")
    if right is None:
        return left
    if isinstance(left, Mapping):
        return {**left, **(right if isinstance(right, Mapping) else {item: item for item in right})}
    return [*left, *(entries(right) if isinstance(right, Mapping) else right)]


def _checked(size: int) -> None:
    if size > RANGE_ITEMS:
        raise too_much(f"the list has more than {RANGE_ITEMS:,} items")


def sort(scope: Scope, value: Any) -> list[Any] | None:
    """The items in rising order; they must be comparable. A variable that holds the list holds it sorted from then on.

    {{ [3, 1, 2] | sort }} → [1,2,3]
    """
    return None if value is None else scope.changed(value, sorted(_comparable(value), key=_sort_key))


def rsort(scope: Scope, value: Any) -> list[Any] | None:
    """The items in falling order; they must be comparable. A variable changes with it, as in `sort`.

    {{ ['a', 'c', 'b'] | rsort }} → ["c","b","a"]
    """
    return None if value is None else scope.changed(value, sorted(_comparable(value), key=_sort_key, reverse=True))


def _comparable(value: Any) -> list[Any]:
    found = items(value)
    if len(found) > 1 and len({type(item) for item in found}) > 1:
        raise ExpressionError("the items are of different kinds")
    if len(found) > 1 and not isinstance(found[0], str | int | float | Decimal | dt.date | dt.time | dt.timedelta):
        raise ExpressionError(f"{describe(found[0])} has no order")
    return found


def _sort_key(item: Any) -> Any:
    # By UTF-16 units, as Java compares.
    return item.encode("utf-16-be", "surrogatepass") if isinstance(item, str) else item


def reverse(scope: Scope, value: Any) -> list[Any] | None:
    """The items in the opposite order. A variable that holds the list changes with it, as in `sort`.

    {{ [3, 1, 2] | reverse }} → [2,1,3]
    """
    return None if value is None else scope.changed(value, items(value)[::-1])


def distinct(value: Any) -> Any:
    """The items without repetitions, in their order; the text `null` for null.

    {{ [1, 2, 1] | distinct }} → [1,2]
    """
    if value is None:
        return "null"
    kept: dict[Any, Any] = {}
    for item in items(value):
        # 1 and 1.0 are two.
        kept.setdefault((isinstance(item, int), frozen(item)), item)
    return list(kept.values())


def flatten(value: Any) -> list[Any] | None:
    """The items, with those of lists among them in their place; one level only.

    {{ [1, [2, [3]]] | flatten }} → [1,2,[3]]
    """
    if value is None:
        return None
    found = items(value)
    _checked(sum(len(item) if isinstance(item, LISTS) else 1 for item in found))
    return [inner for item in found for inner in (item if isinstance(item, LISTS) else [item])]


def chunk(value: Any, size: Any) -> list[list[Any]] | None:
    """The items in lists of a size; the last may be shorter.

    {{ [1, 2, 3] | chunk(2) }} → [[1,2],[3]]
    """
    step = truncated(size, "size")
    if step < 1:
        raise ExpressionError("size is less than 1")
    if value is None:
        return None
    found = items(value)
    return [found[at : at + step] for at in range(0, len(found), step)]


def keys(value: Any) -> list[Any] | None:
    """The keys of a map, or the indexes of a list.

    {{ {'a': 1, 'b': 2} | keys }} → ["a","b"]
    {{ ['x', 'y'] | keys }} → [0,1]
    """
    if value is None:
        return None
    if isinstance(value, Mapping):
        return list(value)
    return list(range(len(items(value))))


def values(value: Any) -> list[Any] | None:
    """The values of a map.

    {{ {'a': 1, 'b': 2} | values }} → [1,2]
    """
    if value is None:
        return None
    if isinstance(value, Mapping):
        return list(value.values())
    raise ExpressionError(f"the value is {describe(value)}, not a map")


def slice_(value: Any, from_index: Any = 0, to_index: Any = None) -> Any:
    """A part of a text or list, from an index up to but not including another.

    {{ 'abcdef' | slice(1, 3) }} → bc
    {{ [1, 2, 3] | slice(fromIndex=1) }} → [2,3]
    """
    if value is None:
        return None
    whole = value if isinstance(value, str) else items(value)
    start = truncated(from_index, "fromIndex")
    if to_index is None and start == len(whole):
        return whole[start:]
    end = len(whole) if to_index is None else truncated(to_index, "toIndex")
    if not 0 <= start < end <= len(whole):
        raise ExpressionError(f"there is nothing from {start} to {end} in a length of {len(whole)}")
    return whole[start:end]
