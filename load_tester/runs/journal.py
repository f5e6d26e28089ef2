"""What carries records to the store: one thread that writes, and a memory for what cannot be written at the moment."""

import asyncio
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from typing import Any, Final, TypeVar

import anyio

from load_tester.domain.metrics import Second
from load_tester.domain.run import Run
from load_tester.runs.store import RunStore, StoreUnavailable

INTERVAL_S: Final = 0.5
"""Seconds are written this often, and a write that failed is tried again this often."""

T = TypeVar("T")
_log = logging.getLogger(__name__)


class _Entry:
    """What is still to be written of one run: its latest record, and one part per second."""

    __slots__ = ("is_new", "run", "seconds")

    def __init__(self, run: Run | None = None, seconds: dict[int, Second] | None = None, *, is_new: bool) -> None:
        self.run = run
        self.seconds = {} if seconds is None else seconds
        self.is_new = is_new

    def add(self, seconds: Iterable[Second]) -> None:
        for part in seconds:
            known = self.seconds.get(part.second)
            self.seconds[part.second] = part if known is None else known.merge(part)


class Journal:
    """Records on their way to the store. All writes of this process go through it.

    `put` and `add` only remember, and never wait for the disk. A write that fails is reported by `error` and in the
    log, what it was to write is kept, and it is tried again; until it succeeds, the memory holds at most one record
    per run and one entry per second. Each run is written in a transaction of its own, so that one that cannot be
    stored does not keep the others out. Owner of the writer thread, from construction to `close`.
    """

    def __init__(self, store: RunStore) -> None:
        self.error: str | None = None
        self._store = store
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._writing: tuple[str, _Entry] | None = None
        self._calls: list[tuple[Callable[[], Any], Future[Any]]] = []
        self._is_due = False
        self._is_closing = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._work, name="journal", daemon=True)
        self._thread.start()

    def put(self, run: Run, *, is_new: bool = False) -> None:
        """Have the run's record written, at once if the store can; `is_new` for the first one of a run."""
        with self._changed:
            entry = self._entries.setdefault(run.id, _Entry(is_new=False))
            entry.run = run
            entry.is_new |= is_new
            if self.error is None:  # while the store is out of order, a new record is no reason to try sooner
                self._is_due = True
                self._changed.notify()

    def add(self, run_id: str, seconds: Sequence[Second]) -> None:
        """Have parts of seconds added to those of the run, within `INTERVAL_S` if the store can."""
        if not seconds:
            return
        with self._changed:
            was_empty = not self._entries
            self._entries.setdefault(run_id, _Entry(is_new=False)).add(seconds)
            if was_empty:
                self._changed.notify()

    def pending(self, run_id: str) -> Run | None:
        """The run's record if it is still to be written."""
        with self._changed:
            entry = self._entries.get(run_id)
            if entry is not None and entry.run is not None:
                return entry.run
            return self._writing[1].run if self._writing is not None and self._writing[0] == run_id else None

    def unstored(self) -> tuple[Run, ...]:
        """The latest records of runs that the store does not have at all yet, newest first."""
        with self._changed:
            entries = {run_id: entry for run_id, entry in self._entries.items() if entry.is_new}
            if self._writing is not None and self._writing[1].is_new:
                entries.setdefault(*self._writing)
            runs = [entry.run for entry in entries.values() if entry.run is not None]
        return tuple(sorted(runs, key=lambda run: run.id, reverse=True))

    async def settle(self, timeout_s: float) -> None:
        """Wait until all that was put so far is written, or was tried, or the time is over."""
        with anyio.move_on_after(timeout_s):
            await self._called(lambda: None)

    async def delete(self, run_id: str) -> None:
        """Delete a run from the store, in turn with the writes.

        Raises:
            UnknownRun, RunAlive, StoreUnavailable: as the store says, or the run's record cannot be written.
        """
        await self._called(lambda: self._delete(run_id))

    def close(self) -> None:
        """Try once more to write what is left, and end the thread. What could not be written is reported in the log."""
        with self._changed:
            self._is_closing = True
            self._changed.notify()
        self._thread.join()

    async def _called(self, function: Callable[[], T]) -> T:
        future: Future[T] = Future()
        with self._changed:
            if self._is_closing:
                raise StoreUnavailable("the store is closed")
            self._calls.append((function, future))
            self._changed.notify()
        return await asyncio.wrap_future(future)

    def _delete(self, run_id: str) -> None:
        with self._changed:
            is_pending = run_id in self._entries
        if is_pending:
            raise StoreUnavailable(f"run {run_id} cannot be deleted while its record cannot be written: {self.error}")
        self._store.delete(run_id)

    def _work(self) -> None:
        """The writer thread: all that is pending, then the calls that waited for it, then wait for more."""
        while True:
            with self._changed:
                while not (self._is_due or self._calls or self._is_closing):
                    if not self._changed.wait(INTERVAL_S if self._entries else None):
                        break  # the interval is over
                calls, self._calls = self._calls, []
                self._is_due = False
                is_closing = self._is_closing
            self._write_all()
            for function, future in calls:
                _answer(function, future)
            if is_closing:
                self._report_leftover()
                return

    def _write_all(self) -> None:
        """Try to write each entry once. When the store does not work, the rest is left for the next time."""
        with self._changed:
            run_ids = list(self._entries)
        problem: Exception | None = None
        for run_id in run_ids:
            with self._changed:
                entry = self._entries.pop(run_id)
                self._writing = (run_id, entry)
            failure: Exception | None = None
            try:
                self._store.write(() if entry.run is None else (entry.run,), {run_id: entry.seconds.values()})
            except Exception as error:  # noqa: BLE001 -- also a mistake of ours: the thread must live on for the others
                failure = error
            with self._changed:
                self._writing = None
                if failure is not None:
                    self._put_back(run_id, entry)
            problem = problem or failure
            if isinstance(failure, StoreUnavailable):
                break  # what failed is last in turn now, so that it does not keep the others out
        self._report(problem)

    def _put_back(self, run_id: str, entry: _Entry) -> None:
        newer = self._entries.pop(run_id, None)
        if newer is not None:
            entry.run = newer.run or entry.run
            entry.add(newer.seconds.values())
        self._entries[run_id] = entry

    def _report(self, problem: Exception | None) -> None:
        if problem is not None and self.error is None:
            ours = None if isinstance(problem, StoreUnavailable) else problem
            _log.error("results cannot be stored; they are kept in memory and tried again: %s", problem, exc_info=ours)
        if problem is None and self.error is not None:
            _log.warning("results are stored again")
        self.error = None if problem is None else str(problem) or type(problem).__name__

    def _report_leftover(self) -> None:
        if self._entries:
            lost = sum(len(entry.seconds) for entry in self._entries.values())
            _log.error("the results of %d runs (%d seconds) could not be stored", len(self._entries), lost)


def _answer(function: Callable[[], Any], future: Future[Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(function())
    except Exception as error:  # noqa: BLE001 -- it belongs to the caller, in whose task it is raised
        future.set_exception(error)
