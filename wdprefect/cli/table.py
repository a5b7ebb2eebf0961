"""Results on standard output: columns, made to be read, cut and grepped, times in them, and JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from wdprefect.model.conversions import iso_moment


def print_table(rows: Iterable[Sequence[Any]], indent: str = "  ") -> None:
    """Columns as wide as what is in them, whatever the terminal's width."""
    lines = [list(map(str, row)) for row in rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        print(indent + "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def printable(text: str) -> str:
    """Foreign text on one line: what would move the cursor, or end the line, as Python writes it."""
    return text if text.isprintable() else text.encode("unicode_escape").decode("ascii")


def print_json(facts: Any) -> None:
    """Data as `--format json` prints it."""
    print(json.dumps(facts, ensure_ascii=False, indent=2))


def iso(moment: datetime | None) -> str | None:
    """A moment in JSON."""
    return iso_moment(moment) if moment else None


def shown_time(moment: datetime | None) -> str:
    """A moment in columns, to the second."""
    return iso_moment(moment.replace(microsecond=0)) if moment else "never"
