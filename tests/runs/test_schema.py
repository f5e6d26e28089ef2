"""Databases of other versions."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from load_tester.runs.schema import MIGRATIONS, VERSION, UnknownSchema, migrate
from load_tester.runs.sqlite import connected
from load_tester.runs.store import RunStore, StoreUnavailable, sqlite_url


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
