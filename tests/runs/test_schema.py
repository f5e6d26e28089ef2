"""Databases of other versions."""

import json
from pathlib import Path

import msgspec
import numpy as np
import pytest
import sqlalchemy as sa

from load_tester.domain.histogram import HistogramDelta, delta_of
from load_tester.domain.metrics import Counts, TargetPart
from load_tester.runs.row import encode_second
from load_tester.runs.schema import MIGRATIONS, VERSION, UnknownSchema, migrate
from load_tester.runs.sqlite import connected
from load_tester.runs.store import RunStore, StoreUnavailable, sqlite_url
from load_tester.testing import answered_second, second_of

PART = TargetPart(Counts(sent=2, answered=2, status_codes={200: 2}), delta_of(np.array([5, 6])), HistogramDelta())


def _database(tmp_path: Path) -> sa.Engine:
    return connected(sa.make_url(sqlite_url(tmp_path)))


def _add_colour(connection: sa.Connection) -> None:
    connection.exec_driver_sql("ALTER TABLE runs ADD COLUMN colour TEXT")


def _fail(connection: sa.Connection) -> None:
    connection.exec_driver_sql("CREATE TABLE half (x)")
    raise RuntimeError("half-way")


def test_an_older_database_is_brought_forward(tmp_path: Path) -> None:
    """Only the migrations it lacks are applied, in order, and it says its version afterwards."""
    RunStore(sqlite_url(tmp_path)).close()
    engine = _database(tmp_path)
    with engine.begin() as connection:
        migrate(connection, (*MIGRATIONS, _add_colour))
        assert connection.execute(sa.select(VERSION.c.version)).scalars().all() == [len(MIGRATIONS) + 1]
        assert "colour" in {column["name"] for column in sa.inspect(connection).get_columns("runs")}
        migrate(connection, (*MIGRATIONS, _add_colour))
    engine.dispose()


def test_runs_of_version_1_are_kept_and_completed(tmp_path: Path) -> None:
    """A record from before there were targets has the same figures, and the successes that its statuses say."""
    engine = _database(tmp_path)
    figures = {"planned": 12, "answered": 10, "statusCodes": {"200": 6, "302": 3, "404": 1}}
    record = {"id": "r", "state": "finished", "createdAt": "2026-01-02T03:04:05Z", "summary": figures}
    with engine.begin() as connection:
        migrate(connection, MIGRATIONS[:1])
        connection.execute(
            sa.text("INSERT INTO runs VALUES ('r', 'finished', 'n', 't', 5, :record)"),
            {"record": json.dumps(record).encode()},
        )
        row = encode_second(answered_second(3, 4))
        del row["targets"]
        row["figures"] = json.dumps(figures).encode()
        connection.execute(
            sa.text("INSERT INTO seconds VALUES ('r', 3, :figures, :counts, :latency, :response_time, :lag)"), row
        )
    engine.dispose()
    store = RunStore(sqlite_url(tmp_path))
    assert (store.run("r").summary.planned, store.run("r").summary.successes) == (12, 9)
    assert [(second.second, second.figures.successes) for second in store.timeline("r")] == [
        (0, 0), (1, 0), (2, 0), (3, 9)
    ]  # fmt: skip
    assert list(store.seconds("r")) == [answered_second(3, 4)]
    store.add_seconds("r", [msgspec.structs.replace(second_of(3, Counts()), targets={"a": PART})])
    assert next(store.seconds("r")).targets == {"a": PART}
    store.close()


def test_a_migration_that_fails_changes_nothing(tmp_path: Path) -> None:
    """All migrations are one transaction: a database is never left between two versions."""
    engine = _database(tmp_path)
    with pytest.raises(RuntimeError, match="half-way"), engine.begin() as connection:
        migrate(connection, (*MIGRATIONS, _fail))
    assert sa.inspect(engine).get_table_names() == []
    engine.dispose()


def test_a_newer_database_is_refused(tmp_path: Path) -> None:
    """A store of a later version is not touched, and the message says what to do."""
    RunStore(sqlite_url(tmp_path)).close()
    engine = _database(tmp_path)
    with engine.begin() as connection:
        connection.execute(sa.update(VERSION).values(version=99))
    with pytest.raises(StoreUnavailable, match=r"schema version 99.*use a newer load-tester"):
        RunStore(sqlite_url(tmp_path))
    engine.dispose()


@pytest.mark.parametrize(
    ("statement", "words"),
    [("CREATE TABLE runs (x)", "another program"), ("CREATE TABLE schema_version (version)", "holds no version")],
)
def test_the_database_of_another_program_is_refused(tmp_path: Path, statement: str, words: str) -> None:
    """Tables with our names that we did not make are left alone."""
    engine = _database(tmp_path)
    with engine.begin() as connection:
        connection.exec_driver_sql(statement)
        with pytest.raises(UnknownSchema, match=words):
            migrate(connection)
    engine.dispose()
