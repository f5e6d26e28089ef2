"""Result files of JMeter and vegeta, and what is read of them."""

import base64
import csv
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from test_types.recorded import NotReplayable, Recorded, Rows
from test_types.result_file import jtl, vegeta_csv, vegeta_json

JTL_NAMES = (
    "timeStamp,elapsed,label,responseCode,responseMessage,threadName,dataType,success,failureMessage,bytes,sentBytes,"
    "grpThreads,allThreads,URL,Latency,IdleTime,Connect"
)
TIME_NS = 1_735_830_245_123_456_789


def read(rows: Rows) -> list[tuple[int, Recorded | None]]:
    """All rows with the lines at which they begin."""
    return [(number, rows.read(row)) for number, row in rows.numbered]


def jtl_row(label: str = "home", url: str = "http://shop.example/a?b=c", time: str = "1735830245123") -> str:
    """A row of JMeter's, as it stands in the file."""
    return f"{time},12,{label},200,OK,Thread 1-1,text,true,,512,120,1,1,{url},11,0,1"


def vegeta_row(**changes: str) -> list[str]:
    """The fields of a result of vegeta's."""
    fields = {
        "timestamp": str(TIME_NS), "code": "200", "latency": "1234567", "bytes_out": "0", "bytes_in": "2", "error": "",
        "body": "b2s=", "attack": "a", "seq": "0", "method": "GET", "url": "http://shop.example/a?b=c", "headers": "",
    }  # fmt: skip
    return list({**fields, **changes}.values())


def written(rows: list[list[str]]) -> bytes:
    """The rows as a CSV file."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def test_a_jtl_tells_time_url_and_sometimes_the_method() -> None:
    """Times are milliseconds; what a label begins with is a method only if it is one; sums have no URL."""
    rows = [jtl_row(), jtl_row("POST /a"), jtl_row("GET"), jtl_row("Postal code"), jtl_row("sum", "null")]
    at_ns = 1_735_830_245_123_000_000
    got = read(jtl("\r\n".join([JTL_NAMES, *rows]).encode()))
    assert [number for number, _ in got] == [2, 3, 4, 5, 6]
    made = [each for _, each in got]
    assert made[0] == Recorded(at_ns, "GET", "shop.example", "/a?b=c")
    assert [each and each.method for each in made] == ["GET", "POST", "GET", "GET", None]


def test_columns_of_a_jtl_are_found_by_name() -> None:
    """Old versions of JMeter write fewer of them, and their order can be changed."""
    assert read(jtl(b"URL,timeStamp\nhttp://a/b,5\n")) == [(2, Recorded(5_000_000, "GET", "a", "/b"))]


def test_a_quoted_field_may_go_on_in_the_next_line() -> None:
    """The row counts as that of the line at which it begins."""
    rows = [JTL_NAMES, jtl_row('"a ""label"",\nof two lines"'), jtl_row()]
    got = read(jtl("\n".join(rows).encode()))
    assert [number for number, _ in got] == [2, 4]
    assert all(each is not None and each.path == "/a?b=c" for _, each in got)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("timeStamp,elapsed\n1,2", "the first line names no column 'URL'"),
        ("label,URL\na,b", "the first line names no column 'timeStamp'"),
        ("", "the first line names no column"),
        (f"{JTL_NAMES}\n1,2", "it has 2 fields, and the first line names 17"),
        (f"{JTL_NAMES}\n{jtl_row(time='2025/01/02 15:04:05')}", "which is not in milliseconds, JMeter's default"),
        (f"{JTL_NAMES}\n{jtl_row(url='about:blank')}", "'about:blank' is neither a path nor a URL"),
        (f'{JTL_NAMES}\n1,"2', "line 2: unexpected end of data"),
    ],
)
def test_a_jtl_that_cannot_be_replayed_says_why(content: str, words: str) -> None:
    """What is missing or wrong is named."""
    with pytest.raises(NotReplayable) as caught:
        read(jtl(content.encode()))
    assert words in str(caught.value)


EXPECTED = Recorded(TIME_NS, "GET", "shop.example", "/a?b=c")


def vegeta_object(**changes: Any) -> bytes:
    """A result of vegeta's in JSON."""
    fields = {
        "attack": "a", "seq": 0, "code": 200, "timestamp": "2025-01-02T15:04:05.123456789Z", "latency": 1234567,
        "bytes_out": 0, "bytes_in": 2, "error": "", "body": "b2s=", "method": "GET", "url": "http://shop.example/a?b=c",
        "headers": {"Content-Type": ["text/plain"]},
    }  # fmt: skip
    return json.dumps({**fields, **changes}).encode() + b"\n"


def test_results_of_vegeta_tell_time_method_and_url() -> None:
    """To the nanosecond; body and headers are those of the response, and are not sent."""
    assert read(vegeta_csv(written([vegeta_row()] * 2))) == [(1, EXPECTED), (2, EXPECTED)]
    assert read(vegeta_json(vegeta_object() + vegeta_object(error="ж"))) == [(1, EXPECTED), (2, EXPECTED)]


@given(st.text(), st.binary(max_size=30))
def test_whatever_the_target_said_does_not_matter(error: str, body: bytes) -> None:
    """Error texts with commas, quotes and line breaks are read over."""
    row = vegeta_row(error=error.replace("\0", ""), body=base64.b64encode(body).decode())
    assert [made for _, made in read(vegeta_csv(written([row, vegeta_row()])))] == [EXPECTED] * 2


def test_a_large_response_is_no_obstacle() -> None:
    """Vegeta keeps bodies whole, beyond what a field of a CSV file usually may be."""
    row = vegeta_row(body="A" * 400_000)
    assert read(vegeta_csv(written([row]))) == [(1, EXPECTED)]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (vegeta_csv(written([vegeta_row()[:9]])), "it has 9 fields; a result of vegeta has 12"),
        (vegeta_csv(written([vegeta_row(timestamp="noon")])), "the time is 'noon', which is not in nanoseconds"),
        (vegeta_csv(written([vegeta_row(timestamp="9" * 19)])), "which is not in nanoseconds"),
        (vegeta_csv(written([vegeta_row(method="")])), "'' is no method"),
        (vegeta_json(vegeta_object(method="")), "'' is no method"),
        (vegeta_json(vegeta_object(timestamp=5)), "it is no result of vegeta"),
        (vegeta_json(vegeta_object(timestamp="noon")), "'noon' is not an instant"),
        (vegeta_json(b"{}"), "missing required field `timestamp`"),
    ],
)
def test_a_result_of_vegeta_that_cannot_be_replayed_says_why(rows: Rows, words: str) -> None:
    """Old versions did not tell method and URL."""
    with pytest.raises(NotReplayable) as caught:
        read(rows)
    assert words in str(caught.value)
