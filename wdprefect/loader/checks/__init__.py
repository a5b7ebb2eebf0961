"""Static checks: one function each, which takes a built flow and adds what it finds."""

from __future__ import annotations

from collections.abc import Callable

from wdprefect.loader.checks.directories import check_directories
from wdprefect.loader.checks.ids import check_ids
from wdprefect.loader.checks.labels import check_labels
from wdprefect.loader.checks.templates import check_templates
from wdprefect.loader.shape import Findings
from wdprefect.model.flow import Flow

Check = Callable[[Flow, Findings], None]
CHECKS: tuple[Check, ...] = (check_ids, check_directories, check_labels, check_templates)


def check(flow: Flow, findings: Findings) -> None:
    """Run every check."""
    for one in CHECKS:
        one(flow, findings)
