"""Storages by URL."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers.s3 import S3Server
from wdprefect.errors import UsageError
from wdprefect.storage import open_storage


@pytest.mark.parametrize("start", ["file://", "file://localhost"])
def test_a_folder(tmp_path: Path, start: str) -> None:
    """A file URL is a folder of this machine; its escapes are decoded."""
    open_storage(f"{start}{tmp_path}/my%20files").put("kestra:///a", b"x")
    assert b"x" == (tmp_path / "my files" / "a").read_bytes()


@pytest.mark.s3
@pytest.mark.parametrize(
    ("path", "start"),
    [pytest.param("/a/b/", "a/b/", id="prefix"), pytest.param("", "", id="none"), pytest.param("/", "", id="slash")],
)
def test_a_bucket(s3_server: S3Server, s3_bucket: str, monkeypatch: pytest.MonkeyPatch, path: str, start: str) -> None:
    """An S3 URL is a bucket and a prefix; server and credentials come from the environment."""
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    open_storage(f"s3://{s3_bucket}{path}").put("kestra:///opened", b"x")
    with s3_server.client() as client:
        assert b"x" == client.get_object(Bucket=s3_bucket, Key=f"{start}opened")["Body"].read()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/tmp/files",  # noqa: S108  # never opened
        "files",
        "file:files",
        "file://host/files",
        "file:///a/../b",
        "file:///a?b",
        "file:///a#b",
        "s3://",
        "s3:///prefix",
        "s3://bucket/../x",
        "s3://bucket/x?region=y",
        "s3-bucket/name",
        "gs://bucket/x",
        "kestra:///a",
    ],
)
def test_other_urls(url: str) -> None:
    """Anything else is refused, and the error names the forms that there are."""
    with pytest.raises(UsageError) as caught:
        open_storage(url)
    assert f"'{url}' names no storage" in str(caught.value)
    for form in ("file:///absolute/folder", "s3://bucket/prefix", "s3-bucket/NAME"):
        assert form in str(caught.value)


def test_a_folder_needs_no_boto3() -> None:
    """Neither the package nor a folder imports boto3, which takes a quarter of a second."""
    script = (
        "import sys; from wdprefect.storage import open_storage; open_storage('file:///x'); "
        "import wdprefect.storage.s3; print('boto3' in sys.modules or 'botocore' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert "False" == found.stdout.strip()
