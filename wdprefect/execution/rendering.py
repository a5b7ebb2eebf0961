"""Templates to values, and what was loaded to what is typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from wdprefect.errors import TaskFailed
from wdprefect.expressions import Expressions, Services
from wdprefect.loader.build import markers
from wdprefect.loader.shape import reasons
from wdprefect.model.node import CHILDREN, LATE, TYPED, Marker, Node
from wdprefect.model.task import Task, TaskSpec

_AS_WRITTEN = frozenset({"id", "type", "description"})


@dataclass(frozen=True, slots=True)
class Rendering:
    """The Renderer of one task run: what it sees, and the services behind functions."""

    expressions: Expressions
    scope: Mapping[str, Any]
    services: Services

    def text(self, template: str, more: Mapping[str, Any] | None = None) -> str:
        return self.expressions.render(template, self._seen(more), self.services)

    def value(self, template: str, more: Mapping[str, Any] | None = None) -> Any:
        return self.expressions.evaluate(template, self._seen(more), self.services)

    def data(self, template: Any, more: Mapping[str, Any] | None = None) -> Any:
        if isinstance(template, str):
            return self.text(template, more)
        return self.expressions.render_all(template, self._seen(more), self.services)

    def _seen(self, more: Mapping[str, Any] | None) -> Mapping[str, Any]:
        return {**self.scope, **more} if more else self.scope


def typed_task(spec: TaskSpec, render: Rendering) -> Task:
    """The task with its templates rendered. Raises ExpressionError, or TaskFailed when a value does not fit."""
    data = rendered(spec.kind, spec.data, render)
    try:
        return spec.kind.model_validate(data)
    except ValidationError as error:
        raise TaskFailed("; ".join(reasons(error, data))) from None


def rendered(kind: type[Node], data: Mapping[str, Any], render: Rendering) -> dict[str, Any]:
    """The properties of a task or a trigger with their templates rendered. Raises ExpressionError."""
    treated = markers(kind)
    return {name: _rendered(name, value, treated.get(name), render) for name, value in data.items()}


def _rendered(name: str, value: Any, marker: Marker | None, render: Rendering) -> Any:
    if name in _AS_WRITTEN or marker in (LATE, CHILDREN) or not isinstance(value, str | list | dict):
        return value
    if marker is TYPED and isinstance(value, str):
        return render.value(value)
    return render.data(value)
