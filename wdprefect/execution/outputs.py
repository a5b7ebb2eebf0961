"""What `{{ outputs }}` and `{{ tasks }}` show: maps by task id, and by the values of loops below it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wdprefect.masking import merged


def with_value(data: Mapping[str, Any], path: Sequence[str], value: Mapping[str, Any]) -> Mapping[str, Any]:
    """A copy of the map in which the maps under `path` are merged with `value`; what is shared is never changed.

    So that a task which renders in a thread sees one state of the map, whatever its neighbours deliver meanwhile.
    """
    if not path:
        return merged(data, value)
    inner = data.get(path[0])
    return merged(data, {path[0]: with_value(inner if isinstance(inner, Mapping) else {}, path[1:], value)})


def without_nulls(value: Any) -> Any:
    """The value as Kestra hands it on: a map's null entries vanish at any depth, a list keeps its own."""
    if isinstance(value, Mapping):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list | tuple) else value
