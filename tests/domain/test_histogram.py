"""Histograms: three digits of every value, exact merging, percentiles that keep their promise."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from load_tester.domain.histogram import (
    COUNTS_LENGTH,
    HIGHEST_NS,
    LOWEST_NS,
    Distribution,
    Histogram,
    HistogramDelta,
    bucket_index,
    highest_equivalent,
    merged,
)

values_ns = st.integers(0, HIGHEST_NS) | st.integers(0, 10_000_000)
lists_of_values = st.lists(values_ns, max_size=100)
percents = st.sampled_from([0, 1, 25, 50, 75, 90, 95, 99, 99.9, 99.99, 100]) | st.floats(0, 100)


def made_of(values: list[int]) -> Histogram:
    """A histogram with those values."""
    histogram = Histogram()
    histogram.record(array(values))
    return histogram


def array(values: list[int]) -> NDArray[np.int64]:
    """Values as they are recorded."""
    return np.array(values, np.int64)


@given(values_ns)
def test_three_digits_of_every_value_are_kept(value: int) -> None:
    """From 1 µs to 1 h no value is counted more than 0.1 % away; below, all are known to the microsecond."""
    index = int(bucket_index(array([value]))[0])
    lowest = highest_equivalent(index - 1) + 1 if index else 0
    highest = highest_equivalent(index)
    assert lowest <= value <= highest
    assert highest - lowest < max(LOWEST_NS, value / 1000)


def test_the_buckets_have_no_gap_and_no_overlap() -> None:
    """The end of every bucket, and the value behind it, are counted where they belong."""
    ends = [highest_equivalent(index) for index in range(COUNTS_LENGTH)]
    assert ends == sorted(set(ends))
    within = [end for end in ends if end < HIGHEST_NS]
    assert bucket_index(array(within)).tolist() == list(range(len(within)))
    assert bucket_index(array(within) + 1).tolist() == list(range(1, len(within) + 1))


def test_an_hour_has_a_bucket() -> None:
    """The highest value is counted within the counts that there are."""
    assert bucket_index(array([HIGHEST_NS]))[0] < COUNTS_LENGTH


@given(lists_of_values)
def test_the_exact_figures_are_exact(values: list[int]) -> None:
    """Number, sum, minimum and maximum are those of the values themselves, not of their buckets."""
    histogram = made_of(values)
    expected = (len(values), sum(values), min(values, default=0), max(values, default=0))
    assert (histogram.total, histogram.sum, histogram.min, histogram.max) == expected
    assert int(histogram.counts.sum()) == len(values)


@given(st.lists(st.integers(-(2**62), 2**62), min_size=1, max_size=20))
def test_values_out_of_range_count_as_the_nearest_end(values: list[int]) -> None:
    """A negative time counts as none, and more than an hour as an hour: nothing is dropped, nothing wraps around."""
    clipped = [min(max(value, 0), HIGHEST_NS) for value in values]
    assert made_of(values).delta() == made_of(clipped).delta()


@given(st.lists(lists_of_values, max_size=6))
def test_merging_is_recording_all(parts: list[list[int]]) -> None:
    """However the values are divided over workers and seconds, their histograms add up to the histogram of all."""
    every_value = [value for part in parts for value in part]
    together = made_of(every_value)
    added = Histogram()
    recorded = Histogram()
    for part in parts:
        added.add(made_of(part).delta())
        recorded.record(array(part))
    assert added.delta() == recorded.delta() == together.delta()
    assert merged(*(made_of(part).delta() for part in parts)) == together.delta()
    assert merged(*(made_of(part).delta() for part in reversed(parts))) == together.delta()


@given(lists_of_values)
def test_a_delta_says_everything(values: list[int]) -> None:
    """A histogram made of another one's delta has the same counts and the same figures."""
    original = made_of(values)
    copy = Histogram().add(original.delta())
    assert np.array_equal(copy.counts, original.counts)
    assert copy.distribution() == original.distribution()
    assert len(original.delta().indices) // 2 == len(original.delta().counts) // 8 == np.count_nonzero(original.counts)


@given(lists_of_values, lists_of_values)
def test_taking_leaves_the_histogram_empty(first: list[int], second: list[int]) -> None:
    """What was taken is gone, and what is recorded afterwards is all there is."""
    histogram = made_of(first)
    assert histogram.take() == made_of(first).delta()
    assert histogram.delta() == HistogramDelta()
    assert not histogram.counts.any()
    histogram.record(array(second))
    assert histogram.take() == made_of(second).delta()


@given(st.lists(values_ns, min_size=1, max_size=200), percents)
def test_a_percentile_is_the_value_of_its_rank(values: list[int], percent: float) -> None:
    """A percentile is at least the value at ⌈p · n⌉ of the sorted values, and at most 0.1 % (below 1 ms: 1 µs) above.

    That is numpy's `inverted_cdf`: the smallest value that at least p % of the values do not exceed.
    """
    rank = max(1, math.ceil(Fraction(str(percent)) * len(values) / 100))
    truth = sorted(values)[rank - 1]
    answer = made_of(values).percentile(percent)
    assert truth <= answer <= min(truth + max(LOWEST_NS, truth // 1000), max(values))


@given(st.lists(values_ns, min_size=1, max_size=200), st.sampled_from([1, 10, 25, 50, 75, 90, 95, 99]))
def test_percentiles_agree_with_numpy(values: list[int], percent: int) -> None:
    """Numpy, asked for the same definition, names the same bucket."""
    truth = int(np.percentile(array(values), percent, method="inverted_cdf"))
    assert bucket_index(array([made_of(values).percentile(percent)])) == bucket_index(array([truth]))


@given(st.lists(values_ns, min_size=1, max_size=50), st.lists(percents, min_size=2, max_size=10))
def test_percentiles_never_fall(values: list[int], percents_: list[float]) -> None:
    """A higher percentile is never a smaller value, and the hundredth is the exact maximum."""
    histogram = made_of(values)
    answers = [histogram.percentile(percent) for percent in sorted(percents_)]
    assert answers == sorted(answers)
    assert histogram.percentile(100) == max(values)
    assert histogram.percentile(0) >= min(values)


@pytest.mark.parametrize(
    ("low", "high", "percent", "expected"),
    [
        # 99.9 % of 1 000 values are 999 of them, although 0.999 · 1000 is a little more in binary
        (999, 1, 99.9, "low"),
        (998, 2, 99.9, "high"),
        # 99.9 % of 999 999 999 999 values are 998 999 999 999.001: one more than 998 999 999 999 is needed
        (998_999_999_999, 1_000_000_000, 99.9, "high"),
        (999_000_000_000, 999_999_999, 99.9, "low"),
        (5, 5, 50, "low"),
        (5, 6, 50, "high"),
        (95, 5, 95, "low"),
        (94, 6, 95, "high"),
        (10**15, 1, 100, "high"),
        (1, 10**15, 0, "low"),
    ],
)
def test_ranks_are_exact_at_any_number_of_values(low: int, high: int, percent: float, expected: str) -> None:
    """With two values only, a percentile says on which side of the line its rank lies: exactly, up to 10^15 values."""
    low_ns, high_ns = 5_000, 7_000_000
    indices = bucket_index(array([low_ns, high_ns])).astype("<u2").tobytes()
    counts = np.array([low, high], "<u8").tobytes()
    total = low + high
    histogram = Histogram().add(HistogramDelta(total, low * low_ns + high * high_ns, low_ns, high_ns, indices, counts))
    assert ("low" if histogram.percentile(percent) < 1_000_000 else "high") == expected


@given(st.lists(values_ns, min_size=1, max_size=200))
def test_a_distribution_is_in_order(values: list[int]) -> None:
    """From the minimum over the percentiles to the maximum the figures of a report never fall."""
    d = made_of(values).distribution()
    figures = [d.min, d.p50, d.p90, d.p95, d.p99, d.p999, d.max]
    assert figures == sorted(figures)
    assert (d.min, d.max) == (min(values), max(values))
    assert abs(d.mean - Fraction(sum(values), len(values))) <= Fraction(501, 1000)


def test_a_histogram_of_nothing_says_nothing() -> None:
    """Without values all figures are 0, and adding or taking nothing is no event."""
    histogram = Histogram()
    histogram.record(array([]))
    histogram.add(HistogramDelta())
    assert histogram.take() == histogram.delta() == merged() == HistogramDelta()
    assert histogram.distribution() == Distribution()
    assert histogram.percentile(99) == 0


def test_a_uniform_distribution_has_its_known_percentiles() -> None:
    """Of the first 10 000 whole milliseconds the percentiles are known without a computer."""
    d = made_of([ms * 1_000_000 for ms in range(1, 10_001)]).distribution()
    expected = {"p50": 5_000, "p90": 9_000, "p95": 9_500, "p99": 9_900, "p999": 9_990}
    for name, ms in expected.items():
        assert ms * 1_000_000 <= getattr(d, name) <= ms * 1_001_000
    assert (d.min, d.mean, d.max) == (1_000_000, 5_000_500_000, 10_000_000_000)
