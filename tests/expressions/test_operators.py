"""Operators, tests and methods on the kinds of values."""

from __future__ import annotations

import datetime as dt

import pytest

from wdprefect.errors import ExpressionError
from wdprefect.expressions import Expressions
from wdprefect.expressions.predicates import TESTS

VARIABLES = {"l": [3, 1, 2], "m": {"a": 1}, "d": dt.datetime(2024, 3, 1, tzinfo=dt.timezone.utc)}
# An expected value of this means an error of kind `evaluation`.
ERROR = ExpressionError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("7 / 2", 3), ("-7 / 2", -3), ("-7 % 3", -1), ("7 / 2.0", 3.5), ("'2.5' * 2", 5.0), ("'10' - 1", 9),
        ("9223372036854775807 + 1", -9223372036854775808), ("1.0 / 0", float("inf")), ("[1, 2] + 3", [1, 2, 3]),
        ("[1, 2, 3] - [2]", [1, 3]), ("1 / 0", ERROR), ("true + 1", ERROR), ("'a' * 2", ERROR), ("null < 1", False),
        ("'b' > 'a'", True), ("'1' == 1", False), ("1 == true", False), ("[1] == [1.0]", True), ("'a' > 1", ERROR),
        ("5 > 3 > 1", ERROR), ("-'2'", -2), ("+'2'", 2), ("-[]", ERROR),
        ("'a' .. 'c'", ["a", "b", "c"]), ("3 .. 1", []), ("5 contains 1", ERROR), ("null contains 1", False),
        ("'a' isIn null", False), ("1 isIn ['1']", True),
        ("'ab'.length()", 2), ("l.size", 3), ("m.get('a')", 1), ("d.year", 2024), ("d.plusDays(1).dayOfMonth", 2),
        ("'a'.replace(1)", ERROR),
    ],
)  # fmt: skip
def test_operators(text: str, expected: object) -> None:
    """Arithmetic is that of 64-bit integers and doubles; kinds that do not go together are an error."""
    if expected is not ERROR:
        assert expected == Expressions().evaluate(f"{{{{ {text} }}}}", VARIABLES)
        return
    with pytest.raises(ExpressionError) as caught:
        Expressions().evaluate(f"{{{{ {text} }}}}", VARIABLES)
    assert "evaluation" == caught.value.kind


TEST_ROWS: dict[str, list[tuple[str, object]]] = {
    "null": [("null is null", True), ("'' is null", False)],
    "empty": [("' ' is empty", True), ("{} is empty", True), ("0 is empty", False)],
    "even": [("2 is even", True), ("null is even", ERROR)],
    "odd": [("-3 is odd", True), ("2.0 is odd", ERROR)],
    "iterable": [("l is iterable()", True), ("m is iterable", False), ("'a' is iterable", False)],
    "map": [("m is map", True), ("l is not map", True)],
    "json": [("'[1] x' is json", True), ("'' is json", True), ("'{a}' is json", False), ("5 is json", False)],
}


@pytest.mark.parametrize(("text", "expected"), [row for rows in TEST_ROWS.values() for row in rows])
def test_is(text: str, expected: object) -> None:
    """The tests after `is` answer by the kind of the value."""
    test_operators(text, expected)


def test_every_test_has_rows() -> None:
    """None is without a row in the table above."""
    assert set(TESTS) == set(TEST_ROWS)
