"""Where the intake does otherwise than Kestra's S3 trigger."""

from __future__ import annotations

import time

from tests.intake.test_listener import Post, post
from tests.workspace.watching import wait_until
from wdprefect.intake.watch import Watch

__all__ = ["post"]


def test_filter_before_limit(post: Post) -> None:
    """What is not wanted takes no place in a run: a folder's empty object keeps no file from its run."""
    post.bucket.put("raw/", "raw/a.csv")
    with post.listening(watch=Watch(post.bucket.name, prefix="raw/", key_filter="FILES"), size=1):
        wait_until(lambda: post.statuses() == {"raw/a.csv": "succeeded"})
    assert [["raw/a.csv"]] == post.runs.batches()


def test_the_same_content_again(post: Post) -> None:
    """A key that is uploaded again with the same content after it was moved starts a run again."""
    with post.listening(action="MOVE", archive=post.archive()):
        for count in (1, 2):
            post.bucket.put("raw/a.csv", body=b"same")
            wait_until(lambda count=count: len(post.runs.orders) == count, 30)  # type: ignore[misc]  # a lambda's default
            wait_until(lambda: post.there() == ["archive/a.csv"])
            # S3 tells whole seconds: what is stored within one is the same version.
            moved = time.time()
            wait_until(lambda moved=moved: time.time() >= moved + 1)  # type: ignore[misc]  # as above
    assert [["raw/a.csv"], ["raw/a.csv"]] == post.runs.batches()
