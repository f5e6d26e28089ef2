"""What a run reports of its response times, beside what the target saw itself: two clocks' worth of the same thing."""

import asyncio
import math
import time

import pytest

from load_tester.domain.duration import MILLISECOND, SECOND
from load_tester.domain.pacer import ConstantPacer
from load_tester.engine.crew import Crew
from tests.engine.remembering import remembering_target
from tests.engine.test_crew import NURSERY, Audience, order

pytestmark = pytest.mark.anyio

RATE = 1_000
HITS = 4_000


def percentile(values: list[int], percent: float) -> int:
    """The smallest value that `percent` % of the values do not exceed."""
    return sorted(values)[math.ceil(len(values) * percent / 100) - 1]


async def test_response_times_are_what_the_target_saw() -> None:
    """A target that stalls for a second notes when it answered each hit; the hits' schedule does the rest.

    Nothing is assumed of how fast this machine works the queue off after the stall: the target's own notes tell. The
    figures must agree with them within 2 %, at every percentile that the stall decides.
    """
    crew = Crew(NURSERY, cores=1)
    async with remembering_target() as target:
        answered_ns: dict[int, int] = {}
        target.on_answer = lambda path: answered_ns.update({int(path[1:]): time.time_ns()})
        try:
            audience = Audience()
            attack = await crew.start(
                order(
                    target,
                    pacer=ConstantPacer(RATE, SECOND),
                    duration_ns=HITS * SECOND // RATE,
                    timeout_ns=30 * SECOND,
                    max_connections=50,
                    workers=1,
                ),
                audience,
            )
            await target.until(RATE)
            target.silent = True
            asyncio.get_running_loop().call_later(1, target.catch_up)
            await attack.wait()
        finally:
            await crew.close()
    figures = audience.figures
    assert figures.sent == figures.answered == len(answered_ns) == HITS
    truth = [at_ns - attack.started_ns - seq * MILLISECOND for seq, at_ns in answered_ns.items()]
    for percent, reported in (
        (90, figures.response_time.p90),
        (95, figures.response_time.p95),
        (99, figures.response_time.p99),
        (99.9, figures.response_time.p999),
        (100, figures.response_time.max),
    ):
        assert reported == pytest.approx(percentile(truth, percent), rel=0.02), f"p{percent}"
    assert figures.response_time.max >= SECOND - 20 * MILLISECOND
    assert figures.response_time.mean == pytest.approx(sum(truth) / HITS, rel=0.02)
