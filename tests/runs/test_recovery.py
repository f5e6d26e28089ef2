"""Runs whose process ended while they were alive."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from load_tester.domain.metrics import Counts
from load_tester.domain.run import Run, RunState
from load_tester.domain.test_type import Registry
from load_tester.runs.owner import Owner, lock_directory, orphaned
from load_tester.runs.recovery import ORPHANED, recover
from load_tester.runs.store import RunStore, StoreUnavailable, sqlite_url
from load_tester.runs.supervisor import Site, Supervisor
from load_tester.testing import PLAIN, FakeEngine, answered_second, second_of

NOW = datetime(2026, 1, 2, tzinfo=UTC)

DAEMON = """
import sys, anyio
from pathlib import Path
from load_tester.domain.command import Command
from load_tester.domain.metrics import Counts
from load_tester.domain.test_type import Registry
from load_tester.runs.store import RunStore, StoreUnavailable, sqlite_url
from load_tester.runs.supervisor import Site, Supervisor
from load_tester.testing import PLAIN, FakeEngine, answered_second, second_of

async def main():
    engine = FakeEngine()
    store = RunStore(sqlite_url(Path(sys.argv[1])))
    async with Supervisor(engine, store, Registry([PLAIN]), Site("http://127.0.0.1:1")) as supervisor:
        run = await supervisor.start(Command(test_type="plain", duration_ns=10**10, num_messages=10))
        engine.attacks[0].emit(answered_second(0, 10), second_of(1, Counts(planned=10, sent=10, answered=7)))
        await supervisor.runs(1)  # what was emitted is on the disk when this returns
        print(run.id, flush=True)
        await anyio.sleep_forever()

anyio.run(main)
"""


@contextmanager
def daemon_on(directory: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A daemon in a process of its own, and the id of the run that is alive in it."""
    with subprocess.Popen([sys.executable, "-c", DAEMON, str(directory)], stdout=subprocess.PIPE, text=True) as daemon:
        assert daemon.stdout is not None
        try:
            yield daemon, daemon.stdout.readline().strip()
        finally:
            daemon.kill()


@pytest.mark.parametrize("state", [RunState.PENDING, RunState.RUNNING, RunState.STOPPING])
def test_a_run_that_was_alive_is_marked_as_failed(tmp_path: Path, state: RunState) -> None:
    """Whatever state it was in, its record says why it ended; runs that had ended stay as they are."""
    finished = Run(id="old", state=RunState.FINISHED, created_at=NOW)
    with closing(RunStore(sqlite_url(tmp_path))) as store:
        store.put(finished)
        store.put(Run(id="new", state=state, created_at=NOW))
        assert recover(store) == ("new",)
        run = store.run("new")
        assert (run.state, run.error, run.ended_at) == (RunState.FAILED, ORPHANED, NOW)
        assert store.run("old") == finished
        assert recover(store) == ()


def test_a_recovered_run_says_what_is_known_and_adds_up(tmp_path: Path) -> None:
    """Its summary is that of its stored seconds; hits without an ending are lost, in the timeline too."""
    started_at = NOW + timedelta(seconds=1)
    with closing(RunStore(sqlite_url(tmp_path))) as store:
        store.put(Run(id="r", state=RunState.RUNNING, created_at=NOW, started_at=started_at, in_flight=9, waiting=9))
        part = second_of(1, Counts(planned=10, sent=10, answered=4, failed=1, aborted=2, errors={"reset": 1}))
        store.add_seconds("r", [answered_second(0, 10), part])
        recover(store)
        run = store.run("r")
        assert (run.summary.planned, run.summary.answered, run.summary.lost) == (20, 14, 3)
        assert store.totals("r").figures() == run.summary
        assert [second.figures.lost for second in store.timeline("r")] == [0, 3]
        assert run.incidents == ("3 hits had no ending yet when the daemon ended, and are counted as lost",)
        assert (run.in_flight, run.waiting, run.elapsed_ns) == (0, 0, 1_001_000_000)
        assert run.ended_at == started_at + timedelta(seconds=1, milliseconds=1)


@pytest.mark.anyio
async def test_a_killed_daemon_leaves_true_records(tmp_path: Path) -> None:
    """After SIGKILL everything that had been stored is there, and the next daemon marks the run as failed.

    While the first one lives, another process on the same file leaves its run alone.
    """
    with daemon_on(tmp_path) as (daemon, run_id), closing(RunStore(sqlite_url(tmp_path))) as store:
        async with Supervisor(FakeEngine(), store, Registry([PLAIN]), Site("http://127.0.0.1:1")) as beside:
            assert (await beside.run(run_id)).state is RunState.RUNNING
        daemon.send_signal(signal.SIGKILL)
        daemon.wait()
        async with Supervisor(FakeEngine(), store, Registry([PLAIN]), Site("http://127.0.0.1:1")) as after:
            run = await after.run(run_id)
            timeline = await after.timeline(run_id)
    assert (run.state, run.error) == (RunState.FAILED, ORPHANED)
    assert (run.summary.planned, run.summary.answered, run.summary.lost) == (20, 17, 3)
    assert [second.figures.answered for second in timeline] == [10, 7]


@pytest.mark.anyio
async def test_the_run_of_a_killed_daemon_is_found_while_others_go_on(tmp_path: Path) -> None:
    """Another process on the same file neither loses its own run nor keeps the dead one's record from being mended."""
    with (
        daemon_on(tmp_path) as (dead, dead_run),
        daemon_on(tmp_path) as (_, living_run),
        closing(RunStore(sqlite_url(tmp_path))) as store,
    ):
        dead.send_signal(signal.SIGKILL)
        dead.wait()
        async with Supervisor(FakeEngine(), store, Registry([PLAIN]), Site("http://127.0.0.1:1")) as supervisor:
            assert (await supervisor.run(dead_run)).state is RunState.FAILED
            assert (await supervisor.run(living_run)).state is RunState.RUNNING


def test_an_owner_is_told_from_one_that_has_ended(tmp_path: Path) -> None:
    """By the lock that the system gives up with its process; an owner elsewhere is left alone."""
    with closing(Owner(tmp_path)) as owner, orphaned(tmp_path, owner.token) as is_orphaned:
        assert not is_orphaned
    with orphaned(tmp_path, owner.token) as is_orphaned:
        assert is_orphaned
        with orphaned(tmp_path, owner.token) as to_another:
            assert not to_another, "only one process at a time mends its runs"
    with orphaned(tmp_path, "") as is_orphaned:
        assert is_orphaned
    with orphaned(tmp_path, "0123@another.machine") as is_orphaned:
        assert not is_orphaned
    assert list(tmp_path.iterdir()) == []


def test_databases_without_a_file_have_their_locks_in_a_directory_of_the_user() -> None:
    """Nobody else can make files there."""
    directory = lock_directory(None)
    with closing(Owner(directory)):
        assert directory.stat().st_mode & 0o077 == 0


def test_a_directory_that_cannot_be_written_to_is_one_clear_error(tmp_path: Path) -> None:
    """The message names it and the reason."""
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailable, match=r"cannot write in .*/file"):
        Owner(tmp_path / "file")
