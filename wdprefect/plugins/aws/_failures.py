"""What S3 refuses to a task, as its failure: it names bucket, key and code, and says what to do in the flow."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from wdprefect.errors import TaskFailed, WdprefectError
from wdprefect.storage.aws_failures import Place, translating_aws_errors

if TYPE_CHECKING:
    from botocore.client import BaseClient

_OF_TASKS = {
    "credentials": "check 'accessKeyId' and 'secretKeyId', or else the block, the AWS_… variables or the profile",
    "bucket": "make the bucket, or name another one in 'bucket'",
    "bucket name": "name another one in 'bucket'",
    "region": "set 'region' to the bucket's",
    "role": "let these credentials assume it (sts:AssumeRole); check 'stsRoleArn', 'stsRoleExternalId' or the block",
    "reach": "check 'endpointOverride' or the endpoint of the block, the network and the proxy",
}
# What has to be allowed, by what is done.
_PERMISSIONS = {
    "list": "allow s3:ListBucket",
    "download": "allow s3:GetObject, and s3:ListBucket, without which a missing file looks like this too",
    "upload": "allow s3:PutObject",
    "copy": "allow s3:GetObject and s3:GetObjectTagging there, and s3:PutObject and s3:PutObjectTagging in the target",
    "delete": "allow s3:DeleteObject",
    "create": "allow s3:CreateBucket",
}


class TaskPlace(Place):
    """A place in S3 that a task works on."""

    __slots__ = ()

    def refusal(self, message: str) -> WdprefectError:
        return TaskFailed(message)


def place_of(client: BaseClient, verb: str, bucket: str, key: str = "") -> TaskPlace:
    """The place of an object, or of a whole bucket; `verb` is what is done there."""
    advice = {**_OF_TASKS, "permission": _PERMISSIONS[verb]}
    return TaskPlace(f"s3://{bucket}/{key}", bucket, key, str(client.meta.endpoint_url), advice)


def failing(
    client: BaseClient, verb: str, bucket: str, key: str = "", what: str | None = None
) -> AbstractContextManager[None]:
    """Raise what boto3 raises in the block as TaskFailed, or as Unavailable where trying again may help.

    verb: `list`, `download`, `upload`, `copy`, `delete` or `create`. what: is said in its place where it says more.
    """
    return translating_aws_errors(what or verb, place_of(client, verb, bucket, key))
