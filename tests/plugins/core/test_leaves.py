"""Core tasks that work: what they deliver and what they log."""

from __future__ import annotations

from typing import Any

import pytest

from tests.running import CORE, messages, run_tasks, states
from wdprefect.errors import InvalidFlow


def core(kind: str, properties: str, task_id: str = "a") -> str:
    """A task with properties in YAML's flow style."""
    return f"- {{id: {task_id}, type: {CORE}.{kind}, {properties}}}\n"


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        pytest.param("format: text", {"value": "text"}, id="a text"),
        pytest.param("format: '{{ flow.id }} of {{ flow.namespace }}'", {"value": "made of team"}, id="a template"),
        pytest.param("format: 7", {"value": "7"}, id="a number is its text"),
        pytest.param("format: '{{ [1, 2] }}'", {"value": "[1,2]"}, id="a list is its JSON"),
        pytest.param("format: ''", {"value": ""}, id="an empty text"),
        pytest.param("description: nothing", None, id="nothing"),
    ],
)
def test_return(properties: str, expected: Any) -> None:
    """Return delivers its rendered text as `value`."""
    assert expected == run_tasks(core("debug.Return", properties)).task_outputs.get("a")


def test_return_measures() -> None:
    """Return reports the length of its text."""
    (metric,) = run_tasks(core("debug.Return", "format: four")).task_runs[0].metrics

    assert ("counter", "length", 4) == (metric.kind, metric.name, metric.value)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param(
            "{text: a, number: 1, flag: true, list: [1, x], map: {k: 1.5}}",
            {"text": "a", "number": 1, "flag": True, "list": [1, "x"], "map": {"k": 1.5}},
            id="YAML's values stay what they are",
        ),
        pytest.param(
            "{one: '{{ 1 + 1 }}', in: ['{{ 1 }}'], list: '{{ [1, 2] }}'}",
            {"one": "2", "in": ["1"], "list": "[1,2]"},
            id="what an expression gives is text",
        ),
        pytest.param("{'{{ flow.id }}': 1}", {"made": 1}, id="names are rendered"),
        pytest.param("'{{ {\"a\": 1} }}'", {"a": 1}, id="one expression for all"),
        pytest.param("{a: null, b: 1}", {"b": 1}, id="nothing is not seen"),
    ],
)
def test_output_values(values: str, expected: dict[str, Any]) -> None:
    """OutputValues delivers values under names of one's own."""
    assert expected == run_tasks(core("output.OutputValues", f"values: {values}")).task_outputs["a"]["values"]


def test_values_for_the_next() -> None:
    """What a task delivers is what those behind it see, under its id."""
    execution = run_tasks(
        core("output.OutputValues", "values: {n: 2, names: [Ada, Grace]}")
        + core("debug.Return", "format: '{{ outputs.a.values.names[1] }} {{ outputs.a.values.n * 2 }}'", "b")
    )

    assert "Grace 4" == execution.task_outputs["b"]["value"]


@pytest.mark.parametrize(
    ("properties", "level", "expected"),
    [
        pytest.param("message: 'hello {{ flow.id }}'", "INFO", ["hello made"], id="a message"),
        pytest.param("message: [a, '{{ 1 }}', 7]", "INFO", ["a", "1", "7"], id="several"),
        pytest.param("message: x, level: WARN", "WARN", ["x"], id="a level"),
        pytest.param("message: x, level: '{{ \"ERROR\" }}'", "ERROR", ["x"], id="a level of an expression"),
        pytest.param('message: "two\\nlines"', "INFO", ["two\nlines"], id="lines stay together"),
        pytest.param("message: x, level: INFO, logLevel: WARN", "INFO", [], id="below the level that is kept"),
    ],
)
def test_log(properties: str, level: Any, expected: list[str]) -> None:
    """Log writes its messages at its level."""
    execution = run_tasks(core("log.Log", properties))

    assert ("SUCCESS", expected) == (execution.state, messages(execution, "a", level))


def test_echo() -> None:
    """Echo writes its text at its level, and delivers nothing."""
    execution = run_tasks(core("debug.Echo", "format: 'to {{ flow.id }}', level: WARN"))

    assert (["to made"], {}) == (messages(execution, "a", "WARN"), execution.task_outputs)


@pytest.mark.parametrize(
    ("properties", "state", "error"),
    [
        pytest.param("description: always", "FAILED", "flow.yaml:4:5: task 'a': Task failure", id="always"),
        pytest.param("errorMessage: 'no {{ flow.id }}'", "FAILED", "flow.yaml:4:5: task 'a': no made", id="its words"),
        pytest.param("condition: '{{ 1 == 1 }}'", "FAILED", "flow.yaml:4:5: task 'a': Task failure", id="it holds"),
        pytest.param("condition: '{{ 1 == 2 }}'", "SUCCESS", None, id="it does not hold"),
        pytest.param("condition: ''", "SUCCESS", None, id="an empty condition"),
        pytest.param("condition: maybe", "FAILED", "flow.yaml:4:5: task 'a': Task failure", id="any other text"),
    ],
)
def test_fail(properties: str, state: str, error: str | None) -> None:
    """Fail fails, always or when its condition holds."""
    execution = run_tasks(core("execution.Fail", properties))

    assert (state, error) == (execution.state, execution.error)


@pytest.mark.parametrize("duration", ["PT0.01S", "0.01", "'{{ \"PT0.01S\" }}'"])
def test_sleep(duration: str) -> None:
    """Sleep waits at least as long as it says, however that is written."""
    execution = run_tasks(core("flow.Sleep", f"duration: {duration}"))

    assert "SUCCESS" == execution.state
    assert execution.task_runs[0].seconds >= 0.01


def test_sleep_ends_with_its_timeout() -> None:
    """A timeout ends the waiting."""
    execution = run_tasks(core("flow.Sleep", "duration: PT10M, timeout: PT0.05S"))

    assert ("FAILED", "flow.yaml:4:5: task 'a': Timeout after 00:00:00.050") == (execution.state, execution.error)
    assert execution.task_runs[0].seconds < 60


DIRECTORY = f"""
- id: directory
  type: {CORE}.flow.WorkingDirectory
  tasks:
    - id: bring
      type: {CORE}.storage.LocalFiles
      inputs:
        a.txt: hello {{{{ flow.id }}}}
        below/b.json: {{"n": 1}}
        c.csv: "1"
      outputs: PATTERNS
    - id: take
      type: {CORE}.storage.LocalFiles
      outputs: ["**"]
"""


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        pytest.param('["a.txt"]', {"a.txt"}, id="a name"),
        pytest.param('["*.csv", "below/*"]', {"c.csv", "below/b.json"}, id="patterns"),
        pytest.param("'[\"*.txt\"]'", {"a.txt"}, id="a list as JSON"),
        pytest.param("[]", set(), id="none"),
    ],
)
def test_local_files(patterns: str, expected: set[str]) -> None:
    """LocalFiles writes `inputs` and delivers what `outputs` matches; the files stay for the tasks behind it."""
    execution = run_tasks(DIRECTORY.replace("PATTERNS", patterns))

    outputs = execution.task_outputs
    content = {name: execution.read(uri) for name, uri in outputs["take"]["uris"].items()}
    assert {"a.txt": b"hello made", "below/b.json": b'{"n":1}', "c.csv": b"1"} == content
    assert expected == set(outputs["bring"]["uris"])


def test_stored_files_come_back() -> None:
    """A URI in `inputs` is the file itself."""
    execution = run_tasks(f"""
        - {{id: first, type: {CORE}.storage.LocalFiles, inputs: {{a: "x"}}, outputs: [a]}}
        - id: second
          type: {CORE}.storage.LocalFiles
          inputs: {{b: "{{{{ outputs.first.uris.a }}}}"}}
          outputs: ["*"]
        """)

    assert b"x" == execution.read(execution.task_outputs["second"]["uris"]["b"])


@pytest.mark.parametrize(
    ("kind", "properties", "expected"),
    [
        pytest.param("log.Log", "level: INFO", "'message'", id="Log without a message"),
        pytest.param("log.Log", "message: x, level: LOUD", "'LOUD' is none of", id="no such level"),
        pytest.param("flow.Sleep", "duration: soon", "'duration': it must be a duration such as PT30S", id="Sleep"),
        pytest.param("output.OutputValues", "values: text", "'values': it must be a list or a map", id="OutputValues"),
        pytest.param("debug.Return", "fromat: x", "'fromat'", id="an unknown property"),
        pytest.param("flow.Sequential", "tasks: []", "'tasks': it must not be empty", id="no tasks"),
        pytest.param("flow.Switch", "value: x", "No task defined, neither cases or default have any", id="no cases"),
    ],
)
def test_refused(kind: str, properties: str, expected: str) -> None:
    """What is wrong before anything runs is refused when the flow is loaded."""
    with pytest.raises(InvalidFlow) as caught:
        run_tasks(core(kind, properties))

    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "properties", "expected"),
    [
        pytest.param(
            "log.Log", "message: x, level: '{{ \"LOUD\" }}'", "'level': 'LOUD' is none of 'TRACE', ", id="no such level"
        ),
        pytest.param("flow.Sleep", "duration: '{{ \"soon\" }}'", "'duration': it must be a duration", id="no duration"),
        pytest.param("output.OutputValues", "values: '{{ 1 }}'", "'values': ", id="no map"),
        pytest.param(
            "log.Log", "message: x, timeout: '{{ \"soon\" }}'", "'timeout': 'soon' is no duration", id="timeout"
        ),
    ],
)
def test_fails_when_rendered(kind: str, properties: str, expected: str) -> None:
    """What an expression gives and does not fit fails the task, with its place and the property."""
    execution = run_tasks(core(kind, properties) + core("log.Log", "message: never", "b"))

    assert ("FAILED", {"a": "FAILED"}) == (execution.state, states(execution))
    assert execution.error is not None
    assert execution.error.startswith(f"flow.yaml:4:5: task 'a': {expected}")


def test_unknown_name() -> None:
    """A name that is not there when its template is rendered fails the task, at the name's place."""
    execution = run_tasks(core("log.Log", "message: '{{ labels.nowhere }}'") + core("log.Log", "message: never", "b"))

    assert ("FAILED", {"a": "FAILED"}) == (execution.state, states(execution))
    assert "flow.yaml:4:70: task 'a': unable to find 'nowhere'" in str(execution.error)
