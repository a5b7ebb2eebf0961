"""The bounds of a template: what would otherwise eat memory or time ends as an ExpressionError of kind `limit`."""

from __future__ import annotations

from collections.abc import Iterable
from time import monotonic

from wdprefect.errors import ExpressionError

TEMPLATE_CHARACTERS = 1_000_000
# Each level takes about seven frames of the parser, and Prefect may have used a fifth of Python's 1,000 already.
NESTING = 50
RANGE_ITEMS = 1_000_000
LOOP_ROUNDS = 10_000_000
LOOP_SECONDS = 60.0
# Data that a template makes may hold the same list many times, and be enormous when it is walked through.
DATA_ITEMS = 2_000_000
OUTPUT_CHARACTERS = 50_000_000
# For a jq program that runs in a process of its own, because it may not end.
JQ_SECONDS = 5
JQ_BYTES = 1024 * 2**20
# As Kestra does: a template that still changes after so many passes never settles.
PASSES = 100
# `render(x)` where x renders itself again.
NESTED_RENDERS = 20


# All regular expressions of one rendering together.
MATCHING_SECONDS = 1.0


def too_much(what: str) -> ExpressionError:
    """The error to raise where a bound is passed; `what` names the thing and the bound."""
    return ExpressionError(what, kind="limit")


class within_stack:  # noqa: N801  # a context manager; a generator's would cost a third of a small rendering
    """Turn the exhaustion of Python's stack or memory into an error of kind `limit`."""

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        """Raise the error of kind `limit` where the stack or the memory has run out."""
        if isinstance(error, RecursionError | MemoryError):
            raise too_much("the template is too deep or too large") from None


def joined(texts: Iterable[str], separator: str = "") -> str:
    """The texts as one, unless that is longer than any output may be; then not all of them are made."""
    parts, size = [], 0
    for text in texts:
        parts.append(text)
        size += len(text) + len(separator)
        if size > OUTPUT_CHARACTERS + len(separator):
            raise too_much(f"the text is longer than {OUTPUT_CHARACTERS:,} characters")
    return separator.join(parts)


def replaced(text: str, old: str, new: str) -> str:
    """The text with each `old` replaced by `new`, unless it becomes longer than any output may be."""
    if len(new) > len(old) and len(text) + text.count(old) * (len(new) - len(old)) > OUTPUT_CHARACTERS:
        raise too_much(f"the text is longer than {OUTPUT_CHARACTERS:,} characters")
    return text.replace(old, new)


class Budget:
    """Seconds that may be spent in `with` blocks; `left` tells what remains."""

    def __init__(self, seconds: float) -> None:
        """Start with all of the seconds."""
        self.left, self._started = seconds, 0.0

    def __enter__(self) -> None:
        """Start the clock."""
        self._started = monotonic()

    def is_spent(self) -> bool:
        """Whether nothing is left in the block that is running."""
        return monotonic() - self._started > self.left

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        """Take off what was spent."""
        self.left -= monotonic() - self._started


def checked_text(text: str) -> str:
    """The same text, unless it is longer than any output may be."""
    if len(text) > OUTPUT_CHARACTERS:
        raise too_much(f"the text is longer than {OUTPUT_CHARACTERS:,} characters")
    return text
