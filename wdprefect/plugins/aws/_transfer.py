"""Objects on their way between S3 and files of this machine, and from one key to another; never whole in memory.

What S3 or the way to it refuses is raised as boto3 has it. A request to stop ends a transfer where it is, and then
TaskFailed is raised.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from wdprefect.errors import TaskFailed
from wdprefect.model.stop import Stop
from wdprefect.storage.content import CHUNK_BYTES
from wdprefect.storage.s3_transfer import LARGE_BYTES, TRIES, broken_transfers, in_parts

if TYPE_CHECKING:
    from botocore.client import BaseClient
    from s3transfer.futures import TransferFuture

# What is copied in one request. S3 takes up to 5 GiB, and answers when it has done it; clients do not wait so long.
LONGEST_COPY_BYTES = 512 * 2**20
Answer = Mapping[str, Any]


def check(stop: Stop) -> None:
    """Raises TaskFailed when the work is to end."""
    if stop.requested:
        raise TaskFailed("it was asked to end")


def download(client: BaseClient, asked: Mapping[str, Any], path: Path, stop: Stop) -> Answer:
    """Write an object to a new file; what S3 says of it. What breaks off or changes meanwhile is fetched again.

    asked: what GetObject takes, by its names. What S3 says is true of exactly this content.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for tries_left in reversed(range(TRIES)):
        check(stop)
        answer = client.get_object(**asked)
        try:
            with path.open("wb") as file:
                _fetch(client, asked, answer, file, stop)
        except broken_transfers():
            if not tries_left:
                raise
        else:
            break
    return dict(answer)


def upload(client: BaseClient, wanted: Mapping[str, Any], path: Path, stop: Stop) -> Answer:
    """Store a file, a large one in parts; what S3 says of the object.

    wanted: what PutObject takes, by its names, without the content.
    """
    size = path.stat().st_size
    with _ending(stop):
        if size <= LARGE_BYTES:
            with path.open("rb") as file:
                return dict(client.put_object(**wanted, Body=_Body(file, stop), ContentLength=size))
        remembering = _Remembering(client)
        with _manager(remembering, size, "BucketKeyEnabled") as manager:
            future = manager.upload(str(path), wanted["Bucket"], wanted["Key"], _without_place(wanted))
            _wait(future, stop)
    return remembering.answer


def copy(client: BaseClient, source: Mapping[str, Any], wanted: Mapping[str, Any], head: Answer, stop: Stop) -> Answer:
    """Copy an object within the server, a very large one in parts; what S3 says of the copy.

    source: Bucket, Key and perhaps VersionId. wanted: what CopyObject takes besides, by its names. head: what
    HeadObject says of the source.
    """
    with _ending(stop):
        if head["ContentLength"] <= LONGEST_COPY_BYTES:
            answer = client.copy_object(CopySource=dict(source), **wanted)
            return {**answer, "ETag": answer["CopyObjectResult"]["ETag"]}
        remembering = _Remembering(client)
        # In parts, tags come along only where that is said.
        extra = {"TaggingDirective": "COPY", **_without_place(wanted)}
        with _manager(remembering, head["ContentLength"]) as manager:
            future = manager.copy(dict(source), wanted["Bucket"], wanted["Key"], extra, source_client=client)
            _wait(future, stop)
    return remembering.answer


def _fetch(client: BaseClient, asked: Mapping[str, Any], answer: Answer, file: BinaryIO, stop: Stop) -> None:
    body, size = answer["Body"], answer["ContentLength"]
    if size <= LARGE_BYTES:
        while chunk := body.read(CHUNK_BYTES):
            check(stop)
            file.write(chunk)
        return
    body.close()
    # What was asked for by its ETag is known by it anyway, and the library has no such argument.
    extra = _without_place(asked, "IfMatch")
    with _ending(stop), _manager(client, size) as manager:
        known = [_Known(size, answer["ETag"])]
        future = manager.download(asked["Bucket"], asked["Key"], file, extra, known)
        _wait(future, stop)


def _without_place(asked: Mapping[str, Any], *others: str) -> dict[str, Any]:
    return {name: value for name, value in asked.items() if name not in ("Bucket", "Key", *others)}


@contextmanager
def _manager(client: Any, size: int, *more: str) -> Iterator[Any]:
    """What moves one large file. It takes `more` arguments of S3's, which the library has not in its list."""
    from boto3.s3.transfer import create_transfer_manager  # the client has loaded most of it already

    with create_transfer_manager(client, in_parts(size)) as manager:  # type: ignore[no-untyped-call]  # boto3 has no types
        manager.ALLOWED_UPLOAD_ARGS = [*manager.ALLOWED_UPLOAD_ARGS, *more]
        yield manager


def _wait(future: TransferFuture, stop: Stop) -> None:
    with stop.calling(future.cancel):
        future.result()  # type: ignore[no-untyped-call]  # as above


@contextmanager
def _ending(stop: Stop) -> Iterator[None]:
    """Whatever a transfer raises that was asked to end, it has ended."""
    check(stop)
    try:
        yield
    except Exception:
        check(stop)
        raise


class _Body:
    """A file that is sent, until the work is to end."""

    def __init__(self, file: BinaryIO, stop: Stop) -> None:
        self.seek: Callable[..., int] = file.seek
        self.tell: Callable[[], int] = file.tell
        self._file, self._stop = file, stop

    def read(self, size: int = -1) -> bytes:
        check(self._stop)
        return self._file.read(size)


class _Known:
    """Tells a download which content it has to be, so that it need not ask and sees when it changes."""

    def __init__(self, size: int, etag: str) -> None:
        self._size, self._etag = size, etag

    def on_queued(self, future: TransferFuture, **_: Any) -> None:
        future.meta.provide_transfer_size(self._size)
        future.meta.provide_object_etag(self._etag)


class _Remembering:
    """A client that keeps what it is answered when an object is there: the library does not pass it on."""

    def __init__(self, client: BaseClient) -> None:
        self._client = client
        self.answer: Answer = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def complete_multipart_upload(self, **asked: Any) -> Answer:
        self.answer = self._client.complete_multipart_upload(**asked)
        return self.answer
