"""What a version of an object is, and looking at one object or asking whether a bucket keeps versions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Literal

from wdprefect.intake.objects import SeenObject
from wdprefect.plugins.aws._objects import unquoted
from wdprefect.storage.aws_failures import status_of

if TYPE_CHECKING:
    from botocore.client import BaseClient

# versioned: also a bucket whose versioning is suspended, for it keeps what it has. unknown: we may not ask.
Versioning = Literal["versioned", "unversioned", "unknown"]

# What is stored while versioning is off or suspended has this id; storing again replaces it, so it names nothing.
_NULL_ID = "null"
_MAY_NOT = frozenset({401, 403})
_NO_SUCH_METHOD = frozenset({405, 501})
# 405 is what one gets for a version that only says that the object was deleted.
_IS_GONE = frozenset({404, 405})
_BAD_REQUEST = 400


def version_of(etag: str, modified: datetime, version_id: str | None = None) -> str:
    """The text that one version of an object has for ever, from a HEAD and from a listing alike.

    The version id where there is one, else `<etag>@<seconds since 1970>`: servers differ in what they tell below a
    second, even between their own HEAD and listing.
    """
    named = named_version(version_id)
    return named or f"{unquoted(etag)}@{int(modified.timestamp())}"


def named_version(version_id: str | None) -> str | None:
    """The version id if it names a version."""
    return version_id if version_id and version_id != _NULL_ID else None


def seen(bucket: str, item: Mapping[str, Any], *, version_id: str | None, is_current: bool = True) -> SeenObject:
    """An object as an entry of a listing shows it."""
    known = {"owner": _owner(item), "checksumAlgorithm": _checksum(item)}
    return SeenObject(
        bucket=bucket,
        key=item["Key"],
        version=version_of(item["ETag"], item["LastModified"], version_id),
        etag=unquoted(item["ETag"]),
        size=item["Size"],
        modified=_whole_seconds(item["LastModified"]),
        version_id=named_version(version_id),
        details={name: value for name, value in known.items() if value},
        is_current=is_current,
    )


def look(
    client: BaseClient, bucket: str, key: str, version_id: str | None = None, *, terms: Mapping[str, str] | None = None
) -> SeenObject | None:
    """What a HEAD says of the object, or of one version of it; None where it is not there, or deleted.

    A bucket that is not there looks the same: the answer to a HEAD does not tell.
    terms: what every request to the bucket carries, such as `ExpectedBucketOwner`.
    Raises botocore's errors for everything else.
    """
    from botocore.exceptions import ClientError  # the client has loaded it already

    version = {"VersionId": version_id} if version_id else {}
    try:
        head = client.head_object(Bucket=bucket, Key=key, **version, **(terms or {}))
    except ClientError as error:
        if status_of(error) in _IS_GONE:
            return None
        if version_id and status_of(error) == _BAD_REQUEST:
            # Either this cannot be a version id, or something is wrong with us, such as a token that has expired:
            # then the same request without it fails, too.
            look(client, bucket, key, terms=terms)
            return None
        raise
    if head.get("DeleteMarker"):
        return None
    return seen(bucket, {**head, "Key": key, "Size": head["ContentLength"]}, version_id=head.get("VersionId"))


def shows_version(client: BaseClient, bucket: str, key: str, *, terms: Mapping[str, str] | None = None) -> bool | None:
    """Whether a HEAD of an object names its version, which it does in versioned buckets alone; None if it is gone."""
    from botocore.exceptions import ClientError  # as above

    try:
        return "VersionId" in client.head_object(Bucket=bucket, Key=key, **(terms or {}))
    except ClientError as error:
        if status_of(error) in _IS_GONE:
            return None
        raise


def versioning_of(client: BaseClient, bucket: str, *, owner: str | None = None) -> Versioning:
    """Whether the bucket keeps versions. Once it does, it does for ever; before that it may begin to at any time."""
    from botocore.exceptions import ClientError  # as above

    expected = {"ExpectedBucketOwner": owner} if owner else {}
    try:
        answer = client.get_bucket_versioning(Bucket=bucket, **expected)
    except ClientError as error:
        if status_of(error) in _MAY_NOT:
            return "unknown"
        if status_of(error) in _NO_SUCH_METHOD:
            return "unversioned"
        raise
    return "versioned" if answer.get("Status") in {"Enabled", "Suspended"} else "unversioned"


def _whole_seconds(moment: datetime) -> datetime:
    return moment.astimezone(timezone.utc).replace(microsecond=0)


def _owner(item: Mapping[str, Any]) -> dict[str, str]:
    owner = item.get("Owner") or {}
    named = {"id": owner.get("ID"), "displayName": owner.get("DisplayName")}
    return {name: value for name, value in named.items() if value}


def _checksum(item: Mapping[str, Any]) -> str | None:
    """The algorithm, where there is one; some servers list none as an empty list."""
    return next(iter(item.get("ChecksumAlgorithm") or ()), None)
