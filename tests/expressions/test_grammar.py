"""The grammar: literals, operators and their precedence, statements, white space."""

from __future__ import annotations

from typing import Any

import pytest

from wdprefect.errors import ExpressionError
from wdprefect.expressions import Expressions, check_syntax

VARIABLES: dict[str, Any] = {
    "n": 7,
    "zero": 0,
    "f": 2.5,
    "s": "abc",
    "nothing": None,
    "yes": True,
    "no": False,
    "l": [1, 2, 3],
    "m": {"k": "v", "first-name": "Ann", "null": None},
    "rows": [{"id": "a", "size": 1}, {"id": "b", "size": 2}],
}


def row(text: str, expected: object) -> Any:
    return pytest.param(text, expected, id=text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        row("{{ 007 }}", "7"),
        row("{{ 3L }}", "3"),
        row("{{ 2.50 }}", "2.5"),
        row("{{ FALSE }}{{ NULL }}", "false"),
        row(r"{{ 'it\'s' }}", "it's"),
        row(r"{{ '\d+\n' }}", r"\d+\n"),
        row(r'{{ "a\"b" }}', 'a"b'),
        row("{{ '}}' }}", "}}"),
        row("{{ {'a': {'b': [1, {}]}} }}", '{"a":{"b":[1,{}]}}'),
        row("{{ {s: n} }}", '{"abc":7}'),
        row("{{ {'a': 1, 'b': 2, 'a': 3} }}", '{"a":1,"b":2}'),
        row('{{ "n is #{n + 1}!" }}', "n is 8!"),
        row('{{ "#{l}" | length }}', "3"),
        row('{{ "a #{"b #{s}"} # c" }}', "a b abc # c"),
        row("{{ überraschung ?? 'ü' }}", "ü"),
        row("{{ ([1, 2])[1] }}", "2"),
    ],
)
def test_literals(text: str, expected: str) -> None:
    """Literals are read by Kestra's rules: only the own quote is escaped, and `#{ }` interpolates."""
    assert expected == Expressions().render(text, VARIABLES)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        row("{{ 1 + 2 * 3 }}", 7),
        row("{{ 20 - 5 - 5 }}", 10),
        row("{{ not zero == 1 }}", False),
        row("{{ not no and yes }}", True),
        row("{{ yes or no and no }}", True),
        row("{{ 2 + 2 == 4 }}", True),
        row("{{ 'v' ~ 1 + 2 }}", "v12"),
        row("{{ missing ?? 'a' | upper }}", "A"),
        row("{{ missing | upper ?? 'a' }}", "a"),
        row("{{ missing ?? 1 + 2 }}", 3),
        row("{{ s | upper ~ '!' }}", "ABC!"),
        row("{{ -3 | abs }}", 3),
        row("{{ 1..3 | last }}", 3),
        row("{{ n is odd ? 'odd' : 'even' }}", "odd"),
        row("{{ no ? 1 : yes ? 2 : 3 }}", 2),
        row("{{ (no ? 'a' : 'b') | upper }}", "B"),
        row("{{ l contains 2 and s contains 'b' }}", True),
        row("{{ l contains [1, 3] }}", True),
        row("{{ 'k' isIn m }}", True),
        row("{{ 1 isIn [1] == true }}", True),
        row("{{ 'a' ~ 1 isIn [1] }}", "atrue"),
        row("{{ 5 ?? 1 isIn [1] }}", False),
        row("{{ missing is not defined }}", True),
        row("{{ 1 equals 1.0 }}", True),
        row("{{ --5 }}", 5),
    ],
)
def test_precedence(text: str, expected: object) -> None:
    """`not` binds tightest, then `??` and `..`, `~`, `|`, arithmetic, comparison, `is`, `and`, `or`, and last `? :`."""
    assert expected == Expressions().evaluate(text, VARIABLES)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        row("{{ m.k }}{{ m['first-name'] }}{{ m [s] ?? '-' }}", "vAnn-"),
        row("{{ l[0] }}{{ l['1'] }}{{ l[n - 5] }}", "123"),
        row("{% if n > 5 %}big{% elseif n > 2 %}some{% else %}few{% endif %}", "big"),
        row("{% if n > 9 %}big{% elseif n > 2 %}some{% else %}few{% endif %}", "some"),
        row("{% for r in rows %}{{ loop.index }}{{ r.id }}{{ loop.last ? '' : ',' }}{% endfor %}", "0a,1b"),
        row("{% for e in m %}{{ e.key }}={{ e.value }};{% endfor %}", "k=v;first-name=Ann;null=;"),
        row("{% for e in m %}{{ e }};{% endfor %}", "k=v;first-name=Ann;null=null;"),
        row("{% for e in {'a': [1]} %}{{ e ~ '!' }} {{ [e] }}{% endfor %}", 'a=[1]! [{"a":[1]}]'),
        row("{% for e in {'a': null} %}{{ e ~ '!' }} {{ e | toJson }}{% endfor %}", "a=null! {}"),
        row("{% for e in {'a': 1} %}{{ e.getKey() }}{{ e['value'] }}{% endfor %}", "a1"),
        row("{{ block(nothing) }}", ""),
        row("{{ locale }}{% set locale = 1 %}{{ locale }}", "en_US1"),
        row("{% for x in [] %}x{% else %}none{% endfor %}", "none"),
        row("{% for x in nothing %}x{% else %}none{% endfor %}", ""),
        row("{% set sum = 0 %}{% for r in rows %}{% set sum = sum + r.size %}{% endfor %}{{ sum }}", "3"),
        row("{% for x in l %}{% set y = x %}{% endfor %}{{ y ?? 'gone' }}", "gone"),
        row("{% set n = 1 %}{{ n }}", "1"),
        row("{{ hi('Bo') }}{% macro hi(name, mark='!') %}hi {{ name }}{{ mark }}{% endmacro %}", "hi Bo!"),
        row("{% macro max(x) %}no{% endmacro %}{{ max(1) }}", "1"),
        row("{{ hi(mark='?') }}{% macro hi(name, mark) %}[{{ name }}]{{ mark }}{% endmacro %}", "[]?"),
        row("{% macro m(x) %}{{ x }}{% endmacro %}{{ m({'a': [1, null]}) }}", "{a=[1, null]}"),
        row("{% block b %}x{{ n }}{% endblock %}-{{ block('b') }}{{ block('other') }}", "x7-x7"),
        row("{% filter upper | replace({'A': 'z'}) %}a{{ s }}{% endfilter %}", "zzBC"),
        row("{% verbatim %} {{ n }} {% endverbatim %}", "{{ n }} "),
        row("{% raw %}\n{{ n }}{% endraw %}", "\n{{ n }}"),
        row("a{# {{ missing }} #}b", "ab"),
        row("{{ false and missing }}{{ true ? 1 : missing }}", "false1"),
    ],
)
def test_statements(text: str, expected: str) -> None:
    """Names, attributes and tags do what Kestra makes of them; `set` changes the outer variable."""
    assert expected == Expressions().render(text, VARIABLES)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        row("a {{-1}}", "a -1"),
        row("a {{- 1 -}} b", "a1b"),
        row("a {{ 1-}} b", "a 1b"),
        row("a {%- if true -%} b {%- endif %} c", "ab c"),
        row("a {#- x -#} b", "ab"),
        row("a {#- x-#} b", "a b"),
        row("a {#-x -#} b", "a b"),
        row("a {#- -#} b", "a b"),
        row("a {#-#} b", "a  b"),
        row("{{ n }}\r\n{{ n }}\n\n", "7\r\n7\n\n"),
        row("{% set x = 1 %}\n{{ x }}\n", "\n1\n"),
        row("a { b } }} %}", "a { b } }} %}"),
    ],
)
def test_white_space(text: str, expected: str) -> None:
    """White space stays as it is, except where a dash with a blank trims it."""
    assert expected == Expressions().render(text, VARIABLES)


@pytest.mark.parametrize(
    "text",
    [
        "{{ }}",
        "{{ 1",
        "{{ (1 }}",
        "{{ 1 ) }}",
        "{{ 'a",
        '{{ "#{ 1',
        "{# x",
        "{% verbatim %}",
        "{{ 'a' 'b' }}",
        "{{ [1,] }}",
        "{{ {'a'} }}",
        "{{ [1][0] }}",
        "{{ l.0 }}",
        "{{ m.is }}",
        "{{ !n }}",
        "{{ a && b }}",
        "{{ 'a' if n }}",
        "{{ 1 ? 2 }}",
        "{{ x is  not null }}",
        "{{ .5 }}",
        "{{ 1e }}",
        "{{ n | }}",
        "{{ f(a=1, 2) }}",
        "{% nosuch %}",
        "{% include 'x' %}",
        "{% if n %}",
        "{% if n %}{% elif n %}{% endif %}",
        "{% for a, b in m %}{% endfor %}",
        "{% set true = 1 %}",
        "{% set a, b = l %}",
        "{% macro x %}{% endmacro %}",
        "{% block 1 %}{% endblock %}",
        "{% endif %}",
        "{% macro f() %}{% endmacro f %}",
    ],
)
def test_syntax_errors(text: str) -> None:
    """What is no template is an error of kind `syntax`, before anything runs."""
    with pytest.raises(ExpressionError) as caught:
        Expressions().render(text, VARIABLES)
    assert "syntax" == caught.value.kind


@pytest.mark.parametrize(
    ("text", "column", "expected"),
    [
        pytest.param("{{ 1 + }}", 8, "the '{{ … }}' ends where a value is expected", id="no operand"),
        pytest.param("{{ a | }}", 8, "the '{{ … }}' ends where a name is expected", id="no filter"),
        pytest.param("{% if %}", 7, "the '{% … %}' ends where a value is expected", id="no condition"),
        pytest.param('{{ "a#{ }" }}', 9, "the '#{ … }' ends where a value is expected", id="nothing in a text"),
        pytest.param("{{ 1 2 }}", 6, "'2' stands where '}}' is expected", id="two values"),
        pytest.param("{% for a b %}", 10, "'b' stands where 'in' is expected", id="a word is missing"),
        pytest.param("{{ (1 }}", 7, "'}' stands where ')' is expected", id="an open bracket"),
        pytest.param("{{ 1) }}", 5, "the ')' closes nothing", id="a bracket too many"),
        pytest.param("{{ 'a }}", 4, "the text is not closed", id="an open text"),
        pytest.param("{{ a", 1, "the '{{' is not closed", id="never closed"),
        pytest.param("{% if a %}b", 11, "'{% endif %}' is missing", id="no end"),
        pytest.param("{% else %}", 4, "'{% else %}' belongs to no tag before it", id="an end without a beginning"),
        pytest.param("{% frob %}", 4, "'{% frob %}' is no tag that is known", id="no such tag"),
        pytest.param("{{ a @ b }}", 6, "the character '@' is not understood here", id="no such operator"),
    ],
)
def test_what_is_said(text: str, column: int, expected: str) -> None:
    """What does not parse is said in the words of who wrote it, with its place."""
    with pytest.raises(ExpressionError) as caught:
        check_syntax(text)
    assert (expected, 1, column) == (str(caught.value), caught.value.line, caught.value.column)
