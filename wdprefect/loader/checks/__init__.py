"""Static checks: one function each, which takes a draft and adds what it finds."""

from __future__ import annotations

from collections.abc import Callable

from wdprefect.loader.checks.arrivals import check_arrivals
from wdprefect.loader.checks.directories import check_directories
from wdprefect.loader.checks.ids import check_ids
from wdprefect.loader.checks.labels import check_labels
from wdprefect.loader.checks.templates import check_templates
from wdprefect.loader.draft import Draft
from wdprefect.loader.shape import Findings

Check = Callable[[Draft, Findings], None]
CHECKS: tuple[Check, ...] = (check_ids, check_directories, check_labels, check_templates, check_arrivals)


def check(draft: Draft, findings: Findings) -> None:
    """Run every check, on what fits."""
    for one in CHECKS:
        one(draft, findings)
