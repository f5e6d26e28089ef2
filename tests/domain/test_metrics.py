"""Figures that add up: over workers, over seconds, in any order, with vegeta's rate and throughput."""

from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from load_tester.domain.duration import MILLISECOND, SECOND
from load_tester.domain.histogram import Distribution, Histogram, HistogramDelta
from load_tester.domain.metrics import Counts, ErrorKind, Figures, Metrics, Second


def of_values(values: list[int]) -> HistogramDelta:
    """The counts of those values, in nanoseconds."""
    histogram = Histogram()
    histogram.record(np.array(values, np.int64))
    return histogram.delta()


numbers = st.integers(0, 10**9)
instants = st.integers(-1, 10**12)
counts_of_a_part = st.builds(
    Counts,
    planned=numbers, sent=numbers, answered=numbers, failed=numbers, aborted=numbers, lost=numbers, successes=numbers,
    unsent=numbers, waited=numbers, bytes_in=numbers, bytes_out=numbers, opened=numbers,
    first_at=instants, last_at=instants, end_at=instants,
    status_codes=st.dictionaries(st.sampled_from([200, 204, 302, 404, 500, 503]), st.integers(1, 10**6)),
    errors=st.dictionaries(st.sampled_from([str(kind) for kind in ErrorKind]), st.integers(1, 10**6)),
)  # fmt: skip
deltas = st.lists(st.integers(0, 10 * SECOND), max_size=10).map(of_values)
parts = st.builds(Second, st.integers(0, 5), counts_of_a_part, deltas, deltas, deltas)


def one_part(second: int = 0, *, latency: tuple[int, ...] = (), **counts: Any) -> Second:
    """A part of a second with those counts, and nothing else."""
    return Second(second, Counts(**counts), of_values(list(latency)), HistogramDelta(), HistogramDelta())


def figures_of(seconds: list[Second]) -> Figures:
    """The figures of those parts."""
    metrics = Metrics()
    for second in seconds:
        metrics.add(second)
    return metrics.figures()


@given(st.lists(parts, max_size=6), st.randoms(use_true_random=False))
def test_the_order_of_reports_does_not_matter(seconds: list[Second], random: Any) -> None:
    """Workers report whenever they can: the figures are the same in whatever order their parts arrive."""
    shuffled = list(seconds)
    random.shuffle(shuffled)
    assert figures_of(shuffled) == figures_of(seconds)


@given(st.lists(parts, max_size=8))
def test_merging_parts_first_changes_nothing(seconds: list[Second]) -> None:
    """Adding merged seconds gives the figures of adding all their parts."""
    by_second: dict[int, Second] = {}
    for part in seconds:
        known = by_second.get(part.second)
        by_second[part.second] = part if known is None else known.merge(part)
    assert figures_of(list(by_second.values())) == figures_of(seconds)


@given(parts, parts)
def test_merging_leaves_both_parts_as_they_were(a: Second, b: Second) -> None:
    """A merged second is a new one; the parts can still be stored or sent."""
    before = msgspec.msgpack.encode([a, b])
    b_moved = msgspec.structs.replace(b, second=a.second)
    assert a.merge(b_moved) == b_moved.merge(a)
    assert msgspec.msgpack.encode([a, b]) == before


def test_different_seconds_are_not_merged() -> None:
    """Merging is for parts of one second; anything else is a mistake of the caller's."""
    with pytest.raises(ValueError, match="seconds 1 and 2"):
        one_part(1).merge(one_part(2))


@given(parts)
def test_a_second_survives_its_journey(second: Second) -> None:
    """Packed by a worker and unpacked by the control process, a second is the same."""
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(second), type=Second) == second


@given(st.lists(counts_of_a_part, max_size=5))
def test_every_count_is_summed(tallies: list[Counts]) -> None:
    """No field is forgotten: numbers add up, the first instant is the earliest there is, the others the latest."""
    total = Counts()
    for tally in tallies:
        total.add(tally)
    for field in msgspec.structs.fields(Counts):
        values = [getattr(tally, field.name) for tally in tallies]
        name = field.name
        if name == "first_at":
            assert total.first_at == min((value for value in values if value >= 0), default=-1)
        elif name in {"last_at", "end_at"}:
            assert getattr(total, name) == max(values, default=-1)
        elif name in {"status_codes", "errors"}:
            keys = {key for value in values for key in value}
            assert getattr(total, name) == {key: sum(value.get(key, 0) for value in values) for key in keys}
        else:
            assert getattr(total, name) == sum(values), name


@pytest.mark.parametrize(
    ("counts", "rate", "throughput"),
    [
        # nothing happened
        ({}, 0.0, 0.0),
        # 1 000 hits, the last sent 999 ms after the first, answered 1 ms later: vegeta says 1 001.0 and 1 000.0
        (
            {"sent": 1000, "successes": 1000, "first_at": 0, "last_at": 999 * MILLISECOND, "end_at": SECOND},
            1000 / 0.999,
            1000.0,
        ),
        # half of them failed: the rate is of all hits, the throughput of the successes
        (
            {"sent": 1000, "successes": 500, "first_at": 0, "last_at": 999 * MILLISECOND, "end_at": SECOND},
            1000 / 0.999,
            500.0,
        ),
        # the time before the first hit does not count
        (
            {"sent": 11, "successes": 11, "first_at": 5 * SECOND, "last_at": 15 * SECOND, "end_at": 16 * SECOND},
            1.1,
            1.0,
        ),
        # hits that could not be sent are results, too
        ({"sent": 5, "unsent": 6, "failed": 6, "successes": 5, "first_at": 0, "last_at": 10 * SECOND}, 1.1, 0.5),
        # a single hit: no time between the first and the last, so both are bare counts
        ({"sent": 1, "successes": 1, "first_at": 3, "last_at": 3, "end_at": SECOND}, 1.0, 1.0),
        ({"sent": 1, "first_at": 3, "last_at": 3, "end_at": SECOND}, 1.0, 0.0),
        # the last hit to be sent is still in flight while all others have ended
        ({"sent": 3, "successes": 2, "first_at": 0, "last_at": 2 * SECOND, "end_at": SECOND}, 1.5, 1.0),
        # the slowest of the answers comes long after the last hit: throughput counts the wait
        ({"sent": 2, "successes": 2, "first_at": 0, "last_at": SECOND, "end_at": 4 * SECOND}, 2.0, 0.5),
    ],
)
def test_rate_and_throughput_are_vegetas(counts: dict[str, Any], rate: float, throughput: float) -> None:
    """Rate is hits over the time between first and last, throughput successes over that and the wait for the last."""
    figures = figures_of([one_part(**counts)])
    assert figures.rate == pytest.approx(rate, rel=1e-12)
    assert figures.pace <= figures.rate
    assert figures.throughput == pytest.approx(throughput, rel=1e-12)


def test_the_figures_of_a_second_are_its_counts() -> None:
    """Within one whole second the rate is what was sent, or could not be, and the throughput what succeeded."""
    metrics = Metrics().add(one_part(7, sent=90, unsent=10, successes=80, first_at=7 * SECOND, last_at=8 * SECOND - 1))
    assert (metrics.second_figures().rate, metrics.second_figures().throughput) == (100.0, 80.0)


def test_the_success_of_a_run_is_of_its_planned_hits() -> None:
    """Whatever became of a hit, unless it was answered well it is missing from the success of the run."""
    figures = figures_of([one_part(planned=10, answered=6, failed=2, aborted=1, lost=1, successes=5)])
    assert figures.success == 0.5


def test_the_success_of_a_second_is_of_the_hits_that_ended_in_it() -> None:
    """After a stall many hits end in a second in which few were due: its success is still a ratio, never above 1."""
    stalled = Metrics().add(one_part(2, planned=1000)).second_figures()
    recovered = Metrics().add(one_part(3, planned=1000, answered=1900, failed=100, successes=1900)).second_figures()
    assert stalled.success == 0.0
    assert recovered.success == 0.95


def test_figures_name_codes_and_errors_in_order() -> None:
    """Status codes become text, as JSON has keys, and both tables are sorted so that reports can be compared."""
    figures = figures_of(
        [
            one_part(status_codes={503: 1, 200: 5}, errors={"timeout": 2}),
            one_part(status_codes={200: 4, 404: 1}, errors={"refused": 1}),
        ]
    )
    assert list(figures.status_codes.items()) == [("200", 9), ("404", 1), ("503", 1)]
    assert list(figures.errors.items()) == [("refused", 1), ("timeout", 2)]


def test_a_run_in_which_nothing_happened_has_figures() -> None:
    """An attack that was stopped before its first hit is reported with zeros, not with a division by zero."""
    assert Metrics().figures() == Metrics().second_figures() == Figures()
    assert Metrics().figures().latency == Distribution()


def test_figures_are_camel_case_in_json() -> None:
    """At the edge the names are camelCase, and the times integers."""
    figures = figures_of([one_part(latency=(1_500_000,), answered=1, bytes_in=7, opened=1)])
    served = msgspec.json.decode(msgspec.json.encode(figures))
    assert served["bytesIn"] == 7
    assert served["connectionsOpened"] == 1
    assert served["latency"]["p50"] == served["latency"]["max"] == 1_500_000
    assert set(served) >= {"statusCodes", "responseTime", "lag", "planned", "sent", "answered", "failed", "lost"}


@given(st.lists(parts, min_size=1, max_size=4))
def test_figures_can_be_read_at_any_time(seconds: list[Second]) -> None:
    """Reading the figures in between changes nothing about what comes out in the end."""
    metrics = Metrics()
    for second in seconds:
        metrics.add(second)
        metrics.figures()
        metrics.second_figures()
    assert metrics.figures() == figures_of(seconds)


@pytest.mark.parametrize(("hits", "pace"), [(0, 0.0), (1, 0.0), (2, 2.0), (5, 8.0)])
def test_the_pace_is_what_was_sent_per_second(hits: int, pace: float) -> None:
    """Two hits half a second apart are 2/s; vegeta's rate would be 4/s. One hit by itself has none."""
    counts = Counts(planned=hits, sent=hits, first_at=0, last_at=500_000_000 if hits > 1 else 0)
    metrics = Metrics()
    metrics.counts.add(counts)
    assert metrics.figures().pace == pace
