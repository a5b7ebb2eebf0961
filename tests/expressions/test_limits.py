"""Bounds, and the law that any text gives a result or an ExpressionError."""

from __future__ import annotations

import datetime as dt
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wdprefect.errors import ExpressionError
from wdprefect.expressions import Expressions, check_syntax, references
from wdprefect.expressions.filters import FILTERS
from wdprefect.expressions.functions import FUNCTIONS
from wdprefect.expressions.limits import NESTED_RENDERS, TEMPLATE_CHARACTERS


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("{{ " + "[" * 100_000 + " }}", id="brackets"),
        pytest.param("{{ " + "(" * 100_000 + " }}", id="parentheses"),
        pytest.param("{{ " + "not " * 100_000 + "1 }}", id="not"),
        pytest.param("{{ " + "1 ? 2 : " * 5000 + "3 }}", id="ternaries"),
        pytest.param('{{ "' + '#{"' * 5000, id="interpolations"),
        pytest.param("{% if 1 %}" * 5000, id="ifs"),
        pytest.param("{{ 1 }}" + " " * TEMPLATE_CHARACTERS, id="length"),
    ],
)
def test_text_too_deep(text: str) -> None:
    """Nesting and length are bounded already when a text is checked."""
    with pytest.raises(ExpressionError) as caught:
        check_syntax(text)
    assert "limit" == caught.value.kind


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("{{ " + "1 + " * 3000 + "1 }}", id="sum"),
        pytest.param("{{ a" + ".b" * 3000 + " }}", id="path"),
        pytest.param("{% for i in [1] %}" * 30 + "{% endfor %}" * 30, id="loops in loops"),
        pytest.param("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", id="macro calls itself"),
        pytest.param("{{ render(self) }}", id="render calls itself"),
        pytest.param("{% set x = 'ab' %}{% for i in 0..99 %}{% set x = x ~ x %}{% endfor %}", id="text doubles"),
        pytest.param("{% set x = [1] %}{% for i in 0..99 %}{% set x = x + x %}{% endfor %}", id="list doubles"),
        pytest.param("{% for i in 0..9999 %}{% for j in 0..99999 %}{% endfor %}{% endfor %}", id="rounds"),
        pytest.param("{{ 'a' | indent(9999999999) ~ ('a' | nindent(9999999999)) }}", id="indent"),
        pytest.param("{{ [1] | jq('range(1000000000)') }}", id="jq"),
        pytest.param("{{ fromJson(brackets) }}", id="deep JSON"),
        pytest.param("{{ yaml(brackets) }}", id="deep YAML"),
    ],
)
def test_run_too_large(text: str) -> None:
    """What would eat memory or stack while it runs ends as an error of kind `limit`."""
    with pytest.raises(ExpressionError) as caught:
        Expressions().render(text, {"a": {}, "self": "{{ render(self) }}", "brackets": "[" * 20_000})
    assert "limit" == caught.value.kind


def test_range_too_large() -> None:
    """A range has at most a million items."""
    with pytest.raises(ExpressionError, match="1,000,000"):
        Expressions().render("{{ range(0, 2000000000) }}", {})


def test_nested_renders() -> None:
    """Templates may render each other as deep as the bound says."""
    names = {f"v{n}": f"{{{{ render(v{n + 1}) }}}}" for n in range(NESTED_RENDERS)} | {f"v{NESTED_RENDERS}": "end"}
    assert "end" == Expressions().render("{{ v1 | default('') is defined ? render(v1) : '' }}", names)


@pytest.mark.parametrize(
    "text",
    [
        "{{ x.__class__ }}",
        "{{ s.__class__ }}",
        "{{ x['__dict__'] }}",
        "{{ x.secret }}",
        "{{ l.append(1) }}",
        "{{ s.format }}",
        "{{ context }}",
        "{{ environment }}",
        "{{ __builtins__ }}",
        "{{ open('x') }}",
        "{{ Macro }}",
        "{{ add(1, 2) }}",
        "{{ s | __class__ }}",
        "{{ s is __class__ }}",
        "{{ loop.__class__ }}",
        "{{ s.join(l) }}",
    ],
)
def test_nothing_of_python(text: str) -> None:
    """No attribute, builtin or internal name of Python is reached from a template."""

    class Thing:
        secret = "s3cr3t"

    with pytest.raises(ExpressionError):
        Expressions().render("{% for i in [1] %}" + text + "{% endfor %}", {"x": Thing(), "s": "a", "l": [1]})


@pytest.mark.parametrize(
    "program",
    ["env", "$ENV", "env.PATH", ".) | (env", "halt", "input", "inputs", "debug", "input_filename", '"a" | modulemeta'],
)
def test_jq_is_alone(program: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """A jq program sees neither the environment nor files, and writes nothing."""
    monkeypatch.setenv("SECRET_X", "top-secret")
    assert "top-secret" not in Expressions().render("{{ [1] | jq(p) }}", {"p": program})
    assert ("", "") == capfd.readouterr()


VARIABLES: dict[str, Any] = {
    "x": "text",
    "l": [1, "a", None, [2]],
    "m": {"a": 1, "n": None},
    "d": dt.datetime(2024, 3, 1, tzinfo=dt.timezone.utc),
    "o": 1.5,
}
_ATOMS = st.sampled_from(
    [*VARIABLES, "1", "-3", "2.5", "'s'", "null", "true", "m.a", "missing", "'2024-01-01'", "[]", "'$1('"]
)


def _larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    arguments = st.lists(inner, max_size=3).map(", ".join)
    operators = st.sampled_from(
        ["??", "???", "~", "..", "+", "-", "*", "/", "%", "==", "<", "contains", "isIn", "and", "or"]
    )
    return st.one_of(
        st.builds("({} | {}({}))".format, inner, st.sampled_from(sorted(FILTERS)), arguments),
        st.builds("{}({})".format, st.sampled_from(sorted(FUNCTIONS)), arguments),
        st.builds("({} {} {})".format, inner, operators, inner),
        st.builds("({} is {})".format, inner, st.sampled_from(["defined", "empty", "odd", "map", "json", "null"])),
        st.builds("{{{}: {}}}".format, inner, inner),
        st.builds(
            "({}).{}".format, inner, st.sampled_from(["a", "size()", "split(x)", "plusDays(99999999)", "get([])"])
        ),
    )


_EXPRESSIONS = st.recursive(_ATOMS, _larger, max_leaves=8).map("{{{{ {} }}}}".format)
_PIECES = st.sampled_from(
    [
        "{{",
        "}}",
        "{%",
        "%}",
        "{#",
        "#}",
        "-",
        " ",
        "(",
        ")",
        "[",
        "]",
        "'a'",
        '"b#{',
        '}"',
        "1",
        "x",
        "l",
        "??",
        "~",
        "is",
        "not",
        "if",
        "endif",
        "for i in",
        "endfor",
        "set y =",
        "macro f(a)",
        "endmacro",
        "f(1)",
        "block b",
        "endblock",
        "filter upper",
        "endfilter",
        ",",
        ":",
        "?",
        ".",
        "| upper",
        "raw",
        "endraw",
        "\n",
        "{% raw %}",
        "{% endraw %}",
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(), _EXPRESSIONS, st.lists(_PIECES, max_size=15).map(" ".join), st.lists(_PIECES).map("".join)))
def test_any_text(text: str) -> None:
    """Any text gives a result or an ExpressionError whose place is in the text, run or only checked."""
    places: list[tuple[int, int]] = []
    for action in (check_syntax, references, lambda each: Expressions().evaluate(each, VARIABLES)):
        try:
            action(text)
        except ExpressionError as error:
            places.append((error.line, error.column))
    lines, columns = text.count("\n") + text.count("\r") + 1, len(text) + 1
    assert all(1 <= line <= lines and 1 <= column <= columns for line, column in places)


@given(st.text().filter(lambda text: "{" not in text))
def test_text_without_braces(text: str) -> None:
    """Text without braces renders to itself."""
    assert text == Expressions().render(text, {})


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(), lambda x: st.lists(x, max_size=3)
    )
)
def test_json_round_trip(value: object) -> None:
    """What `toJson` writes, `fromJson` reads."""
    assert value == Expressions().evaluate("{{ fromJson(v | toJson) }}", {"v": value})


def test_deep_stack() -> None:
    """A text that is too deep for what is left of the stack is an error of kind `limit`, wherever it is rendered."""

    def dive(levels: int) -> object:
        if levels:
            return dive(levels - 1)
        with pytest.raises(ExpressionError) as caught:
            Expressions().render("{{ " + "(" * 45 + "1" + ")" * 45 + " }}", {})
        return caught.value.kind

    assert "limit" == dive(sys.getrecursionlimit() - 250)
