"""The demo's two jobs in containers, in the old spelling, run by a process worker and from the command line."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from docker.client import DockerClient

from scripts.demo import ROWS, make_repository, write_orders
from tests.on_prefect.deploying import deploy, environment, make_project, start, worker
from tests.on_prefect.seen import Api
from tests.on_prefect.test_demo import Ended, ended
from tests.servers.docker import docker_engine as docker_engine  # noqa: PLC0414  pytest finds it here
from tests.servers.packages import packages as packages  # noqa: PLC0414  as above

pytestmark = [pytest.mark.server, pytest.mark.docker, pytest.mark.slow]
POOL = "tests-of-containers"
# Wheels come in as files of the namespace: there need not be a network, neither here nor in the container.
PIP = """\
id: pip
namespace: company.team
tasks:
  - id: wdir
    type: io.kestra.plugin.core.flow.WorkingDirectory
    namespaceFiles: {}
    inputFiles:
      requirements.txt: |
        packaging>=23
        tabulate>=0.9
    tasks:
      - id: script
        type: io.kestra.plugin.scripts.python.Script
        docker:
          image: python:3.11-slim
        beforeCommands:
          - pip install --no-index --find-links wheels -r requirements.txt > /dev/null
        warningOnStdErr: false
        script: |
          import packaging, tabulate
          from kestra import Kestra
          Kestra.outputs({"tabulate": tabulate.__version__})
      - id: again
        type: io.kestra.plugin.scripts.python.Commands
        docker:
          image: python:3.11-slim
        commands:
          - python -c "import tabulate; print('still there')"
"""
ORDERS = """\
id: orders
namespace: company.team
inputs:
  - {id: data, type: FILE}
  - {id: repository, type: STRING}
tasks:
  - id: wdir
    type: io.kestra.plugin.core.flow.WorkingDirectory
    inputFiles:
      data.csv: "{{ inputs.data }}"
    outputFiles: ["*.csv", "*.parquet"]
    tasks:
      - id: cloneRepo
        type: io.kestra.plugin.git.Clone
        url: "{{ inputs.repository }}"
        branch: main
      - id: python
        type: io.kestra.plugin.scripts.python.Commands
        docker:
          image: python:3.11
        commands:
          - python scripts/clean_messy_dataset.py
"""


@pytest.fixture(scope="module")
def project(packages: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both flows, what they need, and a configuration that says where files of namespaces are."""
    folder = tmp_path_factory.mktemp("project")
    deployments: list[dict[str, Any]] = [
        {"name": name, "entrypoint": f"flows.py:company_team_{name}", "work_pool": {"name": POOL}}
        for name in ("pip", "orders")
    ]
    make_project(folder, {"pip.yaml": PIP, "orders.yaml": ORDERS}, deployments)
    shutil.copytree(packages["PIP_FIND_LINKS"], folder / "namespaces" / "company.team" / "wheels")
    (folder / "pyproject.toml").write_text('[tool.wdprefect]\nnamespace-files = "namespaces"\n')
    write_orders(folder / "data.csv")
    make_repository(folder / "repository")
    return folder


@pytest.fixture(scope="module")
def runs(api: Api, docker_engine: DockerClient, project: Path) -> Iterator[dict[str, Ended]]:
    """A run of each by a worker, side by side."""
    data, repository = (project / "data.csv").as_uri(), (project / "repository").as_uri()
    with worker(api, project, POOL, {"WDPREFECT_FILE_ROOTS": str(project)}):
        done = deploy(api, project)
        assert 0 == done.returncode, done.stdout + done.stderr
        started = {
            "pip": start(api, "company.team.pip", "pip", {}),
            "orders": start(api, "company.team.orders", "orders", {"data": data, "repository": repository}),
        }
        yield {name: ended(api, flow_run_id) for name, flow_run_id in started.items()}


def test_pip(runs: dict[str, Ended]) -> None:
    """What the first task installs in the container is there for the second."""
    outputs = runs["pip"].result["taskOutputs"]
    assert outputs["script"]["vars"]["tabulate"]
    assert 0 == outputs["again"]["exitCode"]
    assert outputs["script"]["taskRunner"] == outputs["again"]["taskRunner"] != {}


def test_orders(runs: dict[str, Ended]) -> None:
    """The cloned program cleans the file in its container, and what it made is delivered."""
    outputs = runs["orders"].result["taskOutputs"]
    assert {"clean_dataset.csv", "data.csv"} == set(outputs["wdir"]["outputFiles"])
    assert 0 < outputs["python"]["vars"]["dropped"] < ROWS


@pytest.mark.parametrize("name", ["pip", "orders"])
def test_command_line(api: Api, docker_engine: DockerClient, project: Path, name: str) -> None:
    """`wdprefect run` gives the same."""
    inputs = {"orders": ["-i", "data=data.csv", "-i", f"repository={(project / 'repository').as_uri()}"]}
    command = [sys.executable, "-m", "wdprefect", "run", f"flows/{name}.yaml", "--format", "json"]
    done = subprocess.run(
        [*command, *inputs.get(name, [])],
        cwd=project,
        env=environment(api, project),
        capture_output=True,
        text=True,
        check=False,
    )
    assert 0 == done.returncode, done.stderr
    execution = json.loads(done.stdout)
    assert "SUCCESS" == execution["state"]
    assert {"pip": "again", "orders": "python"}[name] in execution["taskOutputs"]
