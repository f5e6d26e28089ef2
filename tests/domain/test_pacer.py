"""The schedule: exact at every hit, and split over workers without a gap or an overlap."""

from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from load_tester.domain.duration import HOUR, MICROSECOND, MILLISECOND, MINUTE, SECOND
from load_tester.domain.pacer import ConstantPacer, Pacing, Share, TracePacer

pacers = st.builds(ConstantPacer, st.integers(1, 10**7), st.integers(1, HOUR))
durations_ns = st.integers(-SECOND, 24 * HOUR)
shares = st.integers(1, 64).flatmap(lambda m: st.builds(Share, st.integers(0, m - 1), st.just(m)))


@pytest.mark.parametrize(
    ("num_messages", "per_ns", "duration_ns", "hits", "last_due_ns"),
    [
        # 1 000/s for 10 s are 10 000 hits, the first at 0, the last a millisecond before the end
        (1_000, SECOND, 10 * SECOND, 10_000, 9_999 * MILLISECOND),
        # 50 000/s for 10 s
        (50_000, SECOND, 10 * SECOND, 500_000, 10 * SECOND - 20 * MICROSECOND),
        # the interval of 3/s is no whole number of nanoseconds, and still no hit is gained or lost in a day
        (3, SECOND, 24 * HOUR, 3 * 86_400, 86_400 * SECOND - 333_333_334),
        # one a minute for 90 s: at 0 s and at 60 s
        (1, MINUTE, 90 * SECOND, 2, MINUTE),
        # what is due at the very end is not part of the attack
        (1, SECOND, SECOND, 1, 0),
        (1, SECOND, SECOND + 1, 2, SECOND),
        # several hits per nanosecond
        (7, 2, 1, 4, 0),
        # an attack shorter than the interval still sends its first hit
        (1, HOUR, 1, 1, 0),
    ],
)
def test_a_schedule_by_hand(num_messages: int, per_ns: int, duration_ns: int, hits: int, last_due_ns: int) -> None:
    """Rates whose schedule can be worked out by hand have the right number of hits, and the last when it should be."""
    pacer = ConstantPacer(num_messages, per_ns)
    assert pacer.hits(duration_ns) == hits
    assert pacer.due(hits - 1) == last_due_ns


@given(pacers, st.integers(0, 10**12))
def test_a_hit_is_due_at_the_floor_of_its_exact_instant(pacer: ConstantPacer, n: int) -> None:
    """However many hits came before, hit n is due at ⌊n · per / num⌋: no error sums up."""
    due = pacer.due(n)
    assert due * pacer.num_messages <= n * pacer.per_ns < (due + 1) * pacer.num_messages


@given(pacers, st.integers(0, 10**6), st.integers(0, 10**6))
def test_whole_periods_fall_on_the_clock(pacer: ConstantPacer, periods: int, n: int) -> None:
    """A whole number of periods later the schedule repeats, shifted by exactly that time."""
    assert pacer.due(n + periods * pacer.num_messages) == pacer.due(n) + periods * pacer.per_ns


@given(pacers, durations_ns)
def test_hits_counts_exactly_what_is_due_before(pacer: ConstantPacer, duration_ns: int) -> None:
    """The number of hits is the smallest n that is not due before the end: the one before it is."""
    hits = pacer.hits(duration_ns)
    assert hits >= 0
    assert pacer.due(hits) >= duration_ns
    assert hits == 0 or pacer.due(hits - 1) < duration_ns


@given(pacers, st.lists(st.integers(0, 10**9), min_size=2, max_size=20))
def test_the_schedule_never_goes_back(pacer: ConstantPacer, hits: list[int]) -> None:
    """A later hit is never due earlier."""
    dues = [pacer.due(n) for n in sorted(hits)]
    assert all(before <= after for before, after in pairwise(dues))


@given(pacers, st.integers(0, 24 * HOUR))
def test_the_rate_is_the_same_at_every_instant(pacer: ConstantPacer, elapsed_ns: int) -> None:
    """A constant pacer asks for hits per second, the same at the start and a day later."""
    assert pacer.rate(elapsed_ns) == pacer.rate(0) == pacer.num_messages * SECOND / pacer.per_ns


@pytest.mark.parametrize(("num_messages", "per_ns"), [(0, 1), (1, 0), (-1, 1), (1, -1)])
def test_a_rate_needs_positive_numbers(num_messages: int, per_ns: int) -> None:
    """No hits, or no time for them, is not a schedule."""
    with pytest.raises(ValueError, match="positive"):
        ConstantPacer(num_messages, per_ns)


@given(st.integers(1, 64), st.integers(0, 2_000))
def test_shares_are_disjoint_and_complete(workers: int, hits: int) -> None:
    """Whatever the number of workers and hits, each hit is sent by exactly one of them."""
    sent = [share.seq(i) for share in (Share(k, workers) for k in range(workers)) for i in range(share.count(hits))]
    assert sorted(sent) == list(range(hits))


@given(shares, st.integers(0, 10**12))
def test_a_share_counts_its_own_hits(share: Share, hits: int) -> None:
    """The hit after the last that is counted lies behind the first `hits` hits, the last one within."""
    count = share.count(hits)
    assert share.seq(count) >= hits
    assert count == 0 or share.seq(count - 1) < hits


@given(shares, st.integers(0, 10**6), st.integers(0, 1_000))
def test_what_is_left_of_a_share_continues_it(share: Share, hits: int, more: int) -> None:
    """A successor that takes over sends what its predecessor had not: nothing twice, nothing left out."""
    left = share.after(hits)
    assert left.seq(0) >= hits
    assert share.count(hits) + left.count(hits + more) == share.count(hits + more)
    assert left.seq(more) == share.seq(share.count(hits) + more)
    assert left.after(hits) == left


traces = st.lists(st.integers(0, 10 * SECOND), min_size=1, max_size=50).map(sorted)


@given(traces, durations_ns)
def test_a_trace_is_followed_to_the_nanosecond(instants: list[int], duration_ns: int) -> None:
    """Hit n is due at the nth instant; what counts as due before an end is exactly what is recorded before it."""
    pacer = TracePacer.of(instants)
    assert [pacer.due(n) for n in range(len(instants))] == instants
    assert pacer.hits(duration_ns) == sum(instant < duration_ns for instant in instants)
    assert pacer.hits(pacer.end_ns) == len(instants)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(pacer), type=Pacing) == pacer


@given(traces)
def test_the_peak_of_a_trace_is_its_busiest_second(instants: list[int]) -> None:
    """No second holds more hits than the peak says, and one that begins with a hit holds as many."""
    pacer = TracePacer.of(instants)
    assert pacer.peak() == max(sum(start <= other < start + SECOND for other in instants) for start in instants)
    assert all(pacer.rate(instant) <= pacer.peak() for instant in instants)


@pytest.mark.parametrize("instants", [[], [-1], [5, 4]])
def test_a_trace_that_is_none_is_refused(instants: list[int]) -> None:
    """A schedule has a first hit, does not begin before the attack, and does not go back."""
    with pytest.raises(ValueError, match="trace"):
        TracePacer.of(instants)
