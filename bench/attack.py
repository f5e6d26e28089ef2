"""One attack by the product's engine, in this process and its workers, and all that is to be known of it."""

import asyncio
import os
import sys
import time
from dataclasses import dataclass, field

import uvloop

from bench.machine import cpu_s, pinned, workers_below
from load_tester.domain.attack import Ending, Order, Outcome, Update
from load_tester.domain.duration import SECOND
from load_tester.domain.metrics import Figures, Metrics
from load_tester.domain.pacer import ConstantPacer
from load_tester.domain.verdict import generator_limits
from load_tester.engine.crew import Crew


@dataclass(slots=True)
class Account:
    """What was heard of an attack; it grows while the attack runs, and is owned by `attack`.

    `worker_cpu` is the share of a core that the workers used, from the second sample on: the first covers their start.
    """

    order: Order
    metrics: Metrics = field(default_factory=Metrics)
    sent_by_second: dict[int, int] = field(default_factory=dict)
    last: Update | None = None
    outcome: Outcome | None = None
    worker_cpu: float = 0.0

    def add(self, update: Update) -> None:
        """Take an update."""
        self.last = update
        for second in update.seconds:
            self.metrics.add(second)
            self.sent_by_second[second.second] = self.sent_by_second.get(second.second, 0) + second.counts.sent

    @property
    def figures(self) -> Figures:
        """The figures of the whole attack."""
        return self.metrics.figures()

    @property
    def answered_per_s(self) -> float:
        """Answers per second, from the first hit to the last answer."""
        counts = self.metrics.counts
        return counts.answered * SECOND / max(1, counts.end_at - counts.first_at)

    @property
    def limits(self) -> str:
        """The product's own verdict about its generator, for the reader of the table."""
        elapsed_ns, saturated_ns = (self.last.elapsed_ns, self.last.saturated_ns) if self.last else (0, 0)
        reasons = generator_limits(self.order, self.figures, elapsed_ns, saturated_ns)
        return f"verdict: {'; '.join(reasons)}" if reasons else "verdict: not limited"


def ordered(
    url: str, test_type: str, seconds: float, rate: int = 0, connections: int = 1000, timeout_ns: int = 30 * SECOND
) -> Order:
    """An attack with one worker; without `rate` as fast as the target answers."""
    return Order(
        run_id="bench",
        target_url=url,
        test_type=test_type,
        params={},
        pacer=ConstantPacer(rate, SECOND) if rate else None,
        duration_ns=int(seconds * SECOND),
        timeout_ns=timeout_ns,
        max_connections=connections,
        seed=1,
        workers=1,
    )


def attack(order: Order, core: int) -> Account:
    """Run the attack with its worker on that core."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_attack(order, core))


async def _attack(order: Order, core: int) -> Account:
    account = Account(order)
    crew = Crew(pinned(core, [sys.executable, "-m", "bench.worker"]))
    try:
        await crew.open()
        running = await crew.start(order, account.add)
        sampling = asyncio.create_task(_sample(account))
        async with asyncio.timeout(order.duration_ns / SECOND + order.timeout_ns / SECOND + 10):
            account.outcome = await running.wait()
        sampling.cancel()
    finally:
        await crew.close()
    assert account.outcome.ending is Ending.FINISHED, account.outcome
    return account


async def _sample(account: Account) -> None:
    """Keep `worker_cpu` up to date while there are workers."""
    await asyncio.sleep(0.5)
    workers = workers_below(os.getpid())
    began_s, used_s = time.monotonic(), sum(map(cpu_s, workers))
    while True:
        await asyncio.sleep(0.25)
        now_s = sum(map(cpu_s, workers))
        if now_s < used_s:
            return  # they have ended
        account.worker_cpu = (now_s - used_s) / (time.monotonic() - began_s)
