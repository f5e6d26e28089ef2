"""What the engine reaches with Kafka, beside bare loops around the same library, and what its reporting adds."""

import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

import msgspec

from bench.attack import attack, ordered
from bench.kafka_programs import IN_FLIGHT, TOPIC
from bench.machine import pinned, two_cores
from bench.row import NotRun, Row
from load_tester.domain.attack import Order
from load_tester.domain.duration import MICROSECOND
from load_tester.domain.kafka import KafkaTarget

PROGRAMS = [sys.executable, "-m", "bench.kafka_programs"]
PATIENCE_S = 30


def records(*, quick: bool) -> Iterator[Row]:
    """Outcomes through one worker on one core, a mock broker of librdkafka's on the other, as its peers have them."""
    if find_spec("confluent_kafka") is None:
        raise NotRun("the extra kafka is not installed")
    core, other_core = two_cores()
    seconds, repeats = (2, 1) if quick else (4, 3)
    with mock_broker(other_core) as address:
        yield throughput(address, core, seconds, repeats)
        yield latency(address, core, seconds, repeats)


def throughput(address: str, core: int, seconds: int, repeats: int) -> Row:
    """As many as are acknowledged, a thousand in flight; the ratio is the median of the repeats' ratios."""
    ours, theirs = [], []
    for _ in range(repeats):
        account = attack(order(address, seconds), core)
        assert not account.figures.failed, account.figures.errors
        ours.append(account.answered_per_s)
        theirs.append(bare("flood", address, core, seconds))
    ratio = statistics.median(mine / its for mine, its in zip(ours, theirs, strict=True))
    return Row(
        what=f"outcomes to Kafka, unlimited, {IN_FLIGHT} in flight, 1 worker, broker on the other core",
        measured=f"{ratio:.2f} x a bare loop ({statistics.median(ours):,.0f}/s)",
        required=">= 0.2 x a bare loop",
        ok=ratio >= 0.2,
        peers=f"a loop that only sends the same bytes again {statistics.median(theirs):,.0f}/s",
    )


def latency(address: str, core: int, seconds: int, repeats: int) -> Row:
    """At 1 000/s, what the way of a report through our thread adds to a loop that sleeps in the library."""
    ours, theirs = [], []
    for _ in range(repeats):
        ours.append(attack(order(address, seconds, rate=1000), core).figures.latency.p50 / MICROSECOND)
        theirs.append(bare("blocking", address, core, seconds))
    added = statistics.median(mine - its for mine, its in zip(ours, theirs, strict=True))
    return Row(
        what="outcomes to Kafka at 1,000/s, median acknowledgement latency",
        measured=f"{added:+.0f} us against a loop that waits for each ({statistics.median(ours):.0f} us)",
        required="<= 100 us more",
        ok=added <= 100,
        peers=f"the loop {statistics.median(theirs):.0f} us",
    )


def order(address: str, seconds: float, rate: int = 0) -> Order:
    """An attack of the broker with one worker."""
    target = KafkaTarget(brokers=(address,), topics=(TOPIC,))
    plain = ordered(target.url, "kafkaOutcome", seconds, rate, connections=IN_FLIGHT)
    return msgspec.structs.replace(plain, params={"brokers": [address]}, transport="kafka", kafka=target)


def bare(loop: str, address: str, core: int, seconds: float) -> float:
    """What one of the bare loops measures."""
    argv = pinned(core, [*PROGRAMS, loop, address, str(seconds)])
    return float(subprocess.run(argv, capture_output=True, check=True, timeout=seconds + PATIENCE_S).stdout)


@contextmanager
def mock_broker(core: int) -> Iterator[str]:
    """The address of a broker that runs on that core."""
    argv = pinned(core, [*PROGRAMS, "brokers"])
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        yield program.stdout.readline().strip()
        program.communicate()
