"""Whole attacks by real worker processes on real sockets, and what happens when processes die."""

import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from load_tester.domain.attack import SEEDED_EPOCH_NS, Ending, Order, Update
from load_tester.domain.duration import MILLISECOND, SECOND
from load_tester.domain.metrics import Figures, Metrics
from load_tester.domain.pacer import ConstantPacer, TracePacer
from load_tester.engine.crew import Crew, Limits, workers_for
from load_tester.engine.interface import AttackRefused
from tests.engine.remembering import RememberingTarget, remembering_target

pytestmark = pytest.mark.anyio

NURSERY = [sys.executable, str(Path(__file__).with_name("nursery_entry.py"))]


PATIENT = Limits()


class Audience:
    """Adds up the updates of an attack; `planned` tells hits by the second in which they were due."""

    def __init__(self) -> None:
        self.metrics = Metrics()
        self.planned: Counter[int] = Counter()
        self.last = Update(elapsed_ns=0)
        self.heard = asyncio.Event()

    def __call__(self, update: Update) -> None:
        """Hear one update."""
        for second in update.seconds:
            self.metrics.add(second)
            if second.counts.planned:
                self.planned[second.second] += second.counts.planned
        self.last = update
        self.heard.set()

    @property
    def figures(self) -> Figures:
        """The figures so far."""
        return self.metrics.figures()


@asynccontextmanager
async def crew_and_target(limits: Limits = PATIENT) -> AsyncIterator[tuple[Crew, RememberingTarget]]:
    """A crew and a target, and nothing left of either afterwards."""
    crew = Crew(NURSERY, cores=2, limits=limits)
    async with remembering_target() as target:
        try:
            yield crew, target
        finally:
            await crew.close()


def order(target: RememberingTarget, test_type: str = "counting", **changes: Any) -> Order:
    """Four tenths of a second at 500/s, unless changed."""
    fields: dict[str, Any] = {
        "run_id": "r",
        "target_url": target.url,
        "test_type": test_type,
        "params": {},
        "pacer": ConstantPacer(500, SECOND),
        "duration_ns": 400 * MILLISECOND,
        "timeout_ns": 5 * SECOND,
        "max_connections": 20,
        "seed": 1,
        "workers": 2,
    }
    return Order(**{**fields, **changes})


def adds_up(figures: Figures) -> bool:
    """Whether every planned hit has ended in exactly one way."""
    return figures.planned == figures.answered + figures.failed + figures.aborted + figures.lost


def numbers(target: RememberingTarget) -> list[int]:
    """The hits that arrived, by number."""
    return sorted(int(path[1:]) for path in target.paths)


async def test_two_workers_send_every_hit_exactly_once() -> None:
    """What was planned is what arrived is what was reported."""
    async with crew_and_target() as (crew, target):
        audience = Audience()
        attack = await crew.start(order(target), audience)
        outcome = await attack.wait()
        assert (outcome.ending, outcome.error, outcome.incidents) == (Ending.FINISHED, None, ())
        assert numbers(target) == list(range(200))
        figures = audience.figures
        assert (figures.planned, figures.sent, figures.answered, figures.status_codes) == (200, 200, 200, {"200": 200})
        assert figures.bytes_in == 400
        assert audience.last.in_flight == audience.last.waiting == 0
        assert attack.workers == 2


async def test_attacks_follow_each_other_from_fresh_processes() -> None:
    """A crew serves one attack after another; nothing of one is seen in the next."""
    async with crew_and_target() as (crew, target):
        for _ in range(3):
            target.paths.clear()
            audience = Audience()
            attack = await crew.start(order(target, duration_ns=50 * MILLISECOND), audience)
            assert (await attack.wait()).ending == Ending.FINISHED
            assert numbers(target) == list(range(25))
            assert audience.figures.answered == 25


async def test_nothing_is_sent_after_a_stop_has_been_confirmed() -> None:
    """The hits that were sent when `stop` returns are all there will ever be."""
    async with crew_and_target() as (crew, target):
        audience = Audience()
        attack = await crew.start(order(target, duration_ns=3600 * SECOND), audience)
        await target.until(100)
        in_flight = await attack.stop(SECOND)
        assert in_flight <= 20
        assert (await attack.wait()).ending == Ending.STOPPED
        figures = audience.figures
        assert figures.sent == len(target.paths) == figures.answered
        assert adds_up(figures)
        assert await attack.stop(SECOND) == 0


async def test_hits_in_flight_are_aborted_after_the_grace() -> None:
    """A target that does not answer: a stop with no grace ends the attack, and says what it gave up."""
    async with crew_and_target() as (crew, target):
        target.silent = True
        audience = Audience()
        attack = await crew.start(order(target, duration_ns=3600 * SECOND), audience)
        await target.until(20)
        assert await attack.stop(0) == 20
        assert (await attack.wait()).ending == Ending.STOPPED
        figures = audience.figures
        assert figures.answered == 0
        assert figures.aborted == figures.planned >= 20
        assert figures.response_time.max > 0


async def test_connections_are_divided_among_the_workers() -> None:
    """Seven connections for two workers are four and three, and never eight."""
    async with crew_and_target() as (crew, target):
        target.silent = True
        audience = Audience()
        attack = await crew.start(order(target, duration_ns=3600 * SECOND, max_connections=7), audience)
        await target.until(7)
        while audience.last.in_flight < 7:
            audience.heard.clear()
            await audience.heard.wait()
        assert audience.last.open == 7
        await attack.stop(0)
        await attack.wait()
        assert target.most_open == 7


async def test_a_killed_worker_is_replaced_and_its_unreported_hits_are_lost_by_name() -> None:
    """Every hit either arrived once or is accounted for; the record says what happened."""
    async with crew_and_target() as (crew, target):
        audience = Audience()
        attack = await crew.start(order(target, duration_ns=SECOND), audience)
        await target.until(150)
        killed = attack.worker_pids[0]
        os.kill(killed, signal.SIGKILL)
        outcome = await attack.wait()
        figures = audience.figures
        assert outcome.ending == Ending.FINISHED
        assert figures.planned == 500
        assert adds_up(figures)
        arrived = numbers(target)
        assert len(arrived) == len(set(arrived)), "no hit is sent twice"
        # What was sent but not reported counts as lost although it arrived: the books never look better than the truth.
        assert figures.answered <= len(arrived) <= 500
        assert figures.lost == 500 - figures.answered
        assert len(arrived) >= 500 - figures.lost
        assert arrived[-1] == 499
        assert {n % 2 for n in arrived if n > 450} == {0, 1}, "both shares were sent to their end"
        assert str(killed) in outcome.incidents[0]
        assert f"{figures.lost} hits" in outcome.incidents[0]
        assert "took over" in outcome.incidents[1]


async def test_a_worker_killed_under_an_unlimited_rate_is_replaced_too() -> None:
    """Without a schedule, what is known to be unaccounted for is lost, and the record says that more may be."""
    async with crew_and_target() as (crew, target):
        audience = Audience()
        attack = await crew.start(order(target, pacer=None, duration_ns=SECOND, max_connections=2, workers=1), audience)
        await target.until(50)
        os.kill(attack.worker_pids[0], signal.SIGKILL)
        outcome = await attack.wait()
        assert outcome.ending == Ending.FINISHED
        assert adds_up(audience.figures)
        assert "nobody knows" in outcome.incidents[0]
        assert audience.figures.answered > 50


async def test_a_payload_generator_that_raises_fails_the_attack_and_nothing_else() -> None:
    """The message reaches the outcome, the other worker stops, and the crew takes the next order."""
    async with crew_and_target() as (crew, target):
        audience = Audience()
        attack = await crew.start(order(target, "raising", params={"after": 50}, duration_ns=3600 * SECOND), audience)
        outcome = await attack.wait()
        assert outcome.ending == Ending.FAILED
        assert outcome.error is not None
        assert "RuntimeError: out of ideas" in outcome.error
        assert adds_up(audience.figures)
        assert audience.figures.answered >= 49
        following = await crew.start(order(target, duration_ns=20 * MILLISECOND), Audience())
        assert (await following.wait()).ending == Ending.FINISHED


async def test_a_payload_generator_that_crashes_its_process_fails_the_attack_in_the_end() -> None:
    """Workers are replaced a few times, not for ever."""
    async with crew_and_target(Limits(replacements=2)) as (crew, target):
        audience = Audience()
        attack = await crew.start(
            order(target, "crashing", params={"after": 10}, duration_ns=3600 * SECOND, workers=1), audience
        )
        outcome = await attack.wait()
        assert outcome.ending == Ending.FAILED
        assert outcome.error is not None
        assert "3 attack workers died" in outcome.error
        assert adds_up(audience.figures)


async def test_a_second_stop_shortens_the_grace() -> None:
    """Hits in flight that were given an hour end at once when the next stop says so."""
    async with crew_and_target() as (crew, target):
        target.silent = True
        audience = Audience()
        attack = await crew.start(order(target, duration_ns=3600 * SECOND), audience)
        await target.until(5)
        in_flight = await attack.stop(3600 * SECOND)
        assert in_flight >= 5
        assert await attack.stop(0) == in_flight
        assert (await attack.wait()).ending is Ending.STOPPED
        assert audience.figures.aborted == in_flight
        assert adds_up(audience.figures)


async def test_a_payload_generator_that_hangs_is_killed_by_a_stop() -> None:
    """A stop ends the attack even when a worker cannot hear it."""
    async with crew_and_target(Limits(stop_s=0.05)) as (crew, target):
        audience = Audience()
        attack = await crew.start(
            order(target, "hanging", params={"port": target.port}, duration_ns=3600 * SECOND, workers=1), audience
        )
        await target.until(1)
        assert await attack.stop(SECOND) == 0
        outcome = await attack.wait()
        assert outcome.ending == Ending.STOPPED
        assert "was killed" in outcome.incidents[0]
        assert adds_up(audience.figures)
        assert audience.figures.lost >= 1


async def test_a_worker_that_falls_silent_is_killed_and_replaced() -> None:
    """A hang is found without a stop as well."""
    async with crew_and_target(Limits(silence_s=0.6, replacements=0)) as (crew, target):
        attack = await crew.start(
            order(target, "hanging", params={"port": target.port}, duration_ns=3600 * SECOND, workers=1), Audience()
        )
        outcome = await attack.wait()
        assert outcome.ending == Ending.FAILED
        assert "had not reported" in outcome.incidents[0]


@pytest.mark.parametrize(
    ("test_type", "message"),
    [("unbuildable", "there is nothing to send"), ("exiting", "ended before it was ready"), ("nope", "unknown test")],
)
async def test_an_attack_that_cannot_be_built_is_refused(test_type: str, message: str) -> None:
    """The reason is the test type's own; the crew takes the next order."""
    async with crew_and_target() as (crew, target):
        with pytest.raises(AttackRefused, match=message):
            await crew.start(order(target, test_type), Audience())
        following = await crew.start(order(target, duration_ns=20 * MILLISECOND), Audience())
        assert (await following.wait()).ending == Ending.FINISHED


async def test_a_nursery_that_was_killed_is_started_again() -> None:
    """Between attacks nobody notices but the next attack, which waits for it."""
    async with crew_and_target() as (crew, target):
        await crew.open()
        os.kill(crew.nursery_pid, signal.SIGKILL)
        attack = await crew.start(order(target, duration_ns=20 * MILLISECOND), Audience())
        assert (await attack.wait()).ending == Ending.FINISHED


async def test_a_worker_command_that_does_not_exist_refuses_the_attack() -> None:
    """A broken installation is one clear error."""
    async with remembering_target() as target:
        crew = Crew(["/does/not/exist"])
        with pytest.raises(AttackRefused, match="no attack worker could be started"):
            await crew.start(order(target), Audience())
        await crew.close()


async def test_closing_the_crew_stops_what_runs() -> None:
    """Nothing is left behind: the attack has ended as stopped, the processes are gone."""
    async with crew_and_target() as (crew, target):
        attack = await crew.start(order(target, duration_ns=3600 * SECOND), Audience())
        await target.until(10)
        pids = [*attack.worker_pids, crew.nursery_pid]
        await crew.close()
        assert (await attack.wait()).ending == Ending.STOPPED
        for pid in pids:
            await gone(pid)


async def test_the_same_seed_sends_the_same_bytes() -> None:
    """Same order, same number of workers: the same payloads; another seed: others."""
    async with crew_and_target() as (crew, target):
        bodies: list[list[bytes]] = []
        for seed in (7, 7, 8):
            target.bodies.clear()
            attack = await crew.start(
                order(target, "session", seed=seed, epoch_ns=SEEDED_EPOCH_NS, duration_ns=200 * MILLISECOND), Audience()
            )
            await attack.wait()
            bodies.append(sorted(target.bodies))
        assert len(bodies[0]) == 100
        assert bodies[0] == bodies[1]
        assert not set(bodies[0]) & set(bodies[2])


ORPHANING = """
import asyncio, sys
from load_tester.domain.attack import Order
from load_tester.domain.pacer import ConstantPacer
from load_tester.engine.crew import Crew

async def main():
    crew = Crew(sys.argv[2:])
    attack = await crew.start(Order(
        run_id="r", target_url=sys.argv[1], test_type=TYPE, params={"port": PORT},
        pacer=ConstantPacer(200, 10**9), duration_ns=3600 * 10**9, timeout_ns=10**9, max_connections=5, seed=1,
        workers=1), lambda update: None)
    print(*attack.worker_pids, crew.nursery_pid, flush=True)
    await attack.wait()

asyncio.run(main())
"""


@pytest.mark.parametrize("test_type", ["counting", "hanging"])
async def test_a_worker_ends_with_its_control_process(test_type: str) -> None:
    """Control killed with SIGKILL: the worker and the nursery end by themselves, even in a hanging generator."""
    async with remembering_target() as target:
        program = ORPHANING.replace("TYPE", repr(test_type)).replace("PORT", str(target.port))
        argv = [sys.executable, "-c", program, target.url, *NURSERY]
        async with await anyio.open_process(argv, stdin=subprocess.DEVNULL, stderr=None) as control:
            assert control.stdout is not None
            pids = [int(pid) for pid in (await control.stdout.receive()).split()]
            await target.until(1)
            control.kill()
        for pid in pids:
            await gone(pid)
        await target.left_alone()


async def gone(pid: int) -> None:
    """Wait for a process to end, for ten seconds at most."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        with anyio.fail_after(10):
            await anyio.wait_readable(descriptor)
    finally:
        os.close(descriptor)


@pytest.mark.parametrize(
    ("changes", "cores", "workers"),
    [
        ({"pacer": ConstantPacer(1_000, SECOND)}, 8, 1),
        ({"pacer": ConstantPacer(20_000, SECOND)}, 8, 1),
        ({"pacer": ConstantPacer(20_001, SECOND)}, 8, 2),
        ({"pacer": ConstantPacer(1_000_000, SECOND)}, 8, 8),
        ({"pacer": None}, 8, 8),
        ({"pacer": None, "max_connections": 3}, 8, 3),
        ({"pacer": ConstantPacer(10, SECOND), "workers": 4}, 2, 4),
        ({"pacer": ConstantPacer(10_000, SECOND), "hits_per_worker": 5_000}, 8, 2),
        ({"pacer": ConstantPacer(1, 3600 * SECOND)}, 8, 1),
        ({"pacer": ConstantPacer(1_000_000, SECOND), "most_workers": 3}, 8, 3),
        ({"workers": 6, "most_workers": 3}, 8, 3),
        # a trace needs workers for its busiest second
        ({"pacer": TracePacer.of([0, *range(10 * SECOND, 11 * SECOND, SECOND // 30_000)])}, 8, 2),
    ],
)
def test_an_attack_gets_the_workers_that_its_rate_needs(changes: dict[str, Any], cores: int, workers: int) -> None:
    """At most one per core unless asked for, at least one, and never more than connections."""
    wanted = order(RememberingTarget("http://127.0.0.1:1"), **{"workers": None, "max_connections": 100, **changes})
    assert workers_for(wanted, cores) == workers


async def test_a_generator_that_exits_fails_the_run_and_says_so() -> None:
    """`sys.exit` in a test type ends neither the worker nor the account of its hits."""
    async with crew_and_target() as (crew, target):
        audience = Audience()
        attack = await crew.start(order(target, "quitting", params={"after": 50}, workers=1), audience)
        outcome = await attack.wait()
        assert outcome.ending is Ending.FAILED
        assert outcome.error == "the payload of hit 50 could not be made: SystemExit: 3"
        assert (audience.figures.answered, audience.figures.lost) == (50, 0)
        assert adds_up(audience.figures)
