"""A queue that is told of objects: all are shown, and no message goes before its objects are safe."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from tests.intake.conftest import Shelf, stubbed
from tests.servers.ministack import Ministack, NotifiedBucket
from wdprefect.errors import Unavailable
from wdprefect.intake.objects import Observed, SeenObject, Status
from wdprefect.intake.sources.outcomes import Outcome
from wdprefect.intake.sources.sqs import PERMISSION, Queue
from wdprefect.intake.watch import Watch, Watched
from wdprefect.model.stop import Stop

pytestmark = pytest.mark.s3


@pytest.fixture
def bucket(ministack: Ministack) -> Iterator[NotifiedBucket]:
    """A bucket that tells a queue."""
    with ministack.notified() as bucket:
        yield bucket


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


def test_dead_letters(ministack: Ministack, caplog: pytest.LogCaptureFixture) -> None:
    """What cannot be read is logged with its id and goes to the queue for dead letters; its good part is shown."""
    with ministack.notified(receives=2) as bucket:
        bucket.put("a")
        until(lambda: received(bucket))
        shelf = Shelf("started")
        body = json.dumps({"Records": [record(bucket.name, "a"), 5]})
        id_ = bucket.send(body)
        with running(bucket, watching(bucket, shelf)):
            until(lambda: [body] == bucket.dead())
            until(lambda: (0, 0) == bucket.counts())
    assert ["a"] == shelf.keys()
    assert (
        f"message {id_} of queue {bucket.url} cannot be read, receipt 1: record 1: it is a number and no object; it is"
        in (caplog.text)
    )


def test_no_dead_letters(bucket: NotifiedBucket, caplog: pytest.LogCaptureFixture) -> None:
    """Without such a queue it is deleted after more than ten receipts, and the log has all of it."""
    id_ = bucket.send("nonsense")
    for number in range(1, 11):
        (message,) = received(bucket)
        assert str(number) == message["Attributes"]["ApproximateReceiveCount"]
    with running(bucket, watching(bucket, Shelf())):
        until(lambda: (0, 0) == bucket.counts())
    (said,) = [one.message for one in caplog.records if one.levelname == "ERROR"]
    assert (
        f"message {id_} of queue {bucket.url} cannot be read, receipt 11: the body is no JSON: Expecting value: line 1 "
        "column 1 (char 0); it is deleted, for no queue takes dead letters: 'nonsense'"
    ) == said


def test_the_book_is_away(bucket: NotifiedBucket) -> None:
    """As long as objects cannot be shown their messages stay in hand, and it is tried again and reported."""
    shelf = Shelf("started", fails=[Unavailable("the book is closed")] * 2)
    outcomes: list[Outcome] = []
    bucket.put("a")
    with running(bucket, watching(bucket, shelf), report=outcomes.append):
        shelf.wait_for(1)
        until(lambda: (0, 0) == bucket.counts())
    assert [1, 2, 0] == [one.failures for one in outcomes]
    assert f"cannot take in what lies in the bucket '{bucket.name}': the book is closed" == str(outcomes[0].fault)


def test_an_object_that_may_not_be_looked_at(bucket: NotifiedBucket) -> None:
    """A refusal is reported, the message goes back for later, and others are shown all the same."""
    client, stubber = stubbed()
    stubber.add_client_error("head_object", "403", http_status_code=403)
    shelf = Shelf("started")
    outcomes: list[Outcome] = []
    bucket.put("no/a")
    bucket.put("yes/a")
    forbidden = Watched(Watch(bucket.name, prefix="no/"), client, shelf.show)
    with running(bucket, forbidden, watching(bucket, shelf, prefix="yes/"), report=outcomes.append):
        shelf.wait_for(1)
        until(lambda: any(one.fault for one in outcomes))
        until(lambda: 1 == sum(bucket.counts()))
    client.close()
    assert ["yes/a"] == shelf.keys()
    assert (
        f"cannot look at 'no/a' in the bucket '{bucket.name}' at https://s3.eu-central-1.amazonaws.com: access is "
        "denied (403); allow s3:GetObject, s3:GetObjectVersion and s3:ListBucket; without the last a missing object "
        "looks like this"
    ) in [str(one.fault) for one in outcomes]


def first_fault(client: Any, url: str) -> str:
    """What is reported first of a queue."""
    stop, faults = Stop(), []

    def report(outcome: Outcome) -> None:
        faults.append(str(outcome.fault))
        stop.request()

    Queue(client, url, [], report).run(stop)
    return faults[0]


def test_no_such_queue(ministack: Ministack) -> None:
    """A queue that is not there is reported, with what to do."""
    url = f"{ministack.endpoint}/000000000000/{uuid.uuid4()}"
    with ministack.client("sqs") as client:
        said = first_fault(client, url)
    assert f"cannot receive from the queue {url}: there is no such queue (" in said
    assert said.endswith("make it, or correct 'queueUrl'")


def test_a_queue_that_may_not_be_read() -> None:
    """A missing permission is named."""
    client, stubber = stubbed("sqs")
    stubber.add_client_error("receive_message", "AccessDenied", http_status_code=403)
    url = "https://sqs.eu-central-1.amazonaws.com/1/q"
    expected = (
        f"cannot receive from the queue {url}: access is denied (AccessDenied); allow sqs:ReceiveMessage, "
        "sqs:DeleteMessage, sqs:ChangeMessageVisibility and sqs:GetQueueAttributes"
    )
    assert expected == first_fault(client, url)
    client.close()


def test_messages_that_may_not_be_deleted(bucket: NotifiedBucket) -> None:
    """What cannot be deleted is reported and tried again, and what is not settled is renewed all the same."""
    outcomes: list[Outcome] = []
    refused, renewals = threading.Semaphore(0), threading.Semaphore(0)

    def refuse(**_: object) -> Any:
        refused.release()
        error = {"Error": {"Code": "AccessDenied"}, "ResponseMetadata": {"HTTPStatusCode": 403}}
        return SimpleNamespace(status_code=403), error

    # The server of the tests allows everything.
    event = "before-call.sqs.DeleteMessageBatch"
    bucket.sqs.meta.events.register_first(event, refuse)
    bucket.sqs.meta.events.register("after-call.sqs.ChangeMessageVisibilityBatch", lambda **_: renewals.release())
    shelf = Shelf()
    with running(bucket, watching(bucket, shelf), report=outcomes.append, visibility=timedelta(seconds=1)) as queue:
        bucket.put("a")
        bucket.put("b")
        shelf.wait_for(2)
        until(lambda: 2 == queue.held)
        queue.settled([1])
        for _ in range(3):
            assert refused.acquire(timeout=30)
        for _ in range(4):
            assert renewals.acquire(timeout=30)
        assert (2, (0, 2)) == (queue.held, bucket.counts())
        bucket.sqs.meta.events.unregister(event, refuse)
        until(lambda: 1 == queue.held)
    expected = f"the queue {bucket.url}: access is denied (AccessDenied); allow {PERMISSION}"
    assert {f"cannot delete messages of {expected}"} == {str(one.fault) for one in outcomes if one.fault}


def test_a_queue_that_comes_back(bucket: NotifiedBucket) -> None:
    """A queue that is not there, and is made then, is read as soon as it is there."""
    bucket.sqs.delete_queue(QueueUrl=bucket.url)
    shelf = Shelf("started")
    outcomes: list[Outcome] = []
    with running(bucket, watching(bucket, shelf), report=outcomes.append):
        until(lambda: any(one.fault for one in outcomes))
        assert bucket.url == bucket.sqs.create_queue(QueueName=bucket.name)["QueueUrl"]
        bucket.put("a")
        shelf.wait_for(1)
        until(lambda: (0, 0) == bucket.counts())
    assert 0 == outcomes[-1].failures
