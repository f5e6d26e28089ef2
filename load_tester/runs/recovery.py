"""What happens to runs whose process ended while they were alive: their records are brought to a true end."""

import fcntl
from datetime import timedelta
from pathlib import Path
from typing import Final, Self

import msgspec

from load_tester.domain.histogram import HistogramDelta
from load_tester.domain.metrics import Counts, Metrics, Second
from load_tester.domain.run import Run
from load_tester.runs.state import failed
from load_tester.runs.store import RunStore, StoreUnavailable

ORPHANED: Final = "the daemon ended while the run was alive"
"""Why a recovered run failed."""


class Presence:
    """Says to other processes that runs in this SQLite file may be alive, by a shared lock on a file beside it.

    `alone` is whether no other process did so when this one came. The system gives the lock up with the process,
    however it ends. A database that is not a SQLite file has no such file: one daemon at a time is its user's affair.

    Raises:
        StoreUnavailable: the file cannot be made.
    """

    def __init__(self, database: Path | None) -> None:
        self.alone = True
        try:
            self._file = None if database is None else database.with_name(f"{database.name}.lock").open("ab")
        except OSError as error:
            raise StoreUnavailable(f"cannot write beside the store {database}: {error.strerror}") from error
        if self._file is not None:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                self.alone = False
                self.share()

    def share(self) -> Self:
        """Let others in; called when recovery is over."""
        if self._file is not None:
            fcntl.flock(self._file, fcntl.LOCK_SH)
        return self

    def close(self) -> None:
        """Give up the lock."""
        if self._file is not None:
            self._file.close()


def recover(store: RunStore) -> tuple[str, ...]:
    """Mark the runs that are stored as alive as failed, and return their ids; to be called before any is started.

    What is known of such a run are its stored seconds. Its summary is made of them; hits that were planned in them and
    have no ending there are booked as lost in the last of them. Its end is that of the last thing they tell of.
    Hits that were planned after the last stored second are unknown, and are not counted.
    """
    orphans = store.alive()
    for run in orphans:
        _bring_to_an_end(store, run)
    return tuple(run.id for run in orphans)


def _bring_to_an_end(store: RunStore, run: Run) -> None:
    metrics, last = Metrics(), 0
    for second in store.seconds(run.id):
        metrics.add(second)
        last = second.second
    counts = metrics.counts
    incidents = run.incidents
    lost = counts.planned - (counts.answered + counts.failed + counts.aborted + counts.lost)
    parts: list[Second] = []
    if lost > 0:
        none = HistogramDelta()
        parts.append(Second(last, Counts(lost=lost), none, none, none))
        metrics.add(parts[0])
        incidents += (f"{lost} hits had no ending yet when the daemon ended, and are counted as lost",)
    elapsed_ns = max(counts.end_at, counts.last_at, 0)
    started_at = run.started_at or run.created_at
    ended = msgspec.structs.replace(
        failed(run, ORPHANED, started_at + timedelta(microseconds=elapsed_ns // 1000)),
        elapsed_ns=elapsed_ns,
        incidents=incidents,
        connections_open=0,
        in_flight=0,
        waiting=0,
        summary=metrics.figures(),
    )
    store.write((ended,), {run.id: parts})
