"""What remembers: runs and their seconds in a SQL database, through SQLAlchemy Core."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import sqlalchemy as sa
from msgspec import Meta

from load_tester.domain.metrics import Figures, Metrics, Second
from load_tester.domain.run import Run, TimelineSecond, completed
from load_tester.runs.row import decode_second, encode_second
from load_tester.runs.schema import RUNS, SECONDS, UnknownSchema, is_current, migrate
from load_tester.runs.sqlite import connected
from load_tester.runs.state import ALIVE, is_alive

FILE_NAME: Final = "load-tester.sqlite3"

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class StoreUnavailable(Exception):
    """The database cannot be opened or used; the message is one line that says which and why."""


class UnknownRun(LookupError):
    """There is no run with that id."""


class RunAlive(Exception):
    """The run has not ended, so it cannot be deleted."""


class RunPage(msgspec.Struct, frozen=True):
    """Part of the list of runs."""

    runs: Annotated[tuple[Run, ...], Meta(description="Newest first.")]
    total: Annotated[int, Meta(description="How many there are in all.")]


def sqlite_url(data_dir: Path) -> str:
    """The URL of the SQLite file in the data directory, which is made if need be.

    Raises:
        StoreUnavailable: the directory cannot be made.
    """
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreUnavailable(f"cannot use the data directory {data_dir}: {error.strerror}") from error
    return sa.URL.create("sqlite", database=str(data_dir / FILE_NAME)).render_as_string()


class RunStore:
    """Runs and their seconds, kept. Synchronous; may be used from any thread, by one writer at a time.

    `owner` is the token that runs are stored with for the first time; see `runs.owner`.

    Opening it creates the schema or migrates it forward. The methods raise `StoreUnavailable` when the database fails.

    Raises:
        StoreUnavailable: the database cannot be opened, is not ours, or was written by a newer version.
    """

    def __init__(self, url: str) -> None:
        self.owner = ""
        try:
            self.url = sa.make_url(url)
            self._engine = connected(self.url)
        except (sa.exc.ArgumentError, ImportError, ValueError) as error:
            raise StoreUnavailable(f"cannot use {url!r} as the store: {_one_line(error)}") from error
        self._writing = self._engine.execution_options(load_tester_writes=True)
        try:
            with self._reads() as connection:
                done = is_current(connection)
            if not done:
                with self._writes() as connection:
                    migrate(connection)
        except UnknownSchema as error:
            self.close()
            raise StoreUnavailable(f"cannot use the store {self.name}: {error}") from error
        except StoreUnavailable:
            self.close()
            raise

    @property
    def name(self) -> str:
        """What to call the database in messages: the path of the SQLite file, or the URL without its password."""
        if self.url.get_backend_name() == "sqlite" and self.url.database:
            return self.url.database
        return self.url.render_as_string(hide_password=True)

    @property
    def path(self) -> Path | None:
        """The SQLite file; `None` for another database."""
        is_file = self.url.get_backend_name() == "sqlite" and self.url.database
        return Path(self.url.database) if is_file and self.url.database else None

    def close(self) -> None:
        """Give up all connections."""
        self._engine.dispose()

    def put(self, run: Run) -> None:
        """Insert the run, or replace what is stored of it."""
        self.write((run,), {})

    def add_seconds(self, run_id: str, seconds: Iterable[Second]) -> None:
        """Add to the run's seconds: parts of the same second are merged with what is stored of it.

        The run must be stored, unless the database does not care.
        """
        self.write((), {run_id: seconds})

    def write(self, runs: Iterable[Run], seconds: Mapping[str, Iterable[Second]]) -> None:
        """`put` and `add_seconds` of several runs in one transaction: all of it is stored, or nothing."""
        with self._writes() as connection:
            for run in runs:
                _put(connection, run, self.owner)
            for run_id, parts in seconds.items():
                for part in parts:
                    _add(connection, run_id, part)

    def run(self, run_id: str) -> Run:
        """The run with that id. Raises `UnknownRun`."""
        with self._reads() as connection:
            return _stored(connection, run_id)

    def page(self, limit: int, offset: int = 0) -> RunPage:
        """At most `limit` runs, newest first, from number `offset` of all."""
        newest_first = sa.select(RUNS.c.record).order_by(RUNS.c.created_us.desc(), RUNS.c.id.desc())
        with self._reads() as connection:
            total = connection.execute(sa.select(sa.func.count()).select_from(RUNS)).scalar_one()
            records = connection.execute(newest_first.limit(limit).offset(offset)).scalars().all()
        return RunPage(tuple(msgspec.json.decode(record, type=Run) for record in records), total)

    def alive(self) -> tuple[tuple[str, Run], ...]:
        """The runs that are stored as not having ended, oldest first, each behind its owner's token."""
        states = sorted(state.value for state in ALIVE)
        chosen = sa.select(RUNS.c.owner, RUNS.c.record).where(RUNS.c.state.in_(states))
        with self._reads() as connection:
            rows = connection.execute(chosen.order_by(RUNS.c.created_us, RUNS.c.id)).all()
        return tuple((owner, msgspec.json.decode(record, type=Run)) for owner, record in rows)

    def timeline(self, run_id: str) -> tuple[TimelineSecond, ...]:
        """The figures of each second of the run up to the last that is stored; empty for a run that is not stored."""
        in_order = sa.select(SECONDS.c.second, SECONDS.c.figures).where(SECONDS.c.run_id == run_id)
        with self._reads() as connection:
            rows = connection.execute(in_order.order_by(SECONDS.c.second)).all()
        return completed(TimelineSecond(second, msgspec.json.decode(figures, type=Figures)) for second, figures in rows)

    def totals(self, run_id: str) -> Metrics:
        """All stored seconds of the run, added up."""
        metrics = Metrics()
        for second in self.seconds(run_id):
            metrics.add(second)
        return metrics

    def seconds(self, run_id: str) -> Iterator[Second]:
        """The stored seconds of the run, in order; read in parts, so that a long run need not fit into memory."""
        in_order = sa.select(SECONDS).where(SECONDS.c.run_id == run_id).order_by(SECONDS.c.second)
        with self._reads() as connection:
            for row in connection.execution_options(yield_per=500).execute(in_order):
                yield decode_second(row._asdict())

    def delete(self, run_id: str) -> None:
        """Delete the run and its seconds.

        Raises:
            UnknownRun: there is no such run.
            RunAlive: it has not ended.
        """
        with self._writes() as connection:
            if is_alive(_stored(connection, run_id)):
                raise RunAlive(f"run {run_id} has not ended")
            # Not left to the foreign key's cascade, which other databases may have switched off.
            connection.execute(sa.delete(SECONDS).where(SECONDS.c.run_id == run_id))
            connection.execute(sa.delete(RUNS).where(RUNS.c.id == run_id))

    @contextmanager
    def _writes(self) -> Iterator[sa.Connection]:
        with self._explained(), self._writing.begin() as connection:
            yield connection

    @contextmanager
    def _reads(self) -> Iterator[sa.Connection]:
        with self._explained(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sa.exc.SQLAlchemyError as error:
            raise StoreUnavailable(f"cannot use the store {self.name}: {_one_line(error)}") from error


def _put(connection: sa.Connection, run: Run, owner: str) -> None:
    values: dict[str, Any] = {
        "state": run.state.value,
        "name": run.name,
        "test_type": run.test_type,
        "created_us": (run.created_at - _EPOCH) // timedelta(microseconds=1),
        "record": msgspec.json.encode(run),
    }
    if connection.execute(sa.update(RUNS).where(RUNS.c.id == run.id).values(values)).rowcount == 0:
        connection.execute(sa.insert(RUNS).values(id=run.id, owner=owner, **values))


def _add(connection: sa.Connection, run_id: str, part: Second) -> None:
    this = (SECONDS.c.run_id == run_id) & (SECONDS.c.second == part.second)
    row = connection.execute(sa.select(SECONDS).where(this)).first()
    if row is None:
        connection.execute(sa.insert(SECONDS).values(run_id=run_id, second=part.second, **encode_second(part)))
    else:
        merged = decode_second(row._asdict()).merge(part)
        connection.execute(sa.update(SECONDS).where(this).values(encode_second(merged)))


def _stored(connection: sa.Connection, run_id: str) -> Run:
    record = connection.execute(sa.select(RUNS.c.record).where(RUNS.c.id == run_id)).scalar()
    if record is None:
        raise UnknownRun(f"there is no run {run_id!r}")
    return msgspec.json.decode(record, type=Run)


def _one_line(error: BaseException) -> str:
    """The database driver's own words where there are any: SQLAlchemy adds the statement and a link."""
    cause = error.orig if isinstance(error, sa.exc.DBAPIError) and error.orig is not None else error
    return " ".join(str(cause).split())
