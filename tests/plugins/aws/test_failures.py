"""What is said when S3, or the way to it, refuses: bucket, key, code and the next step."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.plugins.aws.objects import error_of, put, run_task
from tests.servers.s3 import S3Server
from wdprefect.errors import TaskFailed, Unavailable, WdprefectError
from wdprefect.plugins.aws._failures import failing

if TYPE_CHECKING:
    from botocore.client import BaseClient

pytestmark = pytest.mark.s3

CREDENTIALS = "check 'accessKeyId' and 'secretKeyId', or else the block, the AWS_… variables or the profile"


@pytest.mark.parametrize(
    ("kind", "properties", "said"),
    [
        pytest.param(
            "List",
            "accessKeyId: nobody\nsecretKeyId: nothing",
            ("list 's3://box/'", "the access key is not known there", "InvalidAccessKeyId, bucket 'box'", CREDENTIALS),
            id="an unknown key",
        ),
        pytest.param(
            "Delete",
            "key: a\naccessKeyId: testkey\nsecretKeyId: nothing",
            (
                "delete 's3://box/a'",
                "the secret does not belong to the access key",
                "SignatureDoesNotMatch, bucket 'box', key 'a'",
                CREDENTIALS,
            ),
            id="a wrong secret",
        ),
        pytest.param(
            "CreateBucket",
            "bucket: A_B",
            (
                "create 's3://A_B/'",
                "the bucket's name is not valid",
                "InvalidBucketName, bucket 'A_B'",
                "name another one in 'bucket'",
            ),
            id="no name of a bucket",
        ),
    ],
)
def test_refused(
    s3: BaseClient, s3_server: S3Server, kind: str, properties: str, said: tuple[str, str, str, str]
) -> None:
    """What was tried, the reason, where, and what to do."""
    what, reason, where, step = said
    bucket = "" if "bucket:" in properties else "bucket: box\n"

    execution = run_task(kind, bucket + properties)

    expected = f"cannot {what}: {reason} ({where} at {s3_server.endpoint}); {step}"
    assert expected == str(execution.error).partition("task 'it': ")[2]


@pytest.mark.parametrize(
    ("kind", "properties", "verb", "key"),
    [
        pytest.param("List", "prefix: in/", "list", "in/", id="to list"),
        pytest.param("Downloads", "action: DELETE", "list", "", id="to take from"),
        pytest.param("Download", "key: a", "download", "a", id="to download from"),
        pytest.param("Upload", "from: nsfile:///a\nkey: a", "upload", "a", id="to store in"),
    ],
)
def test_no_bucket(
    s3: BaseClient, s3_server: S3Server, tmp_path: Path, kind: str, properties: str, verb: str, key: str
) -> None:
    """A bucket that is not there."""
    (tmp_path / "team").mkdir()
    (tmp_path / "team" / "a").write_text("x")

    execution = run_task(kind, f"bucket: box\n{properties}", namespace_files=tmp_path)

    where = f"NoSuchBucket, bucket 'box'{key and f', key {key!r}'} at {s3_server.endpoint}"
    step = "make the bucket, or name another one in 'bucket'"
    expected = f"cannot {verb} 's3://box/{key}': there is no such bucket ({where}); {step}"
    assert expected == str(execution.error).partition("task 'it': ")[2]


def test_missing_file(s3: BaseClient, s3_server: S3Server, bucket: str) -> None:
    """An object that is not there."""
    said = error_of("Download", f"bucket: {bucket}\nkey: none")

    where = f"NoSuchKey, bucket '{bucket}', key 'none' at {s3_server.endpoint}"
    step = "was it deleted, or is the key spelled in another way?"
    assert f"cannot download 's3://{bucket}/none': there is no such file ({where}); {step}" == said


def test_unreachable(s3: BaseClient) -> None:
    """A server that does not answer: trying again may help, and `retry` does."""
    said = error_of("List", "bucket: box\nendpointOverride: http://127.0.0.1:9")

    reason = "the server cannot be reached (EndpointConnectionError, bucket 'box' at http://127.0.0.1:9)"
    step = "check 'endpointOverride' or the endpoint of the block, the network and the proxy"
    assert f"cannot list 's3://box/': {reason}; {step}" == said


def test_nobody(s3: BaseClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """No credentials at all."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)

    said = error_of("List", "bucket: box")

    assert said.startswith("cannot list 's3://box/': there are no credentials (NoCredentialsError, bucket 'box' at ")
    assert said.endswith(f"; {CREDENTIALS}")


def test_retried(s3: BaseClient, bucket: str) -> None:
    """A task that failed is tried again as its `retry` says."""
    put(s3, bucket, "a")
    execution = run_task(
        "Download", f"bucket: {bucket}\nkey: none\nretry: {{type: constant, interval: PT0.01S, maxAttempts: 3}}"
    )

    assert 3 == len(execution.task_runs[0].attempts)


@pytest.mark.parametrize(
    ("code", "status", "kind", "expected"),
    [
        ("AccessDenied", 403, TaskFailed, "access is denied (AccessDenied"),
        ("InvalidObjectState", 403, TaskFailed, "the file cannot be read now (InvalidObjectState"),
        ("PermanentRedirect", 301, TaskFailed, "set 'region' to the bucket's"),
        ("AccessControlListNotSupported", 400, TaskFailed, "leave 'acl' and the grants out"),
        ("EntityTooLarge", 400, TaskFailed, "the file is larger than the server takes (EntityTooLarge"),
        ("SlowDown", 503, Unavailable, "the server has too much to do (SlowDown"),
        ("InternalError", 500, Unavailable, "try again later"),
    ],
)
def test_answers(s3: BaseClient, code: str, status: int, kind: type[WdprefectError], expected: str) -> None:
    """What no time mends fails the task; what may pass is told apart."""
    error = error_of_answer(s3, "upload", code, status)
    assert (kind, True) == (type(error), expected in str(error))


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("InvalidClientTokenId", f"the access key is not known there (InvalidClientTokenId, WHERE); {CREDENTIALS}"),
        ("ExpiredToken", "the session token has expired (ExpiredToken, WHERE); sign in anew, or renew the credentials"),
    ],
)
def test_who_assumes_a_role(s3: BaseClient, s3_server: S3Server, code: str, expected: str) -> None:
    """Credentials with which no role can be assumed, whichever it is, are told from a role that is not theirs."""
    said = expected.replace("WHERE", f"bucket 'box', key 'a' at {s3_server.endpoint}")
    error = error_of_answer(s3, "upload", code, 403, "AssumeRole")
    assert f"cannot upload 's3://box/a': the role cannot be assumed: {said}" == str(error)


@pytest.mark.parametrize(
    ("verb", "expected"),
    [
        ("list", "allow s3:ListBucket"),
        ("download", "allow s3:GetObject, and s3:ListBucket, without which a missing file looks like this too"),
        ("upload", "allow s3:PutObject"),
        (
            "copy",
            "allow s3:GetObject and s3:GetObjectTagging there, and s3:PutObject and s3:PutObjectTagging in the target",
        ),
        ("delete", "allow s3:DeleteObject"),
        ("create", "allow s3:CreateBucket"),
    ],
)
def test_permissions(s3: BaseClient, verb: str, expected: str) -> None:
    """What has to be allowed is that which was tried."""
    error = error_of_answer(s3, verb, "AccessDenied", 403)
    assert isinstance(error, TaskFailed)
    assert str(error).endswith(f"; {expected}")


def error_of_answer(s3: BaseClient, verb: str, code: str, status: int, operation: str = "PutObject") -> WdprefectError:
    """What an answer becomes that a real server gives on bad days only."""
    from botocore.exceptions import ClientError

    answer: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    with pytest.raises(WdprefectError) as raised, failing(s3, verb, "box", "a"):
        raise ClientError(answer, operation)  # type: ignore[no-untyped-call]  # boto3 has no types
    return raised.value
