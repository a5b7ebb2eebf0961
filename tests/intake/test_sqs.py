"""A queue that is told of objects: all are shown, and no message goes before its objects are safe."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from tests.intake.conftest import Shelf
from tests.intake.queueing import received, record, running, until, watching
from tests.servers.ministack import Ministack, NotifiedBucket
from wdprefect.intake.objects import Observed, SeenObject, Status
from wdprefect.intake.sources.outcomes import Outcome
from wdprefect.intake.sources.sqs import Queue
from wdprefect.intake.watch import Watch, Watched

pytestmark = pytest.mark.s3


@pytest.fixture
def bucket(ministack: Ministack) -> Iterator[NotifiedBucket]:
    """A bucket that tells a queue."""
    with ministack.notified() as bucket:
        yield bucket


def test_a_message_stays_until_its_object_is_settled(bucket: NotifiedBucket) -> None:
    """An object is shown as it lies there; its message is in hand until its id is settled, and gone then."""
    shelf = Shelf()
    with running(bucket, watching(bucket, shelf, prefix="in/")) as queue:
        bucket.put("in/a b+é%20.csv", b"12345")
        (seen,) = shelf.wait_for(1)
        assert ("in/a b+é%20.csv", 5, None) == (seen.key, seen.size, seen.version_id)
        until(lambda: (0, 1) == bucket.counts())
        queue.settled([99])
        assert (0, 1) == bucket.counts()
        queue.settled([1])
        until(lambda: (0, 0) == bucket.counts())
        assert 0 == queue.held


@pytest.mark.parametrize("status", ["started", "succeeded", "failed", "moved", "ignored", "lost"])
def test_what_is_settled_already(bucket: NotifiedBucket, status: Status) -> None:
    """A message is deleted at once where the book says that nobody need tell of its object again."""
    shelf = Shelf(status)
    with running(bucket, watching(bucket, shelf)):
        bucket.put("a")
        shelf.wait_for(1)
        until(lambda: (0, 0) == bucket.counts())


def test_what_nobody_wants(bucket: NotifiedBucket) -> None:
    """Other buckets and keys, deletions, trials, and objects that are gone: messages are deleted, nothing is shown."""
    shelf = Shelf()
    bucket.put("out/a")
    bucket.put("in/a.txt")
    bucket.put("in/gone.csv")
    bucket.s3.delete_object(Bucket=bucket.name, Key="in/gone.csv")
    bucket.send(json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent"}))
    bucket.send(json.dumps({"Records": [record("another", "in/a.csv"), record(bucket.name, "in/never.csv")]}))
    bucket.put("in/wanted.csv")
    with running(bucket, watching(bucket, shelf, prefix="in/", regexp=".*[.]csv")):
        shelf.wait_for(1)
        until(lambda: (0, 1) == bucket.counts())
    assert ["in/wanted.csv"] == shelf.keys()


def test_a_message_waits_for_all_its_objects(bucket: NotifiedBucket) -> None:
    """A message with several objects for several watches is deleted when the last of them is settled."""
    for key in ("a/1", "a/2", "b/1"):
        bucket.put(key)
    while messages := received(bucket, visibility=60):
        for message in messages:
            bucket.sqs.delete_message(QueueUrl=bucket.url, ReceiptHandle=message["ReceiptHandle"])
    bucket.send(json.dumps({"Records": [record(bucket.name, key) for key in ("a/1", "a/2", "b/1", "c/1")]}))
    all_of_them, some = Shelf(), Shelf()
    some.ids["", ""] = 1  # its ids are others
    for number in range(2, 100):
        some.ids["", str(number)] = number
    with running(bucket, watching(bucket, all_of_them), watching(bucket, some, prefix="b/")) as queue:
        all_of_them.wait_for(3)
        some.wait_for(1)
        queue.settled([1, 2, 3])
        assert 1 == queue.held
        queue.settled([100])
        until(lambda: (0, 0) == bucket.counts())


def test_settled_before_the_answer(bucket: NotifiedBucket) -> None:
    """An object that is settled while it is still being shown does not keep its message in hand."""
    shelf = Shelf()
    queues: list[Queue] = []

    def show(objects: Sequence[SeenObject]) -> list[Observed]:
        observed = shelf.show(objects)
        queues[0].settled([one.id for one in observed])
        return observed

    # The book is asked again only when a message is renewed: not in this test.
    watched = Watched(Watch(bucket.name), bucket.s3, show)
    with running(bucket, watched, visibility=timedelta(hours=1)) as queue:
        queues.append(queue)
        bucket.put("a")
        shelf.wait_for(1)
        until(lambda: (0, 0) == bucket.counts())


def test_kept_from_others_as_long_as_needed(bucket: NotifiedBucket) -> None:
    """A message in hand is renewed again and again; the book is asked then, so that nobody need call `settled`."""
    shelf, renewals = Shelf(), threading.Semaphore(0)
    event = "after-call.sqs.ChangeMessageVisibilityBatch"
    bucket.sqs.meta.events.register(event, lambda **_: renewals.release())
    with running(bucket, watching(bucket, shelf), visibility=timedelta(seconds=1)):
        bucket.put("a")
        shelf.wait_for(1)
        # Three times the third of a second, and twice as much.
        for _ in range(9):
            assert renewals.acquire(timeout=30)
        assert (0, 1) == bucket.counts()
        shelf.statuses[1] = "started"
        until(lambda: (0, 0) == bucket.counts())
    assert 1 == len(shelf.shown)


def test_duplicates_and_disorder(bucket: NotifiedBucket) -> None:
    """The same event in several messages, and an older one after a newer one: each version is shown as one."""
    bucket.put("a", b"1")
    bucket.put("a", b"22")
    bodies = [message["Body"] for message in received(bucket)]
    for body in reversed(bodies):
        bucket.send(body)
    shelf = Shelf()
    with running(bucket, watching(bucket, shelf)) as queue:
        shelf.wait_for(1)
        until(lambda: 4 == queue.held)
        assert [2] == [one.size for one in shelf.shown]
        queue.settled([1])
        until(lambda: (0, 0) == bucket.counts())


def test_versions(ministack: Ministack) -> None:
    """In a versioned bucket each version that an event names is shown, older ones first, although the key is gone."""
    with ministack.notified(versioned=True) as bucket:
        versions = [bucket.put("a", b"x" * size) for size in (1, 2, 3)]
        bucket.s3.delete_object(Bucket=bucket.name, Key="a")
        shelf = Shelf()
        with running(bucket, watching(bucket, shelf)):
            shown = shelf.wait_for(3)
    assert [*zip(versions, (1, 2, 3), strict=True)] == [(one.version_id, one.size) for one in shown]


def test_after_a_crash(bucket: NotifiedBucket) -> None:
    """What another consumer has received and not deleted comes again, and so does what we had in hand at the end."""
    bucket.put("a")
    assert received(bucket, visibility=1)
    shelf = Shelf()
    with running(bucket, watching(bucket, shelf)):
        shelf.wait_for(1)
        assert (0, 1) == bucket.counts()
    assert (1, 0) == bucket.counts(), "given back at once"
    with running(bucket, watching(bucket, shelf)) as queue:
        until(lambda: queue.held)
        queue.settled([1])
        until(lambda: (0, 0) == bucket.counts())
    assert 1 == len(shelf.shown)


def test_what_comes_after_the_stop(bucket: NotifiedBucket) -> None:
    """The question that was open when the stop came is answered later: that message goes back at once."""
    shelf = Shelf()
    received_by_us = threading.Event()

    def note(parsed: dict[str, Any], **_: object) -> None:
        if parsed.get("Messages"):
            received_by_us.set()

    asked = threading.Event()
    bucket.sqs.meta.events.register("before-call.sqs.ReceiveMessage", lambda **_: asked.set())
    with running(bucket, watching(bucket, shelf), visibility=timedelta(hours=1)):
        assert asked.wait(30)
    bucket.sqs.meta.events.register("after-call.sqs.ReceiveMessage", note)
    bucket.put("a")
    assert received_by_us.wait(30)
    until(lambda: (1, 0) == bucket.counts())
    assert [] == shelf.shown


def test_what_others_have_deleted(bucket: NotifiedBucket) -> None:
    """A message in hand that somebody else has deleted, or whose receipt is out of date, is let go of."""
    handles: list[str] = []

    def note(parsed: dict[str, Any], **_: object) -> None:
        handles.extend(message["ReceiptHandle"] for message in parsed.get("Messages", ()))

    bucket.sqs.meta.events.register("after-call.sqs.ReceiveMessage", note)
    shelf = Shelf()
    with running(bucket, watching(bucket, shelf), visibility=timedelta(seconds=1)) as queue:
        bucket.put("a")
        bucket.put("b")
        shelf.wait_for(2)
        bucket.sqs.delete_message(QueueUrl=bucket.url, ReceiptHandle=handles[0])
        until(lambda: 1 == queue.held)
        bucket.sqs.purge_queue(QueueUrl=bucket.url)
        queue.settled([1, 2])
        until(lambda: 0 == queue.held)


def test_no_more_in_hand_than_allowed(bucket: NotifiedBucket) -> None:
    """Above the bound nothing is received; as messages go, others come, until all have been shown."""
    for number in range(60):
        bucket.put(f"{number}")
    shelf = Shelf()
    with running(bucket, watching(bucket, shelf), most_held=10) as queue:
        for number in range(10, 61, 10):
            shelf.wait_for(number)
            until(lambda: bucket.counts()[1] >= 10)
            # Four receivers may have asked while there was room.
            assert queue.held <= 40
            queue.settled(range(1, number + 1))
        until(lambda: (0, 0) == bucket.counts())


def test_a_burst(bucket: NotifiedBucket) -> None:
    """Many at once, all of them twice: each is shown once, and every message goes."""
    keys = [f"in/{number}" for number in range(100)]
    shelf = Shelf("started")
    outcomes: list[Outcome] = []
    with running(bucket, watching(bucket, shelf), report=outcomes.append), ThreadPoolExecutor(4) as pool:
        list(pool.map(bucket.put, keys))
        list(pool.map(lambda key: bucket.send(json.dumps({"Records": [record(bucket.name, key)]})), keys))
        shelf.wait_for(100)
        until(lambda: (0, 0) == bucket.counts())
    assert keys == sorted(shelf.keys(), key=lambda key: int(key[3:]))
    assert (200, 100, 0) == (
        sum(one.shown.shown for one in outcomes),
        sum(one.shown.new for one in outcomes),
        max(one.failures for one in outcomes),
    )
