"""`Delete` and `DeleteList`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pydantic import Field

from wdprefect.errors import TaskFailed
from wdprefect.model.context import RunContext
from wdprefect.model.node import Bool, Int, Text
from wdprefect.model.parallel import in_parallel
from wdprefect.model.task import TaskOutputs
from wdprefect.plugins.aws._failures import failing
from wdprefect.plugins.aws._transfer import check
from wdprefect.plugins.aws.s3._bucket import InBucket, S3Task, given
from wdprefect.plugins.aws.s3._listing import PAGE, Selection, listed
from wdprefect.storage.aws_failures import status_of

if TYPE_CHECKING:
    from botocore.client import BaseClient

# What servers answer that do not know the request, or want it as it was years ago.
_NOT_UNDERSTOOD = frozenset({400, 405, 501})


class Delete(InBucket, S3Task):
    """Delete an object. One that is not there is no error; a versioned bucket keeps it behind a delete marker.

    `mfa` is the serial number of a device, a space, and the number that it shows, for buckets that ask for it.
    `bypassGovernanceRetention` deletes in spite of an object lock of that mode.

    ```yaml
    id: delete
    namespace: company.team
    inputs:
      - id: bucket
        type: STRING
    tasks:
      - id: remove
        type: io.kestra.plugin.aws.s3.Delete
        bucket: "{{ inputs.bucket }}"
        key: raw/orders.csv
    ```
    """

    key: Text = Field(min_length=1)
    mfa: Text | None = None
    bypass_governance_retention: Bool | None = None

    class Outputs(TaskOutputs):
        """What S3 says: of a versioned bucket, the delete marker that was made."""

        version_id: str | None = None
        delete_marker: bool | None = None
        request_charged: str | None = None

    def run(self, ctx: RunContext) -> TaskOutputs:
        client = self.client(ctx)
        options = given(
            MFA=self.mfa,
            BypassGovernanceRetention=self.bypass_governance_retention,
            RequestPayer=self.request_payer,
        )
        with failing(client, "delete", self.bucket, self.key):
            answer = client.delete_object(Bucket=self.bucket, Key=self.key, **options)
        return self.Outputs(
            versionId=answer.get("VersionId"),
            deleteMarker=answer.get("DeleteMarker"),
            requestCharged=answer.get("RequestCharged"),
        )


class DeleteList(Selection, S3Task):
    r"""Delete objects of a bucket, chosen as `List` does: `outputs.<id>.count` and `size` say how many and how much.

    They are deleted a thousand at a time, one by one where a server does not know how to do that; `concurrent` is how
    many requests are under way. Without a `prefix` all of the bucket is meant, up to `maxKeys`.

    ```yaml
    id: clear
    namespace: company.team
    inputs:
      - id: bucket
        type: STRING
    tasks:
      - id: old
        type: io.kestra.plugin.aws.s3.DeleteList
        bucket: "{{ inputs.bucket }}"
        prefix: raw/
        regexp: .*\.csv
    ```
    """

    concurrent: Int | None = Field(default=None, ge=2)
    error_on_empty: Bool = False

    class Outputs(TaskOutputs):
        """How many objects were deleted, and their size in bytes."""

        count: int = 0
        size: int = 0

    def run(self, ctx: RunContext) -> TaskOutputs:
        client = self.client(ctx)
        found = listed(client, self, None, ctx)
        if not found and self.error_on_empty:
            wanted = given(prefix=self.prefix, regexp=self.regexp)
            chosen = "".join(f", {name} '{value}'" for name, value in wanted.items())
            raise TaskFailed(f"there is nothing to delete in the bucket '{self.bucket}'{chosen}")
        keys = [item.key for item in found]

        def delete(batch: Sequence[str]) -> None:
            check(ctx.stop)
            self._delete(client, batch)

        in_parallel(delete, [keys[at : at + PAGE] for at in range(0, len(keys), PAGE)], self.concurrent or 1)
        size = sum(item.size for item in found)
        ctx.metrics.add("counter", "s3.objects.deleted.count", len(found), {})
        ctx.metrics.add("counter", "s3.objects.deleted.size", size, {})
        ctx.log.write("INFO", f"deleted {len(found)} objects with {size} bytes")
        return self.Outputs(count=len(found), size=size)

    def _delete(self, client: BaseClient, keys: Sequence[str]) -> None:
        from botocore.exceptions import ClientError  # the client has loaded it already

        options = given(RequestPayer=self.request_payer, ExpectedBucketOwner=self.expected_bucket_owner)
        wanted = {"Objects": [{"Key": key} for key in keys], "Quiet": True}
        with failing(client, "delete", self.bucket, self.prefix or ""):
            try:
                answer = client.delete_objects(Bucket=self.bucket, Delete=wanted, **options)
            except ClientError as error:
                if status_of(error) not in _NOT_UNDERSTOOD:
                    raise
                answer = None
        if answer is None:
            in_parallel(lambda key: self._delete_one(client, key, options), keys, self.concurrent or 1)
        for refused in (answer or {}).get("Errors", ()):
            # Asked again for this one alone, S3 says it with all that belongs to an error.
            self._delete_one(client, refused["Key"], options)

    def _delete_one(self, client: BaseClient, key: str, options: dict[str, Any]) -> None:
        with failing(client, "delete", self.bucket, key):
            client.delete_object(Bucket=self.bucket, Key=key, **options)
