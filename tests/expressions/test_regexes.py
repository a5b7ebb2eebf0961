"""Regular expressions: Java's syntax, what it refuses, replacements, and the time limit."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from wdprefect.errors import ExpressionError
from wdprefect.expressions import Expressions

# An expected value of this means an error of kind `evaluation`.
ERROR = ExpressionError


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        (r"\p{L}", "aé1", "xx1"),
        (r"\pL", "aé1", "xx1"),
        (r"\P{L}", "aé1", "aéx"),
        (r"\p{^L}", "aé1", "aéx"),
        (r"\p{Alpha}", "aéb", "xéx"),
        (r"\p{IsLatin}", "aωb", "xωx"),
        (r"\p{InGreek}", "aωb", "axb"),
        (r"\p{IsAlphabetic}", "aé1", "xx1"),
        (r"\p{script=Greek}", "aω", "ax"),
        (r"\p{javaLowerCase}", "aA", "xA"),
        (r"\p{Punct}", "a~!b", "axxb"),
        (r"[\p{L}&&[^a]]", "abé", "axx"),
        (r"\w", "aé_", "xéx"),
        (r"(?U)\w", "aé_", "xxx"),
        (r"\d", "1٣", "x٣"),
        (r"\bé", "é", "é"),
        (r"\bb", "éb", "éx"),
        (r"[\w-]", "a-é", "xxé"),
        (r"[^\W_]", "a_b", "x_x"),
        (r"[a-d&&[^b]]", "abcd", "xbxx"),
        (r"[a[cd]]", "abcd", "xbxx"),
        (r"[[:alpha:]]", "a:b", "xxb"),
        (r"[|~]", "a|b~c", "axbxc"),
        (r"[a-]", "a-b", "xxb"),
        (r"[]a]", "]ab", "xxb"),
        (r"[\Q]\E]", "a]", "ax"),
        (r"\Q.*\E", "a.*b", "axb"),
        (r"\Qab\E+", "abbab", "xx"),
        (r"\Q.", "a.b", "axb"),
        (r"a*+", "aab", "xxbx"),
        (r"a++a", "aaa", "aaa"),
        (r"(?>a+)b", "aab", "x"),
        (r"(?i)X", "aXx", "axx"),
        (r"(?i)É", "é", "x"),
        (r"(?i:A)b", "abaB", "xaB"),
        (r"(?i)a(?-i)b", "AbAB", "xAB"),
        ("a.b", "a\nb", "a\nb"),
        ("a.b", "a\u2028b", "a\u2028b"),
        ("(?s)a.b", "a\nb", "x"),
        ("a$", "a\r\n", "x\r\n"),
        ("(?m)^b$", "a\nb\nc", "a\nx\nc"),
        ("(?x) a b # c", "ab", "x"),
        (r"(a)\1", "aab", "xb"),
        (r"(?<q>a)\k<q>", "aab", "xb"),
        (r"(?<=a*)b", "aab", "aax"),
        (r"(?<!a)b", "abb", "abx"),
        (r"\x20\u0041\x{42}\0103\t", " ABC\t", "x"),
        (r"\h\R", "a \r\nb", "axb"),
        (r"\Z", "a\n", "ax\nx"),
        (r"\$\/\é", "$/é", "x"),
        ("}", "a}b", "axb"),
        ("", "ab", "xaxbx"),
        ("b|", "ab", "xaxx"),
        ("x{2}", "xxx", "xx"),
        ("{", "", ERROR),
        ("a{,2}", "", ERROR),
        ("a{e<=1}", "", ERROR),
        ("a{2,1}", "", ERROR),
        ("*a", "", ERROR),
        ("a**", "", ERROR),
        ("(", "", ERROR),
        (")", "", ERROR),
        ("[a", "", ERROR),
        ("[", "", ERROR),
        ("(?P<x>a)", "", ERROR),
        ("(?R)", "", ERROR),
        ("(?<1>a)", "", ERROR),
        (r"\y", "", ERROR),
        (r"\L<x>", "", ERROR),
        (r"\p{Foo}", "", ERROR),
        (r"(a)\2", "", ERROR),
        ("\\", "", ERROR),
        ("(" * 60 + ")" * 60, "", ERROR),
        ("[" * 60 + "]" * 60, "", ERROR),
    ],
)
def test_patterns(pattern: str, text: str, expected: object) -> None:
    """Patterns mean what they mean in Java, and what Java refuses is an error."""
    template, variables = "{{ text | regexReplace(pattern, 'x') }}", {"text": text, "pattern": pattern}
    if expected is not ERROR:
        assert expected == Expressions().render(template, variables)
        return
    with pytest.raises(ExpressionError, match="is no regular expression") as caught:
        Expressions().render(template, variables)
    assert "evaluation" == caught.value.kind


@pytest.mark.parametrize(
    ("pattern", "replacement", "expected"),
    [
        ("(a)(b)", "$2$1$0", "baabc"),
        ("(a)", "$10", "a0bc"),
        ("(?<n>a)", "[${n}]", "[a]bc"),
        ("(a)(x)?", "[$2]", "[]bc"),
        ("a", r"\$\\", "$\\bc"),
        ("a", r"\n", "nbc"),
        ("a", "$1", ERROR),
        ("a", "$", ERROR),
        ("a", "$x", ERROR),
        ("a", "${", ERROR),
        ("a", "${x}", ERROR),
        ("a", "\\", ERROR),
    ],
)
def test_replacements(pattern: str, replacement: str, expected: object) -> None:
    """`$1` and `${name}` stand for groups, a backslash for the character after it."""
    template, variables = "{{ 'abc' | replace({p: r}, regexp=true) }}", {"p": pattern, "r": replacement}
    if expected is not ERROR:
        assert expected == Expressions().render(template, variables)
        return
    with pytest.raises(ExpressionError) as caught:
        Expressions().render(template, variables)
    assert "evaluation" == caught.value.kind


@pytest.mark.parametrize(
    "text",
    [
        "{{ slow | regexMatch('(a|aa)+$') }}",
        "{{ slow | regexExtract('(a|aa)+$') }}",
        "{{ slow | regexReplace('(a|aa)+$', '') }}",
        "{{ slow | split('(a|aa)+$') }}",
        "{{ slow | replace({'(a|aa)+$': ''}, regexp=true) }}",
        "{{ slow.split('(a|aa)+$') }}",
        "{% for i in 1..1000000 %}{{ some | regexMatch('(a+)+$') }}{% endfor %}",
    ],
)
def test_time(text: str) -> None:
    """Regular expressions of one rendering have about a second together, be it one or many."""
    started = time.monotonic()
    with pytest.raises(ExpressionError) as caught:
        Expressions().render(text, {"slow": "a" * 60 + "!", "some": "a" * 18 + "!"})
    assert ("limit", "regular expressions take longer than 1 second in all") == (caught.value.kind, str(caught.value))
    assert time.monotonic() - started < 10


def test_size() -> None:
    """What a replacement makes is bounded, and so is a pattern."""
    for text in ("{{ big | regexReplace('a', big) }}", "{{ 'a' | regexMatch(big) }}"):
        with pytest.raises(ExpressionError) as caught:
            Expressions().render(text, {"big": "a" * 20_000})
        assert "limit" == caught.value.kind


def test_import() -> None:
    """The package for regular expressions is not imported by templates that use none."""
    code = (
        "import sys; from wdprefect.expressions import Expressions; Expressions().render('{{ [1] | toJson }}', {});"
        "sys.exit('regex' in sys.modules or 'babel' in sys.modules)"
    )
    assert 0 == subprocess.run([sys.executable, "-c", code], check=False).returncode
