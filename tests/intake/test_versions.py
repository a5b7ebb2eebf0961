"""What a version of an object is: one text, wherever it is seen."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from botocore.exceptions import ClientError

from tests.intake.conftest import Bucket, Shelf, stubbed
from wdprefect.intake.objects import SeenObject
from wdprefect.intake.sources.poll import Poller
from wdprefect.intake.versions import look, version_of, versioning_of

MODIFIED = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=timezone(timedelta(hours=2)))
PART = b"x" * 5 * 1024 * 1024


def put_in_parts(bucket: Bucket, key: str) -> None:
    """An object in two parts, whose ETag is no MD5."""
    place = {"Bucket": bucket.name, "Key": key}
    upload = bucket.client.create_multipart_upload(**place)["UploadId"]
    parts = [
        {
            "PartNumber": number,
            "ETag": bucket.client.upload_part(**place, UploadId=upload, PartNumber=number, Body=PART)["ETag"],
        }
        for number in (1, 2)
    ]
    bucket.client.complete_multipart_upload(**place, UploadId=upload, MultipartUpload={"Parts": parts})


def listed(bucket: Bucket) -> list[SeenObject]:
    """Everything that a poll shows."""
    shelf = Shelf()
    Poller(bucket.watched(shelf)).poll()
    return shelf.shown


@pytest.mark.parametrize(
    ("etag", "version_id", "expected"),
    [
        pytest.param('"abc"', None, "abc@1767315845", id="quotes and parts of a second do not count"),
        pytest.param("abc-2", None, "abc-2@1767315845", id="in parts"),
        pytest.param('W/"abc"', None, "abc@1767315845", id="compressed on the way"),
        pytest.param('"abc"', "null", "abc@1767315845", id="null names no version"),
        pytest.param('"abc"', "v1", "v1", id="a version id"),
    ],
)
def test_version(etag: str, version_id: str | None, expected: str) -> None:
    """The version id where it names one, else the ETag and whole seconds."""
    assert expected == version_of(etag, MODIFIED, version_id)


@pytest.mark.s3
@pytest.mark.parametrize("versioned", [pytest.param(False, id="unversioned"), pytest.param(True, id="versioned")])
def test_listing_and_head_agree(bucket: Bucket, *, versioned: bool) -> None:
    """A listing and a HEAD of the same object give the same version, however it came."""
    bucket.put("a/before", "folder/")
    put_in_parts(bucket, "parts/before")
    if versioned:
        bucket.keep_versions()
    bucket.put("a/b c+d%20é", "a/again", "a/again")
    put_in_parts(bucket, "parts/after")

    objects = [one for one in listed(bucket) if one.is_current]

    assert ["a/again", "a/b c+d%20é", "a/before", "folder/", "parts/after", "parts/before"] == [
        one.key for one in objects
    ]
    for one in objects:
        found = look(bucket.client, bucket.name, one.key)
        assert found
        assert (one.version, one.etag, one.size, one.modified, one.version_id) == (
            found.version,
            found.etag,
            found.size,
            found.modified,
            found.version_id,
        )
        assert one.version == one.version_id or one.version == f"{one.etag}@{int(one.modified.timestamp())}"
    assert versioned == any(one.version_id for one in objects)


@pytest.mark.s3
def test_look(bucket: Bucket) -> None:
    """A HEAD finds a version by its id; what is not there, is deleted or can be no version is None."""
    bucket.keep_versions()
    bucket.put("a", body=b"1")
    bucket.put("a", body=b"22")
    older, newer = listed(bucket)

    assert (1, 2) == (older.size, newer.size)
    first = look(bucket.client, bucket.name, "a", older.version_id)
    assert first
    assert older.version == first.version
    marker = bucket.client.delete_object(Bucket=bucket.name, Key="a")["VersionId"]
    assert [None, None, None] == [look(bucket.client, bucket.name, "a", one) for one in (None, marker, "nonsense")]
    assert look(bucket.client, bucket.name, "b") is None


@pytest.mark.s3
def test_versioning(bucket: Bucket) -> None:
    """A bucket keeps versions as soon as it was told to, and goes on keeping them when that is suspended."""
    assert "unversioned" == versioning_of(bucket.client, bucket.name)
    bucket.keep_versions()
    assert "versioned" == versioning_of(bucket.client, bucket.name)
    bucket.keep_versions("Suspended")
    assert "versioned" == versioning_of(bucket.client, bucket.name)


def test_what_is_no_answer() -> None:
    """Without permission to ask, versioning is unknown; a HEAD that is refused is an error and not a missing object."""
    client, stubber = stubbed()
    stubber.add_client_error("get_bucket_versioning", "AccessDenied", http_status_code=403)
    assert "unknown" == versioning_of(client, "in")
    stubber.add_client_error("head_object", "403", http_status_code=403)
    with pytest.raises(ClientError, match="403"):
        look(client, "in", "a")
    for _ in range(2):
        stubber.add_client_error("head_object", "400", http_status_code=400)
    with pytest.raises(ClientError, match="400"):
        look(client, "in", "a", "version")
    stubber.assert_no_pending_responses()
    client.close()
