"""Deploying flows as people do it, and a worker that runs them by hand and by schedule."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.on_prefect.deploying import ROOT, deploy, make_project, start, worker
from tests.on_prefect.seen import ENDED, Api
from wdprefect.loader import read_yaml

HELLO = """\
id: hello
namespace: company.team
description: Greets.
inputs:
  - {id: who, type: STRING, defaults: world, description: whom to greet}
  - {id: times, type: INT, min: 1, max: 3, defaults: 1}
tasks:
  - id: greet
    type: io.kestra.plugin.scripts.shell.Commands
    env: {WHO: "{{ inputs.who }}"}
    commands: ["echo hello $WHO"]
"""
BROKEN = """\
id: broken
namespace: company.team
tasks:
  - id: greet
    type: io.kestra.plugin.core.log.Log
    mesage: Hello
"""
HELLO_FLOW = "company.team.hello"
DEPLOYMENTS: list[dict[str, Any]] = [
    {"name": "by-hand", "entrypoint": "flows.py:company_team_hello", "tags": ["team:x"]},
    {
        "name": "scheduled",
        "entrypoint": "flows.py:company_team_hello",
        "schedules": [{"interval": 5, "slug": "often", "parameters": {"who": "schedule"}}],
    },
]


@pytest.fixture(scope="module")
def project(api: Api, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A project that is deployed, and a worker that runs in it."""
    made = make_project(tmp_path_factory.mktemp("project"), {"hello.yaml": HELLO}, DEPLOYMENTS)
    with worker(api, made):
        done = deploy(api, made)
        assert 0 == done.returncode, done.stdout + done.stderr
        yield made
        # It would go on starting runs, for other tests' workers.
        api.delete(f"/deployments/{api.get(f'/deployments/name/{HELLO_FLOW}/scheduled')['id']}")


@pytest.mark.server
def test_what_is_deployed(api: Api, project: Path) -> None:
    """A deployment carries the description, the version and the form of its flow, and what prefect.yaml says."""
    found = api.get(f"/deployments/name/{HELLO_FLOW}/by-hand")
    assert ("Greets.", ["team:x"]) == (found["description"], found["tags"])
    assert "flows.py:company_team_hello" == found["entrypoint"]
    assert {"who", "times"} == set(found["parameter_openapi_schema"]["properties"])
    who = {"title": "who", "position": 0, "type": "string", "default": "world", "description": "whom to greet"}
    assert who == found["parameter_openapi_schema"]["properties"]["who"]


@pytest.mark.server
def test_a_run_by_hand(api: Api, project: Path) -> None:
    """A worker runs a deployment with the parameters that it is given."""
    flow_run_id = start(api, HELLO_FLOW, "by-hand", {"who": "you"})
    assert "COMPLETED" == api.end_state(flow_run_id)
    assert {"greet": "COMPLETED"} == {name: run["state_type"] for name, run in api.task_runs(flow_run_id).items()}
    api.logs(flow_run_id, lambda logs: "hello you" in [log["message"] for log in logs])


@pytest.mark.server
def test_a_run_by_schedule(api: Api, project: Path) -> None:
    """A schedule creates runs, which a worker runs with the schedule's parameters."""
    where = {"deployments": {"name": {"any_": ["scheduled"]}}, "flow_runs": {"state": {"type": {"any_": list(ENDED)}}}}
    run = api.until(lambda: api.post("/flow_runs/filter", where), bool)[0]
    assert ("COMPLETED", True) == (run["state_type"], run["auto_scheduled"])
    assert "SCHEDULE" == run["created_by"]["type"]
    assert "schedule" == run["parameters"]["who"]
    api.logs(run["id"], lambda logs: "hello schedule" in [log["message"] for log in logs])


@pytest.mark.server
@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        pytest.param({"times": 7}, "7 is greater than the maximum of 3", id="too large"),
        pytest.param({"times": "many"}, "'many' is not of type 'integer'", id="another type"),
    ],
)
def test_parameters_are_checked(api: Api, project: Path, parameters: dict[str, Any], message: str) -> None:
    """The API refuses parameters that the form would refuse."""
    with pytest.raises(AssertionError, match=message):
        start(api, HELLO_FLOW, "by-hand", parameters)


@pytest.mark.server
def test_a_broken_flow(api: Api, tmp_path: Path) -> None:
    """Deploying a flow that does not load says first, on standard error, what is wrong with it, and where."""
    entry = {"name": "broken", "entrypoint": "flows.py:company_team_broken"}
    made = make_project(tmp_path, {"broken.yaml": BROKEN}, [entry])
    done = deploy(api, made)
    file = made / "flows" / "broken.yaml"
    expected = [
        f"{file}:4:5: WD203 missing property 'message'",
        f"{file}:6:5: WD201 unknown property 'mesage' (did you mean 'message'?)",
    ]
    assert (1, expected) == (done.returncode, done.stderr.splitlines()[:2])


def test_the_flows_of_the_repository() -> None:
    """Each entry of the repository's prefect.yaml points to a flow that loads, under the name that Prefect will see."""
    data = read_yaml((ROOT / "prefect.yaml").read_bytes())
    assert isinstance(data, dict)
    entrypoints = [entry["entrypoint"] for entry in data["deployments"]]
    load = "import sys; from prefect.flows import load_flow_from_entrypoint as load; [load(e) for e in sys.argv[1:]]"
    command = [sys.executable, "-c", load, *entrypoints]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (0, "") == (done.returncode, done.stderr)
    assert entrypoints
