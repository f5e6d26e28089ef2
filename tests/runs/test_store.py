"""What is kept, in a real SQLite file and by a real PostgreSQL server."""

import itertools
import os
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from load_tester.domain import hdr
from load_tester.domain.metrics import Counts, Figures, Metrics, Second
from load_tester.domain.run import Run, RunState, TimelineSecond
from load_tester.runs.row import decode_second, encode_second
from load_tester.runs.schema import MIGRATIONS
from load_tester.runs.store import FILE_NAME, RunAlive, RunStore, StoreUnavailable, UnknownRun, sqlite_url
from load_tester.testing import answered_second, second_of
from tests.runs import postgresql

numbers = itertools.count()
NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def run_at(seconds: float, state: RunState = RunState.FINISHED) -> Run:
    """A run that was created so many seconds after `NOW`."""
    return Run(id=f"run-{seconds:05}", state=state, created_at=NOW + timedelta(seconds=seconds))


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """The URL of a PostgreSQL server; `.ci/run` installs one."""
    program = postgresql.server_program()
    if program is None:
        assert not os.environ.get("CI"), "CI installs PostgreSQL"
        pytest.skip("PostgreSQL is not installed")
    with postgresql.running(program) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where an empty store can be kept: in a new file, or in a new database of the server."""
    if request.param == "sqlite":
        return sqlite_url(tmp_path)
    server = sa.make_url(request.getfixturevalue("server_url"))
    name = f"store_{next(numbers)}"
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return server.set(database=name).render_as_string()


@pytest.fixture
def store(url: str) -> Iterator[RunStore]:
    """An empty store."""
    store = RunStore(url)
    yield store
    store.close()


def test_a_run_comes_back_as_it_was_put(store: RunStore) -> None:
    """Every field of a record survives, and putting it again replaces it."""
    run = Run(
        id="a",
        state=RunState.FAILED,
        name="naïve",
        labels=(("x", "y"),),
        command={"seed": 2**53, "params": {"deep": [1, None, 1.5]}},
        created_at=NOW,
        started_at=NOW,
        error="because",
        incidents=("one",),
        summary=Metrics().add(answered_second(0, 5)).figures(),
    )
    store.put(run_at(1))
    store.put(Run(id="a", state=RunState.RUNNING, created_at=NOW))
    store.put(run)
    assert store.run("a") == run
    assert store.page(10).total == 2


def test_what_was_stored_is_there_for_the_next_process(store: RunStore, url: str) -> None:
    """Another store on the same database finds everything."""
    store.write((run_at(1),), {run_at(1).id: [answered_second(0, 7)]})
    store.close()
    again = RunStore(url)
    assert again.page(1).runs == (run_at(1),)
    assert again.totals(run_at(1).id).counts.answered == 7
    again.close()


def test_a_store_can_be_read_while_another_program_writes(tmp_path: Path) -> None:
    """Whoever only looks does not wait for a lock, also when the store is opened for that."""
    url = sqlite_url(tmp_path)
    first = RunStore(url)
    first.put(run_at(1))
    with sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None) as writer:
        writer.execute("BEGIN IMMEDIATE")
        second = RunStore(url)
        assert second.page(1).total == 1
        second.close()
    writer.close()
    first.close()


def test_runs_are_listed_newest_first_in_pages(store: RunStore) -> None:
    """Pages do not overlap, leave nothing out, and say how many there are in all."""
    for seconds in (3, 1, 5, 2, 4):
        store.put(run_at(seconds))
    pages = [store.page(2, offset) for offset in (0, 2, 4, 6)]
    assert [run_at(seconds) for seconds in (5, 4, 3, 2, 1)] == [run for page in pages for run in page.runs]
    assert {page.total for page in pages} == {5}


def test_late_parts_of_a_second_are_added_to_it(store: RunStore) -> None:
    """However a second was cut into parts, and whenever they came, what is stored is their exact sum."""
    store.put(run_at(1))
    parts = [
        answered_second(0, 3, 1_234_567),
        second_of(0, Counts(failed=2, errors={"reset": 2})),
        answered_second(1, 1),
    ]
    store.add_seconds(run_at(1).id, parts[:1])
    store.add_seconds(run_at(1).id, parts[1:])
    assert list(store.seconds(run_at(1).id)) == [parts[0].merge(parts[1]), parts[2]]


def test_the_timeline_shows_each_second_as_it_was(store: RunStore) -> None:
    """The figures of the timeline are those of the seconds, also after a merge."""
    store.put(run_at(1))
    store.add_seconds(run_at(1).id, [answered_second(4, 3), answered_second(2, 9), answered_second(4, 1, 5_000_000)])
    merged = answered_second(4, 3).merge(answered_second(4, 1, 5_000_000))
    assert store.timeline(run_at(1).id) == (
        *(TimelineSecond(second, Figures()) for second in (0, 1)),
        TimelineSecond(2, Metrics().add(answered_second(2, 9)).second_figures()),
        TimelineSecond(3, Figures()),
        TimelineSecond(4, Metrics().add(merged).second_figures()),
    )
    assert store.timeline("unknown") == ()


def test_all_of_a_write_is_stored_or_nothing(store: RunStore) -> None:
    """Seconds of a run that is not stored are refused, and take the rest of their transaction with them."""
    with pytest.raises(StoreUnavailable, match=r"(?i)foreign key"):
        store.write((run_at(1),), {"unknown": [answered_second(0, 1)]})
    assert store.page(1).total == 0


def test_a_deleted_run_leaves_nothing_behind(store: RunStore) -> None:
    """Its record and its seconds are gone, those of others are not."""
    for seconds in (1, 2):
        store.write((run_at(seconds),), {run_at(seconds).id: [answered_second(0, 1)]})
    store.delete(run_at(1).id)
    with pytest.raises(UnknownRun, match=run_at(1).id):
        store.run(run_at(1).id)
    assert list(store.seconds(run_at(1).id)) == []
    assert len(list(store.seconds(run_at(2).id))) == 1


def test_only_a_run_that_has_ended_is_deleted(store: RunStore) -> None:
    """A run that is alive is kept, and one that does not exist is an error."""
    store.put(run_at(1, RunState.RUNNING))
    with pytest.raises(RunAlive):
        store.delete(run_at(1).id)
    with pytest.raises(UnknownRun):
        store.delete("unknown")
    assert store.alive() == (("", run_at(1, RunState.RUNNING)),)


def test_histograms_are_stored_for_other_programs_to_read(tmp_path: Path) -> None:
    """The column is a compressed HdrHistogram, readable without this program."""
    store = RunStore(sqlite_url(tmp_path))
    store.write((run_at(1),), {run_at(1).id: [answered_second(0, 5, 2_000_000)]})
    store.close()
    with sqlite3.connect(tmp_path / FILE_NAME) as connection:
        [(blob, version)] = connection.execute("SELECT latency, version FROM seconds, schema_version").fetchall()
    connection.close()
    assert (hdr.decode(blob).total, version) == (5, len(MIGRATIONS))


@given(
    counts=st.builds(
        Counts,
        planned=st.integers(0, 2**62),
        answered=st.integers(0, 1000),
        end_at=st.integers(-1, 2**62),
        status_codes=st.dictionaries(st.integers(100, 599), st.integers(1, 2**62)),
        errors=st.dictionaries(st.sampled_from(["reset", "timeout"]), st.integers(1, 99)),
    ),
    latency_ns=st.integers(0, 4_000_000_000_000),
)
def test_a_second_survives_its_row(counts: Counts, latency_ns: int) -> None:
    """What is written into a row is read back exactly, histograms and what is kept beside them included."""
    second = second_of(3, counts, latency_ns)
    assert decode_second({"second": 3, **encode_second(second)}) == second


def test_a_row_of_a_later_version_can_be_read() -> None:
    """Counts are written by name: one that is missing counts as 0, one that is unknown is left out."""
    row: dict[str, object] = dict(encode_second(answered_second(0, 2)))
    row["counts"] = b'{"planned":2,"novelty":9,"exact":{"latency":[2,4,2,2],"response_time":[2,4,2,2],"lag":[2,4,2,2]}}'
    assert decode_second({"second": 0, **row}).counts == Counts(planned=2)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("sqlite://", "in-memory database"),
        ("sqlite:///:memory:", "in-memory database"),
        ("nonsense", "cannot use 'nonsense' as the store"),
        ("nosuch://host/name", "cannot use 'nosuch://host/name' as the store"),
        ("sqlite:////proc/nowhere/x.sqlite3", "/proc/nowhere/x.sqlite3: unable to open database file"),
    ],
)
def test_a_database_that_cannot_be_used_is_one_clear_error(url: str, words: str) -> None:
    """The message is one line that names the database and the reason."""
    with pytest.raises(StoreUnavailable, match=words) as caught:
        RunStore(url)
    assert "\n" not in str(caught.value)


def test_a_directory_that_cannot_be_made_is_one_clear_error(tmp_path: Path) -> None:
    """The message names the directory."""
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailable, match=f"cannot use the data directory {tmp_path}/file"):
        sqlite_url(tmp_path / "file" / "data")


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    """It is refused, and not written over."""
    (tmp_path / FILE_NAME).write_text("my thesis " * 100)
    with pytest.raises(StoreUnavailable, match="not a database"):
        RunStore(sqlite_url(tmp_path))
    assert (tmp_path / FILE_NAME).read_text() == "my thesis " * 100


def test_merged_seconds_of_a_second_must_be_of_that_second() -> None:
    """A mistake of ours shows up as one."""
    with pytest.raises(ValueError, match="cannot be merged"):
        Second.merge(answered_second(0, 1), answered_second(1, 1))
