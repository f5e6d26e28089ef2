"""What happens to runs whose process ended while they were alive: their records are brought to a true end."""

from datetime import timedelta
from typing import Final

import msgspec

from load_tester.domain.histogram import HistogramDelta
from load_tester.domain.metrics import Counts, Metrics, Second
from load_tester.domain.run import Run
from load_tester.runs.owner import lock_directory, orphaned
from load_tester.runs.state import failed
from load_tester.runs.store import RunStore

ORPHANED: Final = "the daemon ended while the run was alive"
"""Why a recovered run failed."""


def recover(store: RunStore) -> tuple[str, ...]:
    """Mark the runs that are stored as alive, and whose owners have ended, as failed; returns their ids.

    What is known of such a run are its stored seconds. Its summary is made of them; hits that were planned in them and
    have no ending there are booked as lost in the last of them. Its end is that of the last thing they tell of.
    Hits that were planned after the last stored second are unknown, and are not counted.

    Runs of other processes that still exist are left alone.
    """
    recovered = []
    for owner in dict.fromkeys(owner for owner, _ in store.alive()):
        with orphaned(lock_directory(store.path), owner) as is_orphaned:
            if is_orphaned:
                # Looked up again: another process may just have done it.
                for run in (run for owned_by, run in store.alive() if owned_by == owner):
                    _bring_to_an_end(store, run)
                    recovered.append(run.id)
    return tuple(recovered)


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
