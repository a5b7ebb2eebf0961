"""`List`, and listing for the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, field_validator

from wdprefect.errors import ExpressionError
from wdprefect.expressions.regexes import matches, pattern
from wdprefect.loader.shape import has_template
from wdprefect.model.context import RunContext
from wdprefect.model.node import Int, Text
from wdprefect.model.stop import Stop
from wdprefect.model.task import TaskOutputs
from wdprefect.plugins.aws._failures import failing
from wdprefect.plugins.aws._objects import is_folder, object_record, unquoted
from wdprefect.plugins.aws._transfer import check
from wdprefect.plugins.aws.s3._bucket import InBucket, S3Task, given

if TYPE_CHECKING:
    from botocore.client import BaseClient

PAGE = 1000
Filter = Literal["FILES", "DIRECTORY", "BOTH"]
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Listed:
    """An object as a listing shows it; the ETag is without quotes, the size in bytes."""

    key: str
    etag: str
    size: int
    modified: datetime
    details: Mapping[str, Any] = field(default_factory=dict)

    def record(self, uri: str | None = None, more: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """What flows see of it."""
        details = {**self.details, **(more or {})}
        return object_record(
            key=self.key, etag=self.etag, size=self.size, modified=self.modified, uri=uri, details=details
        )


class Selection(InBucket):
    """Objects of a bucket: a mix-in."""

    prefix: Text | None = None
    delimiter: Text | None = None
    marker: Text | None = None
    # Names travel in this way always, and arrive as they are.
    encoding_type: Literal["url"] | None = None
    max_keys: Int = Field(default=1000, ge=1)
    expected_bucket_owner: Text | None = None
    regexp: Text | None = None
    filter: Filter = "BOTH"

    @field_validator("regexp")
    @classmethod
    def _is_regular_expression(cls, value: str | None) -> str | None:
        if value is not None and not has_template(value):
            try:
                pattern(value)
            except ExpressionError as error:
                raise ValueError(str(error)) from None
        return value

    def takes(self, key: str) -> bool:
        """Whether the filter and the regular expression, which must match the whole key, let it through."""
        if self.filter != "BOTH" and (self.filter == "DIRECTORY") != is_folder(key):
            return False
        return self.regexp is None or matches(self.regexp, key)


class List(Selection, S3Task):
    """List objects of a bucket: `outputs.<id>.objects`.

    `prefix`, `delimiter` and `marker` (list behind this key) are S3's own. The first `maxKeys` keys are looked at, in
    the order of their names, however many requests that takes; of those, `filter` takes files, or the empty objects
    whose key ends with `/` (`DIRECTORY`), and `regexp` what it matches as a whole. Of what is left, the first
    `maxFiles` are delivered; both limits are said in the log when they leave something out.

    ```yaml
    id: list
    namespace: company.team
    inputs:
      - id: bucket
        type: STRING
    tasks:
      - id: files
        type: io.kestra.plugin.aws.s3.List
        bucket: "{{ inputs.bucket }}"
        prefix: raw/
        filter: FILES
      - id: each
        type: io.kestra.plugin.core.flow.ForEach
        values: "{{ outputs.files.objects | jq('.[].key') }}"
        tasks:
          - id: say
            type: io.kestra.plugin.core.log.Log
            message: "{{ taskrun.value }}"
    ```
    """

    max_files: Int = Field(default=25, ge=1)

    class Outputs(TaskOutputs):
        """The objects: maps with key, etag, size, lastModified and owner."""

        objects: list[dict[str, Any]]

    def run(self, ctx: RunContext) -> TaskOutputs:
        found = listed(self.client(ctx), self, self.max_files, ctx)
        ctx.metrics.add("counter", "s3.objects.count", len(found), {})
        return self.Outputs(objects=[item.record() for item in found])


def listed(client: BaseClient, wanted: Selection, most: int | None, ctx: RunContext) -> list[Listed]:
    """The objects, at most so many, in the order of their keys. Says in the log what the limits leave out."""

    def warn(message: str) -> None:
        ctx.log.write("WARN", message)

    where = f"'s3://{wanted.bucket}/{wanted.prefix or ''}'"
    seen = _first(client, wanted, ctx.stop, warn)
    found = [item for item in seen if wanted.takes(item.key)]
    ctx.log.write("DEBUG", f"{len(found)} of {len(seen)} keys below {where} are wanted")
    if most is not None and len(found) > most:
        warn(f"only the first {most} of {len(found)} objects below {where} are taken; raise 'maxFiles' for more")
    return found[:most]


def _first(client: BaseClient, wanted: Selection, stop: Stop, warn: Say) -> list[Listed]:
    """The first `maxKeys` objects of the listing."""
    found: list[Listed] = []
    for page in _pages(client, wanted):
        check(stop)
        found += map(_listed, page.get("Contents", ()))
        if len(found) > wanted.max_keys or (len(found) == wanted.max_keys and page.get("IsTruncated")):
            warn(f"only the first {wanted.max_keys} keys were looked at; raise 'maxKeys' for more")
            return found[: wanted.max_keys]
    return found


def _pages(client: BaseClient, wanted: Selection) -> Iterator[Mapping[str, Any]]:
    asked = given(
        Bucket=wanted.bucket,
        Prefix=wanted.prefix,
        Delimiter=wanted.delimiter,
        StartAfter=wanted.marker,
        ExpectedBucketOwner=wanted.expected_bucket_owner,
        RequestPayer=wanted.request_payer,
    )
    size = min(wanted.max_keys, PAGE)
    pager = client.get_paginator("list_objects_v2")  # type: ignore[no-untyped-call]  # boto3 has no types
    with failing(client, "list", wanted.bucket, wanted.prefix or ""):
        yield from pager.paginate(**asked, FetchOwner=True, PaginationConfig={"PageSize": size})


def _listed(item: Mapping[str, Any]) -> Listed:
    owner = given(id=item.get("Owner", {}).get("ID"), displayName=item.get("Owner", {}).get("DisplayName"))
    details = {"owner": owner} if owner else {}
    return Listed(item["Key"], unquoted(item["ETag"]), item["Size"], item["LastModified"], details)
