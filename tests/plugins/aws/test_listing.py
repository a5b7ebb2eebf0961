"""`List`: which objects, how many, and what is known of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.plugins.aws.objects import error_of, outputs_of, put, run_task
from tests.running import messages

if TYPE_CHECKING:
    from botocore.client import BaseClient

pytestmark = pytest.mark.s3

KEYS = ("in/", "in/a.csv", "in/b.json", "in/x/", "in/x/c.csv", "other.csv")


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        pytest.param("", list(KEYS), id="all"),
        pytest.param("prefix: in/x", ["in/x/", "in/x/c.csv"], id="prefix"),
        pytest.param("prefix: in/\ndelimiter: /", ["in/", "in/a.csv", "in/b.json"], id="delimiter"),
        pytest.param("marker: in/b.json", ["in/x/", "in/x/c.csv", "other.csv"], id="marker"),
        pytest.param("filter: FILES", ["in/a.csv", "in/b.json", "in/x/c.csv", "other.csv"], id="files"),
        pytest.param("filter: DIRECTORY", ["in/", "in/x/"], id="directories"),
        pytest.param(r"regexp: in/.*\.csv", ["in/a.csv", "in/x/c.csv"], id="regular expression"),
        pytest.param("regexp: in", [], id="it must match the whole key"),
        pytest.param("maxKeys: 2", ["in/", "in/a.csv"], id="maxKeys"),
        pytest.param("maxKeys: 1\nfilter: FILES", [], id="maxKeys counts before the filter"),
        pytest.param("maxFiles: 2\nfilter: FILES", ["in/a.csv", "in/b.json"], id="maxFiles counts behind it"),
        pytest.param("encodingType: url\nprefix: other", ["other.csv"], id="encodingType"),
        pytest.param("prefix: nothing", [], id="nothing"),
    ],
)
def test_which(s3: BaseClient, bucket: str, properties: str, expected: list[str]) -> None:
    """The first `maxKeys` keys in their order, of these what filter and expression let through, of these `maxFiles`."""
    put(s3, bucket, *KEYS)

    found = outputs_of("List", f"bucket: {bucket}\n{properties}")["objects"]

    assert expected == [item["key"] for item in found]


def test_what_is_known(s3: BaseClient, bucket: str) -> None:
    """Key, ETag without quotes, size, time and owner."""
    put(s3, bucket, "a.csv")

    [found] = outputs_of("List", f"bucket: {bucket}")["objects"]

    head = s3.head_object(Bucket=bucket, Key="a.csv")
    expected = {"key": "a.csv", "etag": head["ETag"].strip('"'), "size": 5}
    assert expected == {name: found[name] for name in expected}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", found["lastModified"])
    assert {"id", "displayName"} == set(found["owner"])
    assert {*expected, "lastModified", "owner"} == set(found)


def test_odd_names(s3: BaseClient, bucket: str) -> None:
    """Keys arrive as they are, whatever is in them."""
    odd = sorted(["a b+c.csv", "é€.csv", "q'\"&<.csv", "%20.csv", "a=1,b@2.csv"], key=lambda key: key.encode())
    put(s3, bucket, *odd)

    assert odd == [item["key"] for item in outputs_of("List", f"bucket: {bucket}")["objects"]]


def test_more_than_a_page(s3: BaseClient, bucket: str) -> None:
    """`maxKeys` may be more than S3 tells in one answer, and less than there is."""
    put(s3, bucket, *(f"{number:04}" for number in range(1005)))

    execution = run_task("List", f"bucket: {bucket}\nmaxKeys: 1003\nmaxFiles: 2000")

    found = [item["key"] for item in execution.task_outputs["it"]["objects"]]
    assert [f"{number:04}" for number in range(1003)] == found
    assert ["only the first 1003 keys were looked at; raise 'maxKeys' for more"] == messages(execution, "it", "WARN")


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        pytest.param("maxKeys: 6", [], id="all fit"),
        pytest.param("maxKeys: 5", ["only the first 5 keys were looked at; raise 'maxKeys' for more"], id="keys"),
        pytest.param(
            "maxFiles: 2",
            ["only the first 2 of 6 objects below 's3://{}/' are taken; raise 'maxFiles' for more"],
            id="files",
        ),
    ],
)
def test_limits_are_said(s3: BaseClient, bucket: str, limits: str, expected: list[str]) -> None:
    """The log says when a limit leaves something out."""
    put(s3, bucket, *KEYS)

    execution = run_task("List", f"bucket: {bucket}\n{limits}")

    assert [text.format(bucket) for text in expected] == messages(execution, "it", "WARN")
    metrics = {metric.name: metric.value for run in execution.task_runs for metric in run.metrics}
    assert {"s3.objects.count": len(execution.task_outputs["it"]["objects"])} == metrics


def test_expression_without_end(s3: BaseClient, bucket: str) -> None:
    """A regular expression that takes for ever is an error."""
    put(s3, bucket, "a" * 60 + "!")

    assert "the regular expression takes longer than 1 second" == error_of(
        "List", f"bucket: {bucket}\nregexp: (a|aa)+b?!!"
    )
