"""Bounds, and that nothing of Python is reached from a template."""

from __future__ import annotations

import datetime as dt
import sys
from decimal import Decimal

import pytest

from wdprefect.errors import ExpressionError
from wdprefect.expressions import Expressions, check_syntax
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


# A list of two lists that are one list of two lists … a hundred levels deep: little memory, endless to walk through.
SHARED = "{% set x = [1] %}{% for i in 0..99 %}{% set x = [x, x] %}{% endfor %}"
VARIABLES = {
    "a": {},
    "self": "{{ render(self) }}",
    "brackets": "[" * 20_000,
    "long": "a" * 100_000,
    "many": "$1" * 5000,
    "huge": "a" * 1_000_000,
    "lines": "a\n" * 10_000,
}


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
        pytest.param("{{ lines | indent(100, long) }}", id="indent of many lines"),
        pytest.param("{{ long | replace({'a': long}) }}", id="replace"),
        pytest.param("{{ long | replace({'a': long}, regexp=true) }}", id="replace by a regular expression"),
        pytest.param("{{ long | regexReplace('(.*)', many) }}", id="groups of a replacement"),
        pytest.param("{{ long.replace('a', long) }}", id="the method replace"),
        pytest.param("{{ 1..100000 | join(long) }}", id="join"),
        pytest.param("{% set x = [1] %}{% for i in 0..99 %}{% set x = x | merge(x) %}{% endfor %}", id="merge"),
        pytest.param("{% set x = 1..999999 %}{{ [x, x] | flatten }}", id="flatten"),
        pytest.param(SHARED + "{{ x }}", id="JSON of shared lists"),
        pytest.param(SHARED + "{{ x ~ 1 }}", id="text of shared lists"),
        pytest.param(SHARED + "{% set y = x %}{% set y = [y, y] %}{{ x == y }}", id="equality"),
        pytest.param(SHARED + "{{ [x] contains x }}", id="contains"),
        pytest.param(SHARED + "{{ [x] | distinct }}", id="distinct"),
        pytest.param(SHARED + "{{ render(x) }}", id="render of shared lists"),
        pytest.param(SHARED + "{{ x | replace({'1': '2'}) }}", id="replace in shared lists"),
        pytest.param(SHARED + "{{ x | escapeChar('single') }}", id="escapeChar"),
        pytest.param(SHARED + "{{ x | yaml }}", id="YAML of shared lists"),
        pytest.param(SHARED + "{{ x | jq('.') }}", id="jq of shared lists"),
        pytest.param(SHARED + "{{ x | toIon }}", id="Ion of shared lists"),
        pytest.param(
            "{% set x = 1 %}{% for i in 0..999999 %}{% set x = [x] %}{% endfor %}{{ x }}", id="depth of a list"
        ),
        pytest.param("{{ '1e99999999' | number('BIGDECIMAL') }}", id="exponent"),
        pytest.param("{{ '%99999s' | format(1) | replace({' ': long}) }}", id="format"),
        pytest.param("{% filter replace({'a': long}) %}{{ long }}{% endfilter %}", id="a filter tag"),
        pytest.param("{% for i in 0..9999 %}{{ long }}{% endfor %}", id="what is printed"),
        pytest.param(
            "{% macro m(x) %}{% for i in 0..9999 %}{{ x }}{% endfor %}{% endmacro %}{{ m(long) | length }}",
            id="what a macro prints",
        ),
        pytest.param("{{ long ~ long ~ ((" + " ~ ".join(["huge"] * 60) + ")) }}", id="concatenation"),
        pytest.param("{{ [1] | jq('range(1000000000)') }}", id="jq"),
        pytest.param("{{ fromJson(brackets) }}", id="deep JSON"),
        pytest.param("{{ yaml(brackets) }}", id="deep YAML"),
    ],
)
def test_run_too_large(text: str) -> None:
    """What would eat memory or stack while it runs ends as an error of kind `limit`."""
    with pytest.raises(ExpressionError) as caught:
        Expressions().render(text, VARIABLES)
    assert "limit" == caught.value.kind


def test_range_too_large() -> None:
    """A range has at most a million items."""
    with pytest.raises(ExpressionError, match="1,000,000"):
        Expressions().render("{{ range(0, 2000000000) }}", {})


def test_nested_renders() -> None:
    """Templates may render each other as deep as the bound says."""
    names = {f"v{n}": f"{{{{ render(v{n + 1}) }}}}" for n in range(NESTED_RENDERS)} | {f"v{NESTED_RENDERS}": "end"}
    assert "end" == Expressions().render("{{ v1 | default('') is defined ? render(v1) : '' }}", names)


class Thing:
    """Something that is no data, with what should not be seen."""

    secret = "s3cr3t"

    def __getitem__(self, key: object) -> str:
        return self.secret

    def __str__(self) -> str:
        return "a thing"


ATTEMPTS = [
    "x.__class__", "x.secret", "x['secret']", "x[0]", "x.__dict__", "x['__dict__']", "x.__getitem__('a')", "x()",
    "x.secret()", "s.__class__", "s.__class__.__mro__", "s['__class__']", "s.format", "s.format('a')", "s.join(l)",
    "s.encode()", "s.mro", "s.__len__()", "s.format_map(m)", "s.translate(m)",
    "''.__class__.__base__.__subclasses__()", "s.getClass()", "s.class", "s['class']", "s['getClass']",
    "s.getBytes()", "1.__class__", "(1).__class__", "(1).real", "(1).bit_length()", "(1.5).hex()", "true.__class__",
    "null.__class__", "l.append(1)", "l.__class__", "l.sort()", "l.copy()", "l.pop()", "l['append']", "l.clear()",
    "m.__class__", "m.items()", "m.pop('a')", "m.update(m)", "m.setdefault('z', 1)", "m.put('z', 1)", "m.clear()",
    "m['__class__']", "d.__class__", "d.tzinfo", "d.strftime('%Y')", "d.replace(2000)", "d.fromtimestamp(0)",
    "d.utcoffset()", "d.max", "d['tzinfo']", "d.getClass()", "span.total_seconds()", "span.resolution",
    "dec.to_eng_string()", "dec.as_tuple()", "loop.__class__", "loop.items()", "f.__class__", "f.body", "upper",
    "range", "range.__globals__", "now.__code__", "context", "self", "caller", "varargs", "kwargs", "environment",
    "request", "cycler", "joiner", "namespace()", "lipsum()", "dict()", "__builtins__", "__import__('os')",
    "open('x')", "eval('1')", "exec('1')", "getattr(x, 'secret')", "print(1)", "vars(x)", "type(x)", "Macro",
    "Macro()", "add(1, 2)", "root", "root()", "body_0()", "macros", "blocks", "context.scopes", "_Scope__x",
    "s | __class__", "s | attr('__class__')", "l | map('upper')", "s | safe", "s | format_", "s is __class__",
    "s is callable", "s is sameas(s)", "scope", "services", "services.secret('x')", "masker", "block.__doc__", "_",
    "__name__", "numbers", "Missing", "FILTERS", "s | bind", "s | table", "s | in_leaves", "s | _formatted",
    "s | given", "s | text", "s | regexes", "'{0.__class__}' | format(x) | length > 20 ? x.secret : gone",
]  # fmt: skip


@pytest.mark.parametrize("text", ATTEMPTS)
def test_nothing_of_python(text: str) -> None:
    """No attribute, method, builtin or internal name of Python is reached from a template."""
    variables = {
        "x": Thing(),
        "s": "a",
        "l": [1],
        "m": {"a": 1},
        "d": dt.datetime(2024, 3, 1, tzinfo=dt.timezone.utc),
        "span": dt.timedelta(seconds=1),
        "dec": Decimal(1),
        "vars": {},
    }
    before = repr(variables)
    with pytest.raises(ExpressionError) as caught:
        Expressions().render("{% macro f() %}{% endmacro %}{% for i in [1] %}{{ " + text + " }}{% endfor %}", variables)
    assert "s3cr3t" not in str(caught.value)
    assert before == repr(variables)


@pytest.mark.parametrize(
    "program",
    ["env", "$ENV", "env.PATH", ".) | (env", "halt", "input", "inputs", "debug", "input_filename", '"a" | modulemeta'],
)
def test_jq_is_alone(program: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """A jq program sees neither the environment nor files, and writes nothing."""
    monkeypatch.setenv("SECRET_X", "top-secret")
    assert "top-secret" not in Expressions().render("{{ [1] | jq(p) }}", {"p": program})
    assert ("", "") == capfd.readouterr()


def test_deep_stack() -> None:
    """A text that is too deep for what is left of the stack is an error of kind `limit`, wherever it is rendered."""

    def dive(levels: int) -> object:
        if levels:
            return dive(levels - 1)
        with pytest.raises(ExpressionError) as caught:
            Expressions().render("{{ " + "(" * 45 + "1" + ")" * 45 + " }}", {})
        return caught.value.kind

    assert "limit" == dive(sys.getrecursionlimit() - 250)


LONG_RANGES = ["{{ 0..1000000 }}", "{{ 922..33729999999999999999999999999.5 }}", "{{ range(9, -1000000, -1) }}"]


@pytest.mark.parametrize("text", LONG_RANGES)
def test_long_ranges(text: str) -> None:
    """A range is counted before it is made, however long it would be."""
    with pytest.raises(ExpressionError, match="the range has more than 1,000,000 items"):
        Expressions().render(text, {})
