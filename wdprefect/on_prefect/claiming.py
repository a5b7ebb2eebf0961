"""A run that was not started by a listener claims its objects first: one too many does nothing.

Automations lose events and double them. Whoever was first in the book has the objects; another one ends as Skipped.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from typing import Any

from prefect.client.schemas.objects import FlowRun

from wdprefect.errors import WdprefectError
from wdprefect.intake.book import open_book
from wdprefect.intake.starting import CLAIM


class Taken(WdprefectError):
    """Another run has the objects, or had them."""

    def __init__(self) -> None:
        super().__init__("another run has taken these objects; `wdprefect trigger replay` runs with one again")


def claimed(trigger: Mapping[str, Any], flow_run: FlowRun) -> Mapping[str, Any]:
    """What `{{ trigger }}` shows in this run, which has its objects now.

    Raises Taken where another run has them, and what the book raises where it cannot be asked.
    """
    shown = {name: value for name, value in trigger.items() if name != CLAIM}
    claim = trigger.get(CLAIM)
    if claim is None or flow_run.idempotency_key == f"{claim['batch']}/{claim['attempt']}":
        # The key of a listener's run makes it the only one.
        return shown
    with closing(open_book()) as book:
        if not book.begin(str(claim["batch"]), int(claim["attempt"]), str(flow_run.id)):
            raise Taken
    return shown
