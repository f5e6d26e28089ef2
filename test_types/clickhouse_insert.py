"""Test type `clickhouseInsert`: batches of rows for a ClickHouse table, every column filled by a value provider."""

import re
from collections.abc import Callable
from itertools import chain
from typing import Annotated, Final
from urllib.parse import quote_plus

import msgspec
from msgspec import Meta

from load_tester.domain.request import Request, Targeter
from load_tester.domain.test_type import BuildContext, InvalidParams, TestType
from test_types import values
from test_types.generation import json_text
from test_types.value_maker import Maker, Partition, maker
from test_types.values import (
    Const,
    FloatConfig,
    Now,
    RandomFloat,
    RandomSet,
    Sequence,
    SetConfig,
    TimestampConfig,
    ValueProvider,
    check_provider,
    most_bytes,
)

MAX_BODY_BYTES: Final = 64 * 1024 * 1024
"""Of one request: it is kept in memory, for each of a few that are made ahead."""

_PART: Final = r'(?:[A-Za-z_][A-Za-z0-9_]*|`(?:[^`\\\x00-\x1f\x7f]|\\[^\x00-\x1f\x7f])+`|"(?:[^"\\\x00-\x1f\x7f]|\\[^\x00-\x1f\x7f])+")'
_TABLE: Final = re.compile(rf"{_PART}(?:\.{_PART})?")
_COLUMN: Final = re.compile(rf"{_PART}(?:\.{_PART})*")
_HEADERS: Final = (("Content-Type", "application/json"), ("Accept-Encoding", "gzip,deflate"))


def _default_columns() -> dict[str, ValueProvider]:
    return {
        "id": Sequence(),
        "time": Now(config=TimestampConfig(format="2006-01-02 15:04:05")),
        "name": RandomSet(config=SetConfig(alphabet=("red", "green", "blue"))),
        "value": RandomFloat(config=FloatConfig(min=0.0, max=1.0)),
    }


class ClickhouseInsertParams(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Which table, and what its rows are made of."""

    batch_size: Annotated[int, Meta(ge=1, le=1_000_000, description="Rows per request.")] = 100
    table_name: Annotated[
        str,
        Meta(min_length=1, max_length=400, description='The table, like `events`, `db.events` or `db."my events"`.'),
    ] = "load_test"
    config: Annotated[
        dict[str, ValueProvider],
        Meta(min_length=1, max_length=1000, description="What fills each column, by the column's name."),
    ] = msgspec.field(default_factory=_default_columns)
    partitions: Annotated[
        int,
        Meta(ge=0, le=1_000_000, description="How many load testers share a `partitionedSequence`; 0 stands for 1."),
    ] = 1
    partition_id: Annotated[int, Meta(ge=0, le=999_999, description="Which of them this one is, from 0.")] = 0


def _check(params: ClickhouseInsertParams) -> None:
    if not _TABLE.fullmatch(params.table_name):
        raise InvalidParams(
            f"{params.table_name!r} is not the name of a table; quote what is not made of letters, digits and _, "
            "like db.`my table`",
            ".tableName",
        )
    keys: dict[str, str] = {}
    for column, provider in params.config.items():
        path = f".config.{column}"
        key = _key(column, path)
        if key in keys:
            raise InvalidParams(f"{column!r} and {keys[key]!r} are the same column", path)
        keys[key] = column
        check_provider(provider, path)
    if params.partition_id >= max(1, params.partitions):
        raise InvalidParams(
            f"partitionId ({params.partition_id}) is not below partitions ({max(1, params.partitions)})", ".partitionId"
        )
    row_bytes = sum(len(json_text(key)) + 2 + most_bytes(params.config[column]) for key, column in keys.items()) + 2
    if params.batch_size * row_bytes > MAX_BODY_BYTES:
        raise InvalidParams(
            f"{params.batch_size} rows of up to {row_bytes} bytes are more than the {MAX_BODY_BYTES} bytes that a "
            "request may have",
            ".batchSize",
        )


def _key(column: str, path: str) -> str:
    """How a row names a column: without the quotes that it is written with."""
    if not _COLUMN.fullmatch(column):
        raise InvalidParams(
            f"{column!r} is not the name of a column; quote what is not made of letters, digits and _, like `my column`",
            path,
        )
    return re.sub(_PART, lambda part: _unquoted(part[0]), column)


def _unquoted(part: str) -> str:
    return re.sub(r"\\(.)", r"\1", part[1:-1]) if part[0] in '`"' else part


def _build(params: ClickhouseInsertParams, context: BuildContext) -> Targeter:
    size = params.batch_size
    path = f"/?query={quote_plus(f'INSERT INTO {params.table_name} FORMAT JSONEachRow')}"
    make_rows = _rows_maker(params, context)

    def request(seq: int, now_ns: int) -> Request:
        return Request("POST", path, _HEADERS, make_rows(seq * size, now_ns))

    return Targeter(request)


def _rows_maker(params: ClickhouseInsertParams, context: BuildContext) -> Callable[[int, int], bytes]:
    """Make the body with the rows from a number on: column by column, then put together in one step.

    All of the body that does not change is a template, constant columns included.
    """
    size = params.batch_size
    partition = Partition(max(1, params.partitions), params.partition_id)
    columns = sorted((_key(column, ""), provider) for column, provider in params.config.items())
    row, makers = _template(columns, context, partition)
    template, column_makers = row * size, tuple(each.column for each in makers)
    flattened = chain.from_iterable

    def rows(first: int, now_ns: int) -> bytes:
        cells = zip(*[make(first, size, now_ns) for make in column_makers], strict=True)
        return (template % tuple(flattened(cells))).encode()

    return rows


def _template(
    columns: list[tuple[str, ValueProvider]], context: BuildContext, partition: Partition
) -> tuple[str, list[Maker]]:
    """A row with `%s` in the place of each cell that is made, and what makes them."""
    members, makers = [], []
    for key, provider in columns:
        cell = "%s"
        if isinstance(provider, Const):
            cell = json_text(provider.config.value).replace("%", "%%")
        else:
            makers.append(maker(provider, context.random, partition))
        members.append(f"{json_text(key).replace('%', '%%')}:{cell}")
    return f"{{{','.join(members)}}}\n", makers


DESCRIPTION: Final = """\
`POST {target}/?query=INSERT+INTO+<tableName>+FORMAT+JSONEachRow` with the headers `Content-Type: application/json` and
`Accept-Encoding: gzip,deflate`. The body has `batchSize` rows, each a JSON object on a line of its own, with its keys
sorted.

Names of tables and columns consist of ASCII letters, digits and `_`, not beginning with a digit, or stand in backticks
or double quotes; a table may have a database before it (`db.events`), a column of a nested structure a dot (`n.a`). Rows
name a column without its quotes. The table has to exist; for the default columns it is, for example:

```sql
CREATE TABLE load_test (id UInt64, time DateTime('UTC'), name String, value Float64) ENGINE = MergeTree ORDER BY id
```

A provider's values depend on the number of the row: hit *n* has the rows *n* · `batchSize` to *n* · `batchSize` +
`batchSize` - 1 of the attack. So a `sequence` has no gaps and no duplicates, with however many workers the attack is
sent. Several load testers, each with an attack of its own, share one with `partitionedSequence`: give all of them the
same `partitions` and each its own `partitionId`. A request may have 64 MiB.

"""

CLICKHOUSE_INSERT: Final = TestType(
    name="clickhouseInsert",
    summary="Batches of rows for a ClickHouse table over HTTP, every column filled by a value provider.",
    description=DESCRIPTION + values.DESCRIPTION,
    params=ClickhouseInsertParams,
    build=_build,
    check=_check,
    hits_per_worker=6_000,
)
