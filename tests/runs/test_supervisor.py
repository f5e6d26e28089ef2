"""One attack at a time, and true records of all of them."""

import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path

import anyio
import msgspec
import pytest

from load_tester.domain.attack import SEEDED_EPOCH_NS, Ending, Order, Outcome, Tls, Update
from load_tester.domain.command import Command, InvalidCommand, decode_command
from load_tester.domain.duration import SECOND
from load_tester.domain.kafka import KafkaTarget
from load_tester.domain.metrics import Counts
from load_tester.domain.pacer import ConstantPacer
from load_tester.domain.project import Project
from load_tester.domain.request import Record, Request, Targeter
from load_tester.domain.run import Run, RunState
from load_tester.domain.test_type import BuildContext, Registry, TestType
from load_tester.engine.interface import AttackRefused
from load_tester.runs.store import RunAlive, RunStore, UnknownRun, sqlite_url
from load_tester.runs.supervisor import PROOFS, Site, Stopped, Supervisor
from load_tester.testing import PLAIN, FakeAttack, FakeEngine, PlainParams, answered_second, second_of

pytestmark = pytest.mark.anyio

REGISTRY = Registry([PLAIN])
SITE = Site("http://127.0.0.1:1", Tls(verify=False), (Project("1", "k"),))
COMMAND = Command(test_type="plain", duration_ns=10 * SECOND, num_messages=100)
RECORDS = TestType(
    name="records", summary="Sends records.", params=PlainParams,
    build=lambda _params, _context: Targeter(lambda _seq, _now_ns: Record("t", b"value")),
    transport="kafka", kafka=lambda _: KafkaTarget(brokers=("a:9092",), topics=("t",)),
)  # fmt: skip


@asynccontextmanager
async def supervised(
    directory: Path, engine: FakeEngine, registry: Registry = REGISTRY
) -> AsyncIterator[tuple[Supervisor, RunStore]]:
    """A supervisor at work, and its store."""
    with closing(RunStore(sqlite_url(directory))) as store:
        async with Supervisor(engine, store, registry, SITE) as supervisor:
            yield supervisor, store


async def test_a_run_has_a_record_from_its_acceptance_to_its_end(tmp_path: Path) -> None:
    """The record says what was asked, follows the attack, and ends with its figures."""
    engine = FakeEngine()
    async with supervised(tmp_path, engine) as (supervisor, store):
        command = msgspec.structs.replace(COMMAND, name="n", description="d", labels=(("a",),), seed=5, workers=3)
        started = await supervisor.start(command)
        assert (started.state, started.name, started.labels, started.seed) == (RunState.RUNNING, "n", (("a",),), 5)
        assert (started.target_url, started.test_type, started.workers) == (SITE.target_url, "plain", 3)
        assert (started.scheduled_hits, started.scheduled_ns) == (1000, 10 * SECOND)
        engine.attacks[0].emit(answered_second(0, 100))
        live = supervisor.current()
        assert live is not None
        assert (live.summary.answered, live.elapsed_ns) == (100, SECOND)
        engine.attacks[0].finish(messages={"reset": "gone"}, incidents=("worker 2 was lost",))
        ended = await supervisor.wait(started.id)
        assert (ended.state, ended.error, ended.error_messages) == (RunState.FINISHED, None, {"reset": "gone"})
        assert ended.incidents == ("worker 2 was lost",)
        assert ended.ended_at is not None
        assert ended.started_at is not None
        assert ended.created_at <= ended.started_at <= ended.ended_at
        assert (supervisor.current(), await supervisor.stop()) == (None, Stopped(None, 0))
        assert [second.figures.answered for second in await supervisor.timeline(started.id)] == [100]
    with closing(RunStore(sqlite_url(tmp_path))) as store:
        assert store.run(started.id) == ended
        assert store.totals(started.id).figures() == ended.summary


async def test_a_cluster_that_parameters_name_is_the_target(tmp_path: Path) -> None:
    """The record shows it instead of the site's URL, and a site without one is enough for it; not for others."""
    engine = FakeEngine()
    with closing(RunStore(sqlite_url(tmp_path))) as store:
        async with Supervisor(engine, store, Registry([PLAIN, RECORDS]), Site("")) as supervisor:
            run = await supervisor.start(msgspec.structs.replace(COMMAND, test_type="records"))
            order = engine.attacks[0].order
            assert run.target_url == order.target_url == "kafka://a:9092"
            assert (order.transport, order.kafka) == ("kafka", KafkaTarget(brokers=("a:9092",), topics=("t",)))
            with pytest.raises(InvalidCommand, match="nothing to attack"):
                await supervisor.start(COMMAND)
            assert supervisor.current() is not None


async def test_the_engine_is_told_everything(tmp_path: Path) -> None:
    """The order holds the command, the site, and a seed where the command has none; the record tells the seed."""
    engine = FakeEngine()
    async with supervised(tmp_path, engine) as (supervisor, _):
        run = await supervisor.start(msgspec.structs.replace(COMMAND, max_connections=7, timeout_ns=9))
        order = engine.attacks[0].order
        assert order.run_id == run.id
        assert (order.target_url, order.tls, order.projects) == (SITE.target_url, SITE.tls, SITE.projects)
        assert (order.pacer, order.duration_ns) == (ConstantPacer(100, SECOND), 10 * SECOND)
        assert (order.max_connections, order.timeout_ns, order.epoch_ns) == (7, 9, None)
        assert order.hits_per_worker == PLAIN.hits_per_worker
        assert (run.seed, run.command["seed"]) == (order.seed, order.seed)
        again = decode_command(msgspec.json.encode(run.command), REGISTRY)
        assert isinstance(again, Command)
        await supervisor.start(again)
        other = msgspec.structs.replace(engine.attacks[1].order, run_id=run.id)
        assert other == msgspec.structs.replace(order, params=again.params)


async def test_a_seeded_command_is_ordered_as_it_says(tmp_path: Path) -> None:
    """Seed and epoch reach the engine unchanged."""
    engine = FakeEngine()
    async with supervised(tmp_path, engine) as (supervisor, _):
        await supervisor.start(msgspec.structs.replace(COMMAND, seed=5, epoch_ns=SEEDED_EPOCH_NS))
        assert (engine.attacks[0].order.seed, engine.attacks[0].order.epoch_ns) == (5, SEEDED_EPOCH_NS)


async def test_a_command_replaces_the_attack_that_runs(tmp_path: Path) -> None:
    """The old one is stopped before the new one starts; its hits in flight end in the background."""
    engine = FakeEngine(drains=False)
    async with supervised(tmp_path, engine) as (supervisor, _):
        old = await supervisor.start(COMMAND)
        new = await supervisor.start(COMMAND)
        current = supervisor.current()
        assert current is not None
        assert current.id == new.id
        assert (await supervisor.run(old.id)).state is RunState.STOPPING
        assert [attack.stops for attack in engine.attacks] == [1, 0]
        engine.attacks[0].emit(second_of(0, Counts(planned=3, sent=3, answered=1, aborted=2)))
        engine.attacks[0].finish(Ending.STOPPED)
        ended = await supervisor.wait(old.id)
        assert (ended.state, ended.summary.aborted) == (RunState.STOPPED, 2)
        assert ended.incidents == (f"it was replaced by run {new.id}",)
        engine.attacks[1].finish()


async def test_a_command_that_cannot_be_carried_out_changes_nothing(tmp_path: Path) -> None:
    """The builder refuses it before anything happens: the attack that runs goes on, and no record is made."""
    engine = FakeEngine()
    async with supervised(tmp_path, engine) as (supervisor, _):
        running = await supervisor.start(COMMAND)
        for params in ({"error": "no"}, {"numProjects": 2}):
            with pytest.raises(InvalidCommand):
                await supervisor.start(msgspec.structs.replace(COMMAND, params=params))
        current = supervisor.current()
        assert current is not None
        assert (current.id, current.state) == (running.id, RunState.RUNNING)
        assert (len(engine.attacks), engine.attacks[0].stops) == (1, 0)
        assert (await supervisor.runs(10)).total == 1


async def test_an_attack_that_cannot_start_is_a_failed_run(tmp_path: Path) -> None:
    """The record says why, the caller is told, and the next command is taken."""
    engine = FakeEngine()
    async with supervised(tmp_path, engine) as (supervisor, _):
        engine.refusal = "no worker could be started"
        with pytest.raises(AttackRefused, match="no worker"):
            await supervisor.start(COMMAND)
        assert supervisor.current() is None
        [failed] = (await supervisor.runs(1)).runs
        assert (failed.state, failed.error) == (RunState.FAILED, "no worker could be started")
        engine.refusal = None
        await supervisor.start(COMMAND)


async def test_a_failing_attack_is_a_failed_run(tmp_path: Path) -> None:
    """What the engine says of the reason is in the record."""
    engine = FakeEngine()
    async with supervised(tmp_path, engine) as (supervisor, _):
        run = await supervisor.start(COMMAND)
        engine.attacks[0].fail("the payload generator raised")
        ended = await supervisor.wait(run.id)
        assert (ended.state, ended.error) == (RunState.FAILED, "the payload generator raised")


class _Broken(FakeEngine):
    """An engine with a mistake in it."""

    async def start(self, *arguments: object) -> FakeAttack:
        """Raise what no engine should."""
        raise ZeroDivisionError("a mistake")


async def test_a_mistake_in_the_engine_is_a_failed_run(tmp_path: Path) -> None:
    """Also what an engine must not raise leaves no run behind that seems to be alive."""
    async with supervised(tmp_path, _Broken()) as (supervisor, _):
        with pytest.raises(ZeroDivisionError):
            await supervisor.start(COMMAND)
        [failed] = (await supervisor.runs(1)).runs
        assert (failed.state, failed.error) == (RunState.FAILED, "a mistake")


class _Vanishing(FakeAttack):
    """An attack whose end cannot be waited for."""

    async def wait(self) -> Outcome:
        """Raise what no attack should."""
        raise ConnectionError("the workers are gone")


class _Forgetful(FakeEngine):
    """An engine that starts such attacks."""

    async def start(self, order: Order, on_update: Callable[[Update], None]) -> FakeAttack:
        """Start one."""
        return _Vanishing(order, on_update, 0, drains=True)


async def test_a_mistake_in_an_attack_is_a_failed_run(tmp_path: Path) -> None:
    """Also an attack that breaks instead of ending leaves a record that says so, and the next command is taken."""
    async with supervised(tmp_path, _Forgetful()) as (supervisor, _):
        for _attempt in range(2):
            run = await supervisor.wait((await supervisor.start(COMMAND)).id)
            assert (run.state, run.error) == (
                RunState.FAILED,
                "the attack ended unexpectedly: the workers are gone",
            )


async def test_stopping_says_what_was_in_flight(tmp_path: Path) -> None:
    """A stop names the run and its hits in flight; another one finds the same run until that has ended."""
    engine = FakeEngine(drains=False)
    async with supervised(tmp_path, engine) as (supervisor, _):
        run = await supervisor.start(COMMAND)
        engine.attacks[0].in_flight = 4
        assert await supervisor.stop(0) == Stopped(run.id, 4)
        assert await supervisor.stop() == Stopped(run.id, 4)
        engine.attacks[0].finish(Ending.STOPPED)
        await supervisor.wait(run.id)
        assert await supervisor.stop() == Stopped(None, 0)


async def test_figures_that_do_not_add_up_are_said(tmp_path: Path) -> None:
    """If hits are missing at the end, the record says so instead of hiding it."""
    engine = FakeEngine()
    async with supervised(tmp_path, engine) as (supervisor, _):
        run = await supervisor.start(COMMAND)
        engine.attacks[0].emit(second_of(0, Counts(planned=10, sent=10, answered=9)))
        engine.attacks[0].finish()
        ended = await supervisor.wait(run.id)
        assert ended.incidents == ("the figures do not add up: 10 hits were planned, 9 have an ending",)


async def test_the_limits_of_the_generator_are_told(tmp_path: Path) -> None:
    """A run whose generator was at its limit says so, while it runs and afterwards."""
    engine = FakeEngine()
    async with supervised(tmp_path, engine) as (supervisor, _):
        run = await supervisor.start(COMMAND)
        engine.attacks[0].emit(answered_second(0, 10), saturated_ns=2 * SECOND)
        live = supervisor.current()
        assert live is not None
        assert live.generator_limited
        engine.attacks[0].finish()
        ended = await supervisor.wait(run.id)
        assert (ended.generator_limited, ended.reasons) == (True, live.reasons)


async def test_a_hundred_commands_at_once_leave_one_attack_alive(tmp_path: Path) -> None:
    """Each has its own true record; all but the last one were stopped."""
    engine = FakeEngine()
    async with supervised(tmp_path, engine) as (supervisor, _):
        async with anyio.create_task_group() as tasks:
            for number in range(100):
                tasks.start_soon(supervisor.start, msgspec.structs.replace(COMMAND, name=str(number)))
        [alive] = engine.alive
        current = supervisor.current()
        assert current is not None
        assert current.id == alive.order.run_id
        for attack in engine.attacks[:-1]:
            await supervisor.wait(attack.order.run_id)
        page = await supervisor.runs(1000)
        assert page.total == 100
        assert {run.name for run in page.runs} == {str(number) for number in range(100)}
        assert [run.state for run in page.runs] == [RunState.RUNNING] + [RunState.STOPPED] * 99


class _Slow(FakeEngine):
    """An engine that says when a start has begun, and finishes it when it may."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = anyio.Event()
        self.may_finish = anyio.Event()

    async def start(self, order: Order, on_update: Callable[[Update], None]) -> FakeAttack:
        """Wait in the middle."""
        self.begun.set()
        await self.may_finish.wait()
        return await super().start(order, on_update)


async def test_a_client_that_goes_away_leaves_nothing_half_done(tmp_path: Path) -> None:
    """A command whose task is cancelled while the engine starts comes to its end: attack and record agree."""
    engine = _Slow()
    async with supervised(tmp_path, engine) as (supervisor, _):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(supervisor.start, COMMAND)
            await engine.begun.wait()
            tasks.cancel_scope.cancel()
            engine.may_finish.set()
        [attack] = engine.alive
        current = supervisor.current()
        assert current is not None
        assert (current.id, current.state) == (attack.order.run_id, RunState.RUNNING)
        attack.finish()
        assert (await supervisor.wait(current.id)).state is RunState.FINISHED


async def test_a_locked_store_does_not_stop_an_attack(tmp_path: Path) -> None:
    """Commands are taken, runs are shown and listed, the record tells of it; afterwards all of it is stored."""
    engine = FakeEngine()
    async with supervised(tmp_path, engine) as (supervisor, store):
        before = await supervisor.start(COMMAND)
        with closing(sqlite3.connect(str(store.path), isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            run = await supervisor.start(COMMAND)
            await supervisor._journal.settle(30)
            engine.attacks[1].emit(answered_second(0, 10))
            problem = supervisor.store_error
            assert problem is not None
            assert "locked" in problem
            page = await supervisor.runs(10)
            assert ([item.id for item in page.runs], page.total) == ([run.id, before.id], 2)
            assert [item.id for item in (await supervisor.runs(1, 1)).runs] == [before.id]
            other.execute("ROLLBACK")
        await supervisor._journal.settle(30)
        engine.attacks[1].emit(answered_second(1, 10))
        engine.attacks[1].finish()
        ended = await supervisor.wait(run.id)
        assert supervisor.store_error is None
        assert [incident.split(":")[0] for incident in ended.incidents] == [
            "at 1s results could not be stored, and were kept in memory to be tried again",
            "at 2s results could be stored again",
        ]
        await supervisor._journal.settle(30)
        assert store.run(run.id) == ended
        assert store.totals(run.id).figures() == ended.summary


async def test_runs_are_deleted_when_they_have_ended(tmp_path: Path) -> None:
    """A run that is alive is refused, one that has ended is gone, one that never was is unknown."""
    engine = FakeEngine()
    async with supervised(tmp_path, engine) as (supervisor, _):
        run = await supervisor.start(COMMAND)
        with pytest.raises(RunAlive, match="stop it first"):
            await supervisor.delete(run.id)
        engine.attacks[0].finish()
        await supervisor.wait(run.id)
        await supervisor.delete(run.id)
        with pytest.raises(UnknownRun):
            await supervisor.run(run.id)
        with pytest.raises(UnknownRun):
            await supervisor.delete(run.id)


async def test_leaving_stops_the_attack_and_keeps_its_record(tmp_path: Path) -> None:
    """When the supervisor is left, the attack has been stopped and its record is on the disk."""
    engine = FakeEngine()
    async with supervised(tmp_path, engine) as (supervisor, _):
        run = await supervisor.start(COMMAND)
        engine.attacks[0].emit(second_of(0, Counts(planned=5, sent=5, answered=3)))
        engine.attacks[0].in_flight = 2
    assert engine.attacks[0].stops == 1
    with pytest.raises(AttackRefused, match="shutting down"):
        await supervisor.start(COMMAND)
    with closing(RunStore(sqlite_url(tmp_path))) as store:
        stored: Run = store.run(run.id)
        assert (stored.state, stored.summary.aborted, stored.incidents) == (RunState.STOPPED, 2, ())


class _Pondering(msgspec.Struct, frozen=True):
    """Parameters of a test type that takes its time."""


async def test_a_stop_is_not_overtaken_by_an_earlier_command(tmp_path: Path) -> None:
    """While a first request is being made, a stop arrives: the attack never starts, and its record says why."""
    begun, may_go_on = threading.Event(), threading.Event()

    def build(_params: _Pondering, _context: BuildContext) -> Targeter:
        begun.set()
        may_go_on.wait()
        return Targeter(lambda _seq, _now: Request("GET", "/"))

    slow = TestType(name="slow", summary="Ponders.", params=_Pondering, build=build)
    engine = FakeEngine()
    runs: list[Run] = []
    async with supervised(tmp_path, engine, Registry([slow])) as (supervisor, _), anyio.create_task_group() as tasks:

        async def start() -> None:
            runs.append(await supervisor.start(Command(test_type="slow", duration_ns=SECOND, num_messages=1)))

        tasks.start_soon(start)
        await anyio.to_thread.run_sync(begun.wait)
        assert await supervisor.stop() == Stopped(None, 0)
        may_go_on.set()
    assert engine.attacks == []
    assert [(run.state, run.incidents) for run in runs] == [
        (RunState.STOPPED, ("it was stopped before it had started",))
    ]


async def test_a_later_stop_shortens_the_grace_of_every_attack(tmp_path: Path) -> None:
    """Also of one that was replaced while its hits in flight were ending."""
    engine = FakeEngine(drains=False)
    async with supervised(tmp_path, engine) as (supervisor, _):
        old = await supervisor.start(COMMAND)
        engine.attacks[0].in_flight = 3
        assert await supervisor.stop(25 * SECOND) == Stopped(old.id, 3)
        new = await supervisor.start(COMMAND)
        assert engine.attacks[0].graces == [25 * SECOND], "a new command leaves the grace alone"
        engine.attacks[1].in_flight = 2
        assert await supervisor.stop(0) == Stopped(new.id, 5)
        assert engine.attacks[0].graces == [25 * SECOND, 0]
        engine.attacks[1].finish(Ending.STOPPED)
        await supervisor.wait(new.id)
        assert await supervisor.stop(0) == Stopped(old.id, 3)
        engine.attacks[0].finish(Ending.STOPPED)


async def test_a_builder_that_hangs_does_not_keep_others_waiting(tmp_path: Path) -> None:
    """Its command is refused after a while, and everything else goes on, however many of them there are."""
    may_end = threading.Event()

    def build(_params: _Pondering, _context: BuildContext) -> Targeter:
        may_end.wait()
        raise AssertionError

    hanging = TestType(name="hanging", summary="Hangs.", params=_Pondering, build=build)
    with closing(RunStore(sqlite_url(tmp_path))) as store:
        async with Supervisor(FakeEngine(), store, Registry([hanging]), SITE, proof_s=0.01) as supervisor:
            for _ in range(PROOFS + 1):
                with pytest.raises(InvalidCommand, match=r"not made its first request after 0\.01 s"):
                    await supervisor.start(Command(test_type="hanging", duration_ns=SECOND, num_messages=1))
            assert (await supervisor.runs(10)).total == 0
            may_end.set()
