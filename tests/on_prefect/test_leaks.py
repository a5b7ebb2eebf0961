"""Nothing of a secret reaches the Prefect API, its database, the storage or the console."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest

import wdprefect
from tests.leaks import (
    OUTPUTS,
    SECRETS,
    all_leaking,
    forms,
    large_tasks,
    made_later,
    seen_in,
    small_tasks,
    strings,
)
from tests.on_prefect.seen import Api
from tests.running import CORE
from wdprefect.cli.progress import PlainProgress
from wdprefect.cli.summary import print_summary
from wdprefect.execution.execution import Execution
from wdprefect.loader import load_text

pytestmark = pytest.mark.server

PASSWORD = "Kw_4~Battery:Staple%"
INPUTS = [{"id": "password", "type": "SECRET"}, {"id": "url", "type": "STRING"}]


@pytest.mark.slow
def test_everything(api: Api, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """What templates make of secrets is nowhere to be seen: by the API, in any file it keeps, on the console."""
    made, failing = all_leaking(2)
    needles = forms() | made_later(made) | {PASSWORD, PASSWORD.upper(), PASSWORD[::-1]}
    needles |= {text for each in made for text in each.texts}
    unit = {
        "id": "unit",
        "type": f"{CORE}.flow.WorkingDirectory",
        "outputFiles": ["*.txt*"],
        "tasks": [*small_tasks(made, failing), *large_tasks([each.template for each in made[:3]])],
    }
    password = {"id": "password", "type": f"{CORE}.log.Log", "message": "{{ inputs.password | upper }} {{ inputs }}"}
    outer = large_tasks([each.template for each in made[:4]], "outer_")
    execution = _run([unit, password, *outer], tmp_path)
    print_summary(execution)
    print(json.dumps(execution.to_dict(), ensure_ascii=False))
    console = capfd.readouterr()

    assert "WARNING" == execution.state
    assert [] == seen_in(needles, {"stdout": console.out, "stderr": console.err})
    assert [] == seen_in(needles, _of_api(api, execution))
    assert [] == seen_in(needles, _of_files(tmp_path))
    # The server's database, what it wrote beside it, results, our own folders.
    homes = [Path(os.environ[name]) for name in ("PREFECT_HOME", "WDPREFECT_HOME")]
    assert [] == seen_in({text for text in needles if len(text) > 10}, _of_files(*homes))


def test_direct_call(api: Api) -> None:
    """Whoever calls the Prefect flow itself does not show a secret either, and the run has it."""
    differs = f"{{{{ inputs.password != '{PASSWORD}' }}}}"
    tasks = [{"id": "a", "type": f"{CORE}.execution.Fail", "condition": differs}]
    text = json.dumps({"id": "direct", "namespace": "team", "inputs": INPUTS[:1], "tasks": tasks})
    called: Any = wdprefect.to_prefect(load_text(text))(password=PASSWORD)
    result = asyncio.run(called)
    run = api.flow_run(result["id"])
    assert "COMPLETED" == run["state_type"]
    assert [] == seen_in({PASSWORD}, {"run": json.dumps(run)})


def _run(tasks: list[dict[str, Any]], storage: Path) -> Execution:
    flow = load_text(
        json.dumps({"id": "leaks", "namespace": "team", "inputs": INPUTS, "outputs": OUTPUTS, "tasks": tasks})
    )
    progress = PlainProgress()
    return wdprefect.run(
        flow,
        inputs={"password": PASSWORD, "url": f"https://user:{PASSWORD}@host"},
        secrets=SECRETS,
        storage=storage.as_uri(),
        on_log=progress.log,
        on_task=progress.task,
    )


def _of_api(api: Api, execution: Execution) -> dict[str, str]:
    """Everything that the API has of a run, each thing as one text."""
    # A run's last lines are there at last.
    api.logs(execution.id, lambda logs: any("in state Warning" in log["message"] for log in logs))
    found: dict[str, Any] = {
        "run": api.flow_run(execution.id),
        "tasks": api.task_runs(execution.id),
        "logs": api.logs(execution.id, bool),
        "artifacts": api.artifacts(execution.id),
        "states": api.get(f"/flow_run_states/?flow_run_id={execution.id}"),
    }
    about = {"related": {"id": [f"prefect.flow-run.{execution.id}"]}}
    found["events"] = api.post("/events/filter", {"filter": about, "limit": 50})
    while following := found["events"].get("next_page"):
        page = api.get(following.partition("/api")[2])
        found["events"]["events"] += page["events"]
        found["events"]["next_page"] = page["next_page"]
    assert all(found.values())
    return {name: "\n".join(strings(data)) for name, data in found.items()}


def _of_files(*folders: Path) -> dict[str, str]:
    """Names and contents of all files in folders."""
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert files
    names = "\n".join(map(str, files))
    return {**{str(path): path.read_bytes().decode("utf-8", "replace") for path in files}, "names": names}
