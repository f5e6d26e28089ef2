"""What the engine reaches: as fast as it can beside wrk, and on schedule at given rates."""

import statistics
from collections.abc import Iterator
from typing import Final

from bench import peers
from bench.attack import Account, attack, ordered
from bench.machine import two_cores
from bench.row import NotRun, Row
from load_tester.domain.duration import MILLISECOND, SECOND

CONNECTIONS: Final = 50


def static_get(*, quick: bool) -> Iterator[Row]:
    """The engine beside wrk: a static GET, unlimited rate, one worker on one core, nginx on the other.

    Each repeat measures both one after the other; the ratio is the median of the repeats' ratios.
    """
    core, other_core = two_cores()
    seconds, repeats = (2, 1) if quick else (4, 3)
    required = 0.8
    with peers.nginx(other_core) as url:
        ours, theirs = [], []
        for _ in range(repeats):
            account = attack(ordered(url, "static-get", seconds, connections=CONNECTIONS), core)
            speed = account.answered_per_s
            ours.append(peers.Speed(speed, speed / max(account.worker_cpu, 0.01)))
            theirs.append(peers.wrk(url, core, CONNECTIONS, seconds))
        others = list(_others(url, core, seconds))
    ratios = [mine.per_s / its.per_s for mine, its in zip(ours, theirs, strict=True)]
    cpu_ratio = statistics.median(mine.per_cpu_s / its.per_cpu_s for mine, its in zip(ours, theirs, strict=True))
    ratio = statistics.median(ratios)
    spread = f", {min(ratios):.2f} to {max(ratios):.2f} in {repeats} repeats" if repeats > 1 else ""
    measured = f"{ratio:.2f} x wrk ({statistics.median(mine.per_s for mine in ours):,.0f}/s{spread})"
    what = "static GET, unlimited, 1 worker, nginx on the other core"
    beside = [
        f"wrk {statistics.median(its.per_s for its in theirs):,.0f}/s",
        *others,
        f"per CPU second, which other load on the machine disturbs less, {cpu_ratio:.2f} x wrk",
    ]
    yield Row(what, measured, f">= {required} x wrk", ratio >= required, ", ".join(beside))


def _others(url: str, core: int, seconds: int) -> Iterator[str]:
    for name, measure in (("hey", peers.hey), ("vegeta", peers.vegeta)):
        try:
            yield f"{name} {measure(url, core, CONNECTIONS, seconds):,.0f}/s"
        except NotRun as reason:
            yield str(reason)


def open_loop(*, quick: bool) -> Iterator[Row]:
    """50 000/s session payloads through one worker: every hit sent, and when it was to be."""
    rate, seconds = 50_000, 3 if quick else 10
    core, other_core = two_cores()
    with peers.nginx(other_core) as url:
        account = attack(ordered(url, "session", seconds, rate), core)
        wrk = peers.wrk(url, core, CONNECTIONS, 2).per_s
    counts = account.metrics.counts
    planned = rate * seconds
    rate_error = abs((counts.sent - 1) / max(1, counts.last_at - counts.first_at) * SECOND / rate - 1)
    worst = max(abs(account.sent_by_second.get(second, 0) / rate - 1) for second in range(seconds))
    measured = f"{counts.sent:,} sent, rate error {rate_error:.4%}, worst second {worst:.2%} off"
    ok = counts.sent == planned and rate_error < 0.001 and worst <= 0.01
    required = f"{planned:,} sent, rate error < 0.1 %, each second within 1 %"
    what = f"open loop {rate:,}/s session payloads, 1 worker, {seconds} s"
    yield Row(what, measured, required, ok, f"wrk reaches {wrk:,.0f} GET/s here; {_beside(account)}")


def on_schedule(*, quick: bool) -> Iterator[Row]:
    """How late hits are sent at moderate rates, and what that costs."""
    seconds = 3 if quick else 10
    core, other_core = two_cores()
    with peers.nginx(other_core) as url:
        for rate in (1_000, 10_000):
            account = attack(ordered(url, "session", seconds, rate), core)
            lag = account.figures.lag
            measured = f"lag p50 {lag.p50 / MILLISECOND:.3f} ms, p99 {lag.p99 / MILLISECOND:.3f} ms"
            required = "lag p50 < 0.15 ms, p99 < 1 ms"
            ok = (
                lag.p50 < 0.15 * MILLISECOND and lag.p99 < MILLISECOND and account.metrics.counts.sent == rate * seconds
            )
            if rate == 1_000:
                measured += f", CPU {account.worker_cpu:.1%} of a core"
                required += ", CPU < 15 % of a core"
                ok = ok and account.worker_cpu < 0.15
            p50, p99 = peers.sleeper(core, 1_000, 2)
            beside = f"a bare sleeper is late by {p50:.3f} ms, p99 {p99:.2f} ms; {_beside(account)}"
            yield Row(f"open loop {rate:,}/s session payloads", measured, required, ok, beside)


def _beside(account: Account) -> str:
    figures = account.figures
    errors = "".join(f", {count} {kind}" for kind, count in figures.errors.items())
    return (
        f"worker CPU {account.worker_cpu:.0%}, lag p99 {figures.lag.p99 / MILLISECOND:.2f} ms{errors}, {account.limits}"
    )
