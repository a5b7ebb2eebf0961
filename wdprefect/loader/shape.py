"""What pydantic finds wrong, as problems with a place in the file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from difflib import get_close_matches
from inspect import isclass
from typing import Any, TypeVar, cast, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from wdprefect.errors import Position, Problem
from wdprefect.loader.source import Source
from wdprefect.loader.spellings import Modern
from wdprefect.model.node import Node
from wdprefect.model.task import Path

N = TypeVar("N", bound=Node)


def has_template(value: object) -> bool:
    """Whether a value is, or holds, a text that is rendered before it counts."""
    if isinstance(value, str):
        return "{{" in value or "{%" in value
    if isinstance(value, Mapping):
        return any(has_template(item) for item in value.values())
    return isinstance(value, list) and any(has_template(item) for item in value)


class Findings:
    """The problems of one flow, each at its place; also knows the places of a loaded flow."""

    def __init__(self, source: Source, modern: Modern) -> None:
        self._source, self._modern = source, modern
        self.problems: list[Problem] = []

    def at(self, path: Path) -> Position:
        """Where the value at a path of today's spelling stands in the file."""
        return self._source.at(self._modern.origin(path))

    def at_key(self, path: Path) -> Position:
        """Where its key stands."""
        return self._source.at_key(self._modern.origin(path))

    def at_text(self, path: Path, line: int, column: int) -> Position:
        """Where a place inside its text stands."""
        return self._source.at_text(self._modern.origin(path), line, column)

    def add(self, path: Path, code: str, message: str, hint: str | None = None) -> None:
        self.add_at(self.at(path), code, message, hint)

    def add_at(self, at: Position, code: str, message: str, hint: str | None = None) -> None:
        self.problems.append(Problem(at, code, message, hint))

    def validated(self, kind: type[N], data: Mapping[str, Any], path: Path) -> N | None:
        """The data as its class; None when it does not fit, with the problems added. Templates fit everything."""
        try:
            checked = kind.model_validate(data)
        except ValidationError as error:
            wrong = [(_path(detail, data), detail) for detail in error.errors(include_url=False)]
        else:
            return checked
        serious = [(where, detail) for where, detail in wrong if not _is_template(where, detail, data)]
        self.problems += _merged(self._problem(kind, path, where, detail) for where, detail in serious)
        # Only templates were in the way: the data counts once they are rendered.
        return cast("N", kind.model_construct()) if not serious else None

    def _problem(self, kind: type[Node], path: Path, where: Path, detail: ErrorDetails) -> Problem:
        place = (*path, *where)
        match detail["type"]:
            case "missing":
                owner = place[:-1] if place else place
                return Problem(self.at(owner), "WD203", f"missing property '{detail['loc'][-1]}'")
            case "extra_forbidden":
                name, known = str(where[-1]), sorted(_names(kind, detail["loc"]))
                return Problem(self.at_key(place), "WD201", f"unknown property '{name}'", _did_you_mean(name, known))
            case _:
                message = f"'{_name(where)}': {_reason(detail)}" if where else _reason(detail)
                return Problem(self.at(place), "WD202", message)


def _merged(problems: Iterable[Problem]) -> list[Problem]:
    """The problems, with what a value of several kinds might have been said once: a text or a list."""
    found: dict[tuple[Position, str, str], Problem] = {}
    for problem in problems:
        what, must, kind = problem.message.partition("it must be ")
        key = (problem.at, problem.code, what)
        if must and key in found:
            problem = replace(problem, message=f"{found[key].message} or {kind}")  # noqa: PLW2901  it takes its place
        found[key] = problem
    return list(found.values())


def reasons(error: ValidationError, data: Mapping[str, Any]) -> list[str]:
    """What is wrong with rendered data, one sentence a property."""
    details = error.errors(include_url=False)
    return [f"'{'.'.join(map(str, _path(d, data)))}': {_reason(d)}" for d in details]


_KINDS = {
    "string_type": "a text",
    "list_type": "a list",
    "dict_type": "a map",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
}


def _did_you_mean(name: str, known: list[str]) -> str | None:
    near = get_close_matches(name, known, n=1, cutoff=0.6) or [k for k in known if k.lower() == name.lower()]
    return f"did you mean '{near[0]}'?" if near else None


def _reason(detail: ErrorDetails) -> str:
    context = detail.get("ctx", {})
    match detail["type"]:
        case "literal_error" | "union_tag_invalid":
            allowed = context.get("expected") or context.get("expected_tags")
            return (
                f"'{detail['input'] if detail['type'] == 'literal_error' else context.get('tag')}' is none of {allowed}"
            )
        case "union_tag_not_found":
            return "it has no 'type'"
        case "string_pattern_mismatch":
            return f"'{detail['input']}' does not match {context.get('pattern')}"
        case "too_short":
            return "it must not be empty"
        case "is_instance_of":
            return "it must be a task, with an 'id' and a 'type'"
        case "value_error":
            return str(context.get("error", detail["msg"]))
        case "string_type" | "list_type" | "dict_type" | "int_type" | "int_parsing" as kind:
            return f"it must be {_KINDS[kind]}"
        case _:
            message = detail["msg"].removeprefix("Input ").removeprefix("Value error, ")
            return f"it {message}" if message.startswith("should") else message


def _is_template(where: Path, detail: ErrorDetails, data: Any) -> bool:
    """Whether the text that does not fit is rendered before it counts."""
    value = _value(where, data)
    return detail["type"] != "extra_forbidden" and isinstance(value, str) and has_template(value)


def _path(detail: ErrorDetails, data: Any) -> Path:
    """The place that pydantic names, without what the data lacks: tags of unions and names of validators."""
    found: list[str | int] = []
    loc = (*detail["loc"], "type") if detail["type"] == "union_tag_invalid" else detail["loc"]
    for i, part in enumerate(loc):
        inside = (isinstance(data, dict) and part in data) or (
            isinstance(data, list) and isinstance(part, int) and part < len(data)
        )
        if inside:
            data = data[part]
            found.append(part)
        elif i == len(loc) - 1 and detail["type"] == "missing":
            found.append(part)
    return tuple(found)


def _name(where: Path) -> str:
    """What is wrong by its name; an item of a list by its number."""
    last = where[-1]
    return f"{where[-2]}[{last}]" if isinstance(last, int) and len(where) > 1 else str(last)


def _names(kind: type[Node], loc: tuple[int | str, ...]) -> set[str]:
    """The properties that the mapping around the end of `loc` may have, if it lies in a node inside the node."""
    nodes = [kind]
    for part in loc[:-1]:
        fields = [field for node in nodes for key, field in node.model_fields.items() if part in (field.alias, key)]
        tagged = [node for node in nodes if part in _tags(node)]
        nodes = [node for field in fields for node in _nodes(field.annotation)] or tagged or nodes
    return {field.alias or key for node in nodes for key, field in node.model_fields.items()}


def _tags(node: type[Node]) -> tuple[Any, ...]:
    return get_args(node.model_fields["type"].annotation) if "type" in node.model_fields else ()


def _nodes(annotation: Any) -> list[type[Node]]:
    if isclass(annotation) and issubclass(annotation, Node):
        return [annotation]
    return [node for part in get_args(annotation) for node in _nodes(part)]


def _value(path: Path, data: Any) -> Any:
    for part in path:
        inside = part in data if isinstance(data, dict) else isinstance(data, list) and isinstance(part, int)
        if not inside:
            return None
        data = data[part]
    return data
