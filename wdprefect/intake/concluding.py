"""What becomes of an object once its run is over."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path

from wdprefect.intake.actions import Archive, move, remove
from wdprefect.intake.duty import Duty
from wdprefect.intake.objects import ClaimedObject
from wdprefect.storage.aws_failures import Place, translating_aws_errors


def conclude(duty: Duty, one: ClaimedObject, *, succeeded: bool) -> str | None:
    """Move or delete an object as its trigger says; where it went, None where it stays. May be repeated.

    Raises StorageError, or Unavailable where trying again may help.
    """
    archive = duty.archive if succeeded else duty.failures
    if succeeded and duty.action == "DELETE":
        with translating_aws_errors("delete", _place(duty, one, one.seen.bucket, one.seen.key)):
            remove(duty.client, one.seen)
        return "deleted"
    if archive is None or (succeeded and duty.action != "MOVE"):
        return None
    key = archive.key_of(one.seen.key, duty.watch.prefix, is_flat=duty.is_flat)
    with translating_aws_errors("move", _place(duty, one, archive.bucket, key)):
        move(duty.client, one.seen, archive, key, partial(_upload_staged, duty, one, archive))
    return f"moved to s3://{archive.bucket}/{key}"


def _upload_staged(duty: Duty, one: ClaimedObject, archive: Archive, bucket: str, key: str) -> None:
    """The version that the run had, which is not at its source any more."""
    assert one.uri is not None, "only staged objects have runs"
    with tempfile.TemporaryDirectory(prefix="wdprefect-move-") as folder:
        path = Path(folder) / "object"
        duty.storage.get(one.uri, path)
        duty.client.upload_file(str(path), bucket, key, ExtraArgs=dict(archive.settings))


def _place(duty: Duty, one: ClaimedObject, bucket: str, key: str) -> Place:
    uri = f"s3://{one.seen.bucket}/{one.seen.key}"
    return Place(uri, bucket, key, str(duty.client.meta.endpoint_url))
