"""A claimed object into the internal storage, where the run finds it."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from wdprefect.errors import Unavailable, WdprefectError
from wdprefect.intake.objects import SeenObject
from wdprefect.intake.versions import look
from wdprefect.model.ports import Storage
from wdprefect.model.stop import Stop
from wdprefect.plugins.aws._transfer import copy, download
from wdprefect.storage.aws_failures import code_of, status_of
from wdprefect.storage.s3 import S3Storage
from wdprefect.storage.uris import from_path, slug

if TYPE_CHECKING:
    from botocore.client import BaseClient

_GONE = frozenset({404, 412})
_FORBIDDEN = 403
SHORT = 16
LONGEST_NAME = 100


class Overwritten(WdprefectError):
    """The version that was claimed is not there any more."""

    def __init__(self) -> None:
        super().__init__("it was deleted or overwritten before it could be read")


def staged_uri(namespace: str, flow_id: str, trigger_id: str, batch_id: str, seen: SeenObject) -> str:
    """Where an object of a batch is kept. Its name stays readable; each version has a place of its own."""
    short = hashlib.sha256(f"{seen.bucket}\n{seen.key}\n{seen.version}".encode(errors="replace")).hexdigest()[:SHORT]
    name = PurePosixPath(seen.key.replace("\0", "")).name or "folder"
    parts = [*namespace.split("."), slug(flow_id), "triggers", slug(trigger_id), batch_id]
    return from_path("/".join([*parts, f"{short}-{name[-LONGEST_NAME:]}"]))


def stage(client: BaseClient, storage: Storage, seen: SeenObject, uri: str, terms: Mapping[str, str]) -> None:
    """Copy this version of the object into the storage: within S3 where both are there, else through this machine.

    terms: what every request to the bucket carries. May be repeated. Raises Overwritten, what boto3 raises, and
    StorageError or Unavailable of the storage.
    """
    from botocore.exceptions import ClientError  # the client has loaded it already

    try:
        if not _copied(client, storage, seen, uri, terms):
            _fetched(client, storage, seen, uri, terms)
    except ClientError as error:
        if status_of(error) in _GONE:
            raise Overwritten from error
        raise
    # Looked at afterwards: not every server heeds a condition on what is copied.
    now = look(client, seen.bucket, seen.key, seen.version_id, terms=terms)
    if now is None or now.version != seen.version:
        storage.delete(uri)
        raise Overwritten


def _copied(client: BaseClient, storage: Storage, seen: SeenObject, uri: str, terms: Mapping[str, str]) -> bool:
    """Copy within S3; False where that is not possible."""
    if not isinstance(storage, S3Storage):
        return False
    own, bucket, key = storage.location(uri)
    if own.meta.endpoint_url != client.meta.endpoint_url:
        return False
    from botocore.exceptions import ClientError  # as above

    # Not its metadata: among it could be what the storage takes for the SHA-256 of the content.
    wanted: dict[str, Any] = {"Bucket": bucket, "Key": key, "MetadataDirective": "REPLACE", "Metadata": {}}
    names = {"RequestPayer": "RequestPayer", "ExpectedBucketOwner": "ExpectedSourceBucketOwner"}
    wanted |= {names[name]: value for name, value in terms.items()}
    try:
        copy(own, _source(seen), wanted, {"ContentLength": seen.size}, Stop())
    except ClientError as error:
        if status_of(error) == _FORBIDDEN or code_of(error) == "NotImplemented":
            # Who may write to the storage need not be who may read the bucket.
            return False
        raise
    return True


def _fetched(client: BaseClient, storage: Storage, seen: SeenObject, uri: str, terms: Mapping[str, str]) -> None:
    with scratch("wdprefect-stage-") as folder:
        download(client, {**_source(seen), **terms}, folder / "object", Stop())
        storage.put(uri, folder / "object")


def _source(seen: SeenObject) -> dict[str, str]:
    version = {"VersionId": seen.version_id} if seen.version_id else {}
    return {"Bucket": seen.bucket, "Key": seen.key, **version}


@contextmanager
def scratch(prefix: str) -> Iterator[Path]:
    """A temporary folder for an object on its way. Raises Unavailable where this machine has no room for it."""
    try:
        with tempfile.TemporaryDirectory(prefix=prefix) as folder:
            yield Path(folder)
    except OSError as error:
        where = f"in {tempfile.gettempdir()}: {error.strerror or error}"
        raise Unavailable(
            f"an object on its way cannot be kept {where}; free some space there, or set TMPDIR"
        ) from error
