"""Where a character of a text stands, as people count: lines and columns from 1."""

from __future__ import annotations

import re
from bisect import bisect_right

from wdprefect.errors import Position

# Of the line breaks that YAML knows, those that editors count too.
_BREAK = re.compile(r"\r\n|\r|\n")
_LONGEST_EXCERPT = 60


class Lines:
    """The lines of a text; an index into the text becomes a position in its file."""

    def __init__(self, file: str, text: str) -> None:
        self.file, self.text = file, text
        self._starts = [0, *(found.end() for found in _BREAK.finditer(text))]

    def at(self, index: int) -> Position:
        """The position of the character at `index`; behind the end, that of the last visible character."""
        if index >= len(self.text):
            index = max(len(self.text.rstrip()) - 1, 0)
        line = bisect_right(self._starts, index)
        return Position(self.file, line, index - self._starts[line - 1] + 1)

    def around(self, index: int) -> tuple[int, int]:
        """Where the line that holds `index` starts and ends, without its line break."""
        line = bisect_right(self._starts, index)
        start = self._starts[line - 1]
        found = _BREAK.search(self.text, start)
        return start, found.start() if found else len(self.text)


def excerpt(text: str) -> str:
    """The text on one line, shortened to fit a message."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_EXCERPT else f"{line[: _LONGEST_EXCERPT - 1]}…"
