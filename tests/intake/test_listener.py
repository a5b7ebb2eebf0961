"""From an object in a bucket to a run that has ended, and what becomes of the object, on a real S3 server and book."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import MemoryStorage
from tests.intake.conftest import Bucket
from tests.running import flow_of
from tests.workspace.watching import wait_until
from wdprefect.errors import WdprefectError
from wdprefect.intake.book import Book, open_book
from wdprefect.intake.duty import Duty
from wdprefect.intake.health import Health
from wdprefect.intake.listener import Listener
from wdprefect.intake.runs import ObjectSeen, RunLook, RunOrder, RunState
from wdprefect.intake.watch import Watch
from wdprefect.model.stop import Stop
from wdprefect.plugins.aws._moves import MoveTo

LOG = "{id: say, type: io.kestra.plugin.core.log.Log, message: hello}"


@dataclass
class Made:
    """The port Runs in memory: runs that end as `ends` says, one call of `look` after they were made."""

    ends: Callable[[RunOrder], RunState] = lambda _: "succeeded"
    orders: dict[str, RunOrder] = field(default_factory=dict)
    events: list[ObjectSeen] = field(default_factory=list)
    alarms: list[str] = field(default_factory=list)
    recoveries: list[str] = field(default_factory=list)
    fails: list[WdprefectError] = field(default_factory=list)
    most_at_a_time: int = 0
    _over: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self, order: RunOrder) -> str:
        with self._lock:
            if self.fails:
                raise self.fails.pop(0)
            self.orders.setdefault(order.key, order)
            self.most_at_a_time = max(self.most_at_a_time, len(self.orders) - len(self._over))
        return f"run-of-{order.key}"

    def carry_out(self, run_id: str, flow: str, *, is_orphan: bool) -> None: ...

    def look(self, run_ids: Sequence[str]) -> dict[str, RunLook]:
        with self._lock:
            self._over.update(run_id.removeprefix("run-of-") for run_id in run_ids)
            return {run_id: self._look(self.orders[run_id.removeprefix("run-of-")]) for run_id in run_ids}

    def _look(self, order: RunOrder) -> RunLook:
        state = self.ends(order)
        return RunLook(state, "" if state == "succeeded" else f"it was {state}")

    def announce(self, objects: Sequence[ObjectSeen]) -> None:
        self.events += objects

    def alarm(self, trigger: str, code: str, text: str) -> None:
        self.alarms.append(code)

    def recovered(self, trigger: str) -> None:
        self.recoveries.append(trigger)

    def batches(self) -> list[list[str]]:
        """The keys of the objects of each run."""
        return [[one["key"] for one in order.trigger["objects"]] for order in self.orders.values()]


@dataclass
class Post:
    """A listener's surroundings for one trigger."""

    bucket: Bucket
    book: Book
    runs: Made = field(default_factory=Made)
    said: list[str] = field(default_factory=list)
    storage: Any = field(default_factory=MemoryStorage)

    def duty(self, **more: Any) -> Duty:
        given: dict[str, Any] = {
            "flow": flow_of(f"- {LOG}"),
            "trigger_id": "t",
            "state_key": "team_made_t",
            "watch": Watch(self.bucket.name, prefix="raw/"),
            "wanted": "CREATE_OR_UPDATE",
            "client": self.bucket.client,
            "storage": self.storage,
            "action": "NONE",
            "archive": None,
            "failures": None,
            "size": 1,
            "limit": 4,
            "interval": timedelta(seconds=0.2),
        }
        return Duty(**{**given, **more})

    def archive(self, key: str = "archive/") -> MoveTo:
        return MoveTo(key=key)

    @contextmanager
    def listening(self, begin: Any = "beginning", **more: Any) -> Iterator[Listener]:
        """While the block runs, a listener listens."""
        health = Health(self.book, self.runs, lambda level, text: self.said.append(f"{level} {text}"))
        listener = Listener([self.duty(**more)], self.book, self.runs, health, begin, lambda: None)
        stop = Stop()
        thread = threading.Thread(target=listener.listen, args=(stop,))
        with listener.leasing():
            listener.open()
            thread.start()
            try:
                yield listener
            finally:
                stop.request()
                thread.join()

    def there(self, prefix: str = "") -> list[str]:
        found = self.bucket.client.list_objects_v2(Bucket=self.bucket.name, Prefix=prefix)
        return [item["Key"] for item in found.get("Contents", ())]

    def wait_for_the_next_second(self, key: str) -> None:
        modified = self.bucket.client.head_object(Bucket=self.bucket.name, Key=key)["LastModified"]
        wait_until(lambda: time.time() >= modified.timestamp() + 1)

    def statuses(self) -> dict[str, str]:
        return {one.seen.key: one.status for one in self.book.objects("team_made_t")}


@pytest.fixture
def post(bucket: Bucket, tmp_path: Path) -> Iterator[Post]:
    """A bucket with nothing in it, and a new book."""
    book = open_book(f"sqlite:///{tmp_path / 'book.db'}")
    yield Post(bucket, book)
    book.close()


def test_move(post: Post) -> None:
    """An object is staged, its run gets it, and after that it is below the archive, with its path kept."""
    with post.listening(action="MOVE", archive=post.archive()):
        post.bucket.put("raw/a/x.csv", body=b"content")
        wait_until(lambda: post.there() == ["archive/a/x.csv"])
        wait_until(lambda: post.statuses() == {"raw/a/x.csv": "moved"})
    (order,) = post.runs.orders.values()
    (record,) = order.trigger["objects"]
    assert ("raw/a/x.csv", 7, "CREATE") == (record["key"], record["size"], record["changeType"])
    assert b"content" == post.storage.read(record["uri"])
    assert "team.made" == order.flow


def test_delete(post: Post) -> None:
    """After success the object is deleted."""
    with post.listening(action="DELETE"):
        post.bucket.put("raw/x.csv")
        wait_until(lambda: post.statuses() == {"raw/x.csv": "moved"})
    assert [] == post.there()


def test_failed_runs(post: Post) -> None:
    """The object of a run that failed stays where it is, and does not fire again."""
    post.runs.ends = lambda _: "failed"
    with post.listening(action="MOVE", archive=post.archive()):
        post.bucket.put("raw/x.csv")
        wait_until(lambda: post.statuses() == {"raw/x.csv": "failed"})
    assert (["raw/x.csv"], 1) == (post.there(), len(post.runs.orders))


def test_failures_have_a_place(post: Post) -> None:
    """With a place for failures the object goes there."""
    post.runs.ends = lambda _: "failed"
    with post.listening(action="DELETE", failures=post.archive("bad")):
        post.bucket.put("raw/x.csv")
        wait_until(lambda: post.there() == ["bad/x.csv"])


def test_crashed_run(post: Post) -> None:
    """A run that was ended from outside is made anew, and its objects are moved when that succeeds."""
    post.runs.ends = lambda order: "crashed" if order.key.endswith("/1") else "succeeded"
    with post.listening(action="DELETE"):
        post.bucket.put("raw/x.csv")
        wait_until(lambda: post.statuses() == {"raw/x.csv": "moved"})
    assert ["1", "2"] == [key.rpartition("/")[2] for key in post.runs.orders]


def test_always_crashing(post: Post) -> None:
    """After three crashes the object has failed."""
    post.runs.ends = lambda _: "crashed"
    with post.listening():
        post.bucket.put("raw/x.csv")
        wait_until(lambda: post.statuses() == {"raw/x.csv": "failed"})
    assert 3 == len(post.runs.orders)


def test_batches(post: Post) -> None:
    """A run gets as many objects as it may, and every object is in one run."""
    keys = [f"raw/{number}.csv" for number in range(7)]
    post.bucket.put(*keys)
    with post.listening(size=3):
        wait_until(lambda: set(post.statuses().values()) == {"succeeded"})
    assert (keys, 3) == (sorted(key for batch in post.runs.batches() for key in batch), len(post.runs.orders))


def test_limit(post: Post) -> None:
    """No more runs at a time than allowed."""
    post.bucket.put(*(f"raw/{number}.csv" for number in range(6)))
    with post.listening(limit=2):
        wait_until(lambda: set(post.statuses().values()) == {"succeeded"})
    assert (6, 2) == (len(post.runs.orders), post.runs.most_at_a_time)


def test_from_now(post: Post) -> None:
    """What was there before the first start can be left alone; how much that is is said."""
    post.bucket.put("raw/old.csv")
    # S3 tells whole seconds, and what came in the second of the start is taken.
    post.wait_for_the_next_second("raw/old.csv")
    with post.listening("now"):
        wait_until(lambda: post.statuses() == {"raw/old.csv": "ignored"})
        post.bucket.put("raw/new.csv")
        wait_until(lambda: post.statuses().get("raw/new.csv") == "succeeded")
    assert [["raw/new.csv"]] == post.runs.batches()
    assert any("1 object there already, left alone (--from beginning takes them)" in line for line in post.said)
