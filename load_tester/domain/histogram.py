"""Histograms of durations, with the buckets of HdrHistogram: 1 µs to 1 h in nanoseconds, three significant digits.

The bucket arithmetic is that of HdrHistogram (Gil Tene; the Java reference implementation, `AbstractHistogram`) for
`lowestDiscernibleValue = 1000`, `highestTrackableValue = 3.6e12`, `numberOfSignificantValueDigits = 3`, so that counts
can be exchanged with any of its ports. Minimum, maximum and sum are kept exactly beside the buckets.
"""

import math
from fractions import Fraction
from typing import Annotated, Final, Self

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

LOWEST_NS: Final = 1_000
HIGHEST_NS: Final = 3_600_000_000_000
SIGNIFICANT_DIGITS: Final = 3

_UNIT_MAGNITUDE: Final = 9  # floor(log2(LOWEST_NS))
_HALF_MAGNITUDE: Final = 10  # 2 · 10³ distinct values need 2048 = 2^11 sub-buckets, of which half are new per bucket
_HALF_COUNT: Final = 1 << _HALF_MAGNITUDE
_FIRST_BITS: Final = _UNIT_MAGNITUDE + _HALF_MAGNITUDE + 1  # the bits of the values of bucket 0
_BUCKETS: Final = HIGHEST_NS.bit_length() - _FIRST_BITS + 1
COUNTS_LENGTH: Final = (_BUCKETS + 1) * _HALF_COUNT
_FIRST_SPAN: Final = 1 << _FIRST_BITS
_FLOAT_FRACTION_BITS: Final = 52
_FLOAT_OFFSET: Final = ((1023 + _FIRST_BITS) << _HALF_MAGNITUDE) - 2 * _HALF_COUNT
"""What the exponent and ten bits of the float64 of `_FIRST_SPAN`, whose index is 2048, are above that."""


class HistogramDelta(msgspec.Struct, frozen=True, array_like=True):
    """Counts to be added to a histogram, in a form that travels: only the buckets that are not empty.

    `indices` are little-endian uint16, `counts` little-endian uint64, both of the same length; `total` is the number
    of values, `sum`, `min` and `max` are exact, in nanoseconds (all 0 when there are no values).
    """

    total: int = 0
    sum: int = 0
    min: int = 0
    max: int = 0
    indices: bytes = b""
    counts: bytes = b""


class Distribution(msgspec.Struct, frozen=True):
    """How times are distributed, in integer nanoseconds; all 0 when there are none."""

    min: Annotated[int, Meta(description="The least.")] = 0
    mean: Annotated[int, Meta(description="The mean.")] = 0
    p50: Annotated[int, Meta(description="Half of them do not exceed it.")] = 0
    p90: Annotated[int, Meta(description="90 in 100 do not exceed it.")] = 0
    p95: Annotated[int, Meta(description="95 in 100 do not exceed it.")] = 0
    p99: Annotated[int, Meta(description="99 in 100 do not exceed it.")] = 0
    p999: Annotated[int, Meta(description="999 in 1000 do not exceed it.")] = 0
    max: Annotated[int, Meta(description="The greatest.")] = 0
    count: Annotated[int, Meta(description="How many there are.")] = 0


def bucket_index(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """The index into the counts of each value; values must be within 0 and `HIGHEST_NS`.

    Bucket 0 counts in steps of 512 ns. From each power of two above it on there are 1024 steps up to the next, which is
    what the exponent of a float64 and the first ten bits of its fraction (IEEE 754; exact below 2^53) say of a value.
    """
    high_bits = values.astype(np.float64).view(np.int64) >> (_FLOAT_FRACTION_BITS - _HALF_MAGNITUDE)
    return np.where(values < _FIRST_SPAN, values >> _UNIT_MAGNITUDE, high_bits - _FLOAT_OFFSET)


def _index(value: int) -> int:
    """`bucket_index` of one value."""
    bucket = max(0, value.bit_length() - _FIRST_BITS)
    return (bucket << _HALF_MAGNITUDE) + (value >> (bucket + _UNIT_MAGNITUDE))


def highest_equivalent(index: int) -> int:
    """The largest value, in nanoseconds, that is counted at `index`."""
    return int(highest_equivalents(np.array([index]))[0])


def highest_equivalents(indices: NDArray[np.int64]) -> NDArray[np.int64]:
    """`highest_equivalent` of each of the indices."""
    bucket = np.maximum(0, (indices >> _HALF_MAGNITUDE) - 1)
    highest: NDArray[np.int64] = ((indices - (bucket << _HALF_MAGNITUDE) + 1) << (bucket + _UNIT_MAGNITUDE)) - 1
    return highest


class Histogram:
    """Counts of durations in nanoseconds; it grows, and is owned by whoever made it.

    Values below 0 count as 0 and above one hour as one hour; three significant digits are kept of each, while
    `min`, `max`, `sum` and `total` are exact for the values as counted. Merging is exact: adding histograms gives
    the same as recording all their values in one.
    """

    __slots__ = ("counts", "max", "min", "sum", "total")

    def __init__(self) -> None:
        self.counts: NDArray[np.int64] = np.zeros(COUNTS_LENGTH, np.int64)
        self.total = 0
        self.sum = 0
        self.min = 0
        self.max = 0

    def record(self, values: NDArray[np.int64]) -> None:
        """Count the values, in nanoseconds. One call for many values costs little more than a call for one."""
        if not values.size:
            return
        low, high = int(values.min()), int(values.max())
        if low < 0 or high > HIGHEST_NS:
            values = np.clip(values, 0, HIGHEST_NS)
            low, high = (min(max(0, value), HIGHEST_NS) for value in (low, high))
        np.add.at(self.counts, bucket_index(values), 1)
        self._extend(int(values.size), int(values.sum()), low, high)

    def add(self, delta: HistogramDelta) -> Self:
        """Add the counts of another histogram."""
        if delta.total:
            np.add.at(
                self.counts, np.frombuffer(delta.indices, "<u2"), np.frombuffer(delta.counts, "<u8").astype(np.int64)
            )
            self._extend(delta.total, delta.sum, delta.min, delta.max)
        return self

    def delta(self) -> HistogramDelta:
        """All counts so far, to be added elsewhere."""
        if not self.total:
            return HistogramDelta()
        first = _index(self.min)  # looking at all counts, most of them never used, would take ten times as long
        filled = np.flatnonzero(self.counts[first : _index(self.max) + 1]) + first
        return HistogramDelta(
            self.total,
            self.sum,
            self.min,
            self.max,
            filled.astype("<u2").tobytes(),
            self.counts[filled].astype("<u8").tobytes(),
        )

    def take(self) -> HistogramDelta:
        """All counts so far, leaving the histogram empty."""
        delta = self.delta()
        if delta.total:
            self.counts[np.frombuffer(delta.indices, "<u2")] = 0
            self.total = self.sum = self.min = self.max = 0
        return delta

    def percentile(self, percent: float) -> int:
        """The smallest counted value that at least `percent` % of the values do not exceed, in nanoseconds.

        Rounded up to the end of its bucket (at most 0.1 % above the true value, never below), but not above `max`.
        0 when the histogram is empty.
        """
        if not self.total:
            return 0
        # In decimal, as written: in binary 99.9 % of 1000 is slightly above 999, which would be the next value.
        rank = max(1, math.ceil(Fraction(str(percent)) * self.total / 100))
        index = int(np.searchsorted(np.cumsum(self.counts), rank))
        return min(highest_equivalent(index), self.max)

    def distribution(self) -> Distribution:
        """The figures of a report; `mean` is exact, rounded to whole nanoseconds."""
        if not self.total:
            return Distribution()
        return Distribution(
            min=self.min,
            mean=round(self.sum / self.total),
            p50=self.percentile(50),
            p90=self.percentile(90),
            p95=self.percentile(95),
            p99=self.percentile(99),
            p999=self.percentile(99.9),
            max=self.max,
            count=self.total,
        )

    def _extend(self, total: int, sum_: int, low: int, high: int) -> None:
        self.min = min(self.min, low) if self.total else low
        self.max = max(self.max, high)
        self.total += total
        self.sum += sum_


def delta_of(values: NDArray[np.int64]) -> HistogramDelta:
    """The counts of a few values, in nanoseconds, without a histogram of all buckets to count them in."""
    if not values.size:
        return HistogramDelta()
    values = np.clip(values, 0, HIGHEST_NS)
    filled, counts = np.unique(bucket_index(values), return_counts=True)
    return HistogramDelta(
        int(values.size),
        int(values.sum()),
        int(values.min()),
        int(values.max()),
        filled.astype("<u2").tobytes(),
        counts.astype("<u8").tobytes(),
    )


def merged(*deltas: HistogramDelta) -> HistogramDelta:
    """The sum of several histograms."""
    histogram = Histogram()
    for delta in deltas:
        histogram.add(delta)
    return histogram.delta()
