"""Expressions that do not parse."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from wdprefect.errors import ExpressionError
from wdprefect.expressions import check_syntax
from wdprefect.loader.shape import Findings, has_template
from wdprefect.model.flow import Flow
from wdprefect.model.task import Path, TaskSpec, iter_tasks

# Never rendered: braces in them are text.
_PROSE = frozenset({"id", "type", "description"})


def check_templates(flow: Flow, findings: Findings) -> None:
    """Every template of the tasks and of the flow's outputs; the place is that of the error inside the template."""
    for spec in iter_tasks([flow.tasks, flow.errors, flow.finally_, flow.after_execution]):
        for name, value in spec.data.items():
            if name not in _PROSE:
                _check(value, (*spec.path, name), findings)
    for i, output in enumerate(flow.outputs):
        _check(output.value, ("outputs", i, "value"), findings)


def _check(value: Any, path: Path, findings: Findings) -> None:
    for where, template in _templates(value, path):
        try:
            check_syntax(template)
        except ExpressionError as error:
            findings.add_at(findings.at_text(where, error.line, error.column), "WD320", str(error))


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
