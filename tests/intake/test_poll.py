"""Listing a bucket: what is shown, in which order, and what is said when it cannot be done."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

import boto3
import pytest
from botocore.config import Config

from tests.intake.conftest import Bucket, Shelf, stubbed
from tests.servers.s3 import S3Server
from wdprefect.errors import Unavailable
from wdprefect.intake.objects import Observed, SeenObject
from wdprefect.intake.sources.outcomes import Outcome
from wdprefect.intake.sources.poll import Poller, Polling
from wdprefect.intake.watch import Shown, Watch, Watched
from wdprefect.model.stop import Stop

PERMISSION = "s3:ListBucket, in a versioned bucket s3:ListBucketVersions, and s3:GetBucketVersioning or s3:GetObject"
KEYS = ("in/", "in/a.csv", "in/b.txt", "in/sub/", "in/sub/c.csv", "in/é +%20.csv", "other/d.csv")


def small_pages(bucket: Bucket) -> list[int]:
    """Lets the server answer with two entries at a time; the list grows by one with each page."""
    pages: list[int] = []

    def ask(params: dict[str, Any], **_: object) -> None:
        pages.append(len(pages))
        params["MaxKeys"] = 2

    for name in ("ListObjectsV2", "ListObjectVersions"):
        bucket.client.meta.events.register_first(f"before-parameter-build.s3.{name}", ask)
    return pages


@pytest.mark.s3
@pytest.mark.parametrize("versioned", [pytest.param(False, id="unversioned"), pytest.param(True, id="versioned")])
@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        pytest.param({}, KEYS, id="everything"),
        pytest.param({"prefix": "in/"}, KEYS[:6], id="prefix"),
        pytest.param({"prefix": "in/", "delimiter": "/"}, [*KEYS[:3], KEYS[5]], id="delimiter"),
        pytest.param({"marker": "in/b.txt"}, KEYS[3:], id="marker"),
        pytest.param({"marker": "in/sub/c.csv", "prefix": "in/"}, [KEYS[5]], id="marker and prefix"),
        pytest.param({"regexp": "in/[^/]+[.]csv"}, [KEYS[1], KEYS[5]], id="the whole key matches"),
        pytest.param({"regexp": "csv"}, [], id="not a part of it"),
        pytest.param({"prefix": "in/", "key_filter": "FILES"}, [KEYS[1], KEYS[2], KEYS[4], KEYS[5]], id="files"),
        pytest.param({"key_filter": "DIRECTORY"}, ["in/", "in/sub/"], id="directories"),
        pytest.param({"prefix": "no"}, [], id="nothing"),
    ],
)
def test_what_is_wanted(bucket: Bucket, settings: dict[str, Any], expected: list[str], *, versioned: bool) -> None:
    """Prefix, delimiter, marker, regexp and filter hold, and alike in the listing and for a single key."""
    if versioned:
        bucket.keep_versions()
    bucket.put(*KEYS)
    shelf = Shelf()

    shown = Poller(bucket.watched(shelf, **settings)).poll()

    # SeaweedFS lists folders before what is not in them.
    assert sorted(expected) == sorted(shelf.keys())
    assert sorted(expected) == sorted(filter(Watch("any", **settings).wants, KEYS))
    assert (len(expected), len(expected)) == (shown.shown, shown.new)
    assert shown.seen >= shown.shown


@pytest.mark.s3
@pytest.mark.parametrize("versioned", [pytest.param(False, id="unversioned"), pytest.param(True, id="versioned")])
def test_many_pages(bucket: Bucket, *, versioned: bool) -> None:
    """All pages are read, each is shown for itself, and a second time nothing is new."""
    if versioned:
        bucket.keep_versions()
    keys = [f"in/{number}" for number in range(7)]
    bucket.put(*keys)
    pages, shelf, sizes = small_pages(bucket), Shelf(), []

    def show(objects: Sequence[SeenObject]) -> list[Observed]:
        sizes.append(len(objects))
        return shelf.show(objects)

    watched = Watched(Watch(bucket.name, prefix="in/"), bucket.client, show)
    poller = Poller(watched)

    assert Shown(7, 7, 7) == poller.poll()
    assert keys == shelf.keys()
    assert len(pages) >= 4
    assert max(sizes) <= 3
    assert Shown(7, 7, 0) == poller.poll()


@pytest.mark.s3
def test_versions_in_order(bucket: Bucket) -> None:
    """Every version is shown, older ones of a key first although a page ends between; the deleted is not current."""
    bucket.keep_versions()
    for body in (b"1", b"22", b"333"):
        bucket.put("a", "b", "c", body=body)
    bucket.client.delete_object(Bucket=bucket.name, Key="b")
    small_pages(bucket)
    shelf = Shelf()

    Poller(bucket.watched(shelf)).poll()

    assert [("a", 1), ("a", 2), ("a", 3), ("b", 1), ("b", 2), ("b", 3), ("c", 1), ("c", 2), ("c", 3)] == [
        (one.key, one.size) for one in shelf.shown
    ]
    assert [("a", 3), ("c", 3)] == [(one.key, one.size) for one in shelf.shown if one.is_current]


@pytest.mark.s3
@pytest.mark.parametrize("page", [pytest.param(1, id="while the first page"), pytest.param(2, id="while another page")])
def test_versions_from_now_on(bucket: Bucket, page: int) -> None:
    """A bucket that begins to keep versions between two pages: each version has one name."""
    bucket.put("a", "b", "c", "d")
    small_pages(bucket)
    shelf, pages = Shelf(), []
    poller = Poller(bucket.watched(shelf))
    assert Shown(4, 4, 4) == poller.poll()

    def begin(**_: object) -> None:
        pages.append(0)
        if len(pages) == page:
            bucket.keep_versions()
            bucket.put("a", "d", body=b"new")

    bucket.client.meta.events.register("before-call.s3.ListObjectsV2", begin)
    assert [2, 0] == [poller.poll().new, poller.poll().new]
    assert [("a", 3), ("d", 3)] == [(one.key, one.size) for one in shelf.shown if one.version_id]
    assert [("a", 1), ("b", 1), ("c", 1), ("d", 1)] == [(one.key, one.size) for one in shelf.shown[:4]]


ITEM = {"Key": "a", "ETag": '"e"', "Size": 1, "LastModified": datetime(2026, 1, 1, tzinfo=timezone.utc)}
PAGE = {"IsTruncated": False, "Contents": [ITEM]}


def test_without_permission_to_ask() -> None:
    """Where the bucket may not be asked, a HEAD of what was listed tells whether it keeps versions; terms go along."""
    client, stubber = stubbed()
    owner = {"ExpectedBucketOwner": "1" * 12}
    asked = {"Bucket": "in", "RequestPayer": "requester", **owner}
    stubber.add_response("list_objects_v2", PAGE, {**asked, "FetchOwner": True})
    denied = {"service_error_code": "AccessDenied", "http_status_code": 403}
    stubber.add_client_error("get_bucket_versioning", **denied, expected_params={"Bucket": "in", **owner})
    stubber.add_response("head_object", {"VersionId": "null"}, {**asked, "Key": "a"})
    versions = [{**ITEM, "VersionId": "v1", "IsLatest": True}]
    stubber.add_response("list_object_versions", {"IsTruncated": False, "Versions": versions}, asked)
    shelf = Shelf()

    Poller(Watched(Watch("in", owner="1" * 12, payer="requester"), client, shelf.show)).poll()

    stubber.assert_no_pending_responses()
    assert ["v1"] == [one.version for one in shelf.shown]
    client.close()


def test_a_listing_without_end() -> None:
    """A server that says again and again that its listing goes on after the same key is not believed for ever."""
    client, stubber = stubbed()
    for following in ({}, {"ContinuationToken": "t"}):
        stubber.add_response(
            "list_objects_v2",
            {**PAGE, "IsTruncated": True, "NextContinuationToken": "t"},
            {"Bucket": "in", "FetchOwner": True, **following},
        )
        stubber.add_response("get_bucket_versioning", {})
    with pytest.raises(Unavailable, match="its listing goes on, and does not say where"):
        Poller(Watched(Watch("in"), client, Shelf().show)).poll()
    client.close()


@pytest.mark.s3
def test_old_objects_of_a_versioned_bucket(bucket: Bucket) -> None:
    """What was there before the bucket kept versions is shown once, however the pages are cut."""
    keys = [f"in/{number}" for number in range(5)]
    bucket.put(*keys)
    bucket.keep_versions()
    small_pages(bucket)
    shelf = Shelf()

    Poller(bucket.watched(shelf)).poll()

    assert keys == shelf.keys()
    assert {None} == {one.version_id for one in shelf.shown}


def outcomes_of(polling: Callable[[Callable[[Outcome], None]], Polling], number: int) -> list[Outcome]:
    """The first outcomes of a polling, which is stopped after them."""
    stop, outcomes = Stop(), []

    def report(outcome: Outcome) -> None:
        outcomes.append(outcome)
        if len(outcomes) == number:
            stop.request()

    polling(report).run(stop)
    return outcomes


@pytest.mark.s3
def test_polling(s3_server: S3Server) -> None:
    """Polls at once and after the interval, goes on after failures, and says how many there were in a row."""
    with s3_server.client() as client:
        client.create_bucket(Bucket="polling")
        client.put_object(Bucket="polling", Key="a", Body=b"x")
        shelf = Shelf(fails=[Unavailable("the book is closed"), ValueError("oops")])
        watched = Watched(Watch("polling"), client, shelf.show)
        outcomes = outcomes_of(lambda report: Polling(lambda: watched, timedelta(milliseconds=1), report), 4)

    assert [1, 2, 0, 0] == [one.failures for one in outcomes]
    assert [0, 0, 1, 0] == [one.shown.new for one in outcomes]
    assert [
        f"cannot list the bucket 'polling' at {s3_server.endpoint}: the book is closed",
        f"cannot list the bucket 'polling' at {s3_server.endpoint}: oops (ValueError); it is tried again",
    ] == [str(one.fault) for one in outcomes if one.fault]


@pytest.mark.s3
def test_polling_ends_at_once(s3_server: S3Server) -> None:
    """A stop ends the wait for the next poll, and `soon` makes it come at once."""
    stop, outcomes, polled = Stop(), [], threading.Semaphore(0)

    def report(outcome: Outcome) -> None:
        outcomes.append(outcome)
        polled.release()

    with s3_server.client() as client:
        client.create_bucket(Bucket="waiting")
        polling = Polling(lambda: Watched(Watch("waiting"), client, Shelf().show), timedelta(hours=1), report)
        thread = threading.Thread(target=polling.run, args=(stop,))
        thread.start()
        assert polled.acquire(timeout=30)
        polling.soon()
        assert polled.acquire(timeout=30)
        stop.request()
        thread.join(30)
        assert not thread.is_alive()
    assert 2 == len(outcomes)


@pytest.mark.s3
@pytest.mark.parametrize(
    ("bucket", "key", "secret", "expected"),
    [
        pytest.param(
            *("no-such", "", ""),
            "there is no such bucket (NoSuchBucket); make it, or correct the trigger's 'bucket'",
            id="no bucket",
        ),
        pytest.param(
            *("any", "wrong", ""),
            "the access key is not known there (InvalidAccessKeyId); check the access key",
            id="wrong key",
        ),
        pytest.param(
            *("any", "", "wrong"),
            "the secret does not belong to the access key (SignatureDoesNotMatch); check",
            id="wrong secret",
        ),
    ],
)
def test_refusals(s3_server: S3Server, bucket: str, key: str, secret: str, expected: str) -> None:
    """What the server refuses is reported with its code and what to do."""
    client = boto3.session.Session().client(  # type: ignore[no-untyped-call]  # boto3 has no types
        "s3",
        endpoint_url=s3_server.endpoint,
        region_name="us-east-1",
        aws_access_key_id=key or s3_server.access_key,
        aws_secret_access_key=secret or s3_server.secret_key,
        config=Config(s3={"addressing_style": "path"}),  # type: ignore[no-untyped-call]  # as above
    )
    watched = Watched(Watch(bucket), client, Shelf().show)
    (outcome,) = outcomes_of(lambda report: Polling(lambda: watched, timedelta(0), report), 1)
    client.close()

    assert str(outcome.fault).startswith(f"cannot list the bucket '{bucket}' at {s3_server.endpoint}: {expected}")
    assert outcome.fault
    assert not outcome.fault.is_passing


LOG = "it is tried again; the server's log may say more"


@pytest.mark.parametrize(
    ("code", "status", "is_passing", "what", "step"),
    [
        ("AccessDenied", 403, False, "access is denied", f"allow {PERMISSION}"),
        ("SlowDown", 503, True, "the server has too much to do", "it is tried again"),
        ("InternalError", 500, True, "the server is overloaded or broken", LOG),
        ("OperationAborted", 409, True, "the server is overloaded or broken", LOG),
        ("ExpiredToken", 400, False, "the session token has expired", "sign in anew, or renew the credentials"),
        ("301", 301, False, "the bucket is in another region", "set the region of the connection to its own"),
        ("InvalidBucketName", 400, False, "the bucket's name is not valid", "correct the trigger's 'bucket'"),
        ("404", 404, False, "nothing is there", "check the endpoint's address, 'bucket' and 'queueUrl'"),
        ("Odd", 400, False, "the server's words", "look up the code in the server's manual"),
    ],
)
def test_answers(code: str, status: int, what: str, step: str, *, is_passing: bool) -> None:
    """Each answer says what is wrong, its code, what to do, and whether it may pass by itself."""
    client, stubber = stubbed()
    for _ in range(5):
        stubber.add_client_error("list_objects_v2", code, "the server's words", status)
    watched = Watched(Watch("in"), client, Shelf().show)
    (outcome,) = outcomes_of(lambda report: Polling(lambda: watched, timedelta(0), report), 1)
    client.close()

    assert outcome.fault
    assert (code, is_passing) == (outcome.fault.code, outcome.fault.is_passing)
    assert str(outcome.fault).endswith(f": {what} ({code}); {step}")


def test_nobody_there() -> None:
    """A server that does not answer is reported with its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{free.getsockname()[1]}"
    client = boto3.session.Session().client(  # type: ignore[no-untyped-call]  # boto3 has no types
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="a",
        aws_secret_access_key="b",
        config=Config(retries={"total_max_attempts": 1}),  # type: ignore[no-untyped-call]  # as above
    )
    watched = Watched(Watch("in"), client, Shelf().show)
    (outcome,) = outcomes_of(lambda report: Polling(lambda: watched, timedelta(0), report), 1)
    client.close()

    expected = (
        f"cannot list the bucket 'in' at {endpoint}: the server cannot be reached (EndpointConnectionError); check"
    )
    assert str(outcome.fault).startswith(expected)


def test_a_regexp_that_takes_too_long(caplog: pytest.LogCaptureFixture) -> None:
    """A key that nobody can match in time is not wanted, and does not keep the others from being looked at."""
    watch = Watch("in", regexp="(a|aa)+b|c")

    assert [False, True] == [watch.wants("a" * 1000), watch.wants("c")]
    assert "takes too long with the key 'aaa" in caplog.text


def test_round_that_a_stop_has_cut_off(bucket: Bucket) -> None:
    """A round that did not see everything is not reported: who hears of it takes it for everything."""
    bucket.put("a")
    stop, heard = Stop(), list[Outcome]()

    def show(objects: Sequence[SeenObject]) -> list[Observed]:
        stop.request()
        return Shelf().show(objects)

    watched = Watched(Watch(bucket.name), bucket.client, show)
    Polling(lambda: watched, timedelta(hours=1), heard.append).run(stop)
    assert [] == heard
