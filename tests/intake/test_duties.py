"""What cannot be followed is refused before anything is listened for, with its place."""

from __future__ import annotations

from typing import Any

import pytest

from tests.intake.conftest import stubbed
from tests.running import flow_of
from wdprefect.errors import InvalidTrigger
from wdprefect.intake.duties import duties_of
from wdprefect.intake.duty import Duty
from wdprefect.intake.means import Means
from wdprefect.masking import Masker
from wdprefect.storage.s3 import S3Storage

LOG = "- {id: say, type: io.kestra.plugin.core.log.Log, message: hello}"


def duty(storage: Any, *properties: str, **more: str) -> Duty:
    """What a trigger of the bucket `box` has to do."""
    lines = [
        "- id: t",
        "  type: io.kestra.plugin.aws.s3.Trigger",
        "  bucket: box",
        "  action: NONE",
        "  region: eu-central-1",
    ]
    flow = flow_of(LOG, triggers="\n".join([*lines, *(f"  {line}" for line in properties)]), **more)
    (made,) = duties_of(flow, Means(storage, Masker(), lambda _: None), runs=4)
    return made


def storage(base: str) -> S3Storage:
    """Files in the bucket that is watched."""
    client, _ = stubbed()
    return S3Storage(client, "box", base)


@pytest.mark.parametrize(
    ("base", "watched"),
    [
        pytest.param("", "prefix: ''", id="the whole bucket"),
        pytest.param("runs", "filter: BOTH", id="a folder of the bucket"),
        pytest.param("", "prefix: te", id="what the namespace begins with"),
        pytest.param("runs", "prefix: runs/team/made/triggers/", id="inside"),
    ],
)
def test_own_files(base: str, watched: str) -> None:
    """A trigger that sees what its runs store would start them again and again."""
    place = f"{base}/team/made/".removeprefix("/")
    with pytest.raises(InvalidTrigger) as found:
        duty(storage(base), watched)
    assert (
        f"its runs keep their files in 's3://box/{place}', which it watches: they would start it again; "
        "name another bucket or prefix with --storage"
    ) in str(found.value)


@pytest.mark.parametrize(
    ("base", "watched"),
    [
        pytest.param("", "prefix: raw/", id="another folder"),
        pytest.param("runs", "delimiter: /", id="not below folders"),
        pytest.param("runs", "prefix: runs2/", id="a name that begins alike"),
    ],
)
def test_files_beside(base: str, watched: str) -> None:
    """In the same bucket, and not seen by the trigger."""
    assert "box" == duty(storage(base), watched).watch.bucket


@pytest.mark.parametrize(
    ("properties", "concurrency", "expected"),
    [
        pytest.param([], {}, 1, id="one after the other"),
        pytest.param([], {"concurrency": "limit: 9"}, 1, id="whatever the flow allows"),
        pytest.param(["allowConcurrent: true"], {}, 4, id="as many as the listener is told"),
        pytest.param(["allowConcurrent: true"], {"concurrency": "limit: 2"}, 2, id="no more than the flow allows"),
        pytest.param(["allowConcurrent: true"], {"concurrency": "limit: 9"}, 4, id="nor than the listener is told"),
    ],
)
def test_runs_at_a_time(properties: list[str], concurrency: dict[str, str], expected: int) -> None:
    """Runs of a trigger come one after the other, or side by side within both bounds."""
    assert expected == duty(storage(""), "prefix: raw/", *properties, **concurrency).limit


def test_inputs_that_nobody_gives(tmp_path: Any) -> None:
    """Runs of triggers get no inputs: a required one without a default is refused."""
    with pytest.raises(InvalidTrigger, match="its runs get no inputs, and 'day' is required: give it a default, or"):
        duty(storage(""), "prefix: raw/", inputs="- {id: day, type: STRING}")
