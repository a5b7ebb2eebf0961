"""Inputs of a flow: what each type accepts and what it becomes.

Reasons are worded as Kestra words them, since people search for them.
Source: Kestra's package io.kestra.core.models.flows.input.
"""

from __future__ import annotations

import json
import re
from datetime import date, datetime, time, timedelta, timezone
from math import isfinite
from typing import Annotated, Any, Literal

import yaml
from pydantic import Discriminator, Field, field_validator, model_validator

from wdprefect.model.conversions import (
    LENGTHS,
    MOMENTS,
    NUMBERS,
    as_list,
    between,
    checked_pattern,
    expected,
    iso_duration,
    iso_moment,
    matching,
    one_of,
    parsed,
    short_time,
)
from wdprefect.model.node import Bool, Duration, Int, Late, Node, Text

_URI = re.compile(r"[a-z]+://[^/\s]*[^/\s.]\.[a-zA-Z]{1,6}(:\d+)?(/\S*)?")
_EMAIL = re.compile(r"|\S+@\S+")


class DependsOn(Node):
    """Other inputs that must be enabled, and a condition that must hold, for an input to count."""

    inputs: list[str] = Field(min_length=1)
    condition: Late[Text | None] = None


class InputBase(Node):
    """What every input has. `convert` gives the value that flows see, or raises ValueError with the reason."""

    id: str = Field(pattern=r"^[a-zA-Z0-9][.a-zA-Z0-9_-]*$")
    description: str | None = None
    display_name: str | None = Field(default=None, max_length=64)
    required: Bool = True
    defaults: Any = None
    prefill: Any = None
    depends_on: DependsOn | None = None

    @model_validator(mode="after")
    def _one_proposal(self) -> InputBase:
        if self.defaults is not None and self.prefill is not None:
            msg = "an input cannot have both 'defaults' and 'prefill'"
            raise ValueError(msg)
        return self

    def convert(self, value: Any) -> Any:
        """The value as flows see it. Raises ValueError with the reason."""
        return value

    def _text(self, value: Any) -> str:
        if isinstance(value, dict | list):
            return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
        if isinstance(value, bool):
            return str(value).lower()
        return str(value)


class StringInput(InputBase):
    """A text; `validator` is a regular expression for the whole of it."""

    type: Literal["STRING"]
    validator: str | None = None

    @field_validator("validator")
    @classmethod
    def _compiles(cls, pattern: str | None) -> str | None:
        return checked_pattern(pattern)

    def convert(self, value: Any) -> str:
        return matching(self._text(value), self.validator)


class SecretInput(StringInput):
    """A text that is hidden wherever text is kept."""

    type: Literal["SECRET"]  # type: ignore[assignment]  # the discriminator of another kind


class SelectInput(InputBase):
    """One of several texts."""

    type: Literal["SELECT", "ENUM"]
    values: list[Text] | None = None
    expression: Late[Text | None] = None
    allow_custom_value: Bool = False
    is_radio: Bool = False
    auto_select_first: Bool = False

    def convert(self, value: Any) -> str:
        text = self._text(value)
        if self.values is not None and self.required and not self.allow_custom_value and text not in self.values:
            raise ValueError(one_of(self.values))
        return text


class MultiselectInput(InputBase):
    """Several of several texts: a list, or its JSON."""

    type: Literal["MULTISELECT"]
    values: list[Text] | None = None
    options: list[Text] | None = None
    expression: Late[Text | None] = None
    item_type: str = "STRING"
    allow_custom_value: Bool = False
    auto_select_first: Bool = False

    @field_validator("item_type")
    @classmethod
    def _item_type_fits(cls, name: str) -> str:
        return _item_type(name)

    def convert(self, value: Any) -> list[Any]:
        choices = self.values or self.options
        items = [convert_item(self.item_type, item) for item in as_list(value)]
        if choices is not None and not self.allow_custom_value:
            for item in items:
                if self._text(item) not in choices:
                    raise ValueError(one_of(choices))
        return items


class IntInput(InputBase):
    """A whole number."""

    type: Literal["INT"]
    min: Int | None = None
    max: Int | None = None

    def convert(self, value: Any) -> int:
        if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
            raise ValueError(expected("INT", value))
        try:
            number = int(value)
        except (TypeError, ValueError):
            raise ValueError(expected("INT", value)) from None
        return between(number, (self.min, self.max), NUMBERS)


class FloatInput(InputBase):
    """A number."""

    type: Literal["FLOAT"]
    min: float | None = None
    max: float | None = None

    def convert(self, value: Any) -> float:
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            raise ValueError(expected("FLOAT", value)) from None
        # JSON, which keeps what runs leave, has no word for them.
        if not isfinite(number):
            raise ValueError(expected("FLOAT", value))
        return between(number, (self.min, self.max), NUMBERS)


class BooleanInput(InputBase):
    """True or false; a text is true when it spells `true` in any case."""

    type: Literal["BOOLEAN", "BOOL"]

    def convert(self, value: Any) -> bool:
        return value if isinstance(value, bool) else self._text(value).lower() == "true"


class DateTimeInput(InputBase):
    """A moment: ISO 8601 with a zone or an offset; flows see it in UTC."""

    type: Literal["DATETIME"]
    after: datetime | None = None
    before: datetime | None = None

    def convert(self, value: Any) -> datetime:
        moment = parsed(datetime, "DATETIME", value)
        if moment.tzinfo is None:
            raise ValueError(expected("DATETIME", value))
        return between(moment.astimezone(timezone.utc), (self.after, self.before), MOMENTS, iso_moment)


class DateInput(InputBase):
    """A day, `yyyy-mm-dd`."""

    type: Literal["DATE"]
    after: date | None = None
    before: date | None = None

    def convert(self, value: Any) -> date:
        if isinstance(value, datetime):
            return between(value.date(), (self.after, self.before), MOMENTS)
        return between(parsed(date, "DATE", value), (self.after, self.before), MOMENTS)


class TimeInput(InputBase):
    """A time of day, `HH:mm` or `HH:mm:ss`."""

    type: Literal["TIME"]
    after: time | None = None
    before: time | None = None

    def convert(self, value: Any) -> time:
        return between(parsed(time, "TIME", value), (self.after, self.before), MOMENTS, short_time)


class DurationInput(InputBase):
    """A length of time, ISO 8601 such as `PT30S`."""

    type: Literal["DURATION"]
    min: Duration | None = None
    max: Duration | None = None

    def convert(self, value: Any) -> timedelta:
        length = parsed(timedelta, "DURATION", value)
        return between(length, (self.min, self.max), LENGTHS, iso_duration)


class FileInput(InputBase):
    """A file: flows see its `kestra:///…` URI."""

    type: Literal["FILE"]
    extension: str = ".upl"
    accept: list[str] | None = Field(default=None, alias="accept")
    allowed_file_extensions: list[str] | None = None

    @model_validator(mode="after")
    def _no_defaults(self) -> FileInput:
        if self.defaults is not None:
            msg = "no `defaults` can be set for inputs of type 'FILE'"
            raise ValueError(msg)
        return self


class JsonInput(InputBase):
    """Anything that JSON can say, as a text or as it is."""

    type: Literal["JSON"]

    def convert(self, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except (ValueError, RecursionError) as error:
            raise ValueError(expected("JSON", value, str(error))) from None


class YamlInput(InputBase):
    """Anything that YAML can say, as a text or as it is."""

    type: Literal["YAML"]

    def convert(self, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return yaml.safe_load(value)
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            raise ValueError(expected("YAML", value, str(error).splitlines()[0])) from None


class UriInput(InputBase):
    """An address with a scheme and a host such as `https://example.org/x`."""

    type: Literal["URI"]

    def convert(self, value: Any) -> str:
        if not _URI.fullmatch(self._text(value)):
            raise ValueError(expected("URI", value))
        return self._text(value)


class EmailInput(InputBase):
    """A mail address."""

    type: Literal["EMAIL"]

    def convert(self, value: Any) -> str:
        if not _EMAIL.fullmatch(self._text(value)):
            msg = "The input must be a valid email"
            raise ValueError(msg)
        return self._text(value)


class ArrayInput(InputBase):
    """A list whose items are of one type: a list, or its JSON."""

    type: Literal["ARRAY"]
    item_type: str

    @field_validator("item_type")
    @classmethod
    def _item_type_fits(cls, name: str) -> str:
        if name == "ARRAY":
            msg = "`itemType` cannot be `ARRAY`"
            raise ValueError(msg)
        return _item_type(name)

    def convert(self, value: Any) -> list[Any]:
        return [convert_item(self.item_type, item) for item in as_list(value)]


Input = Annotated[
    StringInput
    | SecretInput
    | SelectInput
    | MultiselectInput
    | IntInput
    | FloatInput
    | BooleanInput
    | DateTimeInput
    | DateInput
    | TimeInput
    | DurationInput
    | FileInput
    | JsonInput
    | YamlInput
    | UriInput
    | EmailInput
    | ArrayInput,
    Discriminator("type"),
]

_KINDS: dict[str, type[InputBase]] = {
    "STRING": StringInput,
    "SECRET": SecretInput,
    "SELECT": SelectInput,
    "ENUM": SelectInput,
    "MULTISELECT": MultiselectInput,
    "INT": IntInput,
    "FLOAT": FloatInput,
    "BOOLEAN": BooleanInput,
    "BOOL": BooleanInput,
    "DATETIME": DateTimeInput,
    "DATE": DateInput,
    "TIME": TimeInput,
    "DURATION": DurationInput,
    "FILE": FileInput,
    "JSON": JsonInput,
    "YAML": YamlInput,
    "URI": UriInput,
    "EMAIL": EmailInput,
    "ARRAY": ArrayInput,
}
_NO_ITEM = frozenset({"ARRAY", "MULTISELECT", "SELECT", "ENUM"})


def _item_type(name: str) -> str:
    if name not in _KINDS or name in _NO_ITEM:
        msg = f"unknown `itemType` '{name}'"
        raise ValueError(msg)
    return name


def convert_item(kind: str, item: Any) -> Any:
    """One item of an ARRAY or MULTISELECT as its type; also what an output of that type becomes."""
    try:
        return _KINDS[kind](id="item", type=kind).convert(item)
    except ValueError:
        msg = f"Unable to parse array element as `{kind}` on `{item}`"
        raise ValueError(msg) from None


def convert_as(kind: str, value: Any, item_type: str | None = None) -> Any:
    """A value as an input of that type would have it: what flow outputs become. Raises ValueError with the reason."""
    extra = {"itemType": item_type or "STRING"} if kind in {"ARRAY", "MULTISELECT"} else {}
    return _KINDS[kind](id="value", type=kind, **extra).convert(value)


def is_kind(name: str) -> bool:
    """Whether inputs of that type exist."""
    return name in _KINDS
