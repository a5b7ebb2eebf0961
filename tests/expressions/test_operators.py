"""Operators, tests and methods on the kinds of values."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from wdprefect.errors import ExpressionError
from wdprefect.expressions import Expressions
from wdprefect.expressions.instants import with_nanosecond
from wdprefect.expressions.predicates import TESTS

VARIABLES = {
    "l": [3, 1, 2],
    "m": {"a": 1, "class": "own"},
    "d": with_nanosecond(dt.datetime(2024, 3, 1, tzinfo=dt.timezone.utc), 123_456_789),
    "day": dt.date(2024, 1, 31),
    "span": dt.timedelta(hours=26, minutes=3, seconds=4),
    "dec": Decimal("1.50"),
}
# An expected value of this means an error of kind `evaluation`.
ERROR = ExpressionError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("7 / 2", 3), ("-7 / 2", -3), ("-7 % 3", -1), ("7 / 2.0", 3.5), ("'2.5' * 2", 5.0), ("'10' - 1", 9),
        ("9223372036854775807 + 1", -9223372036854775808), ("1.0 / 0", float("inf")), ("[1, 2] + 3", [1, 2, 3]),
        ("[1, 2, 3] - [2]", [1, 3]), ("[1, 2, 1] - 1", [2, 1]),
        ("[1, 2, 1] - [1.0]", [2]), ("[1] - 'a'", [1]),
        ("1 / 0", ERROR), ("true + 1", ERROR), ("'a' * 2", ERROR), ("null < 1", False),
        ("'b' > 'a'", True), ("'1' == 1", False), ("1 == true", False), ("[1] == [1.0]", True), ("'a' > 1", ERROR),
        ("5 > 3 > 1", ERROR), ("-'2'", -2), ("+'2'", 2), ("-[]", ERROR),
        ("'a' .. 'c'", ["a", "b", "c"]), ("3 .. 1", []), ("5 contains 1", ERROR), ("null contains 1", False),
        ("'a' isIn null", False), ("1 isIn ['1']", True),
        ("'1' .. '3'", ["1", "2", "3"]), ("'3' .. 'a' | length", 47), ("1 .. '3'", ERROR), ("'10' .. '12'", ERROR),
        ("(dec * 2) ~ ''", "3.00"), ("(1 / dec) ~ ''", "0.6666666666666666666666666666666667"), ("dec / 0", ERROR),
        ("(-dec) ~ (dec % 1)", "-1.500.5"), ("dec == 1.5", True),
        ("l contains [1, 2, 2]", True), ("[[1]] contains [[1.0]]", True), ("l contains [4]", False),
        ("(-gone) ?? 'x'", "x"), ("(+m.gone) ?? 'x'", "x"), ("((-gone) + 1) ?? 'x'", ERROR),
        ("'abc'['length']", 3), ("l['size']", 3), ("m['size']", 2), ("d['year']", 2024), ("m['class']", "own"),
        ("'ab'.length()", 2), ("l.size", 3), ("m.get('a')", 1), ("d.year", 2024), ("d.plusDays(1).dayOfMonth", 2),
        ("'a,b,'.split(',')", ["a", "b"]), ("'ab'.split('')", ["a", "b"]), ("'😀'.length()", 2),
        ("'ab'.concat('c')", "abc"),
        ("' a '.strip()", "a"), ("d.month", "MARCH"), ("d.offset", "Z"), ("d.nano", 123456789),
        ("d.plusHours(-1).hour", 23), ("d.plusNanos(1) ~ ''", "2024-03-01T00:00:00.123456790Z"),
        ("d.minusMonths(1).leapYear", True),
        ("day.plusDays(1) ~ ''", "2024-02-01"), ("day.lengthOfMonth()", 31), ("d.toEpochMilli()", 1709251200123),
        ("span.toHours()", 26), ("span.seconds", 93784), ("m.entrySet() ~ ''", "[a=1, class=own]"),
        ("m.containsValue(1.0)", True),
        ("m.get([1])", None), ("l.indexOf(1.0)", 1), ("d.isBefore(d.plusYears(1))", True), ("day.offset ?? 'x'", "x"),
        ("d.plusDays(99999999999)", ERROR), ("'a'.split('(')", ERROR),
        ("'a'.replace(1) ?? 'x'", "x"), ("'a'.length(1) ?? 'x'", "x"), ("'a'.startsWith(1) ?? 'x'", "x"),
        ("d.plusDays(1.5) ?? 'x'", "x"),
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
    "defined": [("gone is defined", False), ("null is defined", False), ("'' is defined", True)],
    "null": [("null is null", True), ("'' is null", False)],
    "empty": [("' ' is empty", True), ("{} is empty", True), ("0 is empty", False)],
    "even": [("2 is even", True), ("null is even", ERROR)],
    "odd": [("-3 is odd", True), ("2.0 is odd", ERROR)],
    "iterable": [("l is iterable()", True), ("m is iterable", False), ("'a' is iterable", False)],
    "map": [("m is map", True), ("m.entrySet()[0] is map", False), ("l is not map", True)],
    "json": [
        ("'[1] x' is json", True),
        ("'' is json", True),
        ("'1 2' is json", True),
        ("'{a}' is json", False),
        ("'01' is json", False),
        ("'NaN' is json", False),
        ("5 is json", ERROR),
    ],
}


@pytest.mark.parametrize(("text", "expected"), [row for rows in TEST_ROWS.values() for row in rows])
def test_is(text: str, expected: object) -> None:
    """The tests after `is` answer by the kind of the value."""
    test_operators(text, expected)


def test_every_test_has_rows() -> None:
    """None is without a row in the table above."""
    assert set(TESTS) == set(TEST_ROWS)
