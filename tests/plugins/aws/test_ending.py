"""A task that is ended ends its transfers: they do not go on behind it."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tests.plugins.aws.objects import MIB, keys, run_task
from tests.servers.relay import Relay, relay_to
from tests.servers.s3 import S3Server
from wdprefect.errors import TaskFailed
from wdprefect.model.stop import Stop
from wdprefect.plugins.aws._transfer import copy, download, upload

if TYPE_CHECKING:
    from botocore.client import BaseClient

pytestmark = pytest.mark.s3

# Each takes half a minute through the relay.
SLOW = 0.1
SIZES = [pytest.param(7 * MIB, id="in one request"), pytest.param(20 * MIB, id="in parts")]


@pytest.fixture
def relay(s3_server: S3Server) -> Iterator[Relay]:
    """A slow way to the server."""
    address = urlsplit(s3_server.endpoint)
    with relay_to((str(address.hostname), int(address.port or 0)), SLOW) as found:
        yield found


@pytest.fixture
def threads() -> list[threading.Thread]:
    """The threads that were there before."""
    return list(threading.enumerate())


def ended(before: list[threading.Thread], relay: Relay) -> None:
    """Wait for what the task left: as long as it takes."""
    for thread in threading.enumerate():
        if thread not in before and thread.name != "relay" and not thread.name.startswith(f"relay-{relay.port}"):
            thread.join()


@pytest.mark.parametrize("size", SIZES)
def test_timeout_of_a_download(
    s3: BaseClient, bucket: str, relay: Relay, threads: list[threading.Thread], size: int
) -> None:
    """A download whose time is over does not go on to the end of the object."""
    s3.put_object(Bucket=bucket, Key="a", Body=os.urandom(size))

    execution = run_task(
        "Download", f"bucket: {bucket}\nkey: a\nendpointOverride: http://127.0.0.1:{relay.port}\ntimeout: PT0.5S"
    )

    assert str(execution.error).endswith("Timeout after 00:00:00.500")
    ended(threads, relay)
    assert relay.passed < size


@pytest.mark.parametrize("size", SIZES)
def test_timeout_of_an_upload(
    s3: BaseClient, bucket: str, relay: Relay, threads: list[threading.Thread], tmp_path: Path, size: int
) -> None:
    """An upload whose time is over leaves nothing, neither an object nor parts of one."""
    (tmp_path / "team").mkdir()
    (tmp_path / "team" / "a").write_bytes(os.urandom(size))

    execution = run_task(
        "Upload",
        f"""
        from: nsfile:///a
        bucket: {bucket}
        key: a
        endpointOverride: http://127.0.0.1:{relay.port}
        timeout: PT1S
        """,
        namespace_files=tmp_path,
    )

    assert str(execution.error).endswith("Timeout after 00:00:01.000")
    ended(threads, relay)
    assert relay.passed < size
    assert ([], []) == (keys(s3, bucket), s3.list_multipart_uploads(Bucket=bucket).get("Uploads", []))


def test_not_begun(s3: BaseClient, bucket: str, tmp_path: Path) -> None:
    """What is to end before it begins does not begin."""
    stop, place = Stop(), {"Bucket": bucket, "Key": "a"}
    stop.request()
    (tmp_path / "a").write_bytes(b"x")
    head: dict[str, Any] = {"ContentLength": 1}

    with pytest.raises(TaskFailed, match="it was asked to end"):
        download(s3, place, tmp_path / "b", stop)
    with pytest.raises(TaskFailed, match="it was asked to end"):
        upload(s3, place, tmp_path / "a", stop)
    with pytest.raises(TaskFailed, match="it was asked to end"):
        copy(s3, place, place, head, stop)
    assert ([], ["a"]) == (keys(s3, bucket), [path.name for path in tmp_path.iterdir()])
