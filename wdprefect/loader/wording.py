"""The words for what is wrong with a value: what it must be, and what it is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any

from pydantic_core import ErrorDetails

from wdprefect.loader.lines import excerpt
from wdprefect.model.task import TaskSpec

# pydantic's names for values of the wrong kind; of some it says which one is wanted in words of its own.
_KINDS = {
    "string_type": "a text",
    "list_type": "a list",
    "dict_type": "a map",
    "model_type": "a map",
    "model_attributes_type": "a map",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
}
_MUST = "it must be "


def must_be(kinds: Iterable[str], value: Any) -> str:
    """What a value must be, and what it is instead; `kinds` may hold one more than once."""
    wanted = _MUST + " or ".join(dict.fromkeys(kinds))
    if isinstance(value, dict) and " with " in wanted:
        return f"{wanted}, not a map without them"
    return f"{wanted}, but it is empty" if value in (None, "") else f"{wanted}, not {shown(value)}"


def kind_wanted(detail: ErrorDetails) -> str | None:
    """The kind of value that was wanted, such as `a list`; None when the kind is not what is wrong."""
    match detail["type"]:
        case "is_instance_of":
            is_task = detail.get("ctx", {}).get("class") == "TaskSpec"
            return f"a {'task' if is_task else 'trigger'} with an 'id' and a 'type'"
        case "value_error" if (reason := str(detail.get("ctx", {}).get("error"))).startswith(_MUST):
            return reason.removeprefix(_MUST)
        case kind:
            return _KINDS.get(kind)


def reason(detail: ErrorDetails) -> str:
    """What is wrong with a value whose kind is right."""
    context, value = detail.get("ctx", {}), detail["input"]
    match detail["type"]:
        case "literal_error":
            return _none_of(value, context["expected"])
        case "union_tag_invalid":
            return _none_of(value["type"], context["expected_tags"])
        case "union_tag_not_found":
            return "it has no 'type'"
        case "too_short" | "string_too_short":
            return "it must not be empty"
        case "string_pattern_mismatch":
            return f"'{value}' does not match {context['pattern']}" if value else "it must not be empty"
        case "string_too_long":
            return f"it has {len(value)} characters, at most {context['max_length']} are allowed"
        case "value_error":
            return str(context.get("error", detail["msg"]))
        case _:
            message = detail["msg"].removeprefix("Input ").removeprefix("Value error, ")
            return f"it must {message.removeprefix('should ')}" if message.startswith("should ") else message


def hint(detail: ErrorDetails, kinds: list[str]) -> str | None:
    """The next step, where one can be guessed; `kinds` are those that were wanted."""
    value = detail["input"]
    if isinstance(value, TaskSpec) and detail["type"] == "model_type":
        # Only a Dag has entries that hold a task; people leave it out.
        return "write it below '- task:'"
    if kinds:
        if kinds == ["a list"]:
            return "start each entry with '- '"
        return "put it in quotes" if "a text" in kinds and isinstance(value, int | float) else None
    allowed = detail.get("ctx", {}).get("expected" if detail["type"] == "literal_error" else "expected_tags")
    if allowed is None:
        return None
    chosen = value["type"] if detail["type"] == "union_tag_invalid" else value
    return did_you_mean(str(chosen), re.findall(r"'([^']+)'", allowed))


def did_you_mean(name: str, known: Sequence[str]) -> str | None:
    """The hint at the known name that looks like this one, if there is one."""
    near = [k for k in known if k.lower() == name.lower()] or get_close_matches(name, known, n=1, cutoff=0.6)
    return f"did you mean '{near[0]}'?" if near else None


def _none_of(value: Any, allowed: str) -> str:
    if isinstance(value, str) and value:
        return f"'{excerpt(value)}' is none of {allowed}"
    return must_be([f"one of {allowed}"], value)


def shown(value: Any) -> str:
    """What a value is, such as `a list` or `the number 7`."""
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return f"the number {value}"
        case str():
            return f"the text '{excerpt(value)}'"
        case list():
            return "a list"
        case dict() if not value:
            return "an empty map"
        case TaskSpec():
            return "a task"
    return "a map"
