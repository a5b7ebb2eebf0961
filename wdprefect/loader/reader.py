"""Events of a YAML parser to plain data and places, without recursion, finding what Kestra refuses on the way."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import yaml

from wdprefect.errors import Problem
from wdprefect.loader.lines import Lines, excerpt
from wdprefect.loader.places import Branch, Place, find
from wdprefect.loader.scalars import Scalar, plain, tagged
from wdprefect.loader.syntax import QUOTE_IT, explain, no_text_as_key, starts_with_brace

# Deeper nesting would break those that walk over the data recursively: pydantic gives up at 255 levels.
MAX_DEPTH = 100
# Nobody reads more, and a text of nothing but mistakes has a million.
_MOST_PROBLEMS = 100
# The code of a text that holds nothing but comments.
EMPTY = "WD110"

# libyaml where PyYAML was built with it, else ten times slower in Python; both deliver the same events.
PARSER: type[yaml.SafeLoader | yaml.CSafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_HALF_CHARACTER = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read.

    problems: why Kestra's reader refuses the text, and warnings. references: anchors, aliases and merge keys, which
    Kestra's reader takes and misunderstands.
    """

    data: Any
    places: Place
    problems: list[Problem]
    references: list[Problem]


def read_events(lines: Lines) -> Reading:
    """The first document of the text, whatever is wrong with it: the data is whole when no problem is an error."""
    reader = _Reader(lines)
    try:
        for event in yaml.parse(lines.text, Loader=PARSER):
            reader.take(event)
            if reader.stopped:
                break
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        # PyYAML's own parser lets Python's errors through for escapes beyond Unicode.
        reader.give_up(error)
    return reader.result()


class _List:
    """A list that is being read."""

    wants_key = False

    def __init__(self, start: int, *, is_key: bool = False) -> None:
        self.data: list[Any] = []
        self._places: list[Place] = []
        self.branch = Branch(start, self._places)
        self.is_key = is_key

    def add(self, value: Any, place: Place) -> None:
        self.data.append(value)
        self._places.append(place)


class _Mapping:
    """A mapping that is being read; a key comes first, then its value.

    is_key: it stands where only a text can be a key, and is read for the problems inside.
    """

    def __init__(self, start: int, *, is_key: bool = False) -> None:
        self.data: dict[str, Any] = {}
        self._places: dict[str, Place] = {}
        self.branch = Branch(start, self._places)
        self.is_key = is_key
        self.key = ""
        self.wants_key = True

    def add_key(self, key: str) -> None:
        self.key, self.wants_key = key, False

    def add(self, value: Any, place: Place) -> None:
        self.data[self.key] = value
        self._places[self.key] = place
        self.wants_key = True


class _Reader:
    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._root = _List(0)
        self._open: list[_List | _Mapping] = [self._root]
        self._problems: list[Problem] = []
        self._references: list[Problem] = []
        self._ended: Literal["no", "silently", "by a marker"] = "no"
        self._brace_line = 0
        self._stopped = False
        self._handlers: dict[type, Callable[[Any], None]] = {
            yaml.ScalarEvent: self._scalar,
            yaml.AliasEvent: self._alias,
            yaml.MappingStartEvent: self._start,
            yaml.SequenceStartEvent: self._start,
            yaml.MappingEndEvent: self._end,
            yaml.SequenceEndEvent: self._end,
            yaml.DocumentStartEvent: self._document_start,
            yaml.DocumentEndEvent: self._document_end,
        }

    @property
    def stopped(self) -> bool:
        """Whether the rest is not worth reading."""
        return self._stopped or len(self._problems) >= _MOST_PROBLEMS

    def take(self, event: yaml.Event) -> None:
        handler = self._handlers.get(type(event))
        if handler:
            handler(event)

    def give_up(self, error: Exception) -> None:
        if self._ended == "by a marker":
            self._ignore_rest(explain(error, self._lines).index)
            return
        found = explain(error, self._lines)
        at = self._lines.at(found.index)
        # A problem already found on this line is what led the parser astray.
        if all(at.line != problem.at.line for problem in self._problems):
            self._problems.append(Problem(at, "WD101", found.message, found.hint))

    def result(self) -> Reading:
        for document in self._root.data:
            return Reading(document, find(self._root.branch, (0,)), self._problems, self._references)
        if not self._problems:
            self._problem(0, EMPTY, "the text is empty", "write a flow with 'id', 'namespace' and 'tasks'")
        return Reading(None, 0, self._problems, self._references)

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        top, text, start = self._open[-1], event.value, _start_of(event)
        if event.anchor:
            self._anchor(event)
        if event.style == '"' and not text.isascii() and _HALF_CHARACTER.search(text):
            # libyaml refuses it, PyYAML's own parser does not.
            self._problem(start, "WD101", "an escape stands for half a character", "write the character itself")
        if isinstance(top, _Mapping) and top.wants_key:
            if text == "<<" and not event.style:
                self._reference(start, "the merge key '<<' is not supported, Kestra takes it for a name")
            self._key(top, text, start)
        else:
            top.add(self._typed(event), start)

    def _typed(self, event: yaml.ScalarEvent) -> Scalar:
        text, tag = event.value, event.tag
        try:
            if tag is None or tag == "!":
                return plain(text) if event.implicit[0] else text
            return tagged(text, tag)
        except ValueError as error:
            index = _start_of(event)
            self._problem(index, "WD108", f"the number '{excerpt(text)}' {error}", "put it in quotes if it is text")
        return text

    def _alias(self, event: yaml.AliasEvent) -> None:
        top, name, start = self._open[-1], event.anchor or "", _start_of(event)
        self._reference(
            start, f"the alias '*{excerpt(name)}' is not supported, Kestra takes it for the text of its name"
        )
        if isinstance(top, _Mapping) and top.wants_key:
            self._key(top, name, start)
        else:
            top.add(name, start)

    def _start(self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent) -> None:
        top, start = self._open[-1], _start_of(event)
        if len(self._open) > MAX_DEPTH:
            self._problem(start, "WD104", f"the nesting is deeper than '{MAX_DEPTH}' levels", "make it flatter")
            self._stopped = True
            return
        if event.anchor:
            self._anchor(event)
        is_key = top.wants_key
        new = (_Mapping if type(event) is yaml.MappingStartEvent else _List)(start, is_key=is_key)
        if is_key:
            self._no_key(top.branch.start, start)
        else:
            top.add(new.data, new.branch)
        self._open.append(new)

    def _end(self, _event: yaml.Event) -> None:
        closed = self._open.pop()
        parent = self._open[-1]
        if closed.is_key and isinstance(parent, _Mapping):
            # Stands in for the key, so that its value is read too; the data of a refused text is not used.
            parent.add_key("")

    def _document_start(self, event: yaml.DocumentStartEvent) -> None:
        if self._ended != "no":
            self._ignore_rest(_start_of(event))

    def _document_end(self, event: yaml.DocumentEndEvent) -> None:
        self._ended = "by a marker" if event.explicit else "silently"

    def _ignore_rest(self, index: int) -> None:
        message = "only the first document is read, what follows '---' or '...' is ignored"
        at = self._lines.at(index)
        self._problems.append(Problem(at, "WD109", message, "keep one flow in a file", severity="warning"))
        self._stopped = True

    def _key(self, top: _Mapping, text: str, start: int) -> None:
        top.add_key(text)
        keys = top.branch.keys
        if text in keys:
            first = self._lines.at(keys[text])
            hint = f"the first is at line {first.line}, column {first.column}; remove one of them"
            self._problem(start, "WD105", f"the key '{excerpt(text)}' stands here a second time", hint)
        keys[text] = start

    def _no_key(self, parent: int, start: int) -> None:
        braces = [index for index in (parent, start) if self._lines.text.startswith("{{", index)]
        found = starts_with_brace(braces[0]) if braces else no_text_as_key(start)
        at = self._lines.at(found.index)
        # Braces in braces are one mistake.
        if at.line != self._brace_line:
            self._brace_line = at.line
            self._problems.append(Problem(at, "WD107", found.message, found.hint))

    def _anchor(self, event: yaml.NodeEvent) -> None:
        name = excerpt(event.anchor or "")
        self._reference(_start_of(event), f"the anchor '&{name}' is not supported")

    def _reference(self, index: int, message: str) -> None:
        if len(self._references) >= _MOST_PROBLEMS:
            return
        hint = f"write the value out where it is needed; if it is text, {QUOTE_IT}"
        self._references.append(Problem(self._lines.at(index), "WD106", message, hint))

    def _problem(self, index: int, code: str, message: str, hint: str) -> None:
        self._problems.append(Problem(self._lines.at(index), code, message, hint))


def _start_of(event: yaml.Event) -> int:
    # Only events made by hand have no mark.
    return event.start_mark.index if event.start_mark else 0
