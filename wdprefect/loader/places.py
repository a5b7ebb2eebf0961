"""A side table of the data: where in the text each key and each value starts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

Path = tuple[str | int, ...]


@dataclass(slots=True)
class Branch:
    """A mapping or a list: where it starts, and the places inside by key or number.

    keys: for a mapping, where each key starts.
    """

    start: int
    values: dict[str, Place] | list[Place]
    keys: dict[str, int] = field(default_factory=dict)


# The index of a scalar's first character, or a branch.
Place = int | Branch


def start_of(place: Place) -> int:
    """The index of the first character."""
    return place.start if isinstance(place, Branch) else place


def find(root: Place, path: Path) -> Place:
    """The place of the value at the path, or of its nearest parent that exists."""
    place = root
    for step in path:
        inner = _step(place, step)
        if inner is None:
            break
        place = inner
    return place


def value_at(data: Any, path: Path) -> Any:
    """The value at the path, or None."""
    for step in path:
        if isinstance(data, dict):
            data = data.get(step)
        elif isinstance(data, list) and isinstance(step, int) and 0 <= step < len(data):
            data = data[step]
        else:
            return None
    return data


def find_key(root: Place, path: Path) -> int:
    """The index of the key that the path ends in; of the value, or its nearest parent, when there is no such key."""
    parent = find(root, path[:-1])
    if path and isinstance(parent, Branch) and isinstance(path[-1], str) and path[-1] in parent.keys:
        return parent.keys[path[-1]]
    return start_of(find(root, path))


def _step(place: Place, step: str | int) -> Place | None:
    if not isinstance(place, Branch):
        return None
    if isinstance(place.values, dict):
        return place.values.get(step) if isinstance(step, str) else None
    return place.values[step] if isinstance(step, int) and 0 <= step < len(place.values) else None


_SPACE = " \t\r\n\x85\u2028\u2029"
_BLANK_ESCAPES = frozenset("\t\r\n tnrNLP")
_TAG_OR_ANCHOR = re.compile(r"(?:[!&]\S*[ \t\r\n]+)*")
# As errors of templates count lines.
_LINE_END = re.compile(r"\r\n?|\n")
_BLOCK_HEADER = re.compile(r"[|>][^\r\n]*")
# A character of the value, as each kind of scalar spells it.
_BARE = re.compile(r".", re.DOTALL)
_IN_SINGLE_QUOTES = re.compile(r"''|.", re.DOTALL)
_IN_DOUBLE_QUOTES = re.compile(r"\\(?:x.{2}|u.{4}|U.{8}|\r\n|.)|.", re.DOTALL)


def inside(text: str, start: int, value: str, line: int, column: int) -> int:
    """The index in the text of the character at a line and column of the scalar that starts at `start`.

    Folding, indentation and chomping only change white space, so the visible characters of the value and those of
    the text correspond one to one; white space is placed by its distance from the visible character before it.
    """
    offset = _offset(value, line, column)
    head = value[:offset]
    count = sum(1 for character in head if character not in _SPACE)
    spans = list(islice(_visible(text, start), count + 1))
    at_visible = offset < len(value) and value[offset] not in _SPACE
    if len(spans) > count and (at_visible or not count):
        return spans[count][0]
    distance = len(head) - len(head.rstrip(_SPACE))
    return spans[-1 if len(spans) <= count else -2][1] + distance if spans else start


def _offset(value: str, line: int, column: int) -> int:
    ends = [0, *(found.end() for found in _LINE_END.finditer(value))]
    return min(ends[line - 1] + column - 1, len(value)) if line <= len(ends) else len(value)


def _visible(text: str, start: int) -> Iterator[tuple[int, int]]:
    """Where each visible character of the scalar is spelled, and on behind the scalar's end."""
    leading = _TAG_OR_ANCHOR.match(text, start)
    begin = leading.end() if leading else start
    header = _BLOCK_HEADER.match(text, begin)
    spelling = {"'": _IN_SINGLE_QUOTES, '"': _IN_DOUBLE_QUOTES}.get(text[begin : begin + 1], _BARE)
    begin = header.end() if header else begin if spelling is _BARE else begin + 1
    return (found.span() for found in spelling.finditer(text, begin) if not _is_blank(found[0]))


def _is_blank(spelled: str) -> bool:
    if len(spelled) == 1 or spelled == "''":
        return spelled in _SPACE
    kind = spelled[1]
    digits = spelled[2:]
    return chr(int(digits, 16)) in _SPACE if kind in "xuU" else kind in _BLANK_ESCAPES
