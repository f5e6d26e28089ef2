"""Whether the generator kept its schedule, so that nobody blames the target for our limits."""

from load_tester.domain.attack import Order
from load_tester.domain.duration import MILLISECOND, SECOND
from load_tester.domain.metrics import Figures
from load_tester.domain.report import rounded

LAG_LIMIT_NS = 10 * MILLISECOND
INTERVAL_SHARE = 0.1
SATURATED_LIMIT_NS = SECOND
SATURATED_SHARE = 0.05
SATURATED_LEAST_NS = 100 * MILLISECOND


def generator_limits(order: Order, figures: Figures, elapsed_ns: int, saturated_ns: int) -> tuple[str, ...]:
    """The reasons, one sentence each, why the figures may show the generator's limits; empty when there are none.

    The rule: (1) lag p99 is above 10 ms and above 10 % of the interval between two hits; (2) a worker used at least
    95 % of its core for more than a second, or for more than 5 % (and 0.1 s) of an attack that lasted less than 20 s;
    (3) hits had to wait for a connection because `max_connections` were busy.
    """
    reasons = []
    pacer = order.pacer
    # Between the hits of the busiest time: where they are further apart, 10 ms are the limit anyway.
    lag_limit = max(LAG_LIMIT_NS, int(INTERVAL_SHARE * SECOND / pacer.peak())) if pacer else LAG_LIMIT_NS
    if figures.lag.p99 > lag_limit:
        reasons.append(
            f"hits were sent late: lag p99 was {rounded(figures.lag.p99)}, above the limit of {rounded(lag_limit)}"
        )
    if saturated_ns > max(SATURATED_LEAST_NS, min(SATURATED_LIMIT_NS, SATURATED_SHARE * elapsed_ns)):
        reasons.append(f"a worker had used up its core for {rounded(saturated_ns)}: add workers, or lower the rate")
    if figures.waited:
        most = order.max_connections
        busy = (
            f"a connection: all {most} were busy" if order.kafka is None else f"others: {most} were in flight already"
        )
        reasons.append(f"{figures.waited} of {figures.planned} hits waited for {busy}")
    return tuple(reasons)
