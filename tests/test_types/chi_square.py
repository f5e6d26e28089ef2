"""Whether counts follow the shares that they should have: Pearson's test, with stored critical values.

The seeds of the tests are fixed, so that what passes once passes always; a generator that is right has a chance of one
in a thousand to be suspected when its seed is chosen anew.
"""

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from typing import Any

CRITICAL = {
    1: 10.828, 2: 13.816, 3: 16.266, 4: 18.467, 5: 20.515, 6: 22.458, 7: 24.322, 8: 26.124, 9: 27.877, 10: 29.588,
    11: 31.264, 12: 32.909, 13: 34.528, 14: 36.123, 15: 37.697, 16: 39.252, 17: 40.790, 18: 42.312, 19: 43.820,
}  # fmt: skip
"""By degrees of freedom, what the statistic stays below with a probability of 0.999: the table in the NIST/SEMATECH
e-Handbook of Statistical Methods, section 1.3.6.7.4."""

BINS = 20


def misfit(counts: Mapping[Any, int], weights: Mapping[Any, float]) -> float:
    """How far the counts are from shares in proportion to the weights; 1 and above is too far.

    A value without a weight must not have been counted; all others must be expected five times at least.
    """
    if any(count and not weights.get(value) for value, count in counts.items()):
        return math.inf
    shares = {value: weight for value, weight in weights.items() if weight}
    unit = sum(counts.values()) / sum(shares.values())
    expected = {value: weight * unit for value, weight in shares.items()}
    assert min(expected.values()) >= 5, "too small a sample"
    statistic = sum((counts.get(value, 0) - wanted) ** 2 / wanted for value, wanted in expected.items())
    return statistic / CRITICAL[len(expected) - 1]


def unfairness(values: Iterable[Hashable], options: Iterable[Hashable]) -> float:
    """How far the values are from any of the options being equally likely; 1 and above is too far."""
    return misfit(Counter(values), dict.fromkeys(options, 1))


def unevenness(values: Iterable[float], low: float, high: float) -> float:
    """How far the values are from being spread evenly between the limits; 1 and above is too far."""
    width = (high - low) / BINS
    bins = [min(int((value - low) / width), BINS - 1) if low <= value <= high else "outside" for value in values]
    return unfairness(bins, range(BINS))
