"""The flows of the demo with their files on a real S3 server: the same files as with a folder, and nothing pickled."""

from __future__ import annotations

import base64
import binascii
import json
import pickle
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from prefect.filesystems import LocalFileSystem
from prefect.results import ResultStore
from prefect.serializers import JSONSerializer, PickleSerializer, Serializer

from scripts.demo import FLOWS, make_repository, write_orders
from tests.cli.commands import result, run_command
from tests.servers.packages import packages
from tests.servers.s3 import S3Server, s3_server
from tests.servers.s3_block import save_block

__all__ = ["packages", "s3_server"]

pytestmark = [pytest.mark.server, pytest.mark.s3, pytest.mark.slow]

BUCKET, BLOCK = "demo", "demo-files"
# The operation code that every pickle since protocol 2 begins with, and the protocols there are.
PICKLED = re.compile(rb"\x80[\x02-\x05]")
Files = dict[str, dict[str, bytes]]
DELIVERED = {"pip": {"wdir/versions.txt"}, "orders": {"wdir/clean_dataset.csv", "wdir/data.csv"}}


def record(serializer: Serializer[Any]) -> bytes:
    """A result as Prefect keeps it."""
    # Without a storage the API would be asked for one.
    store = ResultStore(result_storage=LocalFileSystem(), serializer=serializer)
    return store.create_result_record({"a": 1}, key="a").serialize()


@dataclass(frozen=True, slots=True)
class Demo:
    """The flows with what they need, and the results of `wdprefect run` by flow and options."""

    folder: Path
    arguments: Mapping[str, list[str]]
    variables: Mapping[str, str]

    def run(self, flow: str, *options: str, **variables: str) -> tuple[dict[str, Any], dict[str, bytes]]:
        """The execution, and the files that it delivered by task and name."""
        target = self.folder / f"output-{len(list(self.folder.iterdir()))}"
        arguments = [*self.arguments[flow], *options, "--output-dir", str(target), "--format", "json"]
        said = run_command("run", FLOWS / f"{flow}.yaml", *arguments, env={**self.variables, **variables})
        assert 0 == said.code, said.err
        files = {str(path.relative_to(target)): path.read_bytes() for path in target.rglob("*") if path.is_file()}
        return result(said), files


@pytest.fixture(scope="module")
def demo(
    prefect_api: str, packages: dict[str, str], s3_server: S3Server, tmp_path_factory: pytest.TempPathFactory
) -> Demo:
    """The demo, whose commands find the Prefect API and the S3 server in their environment."""
    folder = tmp_path_factory.mktemp("demo")
    data, repository = write_orders(folder / "data.csv"), make_repository(folder / "repository")
    inputs = ["-i", f"data={data}", "-i", f"repository={repository.as_uri()}"]
    variables = {**packages, **s3_server.environment, "PREFECT_API_URL": prefect_api}
    return Demo(folder, {"pip": [], "orders": inputs}, variables)


@pytest.fixture(scope="module")
def in_a_folder(demo: Demo) -> Files:
    """What each flow delivers with a folder as its storage."""
    url = (demo.folder / "storage").as_uri()
    return {flow: demo.run(flow, "--engine", "local", "--storage", url)[1] for flow in DELIVERED}


@pytest.fixture(scope="module")
def block(prefect_api: str, s3_server: S3Server) -> str:
    """An S3Bucket block in the Prefect API, for a bucket that is there."""
    return save_block(s3_server, BLOCK, BUCKET)


@pytest.mark.parametrize("flow", list(DELIVERED))
@pytest.mark.parametrize(
    "options",
    [
        pytest.param(["--engine", "local", "--storage", f"s3://{BUCKET}/plain"], id="a URL"),
        pytest.param(["--storage", f"s3-bucket/{BLOCK}"], id="a block"),
    ],
)
def test_files_by_option(
    demo: Demo, in_a_folder: Files, block: str, s3_server: S3Server, flow: str, options: list[str]
) -> None:
    """What is delivered by way of a bucket is what is delivered by way of a folder, byte for byte."""
    facts, files = demo.run(flow, *options)
    assert DELIVERED[flow] == set(files)
    assert in_a_folder[flow] == files
    check_bucket(s3_server, facts)


def test_files_by_default(demo: Demo, in_a_folder: Files, block: str, s3_server: S3Server) -> None:
    """Where Prefect's default result storage is a bucket, files and results are in it, without an option."""
    facts, files = demo.run("orders", PREFECT_DEFAULT_RESULT_STORAGE_BLOCK=block)
    assert in_a_folder["orders"] == files
    check_bucket(s3_server, facts)
    assert "json" in map(serializer_of, objects(s3_server).values())


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(pickle.dumps("x", 2), True, id="an old pickle"),
        pytest.param(pickle.dumps({"a": 1}), True, id="a pickle"),
        pytest.param(base64.b64encode(pickle.dumps({"a": 1})), True, id="a pickle as text"),
        pytest.param(record(PickleSerializer()), True, id="a result of Prefect that is pickled"),
        pytest.param(record(JSONSerializer()), False, id="a result of Prefect that is JSON"),
        pytest.param(b"a,b\n1,2\n", False, id="a table"),
        pytest.param(b'{"state": "SUCCESS"}', False, id="an entry of the ledger"),
    ],
)
def test_pickles_are_told(body: bytes, expected: bool) -> None:  # noqa: FBT001  a column of the table
    """What these tests look for is found."""
    assert expected == is_pickled(body)


def check_bucket(server: S3Server, facts: dict[str, Any]) -> None:
    """The files of a run and its ledger are in the bucket, and nothing in the bucket is pickled."""
    kept = objects(server)
    assert [] == [key for key, body in kept.items() if is_pickled(body)]
    mine = [key for key in kept if facts["id"] in key]
    assert len(facts["taskRuns"]) == sum("/ledger/" in key for key in mine)
    uris = [uri for outputs in facts["taskOutputs"].values() for uri in outputs.get("outputFiles", {}).values()]
    assert uris
    assert [] == [uri for uri in uris if not any(key.endswith(uri.removeprefix("kestra://")) for key in mine)]


def objects(server: S3Server) -> dict[str, bytes]:
    """All that is in the bucket, by key; it is less than a page."""
    with server.client() as client:
        keys = [item["Key"] for item in client.list_objects_v2(Bucket=BUCKET)["Contents"]]
        return {key: client.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in keys}


def is_pickled(body: bytes) -> bool:
    """Whether it is a pickle, also as base64, or a result of Prefect that is not JSON."""
    if serializer_of(body) not in {None, "json"}:
        return True
    return PICKLED.match(body) is not None or PICKLED.match(decoded(body)) is not None


def serializer_of(body: bytes) -> str | None:
    """How Prefect wrote a result; None for what is none of Prefect's."""
    try:
        found = json.loads(body)
    except ValueError:
        return None
    is_result = isinstance(found, dict) and {"metadata", "result"} <= set(found)
    return str(found["metadata"]["serializer"]["type"]) if is_result else None


def decoded(body: bytes) -> bytes:
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error:
        return b""
