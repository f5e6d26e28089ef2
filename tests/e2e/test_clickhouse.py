"""The ClickHouse test types against ClickHouse's own engine: every row arrives, once, with the type of its column.

The engine is half a gigabyte: `make clickhouse` installs it. Without it these tests are skipped, except in CI.
"""

import importlib.util
import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from test_types.clickhouse_insert import CLICKHOUSE_INSERT
from tests.e2e import programs
from tests.e2e.programs import LOAD_STARTER, Daemon, Sink, ran

ROOT = Path(__file__).parents[2]
QUERIES = ROOT / "configs" / "clickhouseQuery.star"
SCRIPT = ROOT / "configs" / "clickhouseInsert.star"
PLAN = ROOT / "tests" / "load_starter" / "plans" / "clickhouseInsert.json"


class Engine:
    """A ClickHouse that runs."""

    def __init__(self, url: str) -> None:
        self.url = url

    def query(self, query: str) -> str:
        """The result of a query, which has to succeed."""
        reply = httpx.post(self.url, params={"query": query}, trust_env=False, timeout=programs.LIMIT_S)
        assert reply.status_code == 200, reply.text
        return reply.text

    def row(self, query: str) -> dict[str, Any]:
        """The only row that a query selects."""
        (line,) = self.query(f"{query} FORMAT JSONEachRow").splitlines()
        row: dict[str, Any] = json.loads(line)
        return row

    def create(self, statement: str, table: str) -> None:
        """Create a table anew, in memory, by a statement that somebody wrote down."""
        columns = re.sub(r"\s*\n(?:# ?)?\s*", " ", statement).partition("ENGINE")[0].partition("(")[2]
        self.query(f"DROP TABLE IF EXISTS {table}")
        self.query(f"CREATE TABLE {table} ({columns} ENGINE = Memory")


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """A ClickHouse without tables."""
    if importlib.util.find_spec("chdb") is None:
        assert not os.environ.get("CI"), "CI installs ClickHouse's engine"
        pytest.skip("ClickHouse's engine is not installed; make clickhouse does it")
    with programs.started([sys.executable, str(Path(__file__).with_name("clickhouse.py"))]) as program:
        yield Engine(program.line_with("://"))


@pytest.fixture(scope="module")
def attacker(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon that attacks it."""
    with programs.daemon(engine.url, tmp_path_factory.mktemp("data")) as control:
        yield control


def attacked(daemon: Daemon, test_type: str, rate: int, **params: Any) -> dict[str, Any]:
    """The figures of a second's attack by two workers, of which every hit was answered with 200."""
    run_id = daemon.command(test_type, "1s", rate, params=params, workers=2, seed=1, payloadTime="now")
    run = daemon.finally_of(run_id)
    assert (run["workers"], run["summary"]["statusCodes"]) == (2, {"200": rate}), run
    figures: dict[str, Any] = run["summary"]
    return figures


def started(script: Path, daemon: Daemon, directory: Path) -> int:
    """How many steps `load-starter` says to have succeeded wholly, with a script that lasts a second for each."""
    shorter = directory / script.name
    shorter.write_text(re.sub(r"duration = \d+ \* Second", "duration = Second", script.read_text()))
    done = ran([*LOAD_STARTER, str(shorter), "--load-server", daemon.url], cwd=directory)
    assert done.status == 0, done
    return done.out.count("100.00%")


def columns_of_the_example() -> dict[str, Any]:
    """What the example script sends: a column of every provider."""
    columns: dict[str, Any] = json.loads(PLAN.read_text())["steps"][0]["command"]["params"]["config"]
    assert len({column["valueType"] for column in columns.values()}) == 14 - 1, "all but the nested ones' own"
    return columns


def test_the_example_scripts_send_what_they_say(daemon: Daemon, sink: Sink, tmp_path: Path) -> None:
    """Any server can be the target: the sink gets the queries, and all rows, those of each step from 0 on."""
    assert started(QUERIES, daemon, tmp_path) == 1
    assert sink.stats()["paths"] == {"/": 2000}
    sink.reset()
    assert started(SCRIPT, daemon, tmp_path) == 2
    rows = [json.loads(line) for body in sink.bodies() for line in body.splitlines()]
    assert sorted(row["id"] for row in rows) == sorted([*range(5000), *range(5000)])
    assert {frozenset(row) for row in rows} == {frozenset(columns_of_the_example())}


def test_queries_are_answered(attacker: Daemon) -> None:
    """Each with the number that it selects."""
    assert attacked(attacker, "clickhouseQuery", 100, multiplier=12345)["bytesIn"] == 100 * len("12345\n")


def test_the_default_rows_fit_the_documented_table(engine: Engine, attacker: Daemon) -> None:
    """Without any parameters: all rows are there, their ids are those of the attack without gaps."""
    statement = CLICKHOUSE_INSERT.description.partition("```sql\nCREATE TABLE load_test")[2].partition("```")[0]
    engine.create(statement, "load_test")
    attacked(attacker, "clickhouseInsert", 30)
    assert engine.row(
        """
        SELECT count() AS rows, uniqExact(id) AS ids, min(id) AS first, max(id) AS last,
            min(value) >= 0 AND max(value) <= 1 AND uniqExact(value) > 2900 AS fractions,
            arraySort(groupUniqArray(name)) AS names, min(time) > now('UTC') - 60 AND max(time) <= now('UTC') AS recent
        FROM load_test
        """
    ) == {
        "rows": 3000,
        "ids": 3000,
        "first": 0,
        "last": 2999,
        "fractions": 1,
        "names": ["blue", "green", "red"],
        "recent": 1,
    }


def test_every_provider_fills_a_column_of_its_type(engine: Engine, attacker: Daemon) -> None:
    """Types are those of the table in the example script; ranges are reached and kept; sequences are exact."""
    engine.create(SCRIPT.read_text().partition("CREATE TABLE events")[2].partition("\n\n")[0], "events")
    attacked(attacker, "clickhouseInsert", 100, tableName="events", batchSize=100, config=columns_of_the_example())
    assert engine.row(
        """
        SELECT count() AS rows, uniqExact(id) AS ids, max(id) AS last, countIf(id != shard) AS other_shard,
            countIf(host != concat('host-', toString(id % 10))) AS other_host,
            countIf(day != toDate('2025-01-01') + intDiv(id, 1000)) AS other_day,
            countIf(kind != 'example') AS other_kind, arraySort(groupUniqArray(level)) AS levels,
            arraySort(groupUniqArray(retries)) AS retries,
            uniqExact(trace) AS traces, countIf(substring(toString(trace), 15, 1) != '4') AS other_version,
            countIf(time < now64(3, 'UTC') - 60 OR time > now64(3, 'UTC')) AS other_time, uniqExact(time) > 50 AS times,
            min(seen) >= '2025-01-01 00:00:00' AND min(seen) < '2025-01-02' AS first_seen,
            max(seen) <= '2025-12-31 23:59:59' AND max(seen) >= '2025-12-31' AS last_seen,
            min(duration_s) BETWEEN 0 AND 0.1 AND max(duration_s) BETWEEN 29.9 AND 30 AS durations,
            arraySort(groupUniqArray(length(counts))) AS sizes,
            minIf(arrayMin(counts), notEmpty(counts)) AS least, max(arrayMax(counts)) AS most,
            arraySort(groupUniqArray(length(tags))) AS members, arraySort(groupUniqArrayArray(mapKeys(tags))) AS keys,
            min(arrayMin(x -> length(x), mapValues(tags))) AS shortest,
            max(arrayMax(x -> length(x), mapValues(tags))) AS longest
        FROM events
        """
    ) == {
        "rows": 10_000,
        "ids": 10_000,
        "last": 9_999,
        "other_shard": 0,
        "other_host": 0,
        "other_day": 0,
        "other_kind": 0,
        "levels": ["error", "info", "warning"],
        "retries": [-1, 0, 1, 2, 3, 4, 5],
        "traces": 10_000,
        "other_version": 0,
        "other_time": 0,
        "times": 1,
        "first_seen": 1,
        "last_seen": 1,
        "durations": 1,
        "sizes": [0, 1, 2, 3, 4, 5],
        "least": 0,
        "most": 99,
        "members": [1, 2, 3],
        "keys": ["browser", "os", "release", "user"],
        "shortest": 4,
        "longest": 12,
    }


def test_load_testers_share_a_partitioned_sequence(engine: Engine, attacker: Daemon) -> None:
    """Three attacks, each with a part: together they have every number once."""
    engine.query("CREATE TABLE `shared rows` (n UInt64, part UInt8) ENGINE = Memory")
    for part in range(3):
        config = {
            "n": {"valueType": "partitionedSequence"},
            "part": {"valueType": "const", "config": {"value": part}},
        }
        attacked(
            attacker, "clickhouseInsert", 20,
            tableName="`shared rows`", batchSize=7, partitions=3, partitionId=part, config=config,
        )  # fmt: skip
    expected = {"rows": 420, "numbers": 420, "last": 419, "strangers": 0}
    assert expected == engine.row(
        "SELECT count() AS rows, uniqExact(n) AS numbers, max(n) AS last, countIf(n % 3 != part) AS strangers "
        "FROM `shared rows`"
    )


def test_an_insert_into_a_table_that_is_missing_is_a_failed_hit(attacker: Daemon) -> None:
    """The engine's refusal is counted by its status; the attack goes on."""
    run = attacker.finally_of(attacker.command("clickhouseInsert", "200ms", 50, params={"tableName": "nowhere"}))
    assert (run["state"], run["summary"]["statusCodes"]) == ("finished", {"500": 10})


def test_the_example_script_inserts_its_rows(engine: Engine, attacker: Daemon, tmp_path: Path) -> None:
    """`load-starter` with the script as it is, but for a shorter time."""
    engine.create(SCRIPT.read_text().partition("CREATE TABLE events")[2].partition("\n\n")[0], "events")
    assert started(SCRIPT, attacker, tmp_path) == 2
    expected = {"rows": 10_000, "ids": 5000}
    assert expected == engine.row("SELECT count() AS rows, uniqExact(id) AS ids FROM events")
