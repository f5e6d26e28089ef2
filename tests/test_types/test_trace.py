"""Traces: found out, read, put into order, and spread over their time."""

from collections import Counter
from contextlib import suppress
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from load_tester.domain.duration import SECOND
from test_types.recorded import Recorded
from test_types.trace import (
    FORMATS,
    Choice,
    Format,
    SeveralHosts,
    UnreadableTrace,
    detected,
    read_trace,
    scaled,
    spread,
)

ALL = Choice()


def clf(second: int, path: str, method: str = "GET") -> str:
    """A line of the combined format; `second` is of one minute."""
    return f'127.0.0.1 - - [02/Jan/2025:15:04:{second:02} +0000] "{method} {path} HTTP/1.1" 200 5 "-" "curl"'


def log(*lines: str) -> bytes:
    """A file of these lines."""
    return "".join(f"{line}\n" for line in lines).encode()


def paths(trace: list[Recorded]) -> list[tuple[int, str]]:
    """When what is asked for."""
    return [(each.at_ns, each.path) for each in trace]


SAMPLES: dict[Format, bytes] = {
    "combined": log(clf(5, "/a")),
    "json": log('{"ts": 1.5, "method": "GET", "url": "/a"}'),
    "jtl": log("timeStamp,elapsed,label,URL", "1735830245123,5,home,http://a/a"),
    "vegeta-csv": log("1735830245123456789,200,1234,0,2,,b2s=,name,0,GET,http://a/a,"),
    "vegeta-json": log(
        '{"attack":"","seq":0,"code":200,"timestamp":"2025-01-02T15:04:05Z","latency":5,"bytes_out":0,"bytes_in":2,'
        '"error":"","body":"b2s=","method":"GET","url":"http://a/a","headers":null}'
    ),
}


@pytest.mark.parametrize("mark", [b"", b"\n \n", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("form", FORMATS)
def test_the_format_is_found_out_from_the_first_line(form: Format, mark: bytes) -> None:
    """Also behind blank lines and a byte order mark."""
    assert detected(SAMPLES[form]) == form
    assert paths(read_trace(mark + SAMPLES[form], None, ALL)) == [(0, "/a")]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "its first line, '', is of no format that is known"),
        (b"hello", "its first line, 'hello', is of no format that is known"),
        (b'<?xml version="1.0"?>', "have JMeter write its results as CSV"),
        (b"R\xff\x81\x03\x01\x01\x06Result\x01", "use `vegeta encode --to csv`"),
    ],
)
def test_a_file_of_no_known_format_is_refused(content: bytes, words: str) -> None:
    """The message shows how it begins, and helps with what comes from the same tools."""
    with pytest.raises(UnreadableTrace) as caught:
        read_trace(content, None, ALL)
    assert words in str(caught.value)


@given(st.binary(max_size=200), st.sampled_from([None, *FORMATS]), st.booleans())
def test_any_bytes_are_a_trace_or_are_refused(content: bytes, form: Format | None, skip: bool) -> None:
    """Nothing else comes of them, whatever they are taken for."""
    with suppress(UnreadableTrace, SeveralHosts):
        assert read_trace(content, form, Choice(skip=skip))[0].at_ns == 0


def test_requests_are_sorted_by_time_and_counted_from_the_first() -> None:
    """Logs are written when requests end, so a slow one stands behind those that came after it."""
    content = log(*(f'{{"ts": {second}, "method": "GET", "url": "/{second}"}}' for second in (12.5, 10.25, 11)))
    assert paths(read_trace(content, None, ALL)) == [(0, "/10.25"), (750_000_000, "/11"), (2_250_000_000, "/12.5")]


def test_whole_seconds_are_spread_evenly_in_the_order_of_the_file() -> None:
    """The combined format tells no more, and a burst at each second would be an invention."""
    content = log(clf(6, "/d"), clf(5, "/a"), clf(5, "/b"), clf(5, "/c"))
    third = SECOND // 3
    assert paths(read_trace(content, None, ALL)) == [(0, "/a"), (third, "/b"), (2 * third, "/c"), (SECOND, "/d")]


def test_results_of_load_testers_are_never_spread() -> None:
    """They tell instants exactly, even if these happen to be whole seconds."""
    rows = ("timeStamp,URL", "1735830245000,http://a/a", "1735830245000,http://a/b")
    assert paths(read_trace(log(*rows), None, ALL)) == [(0, "/a"), (0, "/b")]


@given(st.lists(st.integers(0, 20), min_size=1, max_size=60), st.booleans())
def test_spreading_keeps_order_and_seconds(seconds: list[int], fine: bool) -> None:
    """Each request stays in its second, all of one are equally far apart; with a fraction anywhere nothing is moved."""
    ordered = [Recorded(second * SECOND + fine, "GET", "", "/") for second in sorted(seconds)]
    instants = [each.at_ns for each in spread(ordered)]
    if fine:
        assert instants == [each.at_ns for each in ordered]
    else:
        assert [at_ns // SECOND for at_ns in instants] == sorted(seconds)
        for second, count in Counter(seconds).items():
            own = [at_ns % SECOND for at_ns in instants if at_ns // SECOND == second]
            assert own == [number * SECOND // count for number in range(count)]


@given(
    st.lists(st.integers(0, 2**62), max_size=20), st.integers(1, 1_000_000).map(lambda thousandths: thousandths / 1000)
)
def test_scaling_is_exact_and_keeps_order(instants_ns: list[int], speed: float) -> None:
    """Divided by the speed as it is written, rounded down to a nanosecond."""
    ordered = sorted(instants_ns)
    got = scaled(ordered, speed)
    assert got == sorted(got) == [at_ns // Fraction(str(speed)) for at_ns in ordered]


def test_a_line_that_cannot_be_replayed_is_told_by_its_number() -> None:
    """Or left out, if that is wished for; what remains is the trace."""
    content = log(clf(5, "/a"), "", "noise", clf(6, "/b"))
    with pytest.raises(UnreadableTrace, match=r"^line 3: there is no time in brackets"):
        read_trace(content, None, ALL)
    assert [path for _, path in paths(read_trace(content, None, Choice(skip=True)))] == ["/a", "/b"]


def test_rows_that_are_no_requests_are_no_mistakes() -> None:
    """JMeter's sums have no URL."""
    rows = ("timeStamp,label,URL", "5,sum,null", "6,home,http://a/a")
    assert paths(read_trace(log(*rows), None, ALL)) == [(0, "/a")]


def test_a_broken_first_line_of_json_is_a_line_like_any_other() -> None:
    """What it was meant to be is clear enough to say what is wrong with it."""
    with pytest.raises(UnreadableTrace, match=r"^line 1: it is no JSON: "):
        read_trace(b'{"ts": 1,', None, ALL)


def test_a_file_that_is_broken_as_a_whole_is_refused_even_then() -> None:
    """Behind an open quotation mark nobody knows where the next row begins."""
    with pytest.raises(UnreadableTrace, match=r"^line 2: "):
        read_trace(log("timeStamp,URL", '5,"http://a/', "6,http://a/"), "jtl", Choice(skip=True))


@pytest.mark.parametrize("choice", [Choice(frozenset({"POST"})), Choice(hosts=frozenset({"b"}))])
def test_a_trace_of_which_nothing_is_left_is_refused(choice: Choice) -> None:
    """An attack without a hit would measure nothing."""
    with pytest.raises(UnreadableTrace, match="there is no request in it that is to be replayed"):
        read_trace(SAMPLES["jtl"], None, choice)


def test_only_the_wanted_methods_are_taken() -> None:
    """The trace then begins with the first of those."""
    content = log(clf(5, "/a", "POST"), clf(7, "/b"), clf(8, "/c", "HEAD"), clf(8, "/d", "PUT"))
    chosen = read_trace(content, None, Choice(frozenset({"GET", "HEAD"})))
    assert paths(chosen) == [(0, "/b"), (SECOND, "/c")]


def test_of_several_hosts_one_has_to_choose() -> None:
    """What was meant for others must not hit the target by accident; requests that name no host are always taken."""
    lines = [
        f'{{"ts": {1.5 + number}, "method": "GET", "url": "{url}"}}'
        for number, url in enumerate(("http://A/1", "http://a/2", "http://cdn:81/3", "/4"))
    ]
    with pytest.raises(SeveralHosts, match="requests to 2 hosts; name those that the target stands for: 'a', 'cdn:81'"):
        read_trace(log(*lines), None, ALL)
    assert [path for _, path in paths(read_trace(log(*lines), None, Choice(hosts=frozenset({"a"}))))] == [
        "/1",
        "/2",
        "/4",
    ]
    both = Choice(hosts=frozenset({"a", "cdn:81"}))
    assert len(read_trace(log(*lines), None, both)) == 4
