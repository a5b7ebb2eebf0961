"""`Download` and `Downloads`."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, model_validator

from wdprefect.model.context import RunContext
from wdprefect.model.keys import moved_key
from wdprefect.model.node import Bool, Int, Text
from wdprefect.model.parallel import in_parallel
from wdprefect.model.task import TaskOutputs
from wdprefect.plugins.aws._checksums import stored_checksum, verify
from wdprefect.plugins.aws._failures import failing
from wdprefect.plugins.aws._moves import Acting, State, Taken, copy_away, remove
from wdprefect.plugins.aws._objects import file_name, is_folder, unquoted
from wdprefect.plugins.aws._transfer import download
from wdprefect.plugins.aws.s3._bucket import InBucket, S3Task, given
from wdprefect.plugins.aws.s3._listing import Listed, Selection, listed

if TYPE_CHECKING:
    from botocore.client import BaseClient

_SEVERAL = ("prefix", "delimiter", "regexp")


class Download(InBucket, S3Task):
    """Copy an object, or several, to the files of the run.

    With `key`, and perhaps `versionId`, one object: `outputs.<id>.uri`. With `prefix`, `delimiter` or `regexp` in its
    place, the files that `List` would deliver: `outputs.<id>.files`, a map from key to what is known of the file.

    What breaks off is fetched again; what arrives is one content of the object, also when it is overwritten meanwhile.
    With `validateChecksum` it is held against the checksum that S3 keeps with it (SHA256, SHA1, CRC32); the log says
    where that cannot be done.

    ```yaml
    id: download
    namespace: company.team
    inputs:
      - id: bucket
        type: STRING
    tasks:
      - id: get
        type: io.kestra.plugin.aws.s3.Download
        bucket: "{{ inputs.bucket }}"
        key: raw/orders.csv
      - id: show
        type: io.kestra.plugin.core.log.Log
        message: "{{ read(outputs.get.uri) }}"
    ```
    """

    key: Text | None = Field(default=None, min_length=1)
    version_id: Text | None = None
    prefix: Text | None = None
    delimiter: Text | None = None
    marker: Text | None = None
    regexp: Text | None = None
    max_keys: Int = Field(default=1000, ge=1)
    max_files: Int = Field(default=25, ge=1)
    expected_bucket_owner: Text | None = None
    validate_checksum: Bool = False

    @model_validator(mode="after")
    def _is_one_or_several(self) -> Download:
        several = [name for name in _SEVERAL if getattr(self, name) is not None]
        if self.key is None and not several:
            raise ValueError("give a 'key' for one object, or 'prefix', 'delimiter' or 'regexp' for several")
        if self.key is not None and several:
            raise ValueError(f"'key' names one object and '{several[0]}' several: give one of them")
        if self.version_id is not None and self.key is None:
            raise ValueError("'versionId' needs 'key': it is a version of one object")
        return self

    class Outputs(TaskOutputs):
        """Of one object its file and what is known of it; of several `files`, with the same for each key."""

        uri: str | None = None
        e_tag: str | None = None
        content_length: int | None = None
        content_type: str | None = None
        metadata: dict[str, str] | None = None
        version_id: str | None = None
        checksum_algorithm: str | None = None
        checksum_value: str | None = None
        files: dict[str, dict[str, Any]] | None = None

    def run(self, ctx: RunContext) -> TaskOutputs:
        client = self.client(ctx)
        asked = given(RequestPayer=self.request_payer, ExpectedBucketOwner=self.expected_bucket_owner)
        fetch = _Fetching(ctx, client, self.bucket, asked, checks=self.validate_checksum)
        if self.key is not None:
            uri, answer = fetch.one(self.key, file_name(self.key), **given(VersionId=self.version_id))
            ctx.metrics.add("counter", "file.size", answer["ContentLength"], {})
            return self.Outputs.model_validate(_described(uri, answer))
        found = listed(client, self._selection(), self.max_files, ctx)
        if not found:
            ctx.log.write("WARN", "no object fits")
        fetched = fetch.all([item.key for item in found])
        return self.Outputs(files={key: _described(uri, answer) for key, (uri, answer) in fetched.items()})

    def _selection(self) -> Selection:
        shared = {name: getattr(self, name) for name in Selection.model_fields if name in type(self).model_fields}
        return Selection.model_construct(**{**shared, "filter": "FILES"})


class Downloads(Selection, Acting, S3Task):
    """Copy objects to the files of the run, and then delete them or move them to an archive.

    Objects are chosen as `List` does; `outputs.<id>.outputFiles` maps their keys to the files, `outputs.<id>.objects`
    says what is known of them. The empty objects that stand for folders are not downloaded.

    `action` follows when everything is downloaded: `DELETE`, or `MOVE` into the folder `moveTo.key`, in the same bucket
    or in `moveTo.bucket`. The path below the prefix is kept: `raw/2024/a.csv` becomes `archive/2024/a.csv`. All objects
    are copied before the first one is deleted, and an object that was overwritten meanwhile stays where it is.

    ```yaml
    id: take-in
    namespace: company.team
    inputs:
      - id: bucket
        type: STRING
    tasks:
      - id: files
        type: io.kestra.plugin.aws.s3.Downloads
        bucket: "{{ inputs.bucket }}"
        prefix: raw/
        action: MOVE
        moveTo:
          key: archive/
      - id: each
        type: io.kestra.plugin.core.flow.ForEach
        values: "{{ outputs.files.outputFiles | values }}"
        tasks:
          - id: show
            type: io.kestra.plugin.core.log.Log
            message: "{{ read(taskrun.value) }}"
    ```
    """

    max_files: Int = Field(default=25, ge=1)
    validate_checksum: Bool = False

    class Outputs(TaskOutputs):
        """The objects as `List` shows them, each with the URI of its file; and the files by keys."""

        objects: list[dict[str, Any]]
        output_files: dict[str, str]

    def run(self, ctx: RunContext) -> TaskOutputs:
        client = self.client(ctx)
        asked = given(RequestPayer=self.request_payer, ExpectedBucketOwner=self.expected_bucket_owner)
        found = listed(client, self, self.max_files, ctx)
        fetch = _Fetching(ctx, client, self.bucket, asked, checks=self.validate_checksum)
        fetched = fetch.all([item.key for item in found if not is_folder(item.key)])
        ctx.metrics.add("counter", "files.count", len(fetched), {})
        ctx.metrics.add("counter", "files.size.total", sum(a["ContentLength"] for _, a in fetched.values()), {})
        self._act(ctx, client, [self._taken(item, fetched, asked) for item in found])
        return self.Outputs(
            objects=[_current(item, *fetched[item.key]) for item in found if item.key in fetched],
            outputFiles={key: uri for key, (uri, _) in fetched.items()},
        )

    def _taken(
        self, item: Listed, fetched: Mapping[str, tuple[str, Mapping[str, Any]]], asked: Mapping[str, Any]
    ) -> Taken:
        """What was downloaded, which may be a later content than the one that was listed."""
        answer = fetched[item.key][1] if item.key in fetched else {}
        etag = unquoted(answer["ETag"]) if answer else item.etag
        version = answer.get("VersionId")
        return Taken(self.bucket, item.key, etag, None if version == "null" else version, asked)

    def _act(self, ctx: RunContext, client: BaseClient, taken: Sequence[Taken]) -> None:
        if self.action == "NONE":
            return
        if self.action == "MOVE":
            target = self.move_to
            assert target is not None, "a MOVE has been checked to have one"

            def away(one: Taken) -> State:
                return copy_away(client, one, target, moved_key(target.key, one.key, self.prefix), ctx.stop)

            taken = _still_there(ctx, taken, in_parallel(away, taken))
        _still_there(ctx, taken, in_parallel(lambda one: remove(client, one), taken))


def _still_there(ctx: RunContext, taken: Sequence[Taken], states: Sequence[State]) -> list[Taken]:
    """Those that are what was downloaded; the log says which are not."""
    for one, state in zip(taken, states, strict=True):
        if state == "changed":
            ctx.log.write("WARN", f"'s3://{one.bucket}/{one.key}' was overwritten after it was downloaded: it stays")
        elif state == "gone":
            ctx.log.write("WARN", f"'s3://{one.bucket}/{one.key}' is gone: somebody else has deleted it")
    return [one for one, state in zip(taken, states, strict=True) if state == "there"]


class _Fetching:
    """Brings objects of a bucket into the storage of the run."""

    def __init__(
        self, ctx: RunContext, client: BaseClient, bucket: str, asked: Mapping[str, Any], *, checks: bool
    ) -> None:
        self._ctx, self._client, self._checks = ctx, client, checks
        self._asked = {"Bucket": bucket, **asked, **({"ChecksumMode": "ENABLED"} if checks else {})}

    def all(self, keys: Sequence[str]) -> dict[str, tuple[str, Mapping[str, Any]]]:
        """The URI of each object's file, and what S3 said of it, many at a time."""
        fetched = in_parallel(lambda key: self.one(key, file_name(key)), keys)
        for _, answer in fetched:
            self._ctx.metrics.add("counter", "file.size", answer["ContentLength"], {})
        return dict(zip(keys, fetched, strict=True))

    def one(self, key: str, name: str, **more: Any) -> tuple[str, Mapping[str, Any]]:
        """The URI of the file, and what S3 said of the object."""
        asked = {**self._asked, "Key": key, **more}
        path = self._ctx.workspace.scratch / secrets.token_hex(8)
        try:
            with failing(self._client, "download", asked["Bucket"], key):
                answer = download(self._client, asked, path, self._ctx.stop)
                if self._checks:
                    self._verify(asked, answer, path)
            return self._ctx.files.put(name, path).uri, self._told(answer)
        finally:
            path.unlink(missing_ok=True)

    def _told(self, answer: Mapping[str, Any]) -> dict[str, Any]:
        """What is said of the object, without its content. A checksum counts where it was looked at."""
        return {
            name: value
            for name, value in answer.items()
            if name != "Body" and (self._checks or not name.startswith("Checksum"))
        }

    def _verify(self, asked: Mapping[str, Any], answer: Mapping[str, Any], path: Path) -> None:
        reason = verify(self._client, asked, answer, path)
        if reason is not None:
            place = f"'s3://{asked['Bucket']}/{asked['Key']}'"
            self._ctx.log.write("WARN", f"{place} could not be held against its checksum: {reason}")


def _described(uri: str, answer: Mapping[str, Any]) -> dict[str, Any]:
    """What is known of a downloaded object."""
    algorithm, value = stored_checksum(answer) or (None, None)
    return given(
        uri=uri,
        eTag=unquoted(answer["ETag"]),
        contentLength=answer["ContentLength"],
        contentType=answer.get("ContentType"),
        metadata=dict(answer.get("Metadata", {})),
        versionId=answer.get("VersionId"),
        checksumAlgorithm=algorithm,
        checksumValue=value,
    )


def _current(item: Listed, uri: str, answer: Mapping[str, Any]) -> dict[str, Any]:
    """What flows see of an object that was downloaded: what is true of its file."""
    algorithm, value = stored_checksum(answer) or (None, None)
    now = Listed(item.key, unquoted(answer["ETag"]), answer["ContentLength"], answer["LastModified"], item.details)
    return now.record(uri, given(checksumAlgorithm=algorithm, checksumValue=value))
