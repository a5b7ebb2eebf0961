"""Missing names and nulls: who reports them, and who catches them."""

from __future__ import annotations

import pytest

from wdprefect.errors import ExpressionError
from wdprefect.expressions import Expressions

VARIABLES = {"m": {"null": None, "a": {"b": 1}}, "null_": None, "l": [1], "s": "text", "t": "{{ gone }}"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ gone ?? 'x' }}", "x"),
        ("{{ gone.a.b ?? 'x' }}", "x"),
        ("{{ m.gone ?? m.a.gone ?? m.a.b }}", 1),
        ("{{ m.null ?? 'x' }}", "x"),
        ("{{ m.null ??? 'x' }}", None),
        ("{{ gone ??? 'x' }}", "x"),
        ("{{ '' ?? 'x' }}", ""),
        ("{{ l[5] ?? 'x' }}", "x"),
        ("{{ (gone ~ 'a') ?? 'x' }}", "x"),
        ("{{ (gone | upper) ?? 'x' }}", "x"),
        ("{{ [gone] ?? 'x' }}", "x"),
        ("{{ (gone > 1) ?? 'x' }}", "x"),
        ("{{ (gone ? 1 : 2) ?? 'x' }}", "x"),
        ("{{ (gone ?? 1) + 1 }}", 2),
        ("{{ (-gone) ?? 'x' }}", "x"),
        ("{{ s['gone'] ?? 'x' }}", "x"),
        ("{{ gone is defined }}", False),
        ("{{ m.null is defined }}", False),
        ("{{ m.null is null }}", True),
        ("{{ gone.x | default('d') }}", "d"),
        ("{{ gone | upper | default('d') }}", "d"),
        ("{% macro f() %}{% for i in l2 %}{% endfor %}{% endmacro %}{{ f() ?? 'x' }}{{ s }}", "xtext"),
    ],
)
def test_caught(text: str, expected: object) -> None:
    """`??`, `???`, `default` and `is defined` catch what is missing; null counts as a value only for `???`."""
    assert expected == Expressions().evaluate(text, VARIABLES)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("{{ gone }}", "gone"),
        ("{{ gone.x }}", "gone"),
        ("{{ m.gone }}", "gone"),
        ("{{ m['go ne'] }}", "go ne"),
        ("{{ null_.x }}", "null_"),
        ("{{ m.null.x }}", "x"),
        ("{{ l[1] }}", "1"),
        ("{{ l[-1] }}", "-1"),
        ("{{ s.x }}", "x"),
        ("{{ gone is empty }}", "gone"),
        ("{{ 'x' | default(gone) }}", "gone"),
        ("{% macro f() %}{{ s }}{% endmacro %}{{ f() }}", "s"),
    ],
)
def test_reported(text: str, name: str) -> None:
    """What is missing and not caught is an error of kind `undefined` that names it."""
    with pytest.raises(ExpressionError) as caught:
        Expressions().render(text, VARIABLES)
    assert ("undefined", name) == (caught.value.kind, caught.value.name)


@pytest.mark.parametrize(
    "text",
    [
        "{{ gone + 1 }}",
        "{{ (gone + 1) ?? 'x' }}",
        "{{ (m.gone == 1) ?? 'x' }}",
        "{{ (f() + 'a') ?? 'x' }}{% macro f() %}{{ gone }}{% endmacro %}",
        "{{ (1 + (s ~ m.gone)) ?? 'x' }}",
        "{% if gone %}{% endif %}",
        "{{ render(t) ?? 'x' }}",
        "{{ null_ and true }}",
        "{{ not [] }}",
        "{% if null_ %}{% endif %}",
        "{% for x in 'abc' %}{% endfor %}",
        "{{ m[1] }}",
        "{{ nosuch() }}",
        "{{ s | nosuch }}",
        "{{ s is nosuch }}",
        "{{ {[1]: 2} }}",
        "{{ {null: 2} }}",
        "{{ s.getClass() }}",
        "{{ f(1, 2) }}{% macro f(a) %}{% endmacro %}",
        "{{ f(b=2) }}{% macro f(a) %}{% endmacro %}",
        "{% macro f() %}{% endmacro %}{% macro f() %}{% endmacro %}",
        "{{ 9223372036854775808 }}",
    ],
)
def test_never_caught(text: str) -> None:
    """Arithmetic, `==` and `if` turn what is missing into an error of kind `evaluation`, as all other failures are."""
    with pytest.raises(ExpressionError) as caught:
        Expressions().render(text, VARIABLES)
    assert "evaluation" == caught.value.kind


def test_a_branch_not_taken_does_not_matter() -> None:
    """An unknown filter, function or test is an error only where it is reached."""
    assert "ok" == Expressions().render("{{ true ? 'ok' : (s | nosuch) ~ nosuch() }}", VARIABLES)


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("{{ gone }}", 1, 4),
        ("a\r\nb {{ s }}{{ m.gone }}", 2, 15),
        ("a\n\n{{ s | nosuch }}", 3, 8),
        ("{{ 1 +\n 'a' * 2 }}", 2, 6),
        ("\n{{ 1 ~ }}", 2, 8),
        ("{{ [1,\n2 }}", 2, 3),
        ("x\n{% nosuch %}", 2, 4),
        ("{{ s }}\n{{ secret('k') }}", 2, 4),
    ],
)
def test_positions(text: str, line: int, column: int) -> None:
    """An error tells the line and column, from 1, of the word it is about; CR LF ends one line."""
    with pytest.raises(ExpressionError) as caught:
        Expressions().render(text, VARIABLES)
    assert (line, column) == (caught.value.line, caught.value.column)
