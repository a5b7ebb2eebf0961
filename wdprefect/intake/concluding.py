"""What becomes of an object once its run is over: it stays, is deleted, or is moved into an archive.

Each may be done twice, by two hosts at once or after a crash, and never touches another version of the object.
"""

from __future__ import annotations

from wdprefect.intake.duty import Duty
from wdprefect.intake.objects import ClaimedObject, SeenObject
from wdprefect.intake.staging import scratch
from wdprefect.intake.versions import look
from wdprefect.model.keys import moved_key
from wdprefect.model.stop import Stop
from wdprefect.plugins.aws._failures import failing
from wdprefect.plugins.aws._moves import MoveTo, Taken, copy_away, remove
from wdprefect.plugins.aws._transfer import upload


def conclude(duty: Duty, one: ClaimedObject, *, succeeded: bool) -> str | None:
    """Move or delete an object as its trigger says; what was done, in words, or None where it stays.

    Raises TaskFailed, StorageError, or Unavailable where trying again may help.
    """
    if succeeded and duty.action == "DELETE":
        _remove(duty, one.seen)
        return "deleted"
    to = duty.archive if succeeded else duty.failures
    if to is None:
        return None
    bucket = to.bucket or one.seen.bucket
    key = moved_key(to.key, one.seen.key, duty.watch.prefix, base_name_only=duty.is_flat)
    if not _copied(duty, one.seen, to, key) and not _is_archived(duty, one.seen, bucket, key):
        _upload_staged(duty, one, to, bucket, key)
    _remove(duty, one.seen)
    return f"moved to s3://{bucket}/{key}"


def _copied(duty: Duty, seen: SeenObject, to: MoveTo, key: str) -> bool:
    """Whether this version was there to be copied."""
    # Of an object that was stored again with the same content, the ETag is the same.
    return (
        _is_there(duty, seen, seen.version_id)
        and copy_away(duty.client, _taken(duty, seen), to, key, Stop()) == "there"
    )


def _remove(duty: Duty, seen: SeenObject) -> None:
    # In a versioned bucket, only where it is the current one: the others are hidden already.
    if _is_there(duty, seen, None):
        remove(duty.client, _taken(duty, seen))


def _is_there(duty: Duty, seen: SeenObject, version_id: str | None) -> bool:
    with failing(duty.client, "download", seen.bucket, seen.key):
        now = look(duty.client, seen.bucket, seen.key, version_id, terms=duty.watch.terms)
    return now is not None and now.version == seen.version


def _is_archived(duty: Duty, seen: SeenObject, bucket: str, key: str) -> bool:
    """Whether another one has moved it already."""
    with failing(duty.client, "download", bucket, key):
        there = look(duty.client, bucket, key)
    # A copy in parts has an ETag of its own: then it is stored once more.
    return there is not None and (there.size, there.etag) == (seen.size, seen.etag)


def _upload_staged(duty: Duty, one: ClaimedObject, to: MoveTo, bucket: str, key: str) -> None:
    """The version that the run had, which is not at its source any more."""
    assert one.uri is not None, "only staged objects have runs"
    with scratch("wdprefect-move-") as folder:
        path = folder / "object"
        duty.storage.get(one.uri, path)
        with failing(duty.client, "upload", bucket, key):
            upload(duty.client, {"Bucket": bucket, "Key": key, **to.options()}, path, Stop())


def _taken(duty: Duty, seen: SeenObject) -> Taken:
    return Taken(seen.bucket, seen.key, seen.etag, seen.version_id, duty.watch.terms)
