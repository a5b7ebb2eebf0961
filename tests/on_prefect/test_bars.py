"""Which children of a WorkingDirectory have a bar of their own, and where lines and failures stand without one."""

from __future__ import annotations

from typing import Any

import pytest

import wdprefect
from tests.on_prefect.seen import Api
from wdprefect.loader import load_text

pytestmark = pytest.mark.server

STEPS = """\
id: steps
namespace: company.team
tasks:
  - id: unit
    type: io.kestra.plugin.core.flow.WorkingDirectory
    STEPS
    tasks:
      - {id: short, type: io.kestra.plugin.core.log.Log, message: from the short one}
      - {id: unwanted, type: io.kestra.plugin.core.log.Log, runIf: "false", message: never}
      - {id: long, type: io.kestra.plugin.scripts.shell.Commands, commands: [sleep 0.7; echo from the long one]}
      - {id: broken, type: io.kestra.plugin.core.execution.Fail, allowFailure: true}
  - {id: last, type: io.kestra.plugin.core.log.Log, message: the end}
"""
UNSURE = """\
id: unsure
namespace: company.team
tasks:
  - id: unit
    type: io.kestra.plugin.core.flow.WorkingDirectory
    tasks:
      - {id: inner, type: io.kestra.plugin.core.log.Log, runIf: "{{ nothing.at_all }}", message: never}
finally:
  - {id: outer, type: io.kestra.plugin.core.log.Log, runIf: "{{ nothing.at_all }}", message: never}
"""
TO_FILE = """\
id: to_file
namespace: company.team
tasks:
  - id: quiet
    type: io.kestra.plugin.scripts.shell.Commands
    logToFile: true
    commands: [echo into the file, exit 3]
"""


def of_run(api: Api, execution: wdprefect.Execution, last: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The task runs and the lines of a run, when all of them are there."""
    task_runs = api.until(lambda: api.task_runs(execution.id), lambda runs: last in runs)
    logs = api.logs(execution.id, lambda logs: any("Finished" in o["message"] and not o["task_run_id"] for o in logs))
    return task_runs, logs


@pytest.mark.parametrize(
    ("steps", "shown", "lines"),
    [
        pytest.param("", ["broken", "long"], {"short": "unit", "long": "long"}, id="nothing said"),
        pytest.param("steps: auto", ["broken", "long"], {"short": "unit", "long": "long"}, id="auto"),
        pytest.param(
            "steps: bars",
            ["broken", "long", "short", "unwanted"],
            {"short": "short", "long": "long"},
            id="bars",
        ),
        pytest.param("steps: table", [], {"short": "unit", "long": "unit"}, id="table"),
    ],
)
def test_steps(api: Api, steps: str, shown: list[str], lines: dict[str, str]) -> None:
    """`steps` says which children have a bar; lines stand under it, or under the directory; the table has them all."""
    execution = wdprefect.run(load_text(STEPS.replace("STEPS", steps)))
    task_runs, logs = of_run(api, execution, "last")
    names = {run["id"]: name for name, run in task_runs.items()}

    assert shown == sorted(task_runs.keys() - {"unit", "last"})
    found = {task: names[log["task_run_id"]] for log in logs for task in lines if f"the {task} one" in log["message"]}
    assert lines == found
    page = next(artifact["data"] for artifact in api.artifacts(execution.id) if artifact["type"] == "markdown")
    rows = [row.split(" | ")[:2] for row in page.split("\n") if row.startswith("| ")][1:]
    expected = [["| short", "SUCCESS"], ["| unwanted", "SKIPPED"], ["| long", "SUCCESS"], ["| broken", "WARNING"]]
    assert expected == rows


def test_steps_is_as_written() -> None:
    """`steps` is read before there is a run: an expression in it is refused, instead of being ignored."""
    steps = "{{ inputs.x ?? 'bars' }}"
    execution = wdprefect.run(load_text(STEPS.replace("STEPS", f'steps: "{steps}"')), engine="local")
    assert "FAILED" == execution.state
    assert str(execution.error).endswith(f"'steps': '{steps}' is none of 'auto', 'bars' or 'table'")


def test_a_condition_that_cannot_be_rendered(api: Api) -> None:
    """A task whose `runIf` cannot be rendered has failed, and is seen like any other that has."""
    execution = wdprefect.run(load_text(UNSURE, "unsure.yaml"))
    task_runs, _ = of_run(api, execution, "outer")
    states = {name: run["state_type"] for name, run in task_runs.items()}
    assert {"unit": "FAILED", "inner": "FAILED", "outer": "FAILED"} == states
    assert execution.error == task_runs["inner"]["state"]["message"]
    assert all(run["end_time"] for run in task_runs.values())


def test_log_to_file(api: Api) -> None:
    """The lines of a task with `logToFile` stand in the file of the run alone; why it failed is said in Prefect too."""
    execution = wdprefect.run(load_text(TO_FILE, "to_file.yaml"))
    _, logs = of_run(api, execution, "quiet")
    assert [] == [log for log in logs if "into the file" in log["message"] and "exit code" not in log["message"]]
    assert [] != [log for log in logs if "Command failed with exit code 3" in log["message"]]
    assert b"into the file" in execution.read(f"{execution.uri}/log.jsonl")
    assert "into the file" in [record.message for record in execution.logs]
