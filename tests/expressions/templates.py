"""Texts made of the language's own words, for tests that try any text."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from wdprefect.expressions.filters import FILTERS
from wdprefect.expressions.functions import FUNCTIONS
from wdprefect.expressions.methods import METHODS
from wdprefect.expressions.predicates import TESTS

VARIABLES: dict[str, Any] = {
    "x": "text",
    "l": [1, "a", None, [2]],
    "m": {"a": 1, "n": None, "t": "{{ x }}"},
    "d": dt.datetime(2024, 3, 1, tzinfo=dt.timezone.utc),
    "span": dt.timedelta(seconds=90),
    "dec": Decimal("1.50"),
    "o": 1.5,
    "big": 2**70,
}
# Functions that wait, or reach something outside of the template.
OUTSIDE = frozenset(("http", "subflow"))
_ATOMS = st.sampled_from(
    [
        *VARIABLES, "1", "-3", "2.5", "'s'", '"a#{x}b"', "null", "true", "m.a", "m.t", "missing", "'2024-01-01'",
        "[]", "{}", "'$1('", "'(a|b)+'", "'%5d'", "'#,##0.0E0'", "'yyyy-MM-dd'", "9223372036854775807", "99999999",
        "0.0", "'DAYS'",
    ]
)  # fmt: skip
_OPERATORS = st.sampled_from(
    ["??", "???", "~", "..", "+", "-", "*", "/", "%", "==", "!=", "<", ">=", "contains", "isIn", "and", "or", "equals"]
)
_METHODS = st.sampled_from([*sorted({name for _, _, methods in METHODS for name in methods}), "getClass", "__class__"])


def _larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    arguments = st.lists(inner, max_size=3).map(", ".join)
    return st.one_of(
        st.builds("({} | {}({}))".format, inner, st.sampled_from(sorted(FILTERS)), arguments),
        st.builds("{}({})".format, st.sampled_from(sorted(FUNCTIONS.keys() - OUTSIDE)), arguments),
        st.builds("({} {} {})".format, inner, _OPERATORS, inner),
        st.builds("({}{})".format, st.sampled_from(["not ", "-", "+"]), inner),
        st.builds("({} is {})".format, inner, st.sampled_from(sorted(TESTS))),
        st.builds("({} ? {} : {})".format, inner, inner, inner),
        st.builds("{{{}: {}}}".format, inner, inner),
        st.builds("[{}, {}]".format, inner, inner),
        st.builds("({})[{}]".format, inner, inner),
        st.builds("({}).{}({})".format, inner, _METHODS, arguments),
    )


EXPRESSIONS = st.recursive(_ATOMS, _larger, max_leaves=8)
PRINTS = EXPRESSIONS.map("{{{{ {} }}}}".format)
STATEMENTS = st.one_of(
    st.builds("{{% for x in {} %}}{}{{% else %}}{}{{% endfor %}}".format, EXPRESSIONS, PRINTS, PRINTS),
    st.builds("{{% if {} %}}{}{{% elseif {} %}}b{{% endif %}}".format, EXPRESSIONS, PRINTS, EXPRESSIONS),
    st.builds("{{% set x = {} %}}{}".format, EXPRESSIONS, PRINTS),
    st.builds("{{% filter {} %}}{}{{% endfilter %}}".format, st.sampled_from(sorted(FILTERS)), PRINTS),
    st.builds("{{% macro f(a, b={}) %}}{}{{% endmacro %}}{{{{ f({}) }}}}".format, EXPRESSIONS, PRINTS, EXPRESSIONS),
    st.builds("{{% block b %}}{}{{% endblock %}}{{{{ block('b') }}}}".format, PRINTS),
)
_WORDS = st.sampled_from(
    [
        "{{", "}}", "{%", "%}", "{#", "#}", "-", " ", "(", ")", "[", "]", "{", "}", "'a'", '"b#{', '}"', "1", "2.5",
        "x", "l", "??", "~", "is", "is not", "not", "if", "endif", "for i in", "endfor", "set y =", "macro f(a)",
        "endmacro", "f(1)", "block b", "endblock", "filter upper", "endfilter", ",", ":", "?", ".", "..", "=",
        "| upper", "|", "raw", "endraw", "\n", "\r\n", "\\", "#", "'", '"', "{% raw %}", "{% endraw %}",
        "{% verbatim %}", "{% endverbatim %}", "else", "é", "\0",
    ]
)  # fmt: skip
ANY_TEXT = st.one_of(
    st.text(), PRINTS, STATEMENTS, st.lists(_WORDS, max_size=15).map(" ".join), st.lists(_WORDS).map("".join)
)
