"""The checksums that S3 keeps with objects, held against what has arrived."""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from wdprefect.errors import TaskFailed
from wdprefect.model.parallel import in_parallel
from wdprefect.storage.content import CHUNK_BYTES

if TYPE_CHECKING:
    from botocore.client import BaseClient

# The strongest first. Source: Kestra's S3Service, and the two that came later.
ALGORITHMS = ("SHA256", "SHA1", "CRC32", "CRC32C", "CRC64NVME")
_CRC32_BYTES = 4


class _Digest(Protocol):
    def update(self, data: bytes, /) -> None: ...
    def digest(self) -> bytes: ...


def stored_checksum(answer: Mapping[str, Any]) -> tuple[str, str] | None:
    """The algorithm and the checksum, in base64, in an answer of S3; None where there is none."""
    found = ((name, answer.get(f"Checksum{name}")) for name in ALGORITHMS)
    return next(((name, value) for name, value in found if value), None)


def verify(client: BaseClient, asked: Mapping[str, Any], answer: Mapping[str, Any], path: Path) -> str | None:
    """Hold a file against the checksum of the object; why that cannot be done, or None.

    asked, answer: how the object was asked for, and what S3 said. Raises TaskFailed where they differ, and what boto3
    raises.
    """
    if (stored := stored_checksum(answer)) is None:
        return "it has no stored checksum"
    algorithm, value = stored
    make = _MAKERS.get(algorithm)
    if make is None:
        return f"its checksum is a {algorithm}, which cannot be computed here"
    value, _, parts = value.partition("-")
    sizes = [answer["ContentLength"]]
    if parts:
        sizes = _sizes(client, {**asked, "IfMatch": answer["ETag"]}, int(parts))
        if sum(sizes) != answer["ContentLength"]:
            return "S3 does not tell the sizes of its parts"
    if value != base64.b64encode(_computed(path, sizes, make, is_of_parts=bool(parts))).decode():
        raise TaskFailed(
            f"the content of 's3://{asked['Bucket']}/{asked['Key']}' does not fit its {algorithm} checksum"
        )
    return None


def _sizes(client: BaseClient, asked: Mapping[str, Any], count: int) -> list[int]:
    """The size of each part in which an object was stored."""

    def size(number: int) -> int:
        return int(client.head_object(**asked, PartNumber=number)["ContentLength"])

    return in_parallel(size, range(1, count + 1))


def _computed(path: Path, sizes: Sequence[int], make: Callable[[], _Digest], *, is_of_parts: bool) -> bytes:
    """The checksum of a file, or the one over the checksums of its parts."""
    with path.open("rb") as file:
        digests = [_digest(file, size, make()) for size in sizes]
    if not is_of_parts:
        return digests[0]
    whole = make()
    whole.update(b"".join(digests))
    return whole.digest()


def _digest(file: BinaryIO, size: int, digest: _Digest) -> bytes:
    while size and (chunk := file.read(min(size, CHUNK_BYTES))):
        digest.update(chunk)
        size -= len(chunk)
    return digest.digest()


class _Crc32:
    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes, /) -> None:
        self._value = zlib.crc32(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(_CRC32_BYTES, "big")


# No package that is needed here computes the other two.
_MAKERS: Mapping[str, Callable[[], _Digest]] = {
    "SHA256": hashlib.sha256,
    "SHA1": lambda: hashlib.sha1(usedforsecurity=False),
    "CRC32": _Crc32,
}
