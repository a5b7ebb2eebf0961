"""Entry points: text, typed values, whole data, recursion, and the text forms of values."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest

from wdprefect.errors import ExpressionError
from wdprefect.expressions import Expressions, is_true, to_json, to_text

UTC = dt.timezone.utc
PARIS = dt.timezone(dt.timedelta(hours=2))
DAY = dt.date(2024, 3, 1)
VARIABLES: dict[str, Any] = {"n": 5, "l": [1, None], "m": {"a": 1, "b": None}, "d": DAY, "z": None, "s": "x"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ n }}", 5),
        ("{{ n > 1 }}", True),
        ("{{ z }}", None),
        ("{{ m }}", {"a": 1, "b": None}),
        ("{{ l }}\n", [1, None]),
        ("{{ m }} and more", {"a": 1, "b": None}),
        ("{{ d }}!", DAY),
        ("{% if n %}{{ n }}{% endif %}", 5),
        ("{{ n }}{# note #}", 5),
        ("{{ n }}{{ z }}", 5),
        ("{{ z }}{{ n }}", 5),
        ("{{ z }}{{ l }}", [1, None]),
        ("{{ n }} ", "5 "),
        (" {{ n }}", " 5"),
        ("{{ n }}{{ '' }}", "5"),
        ("{{ n }}{{ n }}", "55"),
        ("b{{ m }}", 'b{"a":1}'),
        ("[{{ n }}]", "[5]"),
        ("5", "5"),
        ("[1, 2]", "[1, 2]"),
        ("{% if false %}x{% endif %}", None),
    ],
)
def test_typed(text: str, expected: object) -> None:
    """What is printed first decides: data is the result, a scalar keeps its type when alone, all else is text."""
    assert expected == Expressions().evaluate(text, VARIABLES)


@pytest.mark.parametrize(
    ("value", "printed", "as_json"),
    [
        (None, "", "null"),
        (True, "true", "true"),
        (12, "12", "12"),
        (1.5, "1.5", "1.5"),
        (1e7, "1.0E7", "1.0E7"),
        (0.00012, "1.2E-4", "1.2E-4"),
        (123456.789, "123456.789", "123456.789"),
        (float("nan"), "NaN", '"NaN"'),
        (Decimal("1E+3"), "1000", "1000"),
        ('a"b\n', 'a"b\n', '"a\\"b\\n"'),
        ([None, "é</", {}], '[null,"é</",{}]', '[null,"é</",{}]'),
        ({"a": None, "b": {"c": None}}, '{"b":{}}', '{"b":{}}'),
        (DAY, "2024-03-01", '"2024-03-01"'),
        (dt.time(9, 5), "09:05", '"09:05"'),
        (dt.datetime(2024, 3, 1, 9, tzinfo=UTC), "2024-03-01T09:00:00Z", '"2024-03-01T09:00:00Z"'),
        (dt.datetime(2024, 3, 1, 9, tzinfo=PARIS), "2024-03-01T09:00+02:00", '"2024-03-01T07:00:00Z"'),
        (dt.datetime(2024, 3, 1, 9, 0, 1, 500000), "2024-03-01T09:00:01.500", '"2024-03-01T09:00:01.500"'),  # noqa: DTZ001  # a local one
        (dt.timedelta(days=1, hours=2, seconds=3), "PT26H3S", "93603.000000000"),
        (dt.timedelta(0), "PT0S", "0.000000000"),
        (b"bytes", "bytes", '"bytes"'),
    ],
)
def test_text_forms(value: object, printed: str, as_json: str) -> None:
    """A value prints as Java has it, and JSON is compact, without null entries of maps."""
    assert (printed, as_json) == (to_text(value), to_json(value))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("{{ 'a' ~ m }}", "a{a=1, b=null}"), ("{{ 'a' ~ z ~ n }}", "a5"), ("{{ 'a' + l }}", "a[1, null]")],
)
def test_inside_of_text(text: str, expected: str) -> None:
    """Inside of other text values have Java's form; `~` prints null as nothing."""
    assert expected == Expressions().render(text, VARIABLES)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, False),
        ("", False),
        ("false", False),
        ("0", False),
        ("-0", False),
        (" false", True),
        ("0.0", True),
        ("x", True),
    ],
)
def test_is_true(text: str | None, expected: bool) -> None:  # noqa: FBT001  # the expectation
    """A rendered condition is false when it is nothing, `false`, `0` or `-0`."""
    assert expected == is_true(text)


def test_render_all() -> None:
    """Keys and text leaves become text; other leaves stay; of keys that render alike the first stays."""
    data = {"{{ s }}": ["{{ n }}", 1, {"k": "{{ l }}"}], "x": 2, "b": None}
    assert {"x": ["5", 1, {"k": "[1,null]"}], "b": None} == Expressions().render_all(data, VARIABLES)


NESTED = {"a": "{{ b }}", "b": "{{ c }}", "c": "1", "loop": "{{ loop }}", "l": ["{{ b }}"], "grow": "{{ grow }}x"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ a }}", "{{ b }}"),
        ("{{ render(a) }}", "1"),
        ("{{ renderOnce(a) }}{{ render(a, recursive=false) }}", "{{ c }}{{ c }}"),
        ("{{ render(l) }}{{ render(5) }}{{ render(null) }}", '["1"]5'),
        ("{% for c in [7] %}{{ render(a) }}{% endfor %}", "7"),
        ("{{ render('{% raw %}{{ a }}{% endraw %}') }}", "{{ a }}"),
    ],
)
def test_render_function(text: str, expected: str) -> None:
    """A value's templates are rendered only by `render`, with the names visible there, until nothing changes."""
    assert expected == Expressions().render(text, NESTED)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("{{ a }}", "1"), ("{{ l }}", '["1"]'), ("{% raw %}{{ a }}{% endraw %}-{{ a }}", "{{ a }}-1")],
)
def test_recursive(text: str, expected: str) -> None:
    """With the setting on, results are rendered until they no longer change; raw blocks survive."""
    assert expected == Expressions(recursive=True).render(text, NESTED)
    assert expected == Expressions(recursive=True).evaluate("x" + text, NESTED)[1:]


@pytest.mark.parametrize("text", ["{{ render(loop) }}", "{{ render(grow) }}"])
def test_never_stable(text: str) -> None:
    """What still changes, or stays a template, after 100 passes is an error of kind `limit`."""
    names = NESTED | {"loop": "{{ other }}", "other": "{{ loop }}"}
    with pytest.raises(ExpressionError) as caught:
        Expressions().render(text, names)
    assert "limit" == caught.value.kind


def test_variables_are_not_changed() -> None:
    """Neither `set` nor a filter changes what the caller gave."""
    variables = {"l": [2, 1], "m": {"a": 1}}
    text = "{% set m = 1 %}{{ l | sort }}{{ l | reverse }}{{ l + 3 }}{{ l | merge([4]) }}{{ l }}"
    assert "[1,2][2,1][2,1,3][2,1,4][2,1]" == Expressions().render(text, variables)
    assert {"l": [2, 1], "m": {"a": 1}} == variables


def test_threads() -> None:
    """One object renders for many threads at once."""
    expressions = Expressions()
    text = "{% set x = n %}{% for i in 1..20 %}{% set x = x + 1 %}{% endfor %}{{ x }}"
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda n: expressions.evaluate(text, {"n": n}), range(100)))
    assert list(range(20, 120)) == results
