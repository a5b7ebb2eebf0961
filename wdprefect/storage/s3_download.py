"""Files from S3, verified: small ones in one request, large ones in ranges of which each is fetched again alone."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any, BinaryIO

from wdprefect.errors import StorageError, Unavailable
from wdprefect.model.parallel import in_parallel
from wdprefect.storage.aws_failures import Place, is_answer, translating_aws_errors
from wdprefect.storage.content import CHUNK_BYTES, copy
from wdprefect.storage.s3_access import Access
from wdprefect.storage.s3_parts import (
    CRC32,
    LARGE_BYTES,
    SHA256,
    THREADS,
    Part,
    kept,
    kept_crc32,
    kept_part_bytes,
    parts_of,
    usual_part_bytes,
)

if TYPE_CHECKING:
    from botocore.client import BaseClient

TRIES = 3
# Called with the size of what comes; gives the file that it is written to.
Receive = Callable[[int], BinaryIO]


def download(access: Access, place: Place, verb: str, receive: Receive) -> BinaryIO:
    """Fetch an object and verify it; what breaks off, or is stored anew meanwhile, is fetched again.

    Raises StorageError where the content is not what was stored.
    """
    for _ in range(TRIES):
        with suppress(_StoredAnew):
            file, is_intact = _fetch(access, place, verb, receive)
            if is_intact:
                return file
    what = "its content is not what was stored"
    raise StorageError(place.describe("read", what, "checksum differs", "damaged"), place.uri)


class _StoredAnew(Exception):
    """What has been fetched so far is of an object that is no longer there."""


def _fetch(access: Access, place: Place, verb: str, receive: Receive) -> tuple[BinaryIO, bool]:
    """The file, and whether it has arrived as it was stored, as far as that is known."""

    def begin(client: BaseClient) -> tuple[Mapping[str, Any], BinaryIO, bool | None]:
        answer = client.get_object(Bucket=place.bucket, Key=place.key)
        file = receive(answer["ContentLength"])
        file.seek(0)
        file.truncate()
        if answer["ContentLength"] > LARGE_BYTES:
            return answer, file, None
        _, sha256 = copy(answer["Body"], file)
        return answer, file, kept(answer["Metadata"], SHA256) in {None, sha256}

    answer, file, is_intact = access.ask(verb, place, begin)
    if is_intact is None:
        is_intact = _Ranges(access, place, verb, answer, file).run()
    return file, is_intact


@dataclass(frozen=True, slots=True)
class _Ranges:
    """A large object on its way into a file. answer: what a GetObject answered; its body has not been read."""

    access: Access
    place: Place
    verb: str
    answer: Mapping[str, Any]
    file: BinaryIO

    def run(self) -> bool:
        """Fetch it all; whether that is what was stored, as far as it is known."""
        size, metadata = self.answer["ContentLength"], self.answer["Metadata"]
        if isinstance(self.file, BytesIO):
            # It has grown since its size was asked for.
            raise _StoredAnew
        part_bytes = kept_part_bytes(metadata, size)
        parts = parts_of(size, part_bytes or usual_part_bytes(size))
        checksums = in_parallel(self._fetched, parts, THREADS)
        self.file.seek(0)
        if part_bytes:
            return kept(metadata, CRC32) == kept_crc32(part_bytes, checksums)
        if (sha256 := kept(metadata, SHA256)) is not None:
            return sha256 == copy(self.file, None)[1]
        return kept(metadata, CRC32) is None

    def _fetched(self, part: Part) -> int:
        """Write a part to its place; its CRC-32."""
        if part.number == 1:
            # It is on its way already.
            with suppress(Unavailable), translating_aws_errors(self.verb, self.place):
                try:
                    return self._written(self.answer["Body"], part)
                finally:
                    self.answer["Body"].close()
        return self.access.ask(self.verb, self.place, lambda client: self._asked(client, part))

    def _asked(self, client: BaseClient, part: Part) -> int:
        from botocore.exceptions import ClientError  # the client has loaded it already

        named = {"Bucket": self.place.bucket, "Key": self.place.key, "IfMatch": self.answer["ETag"]}
        try:
            answer = client.get_object(**named, Range=f"bytes={part.start}-{part.start + part.size - 1}")
        except ClientError as error:
            if is_answer(error, "PreconditionFailed", "412", "InvalidRange"):
                raise _StoredAnew from error
            raise
        return self._written(answer["Body"], part)

    def _written(self, body: Any, part: Part) -> int:
        crc, done = 0, 0
        while done < part.size and (data := body.read(min(2 * CHUNK_BYTES, part.size - done))):
            crc = zlib.crc32(data, crc)
            written = 0
            while written < len(data):
                written += os.pwrite(self.file.fileno(), data[written:], part.start + done + written)
            done += len(data)
        return crc
