"""What a run is told of its objects, by whom they were seen first."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from tests.intake.test_listener import Post, post
from tests.workspace.watching import wait_until
from wdprefect.intake.versions import look, seen

__all__ = ["post"]


def records(post: Post) -> dict[str, Any]:
    """What runs have got of their objects, by key."""
    return {one["key"]: one for order in post.runs.orders.values() for one in order.trigger["objects"]}


def test_what_only_listings_tell(post: Post) -> None:
    """The owner is known where the poll saw the object first: a message and a HEAD do not tell."""
    post.bucket.put("raw/pushed.csv")
    pushed = look(post.bucket.client, post.bucket.name, "raw/pushed.csv")
    assert pushed
    post.book.enroll("team_made_t", "team.made", "t")
    post.book.observe("team_made_t", "CREATE_OR_UPDATE", [pushed], source="queue")
    post.bucket.put("raw/polled.csv")
    with post.listening():
        wait_until(lambda: post.statuses() == dict.fromkeys(["raw/polled.csv", "raw/pushed.csv"], "succeeded"))
    found = records(post)
    assert found["raw/polled.csv"]["owner"]["id"]
    assert {"uri", "key", "etag", "size", "lastModified", "changeType"} == set(found["raw/pushed.csv"])


def test_kind_of_checksum() -> None:
    """So is the kind of checksum, as Amazon's listings have it: the servers of the tests list none."""
    listed = {"Key": "a", "ETag": '"e"', "Size": 1, "LastModified": datetime(2026, 1, 2, tzinfo=timezone.utc)}
    for algorithms, expected in [(["SHA256"], {"checksumAlgorithm": "SHA256"}), ([], {})]:
        assert expected == seen("box", {**listed, "ChecksumAlgorithm": algorithms}, version_id=None).details
