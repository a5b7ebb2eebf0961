"""How a listener fares: what fails is in the book until it works, a mistake ends all of it, /health says so."""

from __future__ import annotations

import sys
import threading
import uuid
from typing import Any

import httpx
import pytest

from tests.intake.conftest import Bucket
from tests.intake.test_listener import Post, post
from tests.servers.unruly import Fault, unruly_in_front_of
from tests.workspace.watching import wait_until
from wdprefect.errors import Unavailable
from wdprefect.intake.book_views import TriggerSummary
from wdprefect.intake.guarded import Broken, Guarded
from wdprefect.intake.health import Health
from wdprefect.intake.listener import Listener
from wdprefect.intake.sources.health_server import HealthServer
from wdprefect.intake.versions import look
from wdprefect.model.stop import Stop

__all__ = ["post"]


@pytest.fixture(params=["s3_server"])
def bucket(request: pytest.FixtureRequest) -> Any:
    """What is tested here is ours: one server is enough."""
    server = request.getfixturevalue(request.param)
    with server.client() as client:
        name = f"fares-{uuid.uuid4().hex[:12]}"
        client.create_bucket(Bucket=name)
        yield Bucket(client, name)


def summary(post: Post) -> TriggerSummary:
    (found,) = post.book.triggers()
    return found


def test_work_that_fails_is_in_the_book(post: Post) -> None:
    """What keeps runs from being made is the trigger's health although listing works; when it works, that is said."""
    post.runs.fails = [Unavailable("the Prefect API does not answer")] * 3
    with post.listening():
        post.bucket.put("raw/x.csv")
        wait_until(lambda: summary(post).health.errors == 3, 30)
        health = summary(post).health
        assert ("Unavailable", "the Prefect API does not answer") == (health.code, health.text)
        assert ["Unavailable"] == post.runs.alarms
        wait_until(lambda: post.statuses() == {"raw/x.csv": "succeeded"}, 30)
        wait_until(lambda: summary(post).health.errors == 0)
    assert ["team.made/t"] == post.runs.recoveries
    assert ["INFO team.made/t: works again, after 3 errors (Unavailable)"] == [
        line for line in post.said if "works again" in line
    ]


def test_a_bucket_that_is_not_there(post: Post) -> None:
    """A poll that fails is in the book with the server's code, and no event is sent before the third in a row."""
    name, post.bucket.name = post.bucket.name, "nowhere-at-all"
    with post.listening() as listener:
        wait_until(lambda: summary(post).health.errors >= 1)
        assert "NoSuchBucket" == summary(post).health.code
        wait_until(lambda: bool(post.runs.alarms), 30)
        assert ["team.made/t (NoSuchBucket)"] == listener.troubles
    post.bucket.name = name
    assert ["NoSuchBucket"] == post.runs.alarms


def test_a_store_that_sends_everybody_away(post: Post) -> None:
    """Listing and copying fail with the store's code as long as it does; then what there is has its run."""
    post.bucket.put("raw/known.csv")
    known = look(post.bucket.client, post.bucket.name, "raw/known.csv")
    assert known
    post.book.enroll("team_made_t", "team.made", "t")
    post.book.observe("team_made_t", "CREATE_OR_UPDATE", [known], source="poll")
    with (
        unruly_in_front_of(post.bucket.client.meta.endpoint_url) as proxy,
        post.bucket.through(proxy.endpoint) as client,
    ):
        proxy.faults.append(Fault("answer", ".", times=sys.maxsize, status=503, code="SlowDown"))
        with post.listening(client=client) as listener:
            # One of the listing, one of the copying.
            wait_until(lambda: len(post.runs.alarms) == 2, 90)
            post.bucket.put("raw/new.csv")
            assert (["team.made/t (SlowDown)"], "SlowDown") == (listener.troubles, summary(post).health.code)
            assert {} == post.runs.orders
            proxy.faults.clear()
            wait_until(lambda: post.statuses() == dict.fromkeys(["raw/known.csv", "raw/new.csv"], "succeeded"), 90)
            wait_until(lambda: (listener.troubles, summary(post).health.errors) == ([], 0))
    assert (["SlowDown"] * 2, ["team.made/t"]) == (post.runs.alarms, post.runs.recoveries)
    # The one that failed waits before it is tried again; the other need not.
    assert [["raw/known.csv"], ["raw/new.csv"]] == sorted(post.runs.batches())
    for doing in ("list the bucket", "download 's3://"):
        assert any(f"cannot {doing}" in line and "too much to do (SlowDown" in line for line in post.said)


def test_recovery_is_told_when_all_is_well(post: Post) -> None:
    """Everybody who was told that a trigger fails is told when all of its parts are well, whichever was the last."""
    health, duty = Health(post.book, post.runs, lambda level, text: post.said.append(f"{level} {text}")), post.duty()
    post.book.enroll("team_made_t", "team.made", "t")
    for _ in range(3):
        health.trouble(duty, Unavailable("the API is away"), "start")
    health.trouble(duty, Unavailable("the copy broke off"), "stage")
    health.well(duty, "start")
    assert ([], []) == (post.runs.recoveries, health.failing)
    health.well(duty, "stage")
    health.well(duty, "stage")
    assert ["team.made/t"] == post.runs.recoveries
    assert "INFO team.made/t: works again, after 1 error (Unavailable)" == post.said[-1]


@pytest.mark.parametrize("where", ["start", "look"])
def test_a_mistake_ends_the_listener(post: Post, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception that nobody expects, in whatever thread, ends the listener with its text."""

    def broken(*_: object) -> Any:
        raise ZeroDivisionError("planted")

    monkeypatch.setattr(post.runs, where, broken)
    post.bucket.put("raw/x.csv")
    with pytest.raises(
        Broken, match=r"'desk-team.made/t' has ended by a mistake, .*: ZeroDivisionError: planted"
    ) as found:
        listen(post)
    assert "in broken\n" in found.value.trace


def test_a_mistake_while_leases_are_renewed(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread that keeps the leases is looked after, too."""

    def broken(*_: object) -> Any:
        raise ZeroDivisionError("planted")

    monkeypatch.setattr(post.book, "renew", broken)
    with pytest.raises(Broken, match="'lease' has ended by a mistake, and with it all that listens: ZeroDivisionError"):
        listen(post)


def test_a_mistake_in_a_thread_of_a_source() -> None:
    """Threads that a source starts by itself are looked after, too."""

    def dies() -> None:
        raise ZeroDivisionError("planted")

    def work(stop: Stop) -> None:
        threading.Thread(target=dies, name="sqs-1").start()
        assert stop.wait(30)

    before = threading.excepthook
    with pytest.raises(Broken, match=r"'sqs-1' has ended by a mistake, .*: ZeroDivisionError: planted"):
        Guarded().run({"queue-0": work}, Stop())
    assert before is threading.excepthook


def test_replay_of_what_was_moved(post: Post) -> None:
    """An object that is gone from its bucket runs again with what was stored of it."""
    with post.listening(action="DELETE"):
        post.bucket.put("raw/x.csv", body=b"content")
        wait_until(lambda: post.statuses() == {"raw/x.csv": "moved"})
        post.book.replay([post.book.objects("team_made_t")[0].id], "me")
        wait_until(lambda: len(post.runs.orders) == 2 and post.statuses() == {"raw/x.csv": "moved"})
    records = [order.trigger["objects"][0] for order in post.runs.orders.values()]
    assert [b"content", b"content"] == [post.storage.read(record["uri"]) for record in records]


def test_health_server() -> None:
    """GET /health is 200 without troubles, else 503 with them; nothing else is there."""
    troubles: list[str] = []
    server, stop = HealthServer("127.0.0.1", 0, lambda: troubles), Stop()
    thread = threading.Thread(target=server.run, args=(stop,))
    thread.start()
    try:
        answer = httpx.get(server.address)
        assert (200, {"message": "ok"}) == (answer.status_code, answer.json())
        troubles += ["a/b (AccessDenied)", "c/d (NoSuchBucket)"]
        answer = httpx.get(server.address)
        assert (503, {"message": "a/b (AccessDenied); c/d (NoSuchBucket)"}) == (answer.status_code, answer.json())
        assert 404 == httpx.get(server.address.removesuffix("/health")).status_code
    finally:
        stop.request()
        thread.join(30)


def listen(post: Post) -> None:
    """A listener in this thread, which has no other end than a mistake."""
    health = Health(post.book, post.runs, lambda level, text: post.said.append(f"{level} {text}"))
    listener = Listener([post.duty()], post.book, post.runs, health, "beginning", lambda: None)
    with listener.leasing():
        listener.open()
        listener.listen(Stop())


def test_secrets_are_hidden_wherever_health_is_kept(post: Post) -> None:
    """What is said of an error, kept in the book and sent as an event has no secret in it."""
    sent: list[str] = []
    post.runs.alarm = lambda trigger, code, text: sent.append(text)  # type: ignore[method-assign]  # its text is wanted
    hidden = Health(
        post.book, post.runs, lambda _, text: post.said.append(text), lambda text: text.replace("pw", "***")
    )
    post.book.enroll("team_made_t", "team.made", "t")
    for _ in range(3):
        hidden.trouble(post.duty(), Unavailable("no pw fits"), "start")
    assert ("no *** fits", ["no *** fits"]) == (summary(post).health.text, sent)
    assert "team.made/t: no *** fits" == post.said[0]
