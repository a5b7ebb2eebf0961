"""The flows of the demo, deployed from a copy of the project and run by a worker, with real parts."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from prefect import get_client

import wdprefect
from scripts.demo import ROWS, make_repository, write_orders
from tests.on_prefect.deploying import ROOT, deploy, start, worker
from tests.on_prefect.seen import Api
from tests.servers.packages import packages
from wdprefect.loader import load_text

__all__ = ["packages"]

pytestmark = pytest.mark.server

# No worker of anybody else takes runs of it.
POOL = "tests-of-the-demo"
STORE = """\
id: store
namespace: company.team
inputs:
  - {id: data, type: FILE}
tasks:
  - {id: say, type: io.kestra.plugin.core.log.Log, message: stored}
"""


@dataclass(frozen=True, slots=True)
class Ended:
    """A run of a deployment that has ended."""

    id: str
    state: str
    result: dict[str, Any]
    artifacts: dict[str, Any]
    task_runs: dict[str, str]


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """What the demo makes for the flow *orders*."""
    folder = tmp_path_factory.mktemp("orders")
    return {"data": write_orders(folder / "data.csv"), "repository": make_repository(folder / "repository")}


@pytest.fixture(scope="module")
def runs(
    api: Api, inputs: dict[str, Path], packages: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Ended]]:
    """A run of each deployment, `orders` with both kinds of files that a deployment takes; side by side."""
    project = copy_project(tmp_path_factory.mktemp("project"))
    repository = inputs["repository"].as_uri()
    stored = wdprefect.run(load_text(STORE), inputs={"data": inputs["data"]}).inputs["data"]
    with worker(api, project, POOL, {**packages, "WDPREFECT_FILE_ROOTS": str(inputs["data"].parent)}):
        done = deploy(api, project)
        assert 0 == done.returncode, done.stdout + done.stderr
        started = {
            "hello": start(api, "company.team.hello", "hello", {"name": "Ada"}),
            "pip": start(api, "company.team.pip", "pip", {}),
            "a stored file": orders(api, stored, repository),
            "a file of the worker": orders(api, inputs["data"].as_uri(), repository),
        }
        yield {name: ended(api, flow_run_id) for name, flow_run_id in started.items()}


def copy_project(folder: Path) -> Path:
    """What is deployed of this repository, for a pool of the tests' own."""
    shutil.copytree(ROOT / "deployments", folder / "deployments", ignore=shutil.ignore_patterns("__pycache__"))
    text = (ROOT / "prefect.yaml").read_text()
    (folder / "prefect.yaml").write_text(text.replace("name: wdprefect\n", f"name: {POOL}\n"))
    return folder


def orders(api: Api, data: object, repository: str) -> str:
    return start(api, "company.team.orders", "orders", {"data": str(data), "repository": repository})


def ended(api: Api, flow_run_id: str) -> Ended:
    """The run as the API shows it, and what it returned."""
    state = api.end_state(flow_run_id)
    # The lines of a run that failed say why.
    assert "COMPLETED" == state, [log["message"] for log in api.logs(flow_run_id, bool)]
    artifacts = {found["key"]: found["data"] for found in api.artifacts(flow_run_id) if found["key"]}
    task_runs = {name: run["state_type"] for name, run in api.task_runs(flow_run_id).items()}
    return Ended(flow_run_id, state, asyncio.run(result_of(flow_run_id)), artifacts, task_runs)


async def result_of(flow_run_id: str) -> dict[str, Any]:
    """What Prefect has for whoever waits for the run."""
    async with get_client() as client:
        found: dict[str, Any] = await (await client.read_flow_run(UUID(flow_run_id))).state.aresult()  # type: ignore[union-attr]  # it has one
        return found


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("hello", {"greet"}, id="hello"),
        pytest.param("pip", {"wdir", "versions", "say"}, id="pip"),
        pytest.param("a stored file", {"wdir", "python", "preview"}, id="orders"),
    ],
)
def test_task_runs(runs: dict[str, Ended], name: str, expected: set[str]) -> None:
    """Each run shows its tasks, and the children of its directory that lasted, as completed."""
    found = runs[name].task_runs
    # On a slow machine more of them last.
    assert expected <= set(found)
    assert {"COMPLETED"} == set(found.values())


@pytest.mark.parametrize("name", ["a stored file", "a file of the worker"])
def test_orders(runs: dict[str, Ended], inputs: dict[str, Path], name: str) -> None:
    """The file reaches the program of the repository, and what that made comes back: as files and as outputs."""
    run = runs[name]
    outputs = run.result["outputs"]
    files = {row["file"]: row for row in json.loads(run.artifacts["company-team-orders-wdir-files"])}
    assert ["clean_dataset.csv", "data.csv"] == list(files)
    assert inputs["data"].stat().st_size == files["data.csv"]["size"]
    assert files["clean_dataset.csv"]["uri"] == outputs["clean"]
    assert run.id in outputs["clean"]
    assert ROWS == outputs["rows"] + outputs["dropped"]
    page = run.artifacts["company-team-orders-wdir"]
    assert page.startswith("# wdir: SUCCESS\n")
    assert [] == [text for text in ("| cloneRepo | SUCCESS |", "| python | SUCCESS |") if text not in page]
    assert f"- `data.csv`, {inputs['data'].stat().st_size:,} bytes" in page


def test_both_ways_give_the_same(runs: dict[str, Ended]) -> None:
    """What comes out does not depend on where the file came from."""
    first, second = (runs[name] for name in ("a stored file", "a file of the worker"))
    hashes = [
        {row["file"]: row["sha256"] for row in json.loads(run.artifacts["company-team-orders-wdir-files"])}
        for run in (first, second)
    ]
    assert hashes[0] == hashes[1]
    assert first.result["outputs"]["rows"] == second.result["outputs"]["rows"]


def test_pip(runs: dict[str, Ended]) -> None:
    """The requirements are installed into an environment of the directory's own, and the script runs in it."""
    run = runs["pip"]
    found = run.result["taskOutputs"]["versions"]["vars"]
    assert {"packaging", "tabulate", "newest"} == set(found)
    assert ["versions.txt"] == [row["file"] for row in json.loads(run.artifacts["company-team-pip-wdir-files"])]
    # Small texts are shown on the page.
    page = run.artifacts["company-team-pip-wdir"].splitlines()
    shown = page[page.index("### versions.txt") :]
    assert ["packaging", found["packaging"]] == shown[5].split()
    assert ["tabulate", found["tabulate"]] == shown[6].split()
