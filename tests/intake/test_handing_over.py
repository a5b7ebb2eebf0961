"""What becomes of objects when listeners go and come, when S3 refuses, and what everybody else is told of them."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.intake.conftest import Bucket
from tests.intake.test_listener import LOG, Post
from tests.servers.unruly import Fault, unruly_in_front_of
from tests.workspace.watching import wait_until
from wdprefect.intake.book import open_book
from wdprefect.intake.runs import RunOrder, RunState
from wdprefect.loader import load_text


@pytest.fixture
def post(bucket: Bucket, tmp_path: Path) -> Iterator[Post]:
    """A bucket with nothing in it, and a new book."""
    book = open_book(f"sqlite:///{tmp_path / 'book.db'}")
    yield Post(bucket, book)
    book.close()


def test_runs_that_die_with_their_listeners(post: Post) -> None:
    """A run that was cut off with the listener that made it is made anew more often than one that crashes by itself."""
    post.bucket.put("raw/x.csv")
    for attempt in range(1, 5):
        post.runs.ends = _at_last(attempt, "running")
        with post.listening():
            wait_until(lambda: (len(post.runs.orders), post.statuses().get("raw/x.csv")) == (attempt, "started"), 60)  # noqa: B023  it is over by then
    post.runs.ends = _at_last(5, "succeeded")
    with post.listening():
        wait_until(lambda: post.statuses() == {"raw/x.csv": "succeeded"}, 60)
    assert 5 == len(post.runs.orders)


def _at_last(attempt: int, state: RunState) -> Callable[[RunOrder], RunState]:
    """Each run but that one crashes."""
    return lambda order: state if order.key.endswith(f"/{attempt}") else "crashed"


@pytest.mark.parametrize(
    ("request_line", "more"),
    [
        pytest.param("^(GET|PUT) .*/raw/x.csv", {}, id="reading"),
        pytest.param("^DELETE ", {"action": "DELETE"}, id="the action", marks=pytest.mark.slow),
    ],
)
def test_what_is_denied(post: Post, request_line: str, more: dict[str, Any]) -> None:
    """What S3 refuses of an object is told with its code, to everybody from the third time on."""
    with (
        unruly_in_front_of(post.bucket.client.meta.endpoint_url) as proxy,
        post.bucket.through(proxy.endpoint) as client,
    ):
        proxy.faults.append(Fault("answer", request_line, times=3, status=403, code="AccessDenied"))
        post.bucket.put("raw/x.csv")
        with post.listening(client=client, **more):
            wait_until(lambda: bool(post.runs.alarms), 60)
            wait_until(lambda: bool(post.runs.recoveries), 120)
            wait_until(lambda: bool({"succeeded", "moved"} & set(post.statuses().values())))
    assert ["AccessDenied"] == post.runs.alarms
    assert any(line.startswith("ERROR") and "(AccessDenied, bucket" in line for line in post.said)


def test_events(post: Post) -> None:
    """An event tells of the object that a run has, with an id that is always the same for its version."""
    with post.listening():
        post.bucket.put("raw/x.csv", body=b"content")
        wait_until(lambda: post.statuses() == {"raw/x.csv": "succeeded"})
    (event,) = post.runs.events
    (found,) = post.book.objects("team_made_t")
    assert (post.bucket.name, "raw/x.csv") == (event.bucket, event.key)
    assert {"bucket", "object", "change", "flow", "trigger"} == set(event.payload)
    told = event.payload["object"]
    assert ("raw/x.csv", 7, found.seen.etag, "CREATE") == (
        told["key"],
        told["size"],
        told["etag"],
        event.payload["change"],
    )
    name = f"team_made_t\n{post.bucket.name}\nraw/x.csv\n{found.seen.version}"
    assert str(uuid.uuid5(uuid.UUID("5b0c1f0a-5c0f-5e9a-9d0e-0f5a1c3b7d21"), name)) == event.id


def test_events_of_who_is_gone(post: Post) -> None:
    """Who takes over a run tells of its objects once more: whoever had it may not have come to it."""
    post.runs.ends = lambda _: "running"
    with post.listening():
        post.bucket.put("raw/x.csv")
        wait_until(lambda: post.statuses() == {"raw/x.csv": "started"})
    (told,) = post.runs.events
    post.runs.ends = lambda _: "succeeded"
    with post.listening():
        wait_until(lambda: post.statuses() == {"raw/x.csv": "succeeded"}, 60)
    assert [told.id, told.id] == [event.id for event in post.runs.events]


def test_a_renamed_trigger(post: Post) -> None:
    """With the same state key a flow and a trigger with other names have the same memory."""
    post.bucket.put("raw/x.csv")
    with post.listening(state_key="kept"):
        wait_until(lambda: [one.status for one in post.book.objects("kept")] == ["succeeded"])
    post.bucket.put("raw/y.csv")
    renamed = load_text(f"id: other\nnamespace: team\ntasks:\n  - {LOG}\n", "other.yaml")
    with post.listening(state_key="kept", trigger_id="renamed", flow=renamed):
        wait_until(lambda: [one.status for one in post.book.objects("kept")] == ["succeeded"] * 2)
    assert [["raw/x.csv"], ["raw/y.csv"]] == post.runs.batches()
