"""jq programs, cut off from the process: its environment holds secrets."""

from __future__ import annotations

import json
from functools import lru_cache
from itertools import islice
from typing import Any

from wdprefect.errors import ExpressionError
from wdprefect.expressions.limits import RANGE_ITEMS, too_much
from wdprefect.expressions.values import to_json

# The program runs where these names hide jq's own. Closing its parenthesis early does not lead out of their reach.
_SHADOWS = """
def env: {}; def input: empty; def inputs: empty; def debug: .; def debug(f): .; def stderr: .; def halt: .;
def halt_error: error; def halt_error(f): error; def input_filename: null; def input_line_number: 0;
def modulemeta: null; def get_search_list: [];
{} as $ENV | .[0] | (
"""


def run(program: str, value: Any) -> list[Any]:
    """All outputs of the program; a text as its input is read as JSON. Raises ExpressionError."""
    # The list around the input keeps a number or text from being the program's whole input.
    document = f"[{_checked(value)}]" if isinstance(value, str) else to_json([value])
    try:
        found = list(islice(_compiled(program).input_text(document), RANGE_ITEMS + 1))
    except ValueError as error:
        raise ExpressionError(str(error)) from error
    if len(found) > RANGE_ITEMS:
        raise too_much(f"the program gives more than {RANGE_ITEMS:,} values")
    return found


def _checked(text: str) -> str:
    try:
        json.loads(text)
    except ValueError as error:
        raise ExpressionError(f"the text is no JSON: {error}") from error
    return text


@lru_cache(maxsize=256)
def _compiled(program: str) -> Any:
    # Deferred: it loads a C library, and compiling takes milliseconds; most flows use no jq.
    import jq

    return jq.compile(f"{_SHADOWS}{program}\n)")
