"""What expressions see in a run: `parents`, `tasks`, `outputs`, `labels`, `execution` and their neighbours."""

from __future__ import annotations

import json
from typing import Any

from tests.running import CORE, run_tasks, states
from wdprefect.api import run
from wdprefect.execution.execution import Execution
from wdprefect.loader import load_text


def shows(expression: str) -> str:
    """The rest of a task that returns what an expression shows, as JSON."""
    return f'{{type: {CORE}.debug.Return, format: "{{{{ {expression} | toJson }}}}"'


def value(execution: Execution, *path: str) -> Any:
    """What a task showed."""
    found: Any = execution.task_outputs
    for name in path:
        found = found[name]
    return json.loads(found["value"])


LOOPS = f"""
- id: outer
  type: {CORE}.flow.ForEach
  values: [p]
  tasks:
    - {shows("parents")}, id: direct}}
    - id: sequence
      type: {CORE}.flow.Sequential
      tasks:
        - {shows("parents")}, id: below}}
    - id: inner
      type: {CORE}.flow.ForEach
      values: [x]
      tasks:
        - id: place
          type: {CORE}.flow.WorkingDirectory
          tasks:
            - {shows("[parents, parent.taskrun.value, taskrun.value]")}, id: child}}
            - {shows("[workerTaskrun.value, workerTaskrun.iteration, parents | length]")}, id: around}}
            - {shows("taskrun.iteration ?? 'none'")}, id: round}}
- {shows("parents")}, id: top}}
"""


def test_parents() -> None:
    """`parents` are the ancestors with a value, nearest first; a directory's children see its parents and value."""
    execution = run_tasks(LOOPS)
    parent = {"taskrun": {"value": "p"}}
    assert [] == value(execution, "direct", "p")
    assert [parent] == value(execution, "below", "p")
    assert [[parent], "p", "x"] == value(execution, "child", "p", "x")
    assert ["x", 0, 1] == value(execution, "around", "p", "x")
    assert "none" == value(execution, "round", "p", "x")
    assert [] == value(execution, "top")


def test_parent_of_a_directory_in_one_loop() -> None:
    """The child of a directory that stands directly in a loop has no parent with a value, as in Kestra."""
    execution = run_tasks(f"""
    - id: each
      type: {CORE}.flow.ForEach
      values: [x]
      tasks:
        - id: place
          type: {CORE}.flow.WorkingDirectory
          tasks:
            - {{id: child, type: {CORE}.debug.Return, format: "{{{{ parent.taskrun.value }}}}"}}
    """)
    assert "FAILED" == execution.state
    assert "unable to find 'parent' used in the expression at line 1" in str(execution.error)


def test_tasks_and_outputs() -> None:
    """`tasks` has the states so far, also of what runs; `outputs` an empty entry of what ran and delivered nothing."""
    execution = run_tasks(f"""
    - {{id: said, type: {CORE}.log.Log, message: hello}}
    - {{id: skipped, type: {CORE}.log.Log, message: hello, runIf: "false"}}
    - id: each
      type: {CORE}.flow.ForEach
      values: [1, 2]
      tasks:
        - {{id: round, type: {CORE}.log.Log, message: hello}}
    - id: both
      type: {CORE}.flow.Parallel
      tasks:
        - {shows("[outputs, tasks, tasksWithState('success')]")}, id: looks}}
    """)
    outputs, tasks, successes = value(execution, "looks")
    assert {"said": {}, "round": {}, "each": {}} == outputs
    ended = {"state": "SUCCESS"}
    assert {
        "said": ended,
        "skipped": {"state": "SKIPPED"},
        "each": ended,
        "round": {"1": ended, "2": ended},
        "both": {"state": "RUNNING"},
        "looks": {"state": "RUNNING"},
    } == tasks
    assert [("said", None), ("each", None), ("round", "1"), ("round", "2")] == [
        (each["taskId"], each.get("value")) for each in successes
    ]
    assert "SKIPPED" == states(execution)["skipped"]
    assert {"looks"} == set(execution.task_outputs)


def test_labels() -> None:
    """Labels with dots nest, the run's id is among them, and of names in each other's way the first stays."""
    text = f"""
id: labelled
namespace: team
labels: {{a: b, x.y: z, a.c: d}}
tasks:
  - {shows("labels")}, id: shown}}
"""
    execution = run(load_text(text, "flow.yaml"), engine="local", labels={"a": "e", "x.w": "v"})
    expected = {"a": "e", "x": {"y": "z", "w": "v"}, "system": {"correlationId": execution.id}}
    assert expected == value(execution, "shown")


def test_execution() -> None:
    """`execution` has the state, which is final when `afterExecution` runs, and then also the outputs."""
    text = f"""
id: ended
namespace: team
tasks:
  - {shows("execution.outputs ?? 'none'")}, id: during}}
outputs:
  - {{id: state, type: STRING, value: "{{{{ execution.state }}}}"}}
afterExecution:
  - {shows("[execution.state, execution.outputs]")}, id: after}}
"""
    execution = run(load_text(text, "flow.yaml"), engine="local")
    assert "none" == value(execution, "during")
    assert {"state": "RUNNING"} == execution.outputs
    assert ["SUCCESS", {"state": "RUNNING"}] == value(execution, "after")


def test_error_logs() -> None:
    """`errorLogs` says which task of which run said what."""
    execution = run_tasks(f"""
    - {{id: fails, type: {CORE}.execution.Fail, errorMessage: no luck, allowFailure: true}}
    - {shows("errorLogs()")}, id: shown}}
    """)
    (entry,) = value(execution, "shown")
    assert {
        "namespace": "team",
        "flowId": "made",
        "executionId": execution.id,
        "taskId": "fails",
        "taskRunId": execution.task_runs[0].id,
        "level": "ERROR",
        "timestamp": entry["timestamp"],
    } == {name: item for name, item in entry.items() if name != "message"}
    assert entry["message"].endswith("no luck")
