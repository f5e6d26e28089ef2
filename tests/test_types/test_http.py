"""Test type `http`: what is requested."""

import json
import re
from base64 import b64decode
from collections import Counter
from random import Random
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from load_tester.domain.files import CarriedFiles
from load_tester.domain.pacer import Share
from load_tester.domain.request import MAX_TARGETS, Request
from load_tester.domain.test_type import BuildContext
from test_types.http import DESCRIPTION, HTTP
from test_types.rows import RowOrder
from tests.test_types.http_attack import FILES, NOW_NS, built, requests, response

JSON_TYPE = ("Content-Type", "application/json")
ONE = {
    "user": {"valueType": "const", "config": {"value": 7}},
    "word": {"valueType": "const", "config": {"value": 'a "b/c'}},
}
VARIED = {
    "number": {"valueType": "randomInt", "config": {"min": 0, "max": 10**9}},
    "size": {"valueType": "randomFloat", "config": {"min": 0, "max": 1e-3}},
    "word": {"valueType": "randomString", "config": {"minSize": 0, "maxSize": 9}},
    "set": {"valueType": "randomSet", "config": {"alphabet": ["a b", "c/d", "\u00e9", '"', "\r\n"]}},
    "at": {"valueType": "randomTimestamp", "config": {"start": "2025-01-01T00:00:00Z", "end": "2026-01-01T00:00:00Z"}},
    "list": {
        "valueType": "randomArray",
        "config": {"minSize": 0, "maxSize": 3, "valueProvider": {"valueType": "uuid"}},
    },
    "now3": {"valueType": "timestamp", "config": {"format": "15:04:05.000"}},
}  # fmt: skip


@pytest.mark.parametrize(
    ("params", "request_"),
    [
        ({}, Request("GET", "/")),
        ({"method": "DELETE", "path": "/a/b?c=d%20e"}, Request("DELETE", "/a/b?c=d%20e")),
        (
            {"method": "PURGE", "path": '/\u00e9 {a}|^`<>"\\'},
            Request("PURGE", "/%C3%A9%20%7Ba%7D%7C%5E%60%3C%3E%22%5C"),
        ),
        (
            {"query": {"a": "b c&d=", "e": [1, True, 1.5, "f"], "\u00fc?": ""}},
            Request("GET", "/?a=b%20c%26d%3D&e=1&e=true&e=1.5&e=f&%C3%BC%3F="),
        ),
        ({"path": "/x?y=z", "query": {"a": 1}}, Request("GET", "/x?y=z&a=1")),
        ({"query": {"a": []}}, Request("GET", "/")),
        (
            {"headers": {"Accept": "*/*", "X-Name": "Ren\u00e9"}},
            Request("GET", "/", (("Accept", "*/*"), ("X-Name", "Ren\u00c3\u00a9"))),
        ),
        ({"body": "text \u00e9"}, Request("GET", "/", (), "text \u00e9".encode())),
        ({"body": {"text": '{"a": "$${seq}"}'}}, Request("GET", "/", (), b'{"a": "${seq}"}')),
        (
            {"body": {"json": {"a": [1, None, '\u00e9"'], "b": {}, "c": []}}},
            Request("GET", "/", (JSON_TYPE,), '{"a":[1,null,"\u00e9\\""],"b":{},"c":[]}'.encode()),
        ),
        ({"body": {"json": False}}, Request("GET", "/", (JSON_TYPE,), b"false")),
        (
            {"body": {"json": []}, "headers": {"content-type": "application/x"}},
            Request("GET", "/", (("content-type", "application/x"),), b"[]"),
        ),
        ({"body": {"base64": "AP8ke3NlcX0="}}, Request("GET", "/", (), b"\x00\xff${seq}")),
        ({"body": {"file": "body.bin"}}, Request("GET", "/", (), b"\x00\xff${seq}")),
        (
            {"auth": {"basic": {"username": "Aladdin", "password": "open sesame"}}},
            Request("GET", "/", (("Authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),)),
        ),
        ({"auth": {"basic": {"username": "\u00fc"}}}, Request("GET", "/", (("Authorization", "Basic w7w6"),))),
        (
            {"auth": {"bearer": "t0ken"}, "headers": {"A": "b"}},
            Request("GET", "/", (("A", "b"), ("Authorization", "Bearer t0ken"))),
        ),
    ],
)
def test_static_parameters_make_this_request(params: dict[str, Any], request_: Request) -> None:
    """Every time the very same object, which the engine is told will come again."""
    targeter = built(params)
    assert targeter.request(0, NOW_NS) == request_
    assert targeter.request(1, NOW_NS + 5) is targeter.request(2, NOW_NS)
    assert targeter.repeated == [request_]
    assert (targeter.targets, targeter.observe, targeter.expected, targeter.expected_of) == ((), None, None, {})


@pytest.mark.parametrize(
    ("params", "request_"),
    [
        ({"path": "/${seq}/${word}/${user}"}, Request("GET", "/3/a%20%22b%2Fc/7")),
        ({"path": "/x", "query": {"${word}": "${word}!"}}, Request("GET", "/x?a%20%22b%2Fc=a%20%22b%2Fc%21")),
        ({"path": "/${word:raw}?${word:text}"}, Request("GET", "/a%20%22b/c?a%20%22b%2Fc")),
        ({"headers": {"X": "<${word}>"}}, Request("GET", "/", (("X", '<a "b/c>'),))),
        ({"body": "${word} $${word} 5$"}, Request("GET", "/", (), b'a "b/c ${word} 5$')),
        (
            {"body": {"json": {"a": "${user}", "b": "${word}", "${word}": "x${word}${user}"}}},
            Request("GET", "/", (JSON_TYPE,), b'{"a":7,"b":"a \\"b/c","a \\"b/c":"xa \\"b/c7"}'),
        ),
        (
            {"body": {"json": ["${user:text}", "${word:text}", "${user:raw}"]}},
            Request("GET", "/", (JSON_TYPE,), b'["7","a \\"b/c",7]'),
        ),
        ({"body": {"json": "${now}"}}, Request("GET", "/", (JSON_TYPE,), b'"2025-01-02T15:04:05.126Z"')),
        (
            {"body": "${now.date} ${now.s} ${now.ms} ${now.us} ${now.ns}"},
            Request("GET", "/", (), b"2025-01-02 1735830245 1735830245126 1735830245126456 1735830245126456789"),
        ),
        ({"auth": {"bearer": "${user}-${user}"}}, Request("GET", "/", (("Authorization", "Bearer 7-7"),))),
        (
            {"auth": {"basic": {"username": "u${user}", "password": "${word}"}}},
            Request("GET", "/", (("Authorization", "Basic dTc6YSAiYi9j"),)),
        ),
        (
            {"method": "POST", "body": {"file": "body.bin"}, "path": "/${seq}"},
            Request("POST", "/3", (), b"\x00\xff${seq}"),
        ),
    ],
)
def test_templates_are_filled_for_where_they_stand(params: dict[str, Any], request_: Request) -> None:
    """Encoded in URLs, escaped in JSON, as they are in texts."""
    assert requests({**params, "variables": ONE}, 4)[3] == request_


texts = st.text(st.characters(exclude_categories=["Cs"]))
documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


def meant_as_it_is(value: Any) -> Any:
    """The same JSON, in whose texts nothing is a place for a value."""
    if isinstance(value, str):
        return re.sub(r"\$+(?=\{)", lambda dollars: dollars[0] * 2, value)
    if isinstance(value, list):
        return [meant_as_it_is(each) for each in value]
    if isinstance(value, dict):
        return {meant_as_it_is(key): meant_as_it_is(each) for key, each in value.items()}
    return value


@given(documents.filter(lambda document: document is not None), st.dictionaries(texts, texts, max_size=3))
def test_any_json_and_any_query_arrive(document: Any, query: dict[str, str]) -> None:
    """Whatever is in their texts."""
    (request,) = requests({"body": {"json": meant_as_it_is(document)}, "query": meant_as_it_is(query)})
    assert json.loads(request.body) == document
    assert parse_qsl(request.path.partition("?")[2], keep_blank_values=True) == list(query.items())


def test_in_one_request_a_variable_has_one_value() -> None:
    """Wherever it stands and however it is written there; in the next request it has another one."""
    params = {
        "path": "/" + "/".join(f"${{{name}}}" for name in VARIED),
        "query": {name: f"${{{name}}}" for name in VARIED},
        "headers": {f"X-{name}": f"${{{name}:text}}" for name in VARIED},
        "body": {
            "json": {
                **{name: f"${{{name}}}" for name in VARIED},
                "texts": {name: f"${{{name}:text}}" for name in VARIED},
            }
        },
        "variables": VARIED,
    }
    made = requests(params, 200)
    for request in made:
        path, _, query = request.path.partition("?")
        values = json.loads(request.body)
        texts = values.pop("texts")
        assert list(map(unquote, path.split("/")[1:])) == list(texts.values())
        assert {name: each[0] for name, each in parse_qs(query, keep_blank_values=True).items()} == texts
        for name, value in values.items():
            assert value == (texts[name] if isinstance(value, str) else json.loads(texts[name]))
            header = dict(request.headers)[f"X-{name}"].encode("latin-1").decode()
            assert header == re.sub("[\r\n]", " ", texts[name])
    assert len(set(made)) == 200


def test_rows_are_the_same_wherever_they_stand() -> None:
    """All columns of one request are those of one row, in any order of the rows."""
    orders: tuple[RowOrder, ...] = ("sequential", "random", "uniquePerWorker")
    params = {"path": "${row.path:raw}", "body": {"json": {"${row.id}": "${row.name}", "id": "${row.id}"}}}
    for order in orders:
        seen = Counter[str]()
        for request in requests({**params, "rows": {"file": "users.csv", "order": order}}, 300):
            body = json.loads(request.body)
            row = body["id"]
            assert body == {row: {"7": "Ann Lee", "8": "Bob/Cy", "9": "D\u00e9"}[row], "id": row}
            assert request.path == {"7": "/a?x=1", "8": "/b", "9": "/c"}[row]
            seen[row] += 1
        assert set(seen) == {"7", "8", "9"}
        assert order == "random" or set(seen.values()) == {100}


def test_rows_of_json_keep_their_types() -> None:
    """As a value in JSON, and as a text elsewhere."""
    made = requests(
        {"path": "/${row.id}", "body": {"json": ["${row.tags}", "${row.id}"]}, "rows": {"file": "users.jsonl"}}, 3
    )
    assert [(request.path, request.body) for request in made] == [
        ("/7", b'[["a","b"],7]'),
        ("/8", b"[[],8]"),
        ("/7", b'[["a","b"],7]'),
    ]


@given(st.integers(1, 5), st.sampled_from([1, 3, 4, 10]))
def test_workers_share_the_rows(workers: int, rows: int) -> None:
    """In sequence hit n gets row n mod rows; for one worker only, no two use the same."""
    files = {"r.csv": b"n\n" + b"".join(b"%d\n" % number for number in range(rows))}

    def paths(order: RowOrder) -> dict[int, list[str]]:
        params = {"path": "/${row.n}", "rows": {"file": "r.csv", "order": order}}
        made = {first: built(params, files, Share(first, workers)).request for first in range(workers)}
        return {first: [request(seq, 0).path for seq in range(first, 60, workers)] for first, request in made.items()}

    for first, made in paths("sequential").items():
        assert made == [f"/{seq % rows}" for seq in range(first, 60, workers)]
    if workers <= rows:
        used = [set(made) for made in paths("uniquePerWorker").values()]
        assert sum(map(len, used)) == len(set().union(*used)) == rows


def test_unique_rows_limit_the_workers() -> None:
    """There are never more workers than rows; in other orders there may be any number."""
    context = BuildContext(Random(1), files=CarriedFiles(FILES))
    limit = HTTP.most_workers
    assert limit is not None
    for order, most in (("uniquePerWorker", 3), ("sequential", None), ("random", None)):
        assert limit(HTTP.decode({"rows": {"file": "users.csv", "order": order}}), context) == most
    assert limit(HTTP.decode({}), context) is None


def test_targets_are_chosen_by_their_weights() -> None:
    """In proportion, and never with the weight 0; each is counted by its name."""
    params = {
        "targets": [
            {"path": "/a", "weight": 6},
            {"path": "/${seq}", "weight": 3},
            {"path": "/c", "name": "third"},
            {"path": "/d", "weight": 0},
        ]
    }
    targeter = built(params)
    assert targeter.targets == ("GET /a", "GET /${seq}", "third", "GET /d")
    counts = Counter(targeter.request(seq, NOW_NS).target for seq in range(10_000))
    assert (
        sum((counts[place] - 1_000 * weight) ** 2 / (1_000 * weight) for place, weight in enumerate((6, 3, 1))) < 13.8
    )
    assert set(counts) == {0, 1, 2}  # chi-square, 2 degrees of freedom, 0.1 %


COMMON = {
    "method": "PUT",
    "query": {"key": "1", "q": "common"},
    "headers": {"Accept": "a", "X-Own": "common"},
    "body": {"json": ["common"]},
    "auth": {"bearer": "common"},
}


@pytest.mark.parametrize(
    ("target", "request_"),
    [
        (
            {},
            Request(
                "PUT",
                "/t?key=1&q=common",
                (("Accept", "a"), ("X-Own", "common"), ("Authorization", "Bearer common"), JSON_TYPE),
                b'["common"]',
            ),
        ),
        (
            {
                "method": "GET",
                "body": "",
                "auth": {"basic": {"username": "u"}},
                "headers": {"x-own": "own", "New": "1"},
                "query": {"q": ["a", "b"], "new": 1},
            },
            Request(
                "GET",
                "/t?key=1&q=a&q=b&new=1",
                (("Accept", "a"), ("x-own", "own"), ("New", "1"), ("Authorization", "Basic dTo=")),
            ),
        ),
        (
            {"headers": {"authorization": "own"}},
            Request(
                "PUT",
                "/t?key=1&q=common",
                (("Accept", "a"), ("X-Own", "common"), ("authorization", "own"), JSON_TYPE),
                b'["common"]',
            ),
        ),
    ],
)
def test_what_is_said_for_all_holds_unless_a_target_says_otherwise(target: dict[str, Any], request_: Request) -> None:
    """Queries and headers are added to by name, anything else is replaced."""
    assert requests({**COMMON, "targets": [{"path": "/t", **target}]}) == [request_]


def test_an_authorization_of_a_target_comes_before_that_for_all() -> None:
    """Also when the one for all is a header."""
    params = {
        "headers": {"Authorization": "all"},
        "targets": [{"path": "/", "auth": {"bearer": "own"}}, {"path": "/x"}],
    }
    assert [request.headers for request in built(params).repeated] == [
        (("Authorization", "Bearer own"),),
        (("Authorization", "all"),),
    ]


def test_expected_statuses_and_checks_are_those_of_the_target() -> None:
    """Or else those for all. Statuses alone make nobody look at responses."""
    params = {"expectedStatuses": [404, "2xx"], "targets": [{"path": "/"}, {"path": "/x", "expectedStatuses": ["5XX"]}]}
    targeter = built(params)
    assert targeter.expected_of == {0: frozenset({404, *range(200, 300)}), 1: frozenset(range(500, 600))}
    assert targeter.observe is None
    checking = built({"checks": [{"contains": "a"}], "targets": [{"path": "/", "checks": []}, {"path": "/x"}]})
    assert checking.observe is not None
    assert checking.observe(response(b"", target=0)) is None
    assert checking.observe(response(b"", target=1)) == 'the body does not contain "a"'


def test_more_names_than_are_counted_apart_share_one() -> None:
    """Those with the greatest weights keep their own; targets of one name are one."""
    targets = [{"path": f"/{number}", "weight": 1 + number % 2} for number in range(150)]
    names = built({"targets": targets}).targets
    assert names.count("other") == 150 - (MAX_TARGETS - 1)
    assert len(set(names)) == MAX_TARGETS
    assert {names[number] for number in range(1, 150, 2)} == {f"GET /{number}" for number in range(1, 150, 2)}
    assert names[0] == "GET /0"
    same = [{"path": "/a", "body": str(number)} for number in range(150)]
    assert set(built({"targets": same}).targets) == {"GET /a"}
    assert len(built({"targets": [{"path": f"/{'x' * 300}"}, {"path": "/"}]}).targets[0]) == 200


def test_the_seed_decides_everything() -> None:
    """The same seed makes the same requests, another one others."""
    params = {
        "targets": [{"path": "/${row.id}/${uuid}"}, {"path": "/${number}/${word}"}],
        "variables": VARIED,
        "rows": {"file": "users.csv", "order": "random"},
    }
    assert requests(params, 100, seed=5) == requests(params, 100, seed=5) != requests(params, 100, seed=6)


@pytest.mark.parametrize("example", re.findall(r"```json\n(.*?)```", DESCRIPTION, re.DOTALL))
def test_the_examples_of_the_documentation_work(example: str) -> None:
    """Each of them makes requests."""
    files = {"users.csv": b"id,name,password\n1,ann,secret\n", "targets.txt": b"GET /a\n"}
    assert len(requests(json.loads(example), 5, files=files)) == 5


def test_credentials_are_what_was_given() -> None:
    """Basic is base64 of user and password, whatever the rows have."""
    params = {"auth": {"basic": {"username": "${row.name}", "password": "${seq}"}}, "rows": {"file": "users.csv"}}
    given = [dict(request.headers)["Authorization"] for request in requests(params, 3)]
    assert [b64decode(value.removeprefix("Basic ")).decode() for value in given] == [
        "Ann Lee:0",
        "Bob/Cy:1",
        "D\u00e9:2",
    ]
