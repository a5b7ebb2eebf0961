"""The internal storage: files by `kestra:///…` URI, in a folder or in an S3 bucket."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from wdprefect.errors import UsageError
from wdprefect.model.ports import Storage

FORMS = "file:///absolute/folder, s3://bucket/prefix, or s3-bucket/NAME for a Prefect block"


def open_storage(url: str) -> Storage:
    """The storage at `file:///…` or `s3://bucket/prefix`, the latter with credentials from the environment.

    Nothing is read or written yet. Raises UsageError for anything else.
    """
    parts = urlsplit(url)
    path = unquote(parts.path)
    if parts.query or parts.fragment or {".", ".."} & set(path.split("/")) or "\0" in path:
        raise UsageError(f"'{url}' names no storage; give {FORMS} ('?' and '#' as '%3F' and '%23', no '..')")
    # Each kind is imported when it is asked for: most commands need one or none.
    if parts.scheme == "file" and parts.netloc in {"", "localhost"} and path.startswith("/"):
        from wdprefect.storage.local import LocalStorage

        return LocalStorage(Path(path))
    if parts.scheme == "s3" and parts.netloc:
        from wdprefect.storage.s3 import S3Storage
        from wdprefect.storage.s3_client import client_from_environment

        return S3Storage(client_from_environment(), parts.netloc, path)
    raise UsageError(f"'{url}' names no storage; give {FORMS}")
