"""Outputs of tasks: of which task, whether it has run by then, and what its type delivers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from wdprefect.expressions.references import Reference, Uses
from wdprefect.loader.checks.known import Known
from wdprefect.loader.checks.names import nearest, path_of
from wdprefect.loader.checks.texts import Template
from wdprefect.loader.shape import Findings, has_template
from wdprefect.loader.wording import did_you_mean
from wdprefect.model.task import Task, TaskSpec

# Code, step of the reference, message, hint, whether it is certain.
Wrong = tuple[str, int, str, "str | None", bool]


def check_outputs(template: Template, used: Uses, known: Known, findings: Findings) -> None:
    """Outputs and states that can never be there when they are read."""
    for reference in used.references:
        if reference.kind in ("output", "task") and len(reference.path) > 1 and not reference.is_optional:
            for code, step, message, hint, is_certain in _wrong(reference, template, known):
                at = template.at(findings, reference.offsets[step])
                add = findings.doubt_at if is_certain and not reference.is_conditional else findings.warn_at
                add(at, code, message, hint)


def _wrong(reference: Reference, template: Template, known: Known) -> Iterator[Wrong]:
    root, name = reference.path[:2]
    if name not in known.tasks:
        yield "WD323", 1, f"no task has the id '{name}'", nearest(root, name, known.tasks), True
        return
    spec = known.tasks[name]
    if spec is None or root == "tasks":
        return
    reason = known.order.never_before(spec, template.task, is_late=template.is_late)
    if reason:
        yield "WD324", 1, f"'{name}' {reason}, so it has no outputs yet", None, True
    if spec.kind is not Task:
        loops = known.order.loops(spec)
        if loops is not None:
            yield from _undeclared(reference, spec, loops, template, known)


def _undeclared(
    reference: Reference, spec: TaskSpec, loops: list[TaskSpec], template: Template, known: Known
) -> Iterator[Wrong]:
    declared, rest = names_of_outputs(spec), reference.steps[2:]
    for number, (loop, step) in enumerate(zip(loops, rest, strict=False)):
        values = literal_values(loop)
        is_certain = values is not None and step not in values
        if step is not None and is_certain and step not in declared:
            yield "WD325", number + 2, f"'{loop.id}' has no value '{step}'", f"it has: {', '.join(values or ())}", True
            return
        if step is not None and step in declared and (is_certain or values is None):
            example = _below_value(spec, loops[number:], rest[number:], template, known)
            message = f"'{spec.id}' runs for each value of '{loop.id}', so its outputs lie below the value"
            yield "WD325", number + 2, message, f"such as {reference.path[0]}.{example}", is_certain
            return
    key = rest[len(loops)] if len(rest) > len(loops) else None
    if key is not None and key not in declared:
        what = f"'{spec.id}' ({spec.kind.__name__})"
        few = f"it has: {', '.join(declared)}" if declared else None
        message = f"{what} has no output '{key}'" if declared else f"{what} has no outputs"
        yield "WD325", 2 + len(loops), message, did_you_mean(key, declared) or few, True


def _below_value(
    spec: TaskSpec, loops: list[TaskSpec], rest: tuple[str | None, ...], template: Template, known: Known
) -> str:
    inside = template.task is not None and loops[-1] in known.order.around(template.task)
    values = literal_values(loops[-1]) or ["…"]
    value = "[taskrun.value]" if inside else f"[{values[0]!r}]"
    return path_of("", spec.id).removeprefix(".") + value + "".join(path_of("", step or "…") for step in rest)


def names_of_outputs(spec: TaskSpec) -> list[str]:
    """What a task of the type may deliver, by the names in YAML."""
    return [field.alias or name for name, field in spec.kind.Outputs.model_fields.items()]


def literal_values(loop: TaskSpec) -> list[str] | None:
    """The values of a loop as texts; None where they are only known when it runs."""
    values: Any = loop.data.get("values", loop.data.get("value"))
    if isinstance(values, str) and not has_template(values):
        try:
            values = json.loads(values)
        except ValueError:
            return None
    if has_template(values) or not isinstance(values, list):
        return None
    plain = all(isinstance(value, str | int) and not isinstance(value, bool) for value in values)
    return [str(value) for value in values] if plain else None
