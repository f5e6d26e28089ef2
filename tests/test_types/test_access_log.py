"""Lines of access logs, as servers write them, and what is read of them."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from load_tester.domain.instant import parse_instant_ns
from test_types.access_log import clf_ns, combined, json_lines
from test_types.recorded import NotReplayable, Recorded, Rows

TIME = "02/Jan/2025:15:04:05 +0000"
NOW_NS = parse_instant_ns("2025-01-02T15:04:05Z")
MS = 1_000_000
TAIL = '200 512 "https://shop.example/" "Mozilla/5.0 (X11)"'


def read(rows: Rows) -> Recorded | None:
    """The only row of a file."""
    ((_, row),) = rows.numbered
    return rows.read(row)


def of_json(**members: Any) -> Recorded | None:
    """What is read of an object in a line of its own."""
    return read(json_lines(json.dumps(members).encode()))


@pytest.mark.parametrize(
    ("line", "method", "path"),
    [
        (f'127.0.0.1 - - [{TIME}] "GET / HTTP/1.1" {TAIL}', "GET", "/"),
        (f'127.0.0.1 - - [{TIME}] "POST /a?b=c HTTP/2.0" 204 -', "POST", "/a?b=c"),
        (f'shop.example:443 ::1 - frank [{TIME}] "HEAD /x HTTP/1.0" {TAIL}', "HEAD", "/x"),
        (f'127.0.0.1 - "a b" [{TIME}] "GET /two words HTTP/1.1" {TAIL}', "GET", "/two%20words"),
        (f'127.0.0.1 - - [{TIME}] "GET /q?\\"a\\\\b\\" HTTP/1.1" {TAIL}', "GET", '/q?"a\\b"'),
        (f'127.0.0.1 - - [{TIME}] "GET /\\xD0\\xB6\\x22 HTTP/1.1" {TAIL}', "GET", '/%D0%B6"'),
        (f'127.0.0.1 - - [{TIME}] "GET /ж HTTP/1.1" {TAIL}', "GET", "/%D0%B6"),
        (f'127.0.0.1 - - [{TIME}] "GET /old" {TAIL}', "GET", "/old"),
        (f'127.0.0.1 - - [{TIME}] "GET /%7Ejoe#top HTTP/1.1" {TAIL}', "GET", "/%7Ejoe"),
        (f'127.0.0.1 - - [{TIME}] "GET /crlf HTTP/1.1" {TAIL}\r', "GET", "/crlf"),
    ],
)
def test_a_line_of_the_combined_format_is_read(line: str, method: str, path: str) -> None:
    """Common and combined, with or without a virtual host; what servers escape or let pass becomes what can be sent."""
    assert read(combined(line.encode())) == Recorded(NOW_NS, method, "", path)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("127.0.0.1 GET /", "no time in brackets"),
        (f'127.0.0.1 - - [{TIME}] "-" 408 0', "'-' is no request"),
        (f'127.0.0.1 - - [{TIME}] "\\x16\\x03\\x01 HTTP/1.1" 400 0', "'\\x16\\x03\\x01' is no method"),
        (f'127.0.0.1 - - [{TIME}] "CONNECT a:443 HTTP/1.1" 400 0', "'CONNECT' is no method that can be replayed"),
        (f'127.0.0.1 - - [{TIME}] "OPTIONS * HTTP/1.1" 200 0', "'*' is neither a path nor a URL"),
        (f'127.0.0.1 - - [{TIME}] "GET ftp://a/ HTTP/1.1" 200 0', "'ftp://a/' is neither a path nor a URL"),
        ('127.0.0.1 - - [yesterday] "GET / HTTP/1.1" 200 0', "'yesterday' is no time like"),
        ('127.0.0.1 - - [02/Foo/2025:15:04:05 +0000] "GET / HTTP/1.1" 200 0', "is no time like"),
        ('127.0.0.1 - - [30/Feb/2025:15:04:05 +0000] "GET / HTTP/1.1" 200 0', "day is out of range"),
        ('127.0.0.1 - - [02/Jan/1969:15:04:05 +0000] "GET / HTTP/1.1" 200 0', "between 1970 and 2262"),
        ('127.0.0.1 - - [02/Jan/2025:15:04:05 +9900] "GET / HTTP/1.1" 200 0', "is no time"),
    ],
)
def test_a_line_without_a_request_that_can_be_replayed_says_why(line: str, words: str) -> None:
    """Noise of scanners and broken lines are not guessed at."""
    with pytest.raises(NotReplayable) as caught:
        read(combined(line.encode()))
    assert words in str(caught.value)


def test_a_request_to_a_proxy_names_its_host() -> None:
    """The URL may be a whole one; user and password in it are not the host's name."""
    line = f'127.0.0.1 - - [{TIME}] "GET http://me:secret@Shop.Example:8080?q=1 HTTP/1.1" {TAIL}'
    assert read(combined(line.encode())) == Recorded(NOW_NS, "GET", "shop.example:8080", "/?q=1")


@given(
    st.datetimes(datetime(1970, 1, 2), datetime(2261, 12, 30)),  # noqa: DTZ001 - the zone is drawn by itself
    st.integers(-14 * 60, 14 * 60),
)
def test_every_time_of_the_combined_format_is_read_in_its_zone(moment: datetime, minutes: int) -> None:
    """Days, months and zones as Python itself writes them; in English, whatever the locale."""
    there = moment.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=minutes)))
    month = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"][there.month - 1]
    text = f"{there:%d}/{month}/{there.year}:{there:%H:%M:%S %z}"
    assert clf_ns(text) == int(there.timestamp()) * 10**9


def test_fractions_of_a_second_are_kept() -> None:
    """Apache can be told to write them."""
    assert clf_ns("02/Jan/2025:15:04:05.120003 +0000") == NOW_NS + 120_003_000


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        (
            {"time": "2025-01-02T15:04:05.25Z", "method": "GET", "url": "https://shop.example/a?b"},
            Recorded(NOW_NS + 250 * MS, "GET", "shop.example", "/a?b"),
        ),
        (
            {"time_local": TIME, "request": "PUT /a HTTP/1.1", "host": "Shop.Example", "status": 200},
            Recorded(NOW_NS, "PUT", "shop.example", "/a"),
        ),
        (
            {"msec": "1735830246.100", "request_time": "0.100", "request_method": "GET", "uri": "/a", "args": "x=1"},
            Recorded(NOW_NS + 1000 * MS, "GET", "", "/a?x=1"),
        ),
        (
            {"time_iso8601": "2025-01-02T16:04:05+01:00", "request_method": "GET", "request_uri": "/a?x", "args": "x"},
            Recorded(NOW_NS, "GET", "", "/a?x"),
        ),
        (
            {
                "ts": 1735830247.5,
                "duration": 0.5,
                "request": {"method": "GET", "host": "shop.example", "uri": "/c", "headers": {"Accept": ["*/*"]}},
            },
            Recorded(NOW_NS + 2000 * MS, "GET", "shop.example", "/c"),
        ),
        (
            {
                "StartUTC": "2025-01-02T15:04:05Z", "time": "2025-01-02T15:04:09Z", "RequestMethod": "GET",
                "RequestPath": "/t", "RequestHost": "shop.example",
            },
            Recorded(NOW_NS, "GET", "shop.example", "/t"),
        ),
        (
            {
                "timestamp": 1735830245123, "method": "POST", "path": "/p", "query_string": "-", "body": "ж",
                "headers": {"Content-Type": "text/plain", "Content-Length": "2", "X-A": "1"},
            },
            Recorded(
                NOW_NS + 123 * MS, "POST", "", "/p", (("Content-Type", "text/plain"), ("X-A", "1")), "ж".encode()
            ),
        ),
        ({"ts": 1.5, "method": "GET", "url": "/ж"}, Recorded(1500 * MS, "GET", "", "/%D0%B6")),
    ],
)  # fmt: skip
def test_the_words_of_several_servers_are_understood(members: dict[str, Any], expected: Recorded) -> None:
    """Those of nginx, Caddy, Traefik, and plain ones; the start counts where end and duration are logged."""
    assert of_json(**members) == expected


@pytest.mark.parametrize("unit", [1, 1_000, 1_000_000, 1_000_000_000])
def test_numbers_may_count_seconds_or_parts_of_them(unit: int) -> None:
    """The size of the number tells; as a number, as a text, and with a fraction."""
    for value in (1735830245 * unit, str(1735830245 * unit), float(1735830245 * unit)):
        made = of_json(ts=value, method="GET", url="/")
        assert made is not None
        assert made.at_ns == NOW_NS


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"method": "GET", "url": "/"}, "there is no time in it"),
        ({"ts": 1, "url": "/"}, "there is no method in it"),
        ({"ts": 1, "method": "GET"}, "there is no url in it"),
        ({"ts": 1, "method": "GET", "url": "a/b"}, "'a/b' is neither a path nor a URL"),
        ({"ts": "noon", "method": "GET", "url": "/"}, "'noon' is not an instant"),
        ({"ts": True, "method": "GET", "url": "/"}, "True is no instant"),
        ({"ts": [], "method": "GET", "url": "/"}, "[] is no instant"),
        ({"ts": -1, "method": "GET", "url": "/"}, "-1 is no instant"),
        ({"ts": 1e30, "method": "GET", "url": "/"}, "is no instant"),
        ({"ts": 9e10, "method": "GET", "url": "/"}, "is no instant before 2262"),
        ({"ts": 1, "method": "G T", "url": "/"}, "'G T' is no method"),
        ({"ts": 1, "method": "GET", "url": "/", "headers": ["a"]}, "'headers' is no object of texts"),
        ({"ts": 1, "method": "GET", "url": "/", "headers": {"a b": "c"}}, "the header 'a b' is not well-formed"),
        ({"ts": 1, "method": "GET", "url": "/", "headers": {"a": "c\r\nd: e"}}, "the header 'a' is not well-formed"),
        ({"ts": 1, "method": "GET", "url": "/", "body": {}}, "'body' is no text"),
    ],
)
def test_an_object_without_a_request_that_can_be_replayed_says_why(members: dict[str, Any], words: str) -> None:
    """What is missing or wrong is named."""
    with pytest.raises(NotReplayable) as caught:
        of_json(**members)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("line", "words"), [(b"{", "it is no JSON"), (b"[]", "no JSON object"), (b'{"\xff":1}', "JSON")]
)
def test_a_line_that_is_no_object_says_so(line: bytes, words: str) -> None:
    """Also when it is not even text."""
    with pytest.raises(NotReplayable, match=words):
        read(json_lines(line))


def test_now_is_now() -> None:
    """The instant of these tests is the one that the lines name."""
    assert datetime.fromtimestamp(NOW_NS // 10**9, UTC).isoformat() == "2025-01-02T15:04:05+00:00"
