"""A minute in which S3 sends everybody away, amid a large file: what has arrived stays, and the rest follows."""

from __future__ import annotations

import hashlib
import random
import re
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from contextvars import copy_context
from pathlib import Path

import pytest

from tests.servers.s3 import S3Server
from tests.servers.unruly import Fault, Unruly, unruly_in_front_of
from wdprefect.model.stop import Stop
from wdprefect.model.waiting import Waiter, waiting_for
from wdprefect.storage.s3 import S3Storage
from wdprefect.storage.s3_client import make_client

pytestmark = [pytest.mark.s3, pytest.mark.slow]

MINUTE = 60.0
SENT, STORED = "kestra:///folder/sent", "kestra:///folder/stored"
# Four parts, for four threads.
CONTENT = random.Random(3).randbytes(40 * 1024 * 1024)  # noqa: S311  only to differ everywhere
PART, BEGIN, COMPLETE = r"^PUT .*partNumber=(\d+)", r"^POST .*\?uploads", r"^POST .*uploadId="


@contextmanager
def behind_a_proxy(server: S3Server, prefix: str) -> Iterator[tuple[Unruly, S3Storage]]:
    """A proxy, and a storage behind it with a client as people have it."""
    import boto3  # a quarter of a second

    session = boto3.session.Session(  # type: ignore[no-untyped-call]  # boto3 has no types
        aws_access_key_id=server.access_key, aws_secret_access_key=server.secret_key, region_name="us-east-1"
    )
    with (
        unruly_in_front_of(server.endpoint) as proxy,
        closing(make_client(session, endpoint_url=proxy.endpoint)) as client,
    ):
        yield proxy, S3Storage(client, "runs", prefix)


def a_minute(spared: int) -> Fault:
    """All that comes after the first requests is sent away."""
    return Fault("answer", ".", times=sys.maxsize, spared=spared, seconds=MINUTE, status=503, code="SlowDown")


def test_a_minute_of_slow_down(s3_server: S3Server, s3_bucket: str, tmp_path: Path) -> None:
    """By default it is waited for; no part goes twice, either way, and nobody reads half a file meanwhile."""
    source, target, prefix = tmp_path / "source", tmp_path / "folder" / "target", f"outage/{tmp_path.name}"
    source.write_bytes(CONTENT)
    said: list[str] = []
    with (
        s3_server.client() as client,
        behind_a_proxy(s3_server, prefix) as (up, sender),
        behind_a_proxy(s3_server, prefix) as (down, receiver),
        ThreadPoolExecutor(2) as pool,
        waiting_for(Waiter(said.append, Stop())),
    ):
        others = S3Storage(client, "runs", prefix)
        others.put(STORED, source)
        # The upload has begun, and half of its parts have arrived; so has half of the download.
        up.faults.append(a_minute(spared=3))
        down.faults.append(a_minute(spared=2))
        sent = pool.submit(copy_context().run, sender.put, SENT, source)
        fetched = pool.submit(copy_context().run, receiver.get, STORED, target)
        while not (sent.done() and fetched.done()):
            looked_at = [others.read(SENT) if others.exists(SENT) else None]
            looked_at += [path.read_bytes() for path in target.parent.glob("[!.]*")]
            assert [] == [content for content in looked_at if content not in (None, CONTENT)]
            time.sleep(0.5)
        assert hashlib.sha256(CONTENT).hexdigest() == sent.result().sha256
        fetched.result()
        assert CONTENT == others.read(SENT)
    assert CONTENT == target.read_bytes()
    assert ["target"] == [path.name for path in target.parent.iterdir()]
    parts = [found[1] for line in up.passed if (found := re.search(PART, line))]
    assert ["1", "2", "3", "4"] == sorted(parts)
    assert (1, 1) == tuple(sum(bool(re.search(request, line)) for line in up.passed) for request in (BEGIN, COMPLETE))
    assert 4 == len(down.passed)
    # Two parts each way, of which each has said it once, after the tries of boto3.
    expected = (
        r"waiting for the storage, for up to (2\d\d|300) seconds: .*the server has too much to do \(SlowDown, bucket"
    )
    assert [True] * 4 == [bool(re.match(expected, line)) for line in said]
