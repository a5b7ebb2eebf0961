"""Files to S3: in one request, or in parts of which each is tried again alone; never whole in memory.

Readers see the old object or the new one: S3 makes an object of what it has got when all is there.
"""

from __future__ import annotations

import base64
import hashlib
import os
import zlib
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, BinaryIO

from wdprefect.errors import StorageError
from wdprefect.model.parallel import in_parallel
from wdprefect.model.waiting import current_waiter
from wdprefect.storage.aws_failures import Place, is_answer
from wdprefect.storage.content import CHUNK_BYTES
from wdprefect.storage.s3_access import Access
from wdprefect.storage.s3_parts import (
    CRC32,
    LARGE_BYTES,
    SHA256,
    THREADS,
    Part,
    kept,
    kept_crc32,
    parts_of,
    usual_part_bytes,
)

if TYPE_CHECKING:
    from botocore.client import BaseClient

# Read at once, hashed and sent; larger files are read twice.
SMALL_BYTES = 2 * CHUNK_BYTES
# Sent at once: with 16 KiB the upload of a GiB took an eighth longer.
SENT_BYTES = 2 * CHUNK_BYTES


class Source:
    """A file that is being stored, which must stay as it is meanwhile. It may be read from several threads."""

    def __init__(self, uri: str, path: Path, file: BinaryIO) -> None:
        self._uri, self._path, self._descriptor = uri, path, file.fileno()
        self._before = _looks(os.fstat(self._descriptor))
        self.size = os.fstat(self._descriptor).st_size

    def check(self) -> None:
        """Raise StorageError when the file is no longer what it was, in its place or under another name."""
        if {self._before} != {_looks(os.fstat(self._descriptor)), _looks(self._path.stat())}:
            reason = f"'{self._path}' changed meanwhile; wait until whatever writes it has ended"
            raise StorageError(f"cannot store '{self._uri}': {reason}", self._uri)

    def read(self, start: int, size: int) -> bytes:
        """At most `size` bytes from `start`; at least one. Raises StorageError when there is none any more."""
        data = os.pread(self._descriptor, size, start)
        if not data and size:
            self.check()
        return data

    def crc32(self, part: Part) -> int:
        """The checksum of a part."""
        crc, done = 0, 0
        while data := self.read(part.start + done, min(CHUNK_BYTES, part.size - done)):
            crc, done = zlib.crc32(data, crc), done + len(data)
        return crc

    def sha256(self, ended: Event) -> str:
        """The SHA-256 of the file as hexadecimal digits; whatever it may be when `ended` is set meanwhile."""
        digest, done = hashlib.sha256(), 0
        while not ended.is_set() and (data := self.read(done, min(CHUNK_BYTES, self.size - done))):
            digest.update(data)
            done += len(data)
        return digest.hexdigest()


def _looks(status: os.stat_result) -> tuple[int, ...]:
    return status.st_ino, status.st_size, status.st_mtime_ns


class Body:
    """A part of a source as a file to read from, which is what a client sends."""

    def __init__(self, source: Source, part: Part) -> None:
        self._source, self._part, self._at = source, part, 0

    def __len__(self) -> int:
        return self._part.size

    def read(self, size: int | None = -1) -> bytes:
        """More than was asked for: who sends it asks for 16 KiB at a time, of which a GiB has too many."""
        left = self._part.size - self._at
        wanted = left if size is None or size < 0 else min(max(size, SENT_BYTES), left)
        data = self._source.read(self._part.start + self._at, wanted)
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._part.size}[whence]
        return self._at

    def tell(self) -> int:
        return self._at


def upload_bytes(access: Access, place: Place, content: bytes) -> str:
    """Store `content` in one request; its SHA-256."""
    sha256 = hashlib.sha256(content).hexdigest()
    named = {"Bucket": place.bucket, "Key": place.key, "Metadata": {SHA256: sha256}}
    access.ask("store", place, lambda client: client.put_object(Body=content, **named))
    return sha256


def upload_file(access: Access, place: Place, source: Source) -> str:
    """Store a file; its SHA-256. Raises StorageError when it changes meanwhile."""
    if source.size <= SMALL_BYTES:
        sha256 = upload_bytes(access, place, source.read(0, source.size))
    elif source.size <= LARGE_BYTES:
        sha256 = _upload_whole(access, place, source)
    else:
        sha256 = _Upload(access, place, source, usual_part_bytes(source.size)).run()
    source.check()
    return sha256


def _upload_whole(access: Access, place: Place, source: Source) -> str:
    sha256 = source.sha256(Event())
    whole = Part(1, 0, source.size)

    def put(client: BaseClient) -> None:
        source.check()
        client.put_object(Bucket=place.bucket, Key=place.key, Body=Body(source, whole), Metadata={SHA256: sha256})

    access.ask("store", place, put)
    return sha256


@dataclass(frozen=True, slots=True)
class _Upload:
    """One upload in parts. What has arrived stays there while others are tried again; all is given up together."""

    access: Access
    place: Place
    source: Source
    part_bytes: int

    def run(self) -> str:
        """Do it; the SHA-256 of the file."""
        parts = parts_of(self.source.size, self.part_bytes)
        checksums = in_parallel(self.source.crc32, parts, THREADS)
        metadata = {CRC32: kept_crc32(self.part_bytes, checksums)}
        upload_id = self.access.ask("store", self.place, lambda client: self._begin(client, metadata))
        try:
            sha256, sent = self._send(upload_id, list(zip(parts, checksums, strict=True)))
            self.access.ask("store", self.place, lambda client: self._complete(client, upload_id, sent, metadata))
        except BaseException:  # Ctrl-C as well: unfinished uploads are kept, and paid for, until somebody ends them
            self._abort(upload_id)
            # What the server says of a file that changes is true, and does not help.
            self.source.check()
            raise
        return sha256

    def _begin(self, client: BaseClient, metadata: dict[str, str]) -> str:
        algorithm = {"ChecksumAlgorithm": "CRC32"} if _sends_checksums(client) else {}
        named = {"Bucket": self.place.bucket, "Key": self.place.key}
        return str(client.create_multipart_upload(**named, Metadata=metadata, **algorithm)["UploadId"])

    def _send(self, upload_id: str, parts: list[tuple[Part, int]]) -> tuple[str, list[dict[str, Any]]]:
        """The SHA-256, made while the parts are sent, and what S3 wants to hear of them in the end."""
        ended = Event()

        def step(item: tuple[Part, int] | None) -> Any:
            try:
                if item is None:
                    return self.source.sha256(ended)
                return self.access.ask("store", self.place, lambda client: self._put(client, upload_id, *item))
            except BaseException:
                ended.set()
                raise

        sha256, *sent = in_parallel(step, [None, *parts], THREADS + 1)
        return sha256, sent

    def _put(self, client: BaseClient, upload_id: str, part: Part, crc32: int) -> dict[str, Any]:
        self.source.check()
        checksum = base64.b64encode(crc32.to_bytes(4, "big")).decode()
        answer = client.upload_part(
            Bucket=self.place.bucket,
            Key=self.place.key,
            UploadId=upload_id,
            PartNumber=part.number,
            Body=Body(self.source, part),
            **({"ChecksumCRC32": checksum} if _sends_checksums(client) else {}),
        )
        # Servers that know nothing of checksums refuse to hear of them.
        known = {name: answer[name] for name in ("ETag", "ChecksumCRC32") if name in answer}
        return {"PartNumber": part.number, **known}

    def _complete(
        self, client: BaseClient, upload_id: str, sent: list[dict[str, Any]], metadata: dict[str, str]
    ) -> None:
        from botocore.exceptions import ClientError  # the client has loaded it already

        named = {"Bucket": self.place.bucket, "Key": self.place.key}
        try:
            client.complete_multipart_upload(**named, UploadId=upload_id, MultipartUpload={"Parts": sent})
        except ClientError as error:
            # The answer to an earlier try may have been lost on its way here.
            if not is_answer(error, "NoSuchUpload"):
                raise
            head = client.head_object(**named)
            if (kept(head["Metadata"], CRC32), head["ContentLength"]) != (metadata[CRC32], self.source.size):
                raise

    def _abort(self, upload_id: str) -> None:
        from botocore.exceptions import BotoCoreError, ClientError  # as above

        named = {"Bucket": self.place.bucket, "Key": self.place.key}
        try:
            self.access.client.abort_multipart_upload(**named, UploadId=upload_id)
        except (BotoCoreError, ClientError) as error:
            if not is_answer(error, "NoSuchUpload"):
                left = f"an unfinished upload of '{self.place.key}' stays in the bucket '{self.place.bucket}'"
                current_waiter().tell(f"{left}, until a lifecycle rule ends it: {error}")


def _sends_checksums(client: BaseClient) -> bool:
    # A person may have switched them off for a server that refuses them.
    return bool(client.meta.config.request_checksum_calculation != "when_required")
