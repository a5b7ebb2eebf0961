"""The S3 triggers of flows as duties: rendered, connected, refused where they cannot be followed."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from wdprefect.errors import InvalidTrigger, TaskFailed
from wdprefect.execution.triggers import render_trigger
from wdprefect.intake.duty import Duty
from wdprefect.intake.means import Means
from wdprefect.intake.watch import Watch
from wdprefect.loader.shape import has_template
from wdprefect.model.flow import Flow
from wdprefect.model.keys import is_shown
from wdprefect.model.ports import Storage
from wdprefect.model.trigger import TriggerSpec
from wdprefect.plugins.aws._connection import client_of
from wdprefect.plugins.aws.s3 import Trigger
from wdprefect.storage.s3 import S3Storage
from wdprefect.storage.uris import from_path, slug

if TYPE_CHECKING:
    from botocore.client import BaseClient


def s3_triggers(flow: Flow) -> list[TriggerSpec]:
    """The triggers of a flow that a listener follows, without those that are disabled."""
    return [spec for spec in flow.triggers if issubclass(spec.kind, Trigger) and not _is_disabled(spec)]


def duties_of(flow: Flow, means: Means, *, runs: int) -> list[Duty]:
    """What is to be done for the S3 triggers of a flow.

    runs: how many runs of a trigger may go on at a time where its flow allows that. Raises InvalidTrigger, with the
    place, for what cannot be followed, or Unavailable; nothing is asked of S3 yet.
    """
    return [_duty(flow, spec, means, runs) for spec in s3_triggers(flow)]


def _rendered(flow: Flow, spec: TriggerSpec, means: Means) -> Trigger:
    trigger = render_trigger(flow, spec, means.storage, means.masker, find_secret=means.find_secret)
    # Only such kinds are chosen.
    assert isinstance(trigger, Trigger)
    return trigger


def _duty(flow: Flow, spec: TriggerSpec, means: Means, runs: int) -> Duty:
    trigger = _rendered(flow, spec, means)
    try:
        client = client_of(trigger, block=means.block)
        queue = client_of(trigger, "sqs", _address(trigger.queue_url), means.block) if trigger.queue_url else None
    except TaskFailed as error:
        raise InvalidTrigger(flow.at(spec.path), spec.id, means.masker.hide(str(error))) from error
    _refuse_required_inputs(flow, spec)
    _refuse_own_files(flow, spec, trigger, client, means.storage)
    return Duty(
        flow=flow,
        trigger_id=trigger.id,
        state_key=trigger.state_key or f"{flow.namespace}_{flow.id}_{trigger.id}",
        watch=_watch(trigger),
        wanted=trigger.on,
        client=client,
        storage=means.storage,
        action=trigger.action,
        archive=trigger.move_to if trigger.action == "MOVE" else None,
        failures=trigger.on_failure.move_to if trigger.on_failure else None,
        size=trigger.most,
        limit=_limit(flow, trigger, runs),
        interval=trigger.interval,
        start_by=trigger.start_by,
        queue_url=trigger.queue_url,
        queue_client=queue,
        state_ttl=trigger.state_ttl,
        is_flat=trigger.compat == "kestra",
        acts_first=trigger.compat == "kestra",
        labels={**flow.labels, **{name: str(value) for name, value in trigger.labels.items()}},
        renew=partial(_duty, flow, spec, means, runs) if has_template(spec.data) else None,
    )


def _address(queue_url: str) -> str:
    """Where the queue is: not where the bucket is, unless one server has both."""
    parts = urlsplit(queue_url)
    return f"{parts.scheme}://{parts.netloc}"


def _watch(trigger: Trigger) -> Watch:
    return Watch(
        bucket=trigger.bucket,
        prefix=trigger.prefix or "",
        delimiter=trigger.delimiter,
        marker=trigger.marker,
        regexp=trigger.regexp,
        key_filter=trigger.filter,
        owner=trigger.expected_bucket_owner,
        payer=trigger.request_payer,
    )


def _limit(flow: Flow, trigger: Trigger, runs: int) -> int:
    """How many runs may go on at a time: one after the other, as in Kestra, unless the trigger says otherwise."""
    if not trigger.allow_concurrent:
        return 1
    return min(runs, flow.concurrency.limit) if flow.concurrency else runs


def _refuse_required_inputs(flow: Flow, spec: TriggerSpec) -> None:
    for item in flow.inputs:
        if item.required and item.defaults is None:
            reason = f"its runs get no inputs, and '{item.id}' is required: give it a default, or 'required: false'"
            raise InvalidTrigger(flow.at(spec.path), spec.id, reason)


def _refuse_own_files(flow: Flow, spec: TriggerSpec, trigger: Trigger, client: BaseClient, storage: Storage) -> None:
    """What its runs store would start it again, and again."""
    if not isinstance(storage, S3Storage):
        return
    folder = "/".join([*flow.namespace.split("."), slug(flow.id)])
    own, bucket, key = storage.location(from_path(f"{folder}/file"))
    place = key.removesuffix("file")
    is_same = (bucket, own.meta.endpoint_url) == (trigger.bucket, client.meta.endpoint_url)
    if is_same and (is_shown(key, trigger.prefix, trigger.delimiter) or (trigger.prefix or "").startswith(place)):
        reason = f"its runs keep their files in 's3://{bucket}/{place}', which it watches: they would start it again"
        raise InvalidTrigger(flow.at(spec.path), spec.id, f"{reason}; name another bucket or prefix with --storage")


def _is_disabled(spec: TriggerSpec) -> bool:
    return spec.data.get("disabled") in (True, "true")
