"""Which tasks' outputs a task reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wdprefect.errors import ExpressionError
from wdprefect.expressions import references
from wdprefect.loader.shape import has_template
from wdprefect.model.task import TaskSpec


def sources_of(spec: TaskSpec) -> set[str]:
    """The ids of the tasks whose outputs the templates of a task name, those of its children included."""
    return set(_named(spec.data))


def _named(value: Any) -> Iterator[str]:
    if isinstance(value, TaskSpec):
        yield from _named(value.data)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _named(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _named(item)
    elif isinstance(value, str) and has_template(value):
        yield from _of_template(value)


def _of_template(template: str) -> Iterator[str]:
    try:
        found = references(template)
    except ExpressionError:
        # It will fail when it is rendered, with its place.
        return
    yield from (path[1] for path in (reference.path for reference in found) if len(path) > 1 and path[0] == "outputs")
