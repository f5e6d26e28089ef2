"""Connections to the database, and what SQLite needs to be told about them."""

from typing import Any, Final

import sqlalchemy as sa

BUSY_TIMEOUT_S: Final = 1.0
"""How long a transaction waits for another process that holds the database, before it is reported and tried again."""


def connected(url: sa.URL) -> sa.Engine:
    """An engine for the database; no connection is made yet.

    On SQLite: WAL, so that readers and the writer do not wait for each other; `synchronous=NORMAL`, which keeps every
    committed transaction when the process is killed (WAL pages are in the kernel by then) and may lose the last ones,
    but nothing else, when the machine loses power. Transactions that write take the write lock at their start,
    since a reader that turns into a writer half-way would be refused at once instead of waiting.

    Raises:
        ValueError: the URL is that of an in-memory database, which keeps nothing.
        sqlalchemy.exc.ArgumentError, ImportError: there is no such database or no driver for it.
    """
    if url.get_backend_name() != "sqlite":
        return sa.create_engine(url, pool_pre_ping=True)
    if not url.database or url.database == ":memory:":
        raise ValueError("an in-memory database keeps nothing; name a file")
    engine = sa.create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_S})
    sa.event.listen(engine, "connect", _prepare)
    sa.event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions are ours: the driver would leave out those around DDL
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get("load_tester_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
