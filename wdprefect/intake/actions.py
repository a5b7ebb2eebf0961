"""What becomes of an object when its run has ended: it stays, is deleted, or is moved into an archive.

Each may be done twice, by two hosts at once or after a crash, and never touches another version of the object.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wdprefect.intake.objects import SeenObject
from wdprefect.intake.versions import look
from wdprefect.storage.aws_failures import code_of, status_of

if TYPE_CHECKING:
    from botocore.client import BaseClient

# What servers answer that have no conditional deletes, or no conditional copies.
_UNKNOWN = frozenset({"NotImplemented", "InvalidArgument", "InvalidRequest", "MalformedXML"})
_GONE = frozenset({404, 412})


@dataclass(frozen=True, slots=True)
class Archive:
    """Where objects are moved: a bucket and the key under which `folder` ends, with what is set on the copies."""

    bucket: str
    key: str
    settings: tuple[tuple[str, str], ...] = ()

    def key_of(self, key: str, prefix: str, *, is_flat: bool) -> str:
        """The key in the archive of an object that was found below a prefix.

        The path below the prefix's last folder is kept: `raw/` and `raw/a/x.csv` give `<key>/a/x.csv`.
        is_flat: only the last part of the path is, as Kestra does, where objects of two folders overwrite each other.
        """
        folder = prefix[: prefix.rfind("/") + 1]
        path = key[key.rstrip("/").rfind("/") + 1 :] if is_flat else key.removeprefix(folder)
        return f"{self.key.rstrip('/')}/{path}"


def move(
    client: BaseClient, seen: SeenObject, archive: Archive, key: str, upload_staged: Callable[[str, str], None]
) -> None:
    """Copy this version of the object to the archive, then delete it at its source.

    upload_staged: stores the copy that the run had under a bucket and a key, for a version that was overwritten.
    """
    if not _copy(client, seen, archive, key) and not _is_archived(client, seen, archive, key):
        upload_staged(archive.bucket, key)
    remove(client, seen)


def remove(client: BaseClient, seen: SeenObject) -> None:
    """Delete the object unless it is another version by now. In a versioned bucket it is hidden, not lost."""
    from botocore.exceptions import ClientError  # the client has loaded it already

    now = look(client, seen.bucket, seen.key)
    if now is None or now.version != seen.version:
        return
    place = {"Bucket": seen.bucket, "Key": seen.key}
    # Nothing is lost where versions are kept. Elsewhere another version may arrive at this very moment.
    condition = {} if seen.version_id else {"IfMatch": f'"{seen.etag}"'}
    try:
        client.delete_object(**place, **condition)
    except ClientError as error:
        if status_of(error) in _GONE:
            return
        if not condition or code_of(error) not in _UNKNOWN:
            raise
        client.delete_object(**place)


def _copy(client: BaseClient, seen: SeenObject, archive: Archive, key: str) -> bool:
    """Copy within S3; False where this version is not there any more."""
    from botocore.exceptions import ClientError  # as above

    source = {"Bucket": seen.bucket, "Key": seen.key}
    if seen.version_id:
        source["VersionId"] = seen.version_id
    elif (now := look(client, seen.bucket, seen.key)) is None or now.version != seen.version:
        # Some servers do not look at the condition below.
        return False
    extra: dict[str, Any] = dict(archive.settings)
    if not seen.version_id:
        extra["CopySourceIfMatch"] = f'"{seen.etag}"'
    try:
        client.copy(source, archive.bucket, key, ExtraArgs=extra)
    except ClientError as error:
        if status_of(error) in _GONE and not _is_bucket_missing(error):
            return False
        raise
    return True


def _is_bucket_missing(error: Any) -> bool:
    return code_of(error) == "NoSuchBucket"


def _is_archived(client: BaseClient, seen: SeenObject, archive: Archive, key: str) -> bool:
    """Whether another one has moved it already."""
    there = look(client, archive.bucket, key)
    # A copy in parts has an ETag of its own.
    if there is None or there.size != seen.size:
        return False
    return there.etag == seen.etag or "-" in f"{there.etag}{seen.etag}"
