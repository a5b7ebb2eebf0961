"""What a property takes from YAML, and what it becomes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from wdprefect.model.node import Bool, Duration, Int, Many, Map, Node, Text


class Sample(Node):
    """A property of each kind."""

    text: Text | None = None
    flag: Bool | None = None
    whole: Int | None = None
    length: Duration | None = None
    several: Many[Text] | None = None
    named: Map[Any] | None = None
    two_words: str | None = None
    else_: str | None = None


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("text", "a", "a"),
        ("text", 7, "7"),
        ("text", 1.0, "1.0"),
        ("text", True, "true"),
        ("flag", True, True),
        ("flag", "TRUE", True),
        ("flag", "False", False),
        ("whole", 7, 7),
        ("whole", "7", 7),
        ("whole", -7.9, -7),
        ("length", "PT1M30S", timedelta(seconds=90)),
        ("length", "pt30s", timedelta(seconds=30)),
        ("length", "P1DT1H", timedelta(days=1, hours=1)),
        ("length", "PT0.2S", timedelta(milliseconds=200)),
        ("length", "-PT1S", timedelta(seconds=-1)),
        ("length", " PT1S ", timedelta(seconds=1)),
        ("length", 90, timedelta(seconds=90)),
        ("length", "1.5", timedelta(seconds=1.5)),
        ("several", ["a", 1], ["a", "1"]),
        ("several", '["a", true]', ["a", "true"]),
        ("named", {"a": 1}, {"a": 1}),
        ("named", '{"a": [1]}', {"a": [1]}),
    ],
)
def test_taken(name: str, given: object, expected: object) -> None:
    """A scalar stands for its text, a text for what it spells."""
    actual = getattr(Sample.model_validate({name: given}), name)
    assert (type(expected), expected) == (type(actual), actual)


@pytest.mark.parametrize(
    ("name", "given", "reason"),
    [
        ("text", ["a"], "valid string"),
        ("flag", "yes", "true or false"),
        ("flag", 1, "true or false"),
        ("whole", "seven", "valid integer"),
        ("whole", True, "whole number"),
        ("length", "soon", "duration such as PT30S"),
        ("length", "P", "duration such as PT30S"),
        ("length", True, "duration such as PT30S"),
        ("length", [1], "duration such as PT30S"),
        ("length", "inf", "duration such as PT30S"),
        ("length", "nan", "duration such as PT30S"),
        ("length", 10**20, "duration such as PT30S"),
        ("length", float("inf"), "duration such as PT30S"),
        ("several", "a, b", "holds one as JSON"),
        ("several", '{"a": 1}', "valid list"),
        ("named", "[1]", "valid dictionary"),
        ("two_words", "x", "Extra inputs"),
        ("else_", "x", "Extra inputs"),
        ("unknown", "x", "Extra inputs"),
        ("whole", float("inf"), "finite number"),
    ],
)
def test_refused(name: str, given: object, reason: str) -> None:
    """What does not fit is refused with the reason."""
    with pytest.raises(ValidationError, match=reason):
        Sample.model_validate({name: given})


def test_names() -> None:
    """Names are in camel case outside; a word that Python keeps for itself loses its underscore."""
    sample = Sample.model_validate({"twoWords": "a", "else": "b"})
    assert ("a", "b") == (sample.two_words, sample.else_)
    with pytest.raises(ValidationError, match="frozen"):
        sample.two_words = "c"  # type: ignore[misc]  # that it is refused is the point
