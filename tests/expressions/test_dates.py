"""Dates: what is read, patterns, zones, languages, nanoseconds, and the methods that move them."""

from __future__ import annotations

import copy
import datetime as dt
import pickle

import pytest

from wdprefect.errors import ExpressionError
from wdprefect.expressions import Expressions, to_json, to_text
from wdprefect.expressions.instants import nanosecond_of, with_nanosecond

VARIABLES = {
    "d": dt.datetime(2024, 3, 1, 9, 5, 7, 123456, tzinfo=dt.timezone(dt.timedelta(hours=1))),
    "local": dt.datetime(2024, 3, 1, 19, 5),  # noqa: DTZ001  # a moment without a zone is what is tested
    "day": dt.date(2024, 3, 1),
    "nano": "2024-03-01T09:05:07.123456789Z",
    "old": "0999-01-05T13:00:00Z",
}
# An expected value of this means an error of kind `evaluation`.
ERROR = ExpressionError


def check(text: str, expected: object) -> None:
    if expected is not ERROR:
        assert expected == Expressions().evaluate(f"{{{{ {text} }}}}", VARIABLES)
        return
    with pytest.raises(ExpressionError) as caught:
        Expressions().evaluate(f"{{{{ {text} }}}}", VARIABLES)
    assert "evaluation" == caught.value.kind


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("'2024-01-01' | date('iso_sec')", "2024-01-01T00:00:00Z"),
        ("'2024-01-01T10:00' | date('iso_sec')", "2024-01-01T10:00:00Z"),
        ("'2024-01-01T10:00:00+01' | date('iso_sec')", "2024-01-01T09:00:00Z"),
        ("'2024-01-01T10:00:00+01:00[Europe/Paris]' | date('iso_sec')", "2024-01-01T09:00:00Z"),
        ("'2024-01-01t10:00:00z' | date('iso_sec')", "2024-01-01T10:00:00Z"),
        ("'2024-01-01T10:00:00' | date('iso_sec', timeZone='Europe/Paris')", "2024-01-01T10:00:00+01:00"),
        ("'2024-01-01' | date('iso_sec', timeZone='Europe/Paris')", "2024-01-01T00:00:00+01:00"),
        ("day | date('iso_sec', timeZone='Europe/Paris')", "2024-03-01T12:00:00+01:00"),
        ("local | date('iso_sec', timeZone='Europe/Paris')", "2024-03-01T19:05:00+01:00"),
        ("1709283907 | date('iso_sec')", "2024-03-01T09:05:07Z"),
        ("1709283907123 | date", "2024-03-01T09:05:07.123000Z"),
        ("1709283907123456789 | date('n')", "123456789"),
        ("-1 | date('iso_sec')", "1969-12-31T23:59:59Z"),
        ("'2024-01-01 10:00:00' | date", ERROR),
        ("'2024-01-01T10:00:00+0100' | date", ERROR),
        ("'2024-01-01T10:00:00,5Z' | date", ERROR),
        ("'2024-01-01T10:00:00[Europe/Paris]' | date", ERROR),
        ("'2024-01-01T24:00:00' | date", ERROR),
        ("'2024-02-30' | date", ERROR),
        ("'2024-1-1' | date", ERROR),
        ("'' | date", ERROR),
        ("'12024-01-01' | date", ERROR),
        ("'0000-01-01' | date", ERROR),
        ("170928390712 | date('yyyy')", "7386"),
        ("999999999999 | date", ERROR),
        ("1.5 | date", ERROR),
        ("true | date", ERROR),
    ],
)
def test_what_is_a_moment(text: str, expected: object) -> None:
    """ISO text, dates and counts since the epoch are moments; what lacks a zone is taken in the one that is given."""
    check(text, expected)


@pytest.mark.parametrize(
    ("text", "form", "expected"),
    [
        ("01/02/2024", "dd/MM/yyyy", "2024-02-01T00:00:00Z"),
        ("1/2/24", "d/M/yy", "2024-02-01T00:00:00Z"),
        ("2024-01-01 10:11:12", "sql_seq", "2024-01-01T10:11:12Z"),
        ("2024-01-01 12:11 AM", "yyyy-MM-dd hh:mm a", "2024-01-01T00:11:00Z"),
        ("2024-01-01 10", "yyyy-MM-dd hh", "2024-01-01T00:00:00Z"),
        ("2024-01-01 24:00", "yyyy-MM-dd HH:mm", "2024-01-02T00:00:00Z"),
        ("2024-01-01 24:30", "yyyy-MM-dd kk:mm", "2024-01-01T00:30:00Z"),
        ("Jan 5, 2024", "MMM d, yyyy", "2024-01-05T00:00:00Z"),
        ("Friday, March 1, 2024", "EEEE, MMMM d, yyyy", "2024-03-01T00:00:00Z"),
        ("2024-04-31", "yyyy-MM-dd", "2024-04-30T00:00:00Z"),
        ("2024-061", "yyyy-DDD", "2024-03-01T00:00:00Z"),
        ("2024-01-01", "yyyy-MM-dd[ HH:mm]", "2024-01-01T00:00:00Z"),
        ("2024-01-01 10:15", "yyyy-MM-dd[ HH:mm]", "2024-01-01T10:15:00Z"),
        ("2024-01-01T10:00:00 +0100", "yyyy-MM-dd'T'HH:mm:ss Z", "2024-01-01T09:00:00Z"),
        ("2024-01-01T10:00:00Z", "yyyy-MM-dd'T'HH:mm:ssX", "2024-01-01T10:00:00Z"),
        ("2024-01-01 10:00 Europe/Paris", "yyyy-MM-dd HH:mm VV", "2024-01-01T09:00:00Z"),
        ("2024-01-01 Europe/Paris", "yyyy-MM-dd VV", "2024-01-01T00:00:00Z"),
        ("Fri, 5 Jan 2024 10:00:00 GMT", "rfc_1123_date_time", "2024-01-05T10:00:00Z"),
        ("5 Jan 2024 10:00:00 +0200", "rfc_1123_date_time", "2024-01-05T08:00:00Z"),
        ("2024-W09-5", "iso_week_date", "2024-03-01T00:00:00Z"),
        ("2024-061Z", "iso_ordinal_date", "2024-03-01T00:00:00Z"),
        ("2024 AD 01 01", "yyyy G MM dd", "2024-01-01T00:00:00Z"),
        ("2024-01-01x", "yyyy-MM-dd", ERROR),
        ("2024-01", "yyyy-MM", ERROR),
        ("10:11", "HH:mm", ERROR),
        ("2024-13-01", "yyyy-MM-dd", ERROR),
        ("2024-04-32", "yyyy-MM-dd", ERROR),
        ("2023-366", "yyyy-DDD", ERROR),
        ("jan 5, 2024", "MMM d, yyyy", ERROR),
        ("Monday, March 1, 2024", "EEEE, MMMM d, yyyy", ERROR),
        ("2024-01-01T10:00:00 Z", "yyyy-MM-dd'T'HH:mm:ss xxx", ERROR),
        ("2024-Q1", "yyyy-'Q'Q", ERROR),
        ("2024-W99-5", "iso_week_date", ERROR),
        ("2024-01-01T10:00:00Z", "iso", ERROR),
        ("2024", "yyyy]", ERROR),
    ],
)
def test_existing_format(text: str, form: str, expected: object) -> None:
    """Text is read by a pattern as Java does: a day is needed, what is optional may lack, words are English."""
    variables = {"text": text, "form": form}
    template = "{{ text | date('iso_sec', existingFormat=form) }}"
    if expected is not ERROR:
        assert expected == Expressions().render(template, variables)
        return
    with pytest.raises(ExpressionError) as caught:
        Expressions().render(template, variables)
    assert "evaluation" == caught.value.kind


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("d | date('full')", "Friday, March 1, 2024 at 8:05:07 AM Coordinated Universal Time"),
        ("d | date('short', timeZone='America/New_York')", "3/1/24, 3:05 AM"),
        ("d | date('iso_date', timeZone='+05:30')", "2024-03-01+05:30"),
        ("d | date('F W E EEEEE B g')", "1 1 Fri F in the morning 60370"),
        ("d | date('N n A')", "29107123456000 123456000 29107123"),
        ("old | date('yyyy y uu GGGG')", "0999 999 99 Anno Domini"),
        ("old | date('q Q QQQQ QQQQQ c e')", "1 1 1st quarter 1 7 7"),
        ("d | date('[yyyy[MM]]')", "202403"),
        ("d | date(\"'a''b' ''\")", "a'b '"),
        ("d | date('VV z zzzz', 'Europe/Paris')", "Europe/Paris CET Central European Standard Time"),
        ("d | date('VV z zzzz', 'America/Sao_Paulo')", "America/Sao_Paulo GMT-03:00 Brasilia Standard Time"),
        ("d | date('VV z O OOOO', 'GMT+2')", "GMT+02:00 GMT+02:00 GMT+2 GMT+02:00"),
        ("d | date('VV X', 'Z')", "Z Z"),
        (
            "d | date('X XX XXX XXXXX x Z ZZZZ ZZZZZ', '-03:30')",
            "-0330 -0330 -03:30 -03:30 -0330 -0330 GMT-03:30 -03:30",
        ),
        ("d | date('XXX XXXXX XXXX', '+02:00:30')", "+02:00 +02:00:30 +020030"),
        ("d | date('ddd')", ERROR),
        ("d | date('HHH')", ERROR),
        ("d | date('V')", ERROR),
        ("d | date('OO')", ERROR),
        ("d | date('aa')", ERROR),
        ("d | date('cc')", ERROR),
        ("d | date('SSSSSSSSSS')", ERROR),
        ("d | date('yyyy]')", ERROR),
        ("d | date('{')", ERROR),
        ('d | date("\'a")', ERROR),
        ("d | date('iso', 'europe/paris')", ERROR),
        ("d | date('iso', '+19:00')", ERROR),
    ],
)
def test_patterns(text: str, expected: object) -> None:
    """Patterns are java.time's, with its bounds on how often a letter may stand."""
    check(text, expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("d | date('EEEE', locale='de_DE')", "Freitag"),
        ("d | date('EEEE', locale='de-DE')", "Freitag"),
        ("d | date('MMM', locale='es')", "mar"),
        ("d | date('EEE MMMM LLLL G QQQQ', locale='fr')", "ven. mars mars ap. J.-C. 1er trimestre"),
        ("d | date('d MMMM LLLL', locale='pl')", "1 marca marzec"),
        ("d | date('a', locale='en_GB')", "am"),
        ("d | date('e w W', locale='de_DE')", "5 9 0"),
        ("d | date('e w W', locale='fr')", "6 9 1"),
        ("d | date('full', locale='fr')", "vendredi 1 mars 2024, 08:05:07 temps universel coordonné"),
        ("d | date('short', locale='de_DE')", "01.03.24, 08:05"),
        ("d | date('medium', locale='ja')", "2024/03/01 8:05:07"),
        ("d | date('iso_sec', locale='ar')", "2024-03-01T08:05:07Z"),
        ("d | date('rfc_1123_date_time', locale='fr')", "Fri, 1 Mar 2024 08:05:07 GMT"),
        ("d | date('EEEE', locale='en_US')", "Friday"),
        ("d | date('EEEE', locale='no locale')", ERROR),
    ],
)
def test_languages(text: str, expected: object) -> None:
    """A locale gives its words, the order of its styles, and the day that weeks start on where it names a country."""
    check(text, expected)


def test_unknown_locale() -> None:
    """A locale that does not exist is an error that names it."""
    with pytest.raises(ExpressionError) as caught:
        Expressions().render("{{ d | date(locale='xx') }}", VARIABLES)
    assert "filter 'date': unknown locale 'xx'" == str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nano | date('SSSSSSSSS')", "123456789"),
        ("nano | date('iso_instant', 'Europe/Paris')", "2024-03-01T09:05:07.123456789Z"),
        ("nano | date('iso_date_time', '+05:30')", "2024-03-01T14:35:07.123456789+05:30"),
        ("nano | date", "2024-03-01T09:05:07.123456Z"),
        ("nano | timestampNano", "1709283907123456789"),
        ("nano | timestampMicro", "1709283907123456"),
        ("nano | dateAdd(1, 'NANOS', 'n')", "123456790"),
        ("nano | dateAdd(-123456790, 'NANOS', 'ss.n')", "06.999999999"),
        ("nano | dateAdd(1, 'MONTHS', 'MM n')", "04 123456789"),
        ("'1969-12-31T23:59:59.5Z' | timestampNano", "-500000000"),
        ("'1969-12-31T23:59:59.5Z' | timestamp", -1),
    ],
)
def test_nanoseconds(text: str, expected: object) -> None:
    """All nine digits of a second stay through reading, zones and moving."""
    check(text, expected)


def test_moments_with_nanoseconds() -> None:
    """They are printed, copied and pickled with all of their digits."""
    moment = with_nanosecond(dt.datetime(2024, 3, 1, tzinfo=dt.timezone.utc), 1_000_001)
    assert "2024-03-01T00:00:00.001000001Z" == to_text(moment)
    assert '["2024-03-01T00:00:00.001000001Z"]' == to_json([moment])
    for same in (copy.deepcopy(moment), pickle.loads(pickle.dumps(moment))):  # noqa: S301  # our own bytes
        assert 1_000_001 == nanosecond_of(same)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("'2024-03-31T02:30:00' | date('iso_sec', 'Europe/Paris')", "2024-03-31T03:30:00+02:00"),
        ("'2024-10-27T02:30:00' | date('iso_sec', 'Europe/Paris')", "2024-10-27T02:30:00+02:00"),
        ("'2024-03-30T12:00:00' | dateAdd(1, 'DAYS', 'iso_sec', 'Europe/Paris')", "2024-03-31T12:00:00+02:00"),
        ("'2024-03-30T12:00:00' | dateAdd(24, 'HOURS', 'iso_sec', 'Europe/Paris')", "2024-03-31T13:00:00+02:00"),
        ("'2024-03-30T02:30:00' | dateAdd(1, 'DAYS', 'iso_sec', 'Europe/Paris')", "2024-03-31T03:30:00+02:00"),
        ("'2024-02-29' | dateAdd(1, 'YEARS', 'iso_local_date')", "2025-02-28"),
        ("'2024-03-31' | dateAdd(-1, 'MONTHS', 'iso_local_date')", "2024-02-29"),
        ("day | dateAdd(1, 'HALF_DAYS', 'iso_sec')", "2024-03-02T00:00:00Z"),
        ("day | dateAdd(1, 'CENTURIES', 'yyyy')", "2124"),
        ("day | dateAdd(1, 'ERAS')", ERROR),
        ("day | dateAdd(null, 'DAYS')", ERROR),
    ],
)
def test_clocks(text: str, expected: object) -> None:
    """Days and longer keep the time of day, hours and shorter pass in real time; what the clocks skip is later."""
    check(text, expected)
