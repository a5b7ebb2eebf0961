"""Laws that hold for every text."""

from __future__ import annotations

import math
import time

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.expressions.templates import ANY_TEXT, PRINTS, STATEMENTS, VARIABLES
from wdprefect.errors import ExpressionError
from wdprefect.expressions import Expressions, check_syntax, references
from wdprefect.expressions.limits import LOOP_SECONDS

# What is different each time that it is asked.
CHANGING = ("now(", "uuid(", "id(", "ksuid(", "nanoId(", "random", "encrypt(")


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ANY_TEXT)
def test_any_text(text: str) -> None:
    """Any text gives a result or an ExpressionError with its place in it, run or only checked, in bounded time."""
    errors: list[ExpressionError] = []
    started = time.monotonic()
    for action in (check_syntax, references, lambda each: Expressions().evaluate(each, VARIABLES)):
        try:
            action(text)
        except ExpressionError as error:
            errors.append(error)
    assert time.monotonic() - started < LOOP_SECONDS
    lines, columns = text.count("\n") + text.count("\r") + 1, len(text) + 1
    assert all(error.message and 1 <= error.line <= lines and 1 <= error.column <= columns for error in errors)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.one_of(PRINTS, STATEMENTS).filter(lambda text: not any(name in text for name in CHANGING)))
def test_deterministic(text: str) -> None:
    """The same text with the same variables gives the same result or the same error, and changes no variable."""

    def outcome() -> str:
        try:
            return Expressions().render(text, VARIABLES)
        except ExpressionError as error:
            return f"{error.kind} {error} {error.line}:{error.column}"

    before = repr(VARIABLES)
    assert outcome() == outcome()
    assert before == repr(VARIABLES)


@given(st.text().filter(lambda text: "{" not in text))
def test_text_without_braces(text: str) -> None:
    """Text without braces renders to itself."""
    assert text == Expressions().render(text, {})


@given(st.text(), st.sampled_from(["{{ '' }}", "{# #}", "{% set x = 1 %}", "{% if false %}no{% endif %}"]))
def test_text_around(text: str, nothing: str) -> None:
    """Text stays as it is beside what prints nothing."""
    plain = text.replace("{", "(")
    assert plain + plain == Expressions().render(plain + nothing + plain, {})


LITERALS = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2**63 - 1) | st.floats(0, 1e15).filter(lambda x: "e" not in repr(x))
    | st.text().filter(lambda text: "\\" not in text and not text.endswith("\\")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc' "), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


def literal(value: object) -> str:
    if isinstance(value, str):
        return "'" + value.replace("'", "\\'") + "'"
    if isinstance(value, list):
        return "[" + ", ".join(map(literal, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{literal(key)}: {literal(item)}" for key, item in value.items()) + "}"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return repr(value)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(LITERALS)
def test_sole_literal(value: object) -> None:
    """A literal alone evaluates to its value, of its own kind."""
    found = Expressions().evaluate(f"{{{{ {literal(value)} }}}}", {})
    assert (type(value), value) == (type(found), found)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(), lambda x: st.lists(x, max_size=3)
    )
)
def test_json_round_trip(value: object) -> None:
    """What `toJson` writes, `fromJson` reads."""
    assert value == Expressions().evaluate("{{ fromJson(v | toJson) }}", {"v": value})


@given(st.floats())
def test_double_round_trip(value: float) -> None:
    """The text of a double reads back as the same double."""
    found = Expressions().evaluate("{{ (v ~ '') | number('DOUBLE') }}", {"v": value})
    assert value == found or (math.isnan(value) and math.isnan(found))
