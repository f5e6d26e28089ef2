"""Identifiers, timestamps, weighted choices and JSON texts."""

import json
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import RFC_4122, UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from test_types.generation import (
    hex_ids,
    json_text,
    now_rfc3339_ms,
    rfc3339_ms,
    rfc3339_ns,
    rfc3339_us,
    seconds_us,
    uuid4_pair,
    weighted,
)
from tests.test_types.chi_square import misfit

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
UNTIL_2200_MS = 230 * 365 * 86_400_000


@given(st.integers(0, 2**256 - 1))
def test_any_bits_make_two_random_uuids(bits: int) -> None:
    """Each is a version 4 UUID of RFC 9562 without dashes, and every bit that is not fixed comes from the draw."""
    for number, text in enumerate(uuid4_pair(bits)):
        drawn = bits >> (128 if number == 0 else 0) & (2**128 - 1)
        assert UUID(int=drawn, version=4).hex == text
        assert (UUID(text).version, UUID(text).variant) == (4, RFC_4122)


@given(st.integers(0, 40), st.integers())
def test_ids_are_as_many_as_asked_for(count: int, seed: int) -> None:
    """Each has 16 lower-case hexadecimal digits, leading zeros included, and they differ."""
    ids = hex_ids(Random(seed), count)
    assert len(ids) == len(set(ids)) == count
    assert all(re.fullmatch("[0-9a-f]{16}", text) for text in ids)


@given(st.integers(0, UNTIL_2200_MS))
def test_milliseconds_are_written_as_the_calendar_says(unix_ms: int) -> None:
    """The text is that of Python's calendar, with three digits of the second and a Z."""
    expected = (EPOCH + timedelta(milliseconds=unix_ms)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert rfc3339_ms(unix_ms) == now_rfc3339_ms(unix_ms) == expected


@given(st.integers(0, UNTIL_2200_MS * 1000))
def test_microseconds_are_written_as_the_calendar_says(unix_us: int) -> None:
    """The text is that of Python's calendar, with six digits of the second and a Z."""
    expected = (EPOCH + timedelta(microseconds=unix_us)).isoformat(timespec="microseconds").replace("+00:00", "Z")
    assert rfc3339_us(unix_us) == expected


@pytest.mark.parametrize(
    ("rest_ns", "fraction"),
    [
        (0, ""),
        (1, ".000000001"),
        (10, ".00000001"),
        (120_000_000, ".12"),
        (123_000_000, ".123"),
        (123_456_000, ".123456"),
        (100_000_001, ".100000001"),
        (999_999_999, ".999999999"),
        (500_000_000, ".5"),
    ],
)
def test_nanoseconds_are_written_without_zeros_at_the_end(rest_ns: int, fraction: str) -> None:
    """The fraction is as long as it needs to be, and the minutes and seconds keep their zeros."""
    for second, text in ((1735689600, "2025-01-01T00:00:00"), (1735743910, "2025-01-01T15:05:10")):
        unix_ns = second * 1_000_000_000 + rest_ns
        assert rfc3339_ns(unix_ns, rfc3339_ms(unix_ns // 1_000_000)) == f"{text}{fraction}Z"


@given(st.integers(0, 2**51))
def test_seconds_are_a_json_number_exact_to_the_microsecond(us: int) -> None:
    """A JSON parser reads the number of microseconds that was written, on six digits."""
    text = seconds_us(us)
    assert re.fullmatch(r"(0|[1-9]\d*)\.\d{6}", text)
    assert round(json.loads(text) * 1_000_000) == us


@given(st.text())
def test_texts_are_json_that_can_stand_in_html(text: str) -> None:
    """A JSON parser reads what was written, and none of the characters that Go escapes is in it."""
    written = json_text(text)
    assert json.loads(written) == text
    assert not set("<>&\u2028\u2029") & set(written)


def test_texts_are_escaped_by_code_point() -> None:
    """The escapes are Go's, in lower-case hexadecimal."""
    assert json_text('<a href="x">&\u2028é') == r'"\u003ca href=\"x\"\u003e\u0026\u2028é"'


def test_choices_follow_their_weights() -> None:
    """Weight 3 is chosen three times as often as weight 1, and weights of 0 and below never."""
    choose = weighted(Random(1), "abcde", (0, 3, -5, 1, 0))
    counts = Counter(choose() for _ in range(8000))
    assert set(counts) == {"b", "d"}
    assert 2.7 < counts["b"] / counts["d"] < 3.3


@pytest.mark.parametrize("weights", [(0.5, 1.5), (1e-300, 3e-300), (1e300, 3e300)])
def test_weights_may_be_any_numbers(weights: tuple[float, float]) -> None:
    """Fractions, tiny and huge numbers are chosen in proportion, too."""
    choose = weighted(Random(1), "ab", weights)
    counts = Counter(choose() for _ in range(8000))
    assert misfit(counts, {"a": 1, "b": 3}) < 1


def test_the_smallest_weights_there_are_choose_a_value() -> None:
    """Where floating-point numbers have no digits left, the choice is rounded, but never passes the last value."""
    choose = weighted(Random(1), "ab", (5e-324, 5e-324))
    assert {choose() for _ in range(100)} == {"a", "b"}


@pytest.mark.parametrize("weights", [(0, 0), (-1, 0), (-1, -2)])
def test_without_any_weight_the_first_value_is_chosen(weights: tuple[int, int]) -> None:
    """When nothing has a weight above 0 it is always the first."""
    choose = weighted(Random(1), "ab", weights)
    assert {choose() for _ in range(100)} == {"a"}
