"""The messages of a queue that we have in hand: received, and not to be deleted before their objects are safe."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from wdprefect.intake.objects import Observed, SeenObject, Status
from wdprefect.intake.watch import Watched

# Whoever told of an object with one of these need not tell again.
SETTLED: frozenset[Status] = frozenset({"started", "succeeded", "failed", "moved", "ignored", "lost"})


@dataclass(slots=True, eq=False)
class Message:
    """A message as it was received. handle: by which this receipt of it is deleted or kept from others.

    waits_for: the objects that are not settled, by id. is_done: whether it may be deleted. renewed: when it was last
    kept from others, in seconds of the monotonic clock.
    """

    id: str
    handle: str
    body: str
    receives: int
    renewed: float = field(default_factory=time.monotonic)
    waits_for: dict[int, tuple[Watched, SeenObject]] = field(default_factory=dict)
    is_done: bool = False


class Held:
    """Messages in hand, and what each of them waits for. Safe to use from several threads."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._messages: dict[str, Message] = {}
        self._done: list[Message] = []
        self._changed = threading.Condition()
        # What is settled while objects are being shown: the answer to that may still say that they are not.
        self._showing, self._settled_meanwhile = 0, set[int]()
        self._closed = False

    def __len__(self) -> int:
        with self._changed:
            return len(self._messages)

    def wait_for_room(self) -> bool:
        """Returns when there is room for more messages; False when there will be none."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or len(self._messages) < self._most)
            return not self._closed

    def add(self, messages: Iterable[Message]) -> bool:
        """Take messages in hand. A second receipt of one takes the place of the first. False when it is too late."""
        with self._changed:
            if not self._closed:
                self._messages.update({message.id: message for message in messages})
            return not self._closed

    def drop(self, messages: Iterable[Message]) -> None:
        """Let go of messages, whatever they wait for."""
        with self._changed:
            for message in messages:
                self._forget(message)
            self._changed.notify_all()

    @contextmanager
    def showing(self) -> Iterator[None]:
        """While objects are shown and what they wait for is noted, nothing that is settled is missed."""
        with self._changed:
            self._showing += 1
        try:
            yield
        finally:
            with self._changed:
                self._showing -= 1
                if not self._showing:
                    self._settled_meanwhile.clear()

    def wait_for_objects(self, message: Message, entries: Sequence[tuple[Watched, SeenObject, Observed]]) -> None:
        """From now on the message waits for those objects that are not settled. To be called while showing."""
        with self._changed:
            settled = self._settled_meanwhile
            message.waits_for = {
                observed.id: (watched, seen)
                for watched, seen, observed in entries
                if observed.status not in SETTLED and observed.id not in settled
            }
            self._note_if_done(message)

    def settle(self, ids: Iterable[int]) -> None:
        """These objects need nobody to tell of them again."""
        settled = set(ids)
        with self._changed:
            if self._showing:
                self._settled_meanwhile |= settled
            for message in list(self._messages.values()):
                if not settled.isdisjoint(message.waits_for):
                    message.waits_for = {id_: one for id_, one in message.waits_for.items() if id_ not in settled}
                    self._note_if_done(message)

    def take_done(self, most: int, seconds: float) -> list[Message]:
        """Up to so many messages that may be deleted, once there is one; none when the time is over or it is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._done, seconds)
            taken, self._done = self._done[:most], self._done[most:]
            return taken

    def put_back(self, messages: Iterable[Message]) -> None:
        """They could not be deleted."""
        with self._changed:
            self._done += [one for one in messages if self._messages.get(one.id) is one]

    def older_than(self, renewed: float) -> list[Message]:
        """The messages that were last renewed before that."""
        with self._changed:
            return [message for message in self._messages.values() if message.renewed < renewed]

    def waiting(self, messages: Iterable[Message]) -> list[tuple[Watched, list[tuple[int, SeenObject]]]]:
        """What these messages wait for, by watch."""
        with self._changed:
            by_watch: dict[int, tuple[Watched, dict[int, SeenObject]]] = {}
            for message in messages:
                for id_, (watched, seen) in message.waits_for.items():
                    by_watch.setdefault(id(watched), (watched, {}))[1][id_] = seen
            return [(watched, list(objects.items())) for watched, objects in by_watch.values()]

    def close(self) -> list[Message]:
        """No more messages from now on; those that were in hand and are not done."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            return [message for message in self._messages.values() if not message.is_done]

    def _note_if_done(self, message: Message) -> None:
        if not message.waits_for and not message.is_done and self._messages.get(message.id) is message:
            message.is_done = True
            self._done.append(message)
            self._changed.notify_all()

    def _forget(self, message: Message) -> None:
        if self._messages.get(message.id) is message:
            del self._messages[message.id]
