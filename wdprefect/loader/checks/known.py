"""What a flow says of itself that its expressions may name: inputs, variables, tasks."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from typing import Any

from wdprefect.expressions.references import Reference, Uses, uses
from wdprefect.loader.checks.order import Order
from wdprefect.loader.checks.texts import texts_in
from wdprefect.loader.draft import Draft
from wdprefect.loader.places import value_at
from wdprefect.model.task import Path, Task, TaskSpec

# A task that makes variables while the flow runs.
_SETS_VARIABLES = "io.kestra.plugin.core.execution.SetVariables"
_S3_TRIGGER, _OF_S3_TRIGGER = "io.kestra.plugin.aws.s3.Trigger", ("objects",)
# A task that becomes several, whose ids are made of its own.
_FOR_EACH_ITEM = "io.kestra.plugin.core.flow.ForEachItem"


class Known:
    """The names of one draft, each kind looked up when it is first needed."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._used: dict[str, Uses] = {}

    def uses(self, text: str) -> Uses:
        """What a template uses; each text is parsed once. Raises ExpressionError."""
        if text not in self._used:
            self._used[text] = uses(text)
        return self._used[text]

    def rendered_by(self, reference: Reference) -> Iterator[tuple[Path, str]]:
        """The templates in the flow's variables that a reference in `render(…)` brings in, each with its path."""
        if reference.is_rendered and reference.kind == "variable":
            names = reference.path[1:]
            yield from texts_in(value_at(self.variables, names), ("variables", *names))

    @cached_property
    def inputs(self) -> Mapping[str, Mapping[str, Any]]:
        """The inputs by their ids, as they are written."""
        items = (item for _, item in self._draft.items("inputs") if isinstance(item, Mapping))
        return {str(item["id"]): item for item in items if item.get("id")}

    @cached_property
    def variables(self) -> Mapping[str, Any]:
        """The flow's variables."""
        found = self._draft.properties.get("variables")
        return found if isinstance(found, Mapping) else {}

    @cached_property
    def shown_by_triggers(self) -> Collection[str] | None:
        """The names that `trigger` has in every run that a trigger of the flow starts; None where that is not known."""
        types = {str(spec.data.get("type")) for spec in self._draft.triggers()}
        return _OF_S3_TRIGGER if types == {_S3_TRIGGER} else None

    @cached_property
    def makes_variables(self) -> bool:
        """Whether a task of the flow may add to the variables."""
        return any(spec.data.get("type") == _SETS_VARIABLES for spec in self.order.specs)

    @cached_property
    def tasks(self) -> Mapping[str, TaskSpec | None]:
        """The tasks by their ids; None for what a task makes itself, or may hold if its type is unknown."""
        unknown = (spec for spec in self.order.specs if spec.kind is Task)
        hidden: dict[str, TaskSpec | None] = {name: None for spec in unknown for name in _ids(spec.data)}
        found: dict[str, TaskSpec | None] = {}
        for spec in self.order.specs:
            found.setdefault(spec.id, spec)
            if spec.data.get("type") == _FOR_EACH_ITEM:
                hidden |= dict.fromkeys(f"{spec.id}_{part}" for part in ("split", "items", "merge"))
        return {**hidden, **found}

    @cached_property
    def order(self) -> Order:
        """What comes before what."""
        return Order(self._draft)


def _ids(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        if isinstance(value.get("id"), str):
            yield value["id"]
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _ids(item)
