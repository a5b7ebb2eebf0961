"""The example of docs/s3.md, on Prefect and with S3 as the storage of the run."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.plugins.aws.objects import content, keys, put
from tests.running import flow_of, states
from wdprefect.api import EngineName, run

if TYPE_CHECKING:
    from botocore.client import BaseClient

pytestmark = [pytest.mark.s3, pytest.mark.server]

PAGE = Path(__file__).parents[3] / "docs" / "s3.md"


@pytest.mark.usefixtures("prefect_api")
@pytest.mark.parametrize("engine", ["local", "prefect"])
def test_page(s3: BaseClient, bucket: str, engine: EngineName) -> None:
    """Objects are taken in, worked on together, and the result is stored."""
    [text] = re.findall(r"```yaml\ntasks:\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    put(s3, bucket, "raw/", "raw/a.csv", "raw/b.csv", "raw/2024/c.csv")
    s3.create_bucket(Bucket=f"{bucket}-runs")

    flow = flow_of(textwrap.dedent(text).replace("bucket: orders", f"bucket: {bucket}"))
    execution = run(flow, engine=engine, storage=f"s3://{bucket}-runs/runs")

    assert {"files": "SUCCESS", "work": "SUCCESS", "sum": "SUCCESS", "store": "SUCCESS"} == states(execution)
    archive = ["archive/", "archive/2024/c.csv", "archive/a.csv", "archive/b.csv"]
    assert [*archive, f"sums/{execution.id}.csv"] == keys(s3, bucket)
    assert b"raw/a.csvraw/b.csv" == content(s3, bucket, f"sums/{execution.id}.csv")
