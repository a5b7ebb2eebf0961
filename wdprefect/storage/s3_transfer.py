"""How boto3's own transfers are set: many parts at a time, little in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wdprefect.storage.content import MIB

if TYPE_CHECKING:
    from boto3.s3.transfer import TransferConfig

LARGE_BYTES = 8 * MIB
# 1 GiB in parts of 64 MiB by four threads took half as long as with boto3's defaults.
LONGEST_PART_BYTES = 64 * MIB
THREADS = 4
TRIES = 3


def broken_transfers() -> tuple[type[Exception], ...]:
    """What is raised where a transfer began and did not end well; the same request may succeed at once."""
    from botocore import exceptions  # a client has loaded them already
    from s3transfer.exceptions import RetriesExceededError, S3DownloadFailedError

    return (
        exceptions.IncompleteReadError,
        exceptions.ReadTimeoutError,
        exceptions.ResponseStreamingError,
        exceptions.FlexibleChecksumError,
        RetriesExceededError,
        S3DownloadFailedError,
    )


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
