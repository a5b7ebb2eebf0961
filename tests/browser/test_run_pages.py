"""Runs in Prefect's pages, seen through a browser: bars, lines, tables of files, pages."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

import wdprefect
from scripts.demo import FLOWS, make_repository, write_orders
from tests.browser.run_page import open_artifact, open_bars, rows
from tests.on_prefect.seen import Api
from wdprefect.execution.execution import Execution
from wdprefect.loader import load_text
from wdprefect.on_prefect.local_api import run_address

pytestmark = [pytest.mark.server, pytest.mark.browser]

VALUES = ["a|b", "<img src=x>", "[x](javascript:alert(1))", "![x](/x.png)", "*s*", "_s_", "`c`", "\\|", "a_b", "&lt;"]
FILE = "odd`name|*b*_c_<i>.txt"
ODD = f"""\
id: odd
namespace: company.team
inputs:
  - {{id: values, type: ARRAY, itemType: STRING}}
tasks:
  - id: wdir
    type: io.kestra.plugin.core.flow.WorkingDirectory
    outputFiles: ["*.txt", "*.md"]
    inputFiles:
      "{FILE}": "<b>1</b>"
      fence.md: "```\\n<i>2</i>"
    tasks:
      - id: long
        type: io.kestra.plugin.scripts.shell.Commands
        commands: ["echo '<u>3</u>'; sleep 0.7"]
      - id: each
        type: io.kestra.plugin.core.flow.ForEach
        values: "{{{{ inputs.values }}}}"
        tasks:
          - {{id: one, type: io.kestra.plugin.core.debug.Return, format: "{{{{ taskrun.value }}}}"}}
      - id: bad
        type: io.kestra.plugin.scripts.shell.Commands
        commands: ["printf '```\\n<u>4</u>' >&2; exit 3"]
"""


@pytest.fixture(scope="module")
def api(prefect_api: str) -> Iterator[Api]:
    """Questions to the server whose pages are seen."""
    found = Api(prefect_api)
    yield found
    found.close()


@pytest.fixture(scope="module")
def orders(prefect_api: str, tmp_path_factory: pytest.TempPathFactory) -> Execution:
    """A run of the demo's flow."""
    folder = tmp_path_factory.mktemp("orders")
    inputs = {
        "data": write_orders(folder / "data.csv"),
        "repository": make_repository(folder / "repository").as_uri(),
    }
    return wdprefect.run(wdprefect.load(FLOWS / "orders.yaml"), inputs=inputs)


@pytest.fixture(scope="module")
def odd(prefect_api: str) -> Execution:
    """A run that fails, and whose names and texts look like Markdown and HTML."""
    return wdprefect.run(load_text(ODD), inputs={"values": VALUES})


@pytest.fixture(scope="module")
def seen(orders: Execution, odd: Execution, page: Page) -> Page:
    """The browser, started after the runs: it has an event loop of its own."""
    return page


def show(page: Page, execution: Execution) -> None:
    """Open the address that `wdprefect run` prints."""
    address = run_address(execution.id)
    assert address is not None
    page.goto(address)


def test_bars(seen: Page, api: Api, orders: Execution) -> None:
    """Each task has a bar, and so has a child of the directory that lasted; it tells its name and state."""
    show(seen, orders)
    # On a slow machine the clone lasts, too.
    expected = {name: run["state_name"] for name, run in api.task_runs(orders.id).items()}
    assert {"wdir", "python", "preview"} <= set(expected)
    assert expected == open_bars(seen, len(expected))


def test_bars_of_a_failure(seen: Page, api: Api, odd: Execution) -> None:
    """A child that failed has a bar though it was short, and it says so."""
    show(seen, odd)
    expected = {name: run["state_name"] for name, run in api.task_runs(odd.id).items()}
    assert {"wdir": "Failed", "long": "Completed", "bad": "Failed"}.items() <= expected.items()
    assert expected == open_bars(seen, len(expected))


def test_lines(seen: Page, orders: Execution) -> None:
    """The lines of the tasks stand in the log of the run, in their order."""
    assert orders.outputs is not None
    show(seen, orders)
    kept = f"kept {orders.outputs['rows']} rows, dropped {orders.outputs['dropped']}"
    expected = ["cloning 'file://", "read 5000 rows", kept, "no file matches '*.parquet'", "order_id,customer"]
    for line in expected:
        expect(seen.get_by_text(line)).to_be_visible()
    text = seen.locator("main").inner_text()
    assert expected == sorted(expected, key=text.index)


def test_files(seen: Page, orders: Execution) -> None:
    """The files of a directory are a table: name, size, URI and hash; above it the command that gets one."""
    show(seen, orders)
    content = open_artifact(seen, "company-team-orders-wdir-files")
    expected = []
    for name, uri in orders.task_outputs["wdir"]["outputFiles"].items():
        data = orders.read(uri)
        expected.append([name, str(len(data)), uri, hashlib.sha256(data).hexdigest()])
    assert ["clean_dataset.csv", "data.csv"] == [row[0] for row in expected]
    assert expected == rows(content.locator("table"))
    expect(seen.get_by_text(f"Get one: wdprefect files {orders.id} get NAME")).to_be_visible()


def test_page(seen: Page, orders: Execution) -> None:
    """The page of a directory shows its state, its steps with their states and exit codes, and its files."""
    show(seen, orders)
    content = open_artifact(seen, "company-team-orders-wdir")
    assert "wdir: SUCCESS" == content.get_by_role("heading").first.inner_text()
    found = [[name, state, code.strip()] for name, state, _, code in rows(content.locator("table"))]
    assert [["cloneRepo", "SUCCESS", ""], ["python", "SUCCESS", "0"]] == found
    files = content.get_by_role("listitem").all_inner_texts()
    assert ["clean_dataset.csv", "data.csv"] == [line.split(", ")[0] for line in files]


def test_foreign_text(seen: Page, odd: Execution) -> None:
    """Names, values, errors and files stand on the page as they are: no markup of theirs is obeyed."""
    show(seen, odd)
    content = open_artifact(seen, "company-team-odd-wdir")
    names = [row[0] for row in rows(content.locator("table"))]
    assert ["long", *(f"one[{value}]" for value in VALUES), "bad"] == names
    assert f"{FILE}, 8 bytes" in content.get_by_role("listitem").all_inner_texts()
    assert {FILE, "fence.md"} <= set(content.get_by_role("heading").all_inner_texts())
    blocks = "\n".join(content.locator("pre").all_inner_texts())
    assert [] == [text for text in ("<b>1</b>", "```\n<i>2</i>", "<u>4</u>") if text not in blocks]
    assert 0 == content.locator("img, a, b, i, u, em").count()
