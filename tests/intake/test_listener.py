"""From an object in a bucket to a run that has ended, and what becomes of the object, on a real S3 server and book."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import MemoryStorage
from tests.intake.conftest import Bucket
from tests.running import flow_of
from tests.workspace.watching import wait_until
from wdprefect.errors import StorageError, Unavailable, UsageError, WdprefectError
from wdprefect.intake.book import Book, open_book
from wdprefect.intake.duty import Duty
from wdprefect.intake.health import Health
from wdprefect.intake.listener import Listener
from wdprefect.intake.runs import ObjectSeen, RunLook, RunOrder, RunRefused, RunState
from wdprefect.intake.versions import look
from wdprefect.intake.watch import Watch
from wdprefect.model.ports import StoredFile
from wdprefect.model.stop import Stop
from wdprefect.plugins.aws._moves import MoveTo
from wdprefect.storage.s3 import S3Storage

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
    on_start: Callable[[], None] = lambda: None
    most_at_a_time: int = 0
    _over: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self, order: RunOrder) -> str:
        self.on_start()
        with self._lock:
            if self.fails:
                raise self.fails.pop(0)
            self.orders.setdefault(order.key, order)
            self.most_at_a_time = max(self.most_at_a_time, len(self.orders) - len(self._over))
        return f"run-of-{order.key}"

    def carry_out(self, run_id: str, flow: str, *, is_orphan: bool) -> bool:
        return True

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
    listener: Listener = field(init=False)

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

    def listening(self, begin: Any = "beginning", **more: Any) -> AbstractContextManager[Listener]:
        """While the block runs, a listener listens."""
        return self.listening_to(self.duty(**more), begin)

    @contextmanager
    def listening_to(self, duty: Duty, begin: Any = "beginning") -> Iterator[Listener]:
        """While the block runs, a listener does its duty."""
        health = Health(self.book, self.runs, lambda level, text: self.said.append(f"{level} {text}"))
        listener = self.listener = Listener([duty], self.book, self.runs, health, begin, lambda: None)
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

    def wait_for_the_next_second(self) -> None:
        """S3 tells the times of objects in whole seconds."""
        second = int(time.time())
        wait_until(lambda: time.time() >= second + 1)

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
    post.wait_for_the_next_second()
    with post.listening("now"):
        wait_until(lambda: post.statuses() == {"raw/old.csv": "ignored"})
        post.bucket.put("raw/new.csv")
        wait_until(lambda: post.statuses().get("raw/new.csv") == "succeeded")
    assert [["raw/new.csv"]] == post.runs.batches()
    assert any("1 object there already, left alone (--from beginning takes them)" in line for line in post.said)


def test_overwritten_before_it_was_read(post: Post) -> None:
    """Without versions, what was overwritten before it was read is lost, is said to be, and the newer one is taken."""
    post.bucket.put("raw/x.csv", body=b"old")
    old = look(post.bucket.client, post.bucket.name, "raw/x.csv")
    assert old
    post.book.enroll("team_made_t", "team.made", "t")
    post.book.observe("team_made_t", "CREATE_OR_UPDATE", [old], source="poll")
    post.wait_for_the_next_second()
    post.bucket.put("raw/x.csv", body=b"new")
    with post.listening():
        wait_until(lambda: {"lost", "succeeded"} == {one.status for one in post.book.objects("team_made_t")})
    (order,) = post.runs.orders.values()
    assert b"new" == post.storage.read(order.trigger["objects"][0]["uri"])
    assert "INFO team.made/t: raw/x.csv: it was deleted or overwritten before it could be read" in post.said


def test_versions(post: Post) -> None:
    """In a bucket with versions each version has a run, with its own content, and is moved only where it is current."""
    post.bucket.keep_versions()
    with post.listening(limit=1, action="MOVE", archive=post.archive()):
        for body in (b"one", b"two", b"three"):
            post.bucket.put("raw/x.csv", body=body)
        wait_until(lambda: ["moved"] * 3 == [one.status for one in post.book.objects("team_made_t")])
    records = [one for order in post.runs.orders.values() for one in order.trigger["objects"]]
    assert {b"one", b"two", b"three"} == {post.storage.read(one["uri"]) for one in records}
    assert ["CREATE", "UPDATE", "UPDATE"] == [one["changeType"] for one in records]
    assert ["archive/x.csv"] == post.there()


def test_poisoned_object(post: Post) -> None:
    """An object that cannot be stored holds nobody up; it has failed after five tries, with the reason."""
    post.storage = Picky()
    post.bucket.put("raw/bad.csv", *(f"raw/{number}.csv" for number in range(4)))
    with post.listening(size=5, limit=1):
        wait_until(lambda: list(post.statuses().values()).count("succeeded") == 4)
        wait_until(lambda: post.statuses()["raw/bad.csv"] == "failed", 60)
        # What is not tried any more does not make the trigger one that fails.
        wait_until(lambda: bool(post.runs.recoveries))
        assert ([], 1, 1) == (post.listener.troubles, len(post.runs.alarms), len(post.runs.recoveries))
    (bad,) = post.book.objects("team_made_t", statuses=["failed"])
    assert (5, "no room for bad.csv") == (bad.tries, bad.error)
    assert "INFO team.made/t: raw/bad.csv: failed, it could not be copied 5 times: no room for bad.csv" in post.said


def test_api_that_is_away(post: Post) -> None:
    """Objects wait for the API, and start when it is back."""
    post.runs.fails = [Unavailable("the API is away")] * 2
    with post.listening():
        post.bucket.put("raw/x.csv")
        wait_until(lambda: post.statuses() == {"raw/x.csv": "succeeded"}, 30)
    assert 1 == len(post.runs.orders)
    assert "WARN team.made/t: the API is away" in post.said


def test_run_that_is_refused(post: Post) -> None:
    """A run that the API refuses again and again has failed with the reason, and frees its place."""
    post.runs.fails = [RunRefused("too large")] * 3
    with post.listening(limit=1):
        post.bucket.put("raw/x.csv")
        wait_until(lambda: post.statuses().get("raw/x.csv") == "failed", 120)
        wait_until(lambda: post.listener.troubles == [])
        assert ["RunRefused"] == post.runs.alarms
        post.bucket.put("raw/y.csv")
        wait_until(lambda: post.statuses().get("raw/y.csv") == "succeeded")
    (refused,) = post.book.objects("team_made_t", statuses=["failed"])
    assert "too large" == refused.error


def test_two_listeners(post: Post) -> None:
    """Listeners that share a book share the work: nothing is done twice."""
    keys = [f"raw/{number}.csv" for number in range(20)]
    post.bucket.put(*keys)
    with post.listening(), post.listening():
        wait_until(lambda: list(post.statuses().values()) == ["succeeded"] * 20, 30)
    assert sorted([key] for key in keys) == sorted(post.runs.batches())


def test_storage_beside_the_bucket(post: Post) -> None:
    """Where both are on one server the object is copied there, without what its owner wrote beside it."""
    other = f"{post.bucket.name}-files"
    post.bucket.client.create_bucket(Bucket=other)
    post.storage = S3Storage(post.bucket.client, other, "kept")
    post.bucket.client.put_object(
        Bucket=post.bucket.name, Key="raw/x é.csv", Body=b"content", Metadata={"sha256": "not that of the content"}
    )
    with post.listening():
        wait_until(lambda: post.statuses() == {"raw/x é.csv": "succeeded"})
    (order,) = post.runs.orders.values()
    assert b"content" == post.storage.read(order.trigger["objects"][0]["uri"])


def test_object_that_has_left_its_batch(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    """What could not be stored waits, and is not in the run of the others, although the book was away meanwhile."""
    storage = post.storage = Picky(1)
    staged, away = Book.staged, [Unavailable("the book is away")]

    def once_away(*arguments: Any) -> Any:
        if away:
            raise away.pop()
        return staged(*arguments)

    monkeypatch.setattr(Book, "staged", once_away)
    post.bucket.put("raw/a.csv", "raw/bad.csv")
    with post.listening(size=2):
        wait_until(lambda: set(post.statuses().values()) == {"succeeded"}, 30)
    assert [["raw/a.csv"], ["raw/bad.csv"]] == sorted(post.runs.batches())
    assert 0 == storage.refusals


def test_shared_memory(post: Post) -> None:
    """Triggers that would have one memory are refused before anything is listened for."""
    health = Health(post.book, post.runs, lambda level, text: None)
    twice = [post.duty(), post.duty(trigger_id="u")]
    listener = Listener(twice, post.book, post.runs, health, "beginning", lambda: None)
    with pytest.raises(UsageError, match="several triggers have the state key 'team_made_t': give each a 'stateKey'"):
        listener.open()


class Picky(MemoryStorage):
    """A storage that does not take some files, so often."""

    def __init__(self, refusals: int = 1000) -> None:
        super().__init__()
        self.refusals = refusals

    def put(self, uri: str, source: Path | bytes) -> StoredFile:
        if uri.endswith("bad.csv") and self.refusals:
            self.refusals -= 1
            raise StorageError("no room for bad.csv", uri)
        return super().put(uri, source)
