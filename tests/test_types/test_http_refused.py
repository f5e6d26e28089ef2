"""What test type `http` refuses before anything starts, by the path of the parameter."""

from typing import Any

import pytest

from load_tester.domain.test_type import InvalidParams
from test_types.http import HTTP
from tests.test_types.http_attack import FILES, built

RANDOM = {"valueType": "randomInt", "config": {"min": 1, "max": 2}}
REVERSED = {"valueType": "randomInt", "config": {"min": 2, "max": 1}}
PART = {"valueType": "randomString", "config": {"minSize": 0, "maxSize": 1_000_000}}


@pytest.mark.parametrize(
    ("params", "path", "words"),
    [
        # The request line.
        ({"method": ""}, ".method", "the method '' is not an HTTP token"),
        ({"method": "GE T"}, ".method", "is not an HTTP token"),
        ({"method": "GET\r\n"}, ".method", "is not an HTTP token"),
        ({"method": "get"}, ".method", "did you mean 'GET'?"),
        ({"method": "CONNECT"}, ".method", "opens a tunnel"),
        ({"path": ""}, ".path", "'' does not begin with /"),
        ({"path": "a"}, ".path", "'a' does not begin with /"),
        ({"path": "http://host/"}, ".path", "does not begin with /"),
        ({"path": "${uuid}"}, ".path", "or with a column of the rows"),
        ({"path": "${uuid:raw}"}, ".path", "or with a column of the rows"),
        ({"path": "/a#b"}, ".path", "a fragment (#) is never sent"),
        ({"path": "/" * 8_001}, ".path", "Expected `str` of length <= 8000"),
        ({"query": {"a": None}}, ".query.a", "got `null`"),
        ({"query": {"a": {"b": 1}}}, ".query.a", "got `object`"),
        ({"query": {"a": ["b", "${x}"]}}, ".query.a", "unknown variable 'x'"),
        # Headers.
        ({"headers": {"": "x"}}, ".headers.", "'' is no name of a header"),
        ({"headers": {"X Y": "x"}}, ".headers.X Y", "'X Y' is no name of a header"),
        ({"headers": {"X:": "x"}}, ".headers.X:", "is no name of a header"),
        ({"headers": {"X": "a\r\nY: b"}}, ".headers.X", "cannot have '\\r' in its value"),
        ({"headers": {"X": "a\0"}}, ".headers.X", "cannot have '\\x00' in its value"),
        ({"headers": {"X": "a", "x": "b"}}, ".headers.x", "'x' is 'X' in other letters"),
        ({"targets": [{"path": "/", "headers": {"A": "", "a": ""}}]}, ".targets[0].headers.a", "in other letters"),
        ({"headers": {"Content-Length": "3"}}, ".headers.Content-Length", "follows from the body"),
        ({"headers": {"transfer-encoding": "chunked"}}, ".headers.transfer-encoding", "follows from the body"),
        # Bodies and credentials.
        ({"body": {}}, ".body", "a body is one of text, json, base64 and file; it has none"),
        ({"body": {"json": None}}, ".body", "null stands for none"),
        ({"body": {"text": "a", "json": 1}}, ".body", "it has text and json"),
        ({"body": {"base64": "a"}}, ".body.base64", "the body is not base64"),
        ({"body": {"base64": "YQ=\u00e9"}}, ".body.base64", "the body is not base64"),
        ({"body": {"bas64": "YQ=="}}, ".body.bas64", "did you mean 'base64'?"),
        ({"body": {"json": {"a": [{"b": "${x}"}]}}}, ".body.json.a[0].b", "unknown variable 'x'"),
        ({"body": {"json": {"${x}": 1}}}, ".body.json", "unknown variable 'x'"),
        ({"auth": {}}, ".auth", "auth is either basic or bearer"),
        ({"auth": {"bearer": "a", "basic": {"username": "b"}}}, ".auth", "either basic or bearer"),
        ({"auth": {"basic": {"username": "a:b"}}}, ".auth.basic.username", "cannot have a colon"),
        ({"auth": {"basic": {"password": "a"}}}, ".auth.basic", "missing required field `username`"),
        ({"auth": {"bearer": "a\nb"}}, ".auth.bearer", "cannot have '\\n' in its value"),
        ({"auth": {"bearer": "a"}, "headers": {"authorization": "b"}}, ".auth", "an Authorization already"),
        # Templates and variables.
        ({"path": "/${usr}", "variables": {"user": RANDOM}}, ".path", "unknown variable 'usr'; did you mean 'user'?"),
        ({"body": "${nwo}"}, ".body", "did you mean 'now'?"),
        ({"body": {"text": "${a"}}, ".body.text", "has no } behind it"),
        ({"headers": {"X": "${}"}}, ".headers.X", "names no variable"),
        ({"path": "/${seq:txt}"}, ".path", "unknown form 'txt' of ${seq}; did you mean 'text'?"),
        ({"path": "/${row.id}"}, ".path", "there is no file of `rows`"),
        ({"variables": {"a b": RANDOM}}, ".variables.a b", "'a b' is no name"),
        ({"variables": {"1a": RANDOM}}, ".variables.1a", "'1a' is no name"),
        ({"variables": {"uuid": RANDOM}}, ".variables.uuid", "'uuid' is built in"),
        ({"variables": {"a": {"valueType": "randomin", "config": {}}}}, ".variables.a.valueType", "mean 'randomInt'?"),
        ({"variables": {"a": REVERSED}}, ".variables.a.config.min", "above max"),
        # Statuses and checks.
        ({"expectedStatuses": []}, ".expectedStatuses", "length >= 1"),
        ({"expectedStatuses": [200, 199]}, ".expectedStatuses[1]", ">= 200"),
        ({"expectedStatuses": [600]}, ".expectedStatuses[0]", "<= 599"),
        ({"expectedStatuses": ["6xx"]}, ".expectedStatuses[0]", "matching regex"),
        ({"checks": [{"contains": "a"}, {}]}, ".checks[1]", "needs one of contains, regex and jsonPath"),
        ({"checks": [{"contains": ""}]}, ".checks[0].contains", "length >= 1"),
        ({"checks": [{"regex": "a("}]}, ".checks[0].regex", "'a(' is no regular expression: missing ), unterminated"),
        ({"checks": [{"jsonPath": {"path": "a"}}]}, ".checks[0].jsonPath", "missing required field `equals`"),
        ({"checks": [{"jsonPath": {"path": "a[*]", "equals": 1}}]}, ".checks[0].jsonPath.path", "is not understood"),
        ({"method": "HEAD", "checks": [{"contains": "a"}]}, ".checks", "the response to a HEAD has no body to check"),
        ({"targets": [{"path": "/", "checks": [{"regex": "["}]}]}, ".targets[0].checks[0].regex", "no regular"),
        # Targets.
        ({"targets": []}, ".targets", "length >= 1"),
        ({"targets": [{}]}, ".targets[0]", "missing required field `path`"),
        ({"targets": [{"path": "/", "weight": -1}]}, ".targets[0].weight", ">= 0"),
        ({"targets": [{"path": "/", "weight": 0}, {"path": "/a", "weight": 0}]}, ".targets", "all targets are 0"),
        ({"targets": [{"path": "/"}, {"path": "x"}]}, ".targets[1].path", "'x' does not begin with /"),
        ({"targets": [{"path": "/"}], "path": "/a"}, ".path", "give a path or targets, not both"),
        ({"targets": [{"path": "/", "method": "x y"}]}, ".targets[0].method", "is not an HTTP token"),
        ({"targets": [{"path": "/", "query": {"a": "${x}"}}]}, ".targets[0].query.a", "unknown variable"),
        ({"targets": [{"path": "/"}], "headers": {"A": "${x}"}}, ".headers.A", "unknown variable"),
        ({"targets": [{"path": "/"}] * 1_001}, ".targets", "length <= 1000"),
        # Files, as far as they need not be read.
        ({"rows": {"file": "users.txt"}}, ".rows.format", "its name does not end in .csv or .jsonl or .ndjson"),
        ({"rows": {"file": "a.csv", "order": "shuffled"}}, ".rows.order", "'shuffled'"),
        ({"rows": {}}, ".rows", "missing required field `file`"),
        ({"path": "${row.path:raw}", "query": {"a": 1}, "rows": {"file": "a.csv"}}, ".query.a", "add to it there"),
        ({"targetsFile": {"file": "t", "format": "har"}}, ".targetsFile.format", "'har'"),
        ({"targetsFile": {"file": "t"}, "path": "/a"}, ".path", "path has no meaning with targetsFile"),
        ({"targetsFile": {"file": "t"}, "method": "PUT"}, ".method", "no meaning"),
        ({"targetsFile": {"file": "t"}, "query": {"a": 1}}, ".query", "no meaning"),
        ({"targetsFile": {"file": "t"}, "targets": [{"path": "/"}]}, ".targets", "no meaning"),
        ({"targetsFile": {"file": "t"}, "variables": {"a": RANDOM}}, ".variables", "no meaning"),
        ({"targetsFile": {"file": "t"}, "rows": {"file": "a.csv"}}, ".rows", "no meaning"),
        ({"targetsFile": {"file": "t"}, "body": "${seq}"}, ".body", "the targets of a file are no templates"),
        ({"slip": 1}, ".slip", "unknown key 'slip'"),
        ({"expectStatuses": [200]}, ".expectStatuses", "did you mean 'expectedStatuses'?"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_refused_when_the_command_arrives(params: dict[str, Any], path: str, words: str) -> None:
    """No file is read for it; the message says what is wrong, and mostly what was meant."""
    with pytest.raises(InvalidParams) as refusal:
        HTTP.decode(params)
    assert refusal.value.path == path
    assert words in refusal.value.message


@pytest.mark.parametrize(
    ("params", "path", "words"),
    [
        ({"body": {"file": "nowhere"}}, ".body.file", "there is no file 'nowhere'"),
        ({"targets": [{"path": "/", "body": {"file": "x"}}]}, ".targets[0].body.file", "there is no file 'x'"),
        ({"rows": {"file": "nowhere.csv"}}, ".rows.file", "there is no file 'nowhere.csv'"),
        ({"rows": {"file": "ragged.csv"}}, ".rows.file", "ragged.csv: line 3 has 1 values, but line 1 names 2 columns"),
        ({"rows": {"file": "empty.csv"}}, ".rows.file", "empty.csv: line 1 names no columns"),
        ({"rows": {"file": "users.csv", "format": "jsonLines"}}, ".rows.file", "users.csv: line 1 is no JSON object"),
        ({"path": "/${row.nmae}", "rows": {"file": "users.csv"}}, ".path", "did you mean 'row.name'?"),
        ({"path": "/${row.name:txt}", "rows": {"file": "users.csv"}}, ".path", "unknown form 'txt' of ${row.name}"),
        ({"path": "${row.name:raw}", "rows": {"file": "users.csv"}}, ".path", "a row has the path 'Ann Lee', which"),
        ({"path": "${row.id:raw}", "rows": {"file": "users.jsonl"}}, ".path", "a row has the path '7'"),
        ({"body": "${a}" * 68, "variables": {"a": PART}}, ".path", "its values can be larger than 67108864 bytes"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_file_is_refused_before_anything_starts(
    params: dict[str, Any], path: str, words: str
) -> None:
    """The message names the file, and the line where there is one."""
    files = {**FILES, "ragged.csv": b"a,b\n1,2\n3\n", "empty.csv": b""}
    HTTP.decode(params)
    with pytest.raises(InvalidParams) as refusal:
        built(params, files)
    assert refusal.value.path == path
    assert words in refusal.value.message
