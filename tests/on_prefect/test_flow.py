"""A flow as a Prefect flow: its name, its parameters, its form, and calling it."""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta, timezone
from pathlib import Path
from typing import Any, get_args

import prefect
import pytest
from prefect.exceptions import FailedRun
from prefect.utilities.callables import get_call_parameters, parameter_schema
from pydantic import SecretStr

import wdprefect
from tests.on_prefect.seen import Api
from wdprefect.errors import InvalidFlow, InvalidInput
from wdprefect.loader import load_text
from wdprefect.on_prefect.entrypoints import lazy_flows
from wdprefect.on_prefect.names import entrypoint_name, parameter_name

TYPED = """\
id: typed
namespace: company.team
description: One input of each type.
inputs:
  - {id: text, type: STRING, validator: "[a-z]+", description: lower case only}
  - {id: token, type: SECRET}
  - {id: size, type: SELECT, values: [S, M]}
  - {id: kind, type: ENUM, values: [a, b], defaults: b}
  - {id: sizes, type: MULTISELECT, values: [S, M]}
  - {id: count, type: INT, min: 1, max: 9, defaults: 3}
  - {id: part, type: FLOAT, min: 0.5}
  - {id: shown, type: BOOLEAN, defaults: true}
  - {id: hidden, type: BOOL, required: false}
  - {id: moment, type: DATETIME, defaults: "2026-01-02T03:04:05+01:00"}
  - {id: day, type: DATE, defaults: "2026-01-02"}
  - {id: hour, type: TIME, defaults: "03:04"}
  - {id: length, type: DURATION, defaults: PT1H}
  - {id: my-file, type: FILE, displayName: Your file}
  - {id: data, type: JSON, defaults: '{"a": 1}'}
  - {id: tree, type: YAML, required: false}
  - {id: page, type: URI}
  - {id: mail, type: EMAIL}
  - {id: numbers, type: ARRAY, itemType: INT}
tasks:
  - id: log
    type: io.kestra.plugin.core.log.Log
    message: "{{ inputs.text }}"
outputs:
  - {id: seen, type: JSON, value: "{{ inputs | toJson }}"}
"""
# As the API has them: what JSON can say. The token is no word of the others, which would be hidden with it.
GIVEN: Mapping[str, Any] = {
    "text": "abc",
    "token": "geheimnis",
    "size": "S",
    "sizes": ["M", "S"],
    "part": 1.5,
    "moment": "2026-05-06T07:08:09Z",
    "day": "2026-05-06",
    "hour": "07:08:00",
    "length": "PT2H30M",
    "data": {"b": [1, None]},
    "tree": "a: [1]",
    "page": "https://example.org/x",
    "mail": "a@example.org",
    "numbers": [1, 2],
}
LOG = """\
tasks:
  - id: log
    type: io.kestra.plugin.core.log.Log
    message: {message}
"""


def simple(message: str, inputs: str = "[]", flow_id: str = "simple") -> wdprefect.Flow:
    """A flow that logs a message."""
    head = f"id: {flow_id}\nnamespace: company.team\ninputs: {inputs}\n"
    return load_text(head + LOG.format(message=json.dumps(message)), "flow.yaml")


def called(flow: wdprefect.Flow, **parameters: Any) -> Any:
    """What the Prefect flow returns to its caller."""
    made: Any = wdprefect.to_prefect(flow)
    return asyncio.run(made(**parameters))


def test_what_prefect_sees() -> None:
    """The Prefect flow is async, is named by namespace and id, and its version is the digest of the YAML flow."""
    flow = load_text(TYPED)
    made = wdprefect.to_prefect(flow)
    assert isinstance(made, prefect.Flow)
    assert made.isasync
    assert "company.team.typed" == made.name
    assert flow.digest == made.version
    assert "One input of each type." == made.description
    assert "simple" == wdprefect.to_prefect(simple("a")).description
    assert wdprefect.to_prefect(simple("a")).version != wdprefect.to_prefect(simple("b")).version


@pytest.mark.parametrize(
    ("name", "kind", "default"),
    [
        pytest.param("text", str, inspect.Parameter.empty, id="STRING"),
        pytest.param("token", SecretStr, inspect.Parameter.empty, id="SECRET"),
        pytest.param("size", ("S", "M"), inspect.Parameter.empty, id="SELECT"),
        pytest.param("kind", ("a", "b"), "b", id="ENUM"),
        pytest.param("count", int, 3, id="INT"),
        pytest.param("part", float, inspect.Parameter.empty, id="FLOAT"),
        pytest.param("shown", bool, True, id="BOOLEAN"),
        pytest.param("hidden", bool | None, None, id="an optional BOOL"),
        pytest.param("moment", datetime, datetime(2026, 1, 2, 2, 4, 5, tzinfo=timezone.utc), id="DATETIME"),
        pytest.param("day", date, date(2026, 1, 2), id="DATE"),
        pytest.param("hour", time, time(3, 4), id="TIME"),
        pytest.param("length", timedelta, timedelta(hours=1), id="DURATION"),
        pytest.param("my_file", str, inspect.Parameter.empty, id="FILE"),
        pytest.param("data", Any, {"a": 1}, id="JSON"),
        pytest.param("tree", Any, None, id="an optional YAML"),
        pytest.param("page", str, inspect.Parameter.empty, id="URI"),
        pytest.param("mail", str, inspect.Parameter.empty, id="EMAIL"),
        pytest.param("numbers", list[int], inspect.Parameter.empty, id="ARRAY"),
    ],
)
def test_a_parameter(name: str, kind: Any, default: object) -> None:
    """Each input is a parameter by name only, with its Python type and its default as a value of that type."""
    parameter = inspect.signature(wdprefect.to_prefect(load_text(TYPED)).fn).parameters[name]
    assert inspect.Parameter.KEYWORD_ONLY == parameter.kind
    assert kind in (parameter.annotation, get_args(parameter.annotation), *get_args(parameter.annotation)[:1])
    assert default == parameter.default


FORM: Mapping[str, Mapping[str, Any]] = {
    "text": {"type": "string", "pattern": "^(?:[a-z]+)$", "description": "lower case only"},
    "token": {"type": "string", "format": "password", "writeOnly": True},
    "size": {"type": "string", "enum": ["S", "M"]},
    "kind": {"type": "string", "enum": ["a", "b"], "default": "b"},
    "sizes": {"type": "array", "items": {"type": "string", "enum": ["S", "M"]}},
    "count": {"type": "integer", "minimum": 1, "maximum": 9, "default": 3},
    "part": {"type": "number", "minimum": 0.5},
    "shown": {"type": "boolean", "default": True},
    "hidden": {"anyOf": [{"type": "boolean"}, {"type": "null"}], "default": None},
    "moment": {"type": "string", "format": "date-time", "default": "2026-01-02T02:04:05Z"},
    "day": {"type": "string", "format": "date", "default": "2026-01-02"},
    "hour": {"type": "string", "format": "time", "default": "03:04:00"},
    "length": {"type": "string", "format": "duration", "default": "PT1H"},
    "my_file": {"type": "string", "format": "uri", "title": "Your file"},
    "data": {"default": {"a": 1}},
    "tree": {"default": None},
    "page": {"type": "string", "format": "uri"},
    "mail": {"type": "string"},
    "numbers": {"type": "array", "items": {"type": "integer"}},
}


@pytest.mark.parametrize(("position", "name"), list(enumerate(FORM)), ids=list(FORM))
def test_a_field_of_the_form(position: int, name: str) -> None:
    """The form of a deployment has a field for each input: in the flow's order, with title, limits and default."""
    schema = parameter_schema(wdprefect.to_prefect(load_text(TYPED)))
    assert {"title": name, **FORM[name], "position": position} == schema.properties[name]
    assert ("default" not in FORM[name]) is (name in schema.required)


def test_what_the_form_has_not() -> None:
    """The form has the inputs and nothing else; a secret's default does not stand in it."""
    schema = parameter_schema(wdprefect.to_prefect(load_text(TYPED)))
    assert list(FORM) == list(schema.properties)
    secret = simple("a", "[{id: token, type: SECRET, defaults: geheimnis}]")
    assert "geheimnis" not in str(parameter_schema(wdprefect.to_prefect(secret)))


@pytest.mark.parametrize(
    ("input_id", "expected"),
    [
        ("file", "file"),
        ("my-file", "my_file"),
        ("nested.name", "nested_name"),
        ("1st", "input_1st"),
        ("class", "input_class"),
        ("wait_for", "input_wait_for"),
        ("return_state", "input_return_state"),
        ("v__kwargs", "input_v__kwargs"),
        ("model_config", "input_model_config"),
        ("model_name", "model_name"),
        ("Config", "input_Config"),
    ],
)
def test_names_of_parameters(input_id: str, expected: str) -> None:
    """Each input has a parameter that Prefect takes, by its own name where Prefect takes that."""
    assert expected == parameter_name(input_id)
    made = wdprefect.to_prefect(simple("a", f"[{{id: {input_id}, type: STRING}}]"))
    given = get_call_parameters(made.fn, (), {expected: "given"})
    assert "given" == made.validate_parameters(given)[expected]


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        pytest.param(
            "[{id: a-b, type: STRING}, {id: a_b, type: INT}]",
            "flow.yaml:3:40: WD420 the input 'a_b' would be the parameter 'a_b', as 'a-b' is (rename one of them)",
            id="two inputs",
        ),
        pytest.param(
            "[{id: wdprefect_trigger, type: STRING}]",
            "flow.yaml:3:15: WD420 the input 'wdprefect_trigger' would be the parameter 'wdprefect_trigger', "
            "as 'what a trigger knows' is (rename one of them)",
            id="the trigger",
        ),
    ],
)
def test_inputs_that_clash(inputs: str, message: str) -> None:
    """Inputs that would share a parameter are refused at their place, instead of one hiding the other."""
    with pytest.raises(InvalidFlow) as caught:
        wdprefect.to_prefect(simple("a", inputs))
    assert message == str(caught.value)


def test_flows_that_clash(tmp_path: Path) -> None:
    """Flows that would share an entrypoint are refused with both files."""
    assert entrypoint_name("a.b", "c-d") == entrypoint_name("a", "b.c_d")
    for name, namespace, flow_id in (("first", "a.b", "c-d"), ("second", "a.b", "c_d")):
        (tmp_path / f"{name}.yaml").write_text(f"id: {flow_id}\nnamespace: {namespace}\n" + LOG.format(message="a"))
    with pytest.raises(InvalidFlow) as caught:
        lazy_flows(tmp_path)("a_b_c_d")
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    taken = f"WD421 the entrypoint 'a_b_c_d' is taken by '{first}'"
    assert f"{second}:1:1: {taken} (change an id or a namespace)" == str(caught.value)


@pytest.fixture
def stored_file(prefect_api: str, tmp_path: Path) -> str:
    """The URI of a file in the storage."""
    (tmp_path / "data.csv").write_text("a,b\n")
    execution = wdprefect.run(simple("a", "[{id: file, type: FILE}]"), inputs={"file": tmp_path / "data.csv"})
    return str(execution.inputs["file"])


@pytest.mark.server
def test_calling_it(stored_file: str) -> None:
    """Called with what the API has for its parameters, the flow sees the inputs that a run here sees."""
    flow = load_text(TYPED)
    here = wdprefect.run(flow, engine="local", inputs={**GIVEN, "my-file": stored_file})
    result = called(flow, **GIVEN, my_file=stored_file)
    assert "SUCCESS" == result["state"] == here.state
    assert here.to_dict()["outputs"] == result["outputs"]
    assert stored_file == result["outputs"]["seen"]["my-file"]


@pytest.mark.server
@pytest.mark.parametrize("value", ["{file}", "file://{file}", "/etc/passwd"], ids=["a path", "a URL", "a secret"])
def test_a_local_path_is_refused(api: Api, tmp_path: Path, value: str) -> None:
    """Whoever starts a deployment cannot have it read a file of the machine on which it runs."""
    (tmp_path / "data.csv").write_text("a,b\n")
    flow = simple("a", "[{id: file, type: FILE}]", "paths")
    given = value.format(file=tmp_path / "data.csv")
    with pytest.raises(InvalidInput, match=r"^invalid input 'file': a deployment takes the URI of a stored file"):
        called(flow, file=given)
    failed = [run for run in api.flow_runs("company.team.paths") if run["parameters"]["file"] == given]
    assert ["FAILED"] == [run["state_type"] for run in failed]


@pytest.mark.server
def test_a_trigger(prefect_api: str) -> None:
    """What a trigger knows comes as JSON text, and the flow sees it as its trigger, uninterpreted by Prefect."""
    flow = load_text(
        "id: triggered\nnamespace: company.team\n"
        + LOG.format(message="seen")
        + 'outputs: [{id: seen, type: JSON, value: "{{ trigger | toJson }}"}]\n'
    )
    knows = {"uri": "kestra:///x", "row": {"$ref": "#/a", "__prefect_kind": "json", "value": "{{ 1 }}"}}
    result = called(flow, wdprefect_trigger=json.dumps(knows))
    assert knows == result["outputs"]["seen"]


@pytest.mark.server
def test_a_failure(prefect_api: str) -> None:
    """Whoever calls a flow that fails is told what went wrong, and where."""
    flow = load_text(
        "id: failing\nnamespace: company.team\ntasks:\n  - {id: a, type: io.kestra.plugin.core.execution.Fail}\n",
        "failing.yaml",
    )
    with pytest.raises(FailedRun) as caught:
        called(flow)
    assert "failing.yaml:4:5: task 'a': Task failure" == str(caught.value)


@pytest.mark.server
def test_inside_a_running_loop(prefect_api: str) -> None:
    """A run can be started where an event loop runs already, as in a notebook."""

    async def main() -> wdprefect.Execution:
        return wdprefect.run(simple("hello"))

    execution = asyncio.run(main())
    assert ("SUCCESS", ["hello"]) == (execution.state, [record.message for record in execution.logs])


@pytest.mark.server
def test_inputs_are_checked_first(api: Api) -> None:
    """A run here whose inputs are wrong is refused before there is a flow run."""
    flow = simple("a", "[{id: count, type: INT}]", "checked")
    with pytest.raises(InvalidInput, match="count"):
        wdprefect.run(flow, inputs={"count": "many"})
    assert [] == api.flow_runs("company.team.checked")
