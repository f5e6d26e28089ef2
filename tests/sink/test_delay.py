"""The delays of the sink, as they are written and drawn."""

from random import Random
from statistics import fmean, median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from load_tester.sink.delay import FORMS, InvalidDelay, parse_delay


def drawn(text: str, count: int = 4000) -> list[float]:
    """So many delays in seconds."""
    delay, random = parse_delay(text), Random(1)
    return [delay.sample(random) for _ in range(count)]


def test_a_fixed_delay_is_always_the_same() -> None:
    """Nothing is drawn."""
    assert set(drawn("20ms")) == {0.02}


def test_a_uniform_delay_fills_its_range() -> None:
    """All of the range occurs and nothing else."""
    samples = drawn("uniform:1ms:10ms")
    assert 0.001 <= min(samples) < 0.0011
    assert 0.0099 < max(samples) <= 0.01


def test_a_normal_delay_has_its_mean_and_is_never_negative() -> None:
    """The part of the bell below zero counts as zero."""
    assert fmean(drawn("normal:20ms:5ms")) == pytest.approx(0.02, rel=0.05)
    assert min(drawn("normal:1ms:5ms")) == 0


def test_an_exponential_delay_has_its_mean() -> None:
    """The one number is the mean."""
    assert fmean(drawn("exponential:10ms")) == pytest.approx(0.01, rel=0.05)


def test_a_lognormal_delay_has_its_median_and_its_tail() -> None:
    """Half are below the first number; with sigma 0.5, one in a hundred takes 3.2 times as long."""
    samples = sorted(drawn("lognormal:20ms:0.5"))
    assert median(samples) == pytest.approx(0.02, rel=0.05)
    assert samples[3960] == pytest.approx(0.064, rel=0.1)


def test_the_same_seed_draws_the_same_delays() -> None:
    """All randomness is the one handed in."""
    assert drawn("lognormal:20ms:1") == drawn("lognormal:20ms:1")


@pytest.mark.parametrize("text", FORMS.split(", "))
def test_every_documented_form_is_read(text: str) -> None:
    """The examples in the error message and the help work, and remember how they were written."""
    assert parse_delay(text).text == text


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("fast", "not a duration"),
        ("20", "lacks a unit"),
        ("-1ms", "between 0s and 1h"),
        ("2h", "between 0s and 1h"),
        ("zipf:1ms", "'zipf' is unknown"),
        ("normal:1ms", "wrong number of parts"),
        ("uniform:1ms:2ms:3ms", "wrong number of parts"),
        ("uniform:2ms:1ms", "2ms is more than 1ms"),
        ("lognormal:2ms:9", "sigma must be"),
        ("lognormal:2ms:nan", "sigma must be"),
        ("", "not a duration"),
    ],
)
def test_what_is_no_delay_is_refused(text: str, complaint: str) -> None:
    """The message says what is wrong, in one line."""
    with pytest.raises(InvalidDelay, match=complaint) as caught:
        parse_delay(text)
    assert "\n" not in str(caught.value)


@given(st.text())
def test_any_text_is_a_delay_or_refused(text: str) -> None:
    """Nothing but `InvalidDelay` comes out, and what is accepted can be drawn."""
    try:
        delay = parse_delay(text)
    except InvalidDelay:
        return
    assert 0 <= delay.sample(Random(0)) < 3600 * 1000
