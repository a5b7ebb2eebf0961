"""Checking without running: syntax and the names a text uses."""

from __future__ import annotations

import subprocess
import sys

import pytest

from wdprefect.errors import ExpressionError
from wdprefect.expressions import check_syntax, references
from wdprefect.expressions.parsing import printed
from wdprefect.expressions.references import uses


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no template { here }", []),
        ("{{ outputs.a['x.csv'] }}", [("outputs", "a", "x.csv")]),
        ("{{ inputs[x] }}", [("inputs",), ("x",)]),
        ("{{ l[0].a ~ l[i].b }}", [("l", "0", "a"), ("l",), ("i",)]),
        ("{{ f(a.b, k=c) | g(d) }}", [("a", "b"), ("c",), ("d",)]),
        ("{{ a ?? b.c ? d is e : [f, {g: h}] }}", [("a",), ("b", "c"), ("d",), ("f",), ("g",), ("h",)]),
        ("{{ a.b.size() }}", [("a", "b")]),
        ('{{ "x #{a.b}" }}', [("a", "b")]),
        ("{% for r in rows.z %}{{ r.a }}{{ loop.index }}{{ q }}{% endfor %}{{ r }}", [("rows", "z"), ("q",), ("r",)]),
        ("{{ s }}{% set s = t %}{{ s }}", [("s",), ("t",)]),
        ("{% macro m(p, d=e) %}{{ p }}{{ o }}{% endmacro %}", [("e",), ("o",)]),
        ("{% if a %}{{ b }}{% elseif c %}{% else %}{{ d }}{% endif %}", [("a",), ("b",), ("c",), ("d",)]),
        ("{% filter replace(a) %}{{ b }}{% endfilter %}{% block x %}{{ c }}{% endblock %}", [("a",), ("b",), ("c",)]),
        ("{% raw %}{{ a }}{% endraw %}{# {{ b }} #}", []),
    ],
)
def test_paths(text: str, expected: list[tuple[str, ...]]) -> None:
    """Every name of the context is there with its constant path; what the template makes itself is not."""
    assert expected == [each.path for each in references(text)]


def test_place() -> None:
    """A reference stands where its name does."""
    (found,) = references("x\n- {{ a.b['c'] }}")
    assert (2, 6, (7, 9, 11)) == (found.line, found.column, found.offsets)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ outputs['a-b'].c }}", ("output", ("outputs", "a-b", "c"))),
        ("{{ outputs.a[taskrun.value].c }}", ("output", ("outputs", "a", None, "c"))),
        ("{{ l['x' ~ 'y'] }}", ("name", ("l", None))),
        ("{{ tasks.a.state }}", ("task", ("tasks", "a", "state"))),
        ("{{ inputs.a.b }}", ("input", ("inputs", "a", "b"))),
        ("{{ vars.a }}", ("variable", ("vars", "a"))),
        ("{{ labels.a }}", ("label", ("labels", "a"))),
        ("{{ trigger.body.a }}", ("trigger", ("trigger", "body", "a"))),
        ("{{ taskrun.value }}", ("iteration", ("taskrun", "value"))),
        ("{{ taskrun.id }}", ("name", ("taskrun", "id"))),
        ("{{ parent.taskrun.value }}", ("iteration", ("parent", "taskrun", "value"))),
        ("{{ secret('K') }}", ("secret", ("secret", "K"))),
        ("{{ secret(namespace='n', key='K') }}", ("secret", ("secret", "K"))),
        ("{{ secret('A' ~ 'B') }}", ("secret", ("secret",))),
        ("{{ kv('k', 'n') }}", ("key", ("kv", "k"))),
        ("{{ render('x {{ outputs.a }}') }}", ("output", ("outputs", "a"))),
    ],
)
def test_kinds(text: str, expected: tuple[str, tuple[str | None, ...]]) -> None:
    """A reference tells what kind of thing it names, and each step of the way to it, None where it is computed."""
    assert expected in [(each.kind, each.steps) for each in references(text)]


@pytest.mark.parametrize(
    ("text", "may_be_missing", "is_conditional"),
    [
        ("{{ a.b }}", False, False),
        ("{{ a.b ?? 1 }}", True, False),
        ("{{ a.b ??? 1 }}", True, False),
        ("{{ 1 ?? a.b }}", False, True),
        ("{{ a.b | upper ?? 1 }}", True, False),
        ("{{ (a.b + 1) ?? 1 }}", False, False),
        ("{{ (a.b == 1) ?? 1 }}", False, False),
        ("{{ a.b ?? 1 == 1 }}", True, False),
        ("{{ a.b | default(1) }}", True, False),
        ("{{ a.b | upper | default(1) }}", True, False),
        ("{{ 1 | default(a.b) }}", False, False),
        ("{{ a.b is defined }}", True, False),
        ("{{ a.b is not defined }}", True, False),
        ("{{ a.b is null }}", False, False),
        ("{{ a is defined ? a.b : 1 }}", True, True),
        ("{{ a.b is defined ? a.b : 1 }}", True, True),
        ("{{ a.c is defined ? a.b : 1 }}", False, True),
        ("{{ a contains 'b' ? a.b : 1 }}", True, True),
        ("{{ a is defined and a.b == 1 }}", True, True),
        ("{% if a.b is defined %}{{ a.b }}{% endif %}", True, True),
        ("{% if x %}{{ a.b }}{% endif %}", False, True),
        ("{% if a.b %}{% endif %}", False, False),
        ("{% if x %}{% elseif a.b %}{% endif %}", False, True),
        ("{% for i in l %}{{ a.b }}{% endfor %}", False, True),
        ("{{ render('{{ a.b ?? 1 }}') }}", True, False),
    ],
)
def test_what_may_be_missing(text: str, may_be_missing: bool, is_conditional: bool) -> None:  # noqa: FBT001  a table
    """A reference tells whether its absence is provided for, and whether it is always read; its last use counts."""
    found = [each for each in references(text) if each.path == ("a", "b")][-1]
    assert (may_be_missing, is_conditional) == (found.is_optional, found.is_conditional)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ a }}", ["a"]),
        ("{{ a == 1 ? b : c }}", ["b", "c"]),
        ("{{ a is empty }}{{ a > 1 }}{{ not a }}{{ a * 2 }}{{ l[a] }}", ["l"]),
        ("{{ a ~ b }}{{ c + 'x' }}{{ d ?? e }}", ["a", "b", "c", "d", "e"]),
        ("{% if a %}{{ b }}{% endif %}", ["b"]),
        ("{% for r in a %}{{ r }}{% endfor %}{% set s = b %}{{ s }}", ["a", "b"]),
        ("{{ f(a) | g(b) }}", ["a", "b"]),
    ],
)
def test_what_is_shown(text: str, expected: list[str]) -> None:
    """A reference tells whether its value gets into the text, or only decides something."""
    assert expected == [each.path[0] for each in references(text) if each.is_shown]


def test_calls() -> None:
    """Filters, functions and tests are there with how they are given arguments, and the macros by name."""
    text = "{% macro m(x) %}{% endmacro %}{{ a | f('k', n=1) is t }}{{ g() }}{{ m(1) }}"
    found = uses(text)
    expected = [("filter", "f", 1, ("n",), "k"), ("test", "t", 0, (), None), ("function", "g", 0, (), None)]
    calls = [(call.kind, call.name, call.given, call.named, call.first) for call in found.calls]
    assert (expected, frozenset({"m"})) == (calls[:3], found.macros)


def test_rendered_variables() -> None:
    """What is given to `render` is marked, since its text is a template as well."""
    text = "{{ render(vars.a) }}{{ render(vars.b ?? '') | upper }}{{ vars.c }}{{ render(f(vars.d)) }}"
    assert ["a", "b"] == [each.path[1] for each in references(text) if each.is_rendered]


@pytest.mark.parametrize(
    ("text", "word", "expected"),
    [
        ("x {{ a.b | c }} y", "a", "a.b | c"),
        ("{{- a -}}{{ b }}", "a", "a"),
        ("{{ '}}' ~ a }}", "a", "'}}' ~ a"),
        ("{% if a %}{% endif %}", "a", None),
        ("{{-1 + a}}", "a", "-1 + a"),
    ],
)
def test_printed(text: str, word: str, expected: str | None) -> None:
    """The expression of a print around a place is what stands between its braces."""
    assert expected == printed(text, text.index(word))


def test_check_syntax() -> None:
    """A text that parses passes, whatever its filters and names; another one tells line and column."""
    check_syntax("{{ nosuch | nosuch }} {% set x = f() %}")
    with pytest.raises(ExpressionError) as caught:
        check_syntax("a\n {{ a | }}")
    assert ("syntax", 2, 9) == (caught.value.kind, caught.value.line, caught.value.column)


def test_check_compiles_nothing() -> None:
    """Checking syntax imports neither the compiler's runtime nor jq."""
    code = (
        "import sys; from wdprefect.expressions import check_syntax, references; check_syntax('{{ a }}');"
        "references('{{ a }}'); print({'jq', 'yaml', 'wdprefect.expressions.runtime'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "set()\n" == done.stdout
