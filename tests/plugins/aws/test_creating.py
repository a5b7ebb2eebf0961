"""`CreateBucket`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.plugins.aws.objects import error_of, outputs_of, run_task
from wdprefect.plugins.aws._connection import Connection, client_of

if TYPE_CHECKING:
    from botocore.client import BaseClient

pytestmark = pytest.mark.s3


def test_made(s3: BaseClient, bucket: str) -> None:
    """The bucket is there, with what was wanted of it."""
    found = outputs_of("CreateBucket", f"bucket: {bucket}-new\nobjectLockEnabledForBucket: true\nacl: private")

    assert {"bucket": f"{bucket}-new", "region": f"/{bucket}-new"} == found
    lock = s3.get_object_lock_configuration(Bucket=f"{bucket}-new")["ObjectLockConfiguration"]
    assert "Enabled" == lock["ObjectLockEnabled"]


def test_there_already(s3: BaseClient, bucket: str) -> None:
    """A bucket that is there already is an error that says how to live with it."""
    said = error_of("CreateBucket", f"bucket: {bucket}")

    assert said.startswith(f"cannot create 's3://{bucket}/': the bucket is yours already (BucketAlreadyOwnedByYou")
    assert said.endswith("; leave the task out, or set 'allowFailure: true' on it")


@pytest.mark.parametrize(
    ("region", "expected"),
    [
        pytest.param("us-east-1", {}, id="the first one must not be named"),
        pytest.param("eu-central-1", {"LocationConstraint": "eu-central-1"}, id="any other must be"),
    ],
)
def test_region(s3: BaseClient, bucket: str, region: str, expected: dict[str, str]) -> None:
    """The bucket is made in the region of the connection."""
    asked: list[dict[str, Any]] = []
    events = client_of(Connection(region=region)).meta.events

    def note(params: dict[str, Any], **_: Any) -> None:
        asked.append(params.get("CreateBucketConfiguration", {}))

    events.register("provide-client-params.s3.CreateBucket", note)
    try:
        outputs_of("CreateBucket", f"bucket: {bucket}-{region}\nregion: {region}")
    finally:
        events.unregister("provide-client-params.s3.CreateBucket", note)

    assert [expected] == asked


def test_grants(s3: BaseClient, bucket: str) -> None:
    """All of the grants go to S3 by their names."""
    asked: list[dict[str, Any]] = []
    events = client_of(Connection()).meta.events

    def note(params: dict[str, Any], **_: Any) -> None:
        asked.append({name: value for name, value in params.items() if name.startswith("Grant")})

    events.register("provide-client-params.s3.CreateBucket", note)
    try:
        names = ("grantFullControl", "grantRead", "grantReadACP", "grantWrite", "grantWriteACP")
        grants = "\n".join(f"{name}: id={number}" for number, name in enumerate(names))
        # This server has no such ids.
        run_task("CreateBucket", f"bucket: {bucket}-grants\n{grants}")
    finally:
        events.unregister("provide-client-params.s3.CreateBucket", note)

    expected = ("GrantFullControl", "GrantRead", "GrantReadACP", "GrantWrite", "GrantWriteACP")
    assert [{name: f"id={number}" for number, name in enumerate(expected)}] == asked
