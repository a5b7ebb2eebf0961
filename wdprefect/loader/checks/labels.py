"""Labels that only the system sets."""

from __future__ import annotations

from wdprefect.loader.shape import Findings
from wdprefect.model.flow import Flow

_ALLOWED = frozenset({"system.readOnly"})


def check_labels(flow: Flow, findings: Findings) -> None:
    """A flow sets no `system.` labels of its own. Source: Kestra's FlowValidator."""
    for name in flow.labels:
        if name.startswith("system.") and name not in _ALLOWED:
            message = f"the label '{name}' is set by the system alone"
            findings.add_at(findings.at_key(("labels", name)), "WD303", message, "use another prefix than 'system.'")
