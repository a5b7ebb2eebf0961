"""`Copy`."""

from __future__ import annotations

from pydantic import Field

from wdprefect.errors import TaskFailed
from wdprefect.model.context import RunContext
from wdprefect.model.node import Bool, Node, Text
from wdprefect.model.task import TaskOutputs
from wdprefect.plugins.aws._failures import failing
from wdprefect.plugins.aws._moves import Destination, copy_object
from wdprefect.plugins.aws._objects import unquoted
from wdprefect.plugins.aws.s3._bucket import S3Task, given


class CopySource(Node):
    """The object to copy, in its newest version or in the one that is named."""

    bucket: Text = Field(min_length=1)
    key: Text = Field(min_length=1)
    version_id: Text | None = None


class CopyTarget(Destination):
    """Where to copy it; what is left out is as that of the source."""

    key: Text | None = Field(default=None, min_length=1)


class Copy(S3Task):
    """Copy an object within S3: to another key, another bucket, or from an old version of itself.

    The content does not pass through the worker. What `to` leaves out is as in `from`. Type, metadata and tags come
    along. With `delete: true` the source is deleted when the copy is there.

    ```yaml
    id: copy
    namespace: company.team
    inputs:
      - id: bucket
        type: STRING
    tasks:
      - id: keep
        type: io.kestra.plugin.aws.s3.Copy
        from:
          bucket: "{{ inputs.bucket }}"
          key: raw/orders.csv
        to:
          key: kept/orders.csv
    ```
    """

    from_: CopySource
    to: CopyTarget | None = None
    delete: Bool = False

    class Outputs(TaskOutputs):
        """Where the copy is, and what S3 says of it."""

        bucket: str
        key: str
        e_tag: str
        version_id: str | None = None

    def run(self, ctx: RunContext) -> TaskOutputs:
        to = self.to or CopyTarget()
        bucket, key = to.bucket or self.from_.bucket, to.key or self.from_.key
        if self.delete and (bucket, key) == (self.from_.bucket, self.from_.key):
            raise TaskFailed(
                f"'s3://{bucket}/{key}' would be deleted after it was copied onto itself: leave out 'delete'"
            )
        client = self.client(ctx)
        source = given(Bucket=self.from_.bucket, Key=self.from_.key, VersionId=self.from_.version_id)
        with failing(client, "copy", self.from_.bucket, self.from_.key):
            head = client.head_object(**source)
        answer = copy_object(client, source, bucket, key, to.options(), head, ctx.stop)
        if self.delete:
            with failing(client, "delete", self.from_.bucket, self.from_.key):
                client.delete_object(Bucket=self.from_.bucket, Key=self.from_.key)
        return self.Outputs(bucket=bucket, key=key, eTag=unquoted(answer["ETag"]), versionId=answer.get("VersionId"))
