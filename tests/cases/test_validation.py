"""What a WorkingDirectory may hold, as it is checked when the flow is loaded."""

from __future__ import annotations

import pytest

from tests.running import CORE, flow_of, run_tasks, states
from wdprefect.errors import InvalidFlow

SAY = f"{{id: a, type: {CORE}.log.Log, message: x}}"


def directory(more: str) -> str:
    """A WorkingDirectory with properties in YAML's flow style."""
    return f"- {{id: shared, type: {CORE}.flow.WorkingDirectory, {more}}}\n"


@pytest.mark.parametrize(
    ("tasks", "expected"),
    [
        pytest.param(directory("tasks: []"), "WD202 'tasks': it must not be empty", id="without tasks"),
        pytest.param(directory("description: nothing"), "WD203 missing property 'tasks'", id="without the word"),
        pytest.param(f"- {SAY}\n{directory(f'tasks: [{SAY}]')}", "WD301 the task id 'a' is taken", id="an id twice"),
        pytest.param(
            directory(f"tasks: [{{id: sub, type: {CORE}.flow.Subflow, flowId: x, namespace: y}}]"),
            "WD204",
            id="a task of the orchestrator",
        ),
        pytest.param(
            directory(f"tasks: [{SAY.replace('message', 'workerGroup: {key: gpu}, message')}]"),
            "WD201 unknown property 'workerGroup'",
            id="a group of workers",
        ),
    ],
)
def test_refused(tasks: str, expected: str) -> None:
    """What a directory cannot be is a problem of the flow, at its place."""
    with pytest.raises(InvalidFlow) as caught:
        flow_of(tasks)

    (problem,) = caught.value.problems
    assert f"{problem.code} {problem.message}".startswith(expected)


def test_handlers_may_be_anything() -> None:
    """The `errors` of a directory may hold tasks that run tasks."""
    handler = f"{{id: steps, type: {CORE}.flow.Sequential, tasks: [{{id: says, type: {CORE}.log.Log, message: oops}}]}}"
    failing = f"{{id: a, type: {CORE}.execution.Fail}}"
    execution = run_tasks(directory(f"tasks: [{failing}], errors: [{handler}]"))

    assert {"shared": "FAILED", "a": "FAILED", "steps": "SUCCESS", "says": "SUCCESS"} == states(execution)
