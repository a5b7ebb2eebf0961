"""Expressions that do not parse."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from wdprefect.errors import ExpressionError
from wdprefect.expressions import check_syntax
from wdprefect.loader.draft import Draft
from wdprefect.loader.shape import Findings, has_template
from wdprefect.model.task import Path, Task, TaskSpec

# Never rendered: braces in them are text.
_PROSE = frozenset({"id", "type", "description"})


def check_templates(draft: Draft, findings: Findings) -> None:
    """Every template of the tasks and of the flow's outputs; the place is that of the error inside the template."""
    for spec in draft.tasks():
        # What a type that is not known would render is not known either.
        if spec.kind is not Task:
            for where, template in _templates_of(spec):
                _check(template, draft.origin(spec, where), findings)
    for path, output in draft.items("outputs"):
        if isinstance(output, Mapping):
            for where, template in _templates(output.get("value"), (*path, "value")):
                _check(template, where, findings)


def _templates_of(spec: TaskSpec) -> Iterator[tuple[Path, str]]:
    for name, value in spec.data.items():
        if name not in _PROSE:
            yield from _templates(value, (name,))


def _check(template: str, path: Path, findings: Findings) -> None:
    try:
        check_syntax(template)
    except ExpressionError as error:
        findings.add_at(findings.at_text(path, error.line, error.column), "WD320", str(error))


def _templates(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        if has_template(value):
            yield path, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _templates(item, (*path, key))
    elif isinstance(value, list):
        for i, item in enumerate(value):
            if not isinstance(item, TaskSpec):
                yield from _templates(item, (*path, i))
