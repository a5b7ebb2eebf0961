"""`Delete` and `DeleteList`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from tests.plugins.aws.objects import error_of, keys, outputs_of, put, run_task
from tests.running import messages
from wdprefect.plugins.aws._connection import Connection, client_of

if TYPE_CHECKING:
    from botocore.client import BaseClient

pytestmark = pytest.mark.s3


def test_one(s3: BaseClient, bucket: str) -> None:
    """An object is deleted; one that is not there is no error."""
    put(s3, bucket, "a", "b")

    for _ in range(2):
        assert {} == outputs_of("Delete", f"bucket: {bucket}\nkey: a")
    assert ["b"] == keys(s3, bucket)


def test_delete_marker(s3: BaseClient, bucket: str) -> None:
    """A versioned bucket tells the marker that hides the object now."""
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    put(s3, bucket, "a")

    found = outputs_of("Delete", f"bucket: {bucket}\nkey: a")

    [marker] = s3.list_object_versions(Bucket=bucket)["DeleteMarkers"]
    assert {"versionId": marker["VersionId"], "deleteMarker": True} == found


@pytest.mark.parametrize(
    ("properties", "left", "size"),
    [
        pytest.param("", [], 30, id="all"),
        pytest.param("prefix: in/", ["other"], 25, id="below a prefix"),
        pytest.param(r"regexp: .*\.csv" + "\nconcurrent: 2", ["in/", "in/c.json", "other"], 16, id="by an expression"),
        pytest.param("maxKeys: 2", ["in/b.csv", "in/c.json", "other"], 8, id="the first"),
        pytest.param("prefix: nothing", ["in/", "in/a.csv", "in/b.csv", "in/c.json", "other"], 0, id="none"),
    ],
)
def test_several(s3: BaseClient, bucket: str, properties: str, left: list[str], size: int) -> None:
    """What is chosen is deleted, and counted."""
    put(s3, bucket, "in/", "in/a.csv", "in/b.csv", "in/c.json", "other")

    execution = run_task("DeleteList", f"bucket: {bucket}\n{properties}")

    count = 5 - len(left)
    assert (left, {"count": count, "size": size}) == (keys(s3, bucket), execution.task_outputs["it"])
    metrics = {metric.name: metric.value for metric in execution.task_runs[0].metrics}
    assert {"s3.objects.deleted.count": count, "s3.objects.deleted.size": size} == metrics
    assert f"deleted {count} objects with {size} bytes" in messages(execution, "it")


def test_more_than_a_request(s3: BaseClient, bucket: str) -> None:
    """More than a thousand go in several requests."""
    put(s3, bucket, *(f"{number:04}" for number in range(1001)))

    with answered() as asked:
        outputs_of("DeleteList", f"bucket: {bucket}\nmaxKeys: 2000\nconcurrent: 2")

    assert ([], ["DeleteObjects", "DeleteObjects"]) == (keys(s3, bucket), asked)


def test_nothing_to_delete(s3: BaseClient, bucket: str) -> None:
    """With `errorOnEmpty` finding nothing is an error, which says what was looked for."""
    said = error_of("DeleteList", f"bucket: {bucket}\nprefix: in/\nregexp: a.*\nerrorOnEmpty: true")

    assert f"there is nothing to delete in the bucket '{bucket}', prefix 'in/', regexp 'a.*'" == said


@contextmanager
def answered(**answers: tuple[int, dict[str, Any]]) -> Iterator[list[str]]:
    """What deletes are asked for; some of them are answered here: a status and an answer, by the request's name.

    The edge of boto3: no server at hand refuses these.
    """
    events, asked = client_of(Connection()).meta.events, list[str]()

    def answer(model: Any, **_: Any) -> tuple[Any, dict[str, Any]] | None:
        asked.append(model.name)
        if model.name not in answers:
            return None
        status, content = answers[model.name]
        return SimpleNamespace(status_code=status), {"ResponseMetadata": {"HTTPStatusCode": status}, **content}

    names = ("before-call.s3.DeleteObjects", "before-call.s3.DeleteObject")
    for name in names:
        events.register(name, answer)
    try:
        yield asked
    finally:
        for name in names:
            events.unregister(name, answer)


@pytest.mark.parametrize(
    ("status", "code"), [(501, "NotImplemented"), (400, "MissingContentMD5"), (405, "MethodNotAllowed")]
)
def test_server_that_deletes_one_by_one(s3: BaseClient, bucket: str, status: int, code: str) -> None:
    """A server that does not know the request for many is asked for each."""
    put(s3, bucket, "a", "b", "c")

    with answered(DeleteObjects=(status, {"Error": {"Code": code}})) as asked:
        found = outputs_of("DeleteList", f"bucket: {bucket}")

    assert (["DeleteObjects", *["DeleteObject"] * 3], 3, []) == (asked, found["count"], keys(s3, bucket))


def test_one_of_many_is_refused(s3: BaseClient, bucket: str) -> None:
    """What S3 refuses of many is said by its own key."""
    put(s3, bucket, "a", "b")
    refused = {"Errors": [{"Key": "b", "Code": "AccessDenied"}]}

    with answered(DeleteObjects=(200, refused), DeleteObject=(403, {"Error": {"Code": "AccessDenied"}})):
        said = error_of("DeleteList", f"bucket: {bucket}")

    assert said.startswith(
        f"cannot delete 's3://{bucket}/b': access is denied (AccessDenied, bucket '{bucket}', key 'b'"
    )
    assert said.endswith("; allow s3:DeleteObject")


def test_all_are_refused(s3: BaseClient, bucket: str) -> None:
    """Where nothing may be deleted that is said, and not tried one by one."""
    put(s3, bucket, "a", "b")

    with answered(DeleteObjects=(403, {"Error": {"Code": "AccessDenied"}})) as asked:
        said = error_of("DeleteList", f"bucket: {bucket}\nprefix: a")

    assert said.startswith(f"cannot delete 's3://{bucket}/a': access is denied (AccessDenied")
    assert ["DeleteObjects"] == asked
