"""A queue at work, and what is in it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.intake.conftest import Shelf
from tests.servers.ministack import NotifiedBucket
from wdprefect.intake.sources.outcomes import Outcome
from wdprefect.intake.sources.sqs import Queue
from wdprefect.intake.watch import Watch, Watched
from wdprefect.model.stop import Stop


@contextmanager
def running(
    bucket: NotifiedBucket, *watches: Watched, report: Callable[[Outcome], None] | None = None, **settings: Any
) -> Iterator[Queue]:
    """A queue at work, stopped at the end."""
    queue, stop = Queue(bucket.sqs, bucket.url, watches, report or (lambda _: None), **settings), Stop()
    thread = threading.Thread(target=queue.run, args=(stop,))
    thread.start()
    try:
        yield queue
    finally:
        stop.request()
        thread.join(30)
    assert not thread.is_alive()


def watching(bucket: NotifiedBucket, shelf: Shelf, **settings: Any) -> Watched:
    return Watched(Watch(bucket.name, **settings), bucket.s3, shelf.show)


def until(condition: Callable[[], object], seconds: float = 30) -> None:
    """Wait for something that no event tells of."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it does not come about"
        time.sleep(0.01)


def record(bucket: str, key: str, **made: Any) -> dict[str, Any]:
    return {
        "eventSource": "aws:s3",
        "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": bucket}, "object": {"key": key, **made}},
    }


def received(bucket: NotifiedBucket, visibility: int = 0) -> list[dict[str, Any]]:
    """What a consumer gets that forgets it at once."""
    answer = bucket.sqs.receive_message(
        QueueUrl=bucket.url,
        MaxNumberOfMessages=10,
        WaitTimeSeconds=1,
        VisibilityTimeout=visibility,
        MessageSystemAttributeNames=["ApproximateReceiveCount"],
    )
    return list(answer.get("Messages", []))
