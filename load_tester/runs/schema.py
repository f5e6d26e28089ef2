"""The tables of the store, and how a database of an older version becomes one of this version."""

from collections.abc import Callable
from typing import Any, Final

import msgspec
import sqlalchemy as sa

METADATA: Final = sa.MetaData()

VERSION: Final = sa.Table("schema_version", METADATA, sa.Column("version", sa.Integer, nullable=False))
"""One row: how many migrations have been applied."""

RUNS: Final = sa.Table(
    "runs",
    METADATA,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("state", sa.String(16), nullable=False, index=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("test_type", sa.Text, nullable=False),
    sa.Column("created_us", sa.BigInteger, nullable=False, index=True),  # Unix time in microseconds
    sa.Column("record", sa.LargeBinary, nullable=False),  # the whole run, as JSON
    sa.Column("owner", sa.String(300), nullable=False, server_default=sa.text("''")),  # see `runs.owner`
)

SECONDS: Final = sa.Table(
    "seconds",
    METADATA,
    sa.Column("run_id", sa.String(64), sa.ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("second", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column(
        "figures", sa.LargeBinary, nullable=False
    ),  # `Figures` as JSON: what the rest adds up to, ready to be served
    sa.Column("counts", sa.LargeBinary, nullable=False),  # `Counts` by name, and what is exact of each histogram: JSON
    sa.Column("latency", sa.LargeBinary, nullable=False),
    sa.Column("response_time", sa.LargeBinary, nullable=False),
    sa.Column("lag", sa.LargeBinary, nullable=False),
    sa.Column("targets", sa.LargeBinary, nullable=False, server_default=sa.text("''")),  # `TargetPart`s: MessagePack
)


def _create_tables(connection: sa.Connection) -> None:
    """Version 1, as it was."""
    first = sa.MetaData()
    sa.Table("schema_version", first, sa.Column("version", sa.Integer, nullable=False))
    sa.Table(
        "runs",
        first,
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("state", sa.String(16), nullable=False, index=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("test_type", sa.Text, nullable=False),
        sa.Column("created_us", sa.BigInteger, nullable=False, index=True),
        sa.Column("record", sa.LargeBinary, nullable=False),
    )
    blobs = ("figures", "counts", "latency", "response_time", "lag")
    sa.Table(
        "seconds",
        first,
        sa.Column("run_id", sa.String(64), sa.ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("second", sa.Integer, primary_key=True, autoincrement=False),
        *(sa.Column(name, sa.LargeBinary, nullable=False) for name in blobs),
    )
    first.create_all(connection)


def _add_targets(connection: sa.Connection) -> None:
    """Version 2: runs have an owner, seconds tell targets apart, and figures say how many hits were successes."""
    for table, added in (
        ("seconds", sa.Column("targets", sa.LargeBinary, nullable=False, server_default=sa.text("''"))),
        ("runs", sa.Column("owner", sa.String(300), nullable=False, server_default=sa.text("''"))),
    ):
        column = sa.schema.CreateColumn(added).compile(dialect=connection.dialect)
        connection.execute(sa.text(f"ALTER TABLE {table} ADD COLUMN {column}"))
    runs = sa.table("runs", sa.column("id"), sa.column("record"))
    for run_id, record in connection.execute(sa.select(runs)).all():
        run = msgspec.json.decode(record)
        if "summary" in run:
            _add_successes(run["summary"])
            this = runs.c.id == run_id
            connection.execute(sa.update(runs).where(this).values(record=msgspec.json.encode(run)))
    seconds = sa.table("seconds", sa.column("run_id"), sa.column("second"), sa.column("figures"))
    for run_id, second, figures in connection.execute(sa.select(seconds)).all():
        shown = msgspec.json.decode(figures)
        _add_successes(shown)
        this = (seconds.c.run_id == run_id) & (seconds.c.second == second)
        connection.execute(sa.update(seconds).where(this).values(figures=msgspec.json.encode(shown)))


def _add_successes(figures: dict[str, Any]) -> None:
    codes = figures.get("statusCodes", {}).items()
    figures["successes"] = sum(count for code, count in codes if "200" <= code < "400")


MIGRATIONS: Final[tuple[Callable[[sa.Connection], None], ...]] = (_create_tables, _add_targets)
"""Migration n turns a database of version n into one of version n + 1; version 0 is an empty database.

Once released, a migration is never changed, and uses none of the tables above that a later one may change.
"""


class UnknownSchema(Exception):
    """The database is not one of ours, or of a newer version; the message says which."""


def migrate(connection: sa.Connection, migrations: tuple[Callable[[sa.Connection], None], ...] = MIGRATIONS) -> None:
    """Bring the database to the version of `migrations`, within the connection's transaction.

    Raises:
        UnknownSchema: the database was written by a newer version of this program, or by another program.
    """
    version, newest = _version(connection), len(migrations)
    for migration in migrations[version:]:
        migration(connection)
    if version < newest:
        connection.execute(sa.delete(VERSION))
        connection.execute(sa.insert(VERSION).values(version=newest))
    elif version > newest:
        raise _too_new(version, newest)


def is_current(connection: sa.Connection) -> bool:
    """Whether there is nothing to migrate: then the database need not be written to.

    Raises:
        UnknownSchema: see `migrate`.
    """
    version, newest = _version(connection), len(MIGRATIONS)
    if version > newest:
        raise _too_new(version, newest)
    return version == newest


def _too_new(version: int, newest: int) -> UnknownSchema:
    return UnknownSchema(
        f"it has schema version {version}, and this version of load-tester knows versions up to {newest}: "
        f"use a newer load-tester, or another data directory"
    )


def _version(connection: sa.Connection) -> int:
    tables = set(sa.inspect(connection).get_table_names())
    if VERSION.name in tables:
        version = connection.execute(sa.select(VERSION.c.version)).scalar()
        if not isinstance(version, int):
            raise UnknownSchema("its table schema_version holds no version")
        return version
    if tables & {RUNS.name, SECONDS.name}:
        raise UnknownSchema("it holds tables of another program")
    return 0
