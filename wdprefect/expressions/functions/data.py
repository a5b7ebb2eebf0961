"""Functions of values: numbers, ranges, JSON, YAML, Ion."""

from __future__ import annotations

from json import JSONDecoder
from typing import Any, NoReturn

from wdprefect.errors import ExpressionError
from wdprefect.expressions import ion_text, yaml_text
from wdprefect.expressions.arguments import text
from wdprefect.expressions.numbers import compare, is_number, span
from wdprefect.expressions.values import describe


def max_(*values: Any) -> Any:
    """The largest of the numbers; nulls are skipped.

    {{ max(1, 5, null, 3) }} → 5
    """
    return _extreme(">", values)


def min_(*values: Any) -> Any:
    """The smallest of the numbers; nulls are skipped.

    {{ min(4, 1.5) }} → 1.5
    """
    return _extreme("<", values)


def _extreme(operator: str, values: tuple[Any, ...]) -> Any:
    found = None
    for value in values:
        if value is not None and not is_number(value):
            raise ExpressionError(f"{describe(value)} is no number")
        if found is None or compare(operator, value, found):
            found = value
    return found


def range_(start: Any, end: Any, increment: Any = 1) -> list[Any]:
    """The list from one number, or letter, to another, both included.

    {{ range(1, 4) }} → [1,2,3,4]
    {{ range(10, 0, -5) }} → [10,5,0]
    {{ range('a', 'c') }} → ["a","b","c"]
    """
    return span(start, end, increment)


def from_json(json: Any) -> Any:
    """The value of a JSON text; what follows it is not looked at. Null gives null.

    {{ fromJson('{"a": [1, 2]}').a[1] }} → 2
    """
    if json is None:
        return None
    source = text(json, "json").lstrip(" \t\r\n\ufeff")
    try:
        return JSONDecoder(parse_constant=_no_constant).raw_decode(source)[0]
    except ValueError as error:
        raise ExpressionError(f"the text is no JSON: {error}") from error


def json(json: Any) -> Any:
    """The value of a JSON text, by the older name.

    {{ json('[1, 2]') | last }} → 2
    """
    return from_json(json)


def _no_constant(name: str) -> NoReturn:
    raise ExpressionError(f"{name} is no JSON")


def from_ion(ion: Any, all_rows: Any = None) -> Any:
    """The first value in an Ion text, or all of them as a list. Null gives null.

    allRows: whether all are wanted.

    {{ fromIon('{title: "Main_Page", views: 109787}').views }} → 109787
    {{ fromIon('{id: 1} {id: 2}', allRows=true) | length }} → 2
    """
    if ion is None:
        return None
    found = ion_text.load(text(ion, "ion"))
    return found if all_rows is True else next(iter(found), None)


def yaml(yaml: Any) -> Any:
    """The value of a YAML text.

    {{ yaml('a: [1, 2]').a }} → [1,2]
    """
    return yaml_text.load(text(yaml, "yaml"))
