"""What `{{ trigger }}` shows in a flow run, whoever has started it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from typing import Any

from prefect.client.schemas.objects import FlowRun

from wdprefect.execution.services import FindSecret
from wdprefect.masking import Masker
from wdprefect.model.flow import Flow
from wdprefect.model.ports import Storage

# What the events of stores have at their top.
_EVENTS = frozenset({"Records", "detail", "EventName"})
_S3 = "wdprefect.plugins.aws.s3"


def claimed_trigger(
    trigger: Mapping[str, Any], flow: Flow, flow_run: FlowRun, storage: Storage, masker: Masker, find_secret: FindSecret
) -> Mapping[str, Any]:
    """What a trigger knows, whose objects this run has now.

    Raises Taken where another run has them, and what the book or the storage raises.
    """
    claim = trigger.get("claim")
    shown = {name: value for name, value in trigger.items() if name != "claim"}
    # A listener's key makes its run the only one. What is no claim and no event was given by hand.
    is_listeners = claim and flow_run.idempotency_key == f"{claim.get('batch')}/{claim.get('attempt')}"
    if is_listeners or (claim is None and not _is_event(trigger, flow)):
        return shown
    # Runs that have nothing to claim do not pay for the database.
    from wdprefect.intake.book import open_book
    from wdprefect.intake.claiming import claim_batch, claim_event

    with closing(open_book()) as book:
        if claim is None:
            return claim_event(book, flow, storage, trigger, str(flow_run.id), masker, find_secret)
        claim_batch(book, claim, str(flow_run.id))
    return shown


def _is_event(trigger: Mapping[str, Any], flow: Flow) -> bool:
    """Whether it is a store's event for a trigger of the flow, forwarded by somebody."""
    return bool(_EVENTS & trigger.keys()) and any(spec.kind.__module__.startswith(_S3) for spec in flow.triggers)
