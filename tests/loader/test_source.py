"""Text to plain data with places."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from wdprefect.errors import InvalidFlow, Problem
from wdprefect.loader import read_yaml
from wdprefect.loader import reader as reader_module
from wdprefect.loader.characters import MAX_CHARACTERS
from wdprefect.loader.source import Path, Source


@pytest.fixture(params=["libyaml", "python"])
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Either parser: the one of the library, whose absence is simulated, and the one in Python."""
    if request.param == "python":
        # PyYAML decides at its build whether libyaml is there, so its edge is replaced here.
        monkeypatch.setattr(reader_module, "PARSER", yaml.SafeLoader)
    return str(request.param)


def problems(text: str | bytes) -> list[Problem]:
    with pytest.raises(InvalidFlow) as caught:
        Source.read(text, "f.yaml")
    return caught.value.problems


def place(source: Source, path: Path) -> tuple[int, int]:
    at = source.at(path)
    return at.line, at.column


@pytest.mark.parametrize(
    ("spelled", "expected"),
    [
        ("YES", True),
        ("Off", False),
        ("oN", "oN"),
        ("Y", "Y"),
        ("TRUE", True),
        ("truE", "truE"),
        ("NULL", None),
        ("~", None),
        ("nulL", "nulL"),
        ("", ""),
        ("''", ""),
        ("'no'", "no"),
        ('"17"', "17"),
        ("017", 15),
        ("-017", -15),
        ("019", "019"),
        ("0o7", "0o7"),
        ("0xfF", 255),
        ("0Xff", "0Xff"),
        ("0b11", 3),
        ("0b12", "0b12"),
        ("12_345", 12345),
        ("+7", 7),
        ("-0", 0),
        ("98765432109876543210", 98765432109876543210),
        ("2.50", 2.5),
        ("7.", 7.0),
        ("-.25", -0.25),
        ("3e2", 300.0),
        ("3E-2", 0.03),
        ("1_0.5e1", 105.0),
        ("1e", "1e"),
        ("-x", "-x"),
        (".", "."),
        ("9:15", "9:15"),
        ("1:20:30", "1:20:30"),
        ("2031-12-24", "2031-12-24"),
        ("2031-12-24T10:00:00Z", "2031-12-24T10:00:00Z"),
        ("PT5M", "PT5M"),
        ("1.2.3", "1.2.3"),
        ("!!str 7", "7"),
        ("!!int '7'", 7),
        ("!!int seven", "seven"),
        ("!!float 7", 7.0),
        ("!!bool 'y'", True),
        ("!!null x", None),
        ("!secret abc", "abc"),
        ("! 7", 7),
        ("!thing {a: 1}", {"a": 1}),
        ("<<", "<<"),
        ("=", "="),
    ],
)
@pytest.mark.usefixtures("parser")
def test_scalars(spelled: str, expected: object) -> None:
    """A scalar has the type that Kestra's reader gives it."""
    actual = read_yaml(f"k: {spelled}")["k"]
    assert (type(expected), expected) == (type(actual), actual)


@pytest.mark.parametrize(
    "key", ["on", "No", "7", "07", "1.50", "null", "~", "2031-12-24", "a.b/c", '"x y"', "'{{ k }}'"]
)
@pytest.mark.usefixtures("parser")
def test_keys_are_text(key: str) -> None:
    """A key is the text that stands in the file, whatever it looks like."""
    assert {key.strip("\"'"): 1} == read_yaml(f"{key}: 1")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("\ufeffa: 1", {"a": 1}, id="byte order mark"),
        pytest.param(b"\xef\xbb\xbfa: \xc3\xa9", {"a": "é"}, id="bytes with a byte order mark"),
        pytest.param("a: 1\r\nb: |\r\n  x\r\n", {"a": 1, "b": "x\n"}, id="line ends of Windows"),
        pytest.param("{a, b: [1, {c: }]}", {"a": "", "b": [1, {"c": ""}]}, id="flow style"),
        pytest.param("[]", [], id="a list at the top"),
        pytest.param("---", "", id="an empty document"),
        pytest.param("? a\n: b", {"a": "b"}, id="explicit key"),
    ],
)
@pytest.mark.usefixtures("parser")
def test_documents(text: str | bytes, expected: object) -> None:
    """Every way to write a document that Kestra's reader takes gives its plain data."""
    assert expected == read_yaml(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a: 1\n---\nb: 2", "f.yaml:2:1", id="a second document"),
        pytest.param("a: 1\n...\nb: 2", "f.yaml:3:1", id="text behind the end marker"),
        pytest.param("a: 1\n---\nb: [", None, id="a second document that is broken"),
    ],
)
@pytest.mark.usefixtures("parser")
def test_further_documents(text: str, expected: str | None) -> None:
    """Only the first document is read; that there are more is a warning."""
    source = Source.read(text, "f.yaml")
    (warning,) = source.warnings
    assert source.data == {"a": 1}
    assert (warning.code, warning.severity) == ("WD109", "warning")
    assert expected in (None, str(warning.at))


# Where, which code, and a word of the message or the hint.
REFUSED = [
    pytest.param("a: 1\nb: 2\n'a': 3", "3:1 WD105", "first is at line 1, column 1", id="key twice"),
    pytest.param("x: [1, {p: 1, p: 2}]", "1:15 WD105", "'p'", id="key twice in flow style"),
    pytest.param("a: &b 1", "1:4 WD106", "anchor '&b'", id="anchor"),
    pytest.param("a: *b", "1:4 WD106", "alias '*b'", id="alias"),
    pytest.param("*b : 1", "1:1 WD106", "alias '*b'", id="alias as key"),
    pytest.param("a:\n  <<: {b: 1}", "2:3 WD106", "merge key", id="merge key"),
    pytest.param("cron: *nightly * *", "1:7 WD106", "put the value in quotes", id="text that starts like an alias"),
    pytest.param("a: .inf", "1:4 WD108", "'.inf'", id="infinite"),
    pytest.param("a: -.INF", "1:4 WD108", "'-.INF'", id="minus infinite"),
    pytest.param("a: .NaN", "1:4 WD108", "'.NaN'", id="not a number"),
    pytest.param("a: 1e400", "1:4 WD108", "'1e400'", id="too large a float"),
    pytest.param("a: 10:20:30.5", "1:4 WD108", "quotes if it is text", id="sexagesimal float"),
    pytest.param(f"a: {'7' * 5000}", "1:4 WD108", "more than '1000'", id="too long an integer"),
    pytest.param("a: {{ x }}", "1:4 WD107", "quotes", id="expression without quotes"),
    pytest.param("a: {{ x }} y", "1:4 WD107", "quotes", id="expression without quotes and text"),
    pytest.param("a: {{ x }}: y", "1:4 WD1", "quotes", id="expression without quotes and a colon"),
    pytest.param("- a\n- {{ x }}", "2:3 WD107", "quotes", id="expression without quotes in a list"),
    pytest.param("{{ x }}: 1", "1:1 WD107", "quotes", id="expression as key"),
    pytest.param("? [a]\n: 1", "1:3 WD107", "a key is a text", id="list as key"),
    pytest.param("a: @x", "1:4 WD101", "'@'", id="reserved sign"),
    pytest.param("a: `x`", "1:4 WD101", "'`'", id="backtick"),
    pytest.param("a: %x", "1:4 WD101", "'%'", id="percent"),
    pytest.param("a: ]", "1:4 WD101", "']'", id="closing bracket"),
    pytest.param("cron: */5 * * * *", "1:7 WD101", "'*'", id="unquoted cron"),
    pytest.param("a: & b", "1:4 WD101", "'&'", id="ampersand"),
    pytest.param("a: x: y", "1:5 WD101", "a second ':'", id="colon in the value"),
    pytest.param("a: 1\n  b: 2", "2:3 WD101", "'b' is indented deeper", id="deeper below a value"),
    pytest.param("a: - b", "1:4 WD101", "'-'", id="list behind a key"),
    pytest.param("a: 1\nword\nb: 2", "2:1 WD101", "'word'", id="line without colon"),
    pytest.param("a: 'x\nb: 1", "1:4 WD101", "never closed", id="open quote"),
    pytest.param('a: "\\d+"', "1:5 WD101", "'\\d'", id="unknown escape"),
    pytest.param('a: "\\xZZ"', "1:5 WD101", "'\\x'", id="wrong escape"),
    pytest.param('a: "\\uD83D"', "1:", "escape", id="half a character"),
    pytest.param('a: "\\UFFFFFFFF"', "1:", "escape", id="no character"),
    pytest.param("a: |x\n  y", "1:5 WD101", "next line", id="text behind the bar"),
    pytest.param("a: !<x y", "1:4 WD101", "tag", id="open tag"),
    pytest.param("a: !p!q y", "1:4 WD101", "tag", id="unknown tag prefix"),
    pytest.param("a: [b, c", "1:4 WD101", "'['", id="open bracket"),
    pytest.param("a: {b: c\nd: e", "WD101", "'{'", id="open brace"),
    pytest.param("a: [", "1:4 WD101", "inside brackets", id="bracket at the end"),
    pytest.param("a: [b, , c]", "1:8 WD101", "before ','", id="nothing between commas"),
    pytest.param("a:\n  - b\n  c: d", "3:3 WD101", "'c: d' stands among", id="key among list entries"),
    pytest.param("a: 'b' c", "1:8 WD101", "closing quote", id="text behind quotes"),
    pytest.param("a: {b: c}}", "1:10 WD101", "closing '}'", id="a brace too many"),
    pytest.param("a:\n    b: 1\n  c: 2", "3:3 WD101", "'c: 2'", id="indentation between two levels"),
    pytest.param("'a'\n]", "2:1 WD101", "behind the end", id="text behind the flow"),
    pytest.param("a:\n\t- b", "2:1 WD101", "spaces", id="tab as indentation"),
    pytest.param("%YAML 7\n---\na: 1", "1:1 WD101", "directive", id="directive"),
    pytest.param("", "1:1 WD110", "empty", id="nothing"),
    pytest.param("# only\n", "1:1 WD110", "empty", id="only a comment"),
    pytest.param("a: 1\nb: \x07", "2:4 WD103", "U+0007", id="control character"),
    pytest.param("a: \ud800", "1:4 WD103", "U+D800", id="half a character in the text"),
    pytest.param(b"a: 1\nb: \xc3\xa9\xff", "2:5 WD102", "0xff", id="bytes that are no UTF-8"),
    pytest.param("a" * (MAX_CHARACTERS + 1), "1:1 WD104", "characters", id="too long"),
]


@pytest.mark.parametrize(("text", "where", "says"), REFUSED)
@pytest.mark.usefixtures("parser")
def test_refused(text: str | bytes, where: str, says: str) -> None:
    """What cannot be read is one problem, at the offending token, that says what to do, whichever parser read it."""
    (problem,) = problems(text)
    assert where in str(problem).removeprefix("f.yaml:").replace(": ", " ")
    assert says in f"{problem.message} {problem.hint}"
    assert problem.hint


@pytest.mark.parametrize("opening", ["[", "{", "- ", "? ", "{a: ", "[{x: "])
@pytest.mark.usefixtures("parser")
def test_deep_nesting(opening: str) -> None:
    """Nesting without end is a problem, found while reading."""
    assert "WD104" in {problem.code for problem in problems(opening * 100_000)}


def test_all_problems() -> None:
    """All problems before the place where the parser gives up are reported, in their order."""
    text = "a: 1\na: .inf\nb: &c 2\nd: {{ e }}\nf: @g\n"
    expected = ["2:1 WD105", "2:4 WD108", "3:4 WD106", "4:4 WD107", "5:4 WD101"]
    assert expected == [f"{each.at.line}:{each.at.column} {each.code}" for each in problems(text)]


@pytest.mark.parametrize("line", ["a: 1\n", "{{ a }}: 1\n", "? [a]\n: 1\n", "? *a\n: 1\n"])
def test_nothing_but_problems(line: str) -> None:
    """A text full of mistakes gives no endless list."""
    assert len(problems(line * 50_000)) <= 200


def test_plain_data_keeps_references() -> None:
    """Plain data is what Kestra's reader makes of anchors, aliases and merge keys; a flow refuses them."""
    text = "a: &x {b: 1}\nc: *x\nd: {<<: 2}"
    expected = {"a": {"b": 1}, "c": "x", "d": {"<<": 2}}
    assert expected == read_yaml(text)
    assert {"WD106"} == {problem.code for problem in problems(text)}


def test_messages_name_no_class() -> None:
    """No message leaks the parser's own words for its tokens."""
    texts = [param.values[0] for param in REFUSED]
    told = [str(problem) for text in texts if isinstance(text, str | bytes) for problem in problems(text)]
    assert not [line for line in told if "<block" in line or "Error" in line or "Event" in line]


TEXT = """\
id: one
tasks:
  - id: first
    "type": x.y
    env: {A: 1, B: [p, q]}
  -   id: second
empty:
é: ✓ done
"""


@pytest.mark.parametrize(
    ("path", "value", "key"),
    [
        pytest.param((), (1, 1), (1, 1), id="the whole"),
        pytest.param(("id",), (1, 5), (1, 1), id="a value"),
        pytest.param(("tasks",), (3, 3), (2, 1), id="a list"),
        pytest.param(("tasks", 0), (3, 5), (3, 5), id="an item"),
        pytest.param(("tasks", 0, "type"), (4, 13), (4, 5), id="a quoted key"),
        pytest.param(("tasks", 0, "env"), (5, 10), (5, 5), id="a mapping in braces"),
        pytest.param(("tasks", 0, "env", "B", 1), (5, 24), (5, 24), id="deep inside"),
        pytest.param(("tasks", 1, "id"), (6, 11), (6, 7), id="behind several blanks"),
        pytest.param(("é",), (8, 4), (8, 1), id="columns are characters"),
        pytest.param(("tasks", 0, "nope", "deeper"), (3, 5), (3, 5), id="nearest parent"),
        pytest.param(("tasks", 7), (3, 3), (3, 3), id="no such item"),
        pytest.param(("id", "x", 0), (1, 5), (1, 5), id="inside a scalar"),
        pytest.param(("tasks", "id"), (3, 3), (3, 3), id="a name in a list"),
        pytest.param(("tasks", -1), (3, 3), (3, 3), id="no counting from the end"),
    ],
)
@pytest.mark.usefixtures("parser")
def test_places(path: Path, value: tuple[int, int], key: tuple[int, int]) -> None:
    """A path leads to where its value and its key stand, or to the nearest parent that exists."""
    source = Source.read(TEXT, "f.yaml")
    at_key = source.at_key(path)
    assert (value, key) == (place(source, path), (at_key.line, at_key.column))


@pytest.mark.parametrize(
    "spelled",
    [
        "k: left {{ mark }} right",
        "k: 'it''s {{ mark }} ''x'''",
        'k: "tab \\t quote \\" \\x41 \\u00e9 {{ mark }} x"',
        'k: "blank\\x20\\  {{ mark }}"',
        "k: |\n  one\n\n    two {{ mark }}\n  three",
        "k: |2-\n    one\n   {{ mark }}\n",
        "k: |+ # says what\n\n\n  {{ mark }}\n\n",
        "k: |\r\n  one\r\n  two {{ mark }}\r\n",
        "k: >\n  one\n  two\n\n  three {{ mark }}\n    four\n",
        "k: >-\n\n  one {{ mark }}\n",
        "k: one\n  two\n\n  three {{ mark }}\n",
        "k: 'one\n  two\n\n  {{ mark }} ''three'''\n",
        'k: "one \\\n  two\n\n  {{ mark }}"\n',
        "k: !x '{{ mark }}'",
        "k:\n  {{{{ mark }}".replace("{{{{", "x {{"),
        "k: {a: 1}\nl: x",
    ],
)
@pytest.mark.usefixtures("parser")
def test_places_inside_text(spelled: str) -> None:
    """A line and column inside a text lead to the same character in the file, however the text is written."""
    source = Source.read(spelled)
    path: Path = ("k",)
    value = source.data["k"]
    if not isinstance(value, str):
        assert source.at(path) == source.at_text(path, 1, 3)
        return
    before = value[: value.index("mark")]
    at = source.at_text(path, before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)
    assert spelled.splitlines()[at.line - 1][at.column - 1 :].startswith("mark")


@pytest.mark.parametrize(
    ("text", "line", "column", "expected"),
    [
        pytest.param("k: ab cd", 1, 3, (1, 6), id="white space"),
        pytest.param("k: ab cd", 1, 99, (1, 8), id="behind the end"),
        pytest.param("k: ab cd", 9, 1, (1, 8), id="behind the last line"),
        pytest.param("k: ''", 1, 1, (1, 5), id="no text"),
        pytest.param("k: |\n  ab  cd\n", 1, 4, (2, 6), id="white space in a block"),
    ],
)
def test_places_inside_white_space(text: str, line: int, column: int, expected: tuple[int, int]) -> None:
    """White space is placed beside its visible neighbour; what is no place in the text at its end."""
    at = Source.read(text).at_text(("k",), line, column)
    assert expected == (at.line, at.column)


# Without the characters that YAML forbids or takes for line ends.
TEXTS = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"], exclude_characters="\ufeff\ufffe\uffff"), max_size=8
)
DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@given(DATA)
def test_json(data: Any) -> None:
    """JSON is read as the data that it stands for."""
    assert data == read_yaml(json.dumps(data, ensure_ascii=False))


@given(
    st.text(alphabet=st.sampled_from("ab01 :-?,[]{}\"'|>&*!%@\\#\n\t~.<é\ufeff\x85"), max_size=60)
    | st.binary(max_size=40)
)
def test_any_text(text: str | bytes) -> None:
    """Any text gives data whose places lie inside it, or problems that lie inside it."""
    _read_anything(text)


def test_mutated_flows() -> None:
    """A flow in which characters were changed gives data or problems, nothing else."""
    generator = random.Random(20310724)  # noqa: S311  # the same flows each time, not secrets
    for _ in range(400):
        text = list(TEXT * 2)
        for _ in range(generator.randint(1, 4)):
            text[generator.randrange(len(text))] = generator.choice("\t\n :-'\"{}[]|>&*!#%é\x00x")
        _read_anything("".join(text))


def _read_anything(text: str | bytes) -> None:
    try:
        places = [Source.read(text).at(())]
    except InvalidFlow as error:
        places = [problem.at for problem in error.problems]
    decoded = (text if isinstance(text, str) else text.decode("utf-8", "replace")).removeprefix("\ufeff")
    lines = decoded.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    assert not [
        at for at in places if not (1 <= at.line <= len(lines) and 1 <= at.column <= len(lines[at.line - 1]) + 1)
    ]
