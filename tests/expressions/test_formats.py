"""Numbers and texts by format: `numberFormat` as Java's DecimalFormat, `format` as its String.format."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from wdprefect.errors import ExpressionError
from wdprefect.expressions import Expressions

MOMENT = dt.datetime(2024, 3, 1, 9, 5, 7, 123456, tzinfo=dt.timezone(dt.timedelta(hours=1)))
# An expected value of this means an error of kind `evaluation`.
ERROR = ExpressionError


def check(template: str, variables: dict[str, object], expected: object) -> None:
    if expected is not ERROR:
        assert expected == Expressions().render(template, variables)
        return
    with pytest.raises(ExpressionError) as caught:
        Expressions().render(template, variables)
    assert "evaluation" == caught.value.kind


@pytest.mark.parametrize(
    ("number", "pattern", "expected"),
    [
        (1234567.891, None, "1,234,567.891"),
        (1234567, "", "1,234,567"),
        (2.5, "0", "2"),
        (3.5, "0", "4"),
        (0.125, "0.00", "0.12"),
        (1.005, "0.00", "1.00"),
        (0.5, "#.##", "0.5"),
        (0.5, "#.0", ".5"),
        (0.5, ".00", ".50"),
        (0.5, "#", "0"),
        (0, "#.##", "0"),
        (123456.789, "0.", "123457."),
        (12, "00000", "00012"),
        (1234567, "#,####", "123,4567"),
        (1234567, "#,##,##0", "1,234,567"),
        (0.256, "#.0%", "25.6%"),
        (0.256, "0‰", "256‰"),
        (0.256, "%0", "%26"),
        (5, "'%'0", "%5"),
        (5, "''0 'it''s'", "'5 it's"),
        (-5.5, "0.0;(0.0)", "(5.5)"),
        (-5.5, "#;-#", "-6"),
        (-5.5, "0;0", "-6"),
        (-0.4, "0", "-0"),
        (1234, "¤#,##0.00", "$1,234.00"),
        (1234, "¤¤ 0", "USD 1234"),
        (1234, "0.###E0", "1.234E3"),
        (123456.789, "00.00E0", "12.35E4"),
        (123456.789, "##0.00E0", "123.46E3"),
        (123456.789, "###0.00E0", "12.3457E4"),
        (123456.789, "#0.00E0", "12.35E4"),
        (123456.789, "#.##E0", "1.23E5"),
        (123456.789, "#E0", ".1E6"),
        (123456.789, "0.###E00", "1.235E05"),
        (0.5, "##0.#E0", "500E-3"),
        (0.00012, "0.0E0", "1.2E-4"),
        (0, "0.0E0", "0.0E0"),
        (0, "##0.##E0", "0E0"),
        (999.99, "##0.0E0", "1.0E3"),
        (float("nan"), "0", "NaN"),
        (float("-inf"), "0", "-∞"),
        (Decimal("1234.565"), "0.00", "1234.56"),
        (10**30, "#,##0", "1,000,000,000,000,000,000,000,000,000,000"),
        (5, "0#", ERROR),
        (5, "#0#", ERROR),
        (5, "0.#0", ERROR),
        (5, "#,", ERROR),
        (5, "0.0,0", ERROR),
        (5, "0.0.0", ERROR),
        (5, "0 0", ERROR),
        (5, "0.0%%", ERROR),
        (5, "0;0;0", ERROR),
        (5, "0'a", ERROR),
        (Decimal("1E+5000"), "0", ERROR),
        ("5", "0", ERROR),
        (True, "0", ERROR),
    ],
)
def test_number_format(number: object, pattern: object, expected: object) -> None:
    """Patterns are DecimalFormat's, in English, rounded half to even."""
    check("{{ n | numberFormat(p) }}", {"n": number, "p": pattern}, expected)


@pytest.mark.parametrize(
    ("template", "arguments", "expected"),
    [
        ("%2$s %1$s %s %<s", ("a", "b"), "b a a a"),
        ("%5s|%-5s|%.2s|%4.1s|", ("a", "b", "abc", "xyz"), "    a|b    |ab|   x|"),
        ("%s %s %s", (None, [1, None], {"a": 1.0}), "null [1, null] {a=1.0}"),
        ("%S %b %B %b", ("abc", None, "x", False), "ABC false TRUE false"),
        ("%h %h %h", ("abc", 5, None), "17862 5 null"),
        ("%c%C%5c|", ("a", "b", "c"), "aB    c|"),
        ("%d %5d %-5d| %05d %+d", (1, 2, 3, 4, 5), "1     2 3    | 00004 +5"),
        ("%,d %(d % d", (1234567, -6, 7), "1,234,567 (6)  7"),
        ("%x %X %o %#x %#o %08x", (255, 255, 8, 255, 8, 255), "ff FF 10 0xff 010 000000ff"),
        ("%x %o", (-1, -1), "ffffffffffffffff 1777777777777777777777"),
        ("%.2f %.1f %.1f %.0f %f", (1.005, 0.25, 0.35, 2.5, 1.5), "1.01 0.3 0.4 3 1.500000"),
        ("%08.2f %+.1f %-8.2f|", (-3.14159, 1.0, 3.14159), "-0003.14 +1.0 3.14    |"),
        ("%,.2f %(,.2f", (1234567.891, -1234.5), "1,234,567.89 (1,234.50)"),
        ("%e %.2e %E", (12345.678, 0.0, 1e100), "1.234568e+04 0.00e+00 1.000000E+100"),
        ("%g %g %g", (0.0001, 0.00001, 123456789.0), "0.000100000 1.00000e-05 1.23457e+08"),
        ("%.3g %g %g", (1234.5, 0.0, 12345.678), "1.23e+03 0.00000 12345.7"),
        ("%f %e", (float("inf"), float("nan")), "Infinity NaN"),
        ("%.3f", (Decimal("1.0005"),), "1.001"),
        ("%5%|%-3%|%n", (), "    %|%  |\n"),
        ("%tF %<tT %<tB %<tA %<te %<tj", (MOMENT,), "2024-03-01 09:05:07 March Friday 1 061"),
        ("%tp %<tL %<tN %<tZ %<ts %<tQ", (MOMENT,), "am 123 123456000 +01:00 1709280307 1709280307123"),
        ("%10tY| %TB %tY %tY", (MOMENT, MOMENT, 5, None), "      2024| MARCH 1970 null"),
        ("%d %f %x %c", (None, None, None, None), "null null null null"),
        ("plain", (), "plain"),
        ("%s", (), ERROR),
        ("%3$s", ("a",), ERROR),
        ("%<s", ("a",), ERROR),
        ("%0$s", ("a",), ERROR),
        ("a%", (), ERROR),
        ("% ", (), ERROR),
        ("%q", ("a",), ERROR),
        ("%D", (1,), ERROR),
        ("%d", ("5",), ERROR),
        ("%d", (1.5,), ERROR),
        ("%f", (5,), ERROR),
        ("%d", (True,), ERROR),
        ("%c", ("ab",), ERROR),
        ("%-d", (5,), ERROR),
        ("%-05d", (5,), ERROR),
        ("%+ d", (5,), ERROR),
        ("%.2d", (5,), ERROR),
        ("%05s", ("a",), ERROR),
        ("%#s", ("a",), ERROR),
        ("%tx", (MOMENT,), ERROR),
        ("%tY", ("x",), ERROR),
        ("%ty %ti", (MOMENT, MOMENT), ERROR),
    ],
)  # fmt: skip
def test_format(template: str, arguments: tuple[object, ...], expected: object) -> None:
    """Specifiers are those of String.format: rounded half up, and refused where argument or flags do not fit."""
    names = {f"a{index}": value for index, value in enumerate(arguments)}
    check(f"{{{{ t | format({', '.join(names)}) }}}}", {"t": template, **names}, expected)
