"""A run that no listener has started claims its objects itself: one too many gets nothing.

Automations of Prefect lose events and double them. Whoever comes first to the book has the objects.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from wdprefect.errors import InvalidInput
from wdprefect.intake.book import Book
from wdprefect.intake.duties import duties_of
from wdprefect.intake.duty import Duty
from wdprefect.intake.events import ObjectEvent, read_events
from wdprefect.intake.means import Means
from wdprefect.intake.objects import Batch, SeenObject, Taken
from wdprefect.intake.staging import stage, staged_uri
from wdprefect.intake.starting import with_uris
from wdprefect.intake.versions import look
from wdprefect.model.flow import Flow
from wdprefect.plugins.aws._failures import failing


def claim_batch(book: Book, claim: Mapping[str, Any], run_id: str) -> None:
    """Make the run with this id the one that has an announced batch. Raises Taken."""
    if not book.begin(str(claim.get("batch")), int(claim.get("attempt", 0)), run_id):
        raise Taken


def claim_event(book: Book, flow: Flow, means: Means, body: Mapping[str, Any], run_id: str) -> dict[str, Any]:
    """What a trigger knows of the objects that somebody's event speaks of, which this run has now, staged.

    body: the event of a store in any of its shapes, such as `Records` of S3 or `detail` of EventBridge. Raises Taken
    where other runs have the objects, or all are gone; InvalidInput for what no trigger of the flow wants.
    """
    duties = duties_of(flow, means, runs=1)
    events = read_events(json.dumps(body)).events
    wanted = [(duty, found) for duty in duties if (found := [event for event in events if _wants(duty, event)])]
    if not wanted:
        raise InvalidInput("wdprefect_trigger", "it speaks of no object that a trigger of this flow watches")
    for duty, of_duty in wanted:
        objects = [seen for event in of_duty if (seen := _look(duty, event))]
        batch = _begun(book, duty, objects, run_id) if objects else None
        if batch:
            return _staged(duty, batch)
    raise Taken


def _wants(duty: Duty, event: ObjectEvent) -> bool:
    return duty.watch.bucket == event.bucket and any(map(duty.watch.wants, event.keys))


def _look(duty: Duty, event: ObjectEvent) -> SeenObject | None:
    for key in filter(duty.watch.wants, event.keys):
        with failing(duty.client, "download", event.bucket, key):
            if seen := look(duty.client, event.bucket, key, event.version_id, terms=duty.watch.terms):
                return seen
    return None


def _begun(book: Book, duty: Duty, objects: Sequence[SeenObject], run_id: str) -> Batch | None:
    book.enroll(duty.state_key, duty.flow.name, duty.trigger_id)
    prefix = duty.watch.prefix
    return book.begin_objects(duty.state_key, duty.wanted, objects, run_id, size=duty.size, prefix=prefix)


def _staged(duty: Duty, batch: Batch) -> dict[str, Any]:
    uris = {}
    for one in batch.objects:
        uri = staged_uri(duty.flow.namespace, duty.flow.id, duty.trigger_id, batch.id, one.seen)
        with failing(duty.client, "download", one.seen.bucket, one.seen.key):
            stage(duty.client, duty.storage, one.seen, uri, duty.watch.terms)
        uris[one.id] = uri
    return with_uris(duty, batch, uris)
