"""The internal storage in an S3 bucket."""

from __future__ import annotations

import builtins
import hashlib
import os
import tempfile
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from wdprefect.errors import StorageError
from wdprefect.model.ports import StoredEntry, StoredFile
from wdprefect.storage import uris
from wdprefect.storage.atomic import replacing
from wdprefect.storage.aws_failures import Place, refused, status_of, translating_aws_errors
from wdprefect.storage.content import copy, open_source
from wdprefect.storage.os_failures import translating_os_errors
from wdprefect.storage.s3_transfer import LARGE_BYTES, download, upload, upload_in_parts

if TYPE_CHECKING:
    from botocore.client import BaseClient

WORKERS = 16
NOT_FOUND = 404


class S3Storage:
    """The Storage port on the objects of `bucket` whose keys begin with `prefix` and a slash.

    client: a boto3 S3 client; 64 connections let `put_many` work at full speed. Safe to use from several threads.
    """

    def __init__(self, client: BaseClient, bucket: str, prefix: str) -> None:
        self._client, self._bucket = client, bucket
        self._base = f"{prefix.strip('/')}/".removeprefix("/")
        self._bucket_exists = False

    def __repr__(self) -> str:
        return f"S3Storage(bucket={self._bucket!r}, prefix={self._base!r})"

    def put(self, uri: str, source: Path | bytes) -> StoredFile:
        """Store a file, or bytes; what was there before is replaced. Large files go in parts."""
        with self._accessing("store", uri) as place:
            if isinstance(source, bytes):
                size, sha256 = len(source), hashlib.sha256(source).hexdigest()
                upload(self._client, place, source, size, sha256)
            else:
                size, sha256 = self._put_file(place, source)
        return StoredFile(uri, size, sha256)

    def put_many(self, items: Iterable[tuple[str, Path | bytes]]) -> builtins.list[StoredFile]:
        """Store each, many at a time, and answer in the order given; the first failure ends it.

        No more items are taken from the iterable than are under way.
        """
        stored: builtins.list[StoredFile] = []
        under_way: deque[Future[StoredFile]] = deque()
        with ThreadPoolExecutor(WORKERS) as pool:
            try:
                for uri, source in items:
                    if len(under_way) == 2 * WORKERS:
                        stored.append(under_way.popleft().result())
                    under_way.append(pool.submit(self.put, uri, source))
                stored += [future.result() for future in under_way]
            except BaseException:  # Ctrl-C as well: what has not begun is not begun
                pool.shutdown(cancel_futures=True)
                raise
        return stored

    def get(self, uri: str, target: Path) -> None:
        """Write the file to `target`, replacing what is there; missing folders are made."""
        with self._accessing("fetch", uri, target) as place:
            answer = self._client.get_object(Bucket=place.bucket, Key=place.key)
            with replacing(target, file_mode=0o666, folder_mode=0o777) as file:
                download(self._client, place, answer, file)

    def open(self, uri: str) -> BinaryIO:
        """The file, fetched and verified, open for reading: a small one in memory, a large one in a temporary file."""
        with self._accessing("read", uri) as place:
            answer = self._client.get_object(Bucket=place.bucket, Key=place.key)
            small = answer["ContentLength"] <= LARGE_BYTES
            file = BytesIO() if small else tempfile.TemporaryFile()  # noqa: SIM115  # the caller closes it
            try:
                download(self._client, place, answer, file)
            except BaseException:  # Ctrl-C as well: nobody else can close it
                file.close()
                raise
        file.seek(0)
        return file

    def read(self, uri: str) -> bytes:
        with self.open(uri) as file:
            return file.read()

    def exists(self, uri: str) -> bool:
        with self._accessing("read", uri) as place:
            return self._find_head("read", place) is not None

    def size(self, uri: str) -> int:
        """The size in bytes. Raises StorageError for a missing file."""
        with self._accessing("read", uri) as place:
            if (head := self._find_head("read", place)) is None:
                raise refused("NoSuchKey", "read", place)
            return int(head["ContentLength"])

    def find(self, uri: str) -> StoredEntry | None:
        """What is known of a file without reading it; None for a missing one."""
        with self._accessing("read", uri) as place:
            head = self._find_head("read", place)
            return _entry(place, uri, {**head, "Key": place.key, "Size": head["ContentLength"]}) if head else None

    def entries(self, prefix: str) -> builtins.list[StoredEntry]:
        """What `list` names, with sizes and times; an object's ETag tells its versions apart."""
        folder = uris.parse_folder(prefix)
        place = self._place(prefix, f"{folder}/" if folder else "")
        with translating_aws_errors("list", place):
            lister = self._client.get_paginator("list_objects_v2")  # type: ignore[no-untyped-call]  # boto3 has no types
            pages = lister.paginate(Bucket=place.bucket, Prefix=place.key)
            items = [item for page in pages for item in page.get("Contents", ())]
        # Consoles make folders as empty objects whose key ends with a slash; those, too, have no URI.
        named = [(uris.find_uri(item["Key"].removeprefix(self._base)), item) for item in items]
        return sorted((_entry(place, uri, item) for uri, item in named if uri), key=lambda entry: entry.uri)

    def list(self, prefix: str) -> builtins.list[str]:
        """The URIs of all files below the folder `prefix`, however deep, sorted; none for a missing folder."""
        return [entry.uri for entry in self.entries(prefix)]

    def delete(self, uri: str) -> bool:
        """Remove the file. False when there was none."""
        with self._accessing("delete", uri) as place:
            # S3 itself answers alike whether there was one or not.
            if self._find_head("delete", place) is None:
                return False
            self._client.delete_object(Bucket=place.bucket, Key=place.key)
            return True

    def location(self, uri: str) -> tuple[BaseClient, str, str]:
        """By which client a file is reached, in which bucket, under which key: for copies within S3."""
        return self._client, self._bucket, self._base + uris.parse(uri)

    def _put_file(self, place: Place, source: Path) -> tuple[int, str]:
        with open_source(place.uri, source) as file:
            before = os.fstat(file.fileno())
            # The hash travels ahead of the bytes, so the file is read twice.
            size, sha256 = copy(file, None)
            if size > LARGE_BYTES:
                upload_in_parts(self._client, place, source, size, sha256)
            else:
                file.seek(0)
                upload(self._client, place, file, size, sha256)
            after = source.stat()
        if (before.st_ino, before.st_size, before.st_mtime_ns) != (after.st_ino, after.st_size, after.st_mtime_ns):
            reason = f"'{source}' changed meanwhile; wait until whatever writes it has ended"
            raise StorageError(f"cannot store '{place.uri}': {reason}", place.uri)
        return size, sha256

    def _find_head(self, verb: str, place: Place) -> Mapping[str, Any] | None:
        from botocore.exceptions import ClientError  # the client has loaded it already

        try:
            head: Mapping[str, Any] = self._client.head_object(Bucket=place.bucket, Key=place.key)
        except ClientError as error:
            if status_of(error) != NOT_FOUND:
                raise
            self._check_bucket(verb, place)
            return None
        return head

    def _check_bucket(self, verb: str, place: Place) -> None:
        # The answer to a HEAD has no body that would tell a missing bucket from a missing file. Asked until it is
        # there once.
        from botocore.exceptions import ClientError  # as above

        if self._bucket_exists:
            return
        try:
            self._client.head_bucket(Bucket=place.bucket)
        except ClientError as error:
            if status_of(error) == NOT_FOUND:
                raise refused("NoSuchBucket", verb, place) from error
            # Whoever may read files need not be allowed to ask about buckets.
        self._bucket_exists = True

    def _place(self, uri: str, path: str) -> Place:
        return Place(uri, self._bucket, self._base + path, str(self._client.meta.endpoint_url))

    @contextmanager
    def _accessing(self, verb: str, uri: str, target: Path | None = None) -> Iterator[Place]:
        place = self._place(uri, uris.parse(uri))
        local = target or Path(tempfile.gettempdir())
        with translating_os_errors(verb, uri, local), translating_aws_errors(verb, place):
            yield place


def _entry(place: Place, uri: str, item: Mapping[str, Any]) -> StoredEntry:
    """What an answer of S3 says of an object. Its version is that of this content in this place, and nowhere else."""
    version = "\n".join([place.endpoint, place.bucket, item["Key"], item["ETag"], str(item["Size"])])
    return StoredEntry(uri, item["Size"], item["LastModified"], version)
