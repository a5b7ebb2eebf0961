"""Inputs: what each type takes, what it becomes, and why it refuses the rest."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta, timezone
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from wdprefect.model.inputs import Input, InputBase, convert_as, is_kind

NOON = datetime(2031, 12, 24, 12, tzinfo=timezone.utc)
CHOICES = {"values": ["one", "2", "true"]}


def an_input(kind: str, **settings: Any) -> InputBase:
    made: InputBase = TypeAdapter[Any](Input).validate_python({"id": "x", "type": kind, **settings})
    return made


@pytest.mark.parametrize(
    ("kind", "settings", "given", "expected"),
    [
        ("STRING", {}, "a", "a"),
        ("STRING", {}, 7, "7"),
        ("STRING", {}, True, "true"),
        ("STRING", {}, {"a": [1]}, '{"a":[1]}'),
        ("STRING", {"validator": "a+"}, "aaa", "aaa"),
        ("SECRET", {}, "a", "a"),
        ("SELECT", CHOICES, "one", "one"),
        ("SELECT", CHOICES, 2, "2"),
        ("SELECT", CHOICES, True, "true"),
        ("SELECT", CHOICES | {"allowCustomValue": True}, "three", "three"),
        ("ENUM", CHOICES, "one", "one"),
        ("MULTISELECT", CHOICES, ["one", "2"], ["one", "2"]),
        ("MULTISELECT", CHOICES, '["one"]', ["one"]),
        ("MULTISELECT", {"options": ["1", "2"], "itemType": "INT"}, ["2"], [2]),
        ("INT", {}, "7", 7),
        ("INT", {}, 7.0, 7),
        ("INT", {"min": 1, "max": 7}, 7, 7),
        ("FLOAT", {}, "1.5", 1.5),
        ("FLOAT", {"min": 1}, 1, 1.0),
        ("BOOL", {}, "True", True),
        ("BOOL", {}, "yes", False),
        ("BOOLEAN", {}, False, False),
        ("DATETIME", {}, "2031-12-24T13:00:00+01:00", NOON),
        ("DATETIME", {}, NOON, NOON),
        ("DATETIME", {"before": "2031-12-24T12:00:00Z"}, "2031-12-24T12:00:00Z", NOON),
        ("DATE", {}, "2031-12-24", date(2031, 12, 24)),
        ("DATE", {}, NOON, date(2031, 12, 24)),
        ("TIME", {}, "07:05", time(7, 5)),
        ("TIME", {}, "07:05:09", time(7, 5, 9)),
        ("DURATION", {}, "PT1M30S", timedelta(seconds=90)),
        ("DURATION", {"min": "PT1S"}, "pt1s", timedelta(seconds=1)),
        ("JSON", {}, '{"a": [1, null]}', {"a": [1, None]}),
        ("JSON", {}, {"a": 1}, {"a": 1}),
        ("YAML", {}, "a: [1, x]", {"a": [1, "x"]}),
        ("URI", {}, "https://example.org/x?y=1", "https://example.org/x?y=1"),
        ("EMAIL", {}, "ada@example.org", "ada@example.org"),
        ("EMAIL", {}, "", ""),
        ("ARRAY", {"itemType": "INT"}, "[1, 2]", [1, 2]),
        ("ARRAY", {"itemType": "STRING"}, [1, "b"], ["1", "b"]),
        ("ARRAY", {"itemType": "JSON"}, [{"a": 1}], [{"a": 1}]),
    ],
)
def test_taken(kind: str, settings: dict[str, Any], given: object, expected: object) -> None:
    """A value becomes what its type says."""
    actual = an_input(kind, **settings).convert(given)
    assert (type(expected), expected) == (type(actual), actual)


@pytest.mark.parametrize(
    ("kind", "settings", "given", "reason"),
    [
        ("STRING", {"validator": "a+"}, "aab", "it must match the pattern `a+`"),
        ("SELECT", CHOICES, "three", "it must match the values `[one, 2, true]`"),
        ("MULTISELECT", CHOICES, ["one", "three"], "it must match the values `[one, 2, true]`"),
        ("MULTISELECT", CHOICES, "one", "Expected `ARRAY` but received `one`"),
        ("INT", {}, "seven", "Expected `INT` but received `seven`"),
        ("INT", {}, "1.5", "Expected `INT` but received `1.5`"),
        ("INT", {}, 1.5, "Expected `INT` but received `1.5`"),
        ("INT", {}, True, "Expected `INT` but received `True`"),
        ("INT", {}, [1], "Expected `INT` but received `[1]`"),
        ("INT", {"min": 5}, 4, "it must be more than `5`"),
        ("INT", {"max": 5}, 6, "it must be less than `5`"),
        ("FLOAT", {}, "x", "Expected `FLOAT` but received `x`"),
        ("FLOAT", {}, "nan", "Expected `FLOAT` but received `nan`"),
        ("FLOAT", {}, "1e999", "Expected `FLOAT` but received `1e999`"),
        ("FLOAT", {"max": 1.5}, 2, "it must be less than `1.5`"),
        ("DATETIME", {}, "2031-12-24T12:00:00", "Expected `DATETIME` but received `2031-12-24T12:00:00`"),
        ("DATETIME", {}, "soon", "Expected `DATETIME` but received `soon`"),
        ("DATETIME", {"after": NOON}, "2031-12-24T11:00:00Z", "it must be after `2031-12-24T12:00:00Z`"),
        ("DATE", {}, "2031-13-01", "Expected `DATE` but received `2031-13-01`"),
        ("DATE", {"before": "2031-12-24"}, "2031-12-25", "it must be before `2031-12-24`"),
        ("TIME", {}, "25:00", "Expected `TIME` but received `25:00`"),
        ("TIME", {"after": "08:00"}, "07:05", "it must be after `08:00`"),
        ("DURATION", {}, "soon", "Expected `DURATION` but received `soon`"),
        ("DURATION", {"max": "PT26H3M4S"}, "P2D", "It must be less than `PT26H3M4S`"),
        ("JSON", {}, "{", "Expected `JSON` but received `{` with errors: Expecting property name"),
        ("YAML", {}, "a: [", "Expected `YAML` but received `a: [` with errors: while parsing"),
        pytest.param("JSON", {}, "[" * 100_000, "Expected `JSON` but received `[[[", id="deep JSON"),
        pytest.param("YAML", {}, "[" * 20_000, "Expected `YAML` but received `[[[", id="deep YAML"),
        pytest.param("ARRAY", {"itemType": "INT"}, "[" * 100_000, "Expected `ARRAY` but", id="deep array"),
        ("URI", {}, "example", "Expected `URI` but received `example`"),
        ("EMAIL", {}, "ada", "The input must be a valid email"),
        ("ARRAY", {"itemType": "INT"}, "1", "Expected `ARRAY` but received `1`"),
        ("ARRAY", {"itemType": "INT"}, [1, "b"], "Unable to parse array element as `INT` on `b`"),
    ],
)
def test_refused(kind: str, settings: dict[str, Any], given: object, reason: str) -> None:
    """What does not fit is refused with the words that Kestra has for it."""
    with pytest.raises(ValueError, match=re.escape(reason)):
        an_input(kind, **settings).convert(given)


@pytest.mark.parametrize(
    ("kind", "settings", "reason"),
    [
        ("TEXT", {}, "does not match any of the expected tags"),
        ("STRING", {"validator": "("}, "invalid pattern"),
        ("STRING", {"defaults": "a", "prefill": "b"}, "both 'defaults' and 'prefill'"),
        ("FILE", {"defaults": "a"}, "no `defaults` can be set"),
        ("ARRAY", {}, "itemType"),
        ("ARRAY", {"itemType": "ARRAY"}, "cannot be `ARRAY`"),
        ("ARRAY", {"itemType": "TEXT"}, "unknown `itemType` 'TEXT'"),
        ("ARRAY", {"itemType": "SELECT"}, "unknown `itemType` 'SELECT'"),
        ("MULTISELECT", {"itemType": "TEXT"}, "unknown `itemType` 'TEXT'"),
        ("STRING", {"dependsOn": {"inputs": []}}, "at least 1 item"),
        ("INT", {"validator": "a"}, "Extra inputs"),
    ],
)
def test_declarations(kind: str, settings: dict[str, Any], reason: str) -> None:
    """An input that could never be given is refused with the flow."""
    with pytest.raises(ValidationError, match=reason):
        an_input(kind, **settings)


def test_outputs_of_a_type() -> None:
    """Outputs of flows are converted by the same rules."""
    assert 7 == convert_as("INT", "7")
    assert [1] == convert_as("ARRAY", "[1]", "INT")
    assert ["1"] == convert_as("ARRAY", [1])
    assert (True, False) == (is_kind("DATE"), is_kind("TEXT"))
