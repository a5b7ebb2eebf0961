"""The storage in S3: how objects lie there, that damage is seen, and what errors say."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import socket
import zlib
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from botocore.stub import Stubber

from tests.servers.s3 import S3Server
from wdprefect.errors import StorageError, Unavailable, WdprefectError
from wdprefect.storage.s3 import S3Storage

pytestmark = pytest.mark.s3

URI = "kestra:///folder/a%20b.csv"
MIB = 1024 * 1024
LARGE = 20 * MIB


def test_an_object(s3_server: S3Server, s3_bucket: str) -> None:
    """The key is the prefix and the decoded path; the object's metadata hold the SHA-256."""
    with s3_server.client() as client:
        S3Storage(client, s3_bucket, "/one/prefix/").put(URI, b"x")
        found = client.head_object(Bucket=s3_bucket, Key="one/prefix/folder/a b.csv")
    assert {"sha256": hashlib.sha256(b"x").hexdigest()} == found["Metadata"]
    assert 1 == found["ContentLength"]


def test_large_files_go_in_parts(s3_server: S3Server, s3_bucket: str, tmp_path: Path) -> None:
    """A file of 20 MiB is sent in three parts, whose size and checksums are kept with it; its SHA-256 is answered."""
    (tmp_path / "large").write_bytes(b"x" * LARGE)
    with s3_server.client() as client:
        stored = S3Storage(client, s3_bucket, "parts").put(URI, tmp_path / "large")
        found = client.head_object(Bucket=s3_bucket, Key="parts/folder/a b.csv")
    assert found["ETag"].strip('"').endswith("-3")
    assert hashlib.sha256(b"x" * LARGE).hexdigest() == stored.sha256
    parts = [b"x" * (8 * MIB), b"x" * (8 * MIB), b"x" * (4 * MIB)]
    of_parts = zlib.crc32(b"".join(zlib.crc32(part).to_bytes(4, "big") for part in parts))
    assert {"crc32": f"{8 * MIB}-{of_parts:08x}"} == found["Metadata"]


def test_foreign_objects(s3_server: S3Server, s3_bucket: str) -> None:
    """Objects that others put below the prefix are read without a hash; those with no URI are not listed."""
    with s3_server.client() as client:
        for key in ("foreign/a", "foreign/folder/", "foreign-not/b"):
            client.put_object(Bucket=s3_bucket, Key=key, Body=b"x")
        storage = S3Storage(client, s3_bucket, "foreign")
        assert ["kestra:///a"] == storage.list("kestra:///")
        assert b"x" == storage.read("kestra:///a")


def test_versions(s3_server: S3Server, s3_bucket: str) -> None:
    """The same version is the same content in the same place: another content or another place has another one."""
    with s3_server.client() as client:
        one, other = (S3Storage(client, s3_bucket, prefix) for prefix in ("versions/1", "versions/2"))
        seen = []
        for storage, content in ((one, b"x"), (one, b"y"), (other, b"x"), (one, b"x")):
            storage.put(URI, content)
            seen.append(storage.entries("kestra:///")[0].version)
    assert [True, True, True, False] == [version not in seen[:number] for number, version in enumerate(seen)]
    assert None not in seen


def test_more_than_a_page(s3_storage: S3Storage) -> None:
    """A listing is complete, however many answers it takes."""
    uris = [f"kestra:///many/{number:04}" for number in range(1001)]
    s3_storage.put_many((uri, b"") for uri in uris)
    assert uris == s3_storage.list("kestra:///many")


@pytest.mark.parametrize("size", [pytest.param(10, id="small"), pytest.param(LARGE, id="in parts")])
def test_damage_is_seen(s3_server: S3Server, s3_bucket: str, tmp_path: Path, size: int) -> None:
    """Content that does not fit the hash kept with it is an error, and nothing is left at the target."""
    with s3_server.client() as client:
        client.put_object(Bucket=s3_bucket, Key="damaged/a", Body=b"x" * size, Metadata={"sha256": "0" * 64})
        storage = S3Storage(client, s3_bucket, "damaged")
        for reading in (storage.read, lambda uri: storage.get(uri, tmp_path / "target")):
            with pytest.raises(StorageError, match="its content is not what was stored") as caught:
                reading("kestra:///a")
            assert "kestra:///a" == caught.value.uri
    assert [] == [*tmp_path.iterdir()]


def test_stored_anew_while_it_is_fetched(s3_server: S3Server, s3_bucket: str, tmp_path: Path) -> None:
    """A large file that is stored anew between the first answer and its parts arrives whole, as the new one."""
    with s3_server.client() as client, s3_server.client() as other:
        storage, writer = (S3Storage(one, s3_bucket, "anew") for one in (client, other))
        storage.put(URI, b"a" * LARGE)
        left = ["once"]

        def store_anew(**_: object) -> None:
            if left:
                left.pop()
                writer.put(URI, b"b" * LARGE)

        client.meta.events.register("after-call.s3.GetObject", store_anew)
        storage.get(URI, tmp_path / "target")
    assert b"b" * LARGE == (tmp_path / "target").read_bytes()


def grow(source: Path) -> None:
    """More at the end of the file."""
    with source.open("ab") as file:
        file.write(b"more")


def rewrite(source: Path) -> None:
    """Other content of the same size."""
    source.write_bytes(b"y" * source.stat().st_size)
    # The clock of a file system may stand still for some milliseconds.
    os.utime(source, ns=(0, 1))


@pytest.mark.parametrize("change", [grow, rewrite])
@pytest.mark.parametrize("size", [pytest.param(10, id="small"), pytest.param(LARGE, id="in parts")])
def test_a_source_that_changes(
    s3_server: S3Server, s3_bucket: str, tmp_path: Path, size: int, change: Callable[[Path], None]
) -> None:
    """A file that is written to while it is stored is an error that says so."""
    source = tmp_path / "source"
    source.write_bytes(b"x" * size)
    with s3_server.client() as client:
        client.meta.events.register("after-call.s3", lambda **_: change(source))
        with pytest.raises(StorageError, match="changed meanwhile") as caught:
            S3Storage(client, s3_bucket, "changing").put("kestra:///a", source)
    assert str(source) in str(caught.value)


METHODS: list[Any] = [
    pytest.param(lambda storage, _: storage.put(URI, b"x"), id="put bytes"),
    pytest.param(lambda storage, path: storage.put(URI, path / "small"), id="put"),
    pytest.param(lambda storage, path: storage.put(URI, path / "large"), id="put in parts"),
    pytest.param(lambda storage, path: storage.get(URI, path / "target"), id="get"),
    pytest.param(lambda storage, _: storage.read(URI), id="read"),
    pytest.param(lambda storage, _: storage.exists(URI), id="exists"),
    pytest.param(lambda storage, _: storage.size(URI), id="size"),
    pytest.param(lambda storage, _: storage.list("kestra:///folder"), id="list"),
    pytest.param(lambda storage, _: storage.delete(URI), id="delete"),
]
Using = Callable[[S3Storage, Path], object]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with a small and a large file."""
    (tmp_path / "small").write_bytes(b"x")
    (tmp_path / "large").write_bytes(b"x" * LARGE)
    return tmp_path


@pytest.mark.parametrize("using", METHODS)
def test_missing_bucket(s3_server: S3Server, files: Path, using: Using) -> None:
    """Every method tells a missing bucket from a missing file, and says what to do."""
    with s3_server.client() as client, pytest.raises(StorageError) as caught:
        using(S3Storage(client, "no-such-bucket", "p"), files)
    text = str(caught.value)
    assert "there is no such bucket (NoSuchBucket, bucket 'no-such-bucket', key 'p/folder/" in text
    assert f"at {s3_server.endpoint}); make the bucket, or name another one with --storage" in text


@pytest.mark.parametrize("using", METHODS)
@pytest.mark.parametrize(
    ("keys", "texts"),
    [
        pytest.param(
            {"secret_key": "wrong"},
            ["the secret does not belong to the access key (SignatureDoesNotMatch", "access is denied (403"],
            id="secret",
        ),
        pytest.param(
            {"access_key": "wrong"},
            ["the access key is not known there (InvalidAccessKeyId", "access is denied (403"],
            id="access key",
        ),
    ],
)
def test_wrong_keys(
    s3_server: S3Server, s3_bucket: str, files: Path, using: Using, keys: dict[str, str], texts: list[str]
) -> None:
    """Wrong keys are told apart where S3 says so; the answer to a HEAD only says that access is denied."""
    with dataclasses.replace(s3_server, **keys).client() as client, pytest.raises(StorageError) as caught:
        using(S3Storage(client, s3_bucket, "p"), files)
    assert any(text in str(caught.value) for text in texts)
    assert f"bucket '{s3_bucket}', key 'p/folder/" in str(caught.value)


@pytest.mark.parametrize("using", METHODS)
def test_unreachable(files: Path, using: Using) -> None:
    """A server that does not answer is Unavailable, so that trying again is allowed, and is named."""
    with ExitStack() as stack:
        # Bound and not listening: nobody answers, and nobody else gets the port.
        closed = stack.enter_context(socket.socket())
        closed.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{closed.getsockname()[1]}"
        client = stack.enter_context(S3Server(endpoint).client(attempts=1))
        with pytest.raises(Unavailable, match="the server cannot be reached") as caught:
            using(S3Storage(client, "runs", "p"), files)
    assert f"at {endpoint}); check the endpoint's address and port" in str(caught.value)


@pytest.mark.parametrize(
    ("code", "status", "error", "text"),
    [
        pytest.param("SlowDown", 503, Unavailable, "has too much to do (SlowDown", id="slow down"),
        pytest.param("XMinioStorageFull", 507, StorageError, "the storage is full (XMinioStorageFull", id="full MinIO"),
        pytest.param("InsufficientStorage", 507, StorageError, "free some space there, raise its quota", id="full"),
        pytest.param("", 507, StorageError, "the storage is full (507", id="full, without a code"),
        pytest.param("BadDigest", 400, Unavailable, "the bytes did not arrive as they were sent", id="damaged"),
        pytest.param("InternalError", 500, Unavailable, "overloaded or broken (InternalError", id="broken server"),
        pytest.param("RequestTimeout", 400, Unavailable, "overloaded or broken (RequestTimeout", id="time-out"),
        pytest.param("NotImplemented", 501, StorageError, "look up the code", id="unknown to the server"),
        pytest.param("RequestTimeTooSkewed", 403, StorageError, "set this machine's clock", id="clock"),
        pytest.param("AccessDenied", 403, StorageError, "allow s3:GetObject", id="denied"),
        pytest.param("AllAccessDisabled", 403, StorageError, "access is denied (AllAccessDisabled", id="all denied"),
        pytest.param("InvalidClientTokenId", 403, StorageError, "the access key is not known there", id="unknown key"),
        pytest.param("RequestThrottled", 400, Unavailable, "too much to do (RequestThrottled", id="throttled"),
        pytest.param("InvalidBucketName", 400, StorageError, "); name another one with --storage", id="no name"),
        pytest.param("ExpiredToken", 400, StorageError, "sign in anew", id="expired token"),
        pytest.param("PermanentRedirect", 301, StorageError, "set AWS_DEFAULT_REGION", id="region"),
        pytest.param("SomethingNew", 400, StorageError, "its words (SomethingNew", id="unknown code"),
    ],
)
def test_answers(
    monkeypatch: pytest.MonkeyPatch, code: str, status: int, error: type[WdprefectError], text: str
) -> None:
    """Each answer of S3 becomes an error with its code and the next step; trying again is for those that may pass."""
    monkeypatch.setenv("WDPREFECT_STORAGE_WAIT", "0")
    with S3Server("http://127.0.0.1:9").client() as client:
        # A real server gives these answers on bad days only.
        stub = Stubber(client)  # type: ignore[no-untyped-call]  # boto3 has no types
        stub.add_client_error("get_object", code, "its words", status)  # type: ignore[no-untyped-call]  # as above
        with stub, pytest.raises(error) as caught:
            S3Storage(client, "runs", "p").read(URI)
    assert text in str(caught.value)
    assert "bucket 'runs', key 'p/folder/a b.csv'" in str(caught.value)


def test_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without credentials the error names the ways to give them."""
    from wdprefect.storage.s3_client import client_from_environment

    for name, value in S3Server("http://127.0.0.1:9").environment.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(StorageError, match=r"there are no credentials .*; check the access key and its secret"):
        S3Storage(client_from_environment(), "runs", "p").read(URI)
