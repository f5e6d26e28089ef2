"""The local engine: attacks run by worker processes on this machine, watched from here.

A worker that dies is replaced within milliseconds by a fresh one that takes over what its share has left, and what it
had not reported is accounted as lost; see `_LocalAttack._run_share`.
"""

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from load_tester.domain.attack import Ending, Order, Outcome, Update
from load_tester.domain.duration import MILLISECOND, SECOND, format_ns
from load_tester.domain.histogram import HistogramDelta
from load_tester.domain.metrics import Counts, Second
from load_tester.domain.pacer import Share
from load_tester.engine import frames
from load_tester.engine.clock import monotonic_from_unix, monotonic_ns
from load_tester.engine.hatchery import Hatchery, WorkerLink
from load_tester.engine.interface import AttackRefused

START_LEAD_NS: Final = 5 * MILLISECOND
"""The start lies this far ahead of the moment at which it is announced, so that every worker has heard of it."""
READY_LIMIT_S: Final = 30.0
"""A worker that has not built its part of the attack after this is given up."""
UNKNOWN_HITS: Final = 1_000_000
"""With an unlimited rate nobody knows which hit a dead worker was at: its successor's numbers start this much later."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is put up with from workers.

    Attributes:
        silence_s: a worker reports five times a second; one that has been silent for so long hangs and is killed.
        stop_s: a worker that has not confirmed a stop after this is killed: a payload generator may hang.
        replacements: so many workers of one attack are replaced; if another one dies, the attack has failed.
    """

    silence_s: float = 5.0
    stop_s: float = 2.0
    replacements: int = 5


def workers_for(order: Order, cores: int) -> int:
    """How many workers an order gets: what it asks for, or what its rate needs.

    Never more than its connections, nor than its test type can share an attack among.
    """
    if order.workers is not None:
        wanted = order.workers
    elif order.pacer is None:
        wanted = cores
    else:
        wanted = min(cores, -(-int(order.pacer.peak()) // order.hits_per_worker))
    return max(1, min(wanted, order.max_connections, order.most_workers or wanted))


class Crew:
    """The engine of one machine; see `interface.Engine`.

    Args:
        worker_argv: the command line of the nursery (`nursery.main` with the registry of the test types); the
            descriptor of its socket is appended.
        cores: how many workers an attack gets at most by default; `None`: as many as this process may run on.
        limits: how much is put up with from workers.
    """

    def __init__(
        self,
        worker_argv: Sequence[str],
        cores: int | None = None,
        limits: Limits = Limits(),
    ) -> None:
        self._limits = limits
        self._hatchery = Hatchery(worker_argv)
        self._cores = cores or len(os.sched_getaffinity(0))
        self._attacks: set[_LocalAttack] = set()

    async def open(self) -> None:
        """Have workers ready to be started; optional, but the first attack waits for it otherwise.

        Raises:
            AttackRefused: the worker command cannot be run.
        """
        await self._hatchery.open()

    async def start(self, order: Order, on_update: Callable[[Update], None]) -> "_LocalAttack":
        """Start an attack; see `interface.Engine.start`."""
        attack = _LocalAttack(order, workers_for(order, self._cores), self._hatchery, self._limits, on_update)
        self._attacks.add(attack)
        try:
            await attack.begin()
        except BaseException:
            self._attacks.discard(attack)
            raise
        attack.task.add_done_callback(lambda _: self._attacks.discard(attack))
        return attack

    @property
    def nursery_pid(self) -> int:
        """The process id of the nursery; 0 when it does not run."""
        return self._hatchery.pid

    async def close(self) -> None:
        """Stop what runs and end all workers."""
        for attack in list(self._attacks):
            await attack.stop(0)
            await attack.wait()
        await self._hatchery.close()


class _DiedUnready(AttackRefused):
    """A worker that ended before it was ready; another one may do better, unless the test type is the reason."""


class _LocalAttack:
    """One attack; it owns its links to workers and the task that watches them. See `interface.Attack`."""

    def __init__(
        self, order: Order, workers: int, hatchery: Hatchery, limits: Limits, on_update: Callable[[Update], None]
    ) -> None:
        self._order = order
        self._pacer = order.pacer
        self._hatchery = hatchery
        self._limits = limits
        self._on_update = on_update
        self._workers = workers
        self._start_unix_ns = self._start_ns = 0
        self._links: dict[int, WorkerLink] = {}
        self._readings: dict[int, frames.Snapshot] = {}
        self._saturated_ns = 0
        self._messages: dict[str, str] = {}
        self._incidents: list[str] = []
        self._failure: str | None = None
        self._replacements = 0
        self._stopped_ns: int | None = None
        self._stopping = asyncio.Lock()
        self.task: asyncio.Task[Outcome]

    @property
    def started_ns(self) -> int:
        """See `interface.Attack`."""
        return self._start_unix_ns

    @property
    def workers(self) -> int:
        """See `interface.Attack`."""
        return self._workers

    @property
    def worker_pids(self) -> tuple[int, ...]:
        """The process ids of the workers."""
        return tuple(link.pid for link in self._links.values())

    async def begin(self) -> None:
        """Plan all workers, then start them together.

        Raises:
            AttackRefused: a worker could not be made ready.
        """
        planned = await asyncio.gather(
            *(self._plan(k, Share(k, self._workers)) for k in range(self._workers)), return_exceptions=True
        )
        refusals = [result for result in planned if isinstance(result, BaseException)]
        if refusals:
            for link in self._links.values():
                link.kill()
                await link.close()
            raise refusals[0]
        self._start_unix_ns = time.time_ns() + START_LEAD_NS
        self._start_ns = monotonic_from_unix(self._start_unix_ns)
        for link in self._links.values():
            link.send(frames.Start(self._start_unix_ns))
        self.task = asyncio.create_task(self._run())

    async def stop(self, grace_ns: int) -> int:
        """See `interface.Attack`."""
        async with self._stopping:
            links = list(self._links.values())
            for link in links:
                link.send(frames.Stop(grace_ns))
            if self._stopped_ns is not None:
                return sum(link.in_flight for link in links)
            self._stopped_ns = self._elapsed_ns()
            return sum(await asyncio.gather(*(self._stopped(link) for link in links)))

    async def wait(self) -> Outcome:
        """See `interface.Attack`."""
        return await asyncio.shield(self.task)

    async def _stopped(self, link: WorkerLink) -> int:
        """Wait until a worker sends no further hit; returns how many it had in flight then."""
        try:
            async with asyncio.timeout(self._limits.stop_s):
                await link.quiet.wait()
        except TimeoutError:
            self._incidents.append(f"worker {link.pid} did not stop within {self._limits.stop_s:g} s and was killed")
            link.kill()
            await link.quiet.wait()
        return link.in_flight_at_stop

    async def _plan(self, k: int, share: Share) -> WorkerLink:
        """A fresh worker with its plan, ready to be started."""
        base, more = divmod(self._order.max_connections, self._workers)
        generation = f".{self._replacements}" if self._replacements else ""
        link = await self._hatchery.hatch(share)
        self._links[k] = link
        link.send(
            frames.Plan(
                order=self._order,
                first=share.first,
                step=share.step,
                max_connections=base + (k < more),
                random_seed=f"{self._order.seed}/{k}{generation}",
            )
        )
        try:
            async with asyncio.timeout(READY_LIMIT_S):
                ready = await link.receive()
        except TimeoutError as error:
            link.kill()
            raise AttackRefused(f"an attack worker was not ready within {READY_LIMIT_S:g} s") from error
        except (EOFError, ConnectionError) as error:
            await link.close()
            raise _DiedUnready("an attack worker ended before it was ready; its own message is in the log") from error
        assert isinstance(ready, frames.Ready), "a worker answers its plan first"
        if ready.refusal is not None:
            raise AttackRefused(ready.refusal)
        return link

    async def _run(self) -> Outcome:
        try:
            async with asyncio.TaskGroup() as group:
                for k, link in list(self._links.items()):
                    group.create_task(self._run_share(k, link))
        finally:
            for link in self._links.values():
                await link.close()
        self._update(())
        if self._failure is not None:
            ending = Ending.FAILED
        else:
            ending = Ending.FINISHED if self._stopped_ns is None else Ending.STOPPED
        return Outcome(
            ending=ending, error=self._failure, incidents=tuple(self._incidents), messages=dict(self._messages)
        )

    async def _run_share(self, k: int, link: WorkerLink) -> None:
        """See a share through to its end, with a fresh worker whenever one dies."""
        while not await self._listen(k, link):
            await link.close()
            share = self._book_loss(link)
            self._readings.pop(k, None)
            if share is None or self._is_ending():
                return
            successor = await self._successor(k, share, link)
            if successor is None:
                self._book_unsent(share)
                return
            successor.send(frames.Start(self._start_unix_ns))
            self._incidents.append(f"worker {successor.pid} took over the unsent share of worker {link.pid}")
            link = successor

    async def _successor(self, k: int, share: Share, dead: WorkerLink) -> WorkerLink | None:
        """A fresh worker with the rest of a share, ready to be started; `None` when the attack has to end without."""
        while self._replacements < self._limits.replacements:
            self._replacements += 1
            try:
                fresh = await self._plan(k, share)
            except _DiedUnready:
                continue
            except AttackRefused as refusal:
                self._fail(f"worker {dead.pid} could not be replaced: {refusal}")
                return None
            if self._is_ending():
                fresh.kill()
                fresh.quiet.set()
                return None
            return fresh
        self._fail(f"{self._limits.replacements + 1} attack workers died; the last one was {self._links[k].pid}")
        return None

    async def _listen(self, k: int, link: WorkerLink) -> bool:
        """Take a worker's reports until it is done; `False` when it died before."""
        try:
            while True:
                async with asyncio.timeout(self._limits.silence_s):
                    message = await link.receive()
                match message:
                    case frames.Stopped(in_flight):
                        link.in_flight = link.in_flight_at_stop = in_flight
                        link.quiet.set()
                    case frames.Snapshot():
                        self._take(k, link, message)
                        if message.done:
                            return True
                    case frames.Ready():
                        raise AssertionError("a worker is ready once")
        except TimeoutError:
            self._incidents.append(
                f"worker {link.pid} had not reported for {self._limits.silence_s:g} s and was killed"
            )
            link.kill()
        except (EOFError, ConnectionError):
            pass
        finally:
            link.in_flight = 0
            link.quiet.set()
        return False

    def _take(self, k: int, link: WorkerLink, snapshot: frames.Snapshot) -> None:
        self._readings[k] = snapshot
        self._saturated_ns += snapshot.saturated_ns
        link.in_flight = snapshot.in_flight
        for second in snapshot.seconds:
            counts = second.counts
            link.planned += counts.planned
            link.ended += counts.answered + counts.failed + counts.aborted
            link.open += counts.opened - counts.closed
        for kind, message in snapshot.messages.items():
            self._messages.setdefault(kind, message)
        if snapshot.failure is not None:
            self._fail(snapshot.failure)
        self._update(snapshot.seconds)

    def _book_loss(self, link: WorkerLink) -> Share | None:
        """Account for a worker that died: hits that were due and not reported as ended are lost.

        Returns what is left of its share, or `None` when nothing is.
        """
        at_ns = self._ended_ns()
        if self._pacer is None:
            planned = link.planned
            left = None if at_ns >= self._order.duration_ns else link.share.after(link.planned * link.share.step)
            left = left and Share(left.first + UNKNOWN_HITS * left.step, left.step)
        else:
            total = link.share.count(self._pacer.hits(self._order.duration_ns))
            due = self._pacer.hits(min(at_ns, self._order.duration_ns))
            planned = max(link.planned, link.share.count(due))
            left = None if planned >= total else Share(link.share.seq(planned), link.share.step)
        lost = planned - link.ended
        self._book(at_ns, Counts(planned=planned - link.planned, lost=lost, closed=link.open))
        unknown = "" if self._pacer else ", and how many it sent after its last report nobody knows"
        self._incidents.append(
            f"worker {link.pid} died {format_ns(at_ns // MILLISECOND * MILLISECOND)} into the attack; "
            f"{lost} hits that it had not reported as ended are accounted as lost{unknown}"
        )
        return left

    def _book_unsent(self, share: Share) -> None:
        """Account for hits that came due while nobody was there to send them, in an attack that then ended."""
        if self._pacer is not None:
            at_ns = self._ended_ns()
            due = share.count(self._pacer.hits(min(at_ns, self._order.duration_ns)))
            self._book(at_ns, Counts(planned=due, aborted=due))

    def _book(self, at_ns: int, counts: Counts) -> None:
        nothing = HistogramDelta()
        self._update((Second(at_ns // SECOND, counts, nothing, nothing, nothing),))

    def _fail(self, message: str) -> None:
        """End the attack as failed: the other workers stop at once."""
        if self._failure is None:
            self._failure = message
            self._stopped_ns = self._ended_ns()
            for link in self._links.values():
                link.send(frames.Stop(0))

    def _is_ending(self) -> bool:
        return self._stopped_ns is not None

    def _ended_ns(self) -> int:
        """Until when hits come due: the stop, or now while there was none; nanoseconds after the start, at least 0."""
        return max(0, self._elapsed_ns() if self._stopped_ns is None else self._stopped_ns)

    def _elapsed_ns(self) -> int:
        return monotonic_ns() - self._start_ns

    def _update(self, seconds: tuple[Second, ...]) -> None:
        readings = self._readings.values()
        self._on_update(
            Update(
                elapsed_ns=max(0, self._elapsed_ns()),
                seconds=seconds,
                open=sum(reading.open for reading in readings),
                in_flight=sum(reading.in_flight for reading in readings),
                waiting=sum(reading.waiting for reading in readings),
                workers=self._workers,
                saturated_ns=self._saturated_ns,
            )
        )
