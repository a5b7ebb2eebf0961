"""What a run gets of the objects of its batch."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from wdprefect.intake.duty import Duty
from wdprefect.intake.objects import CLAIM, Batch, ClaimedObject
from wdprefect.intake.runs import ObjectSeen, RunOrder
from wdprefect.plugins.aws._objects import object_record

# Makes the ids of events: for a trigger an object version has the same one whoever tells of it, however often.
_EVENTS = uuid.UUID("5b0c1f0a-5c0f-5e9a-9d0e-0f5a1c3b7d21")


def order_of(duty: Duty, batch: Batch) -> RunOrder:
    """The run of a batch whose objects are staged."""
    return RunOrder(batch.key, duty.flow.name, trigger_of(duty, batch), duty.labels)


def announcement(duty: Duty, batch: Batch) -> list[ObjectSeen]:
    """An event for each object of a batch, from which an automation can start the run of the whole batch.

    `wdprefect_trigger` of its payload is the parameter of that run, as text, where automations start runs; `object` and
    `bucket` are for people.
    """
    trigger = json.dumps(trigger_of(duty, batch), ensure_ascii=False)
    return [
        ObjectSeen(
            str(uuid.uuid5(_EVENTS, f"{duty.state_key}\n{one.seen.bucket}\n{one.seen.key}\n{one.seen.version}")),
            one.seen.bucket,
            one.seen.key,
            {
                "bucket": {"name": one.seen.bucket},
                "object": {
                    "key": one.seen.key,
                    "size": one.seen.size,
                    "etag": one.seen.etag,
                    "versionId": one.seen.version_id,
                    "lastModified": one.seen.modified.isoformat(),
                    "uri": one.uri,
                },
                "change": one.change,
                "flow": duty.flow.name,
                "trigger": duty.trigger_id,
                **({"wdprefect_trigger": trigger} if duty.start_by == "automation" else {}),
            },
        )
        for one in batch.objects
    ]


def trigger_of(duty: Duty, batch: Batch) -> dict[str, Any]:
    """What `{{ trigger }}` shows of a batch, and its claim, which holds what else the run is to know."""
    return {
        "objects": [_record(one) for one in batch.objects],
        CLAIM: {"batch": batch.id, "attempt": batch.attempt, "labels": dict(duty.labels)},
    }


def with_uris(duty: Duty, batch: Batch, uris: Mapping[int, str]) -> dict[str, Any]:
    """As `trigger_of`, of a batch whose objects have just been staged, by their ids."""
    return trigger_of(duty, replace(batch, objects=tuple(replace(one, uri=uris[one.id]) for one in batch.objects)))


def _record(one: ClaimedObject) -> dict[str, Any]:
    seen = one.seen
    return object_record(
        key=seen.key,
        etag=seen.etag,
        size=seen.size,
        modified=seen.modified,
        uri=one.uri,
        details=seen.details,
        change=one.change,
    )
