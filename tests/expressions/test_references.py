"""Checking without running: syntax and the names a text uses."""

from __future__ import annotations

import subprocess
import sys

import pytest

from wdprefect.errors import ExpressionError
from wdprefect.expressions import Reference, check_syntax, references


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
    assert [Reference(("a", "b"), 2, 6)] == references("x\n- {{ a.b }}")


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
