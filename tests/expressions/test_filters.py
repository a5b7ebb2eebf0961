"""Every filter has its rows, one of them an error."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from wdprefect.errors import ExpressionError
from wdprefect.expressions import Expressions
from wdprefect.expressions.filters import FILTERS

MOMENT = dt.datetime(2024, 3, 1, 9, 5, 7, 123456, tzinfo=dt.timezone.utc)
VARIABLES: dict[str, Any] = {
    "s": "Hello World",
    "l": [3, 1, 2],
    "m": {"a": 1, "b": [1, 2]},
    "nested": [[1, 2], 3, [[4]]],
    "d": MOMENT,
    "day": dt.date(2024, 1, 31),
    "lines": "a\nb",
}
# An expected value of this means an error of kind `evaluation`.
ERROR = ExpressionError

ROWS: dict[str, list[tuple[str, object]]] = {
    "upper": [("s | upper", "HELLO WORLD"), ("null | upper", None), ("s | Upper", ERROR)],
    "lower": [("s | lower", "hello world"), ("l | lower", "[3, 1, 2]"), ("gone() | lower", ERROR)],
    "capitalize": [("' ab c' | capitalize", " Ab c"), ("'ßa' | capitalize", "ßa"), ("5 | capitalize", ERROR)],
    "title": [("'ab cD\te' | title", "Ab CD\tE"), ("5 | title", ERROR)],
    "trim": [("' a\t' | trim", "a"), ("5 | trim", ERROR)],
    "abbreviate": [
        ("s | abbreviate(8)", "Hello..."),
        ("'abcd' | abbreviate(2)", "ab"),
        ("s | abbreviate(-1)", ERROR),
        ("s | abbreviate", ERROR),
    ],
    "substringBefore": [
        ("'a.b.c' | substringBefore('.')", "a"),
        ("'abc' | substringBefore('')", ""),
        ("'abc' | substringBefore(null)", "abc"),
        ("l | substringBefore(',')", "[3"),
        ("s | substringBefore", ERROR),
    ],
    "substringAfter": [
        ("'a.b.c' | substringAfter('.')", "b.c"),
        ("'abc' | substringAfter('.')", ""),
        ("s | substringAfter(1)", ERROR),
    ],
    "substringBeforeLast": [("'a.b.c' | substringBeforeLast('.')", "a.b"), ("s | substringBeforeLast(x=1)", ERROR)],
    "substringAfterLast": [
        ("'a.b.c' | substringAfterLast(separator='.')", "c"),
        ("s | substringAfterLast(1, 2)", ERROR),
    ],
    "startsWith": [
        ("s | startsWith('He')", True),
        ("null | startsWith('a')", False),
        ("15 | startsWith(1)", True),
        ("s | startsWith", ERROR),
        ("s | startsWith(null)", ERROR),
    ],
    "endsWith": [("s | endsWith(value='x')", False), ("s | endsWith(1)", False), ("s | endsWith(null)", ERROR)],
    "slugify": [
        ("'Été à l_École -- 1.5' | slugify", "ete-a-l-ecole-15"),
        ("null | slugify", None),
        ("gone() | slugify", ERROR),
    ],
    "indent": [
        ("lines | indent(2)", "a\n  b"),
        ("'a\r\nb' | indent(1, '-')", "a\r\n-b"),
        ("lines | indent(-1)", ERROR),
    ],
    "nindent": [("lines | nindent(1, '\t')", "\n\ta\n\tb"), ("lines | nindent('2')", ERROR)],
    "escapeChar": [
        ("""'a"b' | escapeChar('double')""", 'a\\"b'),
        ("[1, \"'\"] | escapeChar('SHELL')", ["1", "'\\''"]),
        ("[null] | escapeChar('single')", [None]),
        ("s | escapeChar('x')", ERROR),
    ],
    "string": [
        ("m | string", "{a=1, b=[1, 2]}"),
        ("1.0 | string", "1.0"),
        ("null | string", None),
        ("gone() | string", ERROR),
    ],
    "nl2br": [("lines | nl2br", "a<br />b"), ("5 | nl2br", ERROR), ("gone() | nl2br", ERROR)],
    "condense": [("lines | condense", "ab"), ("5 | condense", ERROR)],
    "format": [
        ("'%s=%5.2f %d%%' | format('a', 1.5, 3)", "a= 1.50 3%"),
        ("'%,d' | format(1234567)", "1,234,567"),
        ("'%d' | format('a')", ERROR),
        ("'%s' | format", ERROR),
    ],
    "replace": [
        ("s | replace({'o': '0', 'l': 'L'})", "HeLL0 W0rLd"),
        (r"'a1b' | replace({'(\d)': '<$1>'}, regexp=true)", "a<1>b"),
        ("m | replace({'1': 'x'})", {"a": "x", "b": ["x", "2"]}),
        ("s | replace({'o': null})", "Hell Wrld"),
        ("[[1], null, {'k': 1.0}] | replace({'1': 'x'})", [["x"], None, {"k": "x.0"}]),
        ("s | replace({'o': ''}, regexp='true')", ERROR),
        ("s | replace('a')", ERROR),
        ("s | replace({'(': ''}, true)", ERROR),
    ],
    "split": [
        (r"'a, b,,' | split(',\s*')", ["a", "b"]),
        ("'a,b,' | split(',', -1)", ["a", "b", ""]),
        ("'a,b,c' | split(',', 2)", ["a", "b,c"]),
        ("'ab' | split('')", ["a", "b"]),
        ("'ab' | split('', -1)", ["a", "b", ""]),
        ("'a,b,c' | split(',', 2.9)", ["a", "b,c"]),
        ("'' | split(',')", [""]),
        ("'boo:and:foo' | split('o', 5)", ["b", "", ":and:f", "", ""]),
        ("'a1b2' | split('(?=[0-9])')", ["a", "1b", "2"]),
        ("5 | split(',')", ERROR),
        ("'a' | split(',', null)", ["a"]),
        ("'a' | split('[')", ERROR),
    ],
    "regexMatch": [(r"'ab12' | regexMatch('\d+')", True), ("null | regexMatch('x')", False), ("s | regexMatch", ERROR)],
    "regexReplace": [("'a-b' | regexReplace('(?<x>a)-(b)', '$2-${x}')", "b-a"), ("s | regexReplace('o', '$3')", ERROR)],
    "regexExtract": [
        (r"'id-42' | regexExtract('-(\d+)', 1)", "42"),
        ("s | regexExtract('x')", None),
        ("s | regexExtract('l', 1)", ERROR),
    ],
    "default": [
        ("'' | default('x')", "x"),
        ("{} | default(1)", 1),
        ("0 | default(1)", 0),
        ("'a' | default(1, 2)", ERROR),
    ],
    "first": [
        ("l | first", 3),
        ("'ab' | first", "a"),
        ("[] | first", None),
        ("m | first", ERROR),
        ("'' | first", ERROR),
    ],
    "last": [("l | last", 2), ("null | last", None), ("5 | last", ERROR)],
    "length": [
        ("s | length", 11),
        ("m | length", 2),
        ("5 | length", 0),
        ("'😀' | length", 2),
        ("gone() | length", ERROR),
    ],
    "join": [("[1, null, 'a'] | join('-')", "1-null-a"), ("l | join", "312"), ("s | join(',')", ERROR)],
    "merge": [
        ("m | merge({'a': 2})", {"a": 2, "b": [1, 2]}),
        ("l | merge([4])", [3, 1, 2, 4]),
        ("null | merge(l)", [3, 1, 2]),
        ("l | merge", [3, 1, 2]),
        ("[1] | merge({'a': 2}) | toJson", '[1,{"a":2}]'),
        ("[1] | merge({'a': 2}) | join('-')", "1-a=2"),
        ("{'a': 1} | merge([2])", {"a": 1, 2: 2}),
        ("null | merge(null)", ERROR),
    ],
    "sort": [
        ("l | sort", [1, 2, 3]),
        ("['b', 'A', 'a'] | sort", ["A", "a", "b"]),
        ("[1, 'a'] | sort", ERROR),
        ("[1, 2.5] | sort", ERROR),
        ("[[1], [2]] | sort", ERROR),
        ("[null] | sort", [None]),
    ],
    "rsort": [("l | rsort", [3, 2, 1]), ("s | rsort", ERROR)],
    "reverse": [("l | reverse", [2, 1, 3]), ("m | reverse", ERROR)],
    "distinct": [
        ("[1, 'a', 1, [2], [2]] | distinct", [1, "a", [2]]),
        ("['b', 'a', 'b'] | distinct", ["b", "a"]),
        ("[1, 1.0, true, '1', null, null] | distinct", [1, 1.0, True, "1", None]),
        ("null | distinct", "null"),
        ("s | distinct", ERROR),
    ],
    "flatten": [("nested | flatten", [1, 2, 3, [4]]), ("s | flatten", ERROR)],
    "chunk": [("l | chunk(2)", [[3, 1], [2]]), ("l | chunk(2.9)", [[3, 1], [2]]), ("l | chunk(0)", ERROR)],
    "keys": [("m | keys", ["a", "b"]), ("l | keys", [0, 1, 2]), ("s | keys", ERROR)],
    "values": [("m | values", [1, [1, 2]]), ("l | values", ERROR)],
    "slice": [
        ("s | slice(6)", "World"),
        ("l | slice(0, 2)", [3, 1]),
        ("l | slice(3)", []),
        ("'' | slice", ""),
        ("s | slice(1.9, 3)", "el"),
        ("s | slice(1, 1)", ERROR),
        ("s | slice(-1)", ERROR),
        ("s | slice(0, 99)", ERROR),
    ],
    "base64encode": [
        ("'é?' | base64encode", "w6k/"),
        ("[1, 2] | base64encode", "WzEsIDJd"),
        ("gone() | base64encode", ERROR),
    ],
    "base64decode": [
        ("'w6k/' | base64decode", "é?"),
        ("'YQ==' | base64decode", "a"),
        ("'YWI=' | base64decode", "ab"),
        ("'YWI' | base64decode", "ab"),
        ("'YQ=' | base64decode", ERROR),
        ("'YWJj==' | base64decode", ERROR),
        ("'*' | base64decode", ERROR),
    ],
    "md5": [("'' | md5", "d41d8cd98f00b204e9800998ecf8427e"), ("5 | md5", ERROR)],
    "sha1": [("'' | sha1", "da39a3ee5e6b4b0d3255bfef95601890afd80709"), ("5 | sha1", ERROR)],
    "sha256": [("'' | sha256 | slice(0, 8)", "e3b0c442"), ("5 | sha256", ERROR)],
    "sha512": [("'' | sha512 | slice(0, 8)", "cf83e135"), ("5 | sha512", ERROR)],
    "urlencode": [("'a b/ü*~' | urlencode", "a+b%2F%C3%BC*%7E"), ("5 | urlencode", ERROR)],
    "urldecode": [("'a+b%2F' | urldecode", "a b/"), ("'%zz' | urldecode", ERROR), ("'a%' | urldecode", ERROR)],
    "abs": [("-2.5 | abs", 2.5), ("'1' | abs", ERROR)],
    "number": [
        ("'12' | number", 12),
        ("'0x1f' | number", 31),
        ("'010' | number", 8),
        ("'1e2' | number", 100.0),
        ("'7' | number('DOUBLE')", 7.0),
        ("'#1F' | number", 31),
        ("'0x10' | number('INT')", 16),
        ("'2147483648' | number('LONG')", 2147483648),
        ("' 1.5 ' | number('double')", 1.5),
        ("'-Infinity' | number('DOUBLE')", float("-inf")),
        ("'16777217' | number('FLOAT')", 16777216.0),
        ("'0.1' | number('FLOAT')", 0.1),
        ("'1e40' | number('FLOAT')", float("inf")),
        ("'1e400' | number | string | length", 401),
        ("'1.50' | number('BIGDECIMAL') | string", "1.50"),
        ("'99999999999999999999' | number('BIGINTEGER')", 99999999999999999999),
        ("'2147483648' | number('INT')", ERROR),
        ("'9223372036854775808' | number('LONG')", ERROR),
        ("'1.5' | number('INT')", ERROR),
        ("'12L' | number('LONG')", ERROR),
        ("'1_000' | number", ERROR),
        ("' 1' | number", ERROR),
        ("5 | number", ERROR),
        ("'09' | number", ERROR),
    ],
    "numberFormat": [
        ("1234.567 | numberFormat('#,##0.00')", "1,234.57"),
        ("0.5 | numberFormat('0%')", "50%"),
        ("-1 | numberFormat('0;(0)')", "(1)"),
        ("2.5 | numberFormat('0')", "2"),
        ("1234.5678 | numberFormat", "1,234.568"),
        ("s | numberFormat", ERROR),
    ],
    "toJson": [("m | toJson", '{"a":1,"b":[1,2]}'), ("null | toJson", "null"), ("gone() | toJson", ERROR)],
    "json": [("l | json", "[3,1,2]"), ("gone() | json", ERROR)],
    "yaml": [
        ("m | yaml", "a: 1\nb:\n - 1\n - 2\n"),
        ("[{'a': 'x: y', 'b': ['yes']}, {}] | yaml", '- a: "x: y"\n  b:\n   - "yes"\n- {}\n'),
        ("null | yaml", "null"),
        ("lines | yaml", "|-\n  a\n  b\n"),
        ("gone() | yaml", ERROR),
    ],
    "toIon": [("m | toIon", "{a:1,b:[1,2]}"), ("null | toIon", "null"), ("gone() | toIon", ERROR)],
    "className": [
        ("s | className", "java.lang.String"),
        ("true | className", "java.lang.Boolean"),
        ("2147483647 | className", "java.lang.Integer"),
        ("2147483648 | className", "java.lang.Long"),
        ("1.5 | className", "java.lang.Double"),
        ("l | className", "java.util.ArrayList"),
        ("m | className", "java.util.LinkedHashMap"),
        ("d | className", "java.time.ZonedDateTime"),
        ("null | className", None),
        ("gone() | className", ERROR),
    ],
    "jq": [
        ("m | jq('.b[]')", [1, 2]),
        ("""'{"a": 1}' | jq('.a') | first""", 1),
        ("null | jq('.')", None),
        ("m | jq('.a |')", ERROR),
        ("s | jq('.')", ERROR),
        ("m | jq('.a[0]')", ERROR),
    ],
    "date": [
        ("d | date", "2024-03-01T09:05:07.123456Z"),
        ("d | date('iso_zoned_date_time', timeZone='Europe/Paris')", "2024-03-01T10:05:07.123456+01:00[Europe/Paris]"),
        ("day | date('HH')", "12"),
        ("'2024-03-01' | date('HH')", "00"),
        ("0 | date('iso_sec')", "1970-01-01T00:00:00Z"),
        ("'1/2/2024 3PM' | date('iso_sec', existingFormat='d/M/yyyy ha')", "2024-02-01T15:00:00Z"),
        ("s | date", ERROR),
        ("d | date('b')", ERROR),
        ("d | date(timeZone='Nowhere')", ERROR),
        ("d | date('EEEE', locale='fr')", "vendredi"),
        ("d | date(locale='xx')", ERROR),
        ("d | date(locale=5)", ERROR),
        ("d | date(timeZone='')", ERROR),
        ("[1] | date", ERROR),
    ],
    "dateAdd": [
        ("day | dateAdd(1, 'MONTHS', 'yyyy-MM-dd')", "2024-02-29"),
        ("d | dateAdd('-2', 'HOURS', 'HH:mm')", "07:05"),
        ("d | dateAdd('1.9', 'DAYS', 'd')", "2"),
        ("d | dateAdd(1500, 'NANOS', 'n')", "123457500"),
        ("d | dateAdd(1, 'DAYS', 'EEEE', locale='de')", "Samstag"),
        ("d | dateAdd(1, 'days')", ERROR),
        ("d | dateAdd('x', 'DAYS')", ERROR),
        ("d | dateAdd(99999999999, 'DAYS')", ERROR),
    ],
    "timestamp": [("d | timestamp", 1709283907), ("s | timestamp", ERROR)],
    "timestampMilli": [("d | timestampMilli", 1709283907123), ("s | timestampMilli", ERROR)],
    "timestampMicro": [("d | timestampMicro", "1709283907123456"), ("s | timestampMicro", ERROR)],
    "timestampNano": [("d | timestampNano", "1709283907123456000"), ("s | timestampNano", ERROR)],
}


@pytest.mark.parametrize(("text", "expected"), [row for rows in ROWS.values() for row in rows])
def test_filters(text: str, expected: object) -> None:
    """Each filter gives what Kestra's does; what it cannot take is an error of kind `evaluation`."""
    template = f"{{{{ {text} }}}}"
    if expected is not ERROR:
        assert expected == Expressions().evaluate(template, VARIABLES)
        return
    with pytest.raises(ExpressionError) as caught:
        Expressions().evaluate(template, VARIABLES)
    assert "evaluation" == caught.value.kind


def test_every_filter_has_rows() -> None:
    """None is without a result and an error in the table above."""
    assert set(FILTERS) == set(ROWS)
    for rows in ROWS.values():
        assert {True, False} == {expected is ERROR for _, expected in rows}


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "2024-03-01T09:05:07.123Z"),
        ("yy M MM MMM MMMM MMMMM", "24 3 03 Mar March M"),
        ("d D DDD E EEEE e", "1 61 061 Fri Friday 6"),
        ("h hh a H k K", "9 09 AM 9 9 9"),
        ("Q QQQ w W YYYY G", "1 Q1 9 1 2024 AD"),
        ("X x Z z VV O", "Z +00 +0000 UTC UTC GMT"),
        ("n A ''yy''", "123456000 32707123 '24'"),
        ("iso_week_date", "2024-W09-5Z"),
        ("rfc_1123_date_time", "Fri, 1 Mar 2024 09:05:07 GMT"),
        ("sql_seq", "2024-03-01 09:05:07"),
        ("iso_instant", "2024-03-01T09:05:07.123456Z"),
    ],
)
def test_date_patterns(pattern: str, expected: str) -> None:
    """Patterns and named formats are those of java.time, in English."""
    assert expected == Expressions().render("{{ d | date(p) }}", {"d": MOMENT, "p": pattern})
