"""Foreign text in Markdown: names, values and errors are shown as they are, whatever they hold.

The UI renders HTML, links and images of a page. A loop's value or the name of a file in a cloned repository must not
put one there, nor break a table.
"""

from __future__ import annotations

import re

# What begins something anywhere in a line, `](` of a link, and underscores that do not stand inside a word.
_SPECIAL = re.compile(r"[\\`*<>|&~]|(?<=])\(|(?<![^\W_])_|_(?![^\W_])")


def literal(text: str) -> str:
    """The text as part of a line, also of a table's cell; ordinary names stay as they are."""
    return _SPECIAL.sub(r"\\\g<0>", " ".join(text.split()))


def code(text: str) -> str:
    """The text as code within a line, though not in a table."""
    line = " ".join(text.split())
    ticks = "`" * (_longest_ticks(line) + 1)
    # A blank on both sides is taken away again.
    blank = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{ticks}{blank}{line}{blank}{ticks}"


def block(text: str) -> list[str]:
    """The lines of the text as a block of code."""
    fence = "`" * max(3, _longest_ticks(text) + 1)
    return [fence, text.rstrip("\n"), fence]


def _longest_ticks(text: str) -> int:
    return max(map(len, re.findall(r"`+", text)), default=0)
