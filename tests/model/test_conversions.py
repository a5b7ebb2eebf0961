"""Lengths of time and moments as text."""

from __future__ import annotations

from datetime import datetime, time, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from wdprefect.model.conversions import iso_duration, iso_moment, short_time


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        (timedelta(), "PT0S"),
        (timedelta(seconds=1), "PT1S"),
        (timedelta(seconds=90), "PT1M30S"),
        (timedelta(hours=26, minutes=3, seconds=4), "PT26H3M4S"),
        (timedelta(days=2), "PT48H"),
        (timedelta(milliseconds=200), "PT0.2S"),
        (timedelta(microseconds=1), "PT0.000001S"),
        (timedelta(days=3960, seconds=53340, microseconds=1), "PT95054H49M0.000001S"),
        (timedelta(seconds=10), "PT10S"),
        (timedelta(seconds=-90), "PT-1M-30S"),
        (timedelta(seconds=-0.2), "PT-0.2S"),
    ],
)
def test_iso_duration(length: timedelta, expected: str) -> None:
    """A length of time is written as Java writes it: hours are the largest unit."""
    assert expected == iso_duration(length)


@given(st.timedeltas(timedelta(), timedelta(days=9999)))
def test_iso_duration_back(length: timedelta) -> None:
    """What is written is read as the same length."""
    assert length == TypeAdapter(timedelta).validate_python(iso_duration(length))


def test_moments() -> None:
    """UTC is `Z`; seconds that are zero are left out of a time of day."""
    assert "2031-12-24T12:00:00Z" == iso_moment(datetime(2031, 12, 24, 12, tzinfo=timezone.utc))
    assert ("07:05", "07:05:09") == (short_time(time(7, 5)), short_time(time(7, 5, 9)))
