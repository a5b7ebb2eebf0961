"""Objects of tests, and flows of one task that works on them."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from tests.running import run_tasks
from wdprefect.execution.execution import Execution

if TYPE_CHECKING:
    from botocore.client import BaseClient

S3 = "io.kestra.plugin.aws.s3"
MIB = 2**20


def task(kind: str, properties: str, name: str = "it") -> str:
    """A task as it stands in a list of tasks."""
    return f"- id: {name}\n  type: {S3}.{kind}\n" + textwrap.indent(textwrap.dedent(properties).strip("\n"), "  ")


def run_task(kind: str, properties: str, **options: Any) -> Execution:
    """The execution of a flow with this one task, whose id is `it`."""
    return run_tasks(task(kind, properties), **options)


def outputs_of(kind: str, properties: str) -> dict[str, Any]:
    """What the task delivers, when it succeeds."""
    execution = run_task(kind, properties)
    assert "SUCCESS" == execution.state, execution.error
    return dict(execution.task_outputs.get("it", {}))


def error_of(kind: str, properties: str) -> str:
    """What is said of the task, when it fails; without the place in the flow."""
    execution = run_task(kind, properties)
    assert "FAILED" == execution.state
    return str(execution.error).partition("task 'it': ")[2]


def put(s3: BaseClient, bucket: str, *keys: str, **more: Any) -> None:
    """Store objects whose content is their key; nothing for those that stand for folders."""
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=b"" if key.endswith("/") else key.encode(), **more)


def keys(s3: BaseClient, bucket: str) -> list[str]:
    """The keys in a bucket."""
    return [item["Key"] for item in s3.list_objects_v2(Bucket=bucket).get("Contents", ())]


def content(s3: BaseClient, bucket: str, key: str) -> bytes:
    """The content of an object."""
    return bytes(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
