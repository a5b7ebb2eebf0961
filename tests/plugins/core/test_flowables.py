"""Tasks that run tasks: which of them run, in which order, and what they come to."""

from __future__ import annotations

import threading

import pytest

from tests.running import CORE, SCRIPTS, flow_of, messages, run_tasks, states
from wdprefect.api import run
from wdprefect.errors import InvalidFlow
from wdprefect.execution.records import TaskRun

NO_LIST = "the values of a loop must be a list, or a text that renders to one as JSON"


def returning(task_id: str, text: str = "x") -> str:
    """A task in YAML's flow style."""
    return f"{{id: {task_id}, type: {CORE}.debug.Return, format: '{text}'}}"


def failing(task_id: str) -> str:
    return f"{{id: {task_id}, type: {CORE}.execution.Fail}}"


def flow(kind: str, properties: str) -> str:
    return f"- {{id: f, type: {CORE}.flow.{kind}, {properties}}}\n"


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        pytest.param("'{{ 1 == 1 }}'", True, id="true"),
        pytest.param("'{{ 1 == 2 }}'", False, id="false"),
        pytest.param("''", False, id="empty"),
        pytest.param("'0'", False, id="zero"),
        pytest.param("'-0'", False, id="minus zero"),
        pytest.param("'0.0'", True, id="another zero"),
        pytest.param("'no'", True, id="a text"),
        pytest.param("false", False, id="a boolean"),
    ],
)
def test_if(condition: str, expected: bool) -> None:  # noqa: FBT001  a column of the table
    """If runs `then` or `else`, and delivers what its condition came to."""
    execution = run_tasks(
        flow("If", f"condition: {condition}, then: [{returning('yes')}], else: [{returning('no')}]")
        .replace("id: yes", "id: 'yes'")
        .replace("id: no", "id: 'no'")
    )

    assert {"f": "SUCCESS", "yes" if expected else "no": "SUCCESS"} == states(execution)
    assert {"evaluationResult": expected} == execution.task_outputs["f"]


@pytest.mark.parametrize(
    ("value", "expected", "outputs"),
    [
        pytest.param("a", {"f": "SUCCESS", "one": "SUCCESS"}, {"value": "a", "defaults": False}, id="a case"),
        pytest.param("7", {"f": "SUCCESS", "two": "SUCCESS"}, {"value": "7", "defaults": False}, id="a number"),
        pytest.param("z", {"f": "SUCCESS", "rest": "SUCCESS"}, {"value": "z", "defaults": True}, id="none of them"),
    ],
)
def test_switch(value: str, expected: dict[str, str], outputs: dict[str, object]) -> None:
    """Switch runs the case that equals its value, else `defaults`."""
    cases = f"{{a: [{returning('one')}], '7': [{returning('two')}]}}"
    execution = run_tasks(flow("Switch", f"value: {value}, cases: {cases}, defaults: [{returning('rest')}]"))

    assert (expected, outputs) == (states(execution), execution.task_outputs["f"])


def test_switch_without_defaults() -> None:
    """A value that no case equals fails the task where there are no defaults."""
    execution = run_tasks(flow("Switch", f"value: z, cases: {{a: [{returning('one')}]}}"))

    assert "flow.yaml:4:5: task 'f': no case equals 'z', and there are no 'defaults'" == execution.error


@pytest.mark.parametrize(
    ("kind", "state"),
    [pytest.param("Sequential", "FAILED", id="fails"), pytest.param("AllowFailure", "WARNING", id="warns")],
)
def test_sequence(kind: str, state: str) -> None:
    """Tasks run one after the other until one fails; AllowFailure makes a warning of that."""
    tasks = f"tasks: [{returning('a')}, {failing('b')}, {returning('c')}]"
    execution = run_tasks(flow(kind, tasks))

    assert (state, {"f": state, "a": "SUCCESS", "b": "FAILED"}) == (execution.state, states(execution))


def test_handlers_of_a_task() -> None:
    """`errors` run when a task inside has failed, `finally` always; neither changes what it comes to."""
    properties = f"tasks: [{failing('a')}], errors: [{returning('e')}], finally: [{returning('z')}]"
    execution = run_tasks(flow("Sequential", properties))

    assert {"f": "FAILED", "a": "FAILED", "e": "SUCCESS", "z": "SUCCESS"} == states(execution)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param("[a, b]", ["0 a", "1 b"], id="a list"),
        pytest.param("[1, 2]", ["0 1", "1 2"], id="numbers"),
        pytest.param('\'["a", "b"]\'', ["0 a", "1 b"], id="JSON"),
        pytest.param("'{{ range(1, 3) }}'", ["0 1", "1 2", "2 3"], id="an expression"),
        pytest.param("['{{ flow.id }}']", ["0 made"], id="expressions in a list"),
        pytest.param("[a, b, a]", ["0 a", "1 b"], id="equal ones once"),
        pytest.param("[{k: 1}]", ['0 {"k":1}'], id="a map is its JSON"),
        pytest.param("[]", [], id="none"),
    ],
)
def test_for_each(values: str, expected: list[str]) -> None:
    """ForEach runs its tasks for each value, which they see with its number."""
    task = f"{{id: a, type: {CORE}.log.Log, message: '{{{{ taskrun.iteration }}}} {{{{ taskrun.value }}}}'}}"
    execution = run_tasks(flow("ForEach", f"values: {values}, tasks: [{task}]"))

    assert ("SUCCESS", expected) == (execution.state, messages(execution, "a"))


@pytest.mark.parametrize("kind", ["ForEach", "EachSequential", "EachParallel"])
@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param("'{{ 1 }}'", NO_LIST, id="one"),
        pytest.param("text", NO_LIST, id="text"),
        pytest.param("[a, null]", "Found '1' null values on Each, with values=[\"a\",null]", id="nothing"),
        pytest.param("[true]", "Unknown value element type: bool", id="a boolean"),
        pytest.param("'[[1]]'", "Unknown value element type: list", id="a list"),
    ],
)
def test_wrong_values(kind: str, values: str, expected: str) -> None:
    """A loop whose values are none fails before its first round."""
    name = "values" if kind == "ForEach" else "value"
    execution = run_tasks(flow(kind, f"{name}: {values}, tasks: [{returning('a')}]"))

    assert ({"f": "FAILED"}, f"flow.yaml:4:5: task 'f': {expected}") == (states(execution), execution.error)


def test_outputs_of_rounds() -> None:
    """What a task of a loop delivers is found under the loop's value, inside the loop and behind it."""
    tasks = f"[{returning('a', 'of {{ taskrun.value }}')}, {returning('b', '{{ outputs.a[taskrun.value].value }}!')}]"
    execution = run_tasks(flow("ForEach", f"values: [x, y], tasks: {tasks}"))

    assert {"x": {"value": "of x!"}, "y": {"value": "of y!"}} == execution.task_outputs["b"]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"type: {CORE}.flow.Parallel, concurrent: LIMIT, tasks: [TASKS]", id="Parallel"),
        pytest.param(f"type: {CORE}.flow.Dag, concurrent: LIMIT, tasks: [DAG]", id="Dag"),
        pytest.param(f"type: {CORE}.flow.ForEach, concurrencyLimit: LIMIT, values: VALUES, tasks: ONE", id="ForEach"),
        pytest.param(f"type: {CORE}.flow.EachParallel, concurrent: LIMIT, value: VALUES, tasks: ONE", id="Each"),
    ],
)
@pytest.mark.parametrize(("limit", "most"), [(1, 1), (2, 2), (0, 4)])
def test_side_by_side(text: str, limit: int, most: int) -> None:
    """As many tasks run at a time as the limit says, and with 0 all of them."""
    ids = [f"t{number}" for number in range(4)]
    sleeping = [f"{{id: {name}, type: {CORE}.flow.Sleep, duration: PT0.1S}}" for name in ids]
    text = (
        text.replace("TASKS", ", ".join(sleeping)).replace("ONE", f"[{sleeping[0]}]").replace("VALUES", "[1, 2, 3, 4]")
    )
    text = text.replace("DAG", ", ".join(f"{{task: {task}}}" for task in sleeping)).replace("LIMIT", str(limit))
    counted = Counter()

    execution = run(flow_of(f"- {{id: f, {text}}}"), engine="local", on_task=counted.watch)

    assert ("SUCCESS", most) == (execution.state, counted.most)


def test_sides_do_not_stop_each_other() -> None:
    """A failure on one side does not end what runs beside it; the whole has failed."""
    tasks = f"[{failing('a')}, {{id: b, type: {CORE}.flow.Sleep, duration: PT0.1S}}]"
    execution = run_tasks(flow("Parallel", f"tasks: {tasks}"))

    assert {"f": "FAILED", "a": "FAILED", "b": "SUCCESS"} == states(execution)


def test_dag() -> None:
    """A task starts when those that it depends on have ended, whatever the order in which they are written."""
    items = [
        f"{{task: {returning('last')}, dependsOn: [middle, other]}}",
        f"{{task: {returning('middle')}, dependsOn: [first]}}",
        f"{{task: {returning('other')}, dependsOn: [first]}}",
        f"{{task: {returning('first')}}}",
    ]
    execution = run_tasks(flow("Dag", f"tasks: [{', '.join(items)}]"))

    runs = {task_run.task_id: task_run for task_run in execution.task_runs}
    assert "SUCCESS" == execution.state
    for before, behind in [("first", "middle"), ("first", "other"), ("middle", "last"), ("other", "last")]:
        ended = runs[before].ended
        assert ended is not None
        assert ended <= runs[behind].started


def test_failure_in_a_dag() -> None:
    """Behind a failure nothing starts, and the whole has failed."""
    items = f"{{task: {returning('never')}, dependsOn: [wrong]}}, {{task: {failing('wrong')}}}"
    execution = run_tasks(flow("Dag", f"tasks: [{items}]"))

    assert {"f": "FAILED", "wrong": "FAILED"} == states(execution)


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        pytest.param("z", "Not existing task id in dependency: z", id="unknown"),
        pytest.param("a", "Cyclic dependency detected: a", id="itself"),
    ],
)
def test_wrong_dag(after: str, expected: str) -> None:
    """Dependencies that do not exist or form a circle are refused when the flow is loaded."""
    with pytest.raises(InvalidFlow, match=expected):
        flow_of(flow("Dag", f"tasks: [{{task: {returning('a')}, dependsOn: [{after}]}}]"))


def test_directory_is_shared() -> None:
    """Children of a WorkingDirectory work in one directory, which holds its inputFiles and is captured at the end."""
    execution = run_tasks(f"""
        - id: f
          type: {CORE}.flow.WorkingDirectory
          inputFiles: {{names.txt: "Ada"}}
          outputFiles: ["*.txt"]
          tasks:
            - {{id: a, type: {SCRIPTS}.shell.Commands, commands: ["pwd; cat names.txt > a.txt"]}}
            - id: in
              type: {CORE}.flow.ForEach
              values: [1]
              tasks: [{{id: b, type: {SCRIPTS}.shell.Commands, commands: ["pwd; cat a.txt > b.txt"]}}]
        - {{id: c, type: {SCRIPTS}.shell.Commands, commands: ["pwd; ls -A"]}}
        """)

    outputs = execution.task_outputs["f"]["outputFiles"]
    assert {"names.txt", "a.txt", "b.txt"} == set(outputs)
    assert b"Ada" == execution.read(outputs["b.txt"])
    assert messages(execution, "a") == messages(execution, "b") != messages(execution, "c")
    assert 1 == len(messages(execution, "c")), "the next task has an empty directory of its own"


def test_directory_of_a_failure() -> None:
    """What was made before a failure is captured; the tasks behind the failure do not run."""
    execution = run_tasks(f"""
        - id: f
          type: {CORE}.flow.WorkingDirectory
          outputFiles: ["*"]
          tasks:
            - {{id: a, type: {SCRIPTS}.shell.Commands, commands: ["touch half", "false"]}}
            - {{id: b, type: {SCRIPTS}.shell.Commands, commands: ["touch never"]}}
        """)

    assert {"f": "FAILED", "a": "FAILED"} == states(execution)
    assert ["half"] == list(execution.task_outputs["f"]["outputFiles"])


def test_directory_tried_again() -> None:
    """A WorkingDirectory that is tried again begins with a new directory."""
    execution = run_tasks(f"""
        - id: f
          type: {CORE}.flow.WorkingDirectory
          retry: {{type: constant, interval: PT0.01S, maxAttempts: 2}}
          inputFiles: {{given: x}}
          tasks:
            - {{id: a, type: {SCRIPTS}.shell.Commands, commands: ["ls -A; touch left; false"]}}
        """)

    assert (["given", "given"], 2) == (messages(execution, "a", "INFO"), len(execution.task_runs[0].attempts))


class Counter:
    """Watches task runs: how many leaves ran at a time at most."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running, self.most = 0, 0

    def watch(self, task_run: TaskRun) -> None:
        if not task_run.type.endswith("Sleep"):
            return
        with self._lock:
            self._running += -1 if task_run.ended else 1
            self.most = max(self.most, self._running)
