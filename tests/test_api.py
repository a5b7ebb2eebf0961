"""What Python programs use: `wdprefect.load`, `run`, `to_prefect`, `Flow`, `Execution`."""

from __future__ import annotations

import asyncio
import base64
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

import wdprefect
from tests.running import CORE, SCRIPTS, flow_of, messages, run_tasks
from wdprefect.errors import InvalidFlow, InvalidInput, StorageError, UsageError
from wdprefect.execution.records import LogRecord, TaskRun

RETURN = f"- {{id: a, type: {CORE}.debug.Return, format: 'FORMAT'}}"
INPUTS = """
- {id: name, type: STRING}
- {id: times, type: INT, defaults: 2}
- {id: deep.er, type: BOOLEAN, required: false}
- {id: data, type: FILE, required: false}
- {id: key, type: SECRET, required: false}
"""


def returning(text: str) -> wdprefect.Flow:
    """A flow with inputs whose task `a` delivers the rendered text."""
    return flow_of(RETURN.replace("FORMAT", text), inputs=INPUTS)


def value(execution: wdprefect.Execution) -> Any:
    return execution.task_outputs["a"]["value"]


def run(flow: wdprefect.Flow, **options: Any) -> wdprefect.Execution:
    return wdprefect.run(flow, engine="local", **options)


def test_load(tmp_path: Path) -> None:
    """A file is a Flow that knows its names; what is wrong in it is raised with its places."""
    path = tmp_path / "f.yaml"
    path.write_text(f"id: f\nnamespace: team\ntasks:\n  {RETURN}\n")

    flow = wdprefect.load(path)

    assert isinstance(flow, wdprefect.Flow)
    assert ("f", "team", "team.f", ["a"]) == (flow.id, flow.namespace, flow.name, [task.id for task in flow.tasks])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("missing", "No such file or directory", id="missing"),
        pytest.param(".", "Is a directory", id="a folder"),
    ],
)
def test_load_what_is_none(tmp_path: Path, name: str, expected: str) -> None:
    """A file that cannot be read is a problem of the flow, with the path as it was given."""
    path = str(tmp_path / name)

    with pytest.raises(InvalidFlow) as caught:
        wdprefect.load(path)

    assert f"{path}:1:1: WD100 the file cannot be read: {expected}" == str(caught.value)


def test_execution() -> None:
    """An Execution tells how the run ended, what it was given, what it delivered, and what was logged."""
    flow = flow_of(
        f"- {{id: a, type: {SCRIPTS}.shell.Commands, outputFiles: ['*'], commands: ['echo 1 > x', 'echo hi']}}",
        inputs=INPUTS,
        outputs="- {id: out, type: STRING, value: '{{ inputs.name }}!'}",
        labels="{of: flow}",
    )

    execution = run(flow, inputs={"name": "Ada"}, labels={"run": "1"}, execution_id="some-id")

    assert isinstance(execution, wdprefect.Execution)
    assert ("some-id", "team.made", "SUCCESS", None) == (execution.id, execution.flow, execution.state, execution.error)
    assert ("Ada", 2) == (execution.inputs["name"], execution.inputs["times"])
    assert ({"out": "Ada!"}, {"of": "flow", "run": "1"}) == (execution.outputs, execution.labels)
    assert b"1\n" == execution.read(execution.task_outputs["a"]["outputFiles"]["x"])
    assert [("a", "INFO", "hi")] == [(record.task_id, record.level, record.message) for record in execution.logs]
    assert [("a", "SUCCESS", 1)] == [(task.task_id, task.state, len(task.attempts)) for task in execution.task_runs]
    assert execution.started <= execution.ended
    assert isinstance(execution.started, datetime)


def test_to_dict_is_plain() -> None:
    """An Execution as a dict has nothing in it but what JSON has, and its secrets are hidden."""
    execution = run(returning("{{ inputs.key }}"), inputs={"name": "a", "key": "battery-staple"})

    assert "battery-staple" == value(execution), "the program that ran it sees what the tasks saw"
    assert "battery-staple" not in str(execution.to_dict())
    assert {*execution.summary(), "logs"} == set(execution.to_dict())


def test_read_what_is_not_there() -> None:
    """Reading a file that is not in the storage is an error that names it."""
    execution = run_tasks(RETURN)

    with pytest.raises(StorageError, match="kestra:///nowhere/x"):
        execution.read("kestra:///nowhere/x")


@pytest.mark.parametrize(
    ("inputs", "text", "expected"),
    [
        pytest.param({"name": "a"}, "{{ inputs.name }} {{ inputs.times + 1 }}", "a 3", id="a default"),
        pytest.param({"name": "a", "times": "4"}, "{{ inputs.times + 1 }}", "5", id="a text is converted"),
        pytest.param({"name": "a", "deep.er": True}, "{{ inputs.deep.er }}", "true", id="a dotted name"),
        pytest.param({"name": "a", "deep": {"er": False}}, "{{ inputs.deep.er }}", "false", id="a map for it"),
        pytest.param({"name": "{{ 1 }}"}, "{{ inputs.name }}", "{{ 1 }}", id="a value is no template"),
    ],
)
def test_inputs(inputs: dict[str, Any], text: str, expected: str) -> None:
    """Inputs are converted as their types say."""
    assert expected == value(run(returning(text), inputs=inputs))


def test_file_input(tmp_path: Path) -> None:
    """A FILE input takes a path, or the URI of a stored file."""
    file = tmp_path / "data.txt"
    file.write_text("content")
    flow = returning("{{ read(inputs.data) }}")

    first = run(flow, inputs={"name": "a", "data": file})
    second = run(flow, inputs={"name": "a", "data": first.inputs["data"]})

    assert ("content", "content") == (value(first), value(second))


@pytest.mark.parametrize(
    ("inputs", "name"),
    [
        pytest.param({}, "name", id="missing"),
        pytest.param({"name": "a", "times": "x"}, "times", id="of another type"),
        pytest.param({"name": "a", "nmae": "b"}, "nmae", id="unknown"),
        pytest.param({"name": "a", "data": "/nowhere"}, "data", id="no such file"),
    ],
)
def test_wrong_inputs(inputs: dict[str, Any], name: str) -> None:
    """A wrong input is raised before anything runs, with its name."""
    seen: list[TaskRun] = []

    with pytest.raises(InvalidInput) as caught:
        run(returning("x"), inputs=inputs, on_task=seen.append)

    assert (name, []) == (caught.value.name, seen)


def test_unchecked_inputs() -> None:
    """Without validation a flow starts without its required inputs, as triggers start flows."""
    execution = run(returning('{{ inputs.name ?? "none" }} {{ inputs.times }}'), validate_inputs=False)

    assert "none 2" == value(execution)


def test_trigger_and_labels() -> None:
    """`trigger` and `labels` are what templates show."""
    flow = flow_of(RETURN.replace("FORMAT", "{{ trigger.date }} {{ labels.team }}"))

    assert "today x" == value(run(flow, trigger={"date": "today"}, labels={"team": "x"}))


def test_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """`secrets` are in place of those of the environment, which hold base64; none of them is in the log."""
    flow = flow_of(f"- {{id: a, type: {CORE}.log.Log, message: \"{{{{ secret('DB') }}}} there\"}}")
    monkeypatch.setenv("SECRET_DB", base64.b64encode(b"battery-staple").decode())
    seen: list[LogRecord] = []

    of_environment, given = (
        run(flow, on_log=seen.append),
        run(flow, secrets={"DB": "correct-horse"}, on_log=seen.append),
    )

    assert ("SUCCESS", "SUCCESS") == (of_environment.state, given.state)
    everything = " ".join([*messages(of_environment), *messages(given), *(record.message for record in seen)])
    assert ("there" in everything, "battery" in everything, "horse" in everything) == (True, False, False)
    assert "FAILED" == run(flow, secrets={}).state


def test_storage(tmp_path: Path) -> None:
    """A run keeps everything where `storage` says."""
    flow = flow_of(f"- {{id: a, type: {CORE}.storage.LocalFiles, inputs: {{x: hello}}, outputs: [x]}}")

    execution = run(flow, storage=tmp_path.as_uri())

    kept = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert {"execution.json", "log.jsonl"} < kept
    assert b"hello" == execution.read(execution.task_outputs["a"]["uris"]["x"])


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param({"engine": "other"}, "unknown engine 'other': it is 'prefect' or 'local'", id="engine"),
        pytest.param({"engine": "local", "runner": "x"}, "unknown runner 'x': it is 'process'", id="runner"),
        pytest.param({"engine": "local", "storage": "x"}, "'x' names no storage", id="storage"),
        pytest.param(
            {"engine": "local", "namespace_files": "x"}, "the folder of namespace files 'x' does not exist", id="files"
        ),
    ],
)
def test_wrong_options(options: dict[str, Any], expected: str) -> None:
    """An option that is none is refused in words that name it."""
    with pytest.raises(UsageError, match=expected):
        wdprefect.run(flow_of(RETURN), **options)


def test_callbacks() -> None:
    """on_task gets each task run when it begins and when it has ended, on_log each record as it arrives."""
    tasks: list[tuple[str, bool]] = []
    records: list[LogRecord] = []
    flow = flow_of(f"""
        - {{id: a, type: {CORE}.log.Log, message: one}}
        - {{id: b, type: {CORE}.log.Log, message: two}}
        """)

    execution = run(flow, on_log=records.append, on_task=lambda run: tasks.append((run.task_id, run.ended is not None)))

    assert [("a", False), ("a", True), ("b", False), ("b", True)] == tasks
    assert records == list(execution.logs)


def test_inside_a_running_loop() -> None:
    """A flow runs to its end also where an event loop runs already, as in a notebook; so do its errors arrive."""

    async def notebook() -> wdprefect.Execution:
        with pytest.raises(InvalidInput):
            run(returning("x"))
        return run(returning("{{ inputs.name }}"), inputs={"name": "a"})

    assert "a" == value(asyncio.run(notebook()))


def test_in_a_thread() -> None:
    """A flow runs in any thread."""
    with ThreadPoolExecutor(1) as pool:
        execution = pool.submit(run, returning("{{ inputs.name }}"), inputs={"name": "a"}).result()

    assert "a" == value(execution)


def test_twice_at_once() -> None:
    """The same flow runs in two threads at once, each run with its own inputs, directory and log."""
    flow = flow_of(
        f"- id: a\n  type: {SCRIPTS}.shell.Commands\n  outputFiles: [x]\n"
        "  commands: ['echo {{ inputs.name }} > x', 'ls -A', 'cat x']",
        inputs=INPUTS,
    )
    meeting = threading.Barrier(2, timeout=30)

    def one(name: str) -> wdprefect.Execution:
        meeting.wait()
        return run(flow, inputs={"name": name})

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(one, ["ada", "grace"])

    assert (["x", "ada"], ["x", "grace"]) == (messages(first), messages(second))
    assert first.id != second.id


def test_a_flow_runs_again() -> None:
    """A flow can be run as often as one likes; nothing of one run is in the next."""
    flow = returning("{{ execution.id }}")

    first, second = (run(flow, inputs={"name": "a"}) for _ in range(2))

    assert (first.id, second.id) == (value(first), value(second))
    assert 1 == len(second.task_runs)


def test_to_prefect_refuses_what_is_not_allowed() -> None:
    """A flow that asks for what the project does not allow is refused before there is a Prefect flow."""
    runner = f"{{type: {SCRIPTS}.runner.docker.Docker, privileged: true}}"
    flow = flow_of(f"- {{id: a, type: {SCRIPTS}.shell.Commands, taskRunner: {runner}, commands: []}}")

    with pytest.raises(InvalidFlow, match="WD411"):
        wdprefect.to_prefect(flow)
