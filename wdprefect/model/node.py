"""The base of what is read from YAML, and the kinds of value that properties have.

Conversions are those of Kestra's reader: a scalar stands for its text, a text for a number or a boolean that it spells,
and a text that an expression gave stands for the list or map whose JSON it is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from math import isfinite
from types import MappingProxyType
from typing import Annotated, ClassVar, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, TypeAdapter
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

T = TypeVar("T")


def _alias(name: str) -> str:
    return to_camel(name.rstrip("_"))


class Node(BaseModel):
    """A mapping of the flow's YAML: immutable, unknown keys refused, camelCase outside and snake_case inside."""

    # Properties that Kestra has and this package does not, by their names in YAML: what to do instead.
    unsupported: ClassVar[Mapping[str, str]] = MappingProxyType({})

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        alias_generator=_alias,
        arbitrary_types_allowed=True,
        validate_default=False,
        # A flow uses few of the kinds that there are; building them all takes 40 ms.
        defer_build=True,
        protected_namespaces=(),
    )


@dataclass(frozen=True, slots=True)
class Marker:
    """How a property is treated before its task runs: see LATE, TYPED, CHILDREN and RUNNER."""

    name: str


# Rendered by its owner when it is needed, not before the task runs.
LATE = Marker("late")
# A sole expression keeps the type of its value, instead of becoming text first.
TYPED = Marker("typed")
# Tasks inside the task; rendered when they run.
CHILDREN = Marker("children")
# A task runner with a type of its own.
RUNNER = Marker("runner")


def _to_text(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        from wdprefect.expressions import to_text  # saves loading the expression language for flows without numbers

        return to_text(value)
    return value


def _to_bool(value: object) -> object:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    msg = "it must be true or false"
    raise ValueError(msg)


def _to_int(value: object) -> object:
    if isinstance(value, bool):
        msg = "it must be a whole number"
        raise ValueError(msg)  # noqa: TRY004  pydantic reports a ValueError, a TypeError would pass through it
    return int(value) if isinstance(value, float) and isfinite(value) else value


def _json_if_text(value: object) -> object:
    if isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError:
            msg = "it must be a list or a map, or a text that holds one as JSON"
            raise ValueError(msg) from None
    return value


def _to_duration(value: object) -> object:
    if isinstance(value, str):
        text = value.strip().upper()
        if text.startswith(("P", "-P", "+P")):
            return _iso_duration(text)
        return _seconds(text)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _seconds(value)
    if isinstance(value, timedelta):
        return value
    raise ValueError(_DURATION)


_DURATION = "it must be a duration such as PT30S, PT1H or P1D, or a number of seconds"


def _seconds(value: str | float) -> timedelta:
    try:
        return timedelta(seconds=float(value))
    except (ValueError, OverflowError):
        raise ValueError(_DURATION) from None


def _iso_duration(text: str) -> timedelta:
    try:
        return _timedelta().validate_python(text)
    except ValueError:
        raise ValueError(_DURATION) from None


@cache
def _timedelta() -> TypeAdapter[timedelta]:
    return TypeAdapter(timedelta)


def problem(code: str, message: str, hint: str, *at: str | int) -> PydanticCustomError:
    """An error for validators to raise: what is wrong with a property as a problem with a code of its own.

    at: where the property lies in the node, by the names in YAML.
    """
    return PydanticCustomError(code, message, {"at": at, "hint": hint})


# The types of the schema are what may be written, which is more than what comes out.
Text = Annotated[str, BeforeValidator(_to_text, json_schema_input_type=str | float | bool)]
Bool = Annotated[bool, BeforeValidator(_to_bool)]
Int = Annotated[int, BeforeValidator(_to_int)]
Duration = Annotated[timedelta, BeforeValidator(_to_duration, json_schema_input_type=str | float)]
Many = Annotated[list[T], BeforeValidator(_json_if_text)]
Map = Annotated[dict[str, T], BeforeValidator(_json_if_text)]
Late = Annotated[T, LATE]
Typed = Annotated[T, TYPED]
