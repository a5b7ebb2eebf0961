"""A queue whose messages cannot be read, taken in or deleted, or that is not there: nothing is lost, all is said."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from tests.intake.conftest import Shelf, stubbed
from tests.intake.queueing import received, record, running, until, watching
from tests.servers.ministack import Ministack, NotifiedBucket
from wdprefect.errors import Unavailable
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
