"""Files to S3 and back: in one request or in parts, verified, never whole in memory."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from wdprefect.errors import StorageError
from wdprefect.storage.aws_failures import Place, broken_transfers
from wdprefect.storage.content import MIB, copy

if TYPE_CHECKING:
    from boto3.s3.transfer import TransferConfig
    from botocore.client import BaseClient

LARGE_BYTES = 8 * MIB
# 1 GiB in parts of 64 MiB by four threads took half as long as with boto3's defaults.
LONGEST_PART_BYTES = 64 * MIB
THREADS = 4
TRIES = 3
# The name of the object's metadata that holds its SHA-256 as hexadecimal digits.
SHA256 = "sha256"


def upload(client: BaseClient, place: Place, body: BinaryIO | bytes, size: int, sha256: str) -> None:
    """Store `body`, which is `size` bytes long, in one request."""
    client.put_object(Bucket=place.bucket, Key=place.key, Body=body, ContentLength=size, Metadata={SHA256: sha256})


def upload_in_parts(client: BaseClient, place: Place, path: Path, size: int, sha256: str) -> None:
    """Store a large file, several parts at a time."""
    extra = {"Metadata": {SHA256: sha256}}
    client.upload_file(str(path), place.bucket, place.key, ExtraArgs=extra, Config=in_parts(size))


def download(client: BaseClient, place: Place, answer: Mapping[str, Any], file: BinaryIO) -> None:
    """Write an object to `file` and verify it; what breaks off, or is stored anew meanwhile, is fetched again.

    answer: what a GetObject answered; its body has not been read.
    Raises StorageError where the content is not what was stored.
    """
    for tries_left in reversed(range(TRIES)):
        try:
            if _fetch(client, place, answer, file):
                return
        except broken_transfers():
            if not tries_left:
                raise
        if tries_left:
            answer = client.get_object(Bucket=place.bucket, Key=place.key)
    what = "its content is not what was stored"
    raise StorageError(place.describe("read", what, "sha256 differs", "damaged"), place.uri)


def _fetch(client: BaseClient, place: Place, answer: Mapping[str, Any], file: BinaryIO) -> bool:
    """True when the object has arrived as it was stored, as far as that is known."""
    file.seek(0)
    file.truncate()
    body, size = answer["Body"], answer["ContentLength"]
    if size > LARGE_BYTES:
        body.close()
        client.download_fileobj(place.bucket, place.key, file, Config=in_parts(size))
        file.seek(0)
        _, sha256 = copy(file, None)
    else:
        _, sha256 = copy(body, file)
    return _kept_sha256(answer) in {None, sha256}


def _kept_sha256(answer: Mapping[str, Any]) -> str | None:
    # Some servers give the names back capitalised.
    return next((value for name, value in answer["Metadata"].items() if name.lower() == SHA256), None)


def in_parts(size: int) -> TransferConfig:
    """How a large file travels: parts that suit its size, by a few threads, with little in memory."""
    from boto3.s3.transfer import TransferConfig  # a quarter of a second, which only transfers pay

    return TransferConfig(  # type: ignore[no-untyped-call]  # boto3 has no types
        multipart_threshold=LARGE_BYTES,
        # Smaller parts for a smaller file, so that every thread has one.
        multipart_chunksize=min(max(-(-size // THREADS), LARGE_BYTES), LONGEST_PART_BYTES),
        max_concurrency=THREADS,
        # What has arrived and is not yet written: at most 16 MiB (boto3's default is 250).
        io_chunksize=MIB,
        max_io_queue=16,
        # The other client, where it is installed, sizes its buffers by the machine.
        preferred_transfer_client="classic",
    )
