"""The rule by which a run is marked as limited by its generator."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from load_tester.domain.attack import Order
from load_tester.domain.duration import MILLISECOND, MINUTE, SECOND
from load_tester.domain.histogram import Distribution
from load_tester.domain.kafka import KafkaTarget
from load_tester.domain.metrics import Figures
from load_tester.domain.pacer import ConstantPacer
from load_tester.domain.verdict import generator_limits


def ordered(num_messages: int = 1_000, per_ns: int = SECOND) -> Order:
    """An attack at that rate."""
    return Order(
        run_id="r",
        target_url="http://127.0.0.1:9",
        test_type="session",
        params={},
        pacer=ConstantPacer(num_messages, per_ns) if num_messages else None,
        duration_ns=10 * SECOND,
        timeout_ns=SECOND,
        max_connections=50,
        seed=0,
    )


def measured(lag_p99_ns: int = 0, waited: int = 0) -> Figures:
    """The figures that the rule looks at."""
    return Figures(planned=10_000, waited=waited, lag=Distribution(p99=lag_p99_ns))


@pytest.mark.parametrize(
    ("num_messages", "per_ns", "lag_p99_ns", "limited"),
    [
        # at 1 000/s a tenth of the interval is 0.1 ms: 10 ms is the larger limit
        (1_000, SECOND, 10 * MILLISECOND, False),
        (1_000, SECOND, 10 * MILLISECOND + 1, True),
        # at 10/s a tenth of the interval is just the 10 ms
        (10, SECOND, 10 * MILLISECOND, False),
        (10, SECOND, 10 * MILLISECOND + 1, True),
        # at 1/s it is 100 ms
        (1, SECOND, 100 * MILLISECOND, False),
        (1, SECOND, 100 * MILLISECOND + 1, True),
        # at 1 a minute it is 6 s
        (1, MINUTE, 6 * SECOND, False),
        (1, MINUTE, 6 * SECOND + 1, True),
        # without a schedule there is no interval
        (0, SECOND, 10 * MILLISECOND, False),
        (0, SECOND, 10 * MILLISECOND + 1, True),
    ],
)
def test_late_hits_are_the_generators(num_messages: int, per_ns: int, lag_p99_ns: int, limited: bool) -> None:
    """Lag p99 over 10 ms, or over a tenth of the interval where that is larger, is more than the target's fault."""
    reasons = generator_limits(ordered(num_messages, per_ns), measured(lag_p99_ns), 10 * SECOND, 0)
    assert bool(reasons) == limited
    assert not limited or "sent late" in reasons[0]


@pytest.mark.parametrize(
    ("elapsed_ns", "saturated_ns", "limited"),
    [
        # up to 20 s: more than 5 % of the time
        (10 * SECOND, 500 * MILLISECOND, False),
        (10 * SECOND, 500 * MILLISECOND + 1, True),
        (20 * SECOND, SECOND, False),
        (20 * SECOND, SECOND + 1, True),
        # beyond: more than one second
        (60 * MINUTE, SECOND, False),
        (60 * MINUTE, SECOND + 1, True),
        # of a short one, a tenth of a second says nothing
        (0, 0, False),
        (SECOND, 100 * MILLISECOND, False),
        (SECOND, 100 * MILLISECOND + 1, True),
    ],
)
def test_a_worker_without_a_core_to_spare_is_a_limit(elapsed_ns: int, saturated_ns: int, limited: bool) -> None:
    """A worker that used up its core for more than 5 % of the attack, or for more than a second, is a reason."""
    reasons = generator_limits(ordered(), measured(), elapsed_ns, saturated_ns)
    assert bool(reasons) == limited
    assert not limited or "core" in reasons[0]


def test_waiting_for_a_connection_is_a_limit() -> None:
    """A single hit that waited because all connections were busy is a reason, with the numbers one can act on."""
    (reason,) = generator_limits(ordered(), measured(waited=1), 10 * SECOND, 0)
    assert reason == "1 of 10000 hits waited for a connection: all 50 were busy"
    records = msgspec.structs.replace(ordered(), kafka=KafkaTarget(brokers=("a:9092",), topics=("t",)))
    (reason,) = generator_limits(records, measured(waited=1), 10 * SECOND, 0)
    assert reason == "1 of 10000 hits waited for others: 50 were in flight already"


def test_every_reason_is_given() -> None:
    """A run with all three limits says all three; the text names what was measured and the limit."""
    late, core, waited = generator_limits(ordered(), measured(25 * MILLISECOND, 7), 10 * SECOND, 3 * SECOND)
    assert late == "hits were sent late: lag p99 was 25ms, above the limit of 10ms"
    assert "3s" in core
    assert waited.startswith("7 of 10000 hits")


@given(st.integers(0, 10**6), st.integers(1, 10**12))
def test_an_attack_without_anything_wrong_has_no_reasons(num_messages: int, per_ns: int) -> None:
    """Whatever the rate, a generator that was on time, idle and connected is not blamed."""
    assert generator_limits(ordered(num_messages, per_ns), Figures(), 0, 0) == ()
