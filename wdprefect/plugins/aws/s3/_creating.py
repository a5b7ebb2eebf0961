"""`CreateBucket`."""

from __future__ import annotations

from pydantic import Field

from wdprefect.model.context import RunContext
from wdprefect.model.node import Bool, Text
from wdprefect.model.task import TaskOutputs
from wdprefect.plugins.aws._failures import failing
from wdprefect.plugins.aws.s3._bucket import S3Task, given

# The one that must not be named.
_FIRST_REGION = "us-east-1"


class CreateBucket(S3Task):
    """Make a bucket, in the region of the connection.

    `acl` is one of S3's ready-made ones, such as `private`; the `grant…` properties say who may do what, as
    `id="…"` or `uri="…"`. A bucket that is there already is an error.

    ```yaml
    id: make
    namespace: company.team
    inputs:
      - id: bucket
        type: STRING
    tasks:
      - id: make
        type: io.kestra.plugin.aws.s3.CreateBucket
        bucket: "{{ inputs.bucket }}-{{ execution.id | slice(0, 8) }}"
    ```
    """

    bucket: Text = Field(min_length=1)
    acl: Text | None = None
    grant_full_control: Text | None = None
    grant_read: Text | None = None
    grant_read_acp: Text | None = Field(default=None, alias="grantReadACP")
    grant_write: Text | None = None
    grant_write_acp: Text | None = Field(default=None, alias="grantWriteACP")
    object_lock_enabled_for_bucket: Bool | None = None

    class Outputs(TaskOutputs):
        """The bucket, and the location that S3 tells, such as `/name`."""

        bucket: str
        region: str | None = None

    def run(self, ctx: RunContext) -> TaskOutputs:
        client = self.client(ctx)
        region = client.meta.region_name
        elsewhere = {"LocationConstraint": region} if region not in (_FIRST_REGION, "aws-global") else None
        options = given(
            ACL=self.acl,
            GrantFullControl=self.grant_full_control,
            GrantRead=self.grant_read,
            GrantReadACP=self.grant_read_acp,
            GrantWrite=self.grant_write,
            GrantWriteACP=self.grant_write_acp,
            ObjectLockEnabledForBucket=self.object_lock_enabled_for_bucket,
            CreateBucketConfiguration=elsewhere,
        )
        with failing(client, "create", self.bucket):
            answer = client.create_bucket(Bucket=self.bucket, **options)
        return self.Outputs(bucket=self.bucket, region=answer.get("Location"))
