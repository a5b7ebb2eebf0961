"""Ids are unique: outputs are found by them."""

from __future__ import annotations

from collections.abc import Iterable

from wdprefect.loader.shape import Findings
from wdprefect.model.flow import Flow
from wdprefect.model.task import Path, iter_tasks


def check_ids(flow: Flow, findings: Findings) -> None:
    """Tasks over the whole tree, inputs, outputs and triggers."""
    lists = [flow.tasks, flow.errors, flow.finally_, flow.after_execution]
    _check("task", ((spec.id, spec.path) for spec in iter_tasks(lists)), findings)
    _check("input", ((item.id, ("inputs", i)) for i, item in enumerate(flow.inputs)), findings)
    _check("output", ((item.id, ("outputs", i)) for i, item in enumerate(flow.outputs)), findings)
    _check("trigger", ((spec.id, spec.path) for spec in flow.triggers), findings)
    _check_nesting([item.id for item in flow.inputs], findings)


def _check(word: str, found: Iterable[tuple[str, Path]], findings: Findings) -> None:
    first: dict[str, Path] = {}
    for name, path in found:
        if name in first:
            line = findings.at((*first[name], "id")).line
            findings.add((*path, "id"), "WD301", f"the {word} id '{name}' is taken", f"the first one is in line {line}")
        first.setdefault(name, path)


def _check_nesting(names: list[str], findings: Findings) -> None:
    """`a.b` is a value inside `a`, so that `a` cannot be a value of its own."""
    for i, name in enumerate(names):
        for other in names:
            if other.startswith(name + "."):
                message = f"the input '{name}' is in the way of '{other}', which lies inside it"
                findings.add(("inputs", i, "id"), "WD302", message, "rename one of them")
