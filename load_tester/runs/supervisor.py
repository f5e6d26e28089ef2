"""What decides: one attack at a time, each with its run's record, from the command to the last figure."""

import logging
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import anyio
import anyio.to_thread
import msgspec
from anyio.abc import TaskGroup

from load_tester.domain.attack import Ending, Order, Outcome, Tls, Update
from load_tester.domain.command import Command, InvalidCommand
from load_tester.domain.duration import SECOND
from load_tester.domain.instant import to_datetime
from load_tester.domain.project import Project, provider_of
from load_tester.domain.proof import Proof, prove
from load_tester.domain.report import asked, brief
from load_tester.domain.run import Run, RunState, TimelineSecond
from load_tester.domain.test_type import Registry
from load_tester.engine.interface import Attack, AttackRefused, Engine
from load_tester.runs.journal import Journal
from load_tester.runs.live import LiveRun
from load_tester.runs.local_files import LocalFiles
from load_tester.runs.owner import Owner, lock_directory
from load_tester.runs.recovery import recover
from load_tester.runs.run_id import RunIds
from load_tester.runs.store import RunAlive, RunPage, RunStore

DEFAULT_GRACE_NS: Final = SECOND
ACCEPT_S: Final = 0.1
"""How long a new attack waits for its record to be written, which takes milliseconds when the store works. Then it goes
on without: commands must start attacks at once, and the record is written when the store can."""
SETTLE_S: Final = 0.25
"""How long a reader waits for what was put before to be written."""
PROOF_S: Final = 10.0
"""How long a test type may take to be built and to make its first request."""
PROOFS: Final = 4
"""So many commands are proven at once, apart from everything else: those that hang must not keep others waiting."""
CLOSING_S: Final = 5
"""How long an attack may take to end after the grace when the supervisor is left."""

_SEEDS: Final = 2**53  # whole in every reader of JSON
_log = logging.getLogger(__name__)


class Site(msgspec.Struct, frozen=True):
    """What all attacks have in common.

    Attributes:
        target_url: what is attacked, by test types that do not name their own target; empty for nothing.
        tls: how its certificate is verified.
        projects: of Sentry; `None` for made-up ones.
        files_dir: the files that parameters may name are below this directory; `None` to refuse them.
    """

    target_url: str
    tls: Tls = Tls()
    projects: tuple[Project, ...] | None = None
    files_dir: Path | None = None


class Stopped(msgspec.Struct, frozen=True):
    """What a stop did: the run that was alive, if any, and how many of its hits were in flight."""

    run_id: str | None
    in_flight: int


class Supervisor:
    """Runs one attack at a time and keeps the records. An async context manager: it works from entering to leaving.

    Entering repairs the records of runs whose process ended while they were alive; leaving stops what runs, and
    waits until its record is written. It owns neither the engine nor the store: whoever made them closes them.
    """

    def __init__(
        self,
        engine: Engine,
        store: RunStore,
        registry: Registry,
        site: Site,
        *,
        now_ns: Callable[[], int] = time.time_ns,
        proof_s: float = PROOF_S,
    ) -> None:
        self.registry = registry
        self.site = site
        self._engine = engine
        self._store = store
        self._now_ns = now_ns
        self._ids = RunIds(now_ns)
        self._lock = anyio.Lock()
        self._resources = AsyncExitStack()
        self._journal: Journal
        self._tasks: TaskGroup
        self._is_open = False
        # All that are alive: the current one, and those it replaced whose hits in flight have not ended.
        self._live: dict[str, LiveRun] = {}
        self._current: LiveRun | None = None
        self._stops = 0
        self._proof_s = proof_s
        self._proofs = anyio.CapacityLimiter(PROOFS)

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as resources:
            owner = await anyio.to_thread.run_sync(Owner, lock_directory(self._store.path))
            resources.callback(owner.close)
            self._store.owner = owner.token
            for run_id in await anyio.to_thread.run_sync(recover, self._store):
                _log.warning("run %s was alive when its process ended; it is marked as failed", run_id)
            self._journal = Journal(self._store)
            resources.push_async_callback(_closed, self._journal)
            self._tasks = await resources.enter_async_context(anyio.create_task_group())
            self._resources = resources.pop_all()
        self._is_open = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            with anyio.CancelScope(shield=True):
                await self._close()
        finally:
            self._tasks.cancel_scope.cancel()
            await self._resources.__aexit__(kind, error, traceback)

    async def check(self, command: Command) -> tuple[Proof, dict[str, bytes]]:
        """Make a first request as proof that the command can be carried out; nothing else happens.

        Returns the proof, and the files that the command reads, by name.

        Raises:
            InvalidCommand: there is no target, or the request could not be made, or not in time.
        """
        if not self.site.target_url and self.registry[command.test_type].kafka is None:
            raise InvalidCommand("this daemon has nothing to attack: it was started without a target URL")
        files = LocalFiles(self.site.files_dir)
        return await self._proof(command, files), files.contents

    async def start(self, command: Command) -> Run:
        """Replace the attack that runs by a new one; returns when the new one has started.

        The attack that is replaced sends nothing more; its hits in flight end in the background.

        Raises:
            InvalidCommand: it cannot be carried out; the attack that runs was not touched.
            AttackRefused: the engine could not start it; its record says so.
        """
        stops = self._stops
        proof, files = await self.check(command)
        async with self._turn():
            live = self._accepted(command, proof, files)
            if self._stops != stops:
                return self._overtaken(live)
            return await self._replace(live)

    async def stop(self, grace_ns: int = DEFAULT_GRACE_NS) -> Stopped:
        """Stop the attack that runs, and those that are about to: nothing more is sent when this returns.

        Hits in flight get `grace_ns` to end, at most; also those of attacks that were stopped before.
        """
        self._stops += 1
        async with self._turn():
            alive = [live for live in self._live.values() if live.attack is not None]
            stopped = [await self._stop(live, grace_ns) for live in alive]
        return Stopped(alive[-1].id if alive else None, sum(stopped))

    async def wait(self, run_id: str) -> Run:
        """Wait for the end of the run; returns its final record. Raises `UnknownRun`."""
        live = self._live.get(run_id)
        if live is not None:
            await live.ended.wait()
        return await self.run(run_id)

    def current(self) -> Run | None:
        """The live record of the attack that runs, with its figures so far; `None` when there is none."""
        return self._current.record() if self._current is not None and self._current.is_alive else None

    @property
    def store_error(self) -> str | None:
        """Why results cannot be written at the moment; they are kept in memory and tried again. `None` if they can."""
        return self._journal.error

    async def run(self, run_id: str) -> Run:
        """The run, live if it is alive. Raises `UnknownRun`."""
        known = self._known(run_id)
        return known if known is not None else await anyio.to_thread.run_sync(self._store.run, run_id)

    async def runs(self, limit: int, offset: int = 0) -> RunPage:
        """At most `limit` runs, newest first, from number `offset` of all.

        Runs that could not be stored yet come first; they are newer than all that could.
        """
        await self._settle()
        unstored = self._journal.unstored()
        first = unstored[offset : offset + limit]
        rest = partial(self._store.page, limit - len(first), max(0, offset - len(unstored)))
        page = await anyio.to_thread.run_sync(rest)
        # One of them may have been stored between the two looks.
        ids = {run.id for run in first}
        runs = (*first, *(run for run in page.runs if run.id not in ids))
        return RunPage(tuple(self._known(run.id) or run for run in runs), page.total + len(unstored))

    async def timeline(self, run_id: str) -> tuple[TimelineSecond, ...]:
        """The figures of each second of the run, as far as they are stored (a running one is up to a second behind)."""
        await self._settle()
        return await anyio.to_thread.run_sync(self._store.timeline, run_id)

    async def delete(self, run_id: str) -> None:
        """Delete a run that has ended.

        Raises:
            UnknownRun: there is no such run.
            RunAlive: it has not ended.
            StoreUnavailable: the store does not take it at the moment.
        """
        if run_id in self._live:
            raise RunAlive(f"run {run_id} has not ended; stop it first")
        await self._journal.delete(run_id)

    def _known(self, run_id: str) -> Run | None:
        """What this process knows better than the store."""
        live = self._live.get(run_id)
        return live.record() if live is not None else self._journal.pending(run_id)

    def _target_url(self, proof: Proof) -> str:
        return self.site.target_url if proof.kafka is None else proof.kafka.url

    def _accepted(self, command: Command, proof: Proof, files: dict[str, bytes]) -> LiveRun:
        """The run of a command, with everything in place that it left open."""
        seed = secrets.randbelow(_SEEDS) if command.seed is None else command.seed
        run = Run(
            id=self._ids.new(),
            state=RunState.PENDING,
            name=command.name,
            description=command.description,
            test_type=command.test_type,
            target_url=self._target_url(proof),
            labels=command.labels,
            command=command.wire(seed),
            seed=seed,
            scheduled_hits=proof.hits,
            scheduled_ns=proof.span_ns,
            created_at=to_datetime(self._now_ns()),
        )
        test_type = self.registry[command.test_type]
        order = Order(
            run_id=run.id,
            target_url=run.target_url,
            test_type=command.test_type,
            params=command.params,
            pacer=proof.pacer,
            duration_ns=command.duration_ns,
            timeout_ns=command.timeout_ns,
            max_connections=command.max_connections,
            seed=seed,
            epoch_ns=command.epoch_ns,
            tls=self.site.tls,
            projects=self.site.projects,
            files=files,
            transport=test_type.transport,
            kafka=proof.kafka,
            workers=command.workers,
            hits_per_worker=test_type.hits_per_worker,
            most_workers=proof.most_workers,
        )
        return LiveRun(run, order)

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """One change at a time, each to its end: a client that goes away must not leave a stop without its start."""
        with anyio.CancelScope(shield=True):
            async with self._lock:
                yield

    async def _proof(self, command: Command, files: LocalFiles) -> Proof:
        """See `prove`; in a thread, and not for ever: the test type's builder may hang."""
        projects = provider_of(self.site.projects)
        with anyio.move_on_after(self._proof_s):
            return await anyio.to_thread.run_sync(
                partial(prove, command, self.registry, projects, self._now_ns(), files, self.site.target_url),
                abandon_on_cancel=True,
                limiter=self._proofs,
            )
        raise InvalidCommand(
            f"test type {command.test_type!r} had not made its first request after {self._proof_s:g} s", "$.params"
        )

    def _overtaken(self, live: LiveRun) -> Run:
        """The record of an attack that was stopped before it could start."""
        self._live[live.id] = live
        self._journal.put(live.record(), is_new=True)
        live.note("it was stopped before it had started")
        self._end(live, Outcome(ending=Ending.STOPPED))
        return live.record()

    async def _replace(self, live: LiveRun) -> Run:
        if not self._is_open:
            raise AttackRefused("the daemon is shutting down")
        self._live[live.id] = live
        self._journal.put(live.record(), is_new=True)
        await self._settle(ACCEPT_S)
        try:
            if self._current is not None and self._current.can_be_stopped:
                self._current.note(f"it was replaced by run {live.id}")
                await self._stop(self._current, DEFAULT_GRACE_NS)
            self._current = live
            attack = await self._engine.start(live.order, partial(self._take, live))
        except Exception as error:
            self._end(live, Outcome(ending=Ending.FAILED, error=str(error) or type(error).__name__))
            raise
        started = live.start(attack)
        _log.info("run %s started: %s, %s", live.id, started.test_type, asked(started))
        self._journal.put(started)
        self._tasks.start_soon(self._watch, live, attack)
        return started

    async def _stop(self, live: LiveRun, grace_ns: int) -> int:
        """Stop an attack, or shorten the grace of one that is being stopped; returns how many hits are in flight."""
        if live.attack is None:
            return 0
        if live.can_be_stopped:
            self._journal.put(live.move(RunState.STOPPING))
        return await live.attack.stop(grace_ns)

    def _take(self, live: LiveRun, update: Update) -> None:
        """What the engine calls with news of an attack."""
        is_due = live.take(update)
        live.note_store(self._journal.error)
        self._journal.add(live.id, update.seconds)
        if is_due:
            self._journal.put(live.record())

    async def _watch(self, live: LiveRun, attack: Attack) -> None:
        """See an attack to its end."""
        try:
            outcome = await attack.wait()
        except Exception as error:  # noqa: BLE001 -- whatever it is, the run's record has to say so and come to its end
            _log.exception("the attack of run %s ended unexpectedly", live.id)
            outcome = Outcome(ending=Ending.FAILED, error=f"the attack ended unexpectedly: {error}")
        if live.is_alive:
            self._end(live, outcome)

    def _end(self, live: LiveRun, outcome: Outcome) -> None:
        live.note_store(self._journal.error)
        ended = live.end(outcome, to_datetime(self._now_ns()))
        _log.info(
            "run %s %s: %s%s", live.id, ended.state.value, brief(ended), f" ({ended.error})" if ended.error else ""
        )
        self._journal.put(ended)
        del self._live[live.id]

    async def _settle(self, timeout_s: float = SETTLE_S) -> None:
        if self._journal.error is None:
            await self._journal.settle(timeout_s)

    async def _close(self) -> None:
        async with self._lock:
            self._is_open = False
            for live in list(self._live.values()):
                await self._stop(live, DEFAULT_GRACE_NS)
        with anyio.move_on_after(DEFAULT_GRACE_NS / SECOND + CLOSING_S):
            for live in list(self._live.values()):
                await live.ended.wait()
        for live in list(self._live.values()):
            self._end(live, Outcome(ending=Ending.FAILED, error="the attack did not end when the daemon was closed"))


async def _closed(journal: Journal) -> None:
    with anyio.CancelScope(shield=True):
        await anyio.to_thread.run_sync(journal.close)
