"""Ids are unique: outputs are found by them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from wdprefect.loader.draft import Draft
from wdprefect.loader.shape import Findings
from wdprefect.model.task import Path
from wdprefect.model.trigger import TriggerSpec

Named = tuple[str, Path]


def check_ids(draft: Draft, findings: Findings) -> None:
    """Tasks over the whole tree, inputs, outputs and triggers."""
    _check("task", ((spec.id, spec.path) for spec in draft.tasks()), findings)
    for word in ("input", "output", "trigger"):
        _check(word, _named(draft, f"{word}s"), findings)
    _check_nesting(_named(draft, "inputs"), findings)


def _named(draft: Draft, name: str) -> list[Named]:
    """The ids in a list of the flow."""
    found = ((item.data if isinstance(item, TriggerSpec) else item, path) for path, item in draft.items(name))
    ids = ((item.get("id"), path) for item, path in found if isinstance(item, Mapping))
    return [(each, path) for each, path in ids if isinstance(each, str)]


def _check(word: str, found: Iterable[Named], findings: Findings) -> None:
    first: dict[str, Path] = {}
    for name, path in found:
        if name in first:
            line = findings.at((*first[name], "id")).line
            findings.add((*path, "id"), "WD301", f"the {word} id '{name}' is taken", f"the first one is in line {line}")
        elif name:  # an empty one is a problem of its own
            first[name] = path


def _check_nesting(found: list[Named], findings: Findings) -> None:
    """`a.b` is a value inside `a`, so that `a` cannot be a value of its own."""
    for name, path in found:
        for other, _ in found:
            if name and other.startswith(name + "."):
                message = f"the input '{name}' is in the way of '{other}', which lies inside it"
                findings.add((*path, "id"), "WD302", message, "rename one of them")
