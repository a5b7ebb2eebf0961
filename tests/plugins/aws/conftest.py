"""A real S3 server that boto3 finds by itself, and a bucket on it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.servers.s3 import S3Server, s3_server

if TYPE_CHECKING:
    from botocore.client import BaseClient

__all__ = ["s3_server"]


@pytest.fixture
def s3(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[BaseClient]:
    """A client of the server, which tasks find by the environment as well."""
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    with s3_server.client() as client:
        yield client


@pytest.fixture
def bucket(s3: BaseClient) -> str:
    """The name of a new bucket."""
    name = f"b{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name)
    return name
