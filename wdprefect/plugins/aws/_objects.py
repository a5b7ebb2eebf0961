"""Objects as flows see them: in `trigger.objects`, and in the outputs of the tasks that list."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from wdprefect.model.conversions import iso_moment

_LOST_PARTS = frozenset({"", ".", ".."})
_DIGITS = 12


def object_record(
    *,
    key: str,
    etag: str,
    size: int,
    modified: datetime,
    uri: str | None = None,
    details: Mapping[str, object] | None = None,
    change: str | None = None,
) -> dict[str, Any]:
    """What `{{ trigger.objects[0] }}` shows of an object; what is None is left out.

    etag: without quotes. uri: of its copy in the internal storage. details: what else is known, such as `owner`.
    change: `CREATE` or `UPDATE`. Source: Kestra's S3Object and TriggeredObject.
    """
    found = {
        "uri": uri,
        "key": key,
        "etag": etag,
        "size": size,
        "lastModified": iso_moment(modified),
        **(details or {}),
        "changeType": change,
    }
    return {name: value for name, value in found.items() if value is not None}


def unquoted(etag: str) -> str:
    """An ETag without its quotes, and without the mark of a weak one, as proxies make it when they compress."""
    return etag.removeprefix("W/").strip('"')


def is_folder(key: str) -> bool:
    """Whether it is the empty object that stands for a folder."""
    return key.endswith("/")


def file_name(key: str) -> str:
    """A relative path for a copy of the object; no two keys have the same one, and none leads out of a folder."""
    name = "/".join(part for part in key.split("/") if part not in _LOST_PARTS)
    if name == key:
        return name
    return f"{hashlib.sha256(key.encode(errors='surrogatepass')).hexdigest()[:_DIGITS]}/{name or 'object'}"
