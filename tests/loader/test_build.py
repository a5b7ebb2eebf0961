"""Plain data to a checked flow, whatever the text is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from wdprefect.errors import InvalidFlow, Position
from wdprefect.loader import load_text
from wdprefect.model.flow import Flow
from wdprefect.model.node import Node
from wdprefect.model.task import TaskSpec, iter_tasks

FLOWS = Path(__file__).parent.parent / "flows"
SMALL = """\
id: small
namespace: company.team
inputs:
  - {id: a, type: INT, defaults: 1}
tasks:
  - id: group
    type: io.kestra.plugin.core.flow.Sequential
    tasks:
      - id: one
        type: io.kestra.plugin.core.log.Log
        message: "{{ inputs.a }}"
        retry: {type: constant, interval: PT1S}
  - id: two
    type: io.kestra.plugin.core.flow.Switch
    value: x
    cases:
      x:
        - {id: three, type: io.kestra.plugin.core.execution.Fail}
"""
CHARACTERS = "\t\n :-'\"{}[]|>&*!#%é\x00x7"


def refused(text: str | bytes) -> list[str]:
    with pytest.raises(InvalidFlow) as caught:
        load_text(text, "f.yaml")
    return [str(problem) for problem in caught.value.problems]


def flow_or_places(text: str | bytes) -> Iterator[Position]:
    try:
        flow = load_text(text)
    except InvalidFlow as error:
        yield from (problem.at for problem in error.problems)
    else:
        assert isinstance(flow, Flow)
        yield from (flow.at(spec.path) for spec in iter_tasks(flow.tasks))
        yield from (note.at for note in flow.notes)


def is_inside(at: Position, text: str | bytes) -> bool:
    decoded = (text if isinstance(text, str) else text.decode("utf-8", "replace")).removeprefix("\ufeff")
    lines = decoded.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return 1 <= at.line <= len(lines) and 1 <= at.column <= len(lines[at.line - 1]) + 1


@given(st.binary(max_size=60) | st.text(max_size=60))
@example("[" * 100_000)
@example("id: x\nnamespace: y\ntasks: " + "[" * 100_000)
@example(b"\xff\xfe")
def test_anything(text: str | bytes) -> None:
    """Any bytes give a flow or InvalidFlow, whose problems lie inside the text."""
    assert [] == [at for at in flow_or_places(text) if not is_inside(at, text)]


@settings(max_examples=150)
@given(st.lists(st.tuples(st.integers(0, len(SMALL) - 1), st.sampled_from(CHARACTERS)), min_size=1, max_size=4))
def test_mutated_flow(changes: list[tuple[int, str]]) -> None:
    """A flow in which characters were changed is one still or is refused, at places inside the text."""
    characters = list(SMALL)
    for index, character in changes:
        characters[index] = character
    text = "".join(characters)
    assert [] == [at for at in flow_or_places(text) if not is_inside(at, text)]


@settings(max_examples=150)
@given(st.data())
def test_value_of_another_kind(data: st.DataObject) -> None:
    """A value of any kind in the place of another is taken or refused, never an accident."""
    lines = SMALL.splitlines()
    number = data.draw(st.sampled_from([i for i, line in enumerate(lines) if ": " in line]))
    other = data.draw(st.sampled_from(["[]", "{}", "7", "1.5", "true", "null", "''", "[{a: [1]}]", "{id: x, type: y}"]))
    lines[number] = f"{lines[number].partition(': ')[0]}: {other}"
    text = "\n".join(lines)
    assert [] == [at for at in flow_or_places(text) if not is_inside(at, text)]


@pytest.mark.parametrize("path", sorted(FLOWS.glob("*/*.yaml")), ids=lambda path: path.stem)
def test_places_inside(path: Path) -> None:
    """All that is said about a flow of the golden pairs lies inside its file."""
    text = path.read_bytes()
    assert [] == [at for at in flow_or_places(text) if not is_inside(at, text)]


def test_specs() -> None:
    """A flow's tasks are specs, also those inside tasks, each with its path; what the engine reads is typed."""
    flow = load_text(SMALL)
    expected = [
        ("group", ("tasks", 0)),
        ("one", ("tasks", 0, "tasks", 0)),
        ("two", ("tasks", 1)),
        ("three", ("tasks", 1, "cases", "x", 0)),
    ]
    assert expected == [(spec.id, spec.path) for spec in iter_tasks(flow.tasks)]
    one = next(spec for spec in iter_tasks(flow.tasks) if spec.id == "one")
    assert "{{ inputs.a }}" == one.data["message"]
    assert one.settings.retry is not None
    assert "constant" == one.settings.retry.type
    assert isinstance(one, TaskSpec)
    assert issubclass(one.kind, Node)


@pytest.mark.parametrize(
    ("change", "same"),
    [
        pytest.param(("id: small", "# why\nid:   small"), True, id="comments and spaces"),
        pytest.param(("type: INT, defaults: 1", "defaults: 1, type: INT"), True, id="order of keys"),
        pytest.param(("io.kestra.plugin.core.log.Log", "io.kestra.core.tasks.log.Log"), True, id="old spelling"),
        pytest.param(("defaults: 1", "defaults: 2"), False, id="a value"),
        pytest.param(("id: two", "id: zwei"), False, id="an id"),
    ],
)
def test_digest(change: tuple[str, str], same: bool) -> None:  # noqa: FBT001  a column of the table
    """The digest names what would run: it differs exactly when that does."""
    assert same is (load_text(SMALL).digest == load_text(SMALL.replace(*change)).digest)


def test_text_of_any_line_ends() -> None:
    """Lines may end as on Windows, and a byte order mark may come first."""
    assert load_text(SMALL).digest == load_text("\ufeff" + SMALL.replace("\n", "\r\n")).digest


@pytest.mark.parametrize("where", ["tasks", "errors", "finally", "afterExecution"])
def test_lists_of_tasks(where: str) -> None:
    """Each list of tasks of a flow is checked."""
    text = (
        f"id: x\nnamespace: y\ntasks: [{{id: a, type: io.kestra.plugin.core.execution.Fail}}]\n{where}:\n  - {{id: b}}"
    )
    text = text if where != "tasks" else "id: x\nnamespace: y\ntasks:\n\n  - {id: b}"
    assert ["f.yaml:5:5: WD203 this task has no 'type' (wdprefect types lists them)"] == refused(text)


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("depth: 3", id="unknown to the flow"),
        pytest.param("tasks_: []", id="the name that Python uses"),
        pytest.param("after_execution: []", id="not in camel case"),
    ],
)
def test_names_of_python(line: str) -> None:
    """A property has one name, the one of YAML."""
    (problem,) = refused(SMALL + line)
    assert f"WD201 unknown property '{line.partition(':')[0]}'" in problem


def test_template_fits_everything() -> None:
    """A template may stand where a number, a list or a duration is wanted: it counts once it is rendered."""
    text = SMALL.replace("value: x", "value: x\n    allowFailure: false\n    timeout: '{{ inputs.a }}'")
    assert "small" == load_text(text).id
    loop = "id: x\nnamespace: y\ntasks:\n  - {id: a, type: io.kestra.plugin.core.flow.Sleep, duration: '{{ 1 }}'}"
    assert "x" == load_text(loop).id
