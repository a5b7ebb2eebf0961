"""Filters of data: JSON, YAML, and jq programs."""

from __future__ import annotations

from typing import Any

from wdprefect.expressions import jq_program, values, yaml_text
from wdprefect.expressions.arguments import text


def to_json(value: Any) -> str:
    """The value as compact JSON; null entries of maps are left out."""
    return values.to_json(value)


# The name that older flows use.
def json(value: Any) -> str:
    """The value as compact JSON, by the older name."""
    return values.to_json(value)


def yaml(value: Any) -> str:
    """The value as YAML in block style, with a line end; null is the word alone."""
    return "null" if value is None else yaml_text.dump(value)


def jq(value: Any, expression: Any) -> list[Any] | None:
    """All outputs of a jq program as a list; a text is read as JSON first."""
    program = text(expression, "expression")
    return None if value is None else jq_program.run(program, value)
