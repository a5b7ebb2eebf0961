"""`Copy`: from where to where, what comes along, and what becomes of the source."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.plugins.aws.objects import MIB, content, error_of, keys, outputs_of, put
from wdprefect.plugins.aws import _transfer

if TYPE_CHECKING:
    from botocore.client import BaseClient

pytestmark = pytest.mark.s3


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        pytest.param("to: {key: b}", ["a", "b"], id="another key"),
        pytest.param("to: {key: b}\ndelete: true", ["b"], id="and the source is deleted"),
        pytest.param("to: {key: b, serverSideEncryption: NONE}", ["a", "b"], id="not encrypted"),
    ],
)
def test_within_a_bucket(s3: BaseClient, bucket: str, properties: str, expected: list[str]) -> None:
    """What `to` leaves out is as in `from`."""
    put(s3, bucket, "a")

    found = outputs_of("Copy", f"from: {{bucket: {bucket}, key: a}}\n{properties}")

    etag = s3.head_object(Bucket=bucket, Key="b")["ETag"].strip('"')
    assert ({"bucket": bucket, "key": "b", "eTag": etag}, expected) == (found, keys(s3, bucket))


@pytest.mark.parametrize("longest", [pytest.param(5 * 2**30, id="in one request"), pytest.param(MIB, id="in parts")])
def test_to_another_bucket(s3: BaseClient, bucket: str, longest: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Content, type, metadata and tags come along, in whatever way it is copied."""
    # Nobody wants to wait for five gigabytes.
    monkeypatch.setattr(_transfer, "LONGEST_COPY_BYTES", longest)
    s3.create_bucket(Bucket=f"{bucket}-to")
    sent = os.urandom(20 * MIB)
    s3.put_object(
        Bucket=bucket, Key="a b", Body=sent, ContentType="text/csv", Metadata={"made-by": "me"}, Tagging="team=a%20b"
    )

    found = outputs_of("Copy", f"from: {{bucket: {bucket}, key: a b}}\nto: {{bucket: {bucket}-to}}")

    head = s3.head_object(Bucket=f"{bucket}-to", Key="a b")
    assert ("text/csv", {"made-by": "me"}) == (head["ContentType"], head["Metadata"])
    assert [{"Key": "team", "Value": "a b"}] == s3.get_object_tagging(Bucket=f"{bucket}-to", Key="a b")["TagSet"]
    assert (head["ETag"].strip('"'), longest == MIB) == (found["eTag"], "-" in found["eTag"])
    assert sent == content(s3, f"{bucket}-to", "a b")


def test_old_version(s3: BaseClient, bucket: str) -> None:
    """An old version becomes the newest by a copy onto its own key."""
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    old = s3.put_object(Bucket=bucket, Key="a", Body=b"old")["VersionId"]
    put(s3, bucket, "a")

    found = outputs_of("Copy", f"from: {{bucket: {bucket}, key: a, versionId: {old}}}")

    newest = s3.head_object(Bucket=bucket, Key="a")["VersionId"]
    assert (b"old", newest) == (content(s3, bucket, "a"), found["versionId"])


def test_onto_itself(s3: BaseClient, bucket: str) -> None:
    """Deleting what was copied onto itself would leave nothing."""
    put(s3, bucket, "a")

    said = error_of("Copy", f"from: {{bucket: {bucket}, key: a}}\ndelete: true")

    expected = f"'s3://{bucket}/a' would be deleted after it was copied onto itself: leave out 'delete'"
    assert (expected, ["a"]) == (said, keys(s3, bucket))


def test_no_source(s3: BaseClient, bucket: str) -> None:
    """A missing source is said, and nothing is deleted."""
    said = error_of("Copy", f"from: {{bucket: {bucket}, key: none}}\nto: {{key: b}}")

    assert said.startswith(
        f"cannot copy 's3://{bucket}/none': there is no such file (404, bucket '{bucket}', key 'none'"
    )
