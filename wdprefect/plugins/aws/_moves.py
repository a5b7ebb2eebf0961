"""What becomes of objects that were taken in: `action` and `moveTo`, and doing what they say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from pydantic import model_validator

from wdprefect.errors import TaskFailed
from wdprefect.model.node import Node, Text, problem
from wdprefect.model.stop import Stop
from wdprefect.plugins.aws._failures import failing
from wdprefect.plugins.aws._objects import is_folder, unquoted
from wdprefect.plugins.aws._transfer import copy
from wdprefect.storage.aws_failures import code_of, status_of

if TYPE_CHECKING:
    from botocore.client import BaseClient

Action = Literal["MOVE", "DELETE", "NONE"]
# What an object is by now: what was taken in, not there any more, or something else.
State = Literal["there", "gone", "changed"]
_NOT_FOUND = frozenset({404, 405})
_NOT_WHAT_IT_WAS = 412
# What servers answer that have no conditional deletes.
_NO_CONDITIONS = frozenset({"NotImplemented", "InvalidArgument", "InvalidRequest"})


class Destination(Node):
    """A bucket to copy to, and how it encrypts what it keeps."""

    bucket: Text | None = None
    server_side_encryption: Literal["NONE", "AES256", "AWS_KMS"] | None = None
    kms_key_id: Text | None = None

    @model_validator(mode="after")
    def _key_has_its_use(self) -> Destination:
        if self.kms_key_id is not None and self.server_side_encryption != "AWS_KMS":
            raise ValueError("'kmsKeyId' needs 'serverSideEncryption: AWS_KMS'")
        return self

    def options(self) -> dict[str, str]:
        """What requests say of the encryption."""
        if self.server_side_encryption in (None, "NONE"):
            return {}
        key = {"SSEKMSKeyId": self.kms_key_id} if self.kms_key_id is not None else {}
        return {"ServerSideEncryption": "aws:kms" if self.server_side_encryption == "AWS_KMS" else "AES256", **key}


class MoveTo(Destination):
    """A folder that objects are moved to; in their own bucket, unless another one is named."""

    key: Text


class Acting(Node):
    """What becomes of objects that were taken in: a mix-in."""

    action: Action = "NONE"
    move_to: MoveTo | None = None

    @model_validator(mode="after")
    def _target_is_named(self) -> Acting:
        if self.action == "MOVE" and self.move_to is None:
            hint = "add 'moveTo' with a 'key', the folder of the archive"
            raise problem("WD330", "'action: MOVE' needs 'moveTo'", hint, "action")
        return self


@dataclass(frozen=True, slots=True)
class Taken:
    """An object that was taken in, with exactly this content.

    etag: without quotes. version_id: of a versioned bucket. asked: what requests say besides, such as RequestPayer.
    """

    bucket: str
    key: str
    etag: str
    version_id: str | None = None
    asked: Mapping[str, Any] = field(default_factory=dict)

    @property
    def source(self) -> dict[str, str]:
        """The object by the names that requests have for it."""
        version = {"VersionId": self.version_id} if self.version_id is not None else {}
        return {"Bucket": self.bucket, "Key": self.key, **version}


def copy_away(client: BaseClient, taken: Taken, to: MoveTo, key: str, stop: Stop) -> State:
    """Copy the object to a key of an archive, unless it is not what was taken in. May be called again.

    Raises TaskFailed, or Unavailable where trying again may help.
    """
    bucket = to.bucket or taken.bucket
    if (bucket, key) == (taken.bucket, taken.key):
        raise TaskFailed(f"'s3://{bucket}/{key}' would be moved onto itself: name another folder in 'moveTo.key'")
    with failing(client, "copy", taken.bucket, taken.key):
        head = _head(client, taken)
    if (state := _state(head, taken)) == "there":
        payer = {name: value for name, value in taken.asked.items() if name == "RequestPayer"}
        options = {"CopySourceIfMatch": head["ETag"], **to.options(), **payer}
        copy_object(client, taken.source, bucket, key, options, head, stop)
    return state


def remove(client: BaseClient, taken: Taken) -> State:
    """Delete the object, unless it is not what was taken in: what came later stays. May be called again.

    A versioned bucket keeps it behind a delete marker. Raises as `copy_away`.
    """
    current = Taken(taken.bucket, taken.key, taken.etag, asked=taken.asked)
    with failing(client, "delete", taken.bucket, taken.key):
        head = _head(client, current)
        is_other = taken.version_id is not None and head.get("VersionId") not in (None, taken.version_id)
        state = "changed" if is_other else _state(head, taken)
        if state == "there":
            _delete(client, taken, head["ETag"])
    return state


def copy_object(
    client: BaseClient,
    source: Mapping[str, str],
    bucket: str,
    key: str,
    options: Mapping[str, Any],
    head: Mapping[str, Any],
    stop: Stop,
) -> Mapping[str, Any]:
    """Copy an object within the server; what S3 says of the copy. head: what it says of the source."""
    what = f"copy 's3://{source['Bucket']}/{source['Key']}' to"
    with failing(client, "copy", bucket, key, what):
        if is_folder(source["Key"]) and not head["ContentLength"]:
            # What stands for a folder cannot be copied on every server.
            answer: Mapping[str, Any] = client.put_object(Bucket=bucket, Key=key, Metadata=head.get("Metadata", {}))
            return answer
        return copy(client, source, {"Bucket": bucket, "Key": key, **options}, head, stop)


def _delete(client: BaseClient, taken: Taken, etag: str) -> None:
    """Delete what has this ETag: something else may arrive at this very moment, where no versions are kept."""
    from botocore.exceptions import ClientError  # the client has loaded it already

    place = {"Bucket": taken.bucket, "Key": taken.key, **taken.asked}
    try:
        client.delete_object(**place, **({} if taken.version_id else {"IfMatch": etag}))
    except ClientError as error:
        if status_of(error) == _NOT_WHAT_IT_WAS:
            return
        if taken.version_id or code_of(error) not in _NO_CONDITIONS:
            raise
        client.delete_object(**place)


def _head(client: BaseClient, taken: Taken) -> Mapping[str, Any]:
    """What S3 says of the object; nothing when it is gone."""
    from botocore.exceptions import ClientError  # the client has loaded it already

    try:
        found: Mapping[str, Any] = client.head_object(**taken.source, **taken.asked)
    except ClientError as error:
        # A version that is a delete marker is not allowed to be looked at.
        if status_of(error) in _NOT_FOUND:
            return {}
        raise
    return found


def _state(head: Mapping[str, Any], taken: Taken) -> State:
    if not head:
        return "gone"
    return "there" if unquoted(head["ETag"]) == taken.etag else "changed"
