"""`Upload`: from where, to which keys, and what S3 keeps with the object."""

from __future__ import annotations

import base64
import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.plugins.aws.objects import MIB, content, keys, task
from tests.running import run_tasks
from wdprefect.execution.execution import Execution

if TYPE_CHECKING:
    from botocore.client import BaseClient

pytestmark = pytest.mark.s3

# Two stored files: `outputs.make.uris` has their URIs by their names.
MAKE = """
- id: directory
  type: io.kestra.plugin.core.flow.WorkingDirectory
  inputFiles: {a.txt: one, x/b.txt: two, y/b.txt: three}
  tasks:
    - {id: make, type: io.kestra.plugin.core.storage.LocalFiles, outputs: ["**"]}
"""
A, B, C = ("{{ outputs.make.uris['" + name + "'] }}" for name in ("a.txt", "x/b.txt", "y/b.txt"))


def upload(properties: str, **options: Any) -> Execution:
    """A run that makes the files and uploads."""
    return run_tasks(MAKE + task("Upload", properties), **options)


def outputs(properties: str) -> dict[str, Any]:
    execution = upload(properties)
    assert "SUCCESS" == execution.state, execution.error
    return dict(execution.task_outputs["it"])


def error(properties: str) -> str:
    execution = upload(properties)
    assert "FAILED" == execution.state
    return str(execution.error).partition("task 'it': ")[2]


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        pytest.param(f'from: "{A}"\nkey: to/file', {"to/file": b"one"}, id="one"),
        pytest.param(f'from: " {A}\\n"\nkey: to/file', {"to/file": b"one"}, id="one with blanks around"),
        pytest.param(f'from: "{A}"\nkey: to/', {"to/a.txt": b"one"}, id="one to a folder"),
        pytest.param(f'from: ["{A}"]\nkey: to', {"to": b"one"}, id="a list of one"),
        pytest.param(f'from: {{n: "{A}"}}\nkey: to/', {"to/n": b"one"}, id="a map of one, to a folder"),
        pytest.param(f'from: ["{A}", "{B}"]\nkey: to', {"to/a.txt": b"one", "to/b.txt": b"two"}, id="a list"),
        pytest.param(
            f'from: {{n.txt: "{B}", m/o.txt: "{C}"}}\nkey: to/',
            {"to/n.txt": b"two", "to/m/o.txt": b"three"},
            id="a map",
        ),
        pytest.param(
            f'from: |\n  ["{A}",\n   "{B}"]\nkey: to',
            {"to/a.txt": b"one", "to/b.txt": b"two"},
            id="a list as JSON",
        ),
        pytest.param(
            'from: "{{ outputs.make.uris }}"\nkey: to',
            {"to/a.txt": b"one", "to/x/b.txt": b"two", "to/y/b.txt": b"three"},
            id="a map as JSON",
        ),
        pytest.param("from: nsfile:///query.sql\nkey: to/", {"to/query.sql": b"select"}, id="a file of the namespace"),
    ],
)
def test_from(s3: BaseClient, bucket: str, tmp_path: Path, properties: str, expected: dict[str, bytes]) -> None:
    """One file gets the key, several a name in it as a folder; a key that ends with a slash is a folder always."""
    (tmp_path / "team").mkdir()
    (tmp_path / "team" / "query.sql").write_text("select")

    execution = upload(f"bucket: {bucket}\n{properties}", namespace_files=tmp_path)

    assert "SUCCESS" == execution.state, execution.error
    assert expected == {key: content(s3, bucket, key) for key in keys(s3, bucket)}


def test_outputs(s3: BaseClient, bucket: str) -> None:
    """Of one file its ETag and its version, of several those of each."""
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})

    one = outputs(f'bucket: {bucket}\nfrom: "{A}"\nkey: one')
    two = outputs(f'bucket: {bucket}\nfrom: ["{A}", "{B}"]\nkey: two')

    def known(key: str) -> dict[str, str]:
        head = s3.head_object(Bucket=bucket, Key=key)
        return {"eTag": head["ETag"].strip('"'), "versionId": head["VersionId"]}

    assert {"bucket": bucket, "key": "one", **known("one")} == one
    files = {name: {**known(f"two/{name}"), "contentLength": 3} for name in ("a.txt", "b.txt")}
    assert {"bucket": bucket, "key": "two", "files": files} == two


def test_large(s3: BaseClient, bucket: str, tmp_path: Path) -> None:
    """A large file goes in parts, and what is told is of what was stored."""
    (tmp_path / "team").mkdir()
    sent = os.urandom(20 * MIB)
    (tmp_path / "team" / "large").write_bytes(sent)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})

    execution = upload(
        f"bucket: {bucket}\nfrom: nsfile:///large\nkey: a\nmetadata: {{made-by: me}}\nbucketKeyEnabled: true",
        namespace_files=tmp_path,
    )

    head = s3.head_object(Bucket=bucket, Key="a")
    assert ("-3", {"made-by": "me"}) == (head["ETag"].strip('"')[-2:], head["Metadata"])
    told = execution.task_outputs["it"]
    assert (head["ETag"].strip('"'), head["VersionId"]) == (told["eTag"], told["versionId"])
    assert sent == content(s3, bucket, "a")
    metrics = {metric.name: metric.value for metric in execution.task_runs[-1].metrics}
    assert {"file.count": 1, "file.size": 20 * MIB} == metrics


def test_what_is_kept(s3: BaseClient, bucket: str) -> None:
    """What S3 keeps with an object is given to it."""
    value = base64.b64encode(hashlib.sha256(b"one").digest()).decode()
    outputs(
        f"""
        bucket: {bucket}
        from: "{A}"
        key: a
        metadata: {{made-by: me, number: 7}}
        tagging: {{team: a & b, "n o": "1"}}
        cacheControl: no-cache
        contentType: text/csv
        contentEncoding: identity
        contentDisposition: attachment; filename="a.csv"
        contentLanguage: de
        contentLength: 3
        expires: "2030-01-02T03:04:05Z"
        storageClass: STANDARD_IA
        checksumAlgorithm: SHA256
        checksum: {value}
        """
    )

    head = s3.head_object(Bucket=bucket, Key="a", ChecksumMode="ENABLED")
    expected = {
        "Metadata": {"made-by": "me", "number": "7"},
        "CacheControl": "no-cache",
        "ContentType": "text/csv",
        "ContentEncoding": "identity",
        "ContentDisposition": 'attachment; filename="a.csv"',
        "ContentLanguage": "de",
        "ExpiresString": "Wed, 02 Jan 2030 03:04:05 GMT",
        "StorageClass": "STANDARD_IA",
        "ChecksumSHA256": value,
    }
    assert expected == {name: head.get(name) for name in expected}
    tags = {tag["Key"]: tag["Value"] for tag in s3.get_object_tagging(Bucket=bucket, Key="a")["TagSet"]}
    assert {"team": "a & b", "n o": "1"} == tags


def test_lock(s3: BaseClient, bucket: str) -> None:
    """An object lock, and its end."""
    s3.create_bucket(Bucket=f"{bucket}-lock", ObjectLockEnabledForBucket=True)
    outputs(
        f"""
        bucket: {bucket}-lock
        from: "{A}"
        key: a
        objectLockMode: GOVERNANCE
        objectLockRetainUntilDate: "2099-01-02T03:04:05+01:00"
        objectLockLegalHoldStatus: "ON"
        """
    )

    head = s3.head_object(Bucket=f"{bucket}-lock", Key="a")
    assert ("GOVERNANCE", "ON") == (head["ObjectLockMode"], head["ObjectLockLegalHoldStatus"])
    assert "2099-01-02T02:04:05" == head["ObjectLockRetainUntilDate"].isoformat()[:19]


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        pytest.param("from: []", "'from' names no file", id="an empty list"),
        pytest.param('from: "{{ {} | json }}"', "'from' names no file", id="an empty map as JSON"),
        pytest.param(
            f'from: ["{B}", "{C}"]',
            "two files of 'from' are called 'b.txt': give a map from names to URIs",
            id="two of the same name",
        ),
        pytest.param("from: '[1'", "'from' is no JSON: Expecting ',' delimiter", id="half of a list"),
        pytest.param(
            "from: '[[1]]'",
            "'from': it must be a URI, a list of URIs, or a map from names to URIs",
            id="JSON of another kind",
        ),
        pytest.param("from: a.txt", "'a.txt' is no file of the internal storage: it must begin with", id="a path"),
        pytest.param("from: kestra:///none", "cannot read 'kestra:///none': there is no such file", id="no file"),
        pytest.param(f'from: "{A}"\ncontentLength: 4', "'contentLength' is 4, but 'kestra://", id="another length"),
        pytest.param(
            f'from: ["{A}", "{B}"]\nchecksum: abc=\nchecksumAlgorithm: SHA256',
            "'checksum' is that of one file, but 'from' names 2: leave it out",
            id="one checksum for two",
        ),
        pytest.param(
            f'from: "{A}"\nchecksum: {"A" * 43}=\nchecksumAlgorithm: SHA256',
            "cannot upload 's3://{}/a': the checksum does not fit the content (BadDigest",
            id="another checksum",
        ),
    ],
)
def test_refused(s3: BaseClient, bucket: str, properties: str, expected: str) -> None:
    """What cannot be stored as it is said is not stored."""
    assert error(f"bucket: {bucket}\nkey: a\n{properties}").startswith(expected.format(bucket))
    assert [] == keys(s3, bucket)
