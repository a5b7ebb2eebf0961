"""`Upload`."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlencode

from pydantic import AwareDatetime, Field, model_validator

from wdprefect.errors import TaskFailed
from wdprefect.model.context import RunContext
from wdprefect.model.keys import in_folder
from wdprefect.model.node import Bool, Int, Map, Text
from wdprefect.model.parallel import in_parallel
from wdprefect.model.task import TaskOutputs
from wdprefect.plugins.aws._failures import failing
from wdprefect.plugins.aws._objects import unquoted
from wdprefect.plugins.aws._transfer import upload
from wdprefect.plugins.aws.s3._bucket import InBucket, S3Task, given
from wdprefect.storage.uris import NSFILE_SCHEME, SCHEME, file_name

if TYPE_CHECKING:
    from botocore.client import BaseClient

StorageClass = Literal[
    "STANDARD",
    "STANDARD_IA",
    "ONEZONE_IA",
    "INTELLIGENT_TIERING",
    "GLACIER_IR",
    "GLACIER",
    "DEEP_ARCHIVE",
    "EXPRESS_ONEZONE",
    "REDUCED_REDUNDANCY",
    "OUTPOSTS",
    "SNOW",
]
# Java's names of the same beside Amazon's.
_ENCRYPTIONS = {"AWS_KMS": "aws:kms", "AWS_KMS_DSSE": "aws:kms:dsse"}
_ALGORITHMS = {"CRC32_C": "CRC32C", "CRC64_NVME": "CRC64NVME"}


class Upload(InBucket, S3Task):
    """Store files of the run as objects of a bucket.

    `from` is the URI of a file (`kestra://…` or `nsfile://…`): `key` is the key of the object. Or it is a list of URIs,
    or a map from names to URIs, also as JSON: `key` is the folder in which they get their names, those of the files in
    a list. A key that ends with `/` is a folder for a single file too. `concurrentUploads` of them are under way at a
    time; a large file goes in parts. `outputs.<id>` has the `eTag` and `versionId` of one object, or `files` with those
    of each name.

    All else goes to S3 as it is: `metadata`, `tagging`, `cacheControl`, `contentType`, `contentEncoding`,
    `contentDisposition`, `contentLanguage`, `expires`, `acl`, `storageClass`, `serverSideEncryption`,
    `bucketKeyEnabled`, `checksumAlgorithm`, and the object lock. `checksum` (in base64) and `contentLength` say what
    the file must be; it is not stored when it is something else.

    ```yaml
    id: upload
    namespace: company.team
    inputs:
      - id: bucket
        type: STRING
    tasks:
      - id: make
        type: io.kestra.plugin.scripts.shell.Commands
        commands:
          - echo one > one.txt
          - echo two > two.txt
        outputFiles:
          - "*.txt"
      - id: store
        type: io.kestra.plugin.aws.s3.Upload
        from: "{{ outputs.make.outputFiles }}"
        bucket: "{{ inputs.bucket }}"
        key: results/{{ flow.id }}/
        metadata:
          made-by: "{{ flow.namespace }}"
    ```
    """

    from_: dict[str, Text] | list[Text] | Text
    key: Text = Field(min_length=1)
    metadata: Map[Text] | None = None
    tagging: Map[Text] | None = None
    cache_control: Text | None = None
    content_type: Text | None = None
    content_encoding: Text | None = None
    content_disposition: Text | None = None
    content_language: Text | None = None
    content_length: Int | None = Field(default=None, ge=0)
    expires: AwareDatetime | None = None
    acl: Text | None = None
    storage_class: StorageClass | None = None
    server_side_encryption: Literal["AES256", "AWS_KMS", "AWS_KMS_DSSE", "aws:kms", "aws:kms:dsse"] | None = None
    bucket_key_enabled: Bool | None = None
    checksum_algorithm: Literal["CRC32", "CRC32C", "CRC32_C", "CRC64NVME", "CRC64_NVME", "SHA1", "SHA256"] | None = None
    checksum: Text | None = None
    object_lock_mode: Literal["GOVERNANCE", "COMPLIANCE"] | None = None
    object_lock_legal_hold_status: Literal["ON", "OFF"] | None = None
    object_lock_retain_until_date: AwareDatetime | None = None
    expected_bucket_owner: Text | None = None
    concurrent_uploads: Int = Field(default=50, ge=1)

    @model_validator(mode="after")
    def _checksum_has_its_kind(self) -> Upload:
        if self.checksum is not None and self.checksum_algorithm is None:
            raise ValueError("'checksum' needs 'checksumAlgorithm': which kind it is of")
        return self

    class Outputs(TaskOutputs):
        """Where it was stored, and what S3 says of the object; of several, of each by its name."""

        bucket: str
        key: str
        e_tag: str | None = None
        version_id: str | None = None
        files: dict[str, dict[str, Any]] | None = None

    def run(self, ctx: RunContext) -> TaskOutputs:
        files = _named(self.from_)
        if len(files) > 1:
            return self._several(ctx, files)
        [(name, uri)] = files.items()
        key = in_folder(self.key, name) if self.key.endswith("/") else self.key
        stored = self._store(ctx, self.client(ctx), key, uri)
        self._count(ctx, [stored])
        return self.Outputs(bucket=self.bucket, key=key, eTag=stored["eTag"], versionId=stored.get("versionId"))

    def _several(self, ctx: RunContext, files: Mapping[str, str]) -> TaskOutputs:
        for name in ("checksum", "content_length"):
            if getattr(self, name) is not None:
                alias = type(self).model_fields[name].alias
                raise TaskFailed(f"'{alias}' is that of one file, but 'from' names {len(files)}: leave it out")
        client = self.client(ctx)

        def store(item: tuple[str, str]) -> dict[str, Any]:
            name, uri = item
            return self._store(ctx, client, in_folder(self.key, name.lstrip("/")), uri)

        stored = in_parallel(store, list(files.items()), self.concurrent_uploads)
        self._count(ctx, stored)
        return self.Outputs(bucket=self.bucket, key=self.key, files=dict(zip(files, stored, strict=True)))

    def _store(self, ctx: RunContext, client: BaseClient, key: str, uri: str) -> dict[str, Any]:
        """Store a file, and what is known of the object then."""
        path = ctx.workspace.scratch / secrets.token_hex(8)
        try:
            ctx.files.reader.get(uri.strip(), path)
            size = path.stat().st_size
            if self.content_length not in (None, size):
                raise TaskFailed(f"'contentLength' is {self.content_length}, but '{uri}' has {size} bytes")
            ctx.log.write("DEBUG", f"uploading {size} bytes to 's3://{self.bucket}/{key}'")
            with failing(client, "upload", self.bucket, key):
                answer = upload(client, {"Bucket": self.bucket, "Key": key, **self._options()}, path, ctx.stop)
        finally:
            path.unlink(missing_ok=True)
        return given(eTag=unquoted(answer["ETag"]), versionId=answer.get("VersionId"), contentLength=size)

    def _options(self) -> dict[str, Any]:
        """What the request says of the object."""
        algorithm = _ALGORITHMS.get(self.checksum_algorithm or "", self.checksum_algorithm)
        encryption = _ENCRYPTIONS.get(self.server_side_encryption or "", self.server_side_encryption)
        checksum = {f"Checksum{algorithm}": self.checksum} if self.checksum is not None else {}
        return given(
            Metadata=self.metadata,
            Tagging=urlencode(self.tagging) if self.tagging else None,
            CacheControl=self.cache_control,
            ContentType=self.content_type,
            ContentEncoding=self.content_encoding,
            ContentDisposition=self.content_disposition,
            ContentLanguage=self.content_language,
            Expires=self.expires,
            ACL=self.acl,
            StorageClass=self.storage_class,
            ServerSideEncryption=encryption,
            BucketKeyEnabled=self.bucket_key_enabled,
            ChecksumAlgorithm=algorithm,
            ObjectLockMode=self.object_lock_mode,
            ObjectLockLegalHoldStatus=self.object_lock_legal_hold_status,
            ObjectLockRetainUntilDate=self.object_lock_retain_until_date,
            ExpectedBucketOwner=self.expected_bucket_owner,
            RequestPayer=self.request_payer,
            **checksum,
        )

    @staticmethod
    def _count(ctx: RunContext, stored: Sequence[Mapping[str, Any]]) -> None:
        ctx.metrics.add("counter", "file.count", len(stored), {})
        ctx.metrics.add("counter", "file.size", sum(each["contentLength"] for each in stored), {})


def _named(given_files: dict[str, str] | list[str] | str) -> dict[str, str]:
    """The URIs of the files by the names that they get. Raises TaskFailed for what names none, or two alike."""
    files = _parsed(given_files)
    if not files:
        raise TaskFailed("'from' names no file")
    if isinstance(files, str):
        files = [files]
    if isinstance(files, Mapping):
        return files
    named: dict[str, str] = {}
    for uri in files:
        name = _name(uri)
        if name in named:
            raise TaskFailed(f"two files of 'from' are called '{name}': give a map from names to URIs")
        named[name] = uri
    return named


def _parsed(value: dict[str, str] | list[str] | str) -> dict[str, str] | list[str] | str:
    if not isinstance(value, str) or not value.strip().startswith(("[", "{")):
        return value
    try:
        found = json.loads(value)
    except ValueError as error:
        raise TaskFailed(f"'from' is no JSON: {error}") from None
    items = found.values() if isinstance(found, dict) else found
    if not isinstance(found, dict | list) or not all(isinstance(item, str) for item in items):
        raise TaskFailed("'from': it must be a URI, a list of URIs, or a map from names to URIs")
    return found


def _name(uri: str) -> str:
    """The name of a file that is known by its URI alone."""
    uri = uri.strip()
    return file_name(uri) if uri.startswith(SCHEME) else uri.removeprefix(NSFILE_SCHEME).rpartition("/")[2]
