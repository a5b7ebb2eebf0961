"""A run that an object has started, and its trigger, in Prefect's pages."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.run_page import open_artifact, open_bars, rows
from tests.on_prefect.seen import Api
from tests.on_prefect.stopping import await_line, python
from tests.servers.s3 import S3Server, s3_server
from wdprefect.on_prefect.local_api import run_address

__all__ = ["s3_server"]
pytestmark = [pytest.mark.server, pytest.mark.s3, pytest.mark.browser, pytest.mark.slow]

NAME = "company.team.arrivals"
TRIGGER = f"{NAME}/arrived"
FLOW = """\
id: arrivals
namespace: company.team
tasks:
  - id: wdir
    type: io.kestra.plugin.core.flow.WorkingDirectory
    inputFiles:
      in.csv: "{{{{ trigger.objects[0].uri }}}}"
    outputFiles: ["*.csv"]
    tasks:
      - id: sort
        type: io.kestra.plugin.scripts.shell.Commands
        commands: ["sort in.csv > sorted.csv; sleep 0.7"]
  - id: after
    type: io.kestra.plugin.core.log.Log
    message: "{{{{ trigger.objects[0].key }}}}"
triggers:
  - id: arrived
    type: io.kestra.plugin.aws.s3.Trigger
    bucket: {bucket}
    prefix: raw/
    interval: PT1S
    maxFiles: 1
    action: DELETE
    endpointOverride: {endpoint}
    accessKeyId: {access_key}
    secretKeyId: {secret_key}
    region: us-east-1
"""


@pytest.fixture(scope="module")
def api(prefect_api: str) -> Iterator[Api]:
    """Questions to the server whose pages are seen."""
    found = Api(prefect_api)
    yield found
    found.close()


@contextmanager
def listening(api: Api, folder: Path, line: str) -> Iterator[None]:
    """A listener, which has written a line that begins so when the block begins, and has ended when it has."""
    command = ["-m", "wdprefect", "listen", "--warm", "flow.yaml"]
    with python(api, folder, *command, WDPREFECT_BOOK=f"sqlite:///{folder / 'book.db'}") as process:
        await_line(process, line)
        yield
        process.terminate()
        # What it still says must not keep it from ending.
        process.communicate(timeout=60)


@pytest.fixture(scope="module")
def run(api: Api, s3_server: S3Server, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The run of an object that was taken in; the listener that comes after it writes the trigger's page anew."""
    folder, bucket = tmp_path_factory.mktemp("arrivals"), f"arrivals-{uuid.uuid4().hex[:8]}"
    keys = {"access_key": s3_server.access_key, "secret_key": s3_server.secret_key}
    (folder / "flow.yaml").write_text(FLOW.format(bucket=bucket, endpoint=s3_server.endpoint, **keys))
    with s3_server.client() as client:
        client.create_bucket(Bucket=bucket)
        client.put_object(Bucket=bucket, Key="raw/a.csv", Body=b"2\n1\n")
        with listening(api, folder, f"{TRIGGER}: raw/a.csv: deleted"):
            pass
    (found,) = api.flow_runs(NAME)
    with listening(api, folder, f"{TRIGGER}: listening to"):
        where = {"artifacts": {"key": {"any_": ["company-team-arrivals-trigger-arrived"]}}}
        api.until(
            lambda: [one["data"] for one in api.post("/artifacts/filter", where)],
            lambda pages: any("1 moved" in page for page in pages),
        )
    return found


@pytest.fixture(scope="module")
def seen(run: dict[str, Any], page: Page) -> Page:
    """The browser, started after the runs: it has an event loop of its own."""
    return page


def test_run_of_an_object(seen: Page, api: Api, run: dict[str, Any]) -> None:
    """The run's page shows its tasks as those of any other run, its lines, and the table of its files."""
    address = run_address(run["id"])
    assert address is not None
    seen.goto(address)
    expected = {name: one["state_name"] for name, one in api.task_runs(run["id"]).items()}
    assert {"wdir": "Completed", "sort": "Completed", "after": "Completed"} == expected
    assert expected == open_bars(seen, len(expected))
    expect(seen.get_by_text("raw/a.csv")).to_be_visible()
    content = open_artifact(seen, "company-team-arrivals-wdir-files")
    assert [["in.csv", "4"], ["sorted.csv", "4"]] == [row[:2] for row in rows(content.locator("table"))]


def test_page_of_its_trigger(seen: Page, run: dict[str, Any]) -> None:
    """The trigger's page says that it is well, what it watches, and how many objects have come to what."""
    address = run_address(run["id"])
    assert address is not None
    seen.goto(f"{address.partition('/runs/')[0]}/artifacts")
    seen.get_by_role("link").filter(has_text="company-team-arrivals-trigger-arrived").first.click()
    seen.locator("a[href*='/artifacts/artifact/']").first.click()
    content = seen.get_by_test_id("markdown-display")
    expect(content.get_by_role("heading", name="ok", exact=True)).to_be_visible()
    lines = content.get_by_role("listitem").all_inner_texts()
    assert {"objects: 1 moved", "runs going on: 0", "last failure: never"} <= set(lines)
    assert any(re.match(r"watches s3://arrivals-.*/raw/ since ", line) for line in lines)
    expect(content.get_by_text(f"wdprefect trigger show {TRIGGER}")).to_be_visible()
