"""What a bucket lets us do, tried on keys of our own below the storage's prefix."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any

from wdprefect.errors import StorageError, Unavailable
from wdprefect.storage.aws_failures import Place, is_answer, status_of
from wdprefect.storage.check import PROBE, Finding
from wdprefect.storage.patience import Patience
from wdprefect.storage.s3 import S3Storage
from wdprefect.storage.s3_access import Access
from wdprefect.storage.s3_parts import SHA256, kept

_METADATA = {SHA256: "0" * 64}
# S3 refuses what is signed a quarter of an hour ago or later.
_LITTLE_SECONDS, _MUCH_SECONDS = 60, 600
_OLD_DAYS = 2
_PRECONDITION_FAILED = 412
# What each check needs to be allowed, beside what the checks before it need.
_ACTIONS = {
    "list": "s3:ListBucket",
    "put": "s3:PutObject",
    "get": "s3:GetObject",
    "head": "s3:GetObject",
    "copy": "s3:GetObject and s3:PutObject",
    "multipart": "s3:PutObject and s3:AbortMultipartUpload",
    "conditional write": "s3:PutObject",
    "delete": "s3:DeleteObject",
}
# Runs do without these.
_OPTIONAL = {
    "copy": "nothing is lost but MOVE of S3 triggers",
    "conditional write": "nothing is lost today",
}


def check_bucket(storage: S3Storage) -> list[Finding]:
    """The findings for the bucket of a storage."""
    return _Check(storage).run()


@dataclass
class _Check:
    """One check. Versions that it has made are kept in mind, because a bucket may keep them for ever."""

    storage: S3Storage
    findings: list[Finding] = field(default_factory=list)
    made: list[tuple[str, str | None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        # Whoever asks whether it works wants to hear that it does not.
        self._access = Access(self.storage.client, Patience(0))
        folder = f"{self.storage.base}_check-{secrets.token_hex(8)}/"
        self._key, self._other = f"{folder}probe é+", f"{folder}copy"

    def run(self) -> list[Finding]:
        if not self._reach():
            self._leave_out("its answer to the first request", "put", "head", "get", "copy", "conditional write")
            self._leave_out("its answer to the first request", "multipart", "delete")
            return self.findings
        # Before anything is written. S3 answers alike whether the object is there or not.
        if not self._try("delete", self._delete):
            why = "what is written could not be removed again"
            self._leave_out(why, "put", "head", "get", "copy", "conditional write", "multipart")
            return self.findings
        try:
            if self._try("put", self._put):
                for name, check in self._after_put().items():
                    self._try(name, check)
            else:
                self._leave_out("nothing can be stored", *self._after_put())
        finally:
            self._clear()
        self._unfinished()
        return self.findings

    def _after_put(self) -> dict[str, Callable[[], str]]:
        return {
            "head": self._head,
            "get": self._get,
            "copy": self._copy,
            "conditional write": self._conditional,
            "multipart": self._multipart,
        }

    def _reach(self) -> bool:
        """Whether the server knows the bucket and us; how right our clock is."""
        try:
            answer = self._ask("list", self._key, self._listed)
        except (StorageError, Unavailable) as error:
            self._clock(getattr(error.__cause__, "response", {}))
            self._failed("list", error)
            return is_answer(error.__cause__, "AccessDenied", "403")
        self._clock(answer)
        self.findings.append(Finding("list", "ok"))
        return True

    def _listed(self) -> Any:
        return self.storage.client.list_objects_v2(Bucket=self.storage.bucket, Prefix=self._key, MaxKeys=1)

    def _clock(self, answer: Mapping[str, Any]) -> None:
        date = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
        if not date:
            return
        seconds = abs((datetime.now(timezone.utc) - parsedate_to_datetime(date)).total_seconds())
        detail = f"this machine's differs from the server's by {seconds:.0f} seconds"
        verdict = "ok" if seconds < _LITTLE_SECONDS else "missing" if seconds < _MUCH_SECONDS else "failed"
        step = "" if verdict == "ok" else "set this machine's clock; S3 refuses what differs by 15 minutes"
        self.findings.append(Finding("clock", verdict, detail, step))  # type: ignore[arg-type]  # one of the three

    def _put(self) -> str:
        self._made(self._key, self._client.put_object(**self._named(), Body=PROBE, Metadata=_METADATA))
        return ""

    def _head(self) -> str:
        head = self._client.head_object(**self._named())
        if kept(head["Metadata"], SHA256) != _METADATA[SHA256]:
            raise StorageError("the server does not keep metadata, by which damage is seen")
        return ""

    def _get(self) -> str:
        whole = self._client.get_object(**self._named())["Body"].read()
        some = self._client.get_object(**self._named(), Range="bytes=2-4")["Body"].read()
        if (whole, some) != (PROBE, PROBE[2:5]):
            raise StorageError(f"the content is {whole!r:.60}, its bytes 2 to 4 are {some!r:.60}")
        return ""

    def _copy(self) -> str:
        source = {"Bucket": self.storage.bucket, "Key": self._key}
        named = {"Bucket": self.storage.bucket, "Key": self._other}
        self._made(self._other, self._client.copy_object(**named, CopySource=source))
        return ""

    def _conditional(self) -> str:
        from botocore.exceptions import ClientError  # the client has loaded it already

        try:
            self._made(self._key, self._client.put_object(**self._named(), Body=PROBE, IfNoneMatch="*"))
        except ClientError as error:
            if status_of(error) != _PRECONDITION_FAILED:
                raise
            return ""
        raise StorageError("the server writes although the object is there")

    def _multipart(self) -> str:
        for ends in ("abort", "complete"):
            upload = self._client.create_multipart_upload(**self._named())["UploadId"]
            try:
                etag = self._client.upload_part(**self._named(), UploadId=upload, PartNumber=1, Body=PROBE)["ETag"]
                if ends == "complete":
                    parts = {"Parts": [{"PartNumber": 1, "ETag": etag}]}
                    done = self._client.complete_multipart_upload(
                        **self._named(), UploadId=upload, MultipartUpload=parts
                    )
                    self._made(self._key, done)
                    upload = None
            finally:
                if upload is not None:
                    self._client.abort_multipart_upload(**self._named(), UploadId=upload)
        return ""

    def _delete(self) -> str:
        self._made(self._key, self._client.delete_object(**self._named()))
        return ""

    def _clear(self) -> None:
        """Remove what has been made, versions and what marks them as deleted too."""
        made = {(key, version or "") for key, version in self.made}
        versioned = {key for key, version in made if version}
        left = {}
        for key, version in sorted(item for item in made if item[1] or item[0] not in versioned):
            try:
                self._ask("delete", key, partial(self._remove, key, version))
            except (StorageError, Unavailable) as error:
                left[key] = str(error)
        if left:
            step = "remove them; where the bucket keeps versions that needs s3:DeleteObjectVersion"
            detail = f"left behind: {', '.join(sorted(left))}: {next(iter(left.values()))}"
            self.findings.append(Finding("clean up", "missing", detail, step))

    def _remove(self, key: str, version: str) -> None:
        named = {"Bucket": self.storage.bucket, "Key": key}
        self._client.delete_object(**named, **({"VersionId": version} if version else {}))

    def _unfinished(self) -> None:
        """Uploads that killed processes have left, which nobody sees and somebody pays for."""
        with suppress(StorageError, Unavailable):
            answer = self._ask(
                "list",
                self.storage.base,
                lambda: self._client.list_multipart_uploads(Bucket=self.storage.bucket, Prefix=self.storage.base),
            )
            now = datetime.now(timezone.utc)
            old = [item for item in answer.get("Uploads", ()) if (now - item["Initiated"]).days >= _OLD_DAYS]
            if old:
                detail = f"{len(old)} uploads have not been finished for {_OLD_DAYS} days, as of '{old[0]['Key']}'"
                step = "add a lifecycle rule with AbortIncompleteMultipartUpload to the bucket"
                self.findings.append(Finding("unfinished uploads", "missing", detail, step))

    @property
    def _client(self) -> Any:
        return self._access.client

    def _named(self) -> dict[str, str]:
        return {"Bucket": self.storage.bucket, "Key": self._key}

    def _made(self, key: str, answer: Mapping[str, Any]) -> None:
        version = answer.get("VersionId")
        self.made.append((key, None if version == "null" else version))

    def _ask(self, verb: str, key: str, work: Callable[[], Any]) -> Any:
        place = Place(f"s3://{self.storage.bucket}/{key}", self.storage.bucket, key, self.storage.endpoint)
        return self._access.ask(verb, place, lambda _: work())

    def _try(self, name: str, check: Callable[[], str]) -> bool:
        try:
            detail = self._ask(_VERBS.get(name, "store"), self._key, check)
        except (StorageError, Unavailable) as error:
            self._failed(name, error)
            return False
        self.findings.append(Finding(name, "ok", detail))
        return True

    def _failed(self, name: str, error: Exception) -> None:
        detail, _, step = str(error).partition("; ")
        if is_answer(error.__cause__, "AccessDenied", "403"):
            where = f"arn:aws:s3:::{self.storage.bucket}"
            step = f"allow {_ACTIONS[name]} on {where if name == 'list' else f'{where}/{self.storage.base}*'}"
        if name in _OPTIONAL:
            step = f"{_OPTIONAL[name]}; {step}" if step else _OPTIONAL[name]
        self.findings.append(Finding(name, "missing" if name in _OPTIONAL else "failed", detail, step))

    def _leave_out(self, why: str, *names: str) -> None:
        self.findings += [Finding(name, "untried", f"not tried: {why}") for name in names]


_VERBS = {"head": "read", "get": "read", "list": "list", "delete": "delete", "copy": "copy"}
