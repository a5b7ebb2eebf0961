"""What pydantic finds wrong, as problems with a place in the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from inspect import isclass
from typing import Any, TypeVar, cast, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from wdprefect.errors import Position, Problem
from wdprefect.loader import wording
from wdprefect.loader.layers import Layer, Layers
from wdprefect.loader.source import Source
from wdprefect.loader.spellings import Modern
from wdprefect.model.node import Node
from wdprefect.model.task import Path

N = TypeVar("N", bound=Node)
Wrong = tuple[Path, ErrorDetails]
# Nobody needs more to see which default is meant.
_MOST_TYPES = 3


def has_template(value: object) -> bool:
    """Whether a value is, or holds, a text that is rendered before it counts."""
    if isinstance(value, str):
        return "{{" in value or "{%" in value
    if isinstance(value, Mapping):
        return any(has_template(item) for item in value.values())
    return isinstance(value, list) and any(has_template(item) for item in value)


class Findings:
    """The problems of one flow, each at its place and once; also knows the places of a loaded flow."""

    def __init__(self, source: Source, modern: Modern) -> None:
        self._source, self._modern = source, modern
        # With the types that are in trouble where the fault is a default's.
        self._found: dict[Problem, list[str]] = {}
        self._doubts: dict[Problem, None] = {}
        self._warnings: dict[Problem, None] = {}

    @property
    def problems(self) -> list[Problem]:
        """All that was found; what a plugin default brings wrongly once, with the types it is wrong for."""
        return [_for_types(problem, types) for problem, types in self._found.items()]

    @property
    def doubts(self) -> list[Problem]:
        """What ends a run where it is met, though not before."""
        return list(self._doubts)

    @property
    def notes(self) -> list[Problem]:
        """What was found and does not keep the flow from being loaded, in the order of the file."""
        return sorted([*self._doubts, *self._warnings], key=lambda problem: (problem.at.line, problem.at.column))

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
        self._found.setdefault(Problem(at, code, message, hint), [])

    def doubt_at(self, at: Position, code: str, message: str, hint: str | None = None) -> None:
        """Take a mistake that ends the run where it is met, as in Kestra: the flow loads, and `validate` refuses it."""
        self._doubts[Problem(at, code, message, hint)] = None

    def warn_at(self, at: Position, code: str, message: str, hint: str | None = None) -> None:
        self._warnings[Problem(at, code, message, hint, "warning")] = None

    def validated(self, kind: type[N], data: Mapping[str, Any], layers: Layers) -> N | None:
        """The data as its class; None when it does not fit, with the problems added. Templates fit everything.

        layers: what the data was put together from, which says where each part of it lies.
        """
        try:
            checked = kind.model_validate(data)
        except ValidationError as error:
            wrong = _wrong(error, data)
        else:
            return checked
        serious = [(where, detail) for where, detail in wrong if not _is_template(where, detail, data)]
        for where, details in _grouped(serious):
            problem, origin = self._problem(kind, layers, where, details)
            types = self._found.setdefault(problem, [])
            if Layer(None, origin).is_default:
                types.append(str(data.get("type")))
        # Only templates were in the way: the data counts once they are rendered.
        return cast("N", kind.model_construct()) if not serious else None

    def _problem(
        self, kind: type[Node], layers: Layers, where: Path, details: Sequence[ErrorDetails]
    ) -> tuple[Problem, Path]:
        """The problem, and the path of what it is about."""
        place, detail = layers.origin(where), details[0]
        match detail["type"]:
            case "missing":
                place = layers.origin(where[:-1])
                return Problem(self.at(place), "WD203", f"missing property '{where[-1]}'"), place
            case "extra_forbidden":
                name, known = str(where[-1]), sorted(_names(kind, detail["loc"]))
                if len(where) == 1 and name in kind.unsupported:
                    message = f"'{name}' is a property of Kestra's that is not supported"
                    return Problem(self.at_key(place), "WD205", message, kind.unsupported[name]), place
                hint = wording.did_you_mean(name, known)
                return Problem(self.at_key(place), "WD201", f"unknown property '{name}'", hint), place
            case code if code.startswith("WD"):
                # What the type itself says: see `problem` of wdprefect.model.node.
                place = layers.origin((*where, *detail["ctx"]["at"]))
                return Problem(self.at(place), code, detail["msg"], detail["ctx"]["hint"]), place
            case _:
                message, hint = _message(details)
                message = f"'{_name(place)}': {message}" if where else message
                return Problem(self.at(place), "WD202", message, hint), place


def _for_types(problem: Problem, types: Sequence[str]) -> Problem:
    names = list(dict.fromkeys(types))
    shown = ", ".join(f"'{name}'" for name in names[:_MOST_TYPES])
    more = f" and {len(names) - _MOST_TYPES} more" if len(names) > _MOST_TYPES else ""
    return replace(problem, message=f"for {shown}{more}: {problem.message}") if names else problem


def reasons(error: ValidationError, data: Mapping[str, Any]) -> list[str]:
    """What is wrong with rendered data, one sentence a property."""
    return [_named(where) + _message(found)[0] for where, found in _grouped(_wrong(error, data))]


def _named(where: Path) -> str:
    return f"'{'.'.join(map(str, where))}': " if where else ""


def _wrong(error: ValidationError, data: Mapping[str, Any]) -> list[Wrong]:
    return [(_path(detail, data), detail) for detail in error.errors(include_url=False)]


def _grouped(wrong: Sequence[Wrong]) -> Iterator[tuple[Path, list[ErrorDetails]]]:
    """What is wrong, place by place: together what a value of several kinds might have been, a text or a list.

    Where something is wrong inside the value, it is of one of these kinds.
    """
    groups: dict[tuple[Path, int], list[ErrorDetails]] = {}
    around = {where[:length] for where, _ in wrong for length in range(len(where))}
    for number, (where, detail) in enumerate(wrong):
        of_kind = wording.kind_wanted(detail) is not None
        if not (of_kind and where in around):
            groups.setdefault((where, -1 if of_kind else number), []).append(detail)
    for (where, _), details in groups.items():
        yield where, details


def _message(details: Sequence[ErrorDetails]) -> tuple[str, str | None]:
    """What is wrong at one place, and a hint."""
    kinds = [kind for detail in details if (kind := wording.kind_wanted(detail))]
    message = wording.must_be(kinds, details[0]["input"]) if kinds else wording.reason(details[0])
    return message, wording.hint(details[0], kinds)


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
