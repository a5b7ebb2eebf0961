"""The bounds of a template: what would otherwise eat memory or time ends as an ExpressionError of kind `limit`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from wdprefect.errors import ExpressionError

TEMPLATE_CHARACTERS = 1_000_000
# Each level takes about seven frames of the parser, and Prefect may have used a fifth of Python's 1,000 already.
NESTING = 50
RANGE_ITEMS = 1_000_000
LOOP_ROUNDS = 10_000_000
OUTPUT_CHARACTERS = 50_000_000
# As Kestra does: a template that still changes after so many passes never settles.
PASSES = 100
# `render(x)` where x renders itself again.
NESTED_RENDERS = 20


def too_much(what: str) -> ExpressionError:
    """The error to raise where a bound is passed; `what` names the thing and the bound."""
    return ExpressionError(what, kind="limit")


@contextmanager
def within_stack() -> Iterator[None]:
    """Turn the exhaustion of Python's stack or memory into an error of kind `limit`."""
    try:
        yield
    except (RecursionError, MemoryError):
        raise too_much("the template is too deep or too large") from None


def checked_text(text: str) -> str:
    """The same text, unless it is longer than any output may be."""
    if len(text) > OUTPUT_CHARACTERS:
        raise too_much(f"the text is longer than {OUTPUT_CHARACTERS:,} characters")
    return text
