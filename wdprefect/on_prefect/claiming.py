"""What a flow run that a trigger has started starts with, whoever made it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from typing import Any

from prefect.client.schemas.objects import FlowRun

from wdprefect.execution.flow_run import Start
from wdprefect.intake.means import Means
from wdprefect.intake.objects import CLAIM
from wdprefect.model.flow import Flow

# What the events of stores have at their top.
_EVENTS = frozenset({"Records", "detail", "EventName"})
_S3 = "wdprefect.plugins.aws.s3"


def claimed(start: Start, flow: Flow, flow_run: FlowRun, means: Means) -> Start:
    """The start of a run whose objects are its own now, with what its trigger knows of them and its labels.

    Raises Taken where another run has them, and what the book or the storage raises.
    """
    trigger = start.trigger
    if trigger is None or not (CLAIM in trigger or _is_event(trigger, flow)):
        # Given by hand, or of another kind.
        return start
    run_id, claim = str(flow_run.id), _claim(trigger)
    # A listener's key makes its run the only one. Such a run does not pay for the database.
    if flow_run.idempotency_key != f"{claim.get('batch')}/{claim.get('attempt')}":
        from wdprefect.intake.book import open_book
        from wdprefect.intake.claiming import claim_batch, claim_event

        with closing(open_book()) as book:
            if claim:
                claim_batch(book, claim, run_id)
            else:
                trigger = claim_event(book, flow, means, trigger, run_id)
    labels = _claim(trigger).get("labels")
    return replace(start, trigger={name: value for name, value in trigger.items() if name != CLAIM}, labels=labels)


def _claim(trigger: Mapping[str, Any]) -> Mapping[str, Any]:
    claim = trigger.get(CLAIM)
    return claim if isinstance(claim, Mapping) else {}


def _is_event(trigger: Mapping[str, Any], flow: Flow) -> bool:
    """Whether it is a store's event for a trigger of the flow, forwarded by somebody."""
    return bool(_EVENTS & trigger.keys()) and any(spec.kind.__module__.startswith(_S3) for spec in flow.triggers)
