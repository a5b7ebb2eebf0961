"""A queue of SQS that is told of objects: within tens of milliseconds, and no message is deleted too early."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from wdprefect.intake.events import Reading, read_events
from wdprefect.intake.sources.held import SETTLED, Held, Message
from wdprefect.intake.sources.outcomes import Fault, Outcome, Report, fault_of
from wdprefect.intake.sources.pushed import Pushes, Taken
from wdprefect.intake.watch import Shown, Watched
from wdprefect.model.stop import Stop

if TYPE_CHECKING:
    from botocore.client import BaseClient

PERMISSION = "sqs:ReceiveMessage, sqs:DeleteMessage, sqs:ChangeMessageVisibility and sqs:GetQueueAttributes"
MOST_HELD = 1000
RECEIVERS = 4
# What is received and neither deleted nor renewed for so long comes to somebody else.
VISIBILITY = timedelta(seconds=30)
# SQS answers as soon as there is a message, and keeps a question open for 20 seconds at most.
_WAIT_SECONDS = 20
_HELPER_WAIT_SECONDS = 1
_BATCH = 10
# A message that cannot be read and that no queue for dead letters takes is deleted after so many receipts.
_MOST_RECEIVES = 10
_LONGEST_PAUSE_SECONDS = 60.0
_ENDING_SECONDS = 5.0
_LOG = logging.getLogger(__name__)


class Queue:
    """Shows what the messages of a queue tell of, and deletes each message when its objects are safe.

    client: a boto3 SQS client whose read timeout is longer than 20 seconds, as the default is. What nobody of
    `watches` wants is deleted: a queue is for one owner and all his watches.
    """

    def __init__(
        self,
        client: BaseClient,
        url: str,
        watches: Sequence[Watched],
        report: Report,
        *,
        most_held: int = MOST_HELD,
        visibility: timedelta = VISIBILITY,
    ) -> None:
        self._client, self._url, self._report = client, url, report
        self._held, self._pushes = Held(most_held), Pushes(watches)
        self._visibility = visibility
        self._name = f"queue {url}"
        # Set by a full answer: there may be more than one receiver can take.
        self._is_busy = threading.Event()
        self._working, self._idle = 0, threading.Condition()
        self._failures = 0

    @property
    def held(self) -> int:
        """How many messages are in hand."""
        return len(self._held)

    def settled(self, ids: Iterable[int]) -> None:
        """Objects, by their ids in the book, of which nobody need tell again: messages that wait for them alone go.

        May be called from any thread, for any objects. What it is not called for is asked of the book now and then.
        """
        self._held.settle(ids)

    def run(self, stop: Stop) -> None:
        """Receive until the stop, and return at once then; messages that are not settled are given back."""
        threads = [
            # Nobody waits for a question that SQS keeps open; what it may still bring is given back by its thread.
            threading.Thread(target=self._receive_until, args=(stop, number), name=f"sqs-{number}", daemon=True)
            for number in range(RECEIVERS)
        ]
        with stop.calling(self._close):
            for thread in threads:
                thread.start()
            self._look_after(stop)
        with self._idle:
            self._idle.wait_for(lambda: not self._working, _ENDING_SECONDS)
        self._pushes.close()
        with suppress(Exception):  # nothing is lost: they come again when their time is over
            for done in _batches(self._held.take_done(MOST_HELD, 0)):
                self._delete(done)
            self._hide_until(self._held.close(), seconds=0)

    def _close(self) -> None:
        self._held.close()
        self._is_busy.set()

    # What receivers do.

    def _receive_until(self, stop: Stop, number: int) -> None:
        """The first receiver goes on until the stop; the others help as long as there is more than it can take."""
        while not stop.requested:
            if number:
                self._is_busy.wait()
            if not self._held.wait_for_room():
                return
            if not self._receive(stop, _HELPER_WAIT_SECONDS if number else _WAIT_SECONDS) and number:
                self._is_busy.clear()

    def _receive(self, stop: Stop, wait_seconds: int) -> bool:
        """Whether messages came; they are worked on when it returns."""
        try:
            answer = self._client.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=_BATCH,
                WaitTimeSeconds=wait_seconds,
                VisibilityTimeout=int(self._visibility.total_seconds()),
                MessageSystemAttributeNames=["ApproximateReceiveCount"],
            )
        except Exception as error:  # noqa: BLE001  # whatever it is, the owner is told and the next try comes
            if not stop.requested:
                self._failed([self._fault(error, "receive from")], Shown(), 0.0)
                stop.wait(self._pause())
            return False
        messages = [_message(one) for one in answer.get("Messages", ())]
        if len(messages) == _BATCH:
            self._is_busy.set()
        if messages:
            self._work_on(messages, stop)
        elif self._failures:
            # It answers again, although it has nothing to say.
            self._tell([], 0.0)
        return bool(messages)

    def _work_on(self, messages: Sequence[Message], stop: Stop) -> None:
        with self._idle:
            self._working += 1
        try:
            if self._held.add(messages):
                self._take(messages, stop)
            else:
                self._hide_until(messages, seconds=0)
        except Exception as error:  # noqa: BLE001  # as above; after the stop what is used here may be closed
            if not stop.requested:
                self._failed([self._fault(error, "take messages from")], Shown(), 0.0)
                self._give_back(messages, int(self._pause()))
        finally:
            with self._idle:
                self._working -= 1
                self._idle.notify_all()

    def _take(self, messages: Sequence[Message], stop: Stop) -> None:
        """Show what the messages tell of, again and again as long as what prevents it may pass."""
        left = [(message, read_events(message.body)) for message in messages]
        while left and not stop.requested:
            start = time.monotonic()
            with self._held.showing():
                taken = self._pushes.take([reading.events for _, reading in left])
                for (message, reading), one in zip(left, taken, strict=True):
                    self._after(message, reading, one)
            self._tell(taken, time.monotonic() - start)
            left = [each for each, one in zip(left, taken, strict=True) if one.faults and one.is_passing]
            if left:
                stop.wait(self._pause())

    def _after(self, message: Message, reading: Reading, taken: Taken) -> None:
        if taken.faults:
            if not taken.is_passing:
                # Somebody must do something; meanwhile others are to have their turn.
                self._give_back([message], seconds=min(2**message.receives, 300))
        elif reading.problems:
            self._refuse(message, reading)
        else:
            self._held.wait_for_objects(message, taken.entries)

    def _refuse(self, message: Message, reading: Reading) -> None:
        """Leave what cannot be read to the queue for dead letters; without one delete it some time, saying so."""
        problems = "; ".join(reading.problems[:3])
        said = f"message {message.id} of {self._name} cannot be read, receipt {message.receives}: {problems}"
        if message.receives > _MOST_RECEIVES and self._has_no_dead_letters():
            _LOG.error("%s; it is deleted, for no queue takes dead letters: %.2000r", said, message.body)
            self._held.wait_for_objects(message, ())
            return
        _LOG.warning("%s; it is left to the queue for dead letters, if there is one", said)
        self._give_back([message], seconds=min(message.receives - 1, 60))

    def _has_no_dead_letters(self) -> bool:
        """Whether it is certain that nobody takes what is received too often."""
        try:
            answer = self._client.get_queue_attributes(QueueUrl=self._url, AttributeNames=["RedrivePolicy"])
        except Exception:  # noqa: BLE001  # who may not ask does not know
            return False
        return not answer.get("Attributes", {}).get("RedrivePolicy")

    # What the thread of `run` does.

    def _look_after(self, stop: Stop) -> None:
        period = self._visibility.total_seconds() / 3
        failures = 0
        while not stop.requested:
            done = self._held.take_done(_BATCH, period / 2)
            deleted = self._tried(partial(self._delete, done), "delete messages of", failures)
            if not deleted:
                self._held.put_back(done)
            # Whether or not messages can be deleted, the others are to stay in hand.
            renewed = self._tried(lambda: self._renew(time.monotonic() - period), "renew receipts of", failures)
            failures = 0 if deleted and renewed else failures + 1
            if failures:
                stop.wait(min(0.5 * failures, period / 2))

    def _tried(self, work: Callable[[], None], doing: str, failures: int) -> bool:
        try:
            work()
        except Exception as error:  # noqa: BLE001  # as for receiving
            self._report(Outcome(self._name, Shown(), 0.0, self._fault(error, doing), failures + 1))
            return False
        return True

    def _delete(self, messages: Sequence[Message]) -> None:
        if not messages:
            return
        answer = self._client.delete_message_batch(QueueUrl=self._url, Entries=_entries(messages))
        # A receipt that is out of date deletes nothing. The message comes again, and its objects are known then.
        again = [messages[int(one["Id"])] for one in answer.get("Failed", ()) if not one.get("SenderFault")]
        self._held.put_back(again)
        self._held.drop(one for one in messages if one not in again)

    def _renew(self, before: float) -> None:
        """Keep the messages in hand from others; those whose objects have been settled meanwhile are found out."""
        old = self._held.older_than(before)
        self._ask_the_book(old)
        self._hide_until(old, seconds=int(self._visibility.total_seconds()))

    def _ask_the_book(self, messages: Sequence[Message]) -> None:
        for watched, objects in self._held.waiting(messages):
            with suppress(Exception):  # the book may be away; the messages stay in hand
                observed = watched.show([seen for _, seen in objects])
                settled = [id_ for (id_, _), one in zip(objects, observed, strict=True) if one.status in SETTLED]
                self._held.settle(settled)

    # What both do.

    def _give_back(self, messages: Sequence[Message], seconds: int) -> None:
        """Let others have the messages, after so many seconds."""
        self._held.drop(messages)
        with suppress(Exception):  # then they come when their time is over
            self._hide_until(messages, seconds)

    def _hide_until(self, messages: Sequence[Message], seconds: int) -> None:
        for some in _batches(messages):
            entries = _entries(some, {"VisibilityTimeout": seconds})
            answer = self._client.change_message_visibility_batch(QueueUrl=self._url, Entries=entries)
            for message in some:
                message.renewed = time.monotonic()
            # Somebody else has received it or deleted it, or it is in hand for 12 hours, the longest that SQS allows:
            # then it comes anew.
            self._held.drop(some[int(one["Id"])] for one in answer.get("Failed", ()) if one.get("SenderFault"))

    def _tell(self, taken: Sequence[Taken], seconds: float) -> None:
        shown = sum((one.shown for one in taken), Shown())
        faults = [fault for one in taken for fault in one.faults]
        if faults:
            self._failed(faults, shown, seconds)
        else:
            self._failures = 0
            self._report(Outcome(self._name, shown, seconds))

    def _failed(self, faults: Sequence[Fault], shown: Shown, seconds: float) -> None:
        self._failures += 1
        self._report(Outcome(self._name, shown, seconds, faults[0], self._failures))

    def _fault(self, error: Exception, doing: str) -> Fault:
        return fault_of(error, f"{doing} the {self._name}", PERMISSION)

    def _pause(self) -> float:
        doublings = min(self._failures, 10)
        return min(0.5 * float(2**doublings), _LONGEST_PAUSE_SECONDS)


def _message(received: Mapping[str, Any]) -> Message:
    receives = received.get("Attributes", {}).get("ApproximateReceiveCount", "1")
    return Message(received["MessageId"], received["ReceiptHandle"], received.get("Body", ""), int(receives))


def _entries(messages: Sequence[Message], more: Mapping[str, int] | None = None) -> list[dict[str, Any]]:
    return [{"Id": str(at), "ReceiptHandle": one.handle, **(more or {})} for at, one in enumerate(messages)]


def _batches(messages: Iterable[Message]) -> Iterable[list[Message]]:
    rest = iter(messages)
    return iter(lambda: list(islice(rest, _BATCH)), [])
