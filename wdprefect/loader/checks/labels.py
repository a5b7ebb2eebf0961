"""Labels that only the system sets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wdprefect.loader.draft import Draft
from wdprefect.loader.shape import Findings
from wdprefect.model.task import Path

_ALLOWED = frozenset({"system.readOnly"})


def check_labels(draft: Draft, findings: Findings) -> None:
    """A flow sets no `system.` labels of its own. Source: Kestra's FlowValidator."""
    for path, name in _names(draft.properties.get("labels")):
        if name.startswith("system.") and name not in _ALLOWED:
            message = f"the label '{name}' is set by the system alone"
            at = findings.at(path) if path[-1] == "key" else findings.at_key(path)
            findings.add_at(at, "WD303", message, "use another prefix than 'system.'")


def _names(labels: Any) -> Iterator[tuple[Path, str]]:
    """The names in a map of labels, or in a list of maps with key and value; each with its path."""
    if isinstance(labels, dict):
        yield from ((("labels", name), name) for name in labels if isinstance(name, str))
    elif isinstance(labels, list):
        for i, item in enumerate(labels):
            if isinstance(item, dict) and isinstance(item.get("key"), str):
                yield ("labels", i, "key"), item["key"]
