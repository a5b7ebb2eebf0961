"""`Download` and `Downloads`: what arrives, that it is whole, and what becomes of the objects."""

from __future__ import annotations

import base64
import hashlib
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.plugins.aws.objects import MIB, content, error_of, keys, outputs_of, put, run_task
from tests.running import messages
from wdprefect.execution.attempt import TaskFiles
from wdprefect.execution.execution import Execution
from wdprefect.model.ports import StoredFile
from wdprefect.model.stop import Stop
from wdprefect.plugins.aws import _transfer
from wdprefect.plugins.aws._moves import MoveTo, Taken, copy_away, remove

if TYPE_CHECKING:
    from botocore.client import BaseClient

pytestmark = pytest.mark.s3

SIZES = [pytest.param(10, id="small"), pytest.param(20 * MIB, id="in parts")]


def files_of(execution: Execution) -> dict[str, bytes]:
    """The content of the files that the task delivers, by keys."""
    assert "SUCCESS" == execution.state, execution.error
    found: dict[str, Any] = execution.task_outputs["it"]
    uris = found.get("outputFiles") or {key: file["uri"] for key, file in found["files"].items()}
    return {key: execution.read(uri) for key, uri in uris.items()}


@pytest.mark.parametrize("size", SIZES)
def test_one(s3: BaseClient, bucket: str, size: int) -> None:
    """One object: its content, and what S3 knows of it."""
    sent = os.urandom(size)
    s3.put_object(Bucket=bucket, Key="in/a b.csv", Body=sent, ContentType="text/csv", Metadata={"made-by": "me"})

    execution = run_task("Download", f"bucket: {bucket}\nkey: in/a b.csv")

    found = dict(execution.task_outputs["it"])
    assert sent == execution.read(found.pop("uri"))
    etag = s3.head_object(Bucket=bucket, Key="in/a b.csv")["ETag"].strip('"')
    expected = {"eTag": etag, "contentLength": size, "contentType": "text/csv", "metadata": {"made-by": "me"}}
    assert expected == found
    assert [("file.size", size)] == [(metric.name, metric.value) for metric in execution.task_runs[0].metrics]
    assert ["in/a b.csv"] == list(execution.task_runs[0].files)


def test_version(s3: BaseClient, bucket: str) -> None:
    """An old version, by its id; without one the newest."""
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    old, new = (s3.put_object(Bucket=bucket, Key="a", Body=body)["VersionId"] for body in (b"old", b"new"))

    for version, given, body in ((old, f"versionId: {old}", b"old"), (new, "", b"new")):
        execution = run_task("Download", f"bucket: {bucket}\nkey: a\n{given}")
        found = execution.task_outputs["it"]
        assert (version, body) == (found["versionId"], execution.read(found["uri"]))


def test_several(s3: BaseClient, bucket: str) -> None:
    """Files below a prefix, by their keys; what stands for a folder is none."""
    put(s3, bucket, "in/", "in/a.csv", "in/x/b.csv", "in/c.json", "other.csv")

    execution = run_task("Download", f"bucket: {bucket}\nprefix: in/\nregexp: .*csv")

    assert {"in/a.csv": b"in/a.csv", "in/x/b.csv": b"in/x/b.csv"} == files_of(execution)
    assert {"files"} == set(execution.task_outputs["it"])
    assert 8 == execution.task_outputs["it"]["files"]["in/a.csv"]["contentLength"]


def test_none(s3: BaseClient, bucket: str) -> None:
    """No object that fits is no error, and is said."""
    execution = run_task("Download", f"bucket: {bucket}\nprefix: in/")

    assert ({}, ["no object fits"]) == (files_of(execution), messages(execution, "it", "WARN"))


def test_names(s3: BaseClient, bucket: str) -> None:
    """Objects of the same name are files apart, whatever stands in their keys."""
    put(s3, bucket, "a/b", "b", "é /b", "x=1,y/b", "b%20b")

    execution = run_task("Downloads", f"bucket: {bucket}")

    assert {key: key.encode() for key in ("a/b", "b", "é /b", "x=1,y/b", "b%20b")} == files_of(execution)
    assert {"a/b", "b", "é /b", "x=1,y/b", "b%20b"} == set(execution.task_runs[0].files)


@pytest.mark.parametrize("size", SIZES)
def test_checksum(s3: BaseClient, bucket: str, size: int) -> None:
    """A checksum of the whole object is compared, and told."""
    sent = os.urandom(size)
    s3.put_object(Bucket=bucket, Key="a", Body=sent, ChecksumAlgorithm="SHA256")

    execution = run_task("Download", f"bucket: {bucket}\nkey: a\nvalidateChecksum: true")

    value = base64.b64encode(hashlib.sha256(sent).digest()).decode()
    found = execution.task_outputs["it"]
    assert ("SHA256", value) == (found["checksumAlgorithm"], found["checksumValue"])
    assert [] == messages(execution, "it", "WARN")


@pytest.mark.parametrize("algorithm", ["SHA256", "SHA1", "CRC32"])
def test_checksum_of_parts(s3: BaseClient, bucket: str, tmp_path: Path, algorithm: str) -> None:
    """So is one over those of the parts in which it was sent."""
    (tmp_path / "a").write_bytes(os.urandom(12 * MIB))
    s3.upload_file(str(tmp_path / "a"), bucket, "a", ExtraArgs={"ChecksumAlgorithm": algorithm})

    execution = run_task("Downloads", f"bucket: {bucket}\nvalidateChecksum: true")

    [found] = execution.task_outputs["it"]["objects"]
    assert (algorithm, "-2") == (found["checksumAlgorithm"], found["checksumValue"][-2:])
    assert [] == messages(execution, "it", "WARN")


def test_damaged(s3: BaseClient, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Content that does not fit its checksum fails the task."""
    (tmp_path / "a").write_bytes(os.urandom(12 * MIB))
    s3.upload_file(str(tmp_path / "a"), bucket, "a", ExtraArgs={"ChecksumAlgorithm": "SHA256"})

    # Between the network and the disk: what no server could be made to do.
    fetch = _transfer._fetch

    def damaging(*arguments: Any) -> None:
        fetch(*arguments)
        arguments[3].seek(5 * MIB)
        arguments[3].write(b"damaged")

    monkeypatch.setattr(_transfer, "_fetch", damaging)
    expected = f"the content of 's3://{bucket}/a' does not fit its SHA256 checksum"
    assert expected == error_of("Download", f"bucket: {bucket}\nkey: a\nvalidateChecksum: true")


def test_checksum_of_another_kind(s3: BaseClient, bucket: str) -> None:
    """A checksum that cannot be computed here is told, and the log says that nothing was compared."""
    s3.put_object(Bucket=bucket, Key="a", Body=b"", ChecksumCRC64NVME="AAAAAAAAAAA=")

    execution = run_task("Download", f"bucket: {bucket}\nkey: a\nvalidateChecksum: true")

    assert "CRC64NVME" == execution.task_outputs["it"]["checksumAlgorithm"]
    reason = "its checksum is a CRC64NVME, which cannot be computed here"
    expected = f"'s3://{bucket}/a' could not be held against its checksum: {reason}"
    assert [expected] == messages(execution, "it", "WARN")


def test_no_checksum(s3: BaseClient, bucket: str) -> None:
    """The log says where there is no checksum."""
    # What boto3 sends has one.
    address = s3.generate_presigned_url("put_object", {"Bucket": bucket, "Key": "a"})
    httpx.put(address, content=b"x").raise_for_status()

    execution = run_task("Download", f"bucket: {bucket}\nkey: a\nvalidateChecksum: true")

    expected = f"'s3://{bucket}/a' could not be held against its checksum: it has no stored checksum"
    assert ("SUCCESS", [expected]) == (execution.state, messages(execution, "it", "WARN"))


def test_overwritten_while_it_is_fetched(s3: BaseClient, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is overwritten while its parts arrive is fetched again: the file, and what is told, are of one content."""
    old, new = os.urandom(20 * MIB), os.urandom(20 * MIB)
    s3.put_object(Bucket=bucket, Key="a", Body=old)
    fetch, tries = _transfer._fetch, []

    def overwriting(*arguments: Any) -> None:
        tries.append(arguments)
        if len(tries) == 1:
            s3.put_object(Bucket=bucket, Key="a", Body=new)
        fetch(*arguments)

    monkeypatch.setattr(_transfer, "_fetch", overwriting)
    execution = run_task("Download", f"bucket: {bucket}\nkey: a")

    found = execution.task_outputs["it"]
    assert new == execution.read(found["uri"])
    assert (2, hashlib.md5(new).hexdigest()) == (len(tries), found["eTag"])  # noqa: S324  what S3 makes of small ones


def test_files(s3: BaseClient, bucket: str) -> None:
    """`outputFiles` maps keys to files, `objects` says what is known of them; folders are none."""
    put(s3, bucket, "in/", "in/a.csv", "in/x/b.csv")

    execution = run_task("Downloads", f"bucket: {bucket}\nprefix: in/")

    assert {"in/a.csv": b"in/a.csv", "in/x/b.csv": b"in/x/b.csv"} == files_of(execution)
    first = execution.task_outputs["it"]["objects"][0]
    expected = {"uri", "key", "etag", "size", "lastModified", "owner"}
    assert (expected, execution.task_outputs["it"]["outputFiles"]["in/a.csv"]) == (set(first), first["uri"])
    assert ["in/", "in/a.csv", "in/x/b.csv"] == keys(s3, bucket)
    metrics = {metric.name: metric.value for metric in execution.task_runs[0].metrics}
    assert {"files.count": 2, "files.size.total": 18, "file.size": 18} == metrics


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        pytest.param("action: NONE", ["in/", "in/a.csv", "in/x/a.csv", "other"], id="none"),
        pytest.param("action: DELETE", ["other"], id="delete"),
        pytest.param(
            "action: MOVE\nmoveTo: {key: old}", ["old/", "old/a.csv", "old/x/a.csv", "other"], id="the path is kept"
        ),
    ],
)
def test_action(s3: BaseClient, bucket: str, action: str, expected: list[str]) -> None:
    """When all is downloaded objects are deleted or moved, those that stand for folders too."""
    put(s3, bucket, "in/", "in/a.csv", "in/x/a.csv", "other")

    execution = run_task("Downloads", f"bucket: {bucket}\nprefix: in/\n{action}")

    assert {"in/a.csv": b"in/a.csv", "in/x/a.csv": b"in/x/a.csv"} == files_of(execution)
    assert expected == keys(s3, bucket)


def test_move_to_another_bucket(s3: BaseClient, bucket: str) -> None:
    """Content, type and metadata come along."""
    s3.create_bucket(Bucket=f"{bucket}-old")
    put(s3, bucket, "in/a.csv", ContentType="text/csv", Metadata={"made-by": "me"})

    outputs_of(
        "Downloads", f"bucket: {bucket}\nprefix: in\naction: MOVE\nmoveTo: {{bucket: {bucket}-old, key: archive/}}"
    )

    assert ([], ["archive/a.csv"]) == (keys(s3, bucket), keys(s3, f"{bucket}-old"))
    head = s3.head_object(Bucket=f"{bucket}-old", Key="archive/a.csv")
    assert ("text/csv", {"made-by": "me"}) == (head["ContentType"], head["Metadata"])


def test_nothing_moves_before_all_is_there(s3: BaseClient, bucket: str) -> None:
    """Where one object cannot be downloaded none is deleted."""
    put(s3, bucket, "a")
    # Without its key it cannot be read.
    s3.put_object(Bucket=bucket, Key="b", Body=b"x", SSECustomerAlgorithm="AES256", SSECustomerKey="k" * 32)

    assert error_of("Downloads", f"bucket: {bucket}\naction: DELETE").startswith(f"cannot download 's3://{bucket}/b':")
    assert ["a", "b"] == keys(s3, bucket)


def test_nothing_is_deleted_before_all_is_copied(s3: BaseClient, bucket: str) -> None:
    """Where an archive cannot be written the objects stay."""
    put(s3, bucket, "a", "b")

    said = error_of("Downloads", f"bucket: {bucket}\naction: MOVE\nmoveTo: {{bucket: {bucket}-none, key: old}}")

    assert said.startswith(f"cannot copy 's3://{bucket}/")
    assert f"' to 's3://{bucket}-none/old/" in said
    assert ["a", "b"] == keys(s3, bucket)


def test_onto_itself(s3: BaseClient, bucket: str) -> None:
    """An archive that is the folder itself would delete what it holds."""
    put(s3, bucket, "in/a")

    said = error_of("Downloads", f"bucket: {bucket}\nprefix: in/\naction: MOVE\nmoveTo: {{key: in}}")

    expected = f"'s3://{bucket}/in/a' would be moved onto itself: name another folder in 'moveTo.key'"
    assert (expected, ["in/a"]) == (said, keys(s3, bucket))


def test_overwritten_before_it_is_moved(s3: BaseClient, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An object that was overwritten after it was downloaded stays, and the log says so."""
    put(s3, bucket, "in/a", "in/b")
    storing = threading.Lock()

    def put_and_overwrite(files: TaskFiles, name: str, path: Path) -> StoredFile:
        with storing:
            s3.put_object(Bucket=bucket, Key="in/a", Body=b"newer")
        return store(files, name, path)

    store = TaskFiles.put
    monkeypatch.setattr(TaskFiles, "put", put_and_overwrite)
    execution = run_task("Downloads", f"bucket: {bucket}\nprefix: in/\naction: MOVE\nmoveTo: {{key: old}}")

    expected = f"'s3://{bucket}/in/a' was overwritten after it was downloaded: it stays"
    assert (["in/a", "old/b"], [expected]) == (keys(s3, bucket), messages(execution, "it", "WARN"))
    assert b"newer" == content(s3, bucket, "in/a")


def taken(s3: BaseClient, bucket: str, key: str, body: bytes) -> Taken:
    """An object that was stored and taken in."""
    answer = s3.put_object(Bucket=bucket, Key=key, Body=body)
    return Taken(bucket, key, answer["ETag"].strip('"'), answer.get("VersionId"))


def test_may_be_repeated(s3: BaseClient, bucket: str) -> None:
    """A move that was cut off can be done again at every step."""
    one, to = taken(s3, bucket, "a", b"x"), MoveTo(key="old")

    assert ["there", "there"] == [copy_away(s3, one, to, "old/a", Stop()) for _ in range(2)]
    assert ["there", "gone"] == [remove(s3, one) for _ in range(2)]
    assert "gone" == copy_away(s3, one, to, "old/a", Stop())
    assert b"x" == content(s3, bucket, "old/a")


def test_what_came_later_stays(s3: BaseClient, bucket: str) -> None:
    """Neither is a later content moved, nor deleted."""
    one = taken(s3, bucket, "a", b"x")
    put(s3, bucket, "a")

    assert ("changed", "changed") == (copy_away(s3, one, MoveTo(key="old"), "old/a", Stop()), remove(s3, one))
    assert ["a"] == keys(s3, bucket)


def test_versions(s3: BaseClient, bucket: str) -> None:
    """In a versioned bucket the version that was taken in is moved, and a later one is not hidden by its deletion."""
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    one, two = taken(s3, bucket, "a", b"x"), taken(s3, bucket, "a", b"x")
    assert one.version_id != two.version_id

    assert ("there", "changed") == (copy_away(s3, one, MoveTo(key="old"), "old/1", Stop()), remove(s3, one))
    assert ["a", "old/1"] == keys(s3, bucket)
    assert ("there", "there") == (copy_away(s3, two, MoveTo(key="old"), "old/2", Stop()), remove(s3, two))
    assert ["old/1", "old/2"] == keys(s3, bucket)
