"""The S3 servers of the tests, and a book that keeps what it is shown in memory."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.intake.posting import NAME
from tests.servers.aws import AwsServer
from tests.servers.ministack import Ministack, ministack
from tests.servers.s3 import S3Server, s3_server
from wdprefect.intake.objects import Observed, SeenObject, Status
from wdprefect.intake.watch import Watch, Watched

__all__ = ["ministack", "s3_server"]


@dataclass
class Shelf:
    """A book in memory: it knows each version of each key once. status: what becomes of a new one."""

    status: Status = "seen"
    shown: list[SeenObject] = field(default_factory=list)
    ids: dict[tuple[str, str], int] = field(default_factory=dict)
    statuses: dict[int, Status] = field(default_factory=dict)
    fails: list[Exception] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def show(self, objects: Sequence[SeenObject]) -> list[Observed]:
        """What a source calls. The exceptions in `fails` are raised first."""
        assert len({(one.key, one.version) for one in objects}) == len(objects), "each once"
        with self.changed:
            if self.fails:
                raise self.fails.pop(0)
            return [self._observe(one) for one in objects]

    def _observe(self, one: SeenObject) -> Observed:
        is_new = (one.key, one.version) not in self.ids
        number = self.ids.setdefault((one.key, one.version), len(self.ids) + 1)
        if is_new:
            self.shown.append(one)
            self.statuses[number] = self.status
        self.changed.notify_all()
        return Observed(number, self.statuses[number], is_new)

    def wait_for(self, number: int, seconds: float = 30) -> list[SeenObject]:
        """The objects, once there are so many."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.shown) >= number, seconds), f"only {self.keys()}"
            return list(self.shown)

    def keys(self) -> list[str]:
        return [one.key for one in self.shown]


@dataclass
class Bucket:
    """A new bucket with a client that may do everything with it."""

    client: Any
    name: str

    def put(self, *keys: str, body: bytes = b"x") -> None:
        for key in keys:
            self.client.put_object(Bucket=self.name, Key=key, Body=body)

    def keep_versions(self, status: str = "Enabled") -> None:
        self.client.put_bucket_versioning(Bucket=self.name, VersioningConfiguration={"Status": status})

    @contextmanager
    def through(self, endpoint: str) -> Iterator[Any]:
        """A client like the bucket's, by another address."""
        keys = self.client._request_signer._credentials
        with AwsServer(endpoint, keys.access_key, keys.secret_key).client() as client:
            yield client

    def watched(self, shelf: Shelf, **settings: Any) -> Watched:
        return Watched(Watch(self.name, **settings), self.client, shelf.show)


@pytest.fixture(
    params=[pytest.param("s3_server", id="seaweedfs"), pytest.param("ministack", id="ministack")],
)
def bucket(request: pytest.FixtureRequest) -> Iterator[Bucket]:
    """A bucket on each server in turn: what is true of one is true of the other."""
    server: S3Server | Ministack = request.getfixturevalue(request.param)
    with server.client() as client:
        name = f"in-{uuid.uuid4().hex[:12]}"
        client.create_bucket(Bucket=name)
        yield Bucket(client, name)


@pytest.fixture(scope="session")
def posted(s3_server: S3Server) -> Iterator[Bucket]:
    """A bucket with one object, whose key shows how it was encoded."""
    with s3_server.client() as client:
        client.create_bucket(Bucket=NAME)
        bucket = Bucket(client, NAME)
        bucket.put("in/a b+é.csv")
        yield bucket


def stubbed(service: str = "s3") -> tuple[Any, Any]:
    """A client whose answers the test writes, and by what it does so.

    For what no server of the tests does, such as refusing one request and allowing another.
    """
    import boto3  # a quarter of a second
    from botocore.stub import Stubber

    client = boto3.session.Session().client(  # type: ignore[no-untyped-call]  # boto3 has no types
        service, region_name="eu-central-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    stubber = Stubber(client)  # type: ignore[no-untyped-call]  # as above
    stubber.activate()  # type: ignore[no-untyped-call]  # as above
    return client, stubber
