"""What tasks show to those behind them, and the states of several together."""

from __future__ import annotations

from typing import Any

import pytest

from wdprefect.execution.outputs import with_value, without_nulls
from wdprefect.execution.states import combine, softened, stops
from wdprefect.model.task import Settings, State


@pytest.mark.parametrize(
    ("data", "path", "value", "expected"),
    [
        pytest.param({}, ("a",), {"v": 1}, {"a": {"v": 1}}, id="first"),
        pytest.param({"a": {"v": 1}}, ("b",), {"v": 2}, {"a": {"v": 1}, "b": {"v": 2}}, id="beside"),
        pytest.param({"a": {"v": 1, "w": 1}}, ("a",), {"v": 2}, {"a": {"v": 2, "w": 1}}, id="merged"),
        pytest.param({}, ("a", "x", "y"), {"v": 1}, {"a": {"x": {"y": {"v": 1}}}}, id="below values of loops"),
        pytest.param({"a": 1}, ("a", "x"), {"v": 1}, {"a": {"x": {"v": 1}}}, id="in place of what is no map"),
        pytest.param({"a": {}}, (), {"b": {}}, {"a": {}, "b": {}}, id="at the top"),
    ],
)
def test_with_value(
    data: dict[str, Any], path: tuple[str, ...], value: dict[str, Any], expected: dict[str, Any]
) -> None:
    """A value is merged into a copy: whoever holds the map sees no change."""
    before = repr(data)
    assert expected == with_value(data, path, value)
    assert before == repr(data)


def test_without_nulls() -> None:
    """Entries without a value vanish from maps at any depth; lists keep theirs."""
    expected = {"a": {"b": [None, {"d": 1}]}}
    assert expected == without_nulls({"a": {"b": [None, {"c": None, "d": 1}], "e": None}, "f": None})


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ([], "SUCCESS"),
        (["SKIPPED", "SUCCESS"], "SUCCESS"),
        (["SUCCESS", "WARNING", "SUCCESS"], "WARNING"),
        (["WARNING", "FAILED"], "FAILED"),
        (["FAILED", "KILLED"], "KILLED"),
    ],
)
def test_combine(states: list[State], expected: State) -> None:
    """Several tasks together are as bad as the worst of them."""
    assert expected == combine(states)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, ["SUCCESS", "WARNING", "FAILED", "KILLED"]),
        ({"allowFailure": True}, ["SUCCESS", "WARNING", "WARNING", "KILLED"]),
        ({"allowWarning": True}, ["SUCCESS", "SUCCESS", "FAILED", "KILLED"]),
        ({"allowFailure": True, "allowWarning": True}, ["SUCCESS", "SUCCESS", "SUCCESS", "KILLED"]),
    ],
)
def test_softened(settings: dict[str, bool], expected: list[State]) -> None:
    """A failure that is allowed is a warning, a warning that is allowed a success."""
    states: list[State] = ["SUCCESS", "WARNING", "FAILED", "KILLED"]
    assert expected == [softened(state, Settings.model_validate(settings)) for state in states]
    assert [False, False, True, True] == [stops(state) for state in states]
