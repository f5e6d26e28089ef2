"""Files of targets are read as vegeta reads them. The tables follow its own tests (`lib/targets_test.go`)."""

import json

import pytest

from test_types.vegeta_targets import MAX_TARGETS, FileTarget, InvalidTargets, json_targets, text_targets

BODIES = {"body.json": b'{"a": 1}', " spaced": b"spaces"}

TEXT = b"""\

  # a comment
GET http://goku:9090/path/to/dragon?item=ball
X-Account-ID: 99
X-Account-ID:  100
# another one, among the headers
x-lower: a: b

DELETE https://foo.bar/a/b/c
PUT  /relative
@body.json
POST http://foo.bar/
# a comment before the first header
Content-Type: text/plain
@body.json
HEAD http://foo.bar/last
"""


def read_body(name: str) -> bytes:
    """The content of one of the files above."""
    if name not in BODIES:
        raise LookupError(f"there is no file {name!r}")
    return BODIES[name]


@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
def test_a_text_has_these_targets(ending: bytes) -> None:
    """Blank lines, bodies and methods end targets; headers may come twice, in any case; comments are left out."""
    assert text_targets(TEXT.replace(b"\n", ending), read_body) == [
        FileTarget(
            3,
            "GET",
            "http://goku:9090/path/to/dragon?item=ball",
            (("X-Account-ID", "99"), ("X-Account-ID", "100"), ("x-lower", "a: b")),
            None,
        ),
        FileTarget(9, "DELETE", "https://foo.bar/a/b/c", (), None),
        FileTarget(10, "PUT", "/relative", (), b'{"a": 1}'),
        FileTarget(12, "POST", "http://foo.bar/", (("Content-Type", "text/plain"),), b'{"a": 1}'),
        FileTarget(16, "HEAD", "http://foo.bar/last", (), None),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "there are no targets"),
        ("# nothing\n\n", "there are no targets"),
        ("GET", "line 1 is no target: expected a method and a URL, got 'GET'"),
        ("\nGET ", "line 2 is no target: expected a method and a URL, got 'GET'"),
        ("get http://a/", "line 1 is no target: expected a method and a URL, got 'get http://a/'"),
        ("http://a/", "line 1 is no target"),
        ("GET http://a/\nX-Nothing", "line 2 is no header: expected a name, a colon and a value, got 'X-Nothing'"),
        ("GET http://a/\nX-Nothing:", "line 2 is no header"),
        ("GET http://a/\n: 1", "line 2 is no header"),
        (
            "GET /\nA: b\nPUT /c",
            "line 3 is no header: expected a name, a colon and a value, got 'PUT /c'; a blank line ends a target",
        ),
        ("GET http://a/\nA: b\nGET http://b/", "line 3 is no header"),
        ("GET http://a/\n@nowhere", "line 2: there is no file 'nowhere'"),
        ("GET /\n" * (MAX_TARGETS + 1), f"there are more than {MAX_TARGETS} targets"),
    ],
)
def test_a_text_that_vegeta_would_refuse_is_refused(text: str, message: str) -> None:
    """The message names the line."""
    with pytest.raises(InvalidTargets) as refusal:
        text_targets(text.encode(), read_body)
    assert str(refusal.value).startswith(message)


def test_lines_of_json_are_these_targets() -> None:
    """Bodies are in base64, headers have lists of values, blank lines are skipped."""
    lines = [
        {"method": "POST", "url": "https://goku/1", "header": {"A": ["b", "c"], "D": []}, "body": "Rk9P"},
        {"method": "GET", "url": "/2", "header": None, "body": None},
        {"method": "get", "url": "x", "body": ""},
    ]
    content = "\n\n".join(map(json.dumps, lines)).encode()
    assert json_targets(content) == [
        FileTarget(1, "POST", "https://goku/1", (("A", "b"), ("A", "c")), b"FOO"),
        FileTarget(3, "GET", "/2", (), None),
        FileTarget(5, "get", "x", (), None),
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "there are no targets"),
        (b"{", "line 1 is no target: Input data was truncated"),
        (b"\n[]", "line 2 is no target: Expected `object`, got `array`"),
        (b'{"url": "/"}', "line 1 is no target: Object missing required field `method`"),
        (b'{"method": "GET"}', "line 1 is no target: Object missing required field `url`"),
        (b'{"method": "", "url": "/"}', "line 1 is no target: Expected `str` of length >= 1 - at `$.method`"),
        (
            b'{"method": "GET", "url": "/", "headers": {}}',
            "line 1 is no target: Object contains unknown field `headers`",
        ),
        (b'{"method": "GET", "url": "/", "header": {"A": "b"}}', "line 1 is no target: Expected `array`, got `str`"),
        (b'{"method": "GET", "url": "/", "body": "F"}', "line 1 has a body that is not base64"),
        (b'{"method": "GET", "url": "/", "body": "\xc3\xa9"}', "line 1 has a body that is not base64"),
        (b"\n\xff", "line 2 is not UTF-8"),
        (b'{"method":"GET","url":"/"}\n' * (MAX_TARGETS + 1), f"there are more than {MAX_TARGETS} targets"),
    ],
)
def test_lines_that_are_no_targets_are_refused(content: bytes, message: str) -> None:
    """The message names the line."""
    with pytest.raises(InvalidTargets) as refusal:
        json_targets(content)
    assert str(refusal.value).startswith(message)
