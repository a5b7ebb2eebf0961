"""What goes wrong on the way to S3: it is mended, or waited for, or said; and no half file is ever seen."""

from __future__ import annotations

import hashlib
import random
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.servers.s3 import S3Server
from tests.servers.unruly import Fault, How, Unruly, unruly_in_front_of
from wdprefect.errors import StorageError, Unavailable, WdprefectError
from wdprefect.model.stop import Stop
from wdprefect.model.waiting import Waiter, waiting_for
from wdprefect.storage import patience
from wdprefect.storage.s3 import S3Storage
from wdprefect.storage.s3_client import READ_SECONDS, make_client

pytestmark = pytest.mark.s3

MIB = 1024 * 1024
URI = "kestra:///folder/a"
SMALL = b"id,name\n" * 1000
# Three parts.
LARGE = random.Random(2).randbytes(20 * MIB)  # noqa: S311  only to differ everywhere
PUT, GET, HEAD = (rf"^{method} /runs/[^ ]*/a(\?|$| )" for method in ("PUT", "GET", "HEAD"))
PART, BEGIN, COMPLETE = r"^PUT .*partNumber=", r"^POST .*\?uploads", r"^POST .*uploadId="


@pytest.fixture
def proxy(s3_server: S3Server, s3_bucket: str) -> Iterator[Unruly]:
    """A proxy in front of the server, which does as it should until it is told otherwise."""
    with unruly_in_front_of(s3_server.endpoint) as found:
        yield found


@contextmanager
def behind(proxy: Unruly, server: S3Server, prefix: str, read_seconds: float) -> Iterator[S3Storage]:
    """A storage behind the proxy, which boto3 does not try again, and the storage soon."""
    import boto3  # a quarter of a second
    from botocore.config import Config

    session = boto3.session.Session(  # type: ignore[no-untyped-call]  # boto3 has no types
        aws_access_key_id=server.access_key, aws_secret_access_key=server.secret_key, region_name="us-east-1"
    )
    once = Config(read_timeout=read_seconds, retries={"mode": "standard", "total_max_attempts": 1})  # type: ignore[no-untyped-call]
    with closing(make_client(session, endpoint_url=proxy.endpoint, config=once)) as client:
        yield S3Storage(client, "runs", f"faults/{prefix}")


@pytest.fixture
def storage(
    proxy: Unruly, s3_server: S3Server, s3_bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[S3Storage]:
    """A storage that waits for answers as long as usual."""
    monkeypatch.setattr(patience, "FIRST_PAUSE_SECONDS", 0.01)
    with behind(proxy, s3_server, tmp_path.name, READ_SECONDS) as found:
        yield found


@pytest.fixture
def hasty(proxy: Unruly, s3_server: S3Server, s3_bucket: str, tmp_path: Path) -> Iterator[S3Storage]:
    """A storage for which a second without an answer is too long."""
    with behind(proxy, s3_server, tmp_path.name, 1) as found:
        yield found


@pytest.fixture
def said() -> Iterator[list[str]]:
    """What whoever waits is told."""
    lines: list[str] = []
    with waiting_for(Waiter(lines.append, Stop())):
        yield lines


def unfinished(server: S3Server, bucket: str, storage: S3Storage) -> list[str]:
    """The keys of uploads below the storage's prefix that nobody has finished."""
    prefix = repr(storage).partition("prefix='")[2].rstrip("')")
    with server.client() as client:
        found: list[dict[str, Any]] = client.list_multipart_uploads(Bucket=bucket, Prefix=prefix).get("Uploads", [])
    return [item["Key"] for item in found]


@pytest.mark.parametrize(
    ("how", "after"),
    [
        ("answer", 0),
        ("reset up", 0),
        ("reset up", 4000),
        ("flip up", 4000),
        ("lose", 0),
    ],
)
def test_a_small_file_up(proxy: Unruly, storage: S3Storage, said: list[str], how: How, after: int) -> None:
    """Whatever goes wrong once, the file is there in the end, and whoever waits was told once."""
    storage.exists(URI)
    proxy.faults.append(Fault(how, PUT, after=after))
    assert hashlib.sha256(SMALL).hexdigest() == storage.put(URI, SMALL).sha256
    assert SMALL == storage.read(URI)
    assert 2 == len(proxy.seen_of(PUT))
    assert [True] == ["waiting for the storage, for up to " in line for line in said]


@pytest.mark.parametrize(("how", "after"), [("answer", 0), ("reset up", MIB), ("flip up", MIB), ("lose", 0)])
def test_one_part_is_sent_again(
    proxy: Unruly, storage: S3Storage, said: list[str], tmp_path: Path, how: How, after: int
) -> None:
    """Of a large file only the part that went wrong is sent again."""
    (tmp_path / "large").write_bytes(LARGE)
    storage.exists(URI)
    proxy.faults.append(Fault(how, r"^PUT .*partNumber=2(&|$| )", after=after))
    assert hashlib.sha256(LARGE).hexdigest() == storage.put(URI, tmp_path / "large").sha256
    assert LARGE == storage.read(URI)
    assert [1, 2, 1] == [len(proxy.seen_of(rf"partNumber={number}(&|$)")) for number in (1, 2, 3)]
    assert 1 == len(proxy.seen_of(BEGIN))
    assert 1 == len(said)


@pytest.mark.parametrize("size", [pytest.param(len(SMALL), id="small"), pytest.param(len(LARGE), id="in parts")])
@pytest.mark.parametrize(
    ("how", "after"),
    [("answer", 0), ("reset down", 0), ("reset down", 5000), ("cut", 5000), ("flip down", 5000)],
)
def test_down(
    proxy: Unruly, storage: S3Storage, said: list[str], tmp_path: Path, size: int, how: How, after: int
) -> None:
    """What breaks off, or arrives damaged, is fetched again."""
    content = LARGE[:size]
    (tmp_path / "source").write_bytes(content)
    storage.put(URI, tmp_path / "source")
    proxy.faults.append(Fault(how, GET, after=after))
    storage.get(URI, tmp_path / "target")
    assert content == (tmp_path / "target").read_bytes()


def test_nothing_is_said(proxy: Unruly, hasty: S3Storage, said: list[str]) -> None:
    """A server that says nothing any more has not answered: it is asked again, either way."""
    hasty.put(URI, b"before")
    proxy.faults += [Fault("hang", PUT), Fault("hang", GET)]
    hasty.put(URI, SMALL)
    assert SMALL == hasty.read(URI)
    assert any("the server takes too long to answer (ReadTimeoutError" in line for line in said)


def test_one_range_is_fetched_again(proxy: Unruly, storage: S3Storage, tmp_path: Path) -> None:
    """Of a large file only what broke off is fetched again."""
    (tmp_path / "large").write_bytes(LARGE)
    storage.put(URI, tmp_path / "large")
    proxy.faults.append(Fault("reset down", GET, spared=2, after=MIB))
    storage.get(URI, tmp_path / "target")
    assert LARGE == (tmp_path / "target").read_bytes()
    assert 4 == len(proxy.seen_of(GET))


@pytest.mark.parametrize(
    ("size", "error", "text"),
    [
        # S3's own checksum is looked at as well, where it is of the whole object.
        pytest.param(len(SMALL), Unavailable, "the bytes did not arrive as they were sent", id="small"),
        pytest.param(len(LARGE), StorageError, "its content is not what was stored", id="in parts"),
    ],
)
def test_damaged_for_good(
    proxy: Unruly, storage: S3Storage, tmp_path: Path, size: int, error: type[WdprefectError], text: str
) -> None:
    """What arrives damaged each time is an error, and nothing is left at the target."""
    (tmp_path / "source").write_bytes(LARGE[:size])
    storage.put(URI, tmp_path / "source")
    proxy.faults.append(Fault("flip down", GET, times=100, after=5000))
    with pytest.raises(error, match=text):
        storage.get(URI, tmp_path / "target")
    assert {"source"} == {path.name for path in tmp_path.iterdir()}


def test_slow_down(proxy: Unruly, storage: S3Storage, said: list[str]) -> None:
    """A server that sends everybody away for a while is waited for, with one line that says why."""
    proxy.faults.append(Fault("answer", PUT, times=5, status=503, code="SlowDown"))
    storage.put(URI, SMALL)
    assert 6 == len(proxy.seen_of(PUT))
    assert 1 == len(said)
    assert "waiting for the storage, for up to 300 seconds: cannot store 'kestra:///folder/a'" in said[0]
    assert "the server has too much to do (SlowDown, bucket 'runs'" in said[0]


@pytest.mark.parametrize("wait", ["0", "0.2"])
def test_the_time_is_over(
    proxy: Unruly, storage: S3Storage, said: list[str], monkeypatch: pytest.MonkeyPatch, wait: str
) -> None:
    """A server that does not recover in time is an error with the cause."""
    monkeypatch.setenv("WDPREFECT_STORAGE_WAIT", wait)
    impatient = S3Storage(storage._access.client, "runs", "faults/late")
    proxy.faults.append(Fault("answer", PUT, times=1000))
    with pytest.raises(Unavailable, match=r"the server has too much to do \(SlowDown.*\); try again later"):
        impatient.put(URI, SMALL)
    assert bool(float(wait)) == bool(said)


def test_a_stop_ends_the_waiting(proxy: Unruly, storage: S3Storage) -> None:
    """A run that is cancelled does not go on waiting for its storage."""
    stop = Stop()
    proxy.faults.append(Fault("answer", PUT, times=1000))
    with waiting_for(Waiter(lambda _: stop.request(), stop)), pytest.raises(Unavailable, match="too much to do"):
        storage.put_many([(URI, SMALL), (URI, SMALL)])
    assert 2 >= len(proxy.seen_of(PUT))


def test_a_server_that_goes_and_comes_back(proxy: Unruly, storage: S3Storage, said: list[str]) -> None:
    """A server that has answered before is waited for while it refuses connections."""
    storage.put(URI, b"before")
    proxy.leave()
    threading.Timer(0.5, proxy.come_back).start()
    storage.put(URI, SMALL)
    assert SMALL == storage.read(URI)
    assert 1 == len(said)
    assert "the server cannot be reached (EndpointConnectionError" in said[0]


@pytest.mark.parametrize(
    ("how", "text"),
    [
        ("hang", "the server takes too long to answer (ReadTimeoutError"),
        ("reset up", "the server broke the connection off (ConnectionClosedError"),
    ],
)
def test_a_server_that_never_answers(proxy: Unruly, hasty: S3Storage, said: list[str], how: How, text: str) -> None:
    """A server that has never answered is not waited for: its address may be wrong."""
    proxy.faults.append(Fault(how, ".", times=1000))
    with pytest.raises(Unavailable) as caught:
        hasty.put(URI, SMALL)
    assert text in str(caught.value)
    assert "; check the endpoint's address and port, the network and the proxy" in str(caught.value)
    assert [] == said


@pytest.mark.parametrize("code", ["XMinioStorageFull", "InsufficientStorage"])
@pytest.mark.parametrize("size", [pytest.param(len(SMALL), id="small"), pytest.param(len(LARGE), id="in parts")])
def test_a_full_storage(
    proxy: Unruly, storage: S3Storage, s3_server: S3Server, s3_bucket: str, tmp_path: Path, code: str, size: int
) -> None:
    """A full storage is an error at once that says so; the old content stays, and nothing half."""
    storage.put(URI, b"old")
    (tmp_path / "source").write_bytes(LARGE[:size])
    proxy.faults.append(Fault("answer", PUT, times=100, status=507, code=code))
    with pytest.raises(StorageError) as caught:
        storage.put(URI, tmp_path / "source")
    assert f"cannot store '{URI}': the storage is full ({code}, bucket '{s3_bucket}'" in str(caught.value)
    assert "; free some space there, raise its quota, or keep files elsewhere with --storage" in str(caught.value)
    assert b"old" == storage.read(URI)
    assert [] == unfinished(s3_server, s3_bucket, storage)


def test_the_end_of_an_upload_is_lost(
    proxy: Unruly, storage: S3Storage, s3_server: S3Server, s3_bucket: str, tmp_path: Path
) -> None:
    """Where the server has finished an upload and its answer is lost, the file is there and no error is raised."""
    (tmp_path / "large").write_bytes(LARGE)
    storage.exists(URI)
    proxy.faults.append(Fault("lose", COMPLETE))
    storage.put(URI, tmp_path / "large")
    assert LARGE == storage.read(URI)
    assert 2 == len(proxy.seen_of(COMPLETE))
    assert [] == unfinished(s3_server, s3_bucket, storage)


@pytest.mark.parametrize("request_", [PART, COMPLETE])
def test_an_upload_that_fails(
    proxy: Unruly, storage: S3Storage, s3_server: S3Server, s3_bucket: str, tmp_path: Path, request_: str
) -> None:
    """An upload that fails leaves neither a file nor parts that somebody pays for."""
    (tmp_path / "large").write_bytes(LARGE)
    proxy.faults.append(Fault("answer", request_, times=100, status=403, code="AccessDenied"))
    with pytest.raises(StorageError, match="access is denied"):
        storage.put(URI, tmp_path / "large")
    assert not storage.exists(URI)
    assert [] == unfinished(s3_server, s3_bucket, storage)


def test_what_cannot_be_ended_is_said(proxy: Unruly, storage: S3Storage, said: list[str], tmp_path: Path) -> None:
    """Where the server does not let an upload be ended, that is said; the error is the first one all the same."""
    (tmp_path / "large").write_bytes(LARGE)
    proxy.faults.append(Fault("answer", r"^PUT .*partNumber=|^DELETE ", times=100, status=403, code="AccessDenied"))
    with pytest.raises(StorageError, match="cannot store 'kestra:///folder/a': access is denied"):
        storage.put(URI, tmp_path / "large")
    assert 1 == len(said)
    assert "an unfinished upload of 'faults/" in said[0]


def test_nothing_half_is_read(proxy: Unruly, storage: S3Storage, s3_server: S3Server, tmp_path: Path) -> None:
    """While a file is sent, and when sending it broke off, readers get the old content or the new."""
    (tmp_path / "large").write_bytes(LARGE)
    seen: list[bytes] = []
    storage.put(URI, b"old")
    with s3_server.client() as other:
        reader = S3Storage(other, "runs", repr(storage).partition("prefix='")[2].rstrip("')"))
        storage._access.client.meta.events.register(
            "after-call.s3.UploadPart", lambda **_: seen.append(reader.read(URI))
        )
        proxy.faults.append(Fault("reset up", PUT, spared=1, after=MIB))
        storage.put(URI, tmp_path / "large")
        assert [b"old"] * 3 == seen
        assert LARGE == reader.read(URI)
        proxy.faults.append(Fault("reset up", PUT, after=4000))
        storage.put(URI, SMALL)
    assert SMALL == storage.read(URI)


@pytest.mark.parametrize("text", ["soon", "-1", "inf", "nan"])
def test_no_time(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """What is no time to wait is refused."""
    monkeypatch.setenv("WDPREFECT_STORAGE_WAIT", text)
    with pytest.raises(Exception, match=f"WDPREFECT_STORAGE_WAIT is '{text}': give a number of seconds, 0 for not"):
        patience.wait_seconds()
