"""A real S3 server that boto3 finds by itself, and a bucket on it."""

from __future__ import annotations

import textwrap
import uuid
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.running import run_tasks
from tests.servers.s3 import S3Server, s3_server
from wdprefect.execution.execution import Execution

if TYPE_CHECKING:
    from botocore.client import BaseClient

__all__ = ["s3_server"]

S3 = "io.kestra.plugin.aws.s3"
Run = Callable[..., Execution]


@pytest.fixture
def s3(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[BaseClient]:
    """A client of the server, which the tasks find in the environment as well."""
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


def task(kind: str, properties: str, name: str = "it") -> str:
    """A task of S3 as it stands in a list of tasks."""
    return f"- id: {name}\n  type: {S3}.{kind}\n" + textwrap.indent(textwrap.dedent(properties).strip("\n"), "  ")


def run_task(kind: str, properties: str, **options: Any) -> Execution:
    """The execution of a flow with this one task, whose id is `it`."""
    return run_tasks(task(kind, properties), **options)


def keys(s3: BaseClient, bucket: str) -> list[str]:
    """The keys in a bucket."""
    return [item["Key"] for item in s3.list_objects_v2(Bucket=bucket).get("Contents", ())]


def put(s3: BaseClient, bucket: str, *keys: str, **more: Any) -> None:
    """Store objects whose content is their key."""
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode(), **more)
