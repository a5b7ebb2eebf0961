"""A project of one's own, deployed as people do it, and a process worker for it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.on_prefect.seen import Api

POOL = "wdprefect"
ROOT = Path(__file__).parents[2]
PULL = [{"prefect.deployments.steps.set_working_directory": {"directory": "{{ $PWD }}"}}]


def make_project(folder: Path, flows: Mapping[str, str], deployments: list[dict[str, Any]]) -> Path:
    """A project like this repository: its `flows.py`, flows by file name, and a prefect.yaml. JSON is YAML."""
    shutil.copy(ROOT / "deployments" / "flows.py", folder)
    (folder / "flows").mkdir()
    for name, text in flows.items():
        (folder / "flows" / name).write_text(text)
    with_pool = [{"work_pool": {"name": POOL}} | deployment for deployment in deployments]
    (folder / "prefect.yaml").write_text(json.dumps({"name": "test", "pull": PULL, "deployments": with_pool}))
    return folder


def environment(api: Api, project: Path, **more: str) -> dict[str, str]:
    """The variables of a command that works in the project, on the API."""
    own = {"PREFECT_API_URL": api.url, "PWD": str(project), "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    return {**os.environ, **own, **more}


def deploy(api: Api, project: Path) -> subprocess.CompletedProcess[str]:
    """`prefect deploy --all` in the project."""
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"]
    return subprocess.run(
        command, cwd=project, env=environment(api, project), capture_output=True, text=True, check=False
    )


@contextmanager
def worker(
    api: Api, project: Path, pool: str = POOL, variables: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A process worker, which has made its pool when the block begins and is gone when it has ended."""
    python = [sys.executable, "-m", "prefect", "worker", "start", "--pool", pool, "--type", "process"]
    own = environment(api, project, PREFECT_WORKER_QUERY_SECONDS="1", **(variables or {}))
    with (project / "worker.log").open("wb") as log:
        # A worker that inherits ignored signals never stops.
        process = subprocess.Popen(
            ["env", "--default-signal=INT,QUIT", *python],
            cwd=project,
            env=own,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        where = {"work_pools": {"name": {"any_": [pool]}}}
        api.until(lambda: api.post("/work_pools/filter", where), lambda pools: pools and pools[0]["base_job_template"])
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        # It waits for the runs that it has begun.
        try:
            process.wait(timeout=60)
        finally:
            process.kill()
            process.wait()


def start(api: Api, flow_name: str, deployment: str, parameters: Mapping[str, Any]) -> str:
    """Ask for a run of a deployment; the id of its flow run."""
    found = api.get(f"/deployments/name/{flow_name}/{deployment}")
    flow_run = api.post(f"/deployments/{found['id']}/create_flow_run", {"parameters": dict(parameters)})
    return str(flow_run["id"])
