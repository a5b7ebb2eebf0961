"""An S3 server for tests: SeaweedFS on the loopback, which refuses wrong keys and missing buckets as Amazon's does."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.servers.aws import AwsServer, first_that_starts, guarded
from tests.servers.needed import is_missing

if TYPE_CHECKING:
    pass

WEED = Path(__file__).parents[2] / ".tools" / "bin" / "weed"
READY_WITHIN_SECONDS = 30
# All of them, the gRPC ones too: those without a name here are well-known numbers, which another server may hold.
PORTS = (
    *("s3.port", "s3.port.grpc", "master.port", "master.port.grpc", "volume.port", "volume.port.grpc"),
    *("filer.port", "filer.port.grpc", "admin.port", "admin.port.grpc"),
)
SETTINGS = (
    *("-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-admin.ui=false", "-webdav=false"),
    *("-s3.port.iceberg=0", "-s3.port.lance=0"),
    # Every bucket takes volumes of its own; with a fixed number of them a later bucket cannot be written.
    *("-volume.max=0", "-volume.preStopSeconds=0", "-master.volumeSizeLimitMB=128"),
    # As Amazon's: a bucket is there when somebody made it.
    *("-s3.autoCreateBucket=false", "-s3.allowDeleteBucketNotEmpty=false"),
)


class S3Server(AwsServer):
    """A running server, which refuses other keys than its own."""


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A running S3 server with no buckets: one for each process of the tests, ready after about a second."""
    if not WEED.exists():
        is_missing("the S3 server is not installed: run scripts/test-servers.sh")
    yield from first_that_starts(tmp_path_factory.mktemp("seaweedfs"), running)


@contextmanager
def running(folder: Path, *settings: str) -> Iterator[S3Server | None]:
    """A server that keeps its files and its log in `folder`, a new one; None when it did not get ready.

    settings: further ones, which win.
    """
    data = folder / "data"
    data.mkdir(parents=True)
    ports = _free_ports(len(PORTS))
    server = S3Server(f"http://127.0.0.1:{ports[0]}")
    named = [f"-{name}={port}" for name, port in zip(PORTS, ports, strict=True)]
    environment = os.environ | server.environment | {"WEED_MASTER_VOLUME_GROWTH_COPY_1": "1"}
    command = [str(WEED), "mini", f"-dir={data}", *named, *SETTINGS, *settings]
    with guarded(command, environment, folder) as guard:
        yield server if _is_ready(server, guard) else None


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def _is_ready(server: S3Server, guard: subprocess.Popen[bytes]) -> bool:
    from botocore.exceptions import BotoCoreError, ClientError

    deadline = time.monotonic() + READY_WITHIN_SECONDS
    with server.client(attempts=1) as client:
        while time.monotonic() < deadline and guard.poll() is None:
            # The port answers before buckets can be made and files be stored.
            try:
                with suppress(client.exceptions.BucketAlreadyOwnedByYou):
                    client.create_bucket(Bucket="ready")
                client.put_object(Bucket="ready", Key="x", Body=b"x")
                client.delete_object(Bucket="ready", Key="x")
                client.delete_bucket(Bucket="ready")
            except (BotoCoreError, ClientError):
                time.sleep(0.1)
            else:
                return True
    return False
