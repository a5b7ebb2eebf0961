"""How `wdprefect run` ends on Prefect: the exit code, and what the API says of the run."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.on_prefect import stopping
from tests.on_prefect.seen import Api
from wdprefect.cli import main

pytestmark = pytest.mark.server

FLOW = """\
id: ending
namespace: company.team
inputs:
  - {{id: count, type: INT, defaults: 1}}
tasks:
  - id: a
    type: io.kestra.plugin.core.{task}
"""
LOG, FAIL = "log.Log\n    message: done", "execution.Fail"


@pytest.mark.parametrize(
    ("task", "arguments", "code", "state"),
    [
        pytest.param(LOG, [], 0, ("COMPLETED", "Completed"), id="success"),
        pytest.param(f"{FAIL}\n    allowFailure: true", [], 0, ("COMPLETED", "Warning"), id="a warning"),
        pytest.param(FAIL, [], 1, ("FAILED", "Failed"), id="failed"),
        pytest.param(LOG, ["-i", "count=x"], 1, None, id="a wrong input"),
        pytest.param(LOG, ["-i", "cout=1"], 1, None, id="an unknown input"),
        pytest.param(LOG.replace("message", "mesage"), [], 1, None, id="an invalid flow"),
        pytest.param(LOG, ["--storage", "s3-bucket/nowhere"], 2, None, id="no such block"),
        pytest.param(LOG, ["--storage", "nonsense"], 2, None, id="no storage"),
    ],
)
def test_exit_code(
    api: Api, flow_file: Path, task: str, arguments: list[str], code: int, state: tuple[str, str] | None
) -> None:
    """What cannot start is told by its exit code and leaves no flow run; what ran, by the state of its flow run."""
    flow_file.write_text(FLOW.format(task=task))
    before = {run["id"] for run in api.flow_runs("company.team.ending")}
    assert code == main(["run", str(flow_file), *arguments])
    runs = [run for run in api.flow_runs("company.team.ending") if run["id"] not in before]
    assert [state] * (state is not None) == [(run["state_type"], run["state"]["name"]) for run in runs]


def test_cancelled_in_the_ui(api: Api, flow_file: Path, tmp_path: Path) -> None:
    """A run that somebody cancels in the UI ends the command as Ctrl-C does."""
    flow_file.write_text(stopping.COMMAND)

    def cancel() -> None:
        stopping.children_of_run(tmp_path)
        api.cancel(stopping.run_of(api, tmp_path))

    with ThreadPoolExecutor(1) as pool:
        cancelled = pool.submit(cancel)
        assert 130 == main(["run", str(flow_file), "-i", f"folder={tmp_path}"])
        cancelled.result()
