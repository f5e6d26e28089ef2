"""Writing while the disk is full or the database is locked: nothing is lost, and nobody waits."""

import os
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

import anyio
import anyio.to_thread
import msgspec
import pytest

from load_tester.domain.run import Run, RunState
from load_tester.runs.journal import Journal
from load_tester.runs.store import RunStore, StoreUnavailable, UnknownRun, sqlite_url
from load_tester.testing import answered_second

pytestmark = pytest.mark.anyio

LONG_S = 30.0
RUN = Run(id="r1", state=RunState.FINISHED, created_at=datetime(2026, 1, 2, tzinfo=UTC))
OTHER = msgspec.structs.replace(RUN, id="r2")


@contextmanager
def journal_on(directory: Path) -> Iterator[tuple[Journal, RunStore]]:
    """A journal with its store."""
    with closing(RunStore(sqlite_url(directory))) as store, closing(Journal(store)) as journal:
        yield journal, store


@contextmanager
def lock_on(store: RunStore) -> Iterator[None]:
    """Another program that holds the database for itself."""
    with closing(sqlite3.connect(str(store.path), isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        yield
        connection.execute("ROLLBACK")


@contextmanager
def tiny_disk(directory: Path) -> Iterator[None]:
    """A file system of 512 KiB on the directory; skips the test where one cannot be had."""
    directory.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root can mount a file system")
    mount = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(directory)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("file systems cannot be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(directory)], check=True)


async def come_true(condition: Callable[[], bool]) -> None:
    """Wait for something that another thread does and tells nobody of."""
    with anyio.fail_after(LONG_S):
        while not condition():  # noqa: ASYNC110 -- there is no event to wait for
            await anyio.sleep(0.001)


def fill(path: Path) -> None:
    """Write until there is no room left."""
    with path.open("wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass


async def test_what_is_put_is_written(tmp_path: Path) -> None:
    """Records and seconds reach the store, and are no longer pending then."""
    with journal_on(tmp_path) as (journal, store):
        journal.put(RUN, is_new=True)
        journal.add(RUN.id, [answered_second(0, 5)])
        await journal.settle(LONG_S)
        assert store.run(RUN.id) == RUN
        assert store.totals(RUN.id).counts.answered == 5
        assert (journal.pending(RUN.id), journal.unstored(), journal.error) == (None, (), None)


async def test_seconds_are_written_without_being_asked_for(tmp_path: Path) -> None:
    """Seconds that were only added reach the disk by themselves, so that a killed daemon loses little."""
    with journal_on(tmp_path) as (journal, store):
        journal.put(RUN)
        await journal.settle(LONG_S)
        journal.add(RUN.id, [answered_second(0, 5)])
        await come_true(lambda: store.totals(RUN.id).counts.answered == 5)


async def test_a_locked_database_costs_nothing_but_time(tmp_path: Path) -> None:
    """While another program holds the lock the error is reported; afterwards everything is there, added up."""
    with journal_on(tmp_path) as (journal, store):
        with lock_on(store):
            for _ in range(3):
                journal.put(RUN, is_new=True)
                journal.add(RUN.id, [answered_second(0, 1), answered_second(1, 2)])
                await journal.settle(LONG_S)
            assert "locked" in (journal.error or "")
            assert journal.pending(RUN.id) == RUN
            assert journal.unstored() == (RUN,)
        await journal.settle(LONG_S)
        assert journal.error is None
        assert [second.counts.answered for second in store.seconds(RUN.id)] == [3, 6]


async def test_a_full_disk_costs_nothing_but_memory(tmp_path: Path) -> None:
    """While the disk is full the error is reported; when there is room again, everything is written."""
    disk = tmp_path / "disk"
    with tiny_disk(disk), journal_on(disk) as (journal, store):
        journal.put(RUN, is_new=True)
        await journal.settle(LONG_S)
        ballast = disk / "ballast"
        with pytest.raises(OSError, match="No space left"):
            fill(ballast)
        journal.put(OTHER, is_new=True)
        journal.add(OTHER.id, [answered_second(second, 1) for second in range(50)])
        await journal.settle(LONG_S)
        problem = journal.error
        assert problem is not None
        ballast.unlink()
        await journal.settle(LONG_S)
        assert journal.error is None
        assert store.totals(OTHER.id).counts.answered == 50


async def test_a_database_that_may_not_grow_costs_nothing_but_memory(tmp_path: Path) -> None:
    """SQLite's own bound on pages gives the error of a full disk, also where no file system can be mounted."""
    with journal_on(tmp_path) as (journal, store):
        journal.put(RUN, is_new=True)
        await journal.settle(LONG_S)
        with store._engine.connect() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
        journal.add(RUN.id, [answered_second(second, 1) for second in range(50)])
        await journal.settle(LONG_S)
        assert "database or disk is full" in (journal.error or "")
        with store._engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count=1000000")
        await journal.settle(LONG_S)
        assert journal.error is None
        assert store.totals(RUN.id).counts.answered == 50


async def test_parts_that_come_during_a_failing_write_are_not_lost(tmp_path: Path) -> None:
    """What is put while a write is under way is newer than it, and what is added is added."""
    with journal_on(tmp_path) as (journal, store):
        with lock_on(store):
            journal.put(RUN, is_new=True)
            journal.add(RUN.id, [answered_second(0, 1)])
            await come_true(lambda: journal._writing is not None)
            newer = msgspec.structs.replace(RUN, name="newer")
            journal.put(newer)
            journal.add(RUN.id, [answered_second(0, 2)])
            await journal.settle(LONG_S)
            assert journal.pending(RUN.id) == newer
        await journal.settle(LONG_S)
        assert store.run(RUN.id) == newer
        assert store.totals(RUN.id).counts.answered == 3


async def test_a_run_that_cannot_be_stored_does_not_keep_the_others_out(tmp_path: Path) -> None:
    """Seconds without a run are refused by the database for ever; another run is written all the same."""
    with journal_on(tmp_path) as (journal, store):
        journal.add("unknown", [answered_second(0, 1)])
        await journal.settle(LONG_S)
        assert "FOREIGN KEY" in (journal.error or "")
        journal.put(OTHER)
        await journal.settle(LONG_S)
        await journal.settle(LONG_S)
        assert store.run(OTHER.id) == OTHER
        with pytest.raises(StoreUnavailable, match="cannot be deleted while"):
            await journal.delete("unknown")


async def test_a_mistake_of_ours_does_not_end_the_thread(tmp_path: Path) -> None:
    """A record that cannot be encoded is reported; the thread lives on for the other runs."""
    with journal_on(tmp_path) as (journal, store):
        journal.put(msgspec.structs.replace(RUN, command={"params": object()}))
        await journal.settle(LONG_S)
        assert "type object is unsupported" in (journal.error or "")
        journal.put(OTHER)
        await journal.settle(LONG_S)
        assert store.run(OTHER.id) == OTHER


async def test_runs_are_deleted_in_turn(tmp_path: Path) -> None:
    """What was put before is written first, so that it cannot come back; errors reach the caller."""
    with journal_on(tmp_path) as (journal, store):
        journal.put(RUN)
        await journal.delete(RUN.id)
        await journal.settle(LONG_S)
        assert store.page(1).total == 0
        with pytest.raises(UnknownRun):
            await journal.delete(RUN.id)


async def test_closing_writes_what_is_left(tmp_path: Path) -> None:
    """After closing nothing is pending, and nothing more can be asked for."""
    with closing(RunStore(sqlite_url(tmp_path))) as store:
        journal = Journal(store)
        journal.put(RUN)
        journal.add(RUN.id, [answered_second(0, 1)])
        await anyio.to_thread.run_sync(journal.close)
        assert store.totals(RUN.id).counts.answered == 1
        with pytest.raises(StoreUnavailable, match="closed"):
            await journal.settle(LONG_S)


async def test_closing_does_not_wait_for_a_broken_store(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """When the last attempt fails too, the log says what was lost."""
    with closing(RunStore(sqlite_url(tmp_path))) as store, lock_on(store):
        journal = Journal(store)
        journal.put(RUN)
        journal.add(RUN.id, [answered_second(0, 1), answered_second(1, 1)])
        await anyio.to_thread.run_sync(journal.close)
    assert "1 runs (2 seconds) could not be stored" in caplog.text


async def test_giving_up_the_wait_gives_up_nothing_else(tmp_path: Path) -> None:
    """A reply that cannot wait any longer leaves the record to be written later."""
    with journal_on(tmp_path) as (journal, store):
        busy, go_on = Event(), Event()

        def block() -> None:
            busy.set()
            go_on.wait(LONG_S)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(journal._called, block)
            await anyio.to_thread.run_sync(busy.wait)
            journal.put(RUN)
            await journal.settle(0)
            go_on.set()
        await journal.settle(LONG_S)
        assert store.run(RUN.id) == RUN
