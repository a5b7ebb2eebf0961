"""The two storages, each new and empty."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.s3 import S3Server, s3_server
from wdprefect.storage.local import LocalStorage
from wdprefect.storage.s3 import S3Storage

__all__ = ["s3_server"]

BUCKET = "runs"


@pytest.fixture(scope="session")
def s3_bucket(s3_server: S3Server) -> str:
    """The name of a bucket that is there."""
    with s3_server.client() as client:
        client.create_bucket(Bucket=BUCKET)
    return BUCKET


@pytest.fixture
def s3_storage(s3_server: S3Server, s3_bucket: str) -> Iterator[S3Storage]:
    """A storage below a prefix of its own."""
    with s3_server.client() as client:
        yield S3Storage(client, s3_bucket, f"tests/{uuid.uuid4()}")


@pytest.fixture(params=["local", pytest.param("s3", marks=pytest.mark.s3)])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> LocalStorage | S3Storage:
    """Each storage in turn: what is true of one is true of the other."""
    if request.param == "local":
        return LocalStorage(tmp_path / "storage")
    found: S3Storage = request.getfixturevalue("s3_storage")
    return found
