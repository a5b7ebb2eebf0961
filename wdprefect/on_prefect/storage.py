"""The internal storage inside Prefect's result storage."""

from __future__ import annotations

from pathlib import Path
from time import monotonic
from typing import Any

from prefect.filesystems import LocalFileSystem
from prefect.results import aget_default_result_storage, get_result_store

from wdprefect.errors import UsageError
from wdprefect.model.ports import Storage
from wdprefect.on_prefect.accounts import facts_of
from wdprefect.on_prefect.reaching import reaching_api
from wdprefect.storage import open_storage
from wdprefect.storage.local import LocalStorage
from wdprefect.storage.s3 import S3Storage
from wdprefect.storage.s3_client import make_client, shared_client

# Everything of ours lies below this folder of the storage.
PREFIX = "wdprefect"
BLOCK = "s3-bucket/"
# For so long the client of an assumed role is used by runs that begin.
ASSUMED_SECONDS = 15 * 60


async def storage_of_run(url: str | None) -> Storage:
    """The storage that a URL names, else the result storage of the flow run that is running."""
    if url is None:
        return storage_of_block(get_result_store().result_storage)
    if url.startswith(BLOCK):
        return storage_of_block(await load_bucket(url))
    return open_storage(url)


async def storage_outside(url: str | None) -> Storage:
    """As `storage_of_run`, where no flow run is running."""
    if url is None:
        async with reaching_api():
            return storage_of_block(await aget_default_result_storage())
    return await storage_of_run(url)


async def load_bucket(url: str) -> Any:
    """The S3Bucket block of `s3-bucket/<name>`. Raises UsageError when there is none, Unavailable without an API."""
    from prefect_aws import S3Bucket  # boto3 takes a quarter of a second

    try:
        async with reaching_api():
            return await S3Bucket.aload(url.removeprefix(BLOCK))
    except ValueError as error:
        raise UsageError(f"there is no Prefect block '{url}': {error}") from None


def storage_of_block(block: Any) -> Storage:
    """The storage in a Prefect block: LocalFileSystem or S3Bucket. Raises UsageError for another kind."""
    if isinstance(block, LocalFileSystem):
        return LocalStorage(Path(block.basepath or "~").expanduser() / PREFIX)
    if getattr(block, "get_block_type_slug", lambda: "")() == "s3-bucket":
        return _of_bucket(block)
    kind = type(block).__name__
    raise UsageError(f"files cannot be kept in a block of type {kind}: use an S3Bucket or a LocalFileSystem")


def _of_bucket(block: Any) -> S3Storage:
    credentials = block.credentials
    folder = "/".join(part for part in (str(block.bucket_folder).strip("/"), PREFIX) if part)
    return S3Storage(shared_client(_identity(credentials), lambda: _client(credentials)), block.bucket_name, folder)


def _client(credentials: Any) -> Any:
    # The block's own settings win.
    parameters = credentials.aws_client_parameters.get_params_override()
    return make_client(credentials.get_boto3_session(), **parameters)


def _identity(credentials: Any) -> tuple[str, ...]:
    """What makes the credentials of two blocks the same, those of AWS or of MinIO."""
    # A role is assumed when its client is made, for an hour if nothing else is asked for.
    period = int(monotonic() // ASSUMED_SECONDS) if getattr(credentials, "assume_role_arn", None) else 0
    return (type(credentials).__name__, facts_of(credentials), str(period))
