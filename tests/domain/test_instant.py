"""Instants in RFC 3339."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from load_tester.domain.duration import MAX_NS
from load_tester.domain.instant import InvalidInstant, format_instant_ns, parse_instant_ns, to_datetime


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2025-01-01T00:00:00Z", 1_735_689_600_000_000_000),
        ("2025-01-01t01:00:00.000000001+01:00", 1_735_689_600_000_000_001),
        ("2024-12-31 19:00:00.5-05:00", 1_735_689_600_500_000_000),
    ],
)
def test_instants_are_read_to_the_nanosecond(text: str, ns: int) -> None:
    """Zones are turned into UTC, and no digit of the fraction is lost."""
    assert parse_instant_ns(text) == ns


@pytest.mark.parametrize(
    "text",
    ["", "now", "2025-01-01", "2025-01-01T00:00:00", "2025-13-01T00:00:00Z", "2025-01-01T00:00:60Z",
     "1969-12-31T23:59:59Z", "9999-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59",
     "2025-01-01T00:00:00.1234567891Z", "2025-01-01T00:00:00Z\n", "٢٠٢٥-01-01T00:00:00Z"],
)  # fmt: skip
def test_what_is_no_instant_is_refused(text: str) -> None:
    """No zone, no such day, out of range: each is an error and not a guess."""
    with pytest.raises(InvalidInstant):
        parse_instant_ns(text)


@given(st.integers(0, MAX_NS))
def test_writing_and_reading_gives_the_same_instant(ns: int) -> None:
    """Every instant survives being written."""
    assert parse_instant_ns(format_instant_ns(ns)) == ns


def test_a_calendar_time_is_in_utc() -> None:
    """Whole microseconds, and a zone that says so."""
    assert to_datetime(1_735_689_600_000_001_999) == datetime(2025, 1, 1, 0, 0, 0, 1, tzinfo=UTC)
