"""Ion text, read and written."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from wdprefect.errors import ExpressionError
from wdprefect.expressions import Expressions

PARIS = dt.timezone(dt.timedelta(hours=2))
NOON = dt.datetime(2024, 4, 21, 12, tzinfo=dt.timezone.utc)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(None, "null", id="null"),
        pytest.param(True, "true", id="boolean"),
        pytest.param(3_000_000_000, "3000000000", id="integer"),
        pytest.param(0.1, "0.1e0", id="fraction"),
        pytest.param(100.0, "100e0", id="whole double"),
        pytest.param(-0.0, "-0e0", id="minus zero"),
        pytest.param(1e300, "1.0e300", id="large double"),
        pytest.param(12345678.5, "1.23456785e7", id="double of eight digits"),
        pytest.param(float("nan"), "nan", id="not a number"),
        pytest.param(float("-inf"), "-inf", id="infinity"),
        pytest.param(Decimal("1.50"), "1.50", id="decimal"),
        pytest.param(Decimal(100), "100.", id="whole decimal"),
        pytest.param(Decimal("1E+3"), "1d3", id="decimal with an exponent"),
        pytest.param(Decimal("1E-9"), "1d-9", id="small decimal"),
        pytest.param(NOON, 'ZonedDateTime::"2024-04-21T12:00:00Z"', id="moment"),
        pytest.param(
            NOON.astimezone(PARIS).replace(microsecond=500_000),
            'ZonedDateTime::"2024-04-21T14:00:00.5+02:00"',
            id="moment with an offset",
        ),
        pytest.param(NOON.replace(tzinfo=None), 'LocalDateTime::"2024-04-21T12:00:00"', id="local date-time"),
        pytest.param(NOON.date(), "2024-04-21", id="date"),
        pytest.param(dt.timedelta(minutes=5, seconds=6), "306.000000000", id="duration"),
        pytest.param("é\n\"\\\x01\x7f\0'", '"é\\n\\"\\\\\\x01\\x7f\\0\'"', id="text"),
        pytest.param([1, [], {}], "[1,[],{}]", id="list"),
        pytest.param({"a": None, "a b": 1}, "{a:null,'a b':1}", id="map"),
        pytest.param(
            {"null": 1, "nan": 2, "$1": 3, "$a": 4, "it's": 5, "": 6, "é": 7},
            "{'null':1,'nan':2,'$1':3,$a:4,'it\\'s':5,'':6,'é':7}",
            id="names",
        ),
    ],
)
def test_written(value: Any, expected: str) -> None:
    """`toIon` writes one line, with nulls, and the class before a date-time."""
    assert expected == Expressions().render("{{ v | toIon }}", {"v": value})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            '{a: 1, b: [true, null, null.int, sym, "t"]}', {"a": 1, "b": [True, None, None, "sym", "t"]}, id="map"
        ),
        pytest.param("1.50", Decimal("1.50"), id="decimal"),
        pytest.param("15e-1", 1.5, id="double"),
        pytest.param("2024-04-21T14:00:00.000+02:00", NOON, id="timestamp"),
        pytest.param("2024-04-21", dt.date(2024, 4, 21), id="date"),
        pytest.param("2024T", dt.date(2024, 1, 1), id="year"),
        pytest.param('ZonedDateTime::"2024-04-21T14:00:00+02:00[Europe/Paris]"', NOON, id="moment"),
        pytest.param('LocalDateTime::"2024-04-21T12:00:00"', NOON.replace(tzinfo=None), id="local date-time"),
        pytest.param('other::"x"', "x", id="annotation"),
        pytest.param("{{aGk=}}", "aGk=", id="bytes"),
        pytest.param('{{"hi"}}', "hi", id="text of bytes"),
        pytest.param("(a 1)", ["a", 1], id="expression"),
        pytest.param("{x: 1, x: 2}", {"x": 2}, id="a name twice"),
        pytest.param("1 2", 1, id="several values"),
        pytest.param("", None, id="no value"),
    ],
)
def test_read(text: str, expected: Any) -> None:
    """`fromIon` gives the first value, without Ion's kinds and annotations."""
    found = Expressions().evaluate("{{ fromIon(t) }}", {"t": text})
    assert (expected, type(expected)) == (found, type(found))


def test_all_rows() -> None:
    """`allRows` gives all values."""
    assert [{"id": 1}, 2] == Expressions().evaluate("{{ fromIon('{id: 1} 2', allRows=true) }}", {})


def test_back_and_forth() -> None:
    """What is written can be read again."""
    value = {"a": [1, 1.5, None, 'x"y'], "b": NOON, "c": {"d e": True}}
    assert value == Expressions().evaluate("{{ fromIon(v | toIon) }}", {"v": value})


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("fromIon('{a: ')", "function 'fromIon': Invalid ion: "),
        ("fromIon(1)", "function 'fromIon': ion is a number, not text"),
        ("fromIon('ZonedDateTime::\"x\"')", "function 'fromIon': the text 'x' is no ISO date"),
        ("n | toIon", "filter 'toIon': the number NaN cannot be written as Ion"),
    ],
)
def test_errors(template: str, message: str) -> None:
    """What is no Ion is an error."""
    with pytest.raises(ExpressionError) as caught:
        Expressions().render(f"{{{{ {template} }}}}", {"n": Decimal("NaN")})
    assert caught.value.message.startswith(message)
