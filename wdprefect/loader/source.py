"""The text of a flow as plain data, and the way back from the data to places in the text."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from wdprefect.errors import InvalidFlow, Position, Problem
from wdprefect.loader import places
from wdprefect.loader.characters import decode
from wdprefect.loader.lines import Lines
from wdprefect.loader.places import Path, Place
from wdprefect.loader.reader import Reading, read_events

__all__ = ["Path", "Source", "read_yaml"]


def read_yaml(text: str | bytes, file: str = "<text>") -> Any:
    """The plain data of the first document: dict with text as keys, list, str, int, float, bool, None.

    It is what Kestra's own reader makes of the text: an alias is the text of its name and `<<` a key like others
    (`Source.read` refuses both). `file` names the text in problems. Raises InvalidFlow with all problems.
    """
    content = decode(text, file)
    reading = read_events(Lines(file, content))
    _refuse(reading.problems)
    return reading.data


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """A text that was read: its plain data, and the place of everything in it.

    text: without its byte order mark. warnings: what was found and keeps nothing from running.
    """

    file: str
    text: str
    data: Any
    warnings: list[Problem]
    _lines: Lines = field(repr=False)
    _places: Place = field(repr=False)

    @classmethod
    def read(cls, text: str | bytes, file: str = "<text>") -> Source:
        """The source of a flow; raises InvalidFlow with all problems that can be found."""
        content = decode(text, file)
        lines = Lines(file, content)
        reading = read_events(lines)
        _refuse(_all_problems(reading))
        warnings = [problem for problem in reading.problems if problem.severity != "error"]
        return cls(file, content, reading.data, warnings, lines, reading.places)

    def at(self, path: Path) -> Position:
        """The place of the value at the path, or of its nearest parent that exists."""
        return self._lines.at(places.start_of(places.find(self._places, path)))

    def at_key(self, path: Path) -> Position:
        """The place of the key that the path ends in; as `at` where there is none, as for the items of a list."""
        return self._lines.at(places.find_key(self._places, path))

    def at_text(self, path: Path, line: int, column: int) -> Position:
        """The place in the file of a line and column, from 1, inside the text at the path.

        Right for every kind of scalar; where white space was folded, that of its visible neighbour.
        As `at` when there is no text at the path.
        """
        value = places.value_at(self.data, path)
        start = places.start_of(places.find(self._places, path))
        return self._lines.at(places.inside(self.text, start, value, line, column) if isinstance(value, str) else start)


def _all_problems(reading: Reading) -> list[Problem]:
    # What starts with '*' is no alias where the parser gives up on the same line: one mistake, one problem.
    lines = {problem.at.line for problem in reading.references}
    others = [problem for problem in reading.problems if problem.code != "WD101" or problem.at.line not in lines]
    return others + reading.references


def _refuse(problems: list[Problem]) -> None:
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors:
        raise InvalidFlow(errors)
