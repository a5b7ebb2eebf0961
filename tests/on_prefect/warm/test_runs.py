"""Runs of a warm runner: what they deliver, and how they end."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from prefect.client.orchestration import get_client

from tests.on_prefect.seen import Api
from tests.on_prefect.warm.starting import Warm, create, warm
from wdprefect.errors import InvalidFlow, UsageError
from wdprefect.on_prefect.warm.process import Settings
from wdprefect.on_prefect.warm.runner import WarmRunner

pytestmark = pytest.mark.server

GREET = "team.warm.greet"
FAIL = "team.warm.fail"
FLOWS = {
    "greet.yaml": """\
id: greet
namespace: team.warm
inputs:
  - {id: my-name, type: STRING, defaults: nobody}
  - {id: day, type: DATE, defaults: 2026-01-02}
outputs:
  - {id: text, value: "{{ read(outputs.directory.outputFiles['greeting.txt']) }}"}
  - {id: year, value: "{{ inputs.day | date('yyyy') }}"}
  - {id: number, value: "{{ outputs.random.value }}"}
tasks:
  - id: directory
    type: io.kestra.plugin.core.flow.WorkingDirectory
    outputFiles: [greeting.txt]
    tasks:
      - id: greet
        type: io.kestra.plugin.scripts.shell.Commands
        env:
          NAME: "{{ inputs['my-name'] }}"
        commands:
          - printf "hello $NAME" | tee greeting.txt
  - id: random
    type: io.kestra.plugin.core.debug.Return
    format: "{{ randomInt(0, 1000000000) }}"
""",
    "fail.yaml": """\
id: fail
namespace: team.warm
tasks:
  - {id: broken, type: io.kestra.plugin.core.execution.Fail, errorMessage: it is broken}
""",
}


@pytest.fixture(scope="module")
def greeting(api: Api, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warm]:
    """A runner for the flow that greets, and for one that fails."""
    folder = tmp_path_factory.mktemp("flows")
    for name, text in FLOWS.items():
        (folder / name).write_text(text)
    with warm(api, *(folder / name for name in FLOWS)) as found:
        yield found


def test_a_run(api: Api, greeting: Warm) -> None:
    """A run has its typed parameters, outputs, log and artifacts, and writes nothing beside these."""
    flow_run_id = greeting.run(GREET, {"my_name": "you", "day": "2025-11-29"})

    run = api.flow_run(flow_run_id)
    assert ("COMPLETED", 0) == (run["state_type"], greeting.ended.codes[flow_run_id])
    assert str(greeting.deployments[GREET]) == run["deployment_id"]
    assert {"my_name": "you", "day": "2025-11-29"} == run["parameters"]
    outputs = outputs_of(flow_run_id)
    assert ("hello you", "2025") == (outputs["text"], outputs["year"])
    assert {"COMPLETED"} == {task_run["state_type"] for task_run in api.task_runs(flow_run_id).values()}
    assert "directory" in " ".join(str(artifact["key"]) for artifact in api.artifacts(flow_run_id))
    logs = api.logs(flow_run_id, lambda found: any("Finished in state" in log["message"] for log in found))
    assert "hello you" in [log["message"] for log in logs]
    assert [] == [line for origin, line in greeting.ended.lines if origin == flow_run_id]


@pytest.mark.slow
def test_many_at_once(api: Api, greeting: Warm) -> None:
    """Runs that are asked for at once all end, each with its own parameters and its own random numbers."""
    started = {greeting.start(GREET, {"my_name": str(number)}): number for number in range(20)}

    assert {0} == {greeting.ended.code(flow_run_id) for flow_run_id in started}
    outputs = {flow_run_id: outputs_of(flow_run_id) for flow_run_id in started}
    assert {f"hello {number}" for number in range(20)} == {each["text"] for each in outputs.values()}
    assert len(started) == len({each["number"] for each in outputs.values()})


def test_a_failing_run(api: Api, greeting: Warm) -> None:
    """A run whose flow fails ends Failed with the reason; for the runner it has ended like any other."""
    flow_run_id = greeting.run(FAIL)

    state = api.flow_run(flow_run_id)["state"]
    assert ("FAILED", 0) == (state["type"], greeting.ended.codes[flow_run_id])
    assert "it is broken" in state["message"]


def test_parameters_that_do_not_fit(api: Api, greeting: Warm) -> None:
    """A parameter that the API lets pass and the flow does not take fails the run, before anything of it runs."""
    flow_run_id = greeting.run(GREET, {"day": "someday"})

    state = api.flow_run(flow_run_id)["state"]
    assert "FAILED" == state["type"]
    assert "Validation of flow parameters failed" in state["message"]
    assert [] == api.task_runs_so_far(flow_run_id)


def test_a_run_that_was_cancelled_before(api: Api, greeting: Warm) -> None:
    """A run that was cancelled while it waited does not run, and ends Cancelled."""
    flow_run_id = create(greeting.deployments[GREET], {})
    api.cancel(str(flow_run_id))
    greeting.runner.execute(flow_run_id, GREET)
    greeting.ended.code(str(flow_run_id))

    assert "CANCELLED" == api.state(str(flow_run_id))
    assert [] == api.task_runs_so_far(str(flow_run_id))


def test_a_run_that_does_not_exist(greeting: Warm) -> None:
    """The end of a run that the API does not know is heard too, with the reason among its lines."""
    flow_run_id = uuid4()
    greeting.runner.execute(flow_run_id, GREET)

    assert 1 == greeting.ended.code(str(flow_run_id))
    assert "404 Not Found" in "".join(line for origin, line in greeting.ended.lines if origin == str(flow_run_id))


def test_mistakes(api: Api, greeting: Warm) -> None:
    """A flow that the runner does not have, and a run that goes on already, are refused."""
    with pytest.raises(UsageError) as unknown:
        greeting.runner.execute(uuid4(), "team.other")
    assert f"the warm runner has no flow 'team.other'; it has: {GREET}, {FAIL}" == str(unknown.value)

    flow_run_id = create(greeting.deployments[GREET], {})
    greeting.runner.execute(flow_run_id, GREET)
    with pytest.raises(UsageError) as twice:
        greeting.runner.execute(flow_run_id, GREET)
    assert f"the flow run {flow_run_id} is executed already" == str(twice.value)
    assert 0 == greeting.ended.code(str(flow_run_id))


def test_a_file_that_changes(api: Api, tmp_path: Path) -> None:
    """A run is one of the flow as its file is when the run starts; one that does not load any more fails its runs."""
    file = tmp_path / "flow.yaml"
    text = "id: changing\nnamespace: team\ntasks:\n  - {id: one, type: io.kestra.plugin.core.log.Log, message: hello}\n"
    file.write_text(text)
    with warm(api, file) as found:
        first = found.run("team.changing")
        file.write_text(text.replace("id: one", "id: two"))
        second = found.run("team.changing")
        file.write_text(text.replace("message", "massage"))
        third = found.run("team.changing")
        file.write_text(text.replace("id: changing", "id: other"))
        fourth = found.run("team.changing")
        file.unlink()
        fifth = found.run("team.changing")

    assert [{"one"}, {"two"}] == [set(api.task_runs(flow_run_id)) for flow_run_id in (first, second)]
    failed = [api.flow_run(flow_run_id)["state"] for flow_run_id in (third, fourth, fifth)]
    assert ["FAILED"] * 3 == [state["type"] for state in failed]
    other = "the file holds the flow 'team.other', not 'team.changing'"
    assert [
        f"{file}:4:5: WD203 missing property 'message'",
        f"{file}:4:52: WD201 unknown property 'massage' (did you mean 'message'?)",
        f"{file}:1:1: WD422 {other}",
        f"{file}:1:1: WD100 the file cannot be read: No such file or directory",
    ] == [line.removeprefix("the flow does not load: ") for state in failed for line in state["message"].splitlines()]
    (log,) = [log for log in api.logs(third, bool) if log["level"] == 40]
    assert "WD201" in log["message"]


def test_flows_that_do_not_load(tmp_path: Path) -> None:
    """A runner does not start with a flow that does not load, or that is another one."""
    (tmp_path / "a.yaml").write_text(FLOWS["fail.yaml"])
    (tmp_path / "b.yaml").write_text(FLOWS["fail.yaml"].replace("errorMessage", "errorMassage"))
    flows = {"team.a": tmp_path / "a.yaml", "team.b": tmp_path / "b.yaml"}
    runner = WarmRunner(Settings(flows), lambda *_: None, lambda *_: None)
    with pytest.raises(InvalidFlow) as found:
        runner.start()
    assert [
        f"{tmp_path}/a.yaml:1:1: WD422 the file holds the flow '{FAIL}', not 'team.a'",
        f"{tmp_path}/b.yaml:4:62: WD201 unknown property 'errorMassage' (did you mean 'errorMessage'?)",
    ] == str(found.value).splitlines()


def outputs_of(flow_run_id: str) -> dict[str, Any]:
    """The outputs of the flow, as Prefect keeps them."""

    async def ask() -> dict[str, Any]:
        async with get_client() as client:
            state = (await client.read_flow_run(UUID(flow_run_id))).state
            assert state is not None
            result: dict[str, Any] = await state.aresult()
            outputs: dict[str, Any] = result["outputs"]
            return outputs

    return asyncio.run(ask())
