"""S3 and SQS in one process on the loopback, with S3's notifications: ministack, which lets any key in."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.servers.aws import AwsServer, first_that_starts, guarded
from tests.servers.needed import is_missing

if TYPE_CHECKING:
    from botocore.client import BaseClient

PROGRAM = Path(__file__).parents[2] / ".tools" / "bin" / "ministack"
READY_WITHIN_SECONDS = 30


class Ministack(AwsServer):
    """A running server, which lets any key in."""

    @contextmanager
    def notified(self, **settings: Any) -> Iterator[NotifiedBucket]:
        """A new bucket that tells a new queue of everything; the settings are those of a NotifiedBucket."""
        with ExitStack() as stack:
            s3, sqs = (stack.enter_context(self.client(service)) for service in ("s3", "sqs"))
            bucket = NotifiedBucket(s3, sqs, f"in-{uuid.uuid4().hex[:12]}", **settings)
            bucket.make()
            yield bucket


@dataclass
class NotifiedBucket:
    """A bucket whose objects are told to a queue, as they are made and as they are removed.

    attributes: of the queue. receives: after how many the message goes to the queue `dead_url`, where there is one.
    """

    s3: BaseClient
    sqs: BaseClient
    name: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    receives: int | None = None
    versioned: bool = False
    url: str = ""
    dead_url: str = ""

    def make(self) -> None:
        """Make bucket and queues; the message by which S3 tries the queue is taken out."""
        self.s3.create_bucket(Bucket=self.name)
        if self.versioned:
            self.s3.put_bucket_versioning(Bucket=self.name, VersioningConfiguration={"Status": "Enabled"})
        attributes = dict(self.attributes)
        if self.receives:
            self.dead_url = self.sqs.create_queue(QueueName=f"{self.name}-dead")["QueueUrl"]
            redrive = {"deadLetterTargetArn": self._arn(self.dead_url), "maxReceiveCount": str(self.receives)}
            attributes["RedrivePolicy"] = json.dumps(redrive)
        self.url = self.sqs.create_queue(QueueName=self.name, Attributes=attributes)["QueueUrl"]
        events = ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]
        told = {"QueueConfigurations": [{"QueueArn": self._arn(self.url), "Events": events}]}
        self.s3.put_bucket_notification_configuration(Bucket=self.name, NotificationConfiguration=told)
        self.sqs.purge_queue(QueueUrl=self.url)

    def put(self, key: str, body: bytes = b"x") -> str | None:
        """Store an object; its version id, where the bucket has versions."""
        version: str | None = self.s3.put_object(Bucket=self.name, Key=key, Body=body).get("VersionId")
        return version

    def send(self, body: str) -> str:
        """Send the queue a message of one's own; its id."""
        return str(self.sqs.send_message(QueueUrl=self.url, MessageBody=body)["MessageId"])

    def counts(self) -> tuple[int, int]:
        """How many messages can be received, and how many somebody has in hand."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)["Attributes"]
        return int(answer[names[0]]), int(answer[names[1]])

    def dead(self) -> list[str]:
        """The bodies that have come to the queue for dead letters, which stay there."""
        ask = {"QueueUrl": self.dead_url, "MaxNumberOfMessages": 10, "VisibilityTimeout": 0}
        return [message["Body"] for message in self.sqs.receive_message(**ask).get("Messages", [])]

    def _arn(self, url: str) -> str:
        answer = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return str(answer["Attributes"]["QueueArn"])


@pytest.fixture(scope="session")
def ministack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ministack]:
    """A running server with nothing in it: one for each process of the tests, ready after about half a second."""
    if not PROGRAM.exists():
        is_missing("the server for queues is not installed: run scripts/test-servers.sh")
    yield from first_that_starts(tmp_path_factory.mktemp("ministack"), running)


@contextmanager
def running(folder: Path, port: int | None = None) -> Iterator[Ministack | None]:
    """A server that keeps everything in memory and its log in `folder`; None when it did not get ready."""
    folder.mkdir(parents=True)
    port = port or _free_port()
    server = Ministack(f"http://127.0.0.1:{port}")
    # Without BIND_HOST it listens on every address of the machine.
    settings = {"BIND_HOST": "127.0.0.1", "MINISTACK_HOST": "127.0.0.1", "GATEWAY_PORT": str(port)}
    with guarded([str(PROGRAM)], os.environ | server.environment | settings, folder) as guard:
        yield server if _is_ready(server, guard) else None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_ready(server: Ministack, guard: subprocess.Popen[bytes]) -> bool:
    from botocore.exceptions import BotoCoreError, ClientError

    deadline = time.monotonic() + READY_WITHIN_SECONDS
    with server.client("sqs", attempts=1) as client:
        while time.monotonic() < deadline and guard.poll() is None:
            try:
                client.list_queues()
            except (BotoCoreError, ClientError):
                time.sleep(0.05)
            else:
                return True
    return False
