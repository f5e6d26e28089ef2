"""Test types `clickhouseQuery` and `clickhouseInsert`: their requests, and what is refused."""

import json
from random import Random
from typing import Any
from urllib.parse import parse_qs, quote_plus, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from load_tester.domain.project import MadeUpProjects
from load_tester.domain.request import Request, RequestMaker
from load_tester.domain.test_type import BuildContext, InvalidParams
from test_types.clickhouse_insert import CLICKHOUSE_INSERT
from test_types.clickhouse_query import CLICKHOUSE_QUERY

AFTERNOON_NS = 1_735_830_245_123_456_789  # 2025-01-02T15:04:05.123456789Z
CONTEXT = BuildContext(Random(1), MadeUpProjects())


def inserts(seed: int = 1, **params: Any) -> RequestMaker:
    """What makes inserts with these parameters."""
    context = BuildContext(Random(seed), MadeUpProjects())
    return CLICKHOUSE_INSERT.build(CLICKHOUSE_INSERT.decode(params), context).request


def rows(request: Request) -> list[dict[str, Any]]:
    """The rows of an insert, each of them a line."""
    lines = request.body.decode().split("\n")
    assert lines.pop() == ""
    return [json.loads(line) for line in lines]


def column(value_type: str, **config: Any) -> dict[str, Any]:
    """A column's provider."""
    return {"valueType": value_type, "config": config}


@pytest.mark.parametrize(("multiplier", "query"), [(0, "SELECT+0%3B"), (50, "SELECT+50%3B"), (-3, "SELECT+-3%3B")])
def test_a_query_selects_its_number(multiplier: int, query: str) -> None:
    """The same request for every hit, without a body and without headers."""
    request = CLICKHOUSE_QUERY.build(CLICKHOUSE_QUERY.decode({"multiplier": multiplier}), CONTEXT).request
    assert request(0, 0) == Request("GET", f"/?query={query}")
    assert request(1, 5) is request(0, 0)


def test_an_insert_names_its_table_and_has_the_headers_of_old() -> None:
    """As a form encodes the query."""
    request = inserts(tableName="db.events", batchSize=1)(0, AFTERNOON_NS)
    assert (request.method, request.path) == ("POST", "/?query=INSERT+INTO+db.events+FORMAT+JSONEachRow")
    assert request.headers == (("Content-Type", "application/json"), ("Accept-Encoding", "gzip,deflate"))


def test_the_default_rows_are_those_of_the_documented_table() -> None:
    """A hundred, with an id, a time, a name and a value."""
    made = rows(inserts()(2, AFTERNOON_NS))
    assert [row["id"] for row in made] == list(range(200, 300))
    assert {row["time"] for row in made} == {"2025-01-02 15:04:05"}
    assert {row["name"] for row in made} == {"red", "green", "blue"}
    assert all(0 <= row["value"] <= 1 for row in made)
    assert {tuple(row) for row in made} == {("id", "name", "time", "value")}


@given(st.integers(1, 50), st.integers(1, 4), st.integers(0, 40))
def test_every_row_of_an_attack_comes_once(batch_size: int, workers: int, hits: int) -> None:
    """Worker k of m has the hits k, k + m …; together they have every number of a sequence, without gaps."""
    makers = [inserts(seed=k, batchSize=batch_size, config={"n": column("sequence")}) for k in range(workers)]
    made = [row["n"] for hit in range(hits) for row in rows(makers[hit % workers](hit, AFTERNOON_NS))]
    assert made == list(range(hits * batch_size))


@given(st.integers(0, 4), st.integers(1, 20))
def test_load_testers_share_a_partitioned_sequence(partitions: int, batch_size: int) -> None:
    """Attacks with the same `partitions` and a `partitionId` each have every number once; 0 stands for 1."""
    config = {"n": column("partitionedSequence")}
    of = max(1, partitions)
    made = [
        row["n"]
        for number in range(of)
        for hit in range(3)
        for row in rows(
            inserts(batchSize=batch_size, config=config, partitions=partitions, partitionId=number)(hit, AFTERNOON_NS)
        )
    ]
    assert sorted(made) == list(range(of * batch_size * 3))


def test_columns_are_sorted_and_constants_are_written_as_they_are() -> None:
    """Percent signs, quotes and characters beyond ASCII are no trouble."""
    config = {
        "b": column("const", value={"z": "100%", "a": None}),
        '"a %s \\" é"': column("const", value="%d"),
        "B": column("sequence"),
        "n.a": column("const", value=[1]),
    }
    request = inserts(config=config, batchSize=2)(0, AFTERNOON_NS)
    assert request.body.decode().split("\n")[1] == '{"B":1,"a %s \\" é":"%d","b":{"z":"100%","a":null},"n.a":[1]}'
    only_constants = inserts(config={"a": column("const", value="5%")}, batchSize=3)(0, AFTERNOON_NS)
    assert rows(only_constants) == [{"a": "5%"}] * 3


@pytest.mark.parametrize(
    "name", ["t", "_t1", "db.t", "`my table`", 'db."my table"', "`a``.b`".replace("``", "\\`"), '"é"', "`x;y`.`--`"]
)
def test_names_of_tables_may_be_qualified_and_quoted(name: str) -> None:
    """They arrive as they were written, with whatever is in the quotes escaped for the URL."""
    request = inserts(tableName=name)(0, AFTERNOON_NS)
    assert parse_qs(urlsplit(request.path).query) == {"query": [f"INSERT INTO {name} FORMAT JSONEachRow"]}
    assert request.path == f"/?query=INSERT+INTO+{quote_plus(name)}+FORMAT+JSONEachRow"


@pytest.mark.parametrize(
    "name",
    ["1t", "a b", "a;DROP TABLE b", "a.b.c", "a.", ".a", "`a", "a`", "``", "a-b", "é", "t FORMAT TSV", "`a\nb`", "t\n"],
)
def test_what_is_no_name_of_a_table_is_refused(name: str) -> None:
    """Nothing can be smuggled into the query."""
    with pytest.raises(InvalidParams, match="is not the name of a table") as caught:
        CLICKHOUSE_INSERT.decode({"tableName": name})
    assert caught.value.path == ".tableName"


@pytest.mark.parametrize(
    ("params", "path", "words"),
    [
        ({"batchSize": 0}, ".batchSize", ">= 1"),
        ({"tableName": ""}, ".tableName", "length >= 1"),
        ({"config": {}}, ".config", "length >= 1"),
        ({"config": {"a b": column("uuid")}}, ".config.a b", "'a b' is not the name of a column"),
        ({"config": {"a": column("uuid"), "`a`": column("uuid")}}, ".config.`a`", "'`a`' and 'a' are the same column"),
        ({"config": {"a": column("randomInd")}}, ".config.a.valueType", "did you mean 'randomInt'?"),
        ({"config": {"a": {"config": {}}}}, ".config.a", "missing required field `valueType`"),
        ({"config": {"a": column("randomInt", min=1)}}, ".config.a.config", "missing required field `max`"),
        ({"config": {"a": column("randomInt", min=1, max=2, maxx=3)}}, ".config.a.config.maxx", "did you mean 'max'?"),
        ({"config": {"x": column("uuid"), "a": column("randomInt", min="1", max=2)}}, ".config.a.config.min", "`int`"),
        ({"config": {"a": column("randomInt", min=3, max=2)}}, ".config.a.config.min", "min (3) is above max (2)"),
        ({"config": {"a": column("randomSet", alphabet=[])}}, ".config.a.config.alphabet", "length >= 1"),
        ({"config": {"a": column("timestamp", format="%Y")}}, ".config.a.config.format", "no element of a layout"),
        (
            {
                "config": {
                    "a": column(
                        "randomArray", minSize=0, maxSize=1, valueProvider=column("randomString", minSize=2, maxSize=1)
                    )
                }
            },
            ".config.a.config.valueProvider.config.minSize",
            "is above maxSize",
        ),
        (
            {
                "config": {
                    "a": column(
                        "randomMap", minSize=0, maxSize=1, keyProvider=column("randomInt", min=0, max=1),
                        valueProvider=column("uuid"),
                    )
                }
            },
            ".config.a.config.keyProvider.valueType",
            "unknown valueType 'randomInt'; did you mean",
        ),
        ({"partitions": 2, "partitionId": 2}, ".partitionId", "partitionId (2) is not below partitions (2)"),
        ({"partitions": 0, "partitionId": 1}, ".partitionId", "is not below partitions (1)"),
        (
            {"batchSize": 100, "config": {"a": column("randomString", minSize=0, maxSize=1_000_000)}},
            ".batchSize",
            "more than the 67108864 bytes",
        ),
    ],
)  # fmt: skip
def test_parameters_that_make_no_insert_are_refused(params: dict[str, Any], path: str, words: str) -> None:
    """Before anything starts, with the path of the field."""
    with pytest.raises(InvalidParams) as caught:
        CLICKHOUSE_INSERT.decode(params)
    assert (path, words in caught.value.message) == (caught.value.path, True), caught.value.message


def test_keys_of_providers_match_without_regard_to_case() -> None:
    """As those of all parameters do."""
    config = {"n": {"ValueType": "randomInt", "CONFIG": {"Min": 4, "MAX": 4}}}
    assert rows(inserts(BatchSize=1, Config=config)(0, AFTERNOON_NS)) == [{"n": 4}]
