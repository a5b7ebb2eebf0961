"""Files, ledger and results on a real S3 server, by option and by Prefect's default."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import wdprefect
from tests.on_prefect.seen import Api
from tests.servers.s3 import S3Server, s3_server
from tests.servers.s3_block import save_block
from wdprefect.api import EngineName
from wdprefect.errors import StorageError
from wdprefect.execution.execution import Execution
from wdprefect.model.flow import Flow
from wdprefect.on_prefect.storage import storage_of_block
from wdprefect.storage.s3 import S3Storage

__all__ = ["s3_server"]

pytestmark = [pytest.mark.server, pytest.mark.s3]

CONTENT = "a,b\n1,2\n" * 1000
FLOW = """\
id: kept
namespace: company.team
inputs:
  - id: data
    type: FILE
tasks:
  - id: wdir
    type: io.kestra.plugin.core.flow.WorkingDirectory
    inputFiles:
      data.csv: "{{ inputs.data }}"
    outputFiles: ["*.csv"]
    tasks:
      - id: copy
        type: io.kestra.plugin.scripts.shell.Commands
        commands:
          - cp data.csv copy.csv
  - id: read
    type: io.kestra.plugin.scripts.shell.Commands
    inputFiles:
      again.csv: "{{ outputs.wdir.outputFiles['copy.csv'] }}"
    commands:
      - cmp again.csv again.csv
"""
BUCKET, BLOCK = "results", "kept-here"


@pytest.fixture(scope="module")
def block(prefect_api: str, s3_server: S3Server) -> str:
    """An S3Bucket block in the Prefect API, for a bucket that is there."""
    return save_block(s3_server, BLOCK, BUCKET, "team")


@pytest.fixture
def flow(flow_file: Path) -> Flow:
    """A flow that takes a file in and gives two out."""
    flow_file.write_text(FLOW)
    return wdprefect.load(flow_file)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The file that goes in."""
    path = tmp_path / "data.csv"
    path.write_text(CONTENT)
    return path


def check(execution: Execution, server: S3Server) -> None:
    """Bytes are equal, and nothing in the bucket is anything but files, JSON and the log."""
    assert execution.state == "SUCCESS", execution.error
    uris = execution.task_outputs["wdir"]["outputFiles"]
    assert ["copy.csv", "data.csv"] == list(uris)
    assert CONTENT.encode() == execution.read(uris["copy.csv"])
    with server.client() as client:
        keys = [item["Key"] for item in client.list_objects_v2(Bucket=BUCKET)["Contents"]]
        mine = [key for key in keys if execution.id in key]
        assert sum("/ledger/" in key for key in mine) == len(execution.task_runs)
        for key in keys:
            body = client.get_object(Bucket=BUCKET, Key=key)["Body"].read()
            assert b"pickle" not in body
            if not key.endswith((".csv", ".jsonl")):
                json.loads(body)


def test_bucket_by_option(flow: Flow, data: Path, block: str, s3_server: S3Server) -> None:
    """`storage` names a block: files, ledger and Prefect's own results lie in its bucket."""
    check(wdprefect.run(flow, inputs={"data": str(data)}, storage=block), s3_server)


def test_bucket_by_default(
    flow: Flow, data: Path, block: str, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Prefect's default result storage is where files are kept when nothing else is said."""
    from prefect.settings import PREFECT_DEFAULT_RESULT_STORAGE_BLOCK, temporary_settings

    with temporary_settings({PREFECT_DEFAULT_RESULT_STORAGE_BLOCK: block}):
        check(wdprefect.run(flow, inputs={"data": str(data)}), s3_server)


def test_url_on_the_local_engine(flow: Flow, data: Path, block: str, s3_server: S3Server) -> None:
    """`s3://bucket/prefix` needs no Prefect: the environment says who one is."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in s3_server.environment.items():
            patch.setenv(name, value)
        check(
            wdprefect.run(flow, inputs={"data": str(data)}, engine="local", storage=f"s3://{BUCKET}/plain"), s3_server
        )


@pytest.mark.parametrize("engine", ["local", "prefect"])
def test_no_bucket(flow: Flow, data: Path, block: str, s3_server: S3Server, engine: EngineName) -> None:
    """A bucket that is not there is named with what to do, whoever executes."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in s3_server.environment.items():
            patch.setenv(name, value)
        with pytest.raises(wdprefect.errors.StorageError, match="there is no such bucket"):
            wdprefect.run(flow, inputs={"data": str(data)}, engine=engine, storage="s3://no-such-bucket/plain")


def test_no_bucket_of_a_block(flow: Flow, data: Path, api: Api, s3_server: S3Server) -> None:
    """A block whose bucket is not there is named the same, and the flow run has failed with these words."""
    block = save_block(s3_server, "without-bucket", "gone", "team")
    with s3_server.client() as client:
        client.delete_bucket(Bucket="gone")
    before = {run["id"] for run in api.flow_runs(flow.name)}
    with pytest.raises(wdprefect.errors.StorageError, match="there is no such bucket") as caught:
        wdprefect.run(flow, inputs={"data": str(data)}, storage=block)
    states = [run["state"] for run in api.flow_runs(flow.name) if run["id"] not in before]
    assert [("FAILED", str(caught.value))] == [(state["type"], state["message"]) for state in states]


def test_unknown_block(flow: Flow, data: Path, prefect_api: str) -> None:
    """A block that does not exist is named."""
    with pytest.raises(wdprefect.errors.UsageError, match="there is no Prefect block 's3-bucket/nowhere'"):
        wdprefect.run(flow, inputs={"data": str(data)}, storage="s3-bucket/nowhere")


def bucket_block(server: S3Server, credentials: str, secret: str | None = None) -> Any:
    """An S3Bucket block with credentials of one of the two kinds, not saved."""
    from prefect_aws import AwsClientParameters, AwsCredentials, MinIOCredentials, S3Bucket  # as in s3_block

    at = AwsClientParameters(endpoint_url=server.endpoint)
    key, secret = server.access_key, secret or server.secret_key
    if credentials == "aws":
        found = AwsCredentials(
            aws_access_key_id=key, aws_secret_access_key=secret, region_name="us-east-1", aws_client_parameters=at
        )
        return S3Bucket(bucket_name="blocks", credentials=found)
    minio = MinIOCredentials(minio_root_user=key, minio_root_password=secret, aws_client_parameters=at)
    return S3Bucket(bucket_name="blocks", bucket_folder="x", credentials=minio)


@pytest.mark.parametrize("credentials", ["aws", "minio"])
def test_blocks_share_a_client(s3_server: S3Server, credentials: str) -> None:
    """Two blocks with the same credentials have one client; with another secret it is another one."""
    with s3_server.client() as client, suppress(client.exceptions.BucketAlreadyOwnedByYou):
        client.create_bucket(Bucket="blocks")
    one, same, other = (
        storage_of_block(bucket_block(s3_server, credentials, secret)) for secret in (None, None, "wrong")
    )
    assert isinstance(one, S3Storage)
    assert isinstance(same, S3Storage)
    assert isinstance(other, S3Storage)
    assert one.client is same.client
    assert one.client is not other.client
    one.put("kestra:///a", b"x")
    assert b"x" == same.read("kestra:///a")
    with pytest.raises(StorageError, match="the secret does not belong to the access key"):
        other.read("kestra:///a")
