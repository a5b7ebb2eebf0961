"""Where Kestra loses objects, from the YAML of a flow to the runs that start: nothing is lost here."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from tests.intake.conftest import Bucket
from tests.intake.test_listener import Post
from tests.running import flow_of
from tests.servers.ministack import Ministack
from tests.workspace.watching import wait_until
from wdprefect.intake.book import open_book
from wdprefect.intake.duties import duties_of
from wdprefect.intake.duty import Duty
from wdprefect.intake.means import Means
from wdprefect.masking import Masker
from wdprefect.plugins.aws._moves import MoveTo

LOG = "- {id: say, type: io.kestra.plugin.core.log.Log, message: hello}"


@pytest.fixture
def post(bucket: Bucket, tmp_path: Path) -> Iterator[Post]:
    """A bucket with nothing in it, and a new book."""
    book = open_book(f"sqlite:///{tmp_path / 'book.db'}")
    yield Post(bucket, book)
    book.close()


def duty(post: Post, *properties: str, renews: bool = False) -> Duty:
    """What a trigger with these properties makes of the bucket."""
    lines = [
        "- id: t",
        "  type: io.kestra.plugin.aws.s3.Trigger",
        f"  bucket: {post.bucket.name}",
        "  prefix: raw/",
        "  region: us-east-1",
        *(f"  {line}" for line in properties),
    ]
    flow = flow_of(LOG, triggers="\n".join(lines))
    (made,) = duties_of(flow, Means(post.storage, Masker(), lambda _: None), runs=4)
    # Else its keys would have to be in the YAML.
    return made if renews else replace(made, client=post.bucket.client)


def test_folder_marker(post: Post) -> None:
    """The empty object that stands for the folder does not keep `maxKeys: 1` from seeing the file behind it."""
    post.bucket.put("raw/", "raw/x.csv")
    with post.listening_to(duty(post, "maxKeys: 1", "filter: FILES", "action: NONE", "interval: PT0.2S")):
        wait_until(lambda: post.runs.batches() == [["raw/x.csv"]])


def test_more_than_max_keys(post: Post) -> None:
    """With `maxKeys: 1` and `action: NONE` the second object has its turn, too, in the same round."""
    post.bucket.put("raw/a.csv", "raw/b.csv", "raw/c.csv")
    with post.listening_to(duty(post, "maxKeys: 1", "action: NONE", "interval: PT1H")):
        wait_until(lambda: post.runs.batches() == [["raw/a.csv"], ["raw/b.csv"], ["raw/c.csv"]])


def test_more_than_max_files(post: Post) -> None:
    """The 26th object is taken as well as those before it."""
    keys = [f"raw/{number:02}.csv" for number in range(27)]
    post.bucket.put(*keys)
    with post.listening_to(duty(post, "action: NONE", "interval: PT1H")):
        wait_until(lambda: [25, 2] == [len(batch) for batch in post.runs.batches()])
    assert keys == [key for batch in post.runs.batches() for key in batch]


def test_equal_names(post: Post) -> None:
    """Objects with equal names in two folders do not overwrite each other in the archive, which needs no bucket."""
    post.bucket.put("raw/a/x.csv", body=b"a")
    post.bucket.put("raw/b/x.csv", body=b"b")
    with post.listening_to(duty(post, "action: MOVE", "moveTo: {key: archive/}", "interval: PT1H")):
        wait_until(lambda: post.there() == ["archive/a/x.csv", "archive/b/x.csv"])


def test_kestras_names(post: Post) -> None:
    """With `compat: kestra` names are Kestra's, and the object is gone before the run starts."""
    post.bucket.put("raw/a/x.csv")
    there: list[list[str]] = []
    post.runs.on_start = lambda: there.append(post.there())
    moving = ("action: MOVE", "moveTo: {key: archive/}", "compat: kestra", "interval: PT1H")
    with post.listening_to(duty(post, *moving)):
        wait_until(lambda: post.statuses() == {"raw/a/x.csv": "moved"})
    assert [["archive/x.csv"]] == there


def test_failing_run(post: Post) -> None:
    """An object whose run fails is still where it was: nothing is moved before there was success."""
    post.runs.ends = lambda _: "failed"
    post.bucket.put("raw/x.csv")
    with post.listening_to(duty(post, "action: MOVE", "moveTo: {key: archive/}", "interval: PT1H")):
        wait_until(lambda: post.statuses() == {"raw/x.csv": "failed"})
    assert ["raw/x.csv"] == post.there()


def test_same_content_again(post: Post) -> None:
    """What was moved and comes again with the same content is taken again."""
    with post.listening_to(duty(post, "action: DELETE", "interval: PT0.2S")):
        for count in (1, 2):
            post.bucket.put("raw/x.csv", body=b"same")
            wait_until(lambda n=count: len(post.runs.orders) == n and post.there() == [])  # type: ignore[misc]
            post.wait_for_the_next_second()


def test_templates_are_rendered_anew(ministack: Ministack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A template in a trigger, such as one of today's folder, says what it says now, not what it said at the start."""
    monkeypatch.setenv("ENV_DAY", "monday")
    with ministack.client() as client, closing(open_book(f"sqlite:///{tmp_path / 'book.db'}")) as book:
        bucket = Bucket(client, f"in-{uuid.uuid4().hex[:12]}")
        client.create_bucket(Bucket=bucket.name)
        post = Post(bucket, book)
        where = [f"endpointOverride: {ministack.endpoint}", "accessKeyId: a", "secretKeyId: b"]
        archive = "moveTo: {key: 'archive/{{ envs.day }}/'}"
        renewed = duty(post, "action: MOVE", archive, "interval: PT0.2S", *where, renews=True)
        with post.listening_to(renewed):
            bucket.put("raw/x.csv")
            wait_until(lambda: post.there() == ["archive/monday/x.csv"])
            monkeypatch.setenv("ENV_DAY", "tuesday")
            wait_until(lambda: post.listener.duties[0].archive == MoveTo(key="archive/tuesday/"))
            bucket.put("raw/y.csv")
            wait_until(lambda: "archive/tuesday/y.csv" in post.there())
