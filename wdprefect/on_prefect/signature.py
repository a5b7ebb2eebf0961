"""A flow's inputs as parameters of a Prefect flow.

There are two signatures: one whose defaults are plain values, for runs, and one whose defaults carry title, description
and order, for the form. Prefect reads the second from the flow and the first from its function.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from inspect import Parameter, Signature
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr

from wdprefect.errors import InvalidFlow, Problem
from wdprefect.model.flow import Flow
from wdprefect.model.inputs import (
    ArrayInput,
    FloatInput,
    InputBase,
    IntInput,
    MultiselectInput,
    SecretInput,
    SelectInput,
    StringInput,
)
from wdprefect.on_prefect.names import parameter_name

# A parameter that a run has and the form has not: what a trigger knows. As JSON text: Prefect interprets JSON values.
TRIGGER = "wdprefect_trigger"
_PLAIN: Mapping[str, Any] = {
    "STRING": str,
    "SECRET": SecretStr,
    "SELECT": str,
    "ENUM": str,
    "INT": int,
    "FLOAT": float,
    "BOOLEAN": bool,
    "BOOL": bool,
    "DATE": date,
    "DATETIME": datetime,
    "TIME": time,
    "DURATION": timedelta,
    "FILE": str,
    "URI": str,
    "EMAIL": str,
}


@dataclass(frozen=True, slots=True)
class Parameters:
    """The two signatures, the input that each parameter stands for, and the parameters that are secret."""

    run: Signature
    form: Signature
    inputs: Mapping[str, str]
    secret: frozenset[str]

    def given(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The inputs of a run from the values of its parameters; what has no value is left out."""
        return {
            self.inputs[name]: _plain(value)
            for name, value in values.items()
            if name in self.inputs and value is not None
        }


def parameters_of(flow: Flow) -> Parameters:
    """The parameters of a flow. Raises InvalidFlow when two inputs would share one."""
    problems = list(_clashes(flow))
    if problems:
        raise InvalidFlow(problems)
    run, form, names = [], [], {}
    for position, item in enumerate(flow.inputs):
        name = parameter_name(item.id)
        names[name] = item.id
        kind = _annotation(item)
        default, field = _default(item), _field(item, position)
        run.append(Parameter(name, Parameter.KEYWORD_ONLY, annotation=kind, default=default))
        form.append(Parameter(name, Parameter.KEYWORD_ONLY, annotation=kind, default=field))
    hidden = Parameter(TRIGGER, Parameter.KEYWORD_ONLY, annotation=str | None, default=None)
    secret = frozenset(parameter_name(item.id) for item in flow.inputs if isinstance(item, SecretInput))
    return Parameters(Signature([*run, hidden]), Signature(form), names, secret)


def open_signature(flow: Flow) -> Signature:
    """A parameter for each input that takes anything or nothing: of a run whose inputs are known already."""
    names = sorted({parameter_name(item.id) for item in flow.inputs})
    return Signature([Parameter(name, Parameter.KEYWORD_ONLY, annotation=Any, default=None) for name in names])


def _clashes(flow: Flow) -> Iterator[Problem]:
    seen: dict[str, str] = {TRIGGER: "what a trigger knows"}
    for i, item in enumerate(flow.inputs):
        name = parameter_name(item.id)
        if name in seen:
            at = flow.at(("inputs", i, "id"))
            message = f"the input '{item.id}' would be the parameter '{name}', as '{seen[name]}' is"
            yield Problem(at, "WD420", message, "rename one of them")
        seen[name] = item.id


def _annotation(item: InputBase) -> Any:
    kind = _kind(item)
    return kind if item.required or kind is Any else kind | None


def _kind(item: InputBase) -> Any:
    match item:
        case SelectInput(values=[_, *_] as values, allow_custom_value=False):
            return Literal[tuple(values)]
        case MultiselectInput():
            choices = item.values or item.options
            return list[Literal[tuple(choices)]] if choices and not item.allow_custom_value else list[Any]  # type: ignore[misc]
        case ArrayInput():
            return list[_PLAIN.get(item.item_type, Any)]  # type: ignore[misc]  # the type is known at run time
        case IntInput() | FloatInput():
            plain = int if isinstance(item, IntInput) else float
            return Annotated[plain, Field(ge=item.min, le=item.max)] if (item.min, item.max) != (None, None) else plain
        case SecretInput():
            return SecretStr
        case StringInput(validator=str() as pattern):
            return Annotated[str, Field(pattern=f"^(?:{pattern})$")]
        case _:
            return _PLAIN.get(getattr(item, "type", ""), Any)


def _default(item: InputBase) -> Any:
    if item.defaults is not None and not isinstance(item, SecretInput):
        try:
            return item.convert(item.defaults)
        except ValueError:
            # A template, or a value that the run will refuse with its reason.
            return item.defaults
    return Parameter.empty if item.required and item.defaults is None else None


def _field(item: InputBase, position: int) -> Any:
    extra: dict[str, Any] = {"position": position, "title": item.display_name or item.id}
    if getattr(item, "type", "") in {"FILE", "URI"}:
        extra["format"] = "uri"
    default = _default(item)
    first = ... if default is Parameter.empty else default
    return Field(first, description=item.description, json_schema_extra=extra)


def _plain(value: Any) -> Any:
    return value.get_secret_value() if isinstance(value, SecretStr) else value
