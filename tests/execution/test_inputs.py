"""What a run is given, and what its flow sees of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from wdprefect.api import run
from wdprefect.errors import InvalidInput
from wdprefect.execution.inputs import nested, resolve_inputs, unchecked_inputs
from wdprefect.loader import load_text
from wdprefect.masking import Masker
from wdprefect.model.flow import Flow


def a_flow(inputs: str) -> Flow:
    task = "tasks: [{id: t, type: io.kestra.plugin.core.execution.Fail}]"
    return load_text(f"id: x\nnamespace: y\n{task}\ninputs:\n{inputs}")


def resolved(inputs: str, given: dict[str, Any]) -> Mapping[str, Any]:
    return resolve_inputs(a_flow(inputs), given, take_file=lambda name, value: f"{name}<{value}>", masker=Masker())


DOTTED = "  - {id: db.host, type: STRING}\n  - {id: db.port, type: INT, defaults: 5432}\n"
DEPENDENT = """
  - {id: c, type: STRING, dependsOn: {inputs: [b]}}
  - {id: b, type: STRING, required: false, dependsOn: {inputs: [a], condition: "{{ inputs.a == 'yes' }}"}}
  - {id: a, type: STRING}
"""
CIRCLE = "  - {id: a, type: STRING, dependsOn: {inputs: [b]}}\n  - {id: b, type: STRING, dependsOn: {inputs: [a]}}\n"
BROKEN = """
  - {id: a, type: STRING}
  - {id: b, type: STRING, dependsOn: {inputs: [a], condition: "{{ inputs.a.b.c.d }}"}}
"""


@pytest.mark.parametrize(
    ("inputs", "given", "expected"),
    [
        pytest.param("  - {id: a, type: INT}", {"a": "7"}, {"a": 7}, id="converted"),
        pytest.param("  - {id: a, type: INT, defaults: 3}", {}, {"a": 3}, id="default"),
        pytest.param("  - {id: a, type: INT, defaults: 3}", {"a": None}, {"a": 3}, id="null is not given"),
        pytest.param(
            "  - {id: a, type: STRING, prefill: x, required: false}", {}, {"a": None}, id="prefill is no default"
        ),
        pytest.param("  - {id: a, type: STRING, required: false}", {}, {"a": None}, id="optional"),
        pytest.param("  - {id: a, type: DURATION}", {"a": "PT1M"}, {"a": 60.0}, id="a length is its seconds"),
        pytest.param("  - {id: a, type: FILE}", {"a": "x.csv"}, {"a": "a<x.csv>"}, id="a file is taken"),
        pytest.param(DOTTED, {"db.host": "h"}, {"db": {"host": "h", "port": 5432}}, id="dotted"),
        pytest.param(DOTTED, {"db": {"host": "h", "port": "1"}}, {"db": {"host": "h", "port": 1}}, id="nested"),
        pytest.param(DEPENDENT, {"a": "yes", "b": "x", "c": "y"}, {"a": "yes", "b": "x", "c": "y"}, id="all enabled"),
        pytest.param(DEPENDENT, {"a": "no"}, {"a": "no"}, id="disabled: not asked for"),
        pytest.param(DEPENDENT, {"a": "no", "b": "x", "c": "y"}, {"a": "no"}, id="disabled: what is given is dropped"),
        pytest.param(CIRCLE, {"a": "x", "b": "y"}, {}, id="a circle enables nothing"),
        pytest.param(BROKEN, {"a": "x"}, {"a": "x"}, id="a condition that cannot be rendered"),
    ],
)
def test_resolved(inputs: str, given: dict[str, Any], expected: dict[str, Any]) -> None:
    """Inputs are converted, completed, nested by their dots, and left out when disabled."""
    assert expected == resolved(inputs, given)


@pytest.mark.parametrize(
    ("inputs", "given", "name", "reason"),
    [
        pytest.param("  - {id: a, type: INT}", {}, "a", "missing required input", id="missing"),
        pytest.param("  - {id: a, type: INT}", {"a": None}, "a", "missing required input", id="null"),
        pytest.param(
            "  - {id: a, type: INT}", {"a": "x"}, "a", "Expected `INT` but received `x`, but received `x`", id="wrong"
        ),
        pytest.param("  - {id: a, type: INT}", {"a": 1, "b": 1}, "b", "no such input; it has: a", id="unknown"),
        pytest.param("  []", {"b": 1}, "b", "no such input; it has: none", id="no inputs at all"),
        pytest.param(DOTTED, {"db": {"host": "h", "user": "u"}}, "db.user", "no such input", id="unknown and nested"),
        pytest.param(DEPENDENT, {"a": "yes", "b": "x"}, "c", "missing required input", id="enabled and missing"),
    ],
)
def test_refused(inputs: str, given: dict[str, Any], name: str, reason: str) -> None:
    """A run with a missing, wrong or unknown input is refused by the input's name."""
    with pytest.raises(InvalidInput) as caught:
        resolved(inputs, given)
    assert name == caught.value.name
    assert reason in caught.value.reason


def test_secret() -> None:
    """A secret is hidden from the moment it is given, also from the reason why it is refused."""
    masker = Masker()
    flow = a_flow("  - {id: a, type: SECRET, validator: '[0-9]+'}")
    with pytest.raises(InvalidInput) as caught:
        resolve_inputs(flow, {"a": "battery-staple"}, take_file=lambda name, value: "", masker=masker)
    assert "battery" not in str(caught.value)
    assert "********" == masker.hide("battery-staple")


def test_unchecked() -> None:
    """What a trigger starts has what fits converted, all else as it is, and misses what is missing."""
    flow = a_flow("  - {id: a, type: INT}\n  - {id: b, type: INT}\n  - {id: c, type: INT, defaults: 3}")
    expected = {"a": 7, "c": 3, "x": {"y": 1}}
    assert expected == unchecked_inputs(flow, {"a": "7", "x.y": 1}, Masker())
    assert {"a": "seven", "c": 3} == unchecked_inputs(flow, {"a": "seven"}, Masker())


def test_nested() -> None:
    """Dots lead into maps."""
    assert {"a": {"b": {"c": 1}, "d": 2}, "e": 3} == nested({"a.b.c": 1, "a.d": 2, "e": 3})


def test_a_secret_that_is_called_as_an_input() -> None:
    """The names of inputs are not hidden, not even where a secret's value is one of them."""
    text = (
        "id: a\nnamespace: t\ninputs:\n  - {id: secret, type: SECRET}\n"
        "tasks:\n  - {id: l, type: io.kestra.plugin.core.log.Log, message: x}\n"
    )
    execution = run(load_text(text), inputs={"secret": "secret"}, engine="local")
    assert {"secret": "********"} == execution.inputs
