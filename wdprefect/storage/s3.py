"""The internal storage in an S3 bucket."""

from __future__ import annotations

import builtins
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from wdprefect.model.parallel import in_parallel
from wdprefect.model.ports import StoredEntry, StoredFile
from wdprefect.storage import uris
from wdprefect.storage.atomic import replacing
from wdprefect.storage.aws_failures import Place, refused, status_of
from wdprefect.storage.content import open_source
from wdprefect.storage.os_failures import translating_os_errors
from wdprefect.storage.patience import Patience, wait_seconds
from wdprefect.storage.s3_access import Access
from wdprefect.storage.s3_download import download
from wdprefect.storage.s3_parts import LARGE_BYTES
from wdprefect.storage.s3_signing import sign_parts_once
from wdprefect.storage.s3_upload import Source, upload_bytes, upload_file

if TYPE_CHECKING:
    from botocore.client import BaseClient

NOT_FOUND = 404
# The answer to a HEAD has no body that would say why.
UNSAID = frozenset({400, 403})


class S3Storage:
    """The Storage port on the objects of `bucket` whose keys begin with `prefix` and a slash.

    client: a boto3 S3 client; 128 connections let `put_many` work at full speed. Safe to use from several threads.
    A server that is out of order is waited for, see `Patience`.
    """

    def __init__(self, client: BaseClient, bucket: str, prefix: str) -> None:
        sign_parts_once(client)
        self._access = Access(client, Patience(wait_seconds()))
        self._bucket, self._base = bucket, f"{prefix.strip('/')}/".removeprefix("/")
        self._bucket_exists = False

    @property
    def client(self) -> BaseClient:
        return self._access.client

    @property
    def bucket(self) -> str:
        return self._bucket

    @property
    def base(self) -> str:
        """What all keys begin with: empty, or with a slash at its end."""
        return self._base

    @property
    def endpoint(self) -> str:
        return str(self.client.meta.endpoint_url)

    def __repr__(self) -> str:
        return f"S3Storage(bucket={self._bucket!r}, prefix={self._base!r})"

    def put(self, uri: str, source: Path | bytes) -> StoredFile:
        """Store a file, or bytes; what was there before is replaced. Large files go in parts."""
        with self._accessing("store", uri) as place:
            if isinstance(source, bytes):
                return StoredFile(uri, len(source), upload_bytes(self._access, place, source))
            with open_source(uri, source) as file:
                opened = Source(uri, source, file)
                return StoredFile(uri, opened.size, upload_file(self._access, place, opened))

    def put_many(self, items: Iterable[tuple[str, Path | bytes]]) -> builtins.list[StoredFile]:
        """Store each, many at a time, and answer in the order given; the first failure ends it.

        No more items are taken from an iterator than are under way or come next.
        """
        return in_parallel(lambda item: self.put(*item), items)

    def get(self, uri: str, target: Path) -> None:
        """Write the file to `target`, replacing what is there; missing folders are made."""
        made: builtins.list[BinaryIO] = []
        with self._accessing("fetch", uri, target) as place, ExitStack() as stack:

            def receive(_: int) -> BinaryIO:
                # Nothing is made on this machine before there is an answer.
                if not made:
                    made.append(stack.enter_context(replacing(target, file_mode=0o666, folder_mode=0o777)))
                return made[0]

            download(self._access, place, "fetch", receive)

    def open(self, uri: str) -> BinaryIO:
        """The file, fetched and verified, open for reading: a small one in memory, a large one in a temporary file."""
        made: builtins.list[BinaryIO] = []

        def receive(size: int) -> BinaryIO:
            # Another one than before may be of another size.
            while made:
                made.pop().close()
            made.append(BytesIO() if size <= LARGE_BYTES else tempfile.TemporaryFile())  # noqa: SIM115  # the caller closes it
            return made[0]

        with self._accessing("read", uri) as place:
            try:
                file = download(self._access, place, "read", receive)
            except BaseException:  # Ctrl-C as well: nobody else can close it
                for file in made:
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

        def ask(client: BaseClient) -> builtins.list[Any]:
            lister = client.get_paginator("list_objects_v2")  # type: ignore[no-untyped-call]  # boto3 has no types
            pages = lister.paginate(Bucket=place.bucket, Prefix=place.key)
            return [item for page in pages for item in page.get("Contents", ())]

        items = self._access.ask("list", place, ask)
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
            self._access.ask("delete", place, lambda client: client.delete_object(Bucket=place.bucket, Key=place.key))
            return True

    def location(self, uri: str) -> tuple[BaseClient, str, str]:
        """By which client a file is reached, in which bucket, under which key: for copies within S3."""
        return self._access.client, self._bucket, self._base + uris.parse(uri)

    def _find_head(self, verb: str, place: Place) -> Mapping[str, Any] | None:
        """What is known of an object; None for a missing one. Raises StorageError for a missing bucket."""
        from botocore.exceptions import ClientError  # the client has loaded it already

        def ask(client: BaseClient) -> Mapping[str, Any] | None:
            try:
                head: Mapping[str, Any] = client.head_object(Bucket=place.bucket, Key=place.key)
            except ClientError as error:
                if status_of(error) == NOT_FOUND:
                    return None
                if status_of(error) in UNSAID:
                    client.get_object(Bucket=place.bucket, Key=place.key, Range="bytes=0-0")["Body"].close()
                raise
            return head

        head = self._access.ask(verb, place, ask)
        if head is None:
            self._check_bucket(verb, place)
        return head

    def _check_bucket(self, verb: str, place: Place) -> None:
        # The answer to a HEAD has no body that would tell a missing bucket from a missing file. Asked until it is
        # there once.
        from botocore.exceptions import ClientError  # as above

        def ask(client: BaseClient) -> bool:
            try:
                client.head_bucket(Bucket=place.bucket)
            except ClientError as error:
                # Whoever may read files need not be allowed to ask about buckets.
                return status_of(error) != NOT_FOUND
            return True

        if self._bucket_exists:
            return
        if not self._access.ask(verb, place, ask):
            raise refused("NoSuchBucket", verb, place)
        self._bucket_exists = True

    def _place(self, uri: str, path: str) -> Place:
        return Place(uri, self._bucket, self._base + path, self.endpoint)

    @contextmanager
    def _accessing(self, verb: str, uri: str, target: Path | None = None) -> Iterator[Place]:
        place = self._place(uri, uris.parse(uri))
        local = target or Path(tempfile.gettempdir())
        with translating_os_errors(verb, uri, local):
            yield place


def _entry(place: Place, uri: str, item: Mapping[str, Any]) -> StoredEntry:
    """What an answer of S3 says of an object. Its version is that of this content in this place, and nowhere else."""
    version = "\n".join([place.endpoint, place.bucket, item["Key"], item["ETag"], str(item["Size"])])
    return StoredEntry(uri, item["Size"], item["LastModified"], version)
