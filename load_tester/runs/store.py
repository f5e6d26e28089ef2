"""What remembers: runs and their seconds in a SQL database, through SQLAlchemy Core."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from load_tester.domain.metrics import Metrics, Second
from load_tester.domain.run import Run, TimelineSecond


class StoreUnavailable(Exception):
    """The database cannot be opened or used; the message is one line that says which and why."""


class UnknownRun(LookupError):
    """There is no run with that id."""


class RunAlive(Exception):
    """The run has not ended, so it cannot be deleted."""


class RunPage(msgspec.Struct, frozen=True):
    """Part of the list of runs, newest first, and how many there are in all."""

    runs: tuple[Run, ...]
    total: int


def sqlite_url(data_dir: Path) -> str:
    """The URL of the SQLite file in the data directory, which is made if need be.

    Raises:
        StoreUnavailable: the directory cannot be made or written to.
    """
    raise NotImplementedError


class RunStore:
    """Runs and their seconds, kept. Synchronous; may be used from any thread, by one writer at a time.

    Opening it creates the schema or migrates it forward.

    Raises:
        StoreUnavailable: the database cannot be opened, is not ours, or was written by a newer version.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        raise NotImplementedError

    def close(self) -> None:
        """Give up all connections."""

    def put(self, run: Run) -> None:
        """Insert the run, or replace what is stored of it."""

    def add_seconds(self, run_id: str, seconds: Iterable[Second]) -> None:
        """Add to the run's seconds: parts of the same second are merged with what is stored of it.

        Raises:
            UnknownRun: no run with that id is stored.
        """

    def write(self, runs: Iterable[Run], seconds: Mapping[str, Iterable[Second]]) -> None:
        """`put` and `add_seconds` of several runs in one transaction: all of it is stored, or nothing."""

    def run(self, run_id: str) -> Run:
        """The run with that id. Raises `UnknownRun`."""
        raise NotImplementedError

    def page(self, limit: int, offset: int = 0) -> RunPage:
        """At most `limit` runs, newest first, from number `offset` of all."""
        raise NotImplementedError

    def timeline(self, run_id: str) -> tuple[TimelineSecond, ...]:
        """The figures of each stored second of the run, in order; empty for a run that is not stored."""
        raise NotImplementedError

    def totals(self, run_id: str) -> Metrics:
        """All stored seconds of the run, added up."""
        raise NotImplementedError

    def delete(self, run_id: str) -> None:
        """Delete the run and its seconds.

        Raises:
            UnknownRun: there is no such run.
            RunAlive: it has not ended.
        """

    def recover(self) -> tuple[str, ...]:
        """Mark as failed the runs that were alive when their process ended; call it before starting any.

        Their summaries are made anew from their stored seconds; hits that were planned and have no stored ending are
        booked as lost in the last stored second. Returns their ids. Nothing is done while another process that
        called this on the same SQLite file is alive, since the runs may be its own.
        """
        raise NotImplementedError
