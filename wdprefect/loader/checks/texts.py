"""The templates of a flow, each with who renders it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from wdprefect.errors import Position
from wdprefect.expressions.lexer import line_and_column
from wdprefect.loader.draft import Draft
from wdprefect.loader.shape import Findings, has_template
from wdprefect.model.node import LATE, Node
from wdprefect.model.task import Path, Task, TaskSpec
from wdprefect.model.trigger import Trigger, TriggerSpec

# Never rendered: braces in them are text.
_PROSE = frozenset({"id", "type", "description"})


@dataclass(frozen=True, slots=True)
class Template:
    """A text that is rendered.

    path: where it lies in the flow. task: who renders it; None for a trigger, or an output of the flow. name: the
    property of the task or trigger that holds it. is_late: whether the task renders it when it likes, with names of its
    own. is_variable: whether it is the text of a variable, which the property renders.
    """

    text: str
    path: Path
    task: TaskSpec | None = None
    name: str = ""
    is_late: bool = False
    is_variable: bool = False

    def at(self, findings: Findings, offset: int) -> Position:
        """Where a character of it stands in the file."""
        return findings.at_text(self.path, *line_and_column(self.text, offset))


def templates_of(draft: Draft) -> Iterator[Template]:
    """Every template of the tasks, of the triggers and of the flow's outputs, but for what is of an unknown type."""
    for spec in draft.tasks():
        if spec.kind is not Task:
            for where, text in _own_texts(spec):
                name = str(where[0])
                yield Template(text, draft.origin(spec, where), spec, name, name in _late_names(spec.kind))
    for trigger in draft.triggers():
        if trigger.kind is not Trigger:
            for where, text in _own_texts(trigger):
                yield Template(text, draft.origin(trigger, where), None, str(where[0]))
    for path, output in draft.items("outputs"):
        if isinstance(output, Mapping):
            for where, text in texts_in(output.get("value"), (*path, "value")):
                yield Template(text, where)


def _own_texts(spec: TaskSpec | TriggerSpec) -> Iterator[tuple[Path, str]]:
    return texts_in({name: value for name, value in spec.data.items() if name not in _PROSE}, ())


def texts_in(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """The templates in plain data, each with its path; tasks inside are left out."""
    if isinstance(value, str):
        if has_template(value):
            yield path, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from texts_in(item, (*path, key))
    elif isinstance(value, list):
        for i, item in enumerate(value):
            if not isinstance(item, TaskSpec):
                yield from texts_in(item, (*path, i))


@cache
def _late_names(kind: type[Node]) -> frozenset[str]:
    return frozenset(field.alias or name for name, field in kind.model_fields.items() if LATE in field.metadata)
