"""Filters of data: JSON, YAML, Ion, and jq programs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from wdprefect.expressions import ion_text, jq_program, values, yaml_text
from wdprefect.expressions.arguments import text


def to_json(value: Any) -> str:
    """The value as compact JSON; null entries of maps are left out.

    {{ {'a': [1, null], 'b': null} | toJson }} → {"a":[1,null]}
    """
    return values.to_json(value)


# The name that older flows use.
def json(value: Any) -> str:
    """The value as compact JSON, by the older name.

    {{ ['a', 1] | json }} → ["a",1]
    """
    return values.to_json(value)


def yaml(value: Any) -> str:
    r"""The value as YAML in block style, with a line end; null is the word alone.

    {{ {'a': [1, 2]} | yaml }} → a:\n - 1\n - 2\n
    """
    return "null" if value is None else yaml_text.dump(value)


def to_ion(value: Any) -> str:
    """The value as one line of Ion text; null entries of maps stay.

    {{ {'a': [1, 2.5, null], 'b c': 'x'} | toIon }} → {a:[1,2.5e0,null],'b c':"x"}
    """
    return ion_text.dump(value)


def class_name(value: Any) -> str | None:
    """The name of the value's class in Kestra, for a look at what a value is; null stays null.

    {{ 'x' | className }} → java.lang.String
    {{ 1.5 | className }} → java.lang.Double
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return "java.lang.Integer" if _fits(value, 32) else "java.lang.Long" if _fits(value, 64) else _BIG
    return next((name for kind, name in _CLASSES if isinstance(value, kind)), None)


_BIG = "java.math.BigInteger"
# The first that fits counts: a boolean is a number to Python, and a date-time a date.
_CLASSES: tuple[tuple[Any, str], ...] = (
    (bool, "java.lang.Boolean"),
    (str, "java.lang.String"),
    (float, "java.lang.Double"),
    (Decimal, "java.math.BigDecimal"),
    (Mapping, "java.util.LinkedHashMap"),
    ((set, frozenset), "java.util.LinkedHashSet"),
    (values.LISTS, "java.util.ArrayList"),
    (dt.datetime, "java.time.ZonedDateTime"),
    (dt.date, "java.time.LocalDate"),
    (dt.time, "java.time.LocalTime"),
    (dt.timedelta, "java.time.Duration"),
)


def _fits(value: int, bits: int) -> bool:
    return value.bit_length() < bits or value == -(1 << bits - 1)


def jq(value: Any, expression: Any) -> list[Any] | None:
    """All outputs of a jq program as a list; a text is read as JSON first.

    {{ [1, 2, 3] | jq('.[] | select(. > 1)') }} → [2,3]
    {{ '{"a": {"b": 5}}' | jq('.a.b') | first }} → 5
    """
    program = text(expression, "expression")
    return None if value is None else jq_program.run(program, value)
